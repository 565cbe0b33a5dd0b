//! What one transaction or block moved of one account, and why.
//!
//! Every change of a balance shows as the bank module's `coin_spent` or `coin_received`. The message
//! that an event belongs to says why; what has no known reason is booked as other, never guessed.

use std::collections::BTreeMap;

use r3mes_chain::{Any, Coin, Coins, Event};

use crate::journal::EntryKind;

/// Sums by reason and denom.
pub(crate) type Movements = BTreeMap<(EntryKind, String), u128>;

/// What a transaction moved: `events` as its result lists them, `messages` in its order.
pub(crate) fn of_transaction(
    address: &str,
    events: &[Event],
    messages: &[Any],
    succeeded: bool,
    is_payout: bool,
) -> Movements {
    let mut movements = Movements::new();
    let mut fee = fee_of(address, events);
    for event in events {
        let Some((incoming, coins)) = flow(address, event) else { continue };
        let index = event.number("msg_index").map(|index| index as usize);
        if !incoming && index.is_none() && fee.as_ref().is_some_and(|fee| same(fee, &coins)) {
            fee = None;
            add(&mut movements, EntryKind::Fee, coins);
            continue;
        }
        if !succeeded && index.is_some() {
            // The messages of a failed transaction changed nothing.
            continue;
        }
        let message = match index {
            Some(index) => messages.get(index),
            // Older builds do not number events: a single message is meant, or nobody can tell.
            None if messages.len() == 1 => messages.first(),
            None => None,
        };
        let kind = punishment_or_bond(address, events, index, incoming)
            .unwrap_or_else(|| by_message(message.map_or("", |m| m.type_url.as_str()), incoming, is_payout));
        add(&mut movements, kind, coins);
    }
    movements
}

/// What a block moved outside its transactions.
pub(crate) fn of_block(address: &str, events: &[Event]) -> Movements {
    let mut movements = Movements::new();
    for event in events {
        let Some((incoming, coins)) = flow(address, event) else { continue };
        let kind = punishment_or_bond(address, events, None, incoming).unwrap_or(match incoming {
            true => EntryKind::OtherIncome,
            false => EntryKind::OtherExpense,
        });
        add(&mut movements, kind, coins);
    }
    movements
}

/// Whether any of the events moved coins of the account.
pub(crate) fn concern(address: &str, events: &[Event]) -> bool {
    events.iter().any(|event| flow(address, event).is_some())
}

fn flow(address: &str, event: &Event) -> Option<(bool, Coins)> {
    let (incoming, party) = match event.kind.as_str() {
        "coin_received" => (true, "receiver"),
        "coin_spent" => (false, "spender"),
        _ => return None,
    };
    if event.attribute(party) != Some(address) {
        return None;
    }
    Some((incoming, event.attribute("amount")?.parse().ok()?))
}

/// The fee that the account paid for the transaction, as the chain says it.
fn fee_of(address: &str, events: &[Event]) -> Option<Coins> {
    let paid = events.iter().find(|event| event.kind == "tx" && event.attribute("fee").is_some())?;
    let payer = paid.attribute("fee_payer").unwrap_or(address);
    (payer == address).then(|| paid.attribute("fee")?.parse().ok()).flatten()
}

fn same(a: &Coins, b: &Coins) -> bool {
    let sorted = |coins: &Coins| {
        let mut coins: Vec<Coin> = coins.0.iter().filter(|coin| coin.amount > 0).cloned().collect();
        coins.sort();
        coins
    };
    sorted(a) == sorted(b)
}

/// A loss beside a `node_slash` of ours, or an income beside the decision of a challenge of ours.
fn punishment_or_bond(
    address: &str,
    events: &[Event],
    index: Option<usize>,
    incoming: bool,
) -> Option<EntryKind> {
    let (cause, kind) = match incoming {
        true => ("resolve_challenge", EntryKind::Bond),
        false => ("node_slash", EntryKind::Slash),
    };
    let beside = |event: &Event| {
        event.kind == cause
            && event.number("msg_index").map(|index| index as usize) == index
            && event.concerns(address)
    };
    events.iter().any(beside).then_some(kind)
}

fn by_message(type_url: &str, incoming: bool, is_payout: bool) -> EntryKind {
    match (type_url, incoming) {
        ("/remes.remes.v1.MsgRevealAggregation" | "/remes.remes.v1.MsgSubmitAggregation", true) => {
            EntryKind::Reward
        }
        // Delegating and its relatives withdraw the rewards on the way.
        (
            "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward"
            | "/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission"
            | "/cosmos.staking.v1beta1.MsgDelegate"
            | "/cosmos.staking.v1beta1.MsgUndelegate"
            | "/cosmos.staking.v1beta1.MsgBeginRedelegate",
            true,
        ) => EntryKind::Claim,
        ("/cosmos.bank.v1beta1.MsgSend" | "/cosmos.bank.v1beta1.MsgMultiSend", true) => EntryKind::Received,
        ("/cosmos.bank.v1beta1.MsgSend" | "/cosmos.bank.v1beta1.MsgMultiSend", false) => match is_payout {
            true => EntryKind::Payout,
            false => EntryKind::Sent,
        },
        (_, true) => EntryKind::OtherIncome,
        (_, false) => EntryKind::OtherExpense,
    }
}

