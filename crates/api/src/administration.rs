//! What governance does on a real network, done to a local one that runs in another process.

use std::path::Path;

use r3mes_chain::Coins;
use r3mes_chain::http::Timeouts;
use r3mes_config::NetworkProfile;
use r3mes_localnet::chain::Operation;
use serde::Serialize;
use serde_json::Value;

use crate::{ApiError, ErrorCode};

/// An operation on one account of a local network.
#[derive(Clone, Debug)]
pub enum Administration {
    /// Authorizes it as a proposer.
    Grant,
    /// Takes its authorization away.
    Revoke,
    /// Suspends its node.
    Suspend,
    /// Makes its node active again.
    Reinstate,
    /// Takes coins of the stake's denom from it and counts a slashing event.
    Slash {
        /// Whole units.
        amount: u128,
        /// Why.
        reason: String,
    },
    /// Gives it coins of one denom.
    Fund {
        /// Whole units.
        amount: u128,
        /// Their denom.
        denom: String,
    },
}

/// An operation that was done; it stands in a block.
#[derive(Clone, Debug, Serialize)]
pub struct Administered {
    /// What was done, in words.
    pub what: String,
    /// The account.
    pub address: String,
    /// What the network answered.
    pub answer: Value,
}

impl Administration {
    /// One operation for each denom of `coins`, such as `60000remes,1000000stake`.
    ///
    /// # Errors
    /// When the text is no coins.
    pub fn fund(coins: &str) -> Result<Vec<Administration>, ApiError> {
        let coins: Coins = coins
            .parse()
            .map_err(|error| ApiError::new(ErrorCode::Request, format!("fund the account: {error}")))?;
        let fund = |coin: r3mes_chain::Coin| Administration::Fund { amount: coin.amount, denom: coin.denom };
        Ok(coins.0.into_iter().map(fund).collect())
    }

    fn operation(self, address: String) -> (String, Operation) {
        match self {
            Administration::Grant => {
                (format!("Authorized {address} as a proposer"), Operation::GrantProposer { address })
            }
            Administration::Revoke => {
                (format!("Took the authorization of {address} away"), Operation::RevokeProposer { address })
            }
            Administration::Suspend => (format!("Suspended {address}"), Operation::Suspend { address }),
            Administration::Reinstate => (format!("Reinstated {address}"), Operation::Reinstate { address }),
            Administration::Slash { amount, reason } => {
                (format!("Slashed {address} by {amount}"), Operation::Slash { address, amount, reason })
            }
            Administration::Fund { amount, denom } => {
                (format!("Gave {amount} {denom} to {address}"), Operation::Fund { address, amount, denom })
            }
        }
    }
}

/// Does an operation on the local network that `profile` leads to.
///
/// # Errors
/// When the profile is none of a local network, the network does not answer, or it refuses.
pub async fn administer(
    profile: &Path,
    address: &str,
    administration: Administration,
) -> Result<Administered, ApiError> {
    let network = NetworkProfile::load(profile)?;
    let failed = |code, text: String| ApiError::new(code, format!("administer {}: {text}", network.name));
    if network.localnet.is_none() {
        let text = "it is no local network; governance decides there".to_owned();
        return Err(failed(ErrorCode::Request, text));
    }
    let (what, operation) = administration.operation(address.to_owned());
    let mut fields =
        serde_json::to_value(&operation).map_err(|error| failed(ErrorCode::Engine, error.to_string()))?;
    let name = fields.as_object_mut().and_then(|fields| fields.remove("operation"));
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let url = network.rpc.first().and_then(|rpc| rpc.join(&format!("/localnet/{name}")).ok());
    let url = url.ok_or_else(|| failed(ErrorCode::Settings, "its profile names no RPC endpoint".into()))?;
    let http = r3mes_chain::http::client(Timeouts::default())?;
    let answer = http.post(url).json(&fields).send().await;
    let answer = answer.map_err(|error| {
        failed(ErrorCode::Network, error.without_url().to_string())
            .with_remedy("start it with `r3mes-proposer localnet`, or name its profile with --network")
    })?;
    let done = answer.status().is_success();
    let answer: Value =
        answer.json().await.map_err(|error| failed(ErrorCode::Network, error.without_url().to_string()))?;
    if !done {
        let text = answer["log"].as_str().unwrap_or("it refused").to_owned();
        return Err(failed(ErrorCode::Refused, text));
    }
    Ok(Administered { what, address: address.to_owned(), answer })
}
