use std::time::Duration;

use crate::{ByteSize, NetworkProfile, QualitySettings, VerificationSettings};

/// Everything that an operator decides, valid.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Settings {
    /// The network: the profile's values, with the settings' own on top of them.
    pub network: NetworkProfile,
    /// How gradients become one.
    pub aggregation: AggregationSettings,
    /// When a round closes.
    pub round: RoundSettings,
    /// Which findings exclude.
    pub verification: VerificationSettings,
    /// Where findings of quality begin.
    pub quality: QualitySettings,
    /// What the engine may use.
    pub limits: LimitSettings,
    /// How an aggregate reaches the chain.
    pub submission: SubmissionSettings,
}

/// How gradients become one.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregationSettings {
    /// The method's name in kebab case, e.g. `median`.
    pub method: String,
    /// Share cut from each end by `trimmed-mean`, 0 up to but not including 0.5.
    pub trim: f64,
    /// Byzantine participants that methods with such a parameter reckon with.
    pub f: u32,
    /// Largest weight that `fedavg` gives to a participant's reported sample count.
    pub fedavg_cap: u64,
}

impl Default for AggregationSettings {
    fn default() -> Self {
        AggregationSettings { method: "median".into(), trim: 0.2, f: 1, fedavg_cap: 10_000 }
    }
}

/// When a round closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundSettings {
    /// Gradients that close a round at once.
    pub quorum: u32,
    /// Gradients without which a round is not submitted, however long it waited.
    pub minimum_participants: u32,
    /// Longest wait after a round's first gradient before it closes without its quorum.
    pub maximum_wait: Duration,
    /// Shortest time between two submissions.
    pub minimum_interval: Duration,
}

impl Default for RoundSettings {
    fn default() -> Self {
        RoundSettings {
            quorum: 10,
            minimum_participants: 3,
            maximum_wait: Duration::from_secs(600),
            minimum_interval: Duration::from_secs(60),
        }
    }
}

/// What the engine may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Largest gradient file; the network holds miners to 100 MiB.
    pub max_gradient: ByteSize,
    /// Gradients fetched at the same time.
    pub parallel_fetches: u32,
    /// Longest time for one gradient's fetch.
    pub fetch_timeout: Duration,
    /// Disk space of the spool.
    pub spool_quota: ByteSize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings {
            max_gradient: ByteSize::mib(100),
            parallel_fetches: 8,
            fetch_timeout: Duration::from_secs(120),
            spool_quota: ByteSize::gib(20),
        }
    }
}

/// How an aggregate reaches the chain.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SubmissionSettings {
    /// Commit and reveal, or one direct transaction.
    pub strategy: SubmissionStrategy,
    /// Largest fee of one transaction, in the profile's fee denom; absent: none.
    pub max_fee: Option<u128>,
}

/// The way of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SubmissionStrategy {
    /// `MsgCommitAggregation`, then `MsgRevealAggregation`.
    #[default]
    CommitReveal,
    /// `MsgSubmitAggregation` alone.
    Direct,
}
