//! Delegations, and what validators and delegators earn in each block.
//!
//! The inflation and the fees of the block before are shared among validators by the tokens delegated to
//! them; each keeps its commission and the rest goes to its delegators, all in 10^-18 units.

use cosmrs::proto::cosmos::base::v1beta1::{Coin as ProtoCoin, DecCoin};
use cosmrs::proto::cosmos::distribution::v1beta1::{
    DelegationDelegatorReward, MsgWithdrawDelegatorReward, MsgWithdrawDelegatorRewardResponse,
    MsgWithdrawValidatorCommission, MsgWithdrawValidatorCommissionResponse,
    QueryDelegationTotalRewardsResponse,
};
use cosmrs::proto::cosmos::staking::v1beta1::{MsgDelegate, MsgDelegateResponse};

use super::super::coins::{Coin, DEC_ONE, coins_text};
use super::super::config::GenesisValidator;
use super::super::context::Context;
use super::super::error::{Refusal, distribution, sdk, staking};
use super::super::event::Event;
use super::{auth, bank};

/// The module account that takes the fees.
pub(crate) const FEE_COLLECTOR: &str = "fee_collector";
const MODULE: &str = "distribution";
const BONDED_POOL: &str = "bonded_tokens_pool";
const COMMISSION_RATE: &str = "staking/commission/";
const DELEGATION: &str = "staking/delegation/";

fn rate_key(validator: &str) -> Vec<u8> {
    format!("{COMMISSION_RATE}{validator}").into_bytes()
}

fn delegation_key(validator: &str, delegator: &str) -> Vec<u8> {
    format!("{DELEGATION}{validator}/{delegator}").into_bytes()
}

fn reward_key(validator: &str, delegator: &str) -> Vec<u8> {
    format!("distribution/reward/{validator}/{delegator}").into_bytes()
}

fn commission_key(validator: &str) -> Vec<u8> {
    format!("distribution/commission/{validator}").into_bytes()
}

/// Bonds what genesis says. The bonded coins come into being with it.
pub(crate) fn genesis(ctx: &mut Context<'_>, validator: &GenesisValidator) -> Result<(), Refusal> {
    let Some(address) = auth::with_prefix(&validator.operator, &ctx.config.validator_prefix()) else {
        let operator = &validator.operator;
        return Err(sdk::INVALID_ADDRESS.because(format_args!("validator's operator {operator:?}")));
    };
    ctx.set_number(rate_key(&address), u128::from(validator.commission_permille));
    let pool = auth::module_address(BONDED_POOL, &ctx.config.prefix);
    for (delegator, amount) in &validator.delegations {
        auth::ensure_account(ctx, delegator)?;
        bank::genesis(ctx, &pool, &[Coin::new(*amount, ctx.config.fee_denom.clone())])?;
        let bonded = ctx.number(&delegation_key(&address, delegator)) + amount;
        ctx.set_number(delegation_key(&address, delegator), bonded);
    }
    Ok(())
}

/// Validators' addresses, in order.
pub(crate) fn validators(ctx: &Context<'_>) -> Vec<String> {
    let prefix = COMMISSION_RATE.as_bytes();
    let name = |key: Vec<u8>| String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
    ctx.layer.scan(prefix, prefix, usize::MAX).into_iter().map(|(key, _)| name(key)).collect()
}

/// Delegators of a validator and their tokens.
fn delegations(ctx: &Context<'_>, validator: &str) -> Vec<(String, u128)> {
    let prefix = delegation_key(validator, "");
    let read = |(key, value): (Vec<u8>, Vec<u8>)| {
        let delegator = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        (delegator, value.as_slice().try_into().map_or(0, u128::from_be_bytes))
    };
    ctx.layer.scan(&prefix, &prefix, usize::MAX).into_iter().map(read).collect()
}

