//! Changing settings key by key, each answer judged at once, and reaching what they name.

use std::time::{Duration, Instant};

use futures::future::join_all;
use r3mes_chain::http::Timeouts;
use r3mes_chain::{Rpc, RpcLimits};
use r3mes_config::{ConfigError, RawSettings, Settings};
use r3mes_ipfs::Kubo;
use serde::Serialize;

use crate::{ApiError, ErrorCode, Workspace};

/// How long an endpoint may take to answer a check.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys that an operator is asked for, by subject.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("Network", &["network.rpc", "network.ipfs_api"]),
    (
        "Aggregation",
        &[
            "aggregation.method",
            "aggregation.trim",
            "aggregation.f",
            "aggregation.fedavg_cap",
            "aggregation.weights",
        ],
    ),
    (
        "Quality thresholds",
        &["quality.max_norm", "quality.max_norm_ratio", "quality.max_zero_share", "quality.min_trust_score"],
    ),
    (
        "Submission frequency",
        &["round.quorum", "round.minimum_participants", "round.maximum_wait", "round.minimum_interval"],
    ),
    ("Fees", &["submission.max_fee"]),
    ("Payout", &["payout.address", "payout.reserve", "payout.rule", "payout.threshold", "payout.interval"]),
];

/// One key that an operator is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What it belongs to.
    pub subject: &'static str,
    /// The key.
    pub key: String,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// The value as it stands; absent where an optional key is left out.
    pub value: Option<String>,
    /// Whether it may be left out.
    pub optional: bool,
}

/// Settings that are being changed; nothing is written before [`Draft::save`].
#[derive(Debug)]
pub struct Draft<'a> {
    workspace: &'a mut Workspace,
    raw: RawSettings,
    settings: Settings,
}

/// What is reached by the settings' endpoints.
#[derive(Clone, Debug, Serialize)]
pub struct Reach {
    /// Each RPC endpoint of the chain, in order of preference.
    pub endpoints: Vec<EndpointReach>,
    /// The IPFS node.
    pub ipfs: IpfsReach,
    /// Whether a proposer could work: one endpoint serves the right chain, and IPFS answers.
    pub usable: bool,
}

/// An RPC endpoint of the chain.
#[derive(Clone, Debug, Serialize)]
pub struct EndpointReach {
    /// Its address.
    pub url: String,
    /// The chain that it serves.
    pub chain_id: Option<String>,
    /// Its newest block, decimal.
    pub height: Option<String>,
    /// Blocks by which it is behind the best endpoint.
    pub lag_blocks: Option<u64>,
    /// How long its answer took.
    pub latency_ms: Option<u64>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

/// The IPFS node.
#[derive(Clone, Debug, Serialize)]
pub struct IpfsReach {
    /// Its address.
    pub url: String,
    /// What it runs.
    pub version: Option<String>,
    /// How long its answer took.
    pub latency_ms: Option<u64>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

impl Workspace {
    /// Begins to change the settings.
    ///
    /// # Errors
    /// When the file cannot be read, or does not parse.
    pub fn draft(&mut self) -> Result<Draft<'_>, ApiError> {
        let raw = match RawSettings::load(self.data()) {
            Err(ConfigError::Missing { .. }) => crate::workspace::new_settings()?,
            loaded => loaded?,
        };
        let settings = self.settings().clone();
        Ok(Draft { workspace: self, raw, settings })
    }