fn add(movements: &mut Movements, kind: EntryKind, coins: Coins) {
    for coin in coins.0.into_iter().filter(|coin| coin.amount > 0) {
        let sum = movements.entry((kind, coin.denom)).or_default();
        *sum = sum.saturating_add(coin.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: &str = "remes1us";

    fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Event { kind: kind.to_owned(), attributes: attributes.collect() }
    }

    fn spent(amount: &str) -> Event {
        event("coin_spent", &[("spender", US), ("amount", amount)])
    }

    fn received(amount: &str, index: &str) -> Event {
        event("coin_received", &[("receiver", US), ("amount", amount), ("msg_index", index)])
    }

    fn fee(amount: &str) -> Event {
        event("tx", &[("fee", amount), ("fee_payer", US)])
    }

    fn message(type_url: &str) -> Any {
        Any { type_url: type_url.into(), value: Vec::new() }
    }

    fn found(movements: &Movements) -> Vec<String> {
        movements.iter().map(|((kind, denom), amount)| format!("{kind} {amount}{denom}")).collect()
    }

    #[test]
    fn a_reveal_is_a_reward_and_a_fee() {
        let events = [spent("5stake"), fee("5stake"), received("520remes", "0")];
        let messages = [message("/remes.remes.v1.MsgRevealAggregation")];
        let movements = of_transaction(US, &events, &messages, true, false);
        assert_eq!(found(&movements), ["reward 520remes", "fee 5stake"]);
    }

    #[test]
    fn a_failed_transaction_is_a_fee_and_nothing_else() {
        let events = [spent("5stake"), fee("5stake"), received("520remes", "0")];
        let messages = [message("/remes.remes.v1.MsgRevealAggregation")];
        assert_eq!(found(&of_transaction(US, &events, &messages, false, false)), ["fee 5stake"]);
    }

    #[test]
    fn withdrawals_of_one_transaction_are_one_claim_a_denom() {
        let events =
            [spent("5stake"), fee("5stake"), received("7stake,1uatom", "0"), received("3stake", "1")];
        let messages = [
            message("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward"),
            message("/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission"),
        ];
        let movements = of_transaction(US, &events, &messages, true, false);
        assert_eq!(found(&movements), ["claim 10stake", "claim 1uatom", "fee 5stake"]);
    }

    #[test]
    fn a_transfer_is_a_payout_only_where_we_ordered_one() {
        let sent = event("coin_spent", &[("spender", US), ("amount", "9remes"), ("msg_index", "0")]);
        let events = [spent("5stake"), fee("5stake"), sent];
        let messages = [message("/cosmos.bank.v1beta1.MsgSend")];
        let movements = |payout| found(&of_transaction(US, &events, &messages, true, payout));
        assert_eq!(movements(true), ["fee 5stake", "payout 9remes"]);
        assert_eq!(movements(false), ["fee 5stake", "sent 9remes"]);
    }

    #[test]
    fn a_transfer_as_large_as_the_fee_is_not_taken_for_it() {
        let sent = event("coin_spent", &[("spender", US), ("amount", "5stake"), ("msg_index", "0")]);
        let movements = of_transaction(
            US,
            &[spent("5stake"), fee("5stake"), sent],
            &[message("/cosmos.bank.v1beta1.MsgSend")],
            true,
            false,
        );
        assert_eq!(found(&movements), ["fee 5stake", "sent 5stake"]);
    }

    #[test]
    fn what_others_pay_for_themselves_is_not_ours() {
        let theirs = event("coin_spent", &[("spender", "remes1they"), ("amount", "5stake")]);
        let paid = event("tx", &[("fee", "5stake"), ("fee_payer", "remes1they")]);
        let events = [theirs, paid, received("3stake", "0")];
        let movements = of_transaction(US, &events, &[message("/cosmos.bank.v1beta1.MsgSend")], true, false);
        assert_eq!(found(&movements), ["received 3stake"]);
    }

    #[test]
    fn a_loss_beside_our_slash_is_a_slash_and_beside_anothers_it_is_not() {
        let ours = event("node_slash", &[("node_address", US), ("reason", "challenge")]);
        let theirs = event("node_slash", &[("node_address", "remes1they")]);
        assert_eq!(found(&of_block(US, &[spent("25000remes"), ours])), ["slash 25000remes"]);
        assert_eq!(found(&of_block(US, &[spent("25000remes"), theirs])), ["other-expense 25000remes"]);
    }

    #[test]
    fn an_income_beside_our_challenges_end_is_a_bond() {
        let won = event("resolve_challenge", &[("proposer", US), ("guilty", "false")]);
        let income = event("coin_received", &[("receiver", US), ("amount", "2500remes")]);
        assert_eq!(found(&of_block(US, &[income.clone(), won])), ["bond 2500remes"]);
        assert_eq!(found(&of_block(US, &[income])), ["other-income 2500remes"]);
    }

    #[test]
    fn an_unknown_message_moves_other_amounts() {
        let events = [received("3stake", "0")];
        let movements = of_transaction(US, &events, &[message("/x.Msg")], true, false);
        assert_eq!(found(&movements), ["other-income 3stake"]);
    }
}