/// Shares the inflation and the collected fees. Runs at the beginning of every block.
pub(crate) fn allocate(ctx: &mut Context<'_>) -> Result<(), Refusal> {
    let denom = ctx.config.fee_denom.clone();
    let collector = auth::module_address(FEE_COLLECTOR, &ctx.config.prefix);
    let module = auth::module_address(MODULE, &ctx.config.prefix);
    let validators = validators(ctx);
    let shares: Vec<_> = validators.into_iter().map(|v| (delegations(ctx, &v), v)).collect();
    let total: u128 = shares.iter().flat_map(|(d, _)| d).map(|(_, tokens)| tokens).sum();
    if total == 0 {
        return Ok(());
    }
    let inflation = Coin::new(ctx.config.inflation_per_block, denom.clone());
    if inflation.amount > 0 {
        bank::mint(ctx, "mint", &inflation)?;
        let mint = auth::module_address("mint", &ctx.config.prefix);
        bank::send(ctx, &mint, &collector, &[inflation])?;
    }
    let collected = bank::balance(ctx, &collector, &denom);
    if collected == 0 {
        return Ok(());
    }
    bank::send(ctx, &collector, &module, &[Coin::new(collected, denom)])?;
    let per_token = collected * DEC_ONE / total;
    for (delegations, validator) in shares {
        let rate = ctx.number(&rate_key(&validator));
        let mut kept = 0;
        for (delegator, tokens) in delegations {
            let earned = per_token * tokens;
            let commission = earned / 1000 * rate;
            kept += commission;
            let key = reward_key(&validator, &delegator);
            let accrued = ctx.number(&key) + earned - commission;
            ctx.set_number(key, accrued);
        }
        let commission = ctx.number(&commission_key(&validator)) + kept;
        ctx.set_number(commission_key(&validator), commission);
    }
    Ok(())
}

/// Pays what has come together under `key`, in whole units; the fraction stays.
fn pay(ctx: &mut Context<'_>, key: Vec<u8>, to: &str) -> Result<Coin, Refusal> {
    let accrued = ctx.number(&key);
    let coin = Coin::new(accrued / DEC_ONE, ctx.config.fee_denom.clone());
    ctx.set_number(key, accrued % DEC_ONE);
    if coin.amount > 0 {
        let module = auth::module_address(MODULE, &ctx.config.prefix);
        bank::send(ctx, &module, to, std::slice::from_ref(&coin))?;
    }
    Ok(coin)
}

fn withdraw(ctx: &mut Context<'_>, validator: &str, delegator: &str) -> Result<Coin, Refusal> {
    let coin = pay(ctx, reward_key(validator, delegator), delegator)?;
    let event =
        [("amount", coin.to_string()), ("validator", validator.into()), ("delegator", delegator.into())];
    ctx.emit(Event::new("withdraw_rewards", event));
    Ok(coin)
}

fn check_validator(ctx: &Context<'_>, validator: &str) -> Result<(), Refusal> {
    if !auth::is_address(validator, &ctx.config.validator_prefix()) {
        return Err(sdk::INVALID_ADDRESS.because(format_args!("invalid validator address: {validator:?}")));
    }
    if ctx.layer.get(&rate_key(validator)).is_none() {
        return Err(staking::NO_VALIDATOR.because(validator));
    }
    Ok(())
}

fn proto_coins(coin: &Coin) -> Vec<ProtoCoin> {
    if coin.amount == 0 { Vec::new() } else { vec![coin.to_proto()] }
}

pub(crate) fn withdraw_reward(
    ctx: &mut Context<'_>,
    msg: &MsgWithdrawDelegatorReward,
) -> Result<MsgWithdrawDelegatorRewardResponse, Refusal> {
    check_validator(ctx, &msg.validator_address)?;
    if ctx.number(&delegation_key(&msg.validator_address, &msg.delegator_address)) == 0 {
        let (delegator, validator) = (&msg.delegator_address, &msg.validator_address);
        return Err(distribution::NO_DELEGATION.because(format_args!("{delegator} with {validator}")));
    }
    let coin = withdraw(ctx, &msg.validator_address, &msg.delegator_address)?;
    Ok(MsgWithdrawDelegatorRewardResponse { amount: proto_coins(&coin) })
}

