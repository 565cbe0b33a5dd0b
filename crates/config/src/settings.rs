use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use r3mes_aggregate::{Method, Tolerance};
use url::Url;

use crate::profile::Profile;
use crate::{ByteSize, NetworkProfile, QualitySettings, VerificationSettings};

/// Everything that an operator decides, valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The profile on which [`Settings::network`] rests; `None` where the settings hold all of it.
    pub profile: Option<Profile>,
    /// The network: the profile's values, with the settings' own on top of them.
    pub network: NetworkProfile,
    /// Who proposes.
    pub account: AccountSettings,
    /// How gradients become one.
    pub aggregation: AggregationSettings,
    /// When a round closes.
    pub round: RoundSettings,
    /// Which findings exclude.
    pub verification: VerificationSettings,
    /// Where findings of quality begin.
    pub quality: QualitySettings,
    /// The IPFS node, and what stands behind it.
    pub ipfs: IpfsSettings,
    /// What the engine may use.
    pub limits: LimitSettings,
    /// How an aggregate reaches the chain.
    pub submission: SubmissionSettings,
    /// What is moved to a cold address.
    pub payout: PayoutSettings,
}

impl Default for Settings {
    /// What a new data folder begins with, on the network of [`Profile::default`].
    fn default() -> Self {
        let profile = Profile::default();
        Settings {
            network: profile.values().clone(),
            profile: Some(profile),
            account: AccountSettings::default(),
            aggregation: AggregationSettings::default(),
            round: RoundSettings::default(),
            verification: VerificationSettings::default(),
            quality: QualitySettings::default(),
            ipfs: IpfsSettings::default(),
            limits: LimitSettings::default(),
            submission: SubmissionSettings::default(),
            payout: PayoutSettings::default(),
        }
    }
}

/// Who proposes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AccountSettings {
    /// Name of the account's key; a local network needs none, since its keys follow from its seed.
    pub key: Option<String>,
}

/// How gradients become one.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregationSettings {
    /// The method with its parameters, ready for use: what the other fields say is already in it.
    pub method: Method,
    /// Share of the participants that a method reckons with as Byzantine (`trimmed-mean` cuts so many
    /// from each end); 0 up to but not including 0.5.
    pub trim: Option<f64>,
    /// The same as a fixed number; not together with `trim`.
    pub f: Option<u32>,
    /// Cap of `fedavg` on a sample count, as a multiple of the median count; at least 1.
    pub fedavg_cap: Option<f64>,
    /// What the weighted methods weigh by; absent: `fedavg` by samples, the others by reputation.
    pub weights: Option<WeightSource>,
}

/// What a weighted method weighs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightSource {
    /// The sample counts that the miners report.
    Samples,
    /// The trust scores on the chain.
    Reputation,
    /// Samples, capped, times reputation times quality: [`r3mes_aggregate::combined_weights`].
    Combined,
}

impl fmt::Display for WeightSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WeightSource::Samples => "samples",
            WeightSource::Reputation => "reputation",
            WeightSource::Combined => "combined",
        })
    }
}

impl FromStr for WeightSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "samples" => Ok(WeightSource::Samples),
            "reputation" => Ok(WeightSource::Reputation),
            "combined" => Ok(WeightSource::Combined),
            _ => Err(String::from("\"samples\", \"reputation\" or \"combined\"")),
        }
    }
}

impl AggregationSettings {
    /// `method` with what the other fields say about its parameters.
    pub(crate) fn refined(&self, method: Method) -> Method {
        let method = match (self.trim, self.f) {
            (Some(ratio), _) => method.with_tolerance(Tolerance::Ratio(ratio)),
            (None, Some(f)) => method.with_tolerance(Tolerance::Count(f as usize)),
            (None, None) => method,
        };
        match (method, self.fedavg_cap) {
            (Method::FedAvg { .. }, Some(cap)) => Method::FedAvg { cap },
            (method, _) => method,
        }
    }
}

