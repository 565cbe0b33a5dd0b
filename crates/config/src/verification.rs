use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A check that a gradient can fail; each failure is a finding with its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The bytes cannot be had: no provider, a fetch that timed out for good.
    Availability,
    /// The file is larger than the limit.
    Size,
    /// A block does not match its CID.
    Content,
    /// The file is no container that we read, or a malformed one.
    Format,
    /// The file holds weights, not gradients.
    Kind,
    /// Some value is NaN or infinite.
    Finite,
    /// Names, shapes or dtypes differ from the round's layout.
    Layout,
    /// The transaction that carried the gradient says something else than the chain's record of it.
    Source,
    /// The `gradient_hash` announced on chain is not the file's.
    GradientHash,
    /// The miner has no registration on chain.
    Registration,
    /// The miner claims a loss that cannot be: not a number, negative, infinite.
    ClaimedLoss,
    /// Another gradient of the round holds the same bytes.
    Duplicate,
    /// The norm is above the limit, absolute or against the round's median.
    Norm,
    /// Too many values are zero.
    Zeros,
    /// The miner's trust score is below the limit.
    TrustScore,
}

impl Check {
    /// All checks, in the order in which they are made.
    pub const ALL: [Check; 15] = [
        Check::Source,
        Check::Registration,
        Check::TrustScore,
        Check::ClaimedLoss,
        Check::Availability,
        Check::Size,
        Check::Content,
        Check::Format,
        Check::Kind,
        Check::Finite,
        Check::Layout,
        Check::GradientHash,
        Check::Duplicate,
        Check::Norm,
        Check::Zeros,
    ];

    /// The name in settings, findings and evidence.
    pub const fn name(self) -> &'static str {
        match self {
            Check::Availability => "availability",
            Check::Size => "size",
            Check::Content => "content",
            Check::Format => "format",
            Check::Kind => "kind",
            Check::Finite => "finite",
            Check::Layout => "layout",
            Check::Source => "source",
            Check::GradientHash => "gradient-hash",
            Check::Registration => "registration",
            Check::ClaimedLoss => "claimed-loss",
            Check::Duplicate => "duplicate",
            Check::Norm => "norm",
            Check::Zeros => "zeros",
            Check::TrustScore => "trust-score",
        }
    }

    /// Whether a gradient that fails the check cannot be aggregated at all, whatever the operator wants.
    pub const fn is_fatal(self) -> bool {
        matches!(
            self,
            Check::Availability
                | Check::Size
                | Check::Content
                | Check::Format
                | Check::Kind
                | Check::Finite
                | Check::Layout
        )
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a finding does to its gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The gradient is left out of the round, with an evidence bundle.
    Exclude,
    /// The finding is reported and the gradient stays in.
    Report,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Policy::Exclude => "exclude",
            Policy::Report => "report",
        })
    }
}

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "exclude" => Ok(Policy::Exclude),
            "report" => Ok(Policy::Report),
            _ => Err(format!("must be \"exclude\" or \"report\", is {text:?}")),
        }
    }
}

/// Which findings exclude a gradient.
///
/// Only what is provably bad is excluded by default. The chain punishes a proposer who leaves out
/// pending gradients, and a robust method takes the influence of an odd one away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationSettings {
    /// The transaction that carried the gradient says something else than the chain's record of it.
    pub source: Policy,
    /// The miner has no registration; its gradient is valid on chain all the same.
    pub registration: Policy,
    /// The announced `gradient_hash` differs; some miners hash something else than they upload.
    pub gradient_hash: Policy,
    /// The claimed loss cannot be.
    pub claimed_loss: Policy,
    /// The same bytes were announced before in this round.
    pub duplicate: Policy,
    /// The norm is above a limit of [`QualitySettings`].
    pub norm: Policy,
    /// More zeros than a limit of [`QualitySettings`] allows.
    pub zeros: Policy,
    /// A trust score below the limit of [`QualitySettings`].
    pub trust_score: Policy,
}

impl VerificationSettings {
    /// What a failure of `check` does to the gradient.
    pub fn policy(&self, check: Check) -> Policy {
        match check {
            Check::Availability
            | Check::Size
            | Check::Content
            | Check::Format
            | Check::Kind
            | Check::Finite
            | Check::Layout => Policy::Exclude,
            Check::Source => self.source,
            Check::GradientHash => self.gradient_hash,
            Check::Registration => self.registration,
            Check::ClaimedLoss => self.claimed_loss,
            Check::Duplicate => self.duplicate,
            Check::Norm => self.norm,
            Check::Zeros => self.zeros,
            Check::TrustScore => self.trust_score,
        }
    }
}

impl Default for VerificationSettings {
    fn default() -> Self {
        VerificationSettings {
            source: Policy::Exclude,
            registration: Policy::Report,
            gradient_hash: Policy::Report,
            claimed_loss: Policy::Report,
            duplicate: Policy::Report,
            norm: Policy::Report,
            zeros: Policy::Report,
            trust_score: Policy::Report,
        }
    }
}

/// Thresholds above or below which a gradient gets a finding. Absent ones make none.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct QualitySettings {
    /// Largest L2 norm of the whole gradient.
    pub max_norm: Option<f64>,
    /// Largest L2 norm as a multiple of the round's median norm.
    pub max_norm_ratio: Option<f64>,
    /// Largest share of values that are zero, 0 to 1.
    pub max_zero_share: Option<f64>,
    /// Smallest trust score on chain, 0 to 1.
    pub min_trust_score: Option<f64>,
}
