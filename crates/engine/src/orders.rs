//! Carrying out what the operator ordered beside the rounds: a registration, a claim, a payout.
//!
//! An order is journaled with the very messages that were confirmed. Whoever works on the data folder
//! carries it out: the engine between two steps of its loop, or the command itself where no engine runs.

use r3mes_chain::{Any, Chain, Coins};
use r3mes_config::NetworkProfile;
use time::OffsetDateTime;

use crate::context::Context;
use crate::journal::{Journal, Order, OrderOutcome, Placed, Purpose};
use crate::submission::{Submission, Submitted};
use crate::{EngineError, Home};

/// Places an order in a data folder, whether or not an engine works on it. Its messages are signed as
/// they stand by whoever does.
///
/// # Errors
/// When the node does not answer or serves another chain, or the folder is another account's.
pub async fn place_order(
    home: &Home,
    network: &NetworkProfile,
    chain: &Chain,
    address: &str,
    purpose: Purpose,
    messages: &[Any],
    now: OffsetDateTime,
) -> Result<Placed, EngineError> {
    let journal = Journal::open(&home.journal())?;
    crate::identity::bind(&journal, home, network, chain, address).await?;
    Ok(journal.place_order(purpose, messages, now)?)
}

impl Context {
    /// Carries out every open order, oldest first.
    pub(crate) async fn carry_out_orders(&self) -> Result<(), EngineError> {
        for order in self.journal.open_orders()? {
            self.carry_out(&order).await?;
        }
        Ok(())
    }

    /// Brings an order's transaction onto the chain, or finds out what became of it before a restart, and
    /// journals how it ended.
    async fn carry_out(&self, order: &Order) -> Result<(), EngineError> {
        let submission = Submission {
            context: self,
            round_id: None,
            order_id: Some(order.id),
            purpose: order.purpose,
            messages: order.messages.clone(),
            useful_until: None,
            checkpoints: None,
        };
        let outcome = match submission.settle().await {
            Ok(Submitted::Done(included)) => {
                let fee = self.journal.transactions(None, Some(order.id), order.purpose)?.pop();
                OrderOutcome::Done {
                    received: merged(included.received(&self.address)).to_string(),
                    tx_hash: included.hash,
                    height: included.height,
                    gas_used: included.gas_used,
                    fee: fee.map(|transaction| transaction.fee).unwrap_or_default(),
                }
            }
            Ok(Submitted::Refused(refusal)) => OrderOutcome::Refused {
                remedy: Some(refusal.reason.remedy().to_owned()),
                reason: refusal.to_string(),
            },
            Ok(Submitted::TooLate) => {
                OrderOutcome::Refused { reason: "be in time".into(), remedy: Some("order it again".into()) }
            }
            // Waiting would hold up the rounds; the operator may order it again.
            Err(error @ EngineError::FeeTooHigh { .. }) => {
                OrderOutcome::Refused { reason: error.to_string(), remedy: None }
            }
            Err(error) => return Err(error),
        };
        self.journal.close_order(order.id, &outcome)?;
        Ok(())
    }
}

/// One amount a denom, in the order of the names.
fn merged(coins: Coins) -> Coins {
    let mut sums = std::collections::BTreeMap::new();
    for coin in coins.0 {
        *sums.entry(coin.denom).or_insert(0u128) += coin.amount;
    }
    Coins(sums.into_iter().map(|(denom, amount)| r3mes_chain::Coin { amount, denom }).collect())
}
