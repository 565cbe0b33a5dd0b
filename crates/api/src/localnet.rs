//! A local network for a proposer: chain, IPFS node and training miners, with the profile that leads to it.

use std::time::Duration;

use r3mes_chain::ChainSpec;
use r3mes_config::{Decimal, LocalnetSeed, NetworkProfile};
use r3mes_localnet::chain::Operation;
use r3mes_localnet::miners::attacks::{Attack, UnknownAttack};
use r3mes_localnet::miners::training::TrainingEvent;
use r3mes_localnet::{Localnet, LocalnetConfig, MinersConfig, Role};
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::{ApiError, ErrorCode};

/// What a local network is like.
#[derive(Clone, Debug)]
pub struct LocalNetworkOptions {
    /// Everything random follows from it.
    pub seed: u64,
    /// Miners that train.
    pub miners: u32,
    /// Those that attack.
    pub byzantine: u32,
    /// What they do, in kebab case.
    pub attack: String,
    /// Milliseconds between two blocks.
    pub block_ms: u64,
    /// Training rounds after which the miners rest; the chain runs on.
    pub rounds: Option<u64>,
    /// Port of the chain's RPC; 0 takes a free one.
    pub rpc_port: u16,
    /// Port of the IPFS RPC; 0 takes a free one.
    pub ipfs_port: u16,
    /// The RPC of another IPFS node that the miners use instead of the network's own.
    pub ipfs_api: Option<String>,
    /// Gas that the transactions of one block may want together.
    pub max_block_gas: u64,
    /// Bytes that the chain takes in one transaction.
    pub max_tx_bytes: usize,
}

impl Default for LocalNetworkOptions {
    fn default() -> Self {
        let chain = LocalnetConfig::default();
        LocalNetworkOptions {
            seed: 1,
            miners: 12,
            byzantine: 3,
            attack: Attack::SignFlip.name().to_owned(),
            block_ms: 200,
            rounds: None,
            rpc_port: 0,
            ipfs_port: 0,
            ipfs_api: None,
            max_block_gas: chain.max_block_gas,
            max_tx_bytes: chain.max_tx_bytes,
        }
    }
}

/// What a training round came to.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingReport {
    /// The training round.
    pub round: u64,
    /// The aggregation on the chain.
    pub aggregation_id: u64,
    /// Who made it.
    pub proposer: String,
    /// How many gradients are in it.
    pub participants: usize,
    /// The aggregate's CID.
    pub cid: String,
    /// The global model's accuracy on held-back rows afterwards, 0 to 1.
    pub accuracy: f64,
    /// Why the aggregate was not applied, if it was not.
    pub not_applied: Option<String>,
}

/// What [`LocalNetwork::grant`] delegates with each validator, in the fee denom: what the seed's own proposer
/// has delegated at genesis.
const DELEGATION: u128 = 1_000_000;

/// A running local network.
#[derive(Debug)]
pub struct LocalNetwork {
    network: Localnet,
    events: broadcast::Receiver<TrainingEvent>,
    profile: NetworkProfile,
}

impl LocalNetwork {
    /// Starts chain, IPFS and miners.
    ///
    /// # Errors
    /// When a port is taken, or the options do not fit together.
    pub async fn start(options: &LocalNetworkOptions) -> Result<LocalNetwork, ApiError> {
        let attack: Attack = options
            .attack
            .parse()
            .map_err(|error: UnknownAttack| ApiError::new(ErrorCode::Request, error.to_string()))?;
        let ipfs_api = options.ipfs_api.as_deref().map(str::parse).transpose().map_err(|error| {
            ApiError::new(ErrorCode::Request, format!("read the address of the IPFS node: {error}"))
        })?;
        let network = Localnet::start(LocalnetConfig {
            seed: options.seed,
            miners: options.miners,
            block_interval: Some(Duration::from_millis(options.block_ms)),
            rpc_port: options.rpc_port,
            ipfs_port: options.ipfs_port,
            ipfs_api,
            max_block_gas: options.max_block_gas,
            max_tx_bytes: options.max_tx_bytes,
            training: Some(MinersConfig {
                byzantine: options.byzantine,
                attack: Some(attack),
                max_rounds: options.rounds,
            }),
            ..LocalnetConfig::default()
        })
        .await?;
        let events = match network.training() {
            Some(training) => training.events(),
            None => broadcast::channel(1).1,
        };
        let profile = profile(options, &network);
        Ok(LocalNetwork { network, events, profile })
    }