impl Default for AggregationSettings {
    fn default() -> Self {
        let method = Method::RECOMMENDED.parse().unwrap_or(Method::Median);
        AggregationSettings { method, trim: None, f: None, fedavg_cap: None, weights: None }
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

const DAY: u64 = 86_400;

/// The IPFS node, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpfsSettings {
    /// Whose node it is.
    pub mode: IpfsMode,
    /// The Kubo program of a managed node; absent: `ipfs/bin/ipfs` of the data folder, or else on the PATH.
    pub kubo_binary: Option<PathBuf>,
    /// Trustless gateways that are asked for what the node does not find.
    pub gateways: Vec<Url>,
    /// Addresses on which a managed node listens for peers.
    pub listen: Vec<IpAddr>,
    /// Its port for peers; absent: chosen once, and kept while it is free.
    pub swarm_port: Option<u16>,
    /// The peers through which it finds the network, as multiaddresses; [`IpfsSettings::PUBLIC`] stands for
    /// the public network, and none for a network of one's own.
    pub bootstrap: Vec<String>,
    /// Peers that it stays connected to, as multiaddresses that end in `/p2p/ID`.
    pub peers: Vec<String>,
}

impl IpfsSettings {
    /// What stands in `bootstrap` for the public network.
    pub const PUBLIC: &str = "public";

    /// Whether a managed node is part of the public network.
    pub fn is_public(&self) -> bool {
        self.bootstrap.iter().any(|peer| peer == Self::PUBLIC)
    }
}

impl Default for IpfsSettings {
    fn default() -> Self {
        IpfsSettings {
            mode: IpfsMode::default(),
            kubo_binary: None,
            gateways: Vec::new(),
            listen: vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            swarm_port: None,
            bootstrap: vec![Self::PUBLIC.to_owned()],
            peers: Vec::new(),
        }
    }
}

/// Whose IPFS node it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IpfsMode {
    /// One that runs already, at `network.ipfs_api`.
    #[default]
    External,
    /// One of our own, started and stopped with the engine.
    Managed,
    /// The one at `network.ipfs_api` if it answers when the engine starts, else one of our own.
    Auto,
}

impl fmt::Display for IpfsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IpfsMode::External => "external",
            IpfsMode::Managed => "managed",
            IpfsMode::Auto => "auto",
        })
    }
}

impl FromStr for IpfsMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [IpfsMode::External, IpfsMode::Managed, IpfsMode::Auto]
            .into_iter()
            .find(|mode| mode.to_string() == text)
            .ok_or_else(|| format!("must be \"external\", \"managed\" or \"auto\", is {text:?}"))
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
    /// Bytes that we keep pinned on the IPFS node, and the size above which a managed node collects.
    pub ipfs_quota: ByteSize,
    /// How long inputs are kept; in any case until nobody can dispute the aggregate made of them.
    pub keep_gradients: Duration,
    /// The same for aggregates, of which the newest is never let go.
    pub keep_aggregates: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings {
            max_gradient: ByteSize::mib(100),
            parallel_fetches: 8,
            fetch_timeout: Duration::from_secs(120),
            spool_quota: ByteSize::gib(20),
            ipfs_quota: ByteSize::gib(100),
            keep_gradients: Duration::from_secs(7 * DAY),
            keep_aggregates: Duration::from_secs(30 * DAY),
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
    /// `MsgSubmitAggregation` alone: one transaction and no deadline, but whoever sees it in a mempool sees
    /// the aggregate before it counts.
    Direct,
}

impl fmt::Display for SubmissionStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SubmissionStrategy::CommitReveal => "commit-reveal",
            SubmissionStrategy::Direct => "direct",
        })
    }
}

impl FromStr for SubmissionStrategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "commit-reveal" => Ok(SubmissionStrategy::CommitReveal),
            "direct" => Ok(SubmissionStrategy::Direct),
            _ => Err(format!("must be \"commit-reveal\" or \"direct\", is {text:?}")),
        }
    }
}

/// What of the rewards is moved to a cold address, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutSettings {
    /// The cold address.
    pub address: Option<String>,
    /// What always stays, in the reward denom; absent: the network's minimum stake.
    pub reserve: Option<u128>,
    /// Whether the running engine pays out by itself.
    pub rule: PayoutRule,
    /// What must stand above the reserve before the rule moves it.
    pub threshold: u128,
    /// Shortest time between two payouts by the rule.
    pub interval: Duration,
}

impl Default for PayoutSettings {
    fn default() -> Self {
        PayoutSettings {
            address: None,
            reserve: None,
            rule: PayoutRule::Off,
            threshold: 10_000,
            interval: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// When the engine pays out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PayoutRule {
    /// Only where the operator orders it.
    #[default]
    Off,
    /// Whenever the threshold stands above the reserve.
    AboveReserve,
}

impl fmt::Display for PayoutRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PayoutRule::Off => "off",
            PayoutRule::AboveReserve => "above-reserve",
        })
    }
}

impl FromStr for PayoutRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(PayoutRule::Off),
            "above-reserve" => Ok(PayoutRule::AboveReserve),
            _ => Err(format!("must be \"off\" or \"above-reserve\", is {text:?}")),
        }
    }
}
