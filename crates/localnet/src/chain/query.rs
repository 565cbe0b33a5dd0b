//! What `abci_query` answers: gRPC queries by their path, and raw values of the module's store.

use cosmrs::proto::cosmos::auth::v1beta1 as auth_proto;
use cosmrs::proto::cosmos::bank::v1beta1 as bank_proto;
use cosmrs::proto::cosmos::base::abci::v1beta1::{GasInfo, Result as SimulationResult};
use cosmrs::proto::cosmos::base::node::v1beta1::ConfigResponse;
use cosmrs::proto::cosmos::base::query::v1beta1::PageResponse;
use cosmrs::proto::cosmos::distribution::v1beta1 as distribution_proto;
use cosmrs::proto::cosmos::staking::v1beta1 as staking_proto;
use cosmrs::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use prost::{Message, Name};
use r3mes_chain::proto::{
    NodeRegistration, QueryGetAggregationRequest, QueryGetAggregationResponse,
    QueryGetGlobalModelStateResponse, QueryGetMinerScoreRequest, QueryGetMinerScoreResponse,
    QueryGetModelParamsResponse, QueryGetNodeRegistrationRequest, QueryGetNodeRegistrationResponse,
    QueryGetRewardFormulaResponse, QueryGetStoredGradientRequest, QueryGetStoredGradientResponse,
    QueryListStoredGradientRequest, QueryListStoredGradientResponse, StoredGradient,
};

use super::coins::Coin;
use super::context::Context;
use super::error::{Refusal, sdk};
use super::modules::{auth, bank, distribution, remes};
use super::state::State;

/// Gradients of a page whose request states no limit.
const PAGE: u64 = 100;

/// Answers a query's value. Absence of a raw value is `None`.
pub(crate) fn query(state: &State, path: &str, data: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    if path == "/store/remes/key" {
        return Ok(state.raw(&[remes::STORE, data].concat()).map(<[u8]>::to_vec));
    }
    if path == "/cosmos.tx.v1beta1.Service/Simulate" {
        return simulate(state, data).map(Some);
    }
    let ctx = state.view();
    let Some((service, method)) = path.trim_start_matches('/').split_once('/') else {
        return Err(unknown_path(path));
    };
    let answer = match service {
        "remes.remes.v1.Query" => remes_query(&ctx, method, data),
        "cosmos.auth.v1beta1.Query" => auth_query(&ctx, method, data),
        "cosmos.bank.v1beta1.Query" => bank_query(&ctx, method, data),
        "cosmos.distribution.v1beta1.Query" => distribution_query(&ctx, method, data),
        "cosmos.staking.v1beta1.Query" => staking_query(&ctx, method, data),
        "cosmos.base.node.v1beta1.Service" if method == "Config" => Ok(Some(
            ConfigResponse {
                minimum_gas_price: ctx.config.min_gas_price(),
                pruning_keep_recent: ctx.config.retain_blocks.to_string(),
                ..ConfigResponse::default()
            }
            .encode_to_vec(),
        )),
        _ => Ok(None),
    };
    match answer? {
        Some(value) => Ok(Some(value)),
        None => Err(unknown_path(path)),
    }
}

/// A method's answer, or `None` where the service has no such method.
type Answer = Result<Option<Vec<u8>>, Refusal>;

fn unknown_path(path: &str) -> Refusal {
    sdk::UNKNOWN_REQUEST.because(format_args!("unknown query path: {path}"))
}

/// Only the last block's state is kept.
pub(crate) fn no_such_height(asked: i64, latest: i64) -> Refusal {
    if asked < 0 || asked > latest {
        return sdk::INVALID_HEIGHT
            .because("cannot query with height in the future; please provide a valid height");
    }
    sdk::INVALID_REQUEST.because(format_args!(
        "failed to load state at height {asked}; version does not exist (latest height: {latest})"
    ))
}

fn read<M: Message + Default>(data: &[u8]) -> Result<M, Refusal> {
    M::decode(data).map_err(|e| invalid(format_args!("invalid request: {e}")))
}

/// A gRPC status as the SDK words it in the answer of `abci_query`.
fn not_found(what: impl std::fmt::Display) -> Refusal {
    sdk::KEY_NOT_FOUND.because(format_args!("rpc error: code = NotFound desc = {what}"))
}

fn invalid(what: impl std::fmt::Display) -> Refusal {
    sdk::INVALID_REQUEST.because(format_args!("rpc error: code = InvalidArgument desc = {what}"))
}

fn answer(message: &impl Message) -> Answer {
    Ok(Some(message.encode_to_vec()))
}

