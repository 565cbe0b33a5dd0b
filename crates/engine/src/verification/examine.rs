//! The checks on one file, in one reading of it.

use std::fs;
use std::path::Path;

use r3mes_config::{LimitSettings, QualitySettings};
use r3mes_gradient::{Gradient, Kind, Limits, ReadError};

use super::{Check, Facts, Finding, Judgement};

/// What the chain says of the file.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    /// The announced `gradient_hash`.
    pub(crate) gradient_hash: String,
    /// The announced loss, as text.
    pub(crate) claimed_loss: String,
}

/// The limits of reading, as the settings give them.
pub(crate) fn gradient_limits(limits: &LimitSettings) -> Limits {
    let mut read = Limits::default();
    read.file_bytes = limits.max_gradient.get();
    read
}

/// Reads the file and judges it. The source and the peers are judged elsewhere.
///
/// # Errors
/// Trouble of this machine, such as a disk that does not answer; it says nothing about the gradient.
pub(crate) fn examine(
    path: &Path,
    announced: &Announced,
    limits: &Limits,
    quality: &QualitySettings,
) -> Result<Judgement, ReadError> {
    let mut findings = vec![claimed_loss(&announced.claimed_loss)];
    let gradient = match Gradient::open(path, limits) {
        Ok(gradient) => gradient,
        Err(error) if error.is_malformed() => {
            let expected = "a safetensors, GradientPackage or pickle container within the limits";
            findings.push(Finding::failed(Check::Format, error.to_string(), expected));
            return Ok(Judgement { findings, facts: None });
        }
        Err(error) => return Err(error),
    };
    findings.push(Finding::new(
        Check::Format,
        true,
        gradient.container().to_string(),
        "one of the three containers",
    ));
    let summary = gradient.summary();
    let statistics = &summary.statistics;
    findings.push(Finding::new(
        Check::Kind,
        gradient.kind() == Kind::Gradient,
        if gradient.kind() == Kind::Gradient { "a gradient" } else { "weights (root `lora_params`)" },
        "a gradient",
    ));
    findings.push(Finding::new(
        Check::Finite,
        statistics.non_finite == 0 && statistics.elements > 0,
        if statistics.elements == 0 {
            "no values at all".to_owned()
        } else {
            format!("{} of {} values are not finite", statistics.non_finite, statistics.elements)
        },
        "only finite values",
    ));
    findings.push(Finding::new(
        Check::GradientHash,
        summary.hash_int8.eq_ignore_ascii_case(&announced.gradient_hash),
        &summary.hash_int8,
        format!("the announced {}", announced.gradient_hash),
    ));
    if let Some(limit) = quality.max_zero_share {
        findings.push(Finding::new(
            Check::Zeros,
            statistics.zero_share <= limit,
            format!("a share of {:.4} zeros", statistics.zero_share),
            format!("at most {limit}"),
        ));
    }
    let facts = Facts {
        container: gradient.container(),
        bytes: fs::metadata(path)?.len(),
        layout: gradient.layout(),
        sample_count: gradient.sample_count(),
        l2_norm: statistics.l2_norm,
        max_abs: statistics.max_abs,
        zero_share: statistics.zero_share,
        non_finite: statistics.non_finite,
        gradient_hash: summary.hash_int8,
        content_hash: summary.hash_float32,
    };
    Ok(Judgement { findings, facts: Some(facts) })
}

fn claimed_loss(text: &str) -> Finding {
    let expected = "a finite number that is not negative, or none";
    if text.is_empty() {
        return Finding::new(Check::ClaimedLoss, true, "none", expected);
    }
    let passed = text.parse::<f64>().is_ok_and(|loss| loss.is_finite() && loss >= 0.0);
    Finding::new(Check::ClaimedLoss, passed, format!("{text:?}"), expected)
}
