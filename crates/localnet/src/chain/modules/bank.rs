//! Balances and supply.

use cosmrs::proto::cosmos::bank::v1beta1::{MsgSend, MsgSendResponse};

use super::super::coins::{Coin, coins_text};
use super::super::context::Context;
use super::super::error::{Refusal, sdk};
use super::super::event::Event;
use super::auth;

fn balance_key(address: &str, denom: &str) -> Vec<u8> {
    format!("bank/balance/{address}/{denom}").into_bytes()
}

fn supply_key(denom: &str) -> Vec<u8> {
    format!("bank/supply/{denom}").into_bytes()
}

pub(crate) fn balance(ctx: &Context<'_>, address: &str, denom: &str) -> u128 {
    ctx.number(&balance_key(address, denom))
}

pub(crate) fn supply(ctx: &Context<'_>, denom: &str) -> u128 {
    ctx.number(&supply_key(denom))
}

/// All that `address` owns, in the order of the denoms.
pub(crate) fn balances(ctx: &Context<'_>, address: &str) -> Vec<Coin> {
    let prefix = balance_key(address, "");
    let coin = |(key, value): (Vec<u8>, Vec<u8>)| {
        let denom = String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        let amount = value.as_slice().try_into().map_or(0, u128::from_be_bytes);
        Coin { amount, denom }
    };
    ctx.layer.scan(&prefix, &prefix, usize::MAX).into_iter().map(coin).filter(|c| c.amount > 0).collect()
}

fn set_balance(ctx: &mut Context<'_>, address: &str, denom: &str, amount: u128) {
    let key = balance_key(address, denom);
    if amount == 0 { ctx.layer.remove(&key) } else { ctx.set_number(key, amount) }
}

fn add(ctx: &mut Context<'_>, to: &str, coin: &Coin) -> Result<(), Refusal> {
    auth::ensure_account(ctx, to)?;
    let owned = balance(ctx, to, &coin.denom);
    let sum = owned.checked_add(coin.amount).ok_or_else(|| Refusal::panicked("integer overflow"))?;
    set_balance(ctx, to, &coin.denom, sum);
    let event = [("receiver", to.to_owned()), ("amount", coin.to_string())];
    ctx.emit(Event::new("coin_received", event));
    Ok(())
}

fn subtract(ctx: &mut Context<'_>, from: &str, coin: &Coin) -> Result<(), Refusal> {
    let owned = balance(ctx, from, &coin.denom);
    let rest = owned.checked_sub(coin.amount).ok_or_else(|| {
        sdk::INSUFFICIENT_FUNDS
            .because(format_args!("spendable balance {owned}{} is smaller than {coin}", coin.denom))
    })?;
    set_balance(ctx, from, &coin.denom, rest);
    ctx.emit(Event::new("coin_spent", [("spender", from.to_owned()), ("amount", coin.to_string())]));
    Ok(())
}

/// Moves coins, with the events of the SDK's bank module.
pub(crate) fn send(ctx: &mut Context<'_>, from: &str, to: &str, coins: &[Coin]) -> Result<(), Refusal> {
    for coin in coins {
        subtract(ctx, from, coin)?;
        add(ctx, to, coin)?;
    }
    let amount = coins_text(coins);
    let event = [("recipient", to.to_owned()), ("sender", from.to_owned()), ("amount", amount)];
    ctx.emit(Event::new("transfer", event));
    Ok(())
}

/// Makes coins in the account of `module`.
pub(crate) fn mint(ctx: &mut Context<'_>, module: &str, coin: &Coin) -> Result<(), Refusal> {
    let address = auth::module_address(module, &ctx.config.prefix);
    add(ctx, &address, coin)?;
    let supply = supply(ctx, &coin.denom).saturating_add(coin.amount);
    ctx.set_number(supply_key(&coin.denom), supply);
    ctx.emit(Event::new("coinbase", [("minter", address), ("amount", coin.to_string())]));
    Ok(())
}

/// Destroys coins of `from`.
pub(crate) fn burn(ctx: &mut Context<'_>, from: &str, coin: &Coin) -> Result<(), Refusal> {
    subtract(ctx, from, coin)?;
    let supply = supply(ctx, &coin.denom).saturating_sub(coin.amount);
    ctx.set_number(supply_key(&coin.denom), supply);
    ctx.emit(Event::new("burn", [("burner", from.to_owned()), ("amount", coin.to_string())]));
    Ok(())
}

/// Coins that exist from the first block on.
pub(crate) fn genesis(ctx: &mut Context<'_>, address: &str, coins: &[Coin]) -> Result<(), Refusal> {
    auth::ensure_account(ctx, address)?;
    for coin in coins {
        add(ctx, address, coin)?;
        let supply = supply(ctx, &coin.denom).saturating_add(coin.amount);
        ctx.set_number(supply_key(&coin.denom), supply);
    }
    Ok(())
}

pub(crate) fn msg_send(ctx: &mut Context<'_>, msg: &MsgSend) -> Result<MsgSendResponse, Refusal> {
    if !auth::is_address(&msg.to_address, &ctx.config.prefix) {
        return Err(sdk::INVALID_ADDRESS.because(format_args!("invalid to address: {}", msg.to_address)));
    }
    let coins: Option<Vec<Coin>> = msg.amount.iter().map(Coin::from_proto).collect();
    let coins = coins
        .filter(|coins| !coins.is_empty() && coins.iter().all(|c| c.amount > 0))
        .filter(|coins| coins.windows(2).all(|pair| pair[0].denom < pair[1].denom))
        .ok_or_else(|| {
            sdk::INVALID_COINS.because("the amount is empty, zero or not in the order of denoms")
        })?;
    send(ctx, &msg.from_address, &msg.to_address, &coins)?;
    Ok(MsgSendResponse {})
}
