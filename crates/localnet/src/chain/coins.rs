//! Amounts: coins and the SDK's 18-digit decimals, as text and as numbers.

use cosmrs::proto::cosmos::base::v1beta1 as base;
use serde::{Deserialize, Serialize};

/// One unit of a decimal with 18 digits behind the point, as the SDK counts rewards.
pub(crate) const DEC_ONE: u128 = 1_000_000_000_000_000_000;

/// An amount of one denom, in whole units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coin {
    /// Units.
    pub amount: u128,
    /// Name of the unit.
    pub denom: String,
}

impl Coin {
    /// `amount` units of `denom`.
    pub fn new(amount: u128, denom: impl Into<String>) -> Self {
        Coin { amount, denom: denom.into() }
    }

    /// Reads text such as `50000remes`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (amount, denom) = text.split_at(digits);
        let mut letters = denom.bytes();
        let well_formed = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
            && letters.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b))
            && (3..=128).contains(&denom.len());
        Some(Coin { amount: amount.parse().ok()?, denom: well_formed.then(|| denom.to_owned())? })
    }

    pub(crate) fn to_proto(&self) -> base::Coin {
        base::Coin { denom: self.denom.clone(), amount: self.amount.to_string() }
    }

    pub(crate) fn from_proto(coin: &base::Coin) -> Option<Self> {
        Coin::parse(&format!("{}{}", coin.amount, coin.denom))
    }
}

impl std::fmt::Display for Coin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

/// Coins as the SDK writes them in logs and events: `5remes,7stake`, without the zeros.
pub(crate) fn coins_text(coins: &[Coin]) -> String {
    let texts: Vec<String> = coins.iter().filter(|c| c.amount > 0).map(Coin::to_string).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_read_as_the_sdk_reads_them() {
        assert_eq!(Coin::parse("50000remes"), Some(Coin::new(50_000, "remes")));
        assert_eq!(Coin::parse(" 7stake "), Some(Coin::new(7, "stake")));
        for bad in ["", "remes", "5", "5 remes", "-5remes", "5re", "1.5remes", "5remes,6stake"] {
            assert_eq!(Coin::parse(bad), None, "{bad:?}");
        }
    }
}
