//! Methods as text: `arc+nnm+trimmed-mean(f=2)`.

use std::fmt;
use std::str::FromStr;

use crate::method::{Method, PreAggregation, Start, Tolerance};

/// Why a text names no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMethodError {
    /// No method has this name.
    #[error("unknown method {0:?}, expected one of {known}", known = Method::NAMES.join(", "))]
    UnknownName(String),
    /// What stands before a `+` is no pre-aggregation.
    #[error("unknown pre-aggregation {0:?}, expected one of {known}", known = PreAggregation::NAMES.join(", "))]
    UnknownPreAggregation(String),
    /// More than eight pre-aggregations.
    #[error("more than {MOST_BEFORE} pre-aggregations")]
    TooLong,
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

/// Pre-aggregations before one rule.
const MOST_BEFORE: usize = 8;

/// A name and its parameters.
struct Term<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Term<'a> {
    fn read(text: &'a str) -> Result<Self, ParseMethodError> {
        let text = text.trim();
        let Some((name, inside)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) else {
            return Ok(Term { name: text, parameters: Vec::new() });
        };
        let name = name.trim();
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        for parameter in inside.split(',') {
            let pair = parameter.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
            match pair.filter(|(key, _)| parameters.iter().all(|(known, _)| known != key)) {
                Some(pair) => parameters.push(pair),
                None => return Err(wrong(name, parameter, "of the form key=value, each key once")),
            }
        }
        Ok(Term { name, parameters })
    }

    /// Takes a parameter out.
    fn take<T: FromStr>(
        &mut self,
        key: &str,
        expected: &'static str,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, ParseMethodError> {
        let Some(at) = self.parameters.iter().position(|(k, _)| *k == key) else { return Ok(None) };
        let (_, value) = self.parameters.remove(at);
        match value.parse().ok().filter(|v| fits(v)) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong(self.name, &format!("{key}={value}"), expected)),
        }
    }

    fn tolerance(&mut self) -> Result<Tolerance, ParseMethodError> {
        self.tolerance_or(Tolerance::default())
    }

    fn tolerance_or(&mut self, default: Tolerance) -> Result<Tolerance, ParseMethodError> {
        let count = self.take("f", "a count", |_: &usize| true)?;
        let ratio = self.take("ratio", "from 0 to below 0.5", |r: &f64| (0.0..0.5).contains(r))?;
        match (count, ratio) {
            (Some(_), Some(_)) => Err(wrong(self.name, "ratio", "allowed beside f")),
            (Some(f), None) => Ok(Tolerance::Count(f)),
            (None, Some(r)) => Ok(Tolerance::Ratio(r)),
            (None, None) => Ok(default),
        }
    }

    fn positive(&mut self, key: &str) -> Result<Option<f64>, ParseMethodError> {
        self.take(key, "a positive number", |v: &f64| *v > 0.0 && v.is_finite())
    }

    fn count(&mut self, key: &str) -> Result<Option<usize>, ParseMethodError> {
        self.take(key, "a count of at least 1", |v: &usize| *v >= 1)
    }

    fn end<T>(self, value: T) -> Result<T, ParseMethodError> {
        match self.parameters.first() {
            None => Ok(value),
            Some((key, _)) => Err(wrong(self.name, key, "a parameter that it has")),
        }
    }
}

fn wrong(method: &str, parameter: &str, expected: &'static str) -> ParseMethodError {
    ParseMethodError::Parameter { method: method.to_owned(), parameter: parameter.to_owned(), expected }
}

impl FromStr for Method {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, ParseMethodError> {
        if text.bytes().filter(|b| *b == b'+').count() > MOST_BEFORE {
            return Err(ParseMethodError::TooLong);
        }
        if let Some((before, method)) = text.split_once('+') {
            return Ok(Method::After { before: before.parse()?, method: Box::new(method.parse()?) });
        }
        let mut term = Term::read(text)?;
        let method = match term.name {
            "average" => Method::Average,
            "weighted-average" => Method::WeightedAverage,
            "fedavg" => {
                let cap = term.take("cap", "at least 1", |v: &f64| *v >= 1.0 && v.is_finite())?;
                Method::FedAvg { cap: cap.unwrap_or(Method::FEDAVG_CAP) }
            }
            "median" => Method::Median,
            "trimmed-mean" => Method::TrimmedMean { trim: term.tolerance()? },
            "weighted-median" => Method::WeightedMedian,
            "weighted-trimmed-mean" => Method::WeightedTrimmedMean { trim: term.tolerance()? },
            "meamed" => Method::MeanAroundMedian { f: term.tolerance()? },
            "krum" => Method::Krum { f: term.tolerance()?, neighbours: term.count("neighbours")? },
            "multi-krum" => Method::MultiKrum {
                f: term.tolerance()?,
                neighbours: term.count("neighbours")?,
                m: term.count("m")?,
            },
            "bulyan" => Method::Bulyan { f: term.tolerance()? },
            "mda" => Method::MinimumDiameter { f: term.tolerance()? },
            "geometric-median" => Method::GeometricMedian,
            "centered-clipping" => Method::CenteredClipping {
                tau: term.positive("tau")?,
                steps: term.count("steps")?.unwrap_or(Method::CLIPPING_STEPS),
                start: term.take("start", "medoid or origin", |_| true)?.unwrap_or_default(),
            },
            "caf" => Method::Caf { f: term.tolerance_or(Method::CAF_TOLERANCE)? },
            "sign-majority" => Method::SignMajority,
            "fltrust" => Method::FlTrust { reference: term.take("reference", "an id", |_| true)? },
            name => return Err(ParseMethodError::UnknownName(name.to_owned())),
        };
        term.end(method)
    }
}

