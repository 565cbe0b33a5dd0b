//! Amounts: coins in whole units, and the SDK's decimals of 18 digits.

use std::fmt;
use std::str::FromStr;

use cosmrs::proto::cosmos::base::v1beta1 as base;

/// Text that is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// Not digits followed by a denom.
    #[error("{0:?} is not a coin; digits and a denom such as \"50000remes\" were expected")]
    Coin(String),
    /// The amount exceeds 128 bits.
    #[error("the amount {0:?} does not fit into 128 bits")]
    TooLarge(String),
    /// Not a plain non-negative decimal of at most 18 digits behind the point.
    #[error("{0:?} is not a decimal with at most 18 digits behind the point, such as \"0.025\"")]
    Decimal(String),
}

/// An amount of one denom, in whole units. Its text is that of the chain: `50000remes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

    /// As protobuf messages carry it.
    pub fn to_proto(&self) -> base::Coin {
        base::Coin { denom: self.denom.clone(), amount: self.amount.to_string() }
    }

    /// Out of a protobuf message.
    ///
    /// # Errors
    /// [`AmountError`] when the amount is no whole number of up to 128 bits.
    pub fn from_proto(coin: &base::Coin) -> Result<Self, AmountError> {
        Ok(Coin { amount: units(&coin.amount)?, denom: coin.denom.clone() })
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

impl FromStr for Coin {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let trimmed = text.trim();
        let (amount, denom) =
            split_denom(trimmed, |b| b.is_ascii_digit()).ok_or_else(|| AmountError::Coin(text.to_owned()))?;
        Ok(Coin { amount: units(amount)?, denom: denom.to_owned() })
    }
}

/// Amounts of several denoms, in the order given. Its text separates them by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Coins(pub Vec<Coin>);

impl Coins {
    /// The sum of all amounts of `denom`; 0 where there is none.
    pub fn amount_of(&self, denom: &str) -> u128 {
        self.0.iter().filter(|coin| coin.denom == denom).fold(0, |sum, coin| sum.saturating_add(coin.amount))
    }

    /// Whether no amount is above 0.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|coin| coin.amount == 0)
    }

    /// As protobuf messages carry coins: sorted by denom, without zeros.
    pub fn to_proto(&self) -> Vec<base::Coin> {
        let mut coins: Vec<&Coin> = self.0.iter().filter(|coin| coin.amount > 0).collect();
        coins.sort_by(|a, b| a.denom.cmp(&b.denom));
        coins.into_iter().map(Coin::to_proto).collect()
    }

    /// Out of a protobuf message.
    ///
    /// # Errors
    /// As [`Coin::from_proto`].
    pub fn from_proto(coins: &[base::Coin]) -> Result<Self, AmountError> {
        coins.iter().map(Coin::from_proto).collect::<Result<_, _>>().map(Coins)
    }
}

impl From<Coin> for Coins {
    fn from(coin: Coin) -> Self {
        Coins(vec![coin])
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, coin) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            coin.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Coins {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text.trim().is_empty() {
            return Ok(Coins::default());
        }
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Coins)
    }
}

/// A non-negative decimal, held exactly with 18 digits behind the point as the Cosmos SDK does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal {
    atto: u128,
}

impl Decimal {
    const ONE: u128 = 1_000_000_000_000_000_000;
    const DIGITS: usize = 18;

    /// From a count of 10^-18.
    pub const fn from_atto(atto: u128) -> Self {
        Decimal { atto }
    }

    /// The count of 10^-18.
    pub const fn atto(self) -> u128 {
        self.atto
    }

    /// The whole units in it.
    pub const fn floor(self) -> u128 {
        self.atto / Self::ONE
    }

    /// `self * n` rounded up, as a fee must be; `None` where it does not fit into 128 bits.
    pub fn mul_ceil(self, n: u64) -> Option<u128> {
        let (whole, fraction) = (self.atto / Self::ONE, self.atto % Self::ONE);
        // The fraction is below 2^60 and `n` below 2^64: their product fits.
        let fraction = (fraction * u128::from(n)).div_ceil(Self::ONE);
        whole.checked_mul(u128::from(n))?.checked_add(fraction)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.atto / Self::ONE, self.atto % Self::ONE);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{fraction:018}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for Decimal {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let invalid = || AmountError::Decimal(text.to_owned());
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > Self::DIGITS {
            return Err(invalid());
        }
        let too_large = || AmountError::TooLarge(text.to_owned());
        let whole: u128 = whole.parse().map_err(|_| too_large())?;
        let fraction: u128 = format!("{fraction:0<18}").parse().map_err(|_| invalid())?;
        let atto = whole.checked_mul(Self::ONE).and_then(|atto| atto.checked_add(fraction));
        atto.map(Decimal::from_atto).ok_or_else(too_large)
    }
}

/// A decimal amount of one denom: a gas price, or a reward that is not whole yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DecCoin {
    /// Units, with fractions.
    pub amount: Decimal,
    /// Name of the unit.
    pub denom: String,
}

