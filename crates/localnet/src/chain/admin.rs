//! What stands outside any message of the protocol: governance, verifiers, the model's trainer. In the
//! process through [`ChainHandle::administer`](super::ChainHandle::administer), from others as
//! `POST /localnet/<operation>` on the RPC port with the operation's fields as JSON; what was done then
//! stands in a block before it is answered.

use cosmrs::proto::cosmos::staking::v1beta1::MsgDelegate;
use r3mes_chain::proto::{GlobalModelState, NodeStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::coins::Coin;
use super::context::Context;
use super::error::{Refusal, remes as code};
use super::modules::{bank, challenge, distribution, remes};
use super::node::Node;

/// An operation of the administrator's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub enum Operation {
    /// Authorizes a proposer (`apa_`).
    GrantProposer {
        /// Its address.
        address: String,
    },
    /// Takes a proposer's authorization away.
    RevokeProposer {
        /// Its address.
        address: String,
    },
    /// Authorizes a validator (`ava_`).
    GrantValidator {
        /// Its address.
        address: String,
    },
    /// Takes a validator's authorization away.
    RevokeValidator {
        /// Its address.
        address: String,
    },
    /// Sets a registered node's status to suspended.
    Suspend {
        /// Its address.
        address: String,
    },
    /// Sets a registered node's status to active.
    Reinstate {
        /// Its address.
        address: String,
    },
    /// Takes an amount of the stake denom from a node's balance and counts a slashing event.
    Slash {
        /// Its address.
        address: String,
        /// Units.
        #[serde(with = "decimal")]
        amount: u128,
        /// Why, as the event says it.
        #[serde(default)]
        reason: String,
    },
    /// Challenges an aggregation; the challenger's bond is taken. Answers `challenge_id`.
    Challenge {
        /// The aggregation.
        aggregation_id: u64,
        /// Who challenges.
        challenger: String,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Decides a challenge.
    ResolveChallenge {
        /// The challenge.
        challenge_id: u64,
        /// Whether the proposer loses.
        guilty: bool,
    },
    /// Reports that an aggregation left out a pending gradient.
    ReportCensorship {
        /// The aggregation.
        aggregation_id: u64,
        /// The gradient that it left out.
        gradient_id: u64,
        /// Who reports.
        reporter: String,
    },
    /// Mints coins for an account, as a faucet would.
    Fund {
        /// Its address.
        address: String,
        /// Units.
        #[serde(with = "decimal")]
        amount: u128,
        /// Their denom.
        denom: String,
    },
    /// Delegates an account's coins with every validator, so that it earns rewards that can be claimed.
    Delegate {
        /// Its address.
        address: String,
        /// Units of the fee denom, with each.
        #[serde(with = "decimal")]
        amount: u128,
    },
    /// Writes the global model's state.
    SetGlobalModel(ModelState),
    /// Drops every transaction that waits for a block.
    FlushMempool,
    /// Makes blocks now. Answers the `height` reached.
    ProduceBlocks {
        /// How many; 10000 at most.
        count: u32,
    },
}

/// The global model's state as the trainer knows it; height and time are the chain's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelState {
    /// CID of the model.
    pub model_ipfs_hash: String,
    /// Its version.
    pub model_version: String,
    /// The round whose aggregate it holds.
    #[serde(default)]
    pub training_round_id: u64,
    /// That aggregate's id.
    #[serde(default)]
    pub last_aggregation_id: u64,
}

impl From<GlobalModelState> for ModelState {
    fn from(state: GlobalModelState) -> Self {
        ModelState {
            model_ipfs_hash: state.model_ipfs_hash,
            model_version: state.model_version,
            training_round_id: state.training_round_id,
            last_aggregation_id: state.last_aggregation_id,
        }
    }
}

impl Operation {
    /// Runs it between two blocks.
    pub(crate) fn run(self, node: &mut Node) -> Result<Value, Refusal> {
        match self {
            Operation::FlushMempool => {
                node.mempool.flush();
                node.state.reset_check();
                return Ok(json!({}));
            }
            // Blocks are made by the handle, which announces them.
            Operation::ProduceBlocks { .. } => return Ok(json!({ "height": node.height().to_string() })),
            _ => {}
        }
        let answer = node.state.administer(|ctx| self.apply(ctx))?;
        // Balances may have changed under what waits.
        node.recheck();
        Ok(answer)
    }

    fn apply(self, ctx: &mut Context<'_>) -> Result<Value, Refusal> {
        match self {
            Operation::GrantProposer { address } => remes::set_flag(ctx, remes::proposer_key(&address), true),
            Operation::RevokeProposer { address } => {
                remes::set_flag(ctx, remes::proposer_key(&address), false)
            }
            Operation::GrantValidator { address } => {
                remes::set_flag(ctx, remes::validator_key(&address), true)
            }
            Operation::RevokeValidator { address } => {
                remes::set_flag(ctx, remes::validator_key(&address), false);
            }
            Operation::Suspend { address } => set_status(ctx, &address, NodeStatus::Suspended)?,
            Operation::Reinstate { address } => set_status(ctx, &address, NodeStatus::Active)?,
            Operation::Slash { address, amount, reason } => {
                let taken = remes::slash(ctx, &address, amount, &reason)?;
                return Ok(json!({ "taken": taken.to_string() }));
            }
            Operation::Challenge { aggregation_id, challenger, reason } => {
                let id = challenge::open(ctx, aggregation_id, &challenger, &reason)?;
                return Ok(json!({ "challenge_id": id.to_string() }));
            }
            Operation::ResolveChallenge { challenge_id, guilty } => {
                challenge::resolve(ctx, challenge_id, guilty)?;
            }
            Operation::ReportCensorship { aggregation_id, gradient_id, reporter } => {
                challenge::report_censorship(ctx, aggregation_id, gradient_id, &reporter)?;
            }
            Operation::Fund { address, amount, denom } => {
                let coin = Coin::new(amount, denom);
                bank::mint(ctx, "faucet", &coin)?;
                let faucet = super::modules::auth::module_address("faucet", &ctx.config.prefix);
                bank::send(ctx, &faucet, &address, &[coin])?;
            }
            Operation::Delegate { address, amount } => {
                for validator in distribution::validators(ctx) {
                    let coin = Coin::new(amount, ctx.config.fee_denom.clone());
                    let message = MsgDelegate {
                        delegator_address: address.clone(),
                        validator_address: validator,
                        amount: Some(coin.to_proto()),
                    };
                    distribution::delegate(ctx, &message)?;
                }
            }
            Operation::SetGlobalModel(model) => {
                let record = GlobalModelState {
                    model_ipfs_hash: model.model_ipfs_hash,
                    model_version: model.model_version,
                    last_updated_height: ctx.block.height,
                    last_updated_time: Some(ctx.block.time.into()),
                    training_round_id: model.training_round_id,
                    last_aggregation_id: model.last_aggregation_id,
                };
                ctx.set_record(remes::MODEL.to_vec(), &record);
            }
            Operation::FlushMempool | Operation::ProduceBlocks { .. } => {}
        }
        Ok(json!({}))
    }
}

fn set_status(ctx: &mut Context<'_>, address: &str, status: NodeStatus) -> Result<(), Refusal> {
    let Some(mut registration) = remes::registration(ctx, address)? else {
        return Err(code::INVALID_NODE.because(format_args!("{address} is not a registered node")));
    };
    registration.set_status(status);
    ctx.set_record(remes::registration_key(address), &registration);
    Ok(())
}

/// Amounts cross JSON as decimal strings.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(amount: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&amount.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom(format!("expected a decimal amount, got {text:?}")))
    }
}
