//! Amounts as they cross the border: decimal strings.

use std::collections::BTreeMap;

use r3mes_chain::{Coins, DecCoin};
use r3mes_config::NetworkProfile;
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

/// How amounts are shown to people: those in the network's reward denom shifted by the profile's exponent, under the
/// name of the shifted unit. What machines read stays in the chain's own units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayUnits {
    denom: String,
    exponent: usize,
}

impl DisplayUnits {
    pub(crate) fn of(network: &NetworkProfile) -> DisplayUnits {
        let exponent = usize::from(network.reward_display_exponent);
        DisplayUnits { denom: network.reward_denom.clone(), exponent }
    }

    /// An amount with its unit: `12345678` of `uremes` with the exponent 6 is `12.345678 REMES`. Text that is no
    /// decimal number stays as it is.
    pub fn show(&self, amount: &str, denom: &str) -> String {
        format!("{} {}", self.figure(amount, denom), self.unit(denom))
    }

    /// The figure alone.
    pub fn figure(&self, amount: &str, denom: &str) -> String {
        let (sign, digits) = amount.strip_prefix('-').map_or(("", amount), |digits| ("-", digits));
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !self.shifts(denom) || !is_number {
            return amount.to_owned();
        }
        let padded = format!("{digits:0>width$}", width = self.exponent + 1);
        let (whole, fraction) = padded.split_at(padded.len() - self.exponent);
        match fraction.trim_end_matches('0') {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        }
    }

    /// The unit alone: in capitals where amounts are shifted, without the letter by which Cosmos marks that part of
    /// a unit, such as `u` for a millionth.
    pub fn unit(&self, denom: &str) -> String {
        if !self.shifts(denom) {
            return denom.to_owned();
        }
        let marks = [('m', 3), ('u', 6), ('n', 9), ('p', 12), ('a', 18)];
        let mark = marks.into_iter().find(|(_, exponent)| *exponent == self.exponent);
        let name = mark.and_then(|(letter, _)| denom.strip_prefix(letter)).filter(|name| name.len() > 2);
        name.unwrap_or(denom).to_uppercase()
    }

    /// Amounts in one line.
    pub fn list(&self, amounts: &[Amount]) -> String {
        match amounts {
            [] => "nothing".to_owned(),
            amounts => amounts.iter().map(|one| self.show_amount(one)).collect::<Vec<_>>().join(", "),
        }
    }

    /// Coins as the chain writes them, such as `50000remes`; what does not read as coins stays as it is.
    pub fn coins(&self, text: &str) -> String {
        match amounts_of_text(text).as_slice() {
            [] => text.to_owned(),
            amounts => self.list(amounts),
        }
    }

    /// [`show`](Self::show) of an [`Amount`].
    pub fn show_amount(&self, amount: &Amount) -> String {
        self.show(&amount.amount, &amount.denom)
    }

    /// An amount of the reward denom.
    pub(crate) fn reward(&self, amount: u128) -> String {
        self.show(&amount.to_string(), &self.denom)
    }

    /// Whole units of the reward denom out of a figure as [`figure`](Self::figure) writes it. Anything that could
    /// be read in two ways is refused.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(crate) fn read_reward(&self, text: &str) -> Result<u128, String> {
        let text = text.trim();
        let (whole, fraction) = match text.split_once('.') {
            None => (text, ""),
            Some(_) if self.exponent == 0 => return Err("must be a whole number".to_owned()),
            Some(parts) => parts,
        };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || text.contains('.') && !is_number(fraction) {
            return Err("must be digits, with at most one decimal mark".to_owned());
        }
        if fraction.len() > self.exponent {
            return Err(format!("must have at most {} digits after the decimal mark", self.exponent));
        }
        let digits = format!("{whole}{fraction:0<width$}", width = self.exponent);
        match digits.parse() {
            Ok(0) => Err("must be more than 0".to_owned()),
            Ok(units) => Ok(units),
            Err(_) => Err("must be less".to_owned()),
        }
    }

    fn shifts(&self, denom: &str) -> bool {
        self.exponent > 0 && denom == self.denom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(denom: &str, exponent: usize) -> DisplayUnits {
        DisplayUnits { denom: denom.into(), exponent }
    }

    #[test]
    fn amounts_are_whole_units_where_the_network_shifts_nothing() {
        assert_eq!(units("remes", 0).show("1234567890123456789012", "remes"), "1234567890123456789012 remes");
        assert_eq!(units("remes", 0).list(&[]), "nothing");
    }

    #[test]
    fn amounts_are_shifted_in_the_reward_denom_alone() {
        let micro = units("uremes", 6);
        for (amount, shown) in [
            ("12345678", "12.345678 REMES"),
            ("1234500000", "1234.5 REMES"),
            ("7", "0.000007 REMES"),
            ("0", "0 REMES"),
            ("-1000000", "-1 REMES"),
            ("-5", "-0.000005 REMES"),
            ("unknown", "unknown REMES"),
        ] {
            assert_eq!(micro.show(amount, "uremes"), shown);
        }
        let coins = [Amount::new(620_000_000, "uremes"), Amount::new(-5000, "stake")];
        assert_eq!(micro.list(&coins), "620 REMES, -5000 stake");
        assert_eq!(micro.coins("50000000000uremes"), "50000 REMES");
        assert_eq!(micro.coins("a stake"), "a stake");
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        let (whole, micro) = (units("remes", 0), units("uremes", 6));
        for amount in [1, 7, 1_000_000, 12_345_678, u128::MAX] {
            let text = amount.to_string();
            assert_eq!(micro.read_reward(&micro.figure(&text, "uremes")), Ok(amount));
            assert_eq!(whole.read_reward(&whole.figure(&text, "remes")), Ok(amount));
        }
        assert_eq!(micro.read_reward(" 0.5 "), Ok(500_000));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_no_amount() {
        let (whole, micro) = (units("remes", 0), units("uremes", 6));
        for text in ["", ".", "1.", ".5", "1,834", "1 834", "-1", "+1", "1e3", "0x1", "1.2.3", "\u{661}"] {
            assert!(micro.read_reward(text).unwrap_err().starts_with("must be digits"), "{text}");
        }
        assert_eq!(whole.read_reward("1.5").unwrap_err(), "must be a whole number");
        assert!(micro.read_reward("1.2345678").unwrap_err().contains("at most 6"));
        assert_eq!(micro.read_reward("0.000000").unwrap_err(), "must be more than 0");
        assert_eq!(whole.read_reward(&format!("{}0", u128::MAX)).unwrap_err(), "must be less");
    }

    #[test]
    fn the_shifted_unit_loses_the_letter_of_its_own_exponent_only() {
        assert_eq!(units("uremes", 3).unit("uremes"), "UREMES");
        assert_eq!(units("remes", 6).unit("remes"), "REMES");
        assert_eq!(units("aremes", 18).unit("aremes"), "REMES");
        assert_eq!(units("uno", 6).unit("uno"), "UNO", "too short to be a part of anything");
        assert_eq!(units("uremes", 6).unit("ustake"), "ustake");
    }
}