impl DecCoin {
    /// Out of a protobuf message, where the amount is a whole number of 10^-18.
    ///
    /// # Errors
    /// [`AmountError`] when the amount is no whole number of up to 128 bits.
    pub fn from_proto(coin: &base::DecCoin) -> Result<Self, AmountError> {
        Ok(DecCoin { amount: Decimal::from_atto(units(&coin.amount)?), denom: coin.denom.clone() })
    }
}

impl fmt::Display for DecCoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

impl FromStr for DecCoin {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (amount, denom) = split_denom(text.trim(), |b| b.is_ascii_digit() || b == b'.')
            .ok_or_else(|| AmountError::Coin(text.to_owned()))?;
        Ok(DecCoin { amount: amount.parse()?, denom: denom.to_owned() })
    }
}

/// Splits a coin's text into number and denom; `None` where one is missing or the denom breaks the
/// SDK's rule: 3 to 128 letters, digits or `/:._-`, a letter first.
fn split_denom(text: &str, is_number: fn(u8) -> bool) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(|b| is_number(*b)).count();
    let (number, denom) = text.split_at(digits);
    let mut letters = denom.bytes();
    let is_denom = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b))
        && (3..=128).contains(&denom.len());
    (is_denom && !number.is_empty()).then_some((number, denom))
}

fn units(digits: &str) -> Result<u128, AmountError> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AmountError::Coin(digits.to_owned()));
    }
    digits.parse().map_err(|_| AmountError::TooLarge(digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_coin_is_refused() {
        for text in
            ["", "remes", "50000", "-5remes", "5.5remes", "5 remes", "5re", "5_remes", "5remes,6stake"]
        {
            assert!(text.parse::<Coin>().is_err(), "{text}");
        }
        let above = format!("{}0remes", u128::MAX);
        assert!(matches!(above.parse::<Coin>(), Err(AmountError::TooLarge(_))));
    }

    #[test]
    fn decimals_are_exact_and_round_up() {
        let price: Decimal = "0.025".parse().unwrap();
        assert_eq!(price.mul_ceil(200_000), Some(5000));
        assert_eq!(price.mul_ceil(200_001), Some(5001));
        assert_eq!(Decimal::default().mul_ceil(u64::MAX), Some(0));
        assert_eq!("1.500000000000000000000".parse::<Decimal>().unwrap().to_string(), "1.5");
        for text in ["", ".5", "1e3", "-1", "0.0000000000000000001", "1.2.3", "1,5"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert_eq!("7.".parse::<Decimal>().unwrap(), "7".parse().unwrap());
    }

    #[test]
    fn minimum_gas_prices_are_read() {
        let price: DecCoin = "0.025000000000000000stake".parse().unwrap();
        assert_eq!((price.to_string().as_str(), price.denom.as_str()), ("0.025stake", "stake"));
    }

    #[test]
    fn coins_go_into_messages_sorted_and_without_zeros() {
        let coins: Coins = "7stake,0photon,5remes".parse().unwrap();
        let denoms: Vec<String> = coins.to_proto().into_iter().map(|coin| coin.denom).collect();
        assert_eq!(denoms, ["remes", "stake"]);
        assert_eq!(coins.amount_of("stake"), 7);
        assert_eq!(coins.amount_of("uremes"), 0);
    }

    proptest! {
        #[test]
        fn a_coin_survives_its_text(amount: u128, denom in "[a-zA-Z][a-zA-Z0-9/:._-]{2,40}") {
            let coin = Coin::new(amount, denom);
            prop_assert_eq!(coin.to_string().parse::<Coin>().unwrap(), coin.clone());
            prop_assert_eq!(Coin::from_proto(&coin.to_proto()).unwrap(), coin);
        }

        #[test]
        fn coins_survive_their_text(amounts in prop::collection::vec((any::<u128>(), "[a-z]{3,8}"), 0..5)) {
            let coins = Coins(amounts.into_iter().map(|(amount, denom)| Coin::new(amount, denom)).collect());
            prop_assert_eq!(coins.to_string().parse::<Coins>().unwrap(), coins);
        }

        #[test]
        fn a_decimal_survives_its_text(atto: u128) {
            let decimal = Decimal::from_atto(atto);
            prop_assert_eq!(decimal.to_string().parse::<Decimal>().unwrap(), decimal);
        }

        #[test]
        fn a_product_is_the_smallest_whole_number_not_below(atto in 0..u128::from(u64::MAX), n in 0..u64::from(u32::MAX)) {
            let product = Decimal::from_atto(atto).mul_ceil(n).unwrap();
            let exact = atto * u128::from(n);
            prop_assert!(product * Decimal::ONE >= exact);
            prop_assert!(product == 0 || (product - 1) * Decimal::ONE < exact);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Coins>();
            let _ = text.parse::<DecCoin>();
            let _ = text.parse::<Decimal>();
        }
    }
}
