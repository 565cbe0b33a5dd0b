//! Amounts as they cross the border: decimal strings.

use std::collections::BTreeMap;

use r3mes_chain::{Coins, DecCoin};
use serde::Serialize;

/// An amount in whole units of a denom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// Whole units, decimal; negative only where a difference is told.
    pub amount: String,
    /// Of what.
    pub denom: String,
}

impl Amount {
    pub(crate) fn new(amount: impl ToString, denom: impl Into<String>) -> Amount {
        Amount { amount: amount.to_string(), denom: denom.into() }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.denom)
    }
}

/// Sums by denom, signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, i128>);

impl Sums {
    pub(crate) fn add(&mut self, denom: &str, amount: u128) {
        *self.0.entry(denom.to_owned()).or_default() += i128::try_from(amount).unwrap_or(i128::MAX);
    }

    pub(crate) fn subtract(&mut self, denom: &str, amount: u128) {
        *self.0.entry(denom.to_owned()).or_default() -= i128::try_from(amount).unwrap_or(i128::MAX);
    }

    pub(crate) fn add_coins(&mut self, coins: &Coins) {
        coins.0.iter().for_each(|coin| self.add(&coin.denom, coin.amount));
    }

    /// What can be paid of decimal amounts: each in whole units, the fractions left where they are.
    pub(crate) fn add_whole(&mut self, coins: &[DecCoin]) {
        coins.iter().for_each(|coin| self.add(&coin.denom, coin.amount.floor()));
    }

    pub(crate) fn of(&self, denom: &str) -> i128 {
        self.0.get(denom).copied().unwrap_or(0)
    }

    /// The denoms of which there is something.
    pub(crate) fn denoms(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, amount)| **amount != 0).map(|(denom, _)| denom.as_str())
    }

    pub(crate) fn amounts(&self) -> Vec<Amount> {
        self.0
            .iter()
            .filter(|(_, amount)| **amount != 0)
            .map(|(denom, amount)| Amount::new(amount, denom))
            .collect()
    }
}

pub(crate) fn amounts(coins: &Coins) -> Vec<Amount> {
    let mut sums = Sums::default();
    sums.add_coins(coins);
    sums.amounts()
}

/// Coins as the journal writes them; what does not read as coins is no amount.
pub(crate) fn amounts_of_text(coins: &str) -> Vec<Amount> {
    coins.parse().map(|coins| amounts(&coins)).unwrap_or_default()
}