impl FromStr for PreAggregation {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, ParseMethodError> {
        let mut term = Term::read(text)?;
        let before = match term.name {
            "nnm" => PreAggregation::NearestNeighbourMixing { f: term.tolerance()? },
            "arc" => PreAggregation::AdaptiveClipping { f: term.tolerance()? },
            "norm-clipping" => PreAggregation::NormClipping { norm: term.positive("norm")? },
            "norm-filter" => {
                let (low, high) = PreAggregation::NORM_BOUNDS;
                let low = term.take("low", "from 0 to 1", |v| (0.0..=1.0).contains(v))?.unwrap_or(low);
                let fits = |v: &f64| *v >= 2.0 && v.is_finite();
                PreAggregation::NormFilter {
                    low,
                    high: term.take("high", "at least 2", fits)?.unwrap_or(high),
                }
            }
            "sign-filter" => PreAggregation::SignFilter { f: term.tolerance()? },
            "bucketing" => PreAggregation::Bucketing {
                size: term.count("size")?.unwrap_or(2),
                seed: term.take("seed", "a whole number", |_| true)?.unwrap_or(0),
            },
            name => return Err(ParseMethodError::UnknownPreAggregation(name.to_owned())),
        };
        term.end(before)
    }
}

impl FromStr for Start {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "medoid" => Ok(Start::Medoid),
            "origin" => Ok(Start::Origin),
            _ => Err(()),
        }
    }
}

/// Collects the parameters that are not the defaults.
#[derive(Default)]
struct Parameters(Vec<String>);

impl Parameters {
    fn tolerance(self, f: Tolerance) -> Self {
        self.tolerance_unless(f, Tolerance::default())
    }

    fn tolerance_unless(mut self, f: Tolerance, default: Tolerance) -> Self {
        match f {
            f if f == default => {}
            Tolerance::Count(f) => self.0.push(format!("f={f}")),
            Tolerance::Ratio(r) => self.0.push(format!("ratio={r}")),
        }
        self
    }

    fn unless<T: fmt::Display + PartialEq>(mut self, key: &str, value: T, default: T) -> Self {
        if value != default {
            self.0.push(format!("{key}={value}"));
        }
        self
    }

    fn some<T: fmt::Display>(mut self, key: &str, value: Option<T>) -> Self {
        self.0.extend(value.map(|v| format!("{key}={v}")));
        self
    }

    fn write(self, name: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(name)?;
        if self.0.is_empty() { Ok(()) } else { write!(out, "({})", self.0.join(",")) }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = Parameters::default();
        match self {
            Method::Average => p.write("average", out),
            Method::WeightedAverage => p.write("weighted-average", out),
            Method::FedAvg { cap } => p.unless("cap", *cap, Method::FEDAVG_CAP).write("fedavg", out),
            Method::Median => p.write("median", out),
            Method::TrimmedMean { trim } => p.tolerance(*trim).write("trimmed-mean", out),
            Method::WeightedMedian => p.write("weighted-median", out),
            Method::WeightedTrimmedMean { trim } => p.tolerance(*trim).write("weighted-trimmed-mean", out),
            Method::MeanAroundMedian { f } => p.tolerance(*f).write("meamed", out),
            Method::Krum { f, neighbours } => {
                p.tolerance(*f).some("neighbours", *neighbours).write("krum", out)
            }
            Method::MultiKrum { f, neighbours, m } => {
                p.tolerance(*f).some("neighbours", *neighbours).some("m", *m).write("multi-krum", out)
            }
            Method::Bulyan { f } => p.tolerance(*f).write("bulyan", out),
            Method::MinimumDiameter { f } => p.tolerance(*f).write("mda", out),
            Method::GeometricMedian => p.write("geometric-median", out),
            Method::CenteredClipping { tau, steps, start } => {
                let p = p.some("tau", *tau).unless("steps", *steps, Method::CLIPPING_STEPS);
                let start = (*start == Start::Origin).then_some("origin");
                p.some("start", start).write("centered-clipping", out)
            }
            Method::Caf { f } => p.tolerance_unless(*f, Method::CAF_TOLERANCE).write("caf", out),
            Method::SignMajority => p.write("sign-majority", out),
            Method::FlTrust { reference } => p.some("reference", *reference).write("fltrust", out),
            Method::After { before, method } => write!(out, "{before}+{method}"),
        }
    }
}