    /// The profile by which a proposer reaches the network.
    pub fn profile(&self) -> &NetworkProfile {
        &self.profile
    }

    /// The next finished training round; `None` when there will be none.
    ///
    /// # Errors
    /// When training has failed.
    pub async fn next_report(&mut self) -> Result<Option<TrainingReport>, ApiError> {
        loop {
            match self.events.recv().await {
                Ok(TrainingEvent::Finished(report)) => {
                    return Ok(Some(TrainingReport {
                        round: report.training_round_id,
                        aggregation_id: report.aggregation_id,
                        proposer: report.proposer,
                        participants: report.participants.len(),
                        cid: report.aggregate_ipfs_hash,
                        accuracy: report.accuracy,
                        not_applied: report.not_applied,
                    }));
                }
                Ok(TrainingEvent::Failed { reason }) => {
                    return Err(ApiError::new(
                        ErrorCode::Network,
                        format!("train on the local network: {reason}"),
                    ));
                }
                Ok(TrainingEvent::Ended) | Err(RecvError::Closed) => return Ok(None),
                Ok(TrainingEvent::Announced { .. } | TrainingEvent::Reverted { .. })
                | Err(RecvError::Lagged(_)) => {}
            }
        }
    }

    /// What the network's administrator does for a newcomer: authorizes the account as a proposer, gives it
    /// coins for a stake and for fees, and delegates some of them, so that there will be something to claim.
    ///
    /// # Errors
    /// When the address is none.
    pub fn grant(&self, address: &str) -> Result<(), ApiError> {
        let rules = self.network.chain().config();
        let (reward, fee) = Role::Proposer.balance();
        let address = || address.to_owned();
        let operations = [
            Operation::GrantProposer { address: address() },
            Operation::Fund { address: address(), amount: reward, denom: rules.reward_denom },
            Operation::Fund { address: address(), amount: fee, denom: rules.fee_denom },
            Operation::Delegate { address: address(), amount: DELEGATION },
        ];
        for operation in operations {
            self.network.chain().administer(operation).map_err(|refusal| {
                ApiError::new(ErrorCode::Request, format!("authorize the account: {refusal}"))
            })?;
        }
        Ok(())
    }

    /// Ends every part.
    pub async fn shutdown(self) {
        self.network.shutdown().await;
    }
}

fn profile(options: &LocalNetworkOptions, network: &Localnet) -> NetworkProfile {
    let rules = network.chain().config();
    NetworkProfile {
        name: "localnet".into(),
        chain_id: rules.chain_id,
        rpc: vec![network.rpc_url()],
        ipfs_api: network.ipfs_url(),
        bech32_prefix: rules.prefix,
        reward_denom: rules.reward_denom.clone(),
        stake_denom: rules.reward_denom,
        fee_denom: rules.fee_denom,
        gas_price: Decimal::new(rules.min_gas_price_micro.into(), 6),
        block_time: Duration::from_millis(options.block_ms),
        reveal_window_blocks: rules.reveal_window_blocks.into(),
        challenge_period_blocks: rules.challenge_period_blocks.into(),
        minimum_stake: rules.min_proposer_stake,
        localnet: Some(LocalnetSeed(options.seed.to_string())),
        ..NetworkProfile::default()
    }
}

/// What the chain's client must know of a network.
pub(crate) fn spec(network: &NetworkProfile) -> Result<ChainSpec, ApiError> {
    Ok(ChainSpec {
        chain_id: network.chain_id.clone(),
        prefix: network.bech32_prefix.clone(),
        fee_denom: network.fee_denom.clone(),
        gas_price: decimal(network.gas_price)?,
        gas_adjustment: decimal(network.gas_adjustment)?,
    })
}

/// The same decimal, as the chain's client counts.
fn decimal(value: Decimal) -> Result<r3mes_chain::Decimal, ApiError> {
    let text = value.to_string();
    text.parse()
        .map_err(|error| ApiError::new(ErrorCode::Settings, format!("use {text} as a price of gas: {error}")))
}
