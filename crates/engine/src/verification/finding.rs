//! The shape of a verdict.

use r3mes_gradient::{Container, Layout};
use serde::{Deserialize, Serialize};

use super::Check;

/// The result of one check on one gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How it ended.
    pub outcome: Outcome,
    /// The value found.
    pub measured: String,
    /// The value or threshold that it was held against.
    pub expected: String,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be; the policy says what follows.
    Failed,
    /// It could not be checked, such as against a node that pruned its history.
    Unknown,
}

/// All that was found on one gradient.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// In the order in which the checks were made.
    pub findings: Vec<Finding>,
    /// What the file holds, where it could be read.
    pub facts: Option<Facts>,
}

/// What a gradient file holds, as far as later steps and the books need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The container it came in.
    pub container: Container,
    /// Bytes of the file.
    pub bytes: u64,
    /// Names, shapes and dtypes.
    pub layout: Layout,
    /// The number of training samples that the miner reports of itself.
    pub sample_count: Option<u64>,
    /// L2 norm over all finite values.
    pub l2_norm: f64,
    /// Largest magnitude.
    pub max_abs: f64,
    /// Share of values that are zero, 0 to 1.
    pub zero_share: f64,
    /// Values that are NaN, infinite, or too large for a binary32.
    pub non_finite: u64,
    /// `gradient_hash` in its int8 form.
    pub gradient_hash: String,
    /// SHA-256 of all names and values: two gradients with the same one are copies.
    pub content_hash: String,
}

impl Finding {
    pub(crate) fn new(
        check: Check,
        passed: bool,
        measured: impl Into<String>,
        expected: impl Into<String>,
    ) -> Finding {
        let outcome = if passed { Outcome::Passed } else { Outcome::Failed };
        Finding { check, outcome, measured: measured.into(), expected: expected.into() }
    }

    pub(crate) fn failed(check: Check, measured: impl Into<String>, expected: impl Into<String>) -> Finding {
        Finding::new(check, false, measured, expected)
    }

    pub(crate) fn unknown(check: Check, measured: impl Into<String>, expected: impl Into<String>) -> Finding {
        Finding { outcome: Outcome::Unknown, ..Finding::new(check, true, measured, expected) }
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        format!("{}: found {}, expected {}", self.check, self.measured, self.expected)
    }
}

impl Judgement {
    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.outcome == Outcome::Failed)
    }

    /// Whether the file can be aggregated at all.
    pub fn is_usable(&self) -> bool {
        self.facts.is_some() && !self.failures().any(|finding| finding.check.is_fatal())
    }
}
