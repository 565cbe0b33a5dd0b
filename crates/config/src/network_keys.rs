//! The keys of a network profile, in a file of its own or below `network` in the settings.

use std::time::Duration;

use crate::key::{Key, put};
use crate::network::{LocalnetSeed, NetworkProfile};
use crate::value::{Kind, Value};

type ProfileKey = Key<NetworkProfile>;

fn text(text: &impl ToString) -> Option<Value> {
    Some(Value::Text(text.to_string()))
}

fn integer(number: impl TryInto<i64>) -> Option<Value> {
    Some(Value::Integer(number.try_into().unwrap_or(i64::MAX)))
}

fn denom(value: &Value) -> Result<String, String> {
    let name = value.name()?;
    let well_formed = (3..=128).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b));
    match well_formed {
        true => Ok(name),
        false => {
            Err(format!("must be a denom (3 to 128 letters, digits or /:._-, a letter first), is {name:?}"))
        }
    }
}

fn prefix(value: &Value) -> Result<String, String> {
    let name = value.name()?;
    match name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        true => Ok(name),
        false => Err(format!("must be up to 32 lower-case letters or digits, is {name:?}")),
    }
}

/// Every key of a profile, in the order in which they are written.
pub(crate) const NETWORK_KEYS: &[ProfileKey] = &[
    ProfileKey::new(
        "name",
        Kind::Text,
        "What you call the network.",
        |p| text(&p.name),
        |p, v| put(&mut p.name, v.name()),
    ),
    ProfileKey::new(
        "chain_id",
        Kind::Text,
        "The chain's id. A node that states another one is refused.",
        |p| text(&p.chain_id),
        |p, v| put(&mut p.chain_id, v.name()),
    ),
    ProfileKey::new(
        "rpc",
        Kind::List,
        "CometBFT RPC endpoints of the chain, in order of preference.",
        |p| Some(Value::List(p.rpc.iter().map(ToString::to_string).collect())),
        |p, v| put(&mut p.rpc, v.urls()),
    ),
    ProfileKey::new(
        "ipfs_api",
        Kind::Text,
        "RPC API of the IPFS node (Kubo).",
        |p| text(&p.ipfs_api),
        |p, v| put(&mut p.ipfs_api, v.url()),
    ),
    ProfileKey::new(
        "bech32_prefix",
        Kind::Text,
        "Prefix of account addresses.",
        |p| text(&p.bech32_prefix),
        |p, v| put(&mut p.bech32_prefix, prefix(v)),
    ),
    ProfileKey::new(
        "coin_type",
        Kind::Integer,
        "BIP-44 coin type of account keys, as in m/44'/9999'/0'/0/0.",
        |p| integer(p.coin_type),
        |p, v| {
            let coin_type = v.integer(0)?;
            match coin_type < 1 << 31 {
                true => put(&mut p.coin_type, Ok(coin_type)),
                false => Err(format!("must be below 2147483648, is {coin_type}")),
            }
        },
    ),
    ProfileKey::new(
        "reward_denom",
        Kind::Text,
        "The denom in which the chain mints rewards.",
        |p| text(&p.reward_denom),
        |p, v| put(&mut p.reward_denom, denom(v)),
    ),
    ProfileKey::new(
        "reward_display_exponent",
        Kind::Integer,
        "Digits after the point when an amount in the reward denom is shown: 6 where 1000000 units are shown as 1.",
        |p| integer(p.reward_display_exponent),
        |p, v| {
            let exponent = v.integer(0)?;
            match exponent <= 30 {
                true => put(&mut p.reward_display_exponent, Ok(exponent)),
                false => Err(format!("must be at most 30, is {exponent}")),
            }
        },
    ),
    ProfileKey::new(
        "stake_denom",
        Kind::Text,
        "The denom of a proposer's stake.",
        |p| text(&p.stake_denom),
        |p, v| put(&mut p.stake_denom, denom(v)),
    ),
    ProfileKey::new(
        "fee_denom",
        Kind::Text,
        "The denom in which transactions are paid.",
        |p| text(&p.fee_denom),
        |p, v| put(&mut p.fee_denom, denom(v)),
    ),
    ProfileKey::new(
        "gas_price",
        Kind::Text,
        "Price of one unit of gas in the fee denom, an exact decimal.",
        |p| text(&p.gas_price),
        |p, v| put(&mut p.gas_price, v.parse()),
    ),
    ProfileKey::new(
        "gas_adjustment",
        Kind::Text,
        "Factor by which simulated gas is raised, an exact decimal of at least 1.",
        |p| text(&p.gas_adjustment),
        |p, v| {
            let factor: crate::Decimal = v.parse()?;
            match factor >= crate::Decimal::new(1, 0) {
                true => put(&mut p.gas_adjustment, Ok(factor)),
                false => Err(format!("must be at least 1, is {factor}")),
            }
        },
    ),
    ProfileKey::new(
        "block_time",
        Kind::Text,
        "The usual time from one block to the next.",
        |p| Some(Value::duration_text(p.block_time)),
        |p, v| put(&mut p.block_time, v.duration(Duration::from_millis(1))),
    ),
    ProfileKey::new(
        "reveal_window_blocks",
        Kind::Integer,
        "Blocks after a commitment within which it must be revealed.",
        |p| integer(p.reveal_window_blocks),
        |p, v| put(&mut p.reveal_window_blocks, v.integer(1)),
    ),
    ProfileKey::new(
        "challenge_period_blocks",
        Kind::Integer,
        "Blocks after a reveal within which it can be challenged, where the chain's own record does not say.",
        |p| integer(p.challenge_period_blocks),
        |p, v| put(&mut p.challenge_period_blocks, v.integer(1)),
    ),
    ProfileKey::new(
        "minimum_stake",
        Kind::Amount,
        "The smallest stake with which a proposer registers, in the stake denom.",
        |p| Some(Value::amount_of(p.minimum_stake)),
        |p, v| put(&mut p.minimum_stake, v.amount()),
    ),
    ProfileKey::new(
        "dashboard_url",
        Kind::Text,
        "The network's dashboard.",
        |p| p.dashboard_url.as_ref().and_then(text),
        |p, v| put(&mut p.dashboard_url, v.url().map(Some)),
    )
    .optional("https://dashboard.example.org", |p| p.dashboard_url = None),
    ProfileKey::new(
        "explorer_url",
        Kind::Text,
        "The network's block explorer.",
        |p| p.explorer_url.as_ref().and_then(text),
        |p, v| put(&mut p.explorer_url, v.url().map(Some)),
    )
    .optional("https://explorer.example.org", |p| p.explorer_url = None),
    ProfileKey::new(
        "admin_url",
        Kind::Text,
        "Where an administrator takes requests for authorization.",
        |p| p.admin_url.as_ref().and_then(text),
        |p, v| put(&mut p.admin_url, v.url().map(Some)),
    )
    .optional("https://admin.example.org/authorization", |p| p.admin_url = None),
    ProfileKey::new(
        "localnet.seed",
        Kind::Text,
        "Marks a local network: all of its keys derive from this seed and are worth nothing.",
        |p| p.localnet.as_ref().and_then(|seed| text(&seed.0)),
        |p, v| put(&mut p.localnet, v.name().map(|seed| Some(LocalnetSeed(seed)))),
    )
    .optional("7", |p| p.localnet = None),
];