fn remes_query(ctx: &Context<'_>, method: &str, data: &[u8]) -> Answer {
    match method {
        "ListStoredGradient" => {
            let page = read::<QueryListStoredGradientRequest>(data)?.pagination.unwrap_or_default();
            let limit = if page.limit == 0 { PAGE } else { page.limit };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            // Ids have no gaps, so that an offset is an id.
            let start = remes::gradient_key(page.offset);
            let found = ctx.layer.scan(&remes::gradient_prefix(), &start, limit);
            let gradients: Result<Vec<StoredGradient>, _> =
                found.iter().map(|(_, value)| StoredGradient::decode(value.as_slice())).collect();
            answer(&QueryListStoredGradientResponse {
                stored_gradients: gradients.map_err(Refusal::panicked)?,
                pagination: Some(PageResponse::default()),
            })
        }
        "GetStoredGradient" => {
            let id = read::<QueryGetStoredGradientRequest>(data)?.id;
            let gradient = remes::gradient(ctx, id).map_err(not_found)?;
            answer(&QueryGetStoredGradientResponse { stored_gradient: Some(gradient) })
        }
        "GetAggregation" => {
            let id = read::<QueryGetAggregationRequest>(data)?.id;
            let record = remes::aggregation(ctx, id).map_err(not_found)?;
            answer(&QueryGetAggregationResponse {
                aggregation_id: record.aggregation_id,
                proposer: record.proposer,
                aggregated_gradient_ipfs_hash: record.aggregated_gradient_ipfs_hash,
                merkle_root: record.merkle_root,
                participant_count: record.participant_gradient_ids.len() as u64,
                training_round_id: record.training_round_id,
            })
        }
        "GetMinerScore" => miner_score(ctx, &read::<QueryGetMinerScoreRequest>(data)?.miner),
        "GetNodeRegistration" => {
            let address = read::<QueryGetNodeRegistrationRequest>(data)?.node_address;
            let Some(registration) = remes::registration(ctx, &address)? else {
                return Err(not_found(format_args!("node {address} is not registered")));
            };
            answer(&QueryGetNodeRegistrationResponse { registration: Some(registration) })
        }
        "GetGlobalModelState" => {
            answer(&QueryGetGlobalModelStateResponse { state: Some(remes::model(ctx)?) })
        }
        "GetModelParams" => {
            let model = remes::model(ctx)?;
            answer(&QueryGetModelParamsResponse {
                model_ipfs_hash: model.model_ipfs_hash,
                model_version: model.model_version,
                last_updated_height: model.last_updated_height,
            })
        }
        "GetRewardFormula" => {
            let config = ctx.config;
            let formulas = serde_json::json!({
                "proposer": {
                    "formula": "base + per_participant * participant_count",
                    "base": format!("{}{}", config.reward_base, config.reward_denom),
                    "per_participant": format!("{}{}", config.reward_per_participant, config.reward_denom),
                },
            });
            answer(&QueryGetRewardFormulaResponse { formulas: formulas.to_string() })
        }
        _ => Ok(None),
    }
}

/// A miner's score follows from its record: the share of its gradients that were aggregated, as if one
/// of two earlier ones had been, less a quarter for each slash.
fn miner_score(ctx: &Context<'_>, miner: &str) -> Answer {
    let total = ctx.number(&remes::submissions_key(miner)) as u64;
    let successful = ctx.number(&remes::successes_key(miner)) as u64;
    let registration: Option<NodeRegistration> = remes::registration(ctx, miner)?;
    if total == 0 && registration.is_none() {
        return Err(not_found(format_args!("miner {miner} has no record")));
    }
    let slashing_events = registration.map_or(0, |r| r.slashing_events);
    let share = (successful as f64 + 1.0) / (total as f64 + 2.0);
    let trust = (share - 0.25 * slashing_events as f64).clamp(0.0, 1.0);
    let tier = match trust {
        _ if total == 0 => "new",
        t if t < 0.5 => "bronze",
        t if t < 0.8 => "silver",
        _ => "gold",
    };
    answer(&QueryGetMinerScoreResponse {
        miner: miner.to_owned(),
        // Four digits at most, one at least.
        trust_score: format!("{:?}", (trust * 10_000.0).round() / 10_000.0),
        reputation_tier: tier.to_owned(),
        total_submissions: total,
        successful_submissions: successful,
        slashing_events,
    })
}

fn auth_query(ctx: &Context<'_>, method: &str, data: &[u8]) -> Answer {
    let account = |address: &str| {
        let found = auth::account(ctx, address)?;
        found.ok_or_else(|| not_found(format_args!("account {address} not found")))
    };
    match method {
        "Account" => {
            let account = account(&read::<auth_proto::QueryAccountRequest>(data)?.address)?;
            let any = cosmrs::Any {
                type_url: format!("/{}", auth_proto::BaseAccount::full_name()),
                value: account.encode_to_vec(),
            };
            answer(&auth_proto::QueryAccountResponse { account: Some(any) })
        }
        "AccountInfo" => {
            let account = account(&read::<auth_proto::QueryAccountInfoRequest>(data)?.address)?;
            answer(&auth_proto::QueryAccountInfoResponse { info: Some(account) })
        }
        _ => Ok(None),
    }
}

