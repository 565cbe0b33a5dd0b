//! Payouts: what is above the reserve, moved to a cold address.

use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use prost::{Message, Name};
use r3mes_chain::{Any, Coin, Coins, any};
use r3mes_config::{PayoutRule, Settings};

use crate::EngineError;
use crate::context::Context;
use crate::journal::{Placed, Purpose};

/// Blocks between two looks at the balance.
const LOOK: u64 = 10;

const CURSOR: &str = "payout-looked";

/// What always stays on the account, in the reward denom.
pub fn payout_reserve(settings: &Settings) -> u128 {
    settings.payout.reserve.unwrap_or(settings.network.minimum_stake)
}

/// The transfer of `coin`.
pub fn payout_message(from: &str, to: &str, coin: &Coin) -> Any {
    any(&MsgSend { from_address: from.to_owned(), to_address: to.to_owned(), amount: vec![coin.to_proto()] })
}

/// Where such a transfer goes and what it moves; `None` for any other message.
pub fn payout_of(message: &Any) -> Option<(String, Coins)> {
    if message.type_url != MsgSend::type_url() {
        return None;
    }
    let sent = MsgSend::decode(message.value.as_slice()).ok()?;
    Some((sent.to_address, Coins::from_proto(&sent.amount).ok()?))
}

impl Context {
    /// Orders a payout where the operator's rule asks for one.
    pub(crate) async fn order_payout(&self, height: i64) -> Result<(), EngineError> {
        let payout = &self.settings.payout;
        let (PayoutRule::AboveReserve, Some(to)) = (payout.rule, &payout.address) else { return Ok(()) };
        let height = height as u64;
        if height < self.journal.cursor(CURSOR)?.saturating_add(LOOK) {
            return Ok(());
        }
        let now = self.environment.now();
        let last = self.journal.last_order(Purpose::Payout)?;
        if last.is_some_and(|last| self.age(last.placed_at) < payout.interval) {
            return Ok(());
        }
        let denom = &self.settings.network.reward_denom;
        let balance = self.chain.balance(&self.address, denom).await?;
        self.journal.set_cursor(CURSOR, height)?;
        let above = balance.saturating_sub(payout_reserve(&self.settings));
        if above < payout.threshold {
            return Ok(());
        }
        let message = payout_message(&self.address, to, &Coin::new(above, denom));
        match self.journal.place_order(Purpose::Payout, &[message], now)? {
            Placed::New(order) => tracing::info!(order = order.id, amount = above, %to, "payout ordered"),
            Placed::Open(order) => tracing::debug!(order = order.id, "a payout is under way"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_read_as_it_was_ordered() {
        let coin = Coin::new(u128::MAX, "remes");
        let message = payout_message("remes1us", "remes1cold", &coin);
        assert_eq!(payout_of(&message), Some(("remes1cold".to_owned(), coin.into())));
        let other = Any { type_url: "/cosmos.bank.v1beta1.MsgMultiSend".into(), ..message };
        assert_eq!(payout_of(&other), None);
    }
}
