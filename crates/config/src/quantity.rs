use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// A text that is not the quantity it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Not a plain decimal number.
    #[error("must be a decimal number such as 0.025, is {0:?}")]
    Decimal(String),
    /// More digits than can be held exactly.
    #[error("must have at most {max} digits after the point, has {found}")]
    TooPrecise {
        /// Digits found.
        found: usize,
        /// Digits allowed.
        max: usize,
    },
    /// Larger than the type holds.
    #[error("is too large: {0}")]
    TooLarge(String),
    /// Not a size in bytes.
    #[error("must be a size such as \"100 MiB\", is {0:?}")]
    ByteSize(String),
    /// Not a length of time.
    #[error("must be a length of time such as \"30s\" or \"5m\", is {0:?}")]
    Duration(String),
}

/// A non-negative decimal number, held exactly: prices and factors that chains state as text.
///
/// At most 18 digits after the point, as in the Cosmos SDK's `LegacyDec`. Trailing zeros do not count:
/// `0.10` equals `0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal {
    /// The value in units of 10^-18.
    atto: u128,
}

impl Decimal {
    const DIGITS: usize = 18;
    const ONE: u128 = 10u128.pow(Self::DIGITS as u32);

    /// The number `numerator / 10^scale`.
    ///
    /// # Panics
    /// When `scale` exceeds 18 or the value does not fit; meant for constants.
    pub const fn new(numerator: u128, scale: u32) -> Self {
        assert!(scale as usize <= Self::DIGITS, "a decimal has at most 18 digits after the point");
        Decimal { atto: numerator * 10u128.pow(Self::DIGITS as u32 - scale) }
    }

    /// Whether this is 0.
    pub const fn is_zero(self) -> bool {
        self.atto == 0
    }

    /// `self * n`, rounded up to a whole number; `None` when it does not fit.
    ///
    /// Fees are computed so: a chain refuses one that was rounded down.
    pub const fn mul_ceil(self, n: u64) -> Option<u128> {
        match self.atto.checked_mul(n as u128) {
            Some(product) => Some(product.div_ceil(Self::ONE)),
            // Whole and fraction apart: slower to overflow.
            None => match (self.atto / Self::ONE).checked_mul(n as u128) {
                Some(whole) => match (self.atto % Self::ONE).checked_mul(n as u128) {
                    Some(fraction) => whole.checked_add(fraction.div_ceil(Self::ONE)),
                    None => None,
                },
                None => None,
            },
        }
    }

    /// The nearest `f64`, for display and ratios.
    pub fn to_f64(self) -> f64 {
        self.atto as f64 / Self::ONE as f64
    }
}

impl FromStr for Decimal {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let bad = || QuantityError::Decimal(text.to_owned());
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(bad()),
            Some(parts) => parts,
            None => (text, ""),
        };
        if whole.is_empty() || ![whole, fraction].iter().all(|t| t.bytes().all(|b| b.is_ascii_digit())) {
            return Err(bad());
        }
        let significant = fraction.trim_end_matches('0');
        if significant.len() > Self::DIGITS {
            return Err(QuantityError::TooPrecise { found: significant.len(), max: Self::DIGITS });
        }
        let too_large = || QuantityError::TooLarge(text.to_owned());
        let whole: u128 = whole.parse().map_err(|_| too_large())?;
        let scaled: u128 =
            format!("{significant:0<width$}", width = Self::DIGITS).parse().map_err(|_| bad())?;
        let atto = whole.checked_mul(Self::ONE).and_then(|w| w.checked_add(scaled)).ok_or_else(too_large)?;
        Ok(Decimal { atto })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:0width$}", self.atto % Self::ONE, width = Self::DIGITS);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}", self.atto / Self::ONE),
            fraction => write!(f, "{}.{fraction}", self.atto / Self::ONE),
        }
    }
}

/// A number of bytes, written with a binary unit: `100 MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const BYTE_UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteSize {
    /// `n` bytes.
    pub const fn bytes(n: u64) -> Self {
        ByteSize(n)
    }

    /// `n` times 2^20 bytes.
    pub const fn mib(n: u64) -> Self {
        ByteSize(n << 20)
    }

    /// `n` times 2^30 bytes.
    pub const fn gib(n: u64) -> Self {
        ByteSize(n << 30)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let bad = || QuantityError::ByteSize(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let unit = text[digits..].trim();
        let number: u64 = match text[..digits].parse() {
            Ok(number) => number,
            Err(_) if digits > 0 => return Err(QuantityError::TooLarge(text.to_owned())),
            Err(_) => return Err(bad()),
        };
        let factor = match unit {
            "" => 1,
            _ => BYTE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(bad)?.1,
        };
        number.checked_mul(factor).map(ByteSize).ok_or_else(|| QuantityError::TooLarge(text.to_owned()))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, factor): &&(&str, u64)| self.0 >= *factor && self.0.is_multiple_of(*factor);
        match BYTE_UNITS.iter().find(fits) {
            Some((name, factor)) => write!(f, "{} {name}", self.0 / factor),
            None => write!(f, "{} B", self.0),
        }
    }
}

/// Reads a length of time: `30s`, `5m`, `1h 30m`, `250ms`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    humantime::parse_duration(text).map_err(|_| QuantityError::Duration(text.to_owned()))
}

/// Writes a length of time so that [`parse_duration`] reads the same one.
pub(crate) fn format_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_that_are_not() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0,1", " 1", "1 ", "0x1", "١"] {
            assert!(matches!(text.parse::<Decimal>(), Err(QuantityError::Decimal(_))), "{text:?}");
        }
        assert_eq!(
            "0.1234567890123456789".parse::<Decimal>().unwrap_err().to_string(),
            "must have at most 18 digits after the point, has 19"
        );
        assert!("340282366920938463464".parse::<Decimal>().is_err());
        assert_eq!("0.02500".parse::<Decimal>().unwrap(), Decimal::new(25, 3));
        assert_eq!(Decimal::new(25, 3).to_string(), "0.025");
        assert_eq!(Decimal::new(10, 0).to_string(), "10");
    }

    #[test]
    fn fees_round_up() {
        assert_eq!(Decimal::new(25, 3).mul_ceil(200_001), Some(5_001));
        assert_eq!(Decimal::new(25, 3).mul_ceil(200_000), Some(5_000));
        assert_eq!(Decimal::default().mul_ceil(u64::MAX), Some(0));
        // Too large for the product in one step, though not for the result.
        assert_eq!(Decimal::new(100_000, 0).mul_ceil(u64::MAX), Some(100_000 * u128::from(u64::MAX)));
    }

    #[test]
    fn byte_sizes() {
        assert_eq!("100 MiB".parse::<ByteSize>().unwrap(), ByteSize::mib(100));
        assert_eq!("100mib".parse::<ByteSize>().unwrap(), ByteSize::mib(100));
        assert_eq!("1536".parse::<ByteSize>().unwrap().to_string(), "1536 B");
        assert_eq!(ByteSize::bytes(3 << 19).to_string(), "1536 KiB");
        assert_eq!(ByteSize::bytes(0).to_string(), "0 B");
        for text in ["", "MiB", "-1 B", "1.5 GiB", "1 GB", "1 MiB x"] {
            assert!(matches!(text.parse::<ByteSize>(), Err(QuantityError::ByteSize(_))), "{text:?}");
        }
        assert!(matches!("99999999999 TiB".parse::<ByteSize>(), Err(QuantityError::TooLarge(_))));
    }
}