pub(crate) fn withdraw_commission(
    ctx: &mut Context<'_>,
    msg: &MsgWithdrawValidatorCommission,
) -> Result<MsgWithdrawValidatorCommissionResponse, Refusal> {
    check_validator(ctx, &msg.validator_address)?;
    let key = commission_key(&msg.validator_address);
    if ctx.number(&key) < DEC_ONE {
        return Err(distribution::NO_COMMISSION.because(&msg.validator_address));
    }
    let operator = auth::with_prefix(&msg.validator_address, &ctx.config.prefix);
    let operator = operator.ok_or_else(|| sdk::INVALID_ADDRESS.because(&msg.validator_address))?;
    let coin = pay(ctx, key, &operator)?;
    let amount = coins_text(std::slice::from_ref(&coin));
    ctx.emit(Event::new("withdraw_commission", [("amount", amount)]));
    Ok(MsgWithdrawValidatorCommissionResponse { amount: proto_coins(&coin) })
}

pub(crate) fn delegate(ctx: &mut Context<'_>, msg: &MsgDelegate) -> Result<MsgDelegateResponse, Refusal> {
    check_validator(ctx, &msg.validator_address)?;
    let coin = msg.amount.as_ref().and_then(Coin::from_proto);
    let Some(coin) = coin.filter(|c| c.amount > 0 && c.denom == ctx.config.fee_denom) else {
        let denom = &ctx.config.fee_denom;
        return Err(
            sdk::INVALID_REQUEST.because(format_args!("a delegation is a positive amount of {denom}"))
        );
    };
    let key = delegation_key(&msg.validator_address, &msg.delegator_address);
    let bonded = ctx.number(&key);
    if bonded > 0 {
        withdraw(ctx, &msg.validator_address, &msg.delegator_address)?;
    }
    let pool = auth::module_address(BONDED_POOL, &ctx.config.prefix);
    bank::send(ctx, &msg.delegator_address, &pool, std::slice::from_ref(&coin))?;
    ctx.set_number(key, bonded + coin.amount);
    let event = Event::new("delegate", [("validator", &msg.validator_address)])
        .with("delegator", &msg.delegator_address)
        .with("amount", &coin)
        .with("new_shares", format_args!("{}.000000000000000000", coin.amount));
    ctx.emit(event);
    Ok(MsgDelegateResponse {})
}

/// An amount of 10^-18 units as the SDK encodes decimals in protobuf: their count, without the point.
fn dec_coins(ctx: &Context<'_>, atto: u128) -> Vec<DecCoin> {
    if atto == 0 {
        return Vec::new();
    }
    vec![DecCoin { denom: ctx.config.fee_denom.clone(), amount: atto.to_string() }]
}

/// What one delegation has earned since its last withdrawal.
pub(crate) fn delegation_rewards(
    ctx: &Context<'_>,
    validator: &str,
    delegator: &str,
) -> Result<Vec<DecCoin>, Refusal> {
    check_validator(ctx, validator)?;
    if ctx.number(&delegation_key(validator, delegator)) == 0 {
        return Err(distribution::NO_DELEGATION.because(format_args!("{delegator} with {validator}")));
    }
    Ok(dec_coins(ctx, ctx.number(&reward_key(validator, delegator))))
}

/// What all delegations of `delegator` have earned.
pub(crate) fn total_rewards(ctx: &Context<'_>, delegator: &str) -> QueryDelegationTotalRewardsResponse {
    let mut rewards = Vec::new();
    let mut total = 0;
    for validator in validators(ctx) {
        if ctx.number(&delegation_key(&validator, delegator)) > 0 {
            let earned = ctx.number(&reward_key(&validator, delegator));
            total += earned;
            let reward = dec_coins(ctx, earned);
            rewards.push(DelegationDelegatorReward { validator_address: validator, reward });
        }
    }
    QueryDelegationTotalRewardsResponse { rewards, total: dec_coins(ctx, total) }
}

/// A validator's commission that waits to be withdrawn.
pub(crate) fn commission(ctx: &Context<'_>, validator: &str) -> Result<Vec<DecCoin>, Refusal> {
    check_validator(ctx, validator)?;
    Ok(dec_coins(ctx, ctx.number(&commission_key(validator))))
}

/// Validators with which `delegator` has delegated, and how much.
pub(crate) fn delegations_of(ctx: &Context<'_>, delegator: &str) -> Vec<(String, u128)> {
    let bonded = |v: String| {
        let tokens = ctx.number(&delegation_key(&v, delegator));
        (tokens > 0).then_some((v, tokens))
    };
    validators(ctx).into_iter().filter_map(bonded).collect()
}