impl fmt::Display for PreAggregation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = Parameters::default();
        match self {
            PreAggregation::NearestNeighbourMixing { f } => p.tolerance(*f).write("nnm", out),
            PreAggregation::AdaptiveClipping { f } => p.tolerance(*f).write("arc", out),
            PreAggregation::NormClipping { norm } => p.some("norm", *norm).write("norm-clipping", out),
            PreAggregation::NormFilter { low, high } => {
                let (usual_low, usual_high) = PreAggregation::NORM_BOUNDS;
                p.unless("low", *low, usual_low).unless("high", *high, usual_high).write("norm-filter", out)
            }
            PreAggregation::SignFilter { f } => p.tolerance(*f).write("sign-filter", out),
            PreAggregation::Bucketing { size, seed } => {
                p.unless("size", *size, 2).unless("seed", *seed, 0).write("bucketing", out)
            }
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
        let mut texts: Vec<String> = Method::NAMES.iter().map(|m| (*m).to_owned()).collect();
        texts.extend(PreAggregation::NAMES.iter().map(|before| format!("{before}+median")));
        for text in [
            "fedavg(cap=5)",
            "trimmed-mean(f=2)",
            "trimmed-mean(ratio=0.1)",
            "krum(f=2,neighbours=8)",
            "multi-krum(ratio=0.25,neighbours=3,m=4)",
            "centered-clipping(tau=0.5,steps=3,start=origin)",
            "arc+nnm+trimmed-mean",
            "norm-filter(low=0.5,high=2)+sign-filter(f=2)+norm-clipping+average",
            "fltrust(reference=3)",
            "norm-clipping(norm=2.5)+bucketing(size=3,seed=9)+nnm(f=1)+krum(f=1)",
        ] {
            texts.push(text.to_owned());
        }
        for text in texts {
            let method: Method = text.parse().unwrap();
            assert_eq!(method.to_string(), text);
            let json = serde_json::to_string(&method).unwrap();
            assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method);
        }
        assert_eq!(" trimmed-mean( ratio = 0.2 ) ".parse::<Method>().unwrap().to_string(), "trimmed-mean");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            ("", "unknown method"),
            ("mean", "unknown method"),
            ("median(f=1)", "parameter"),
            ("trimmed-mean(ratio=0.5)", "below 0.5"),
            ("trimmed-mean(f=-1)", "a count"),
            ("trimmed-mean(f=1,ratio=0.1)", "beside f"),
            ("krum(f=1,f=2)", "each key once"),
            ("fedavg(cap=nan)", "at least 1"),
            ("norm-filter(high=1.5)+average", "at least 2"),
            ("norm-filter(low=-1)+average", "from 0 to 1"),
            ("fltrust(reference=x)", "an id"),
            ("median+krum", "unknown pre-aggregation"),
            ("nnm", "unknown method"),
            ("nnm+", "unknown method"),
            ("centered-clipping(start=here)", "medoid or origin"),
            ("nnm+nnm+nnm+nnm+nnm+nnm+nnm+nnm+nnm+median", "more than 8"),
        ] {
            let error = text.parse::<Method>().unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn tolerance_reaches_every_part() {
        let method: Method = "arc+nnm+trimmed-mean".parse().unwrap();
        let text = method.with_tolerance(Tolerance::Count(3)).to_string();
        assert_eq!(text, "arc(f=3)+nnm(f=3)+trimmed-mean(f=3)");
    }

    #[test]
    fn ratio_rounds_down_but_for_representation_error() {
        assert_eq!(Tolerance::Ratio(0.2).count(6), 1);
        assert_eq!(Tolerance::Ratio(0.2).count(5), 1);
        assert_eq!(Tolerance::Ratio(0.1).count(30), 3);
        // One of three or more, unless nothing is asked for.
        assert_eq!([4, 3, 2, 1].map(|n| Tolerance::Ratio(0.2).count(n)), [1, 1, 0, 0]);
        assert_eq!(Tolerance::Ratio(0.0).count(4), 0);
    }
}