fn bank_query(ctx: &Context<'_>, method: &str, data: &[u8]) -> Answer {
    match method {
        "Balance" => {
            let request: bank_proto::QueryBalanceRequest = read(data)?;
            let amount = bank::balance(ctx, &request.address, &request.denom);
            let balance = Some(Coin::new(amount, request.denom).to_proto());
            answer(&bank_proto::QueryBalanceResponse { balance })
        }
        "AllBalances" => {
            let request: bank_proto::QueryAllBalancesRequest = read(data)?;
            let coins = bank::balances(ctx, &request.address);
            answer(&bank_proto::QueryAllBalancesResponse {
                pagination: Some(PageResponse { next_key: Vec::new(), total: coins.len() as u64 }),
                balances: coins.iter().map(Coin::to_proto).collect(),
            })
        }
        "SupplyOf" => {
            let denom = read::<bank_proto::QuerySupplyOfRequest>(data)?.denom;
            let amount = Some(Coin::new(bank::supply(ctx, &denom), denom).to_proto());
            answer(&bank_proto::QuerySupplyOfResponse { amount })
        }
        _ => Ok(None),
    }
}

fn distribution_query(ctx: &Context<'_>, method: &str, data: &[u8]) -> Answer {
    use distribution_proto as proto;
    match method {
        "DelegationTotalRewards" => {
            let delegator = read::<proto::QueryDelegationTotalRewardsRequest>(data)?.delegator_address;
            answer(&distribution::total_rewards(ctx, &delegator))
        }
        "DelegationRewards" => {
            let request: proto::QueryDelegationRewardsRequest = read(data)?;
            let rewards =
                distribution::delegation_rewards(ctx, &request.validator_address, &request.delegator_address);
            answer(&proto::QueryDelegationRewardsResponse { rewards: rewards.map_err(not_found)? })
        }
        "ValidatorCommission" => {
            let validator = read::<proto::QueryValidatorCommissionRequest>(data)?.validator_address;
            let commission = distribution::commission(ctx, &validator).map_err(not_found)?;
            let commission = Some(proto::ValidatorAccumulatedCommission { commission });
            answer(&proto::QueryValidatorCommissionResponse { commission })
        }
        "DelegatorValidators" => {
            let delegator = read::<proto::QueryDelegatorValidatorsRequest>(data)?.delegator_address;
            let validators =
                distribution::delegations_of(ctx, &delegator).into_iter().map(|(v, _)| v).collect();
            answer(&proto::QueryDelegatorValidatorsResponse { validators })
        }
        _ => Ok(None),
    }
}

fn staking_query(ctx: &Context<'_>, method: &str, data: &[u8]) -> Answer {
    use staking_proto as proto;
    match method {
        "DelegatorDelegations" => {
            let delegator = read::<proto::QueryDelegatorDelegationsRequest>(data)?.delegator_addr;
            let response = |(validator, tokens): (String, u128)| proto::DelegationResponse {
                delegation: Some(proto::Delegation {
                    delegator_address: delegator.clone(),
                    validator_address: validator,
                    // Decimals stand in protobuf as their count of 10^-18.
                    shares: format!("{tokens}000000000000000000"),
                }),
                balance: Some(Coin::new(tokens, ctx.config.fee_denom.clone()).to_proto()),
            };
            let delegations = distribution::delegations_of(ctx, &delegator);
            answer(&proto::QueryDelegatorDelegationsResponse {
                pagination: Some(PageResponse { next_key: Vec::new(), total: delegations.len() as u64 }),
                delegation_responses: delegations.into_iter().map(response).collect(),
            })
        }
        _ => Ok(None),
    }
}

#[allow(deprecated)]
fn simulate(state: &State, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    let request: SimulateRequest = read(data)?;
    let bytes = match request.tx {
        _ if !request.tx_bytes.is_empty() => request.tx_bytes,
        Some(tx) => tx.encode_to_vec(),
        None => return Err(invalid("invalid empty tx")),
    };
    let (gas_used, result, msg_responses) =
        state.simulate(&bytes).map_err(|(refusal, gas_used)| refusal.simulated(gas_used))?;
    let response = SimulateResponse {
        gas_info: Some(GasInfo { gas_wanted: result.gas_wanted, gas_used }),
        result: Some(SimulationResult {
            data: result.data,
            log: String::new(),
            events: result.events.iter().map(super::event::Event::to_proto).collect(),
            msg_responses,
        }),
    };
    Ok(response.encode_to_vec())
}