    /// Reaches every endpoint that the settings name.
    ///
    /// # Errors
    /// When no client can be made. An endpoint that does not answer is part of the answer.
    pub async fn reach(&self) -> Result<Reach, ApiError> {
        let network = &self.settings().network;
        let http = r3mes_chain::http::client(Timeouts { connect: PATIENCE, read: PATIENCE })?;
        let limits = RpcLimits { timeout: PATIENCE, ..RpcLimits::default() };
        let asked = network.rpc.iter().map(|url| {
            let rpc = Rpc::new(http.clone(), url.clone()).with_limits(limits);
            async move {
                let begun = Instant::now();
                (url, rpc.status().await, begun.elapsed())
            }
        });
        let found = join_all(asked).await;
        let best = found.iter().filter_map(|(_, status, _)| Some(status.as_ref().ok()?.height)).max();
        let endpoints: Vec<EndpointReach> = found
            .into_iter()
            .map(|(url, status, took)| {
                let mut reach = EndpointReach {
                    url: url.to_string(),
                    chain_id: None,
                    height: None,
                    lag_blocks: None,
                    latency_ms: None,
                    problem: None,
                    remedy: None,
                };
                match status {
                    Err(error) => {
                        reach.problem = Some(format!("failed to {error}"));
                        reach.remedy =
                            Some("check the address (network.rpc), and that the node runs".to_owned());
                    }
                    Ok(status) => {
                        let lag = best.unwrap_or(status.height) - status.height;
                        if status.chain_id != network.chain_id {
                            let (found, wanted) = (&status.chain_id, &network.chain_id);
                            reach.problem = Some(format!("serves {found}, the settings say {wanted}"));
                            reach.remedy = Some("correct network.rpc or network.chain_id".to_owned());
                        } else if status.catching_up {
                            reach.problem = Some("is catching up: what it answers is old".to_owned());
                            reach.remedy = Some("wait for it, or name another endpoint first".to_owned());
                        }
                        reach.chain_id = Some(status.chain_id);
                        reach.height = Some(status.height.to_string());
                        reach.lag_blocks = Some(lag.unsigned_abs());
                        reach.latency_ms = Some(took.as_millis() as u64);
                    }
                }
                reach
            })
            .collect();
        let ipfs = self.reach_ipfs(Kubo::new(http, network.ipfs_api.clone())).await;
        let usable = endpoints.iter().any(|endpoint| endpoint.problem.is_none()) && ipfs.problem.is_none();
        Ok(Reach { endpoints, ipfs, usable })
    }

    async fn reach_ipfs(&self, kubo: Kubo) -> IpfsReach {
        let begun = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, kubo.version()).await;
        let answer = match answer {
            Ok(answer) => answer.map_err(|error| format!("failed to {error}")),
            Err(_) => Err(format!("did not answer within {} s", PATIENCE.as_secs())),
        };
        let (version, problem) = match answer {
            Ok(version) => (Some(version.version), None),
            Err(problem) => (None, Some(problem)),
        };
        IpfsReach {
            url: self.settings().network.ipfs_api.to_string(),
            latency_ms: version.as_ref().map(|_| begun.elapsed().as_millis() as u64),
            version,
            remedy: problem
                .as_ref()
                .map(|_| "check the address (network.ipfs_api), and that the IPFS node runs".to_owned()),
            problem,
        }
    }
}

impl Draft<'_> {
    /// What an operator is asked for, with the values as they stand in the draft.
    pub fn questions(&self) -> Vec<Question> {
        let keys = Settings::keys();
        QUESTIONS
            .iter()
            .flat_map(|(subject, names)| names.iter().map(move |name| (*subject, *name)))
            .filter_map(|(subject, name)| {
                let known = keys.iter().find(|key| key.name() == name)?;
                let value = self.settings.get(name).ok()?;
                let (key, about, optional) = (name.to_owned(), known.about, known.optional);
                Some(Question { subject, key, about, value, optional })
            })
            .collect()
    }

    /// Takes an answer over, if the settings are valid with it; an empty one leaves an optional key out.
    ///
    /// # Errors
    /// What is wrong with it. The draft stays as it was.
    pub fn answer(&mut self, key: &str, value: &str) -> Result<(), ApiError> {
        let mut raw = self.raw.clone();
        raw.set(key, value)?;
        let settings = raw
            .validate(self.workspace.data())
            .map_err(|problems| ApiError::new(ErrorCode::Settings, format!("set {problems}")))?;
        (self.raw, self.settings) = (raw, settings);
        Ok(())
    }

    /// Writes the settings.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(self) -> Result<(), ApiError> {
        let settings = self.raw.save(self.workspace.data())?;
        self.workspace.take(settings);
        Ok(())
    }
}
