use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the updates become one.
///
/// Written as text (settings, command line) a method is its kebab-case name with its parameters, if they are not
/// the defaults, in parentheses: `median`, `trimmed-mean`, `trimmed-mean(f=2)`, `trimmed-mean(ratio=0.1)`,
/// `fedavg(cap=5)`. [`Display`](fmt::Display) and [`FromStr`] are inverse to each other, and serde uses that text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Method {
    /// The arithmetic mean. Breakdown point 0: one bad update moves it anywhere.
    Average,
    /// The mean weighted by [`Update::weight`](crate::Update::weight). Breakdown point 0.
    WeightedAverage,
    /// Federated averaging (McMahan 2017): the mean weighted by sample counts, each capped at `cap` times the
    /// median count, because miners report their counts of themselves. Breakdown point 0.
    FedAvg {
        /// The cap as a multiple of the median count; at least 1.
        cap: f64,
    },
    /// The coordinate-wise median; for an even number the mean of the two middle values. Holds for f < N/2.
    Median,
    /// The coordinate-wise mean without the smallest and the largest values (Yin 2018). Holds for 2f < N.
    TrimmedMean {
        /// How many values go from *each* end.
        trim: Tolerance,
    },
}

/// How many updates, f, a method is to withstand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// Exactly so many.
    Count(usize),
    /// This share of the N updates, rounded down: f = floor(R N + 1e-9).
    Ratio(f64),
}

impl Tolerance {
    /// f for `n` updates.
    pub fn count(self, n: usize) -> usize {
        match self {
            Tolerance::Count(f) => f,
            Tolerance::Ratio(r) => (r * n as f64 + 1e-9).floor() as usize,
        }
    }
}

/// A fifth of the updates.
impl Default for Tolerance {
    fn default() -> Self {
        Tolerance::Ratio(0.2)
    }
}

impl Method {
    /// The default of [`Method::FedAvg`]'s `cap`: whoever lies about their count gains at most three times the
    /// weight of the median participant.
    pub const FEDAVG_CAP: f64 = 3.0;

    /// Every name that [`FromStr`] knows.
    pub const NAMES: &[&str] = &["average", "weighted-average", "fedavg", "median", "trimmed-mean"];

    /// The same method with another share or number of trimmed or tolerated updates, where it has such a parameter.
    pub fn with_tolerance(self, f: Tolerance) -> Self {
        match self {
            Method::TrimmedMean { .. } => Method::TrimmedMean { trim: f },
            other => other,
        }
    }

    /// Whether [`Update::weight`](crate::Update::weight) has any influence.
    pub fn is_weighted(&self) -> bool {
        matches!(self, Method::WeightedAverage | Method::FedAvg { .. })
    }
}

/// Why a text names no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMethodError {
    /// No method has this name.
    #[error("unknown method {0:?}, expected one of {known}", known = Method::NAMES.join(", "))]
    UnknownName(String),
    /// The method exists, this parameter does not, or its value is out of range.
    #[error("method {method}: parameter {parameter:?} is not {expected}")]
    Parameter {
        /// The method's name.
        method: String,
        /// The parameter as written.
        parameter: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl FromStr for Method {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, ParseMethodError> {
        let text = text.trim();
        let (name, parameter) = match text.strip_suffix(')').and_then(|t| t.split_once('(')) {
            Some((name, parameter)) => (name.trim(), parameter.trim()),
            None => (text, ""),
        };
        let wrong = |expected| {
            let (method, parameter) = (name.to_owned(), parameter.to_owned());
            ParseMethodError::Parameter { method, parameter, expected }
        };
        let pair = parameter.split_once('=').map(|(k, v)| (k.trim(), v.trim()));
        let method = match name {
            "average" => Method::Average,
            "weighted-average" => Method::WeightedAverage,
            "fedavg" => {
                let expected = "cap=C with C >= 1";
                let cap = match pair {
                    None if parameter.is_empty() => Method::FEDAVG_CAP,
                    Some(("cap", v)) => v.parse().map_err(|_| wrong(expected))?,
                    _ => return Err(wrong(expected)),
                };
                if !(cap >= 1.0 && f64::is_finite(cap)) {
                    return Err(wrong(expected));
                }
                return Ok(Method::FedAvg { cap });
            }
            "median" => Method::Median,
            "trimmed-mean" => {
                let expected = "f=COUNT or ratio=R with 0 <= R < 0.5";
                let trim = match pair {
                    None if parameter.is_empty() => Tolerance::default(),
                    Some(("f", v)) => Tolerance::Count(v.parse().map_err(|_| wrong(expected))?),
                    Some(("ratio", v)) => Tolerance::Ratio(v.parse().map_err(|_| wrong(expected))?),
                    _ => return Err(wrong(expected)),
                };
                if matches!(trim, Tolerance::Ratio(r) if !(0.0..0.5).contains(&r)) {
                    return Err(wrong(expected));
                }
                return Ok(Method::TrimmedMean { trim });
            }
            _ => return Err(ParseMethodError::UnknownName(name.to_owned())),
        };
        if parameter.is_empty() { Ok(method) } else { Err(wrong("empty")) }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Average => out.write_str("average"),
            Method::WeightedAverage => out.write_str("weighted-average"),
            Method::FedAvg { cap } if *cap == Self::FEDAVG_CAP => out.write_str("fedavg"),
            Method::FedAvg { cap } => write!(out, "fedavg(cap={cap})"),
            Method::Median => out.write_str("median"),
            Method::TrimmedMean { trim } if *trim == Tolerance::default() => out.write_str("trimmed-mean"),
            Method::TrimmedMean { trim: Tolerance::Count(f) } => write!(out, "trimmed-mean(f={f})"),
            Method::TrimmedMean { trim: Tolerance::Ratio(r) } => write!(out, "trimmed-mean(ratio={r})"),
        }
    }
}

impl TryFrom<String> for Method {
    type Error = ParseMethodError;

    fn try_from(text: String) -> Result<Self, ParseMethodError> {
        text.parse()
    }
}

impl From<Method> for String {
    fn from(method: Method) -> String {
        method.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_method_are_inverse() {
        for text in ["average", "weighted-average", "fedavg", "fedavg(cap=5)", "median", "trimmed-mean"] {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        for text in ["trimmed-mean(f=2)", "trimmed-mean(ratio=0.1)"] {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
        }
        assert_eq!("trimmed-mean(ratio=0.2)".parse::<Method>().unwrap().to_string(), "trimmed-mean");
        for text in
            ["", "mean", "median(f=1)", "trimmed-mean(ratio=0.5)", "trimmed-mean(f=-1)", "fedavg(cap=nan)"]
        {
            assert!(text.parse::<Method>().is_err(), "{text}");
        }
    }

    #[test]
    fn ratio_rounds_down_but_for_representation_error() {
        assert_eq!(Tolerance::Ratio(0.2).count(6), 1);
        assert_eq!(Tolerance::Ratio(0.2).count(5), 1);
        assert_eq!(Tolerance::Ratio(0.1).count(30), 3);
        assert_eq!(Tolerance::Ratio(0.2).count(4), 0);
    }
}
