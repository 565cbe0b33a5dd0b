//! The whole job on a local network: miners train, the proposer aggregates, the model gets better.

use std::path::PathBuf;

use r3mes_aggregate::Method;
use r3mes_engine::round::{Round, RoundState};
use r3mes_engine::verification::Check;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use crate::earnings::sums;
use crate::files::FileError;
use crate::localnet::{LocalNetwork, LocalNetworkOptions, TrainingReport};
use crate::overview::unreadable;
use crate::{ApiError, EngineEvent, ErrorCode, Running, StartOptions, Workspace};

/// The method where none is chosen.
pub const RECOMMENDED_METHOD: &str = Method::RECOMMENDED;

/// What to show.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Rounds to finish.
    pub rounds: u32,
    /// The network.
    pub network: LocalNetworkOptions,
    /// The aggregation method.
    pub method: String,
    /// The proposer's data folder; a temporary one where absent.
    pub home: Option<PathBuf>,
}

/// How far the demo is.
#[derive(Clone, Debug)]
pub enum DemoProgress {
    /// The network runs.
    Network {
        /// The chain's RPC.
        rpc_url: String,
        /// The IPFS RPC.
        ipfs_url: String,
        /// All miners.
        miners: u32,
        /// Those that attack.
        byzantine: u32,
        /// How they attack.
        attack: String,
    },
    /// What is being done now.
    Step(String),
    /// A round is over.
    Round(DemoRound),
}

/// One finished round. Amounts are decimal strings.
#[derive(Clone, Debug, Serialize)]
pub struct DemoRound {
    /// The training round.
    pub round: u64,
    /// Gradients announced for it.
    pub received: usize,
    /// Those left out, and why.
    pub excluded: Vec<DemoExclusion>,
    /// The aggregation method.
    pub method: String,
    /// The aggregate's CID.
    pub cid: String,
    /// The Merkle root over the participants' gradient hashes.
    pub merkle_root: String,
    /// The block of the commitment.
    pub commit_height: i64,
    /// The block of the reveal.
    pub reveal_height: i64,
    /// What the reveal earned.
    pub reward: String,
    /// The global model's accuracy on held-back rows with this aggregate applied, 0 to 1.
    pub accuracy: f64,
}

/// A gradient left out.
#[derive(Clone, Debug, Serialize)]
pub struct DemoExclusion {
    /// Its id.
    pub gradient_id: u64,
    /// Its miner.
    pub miner: String,
    /// The checks that it failed.
    pub checks: Vec<Check>,
    /// Found and expected values, in one line.
    pub reason: String,
}

/// The whole demo. Amounts are decimal strings.
#[derive(Clone, Debug, Serialize)]
pub struct DemoSummary {
    /// Rounds finished.
    pub rounds: u32,
    /// Aggregations revealed.
    pub aggregations: usize,
    /// Gradients left out.
    pub excluded: usize,
    /// All rewards.
    pub earned: String,
    /// Their denom.
    pub denom: String,
    /// All fees.
    pub fees: String,
    /// Their denom.
    pub fee_denom: String,
    /// Accuracy after the first round, 0 to 1.
    pub accuracy_first: f64,
    /// Accuracy after the last round, 0 to 1.
    pub accuracy_last: f64,
}

/// Runs the demo and tells `progress` of every step.
///
/// # Errors
/// When the network cannot start, a setting is not valid, or the proposer stops.
pub async fn run(
    options: DemoOptions,
    mut progress: impl FnMut(DemoProgress),
) -> Result<DemoSummary, ApiError> {
    options.method.parse::<Method>().map_err(FileError::from)?;
    progress(DemoProgress::Step("starting the local network".into()));
    let network = LocalNetworkOptions { rounds: Some(options.rounds.into()), ..options.network.clone() };
    let mut network = LocalNetwork::start(&network).await?;
    progress(DemoProgress::Network {
        rpc_url: network.profile().rpc.first().map(ToString::to_string).unwrap_or_default(),
        ipfs_url: network.profile().ipfs_api.to_string(),
        miners: options.network.miners,
        byzantine: options.network.byzantine,
        attack: options.network.attack.clone(),
    });
    let temporary = tempfile::tempdir().map_err(|error| {
        ApiError::new(ErrorCode::Engine, format!("make a temporary data folder: {error}"))
    })?;
    let root = options.home.clone().unwrap_or_else(|| temporary.path().join("proposer"));
    let workspace = Workspace::create(&root, network.profile(), &settings(&options))?;
    progress(DemoProgress::Step("registering the proposer".into()));
    let summary = follow(&options, &workspace, &mut network, &mut progress).await;
    network.shutdown().await;
    summary
}

/// Every miner announces one gradient a round, good or bad, so that a round is complete with all of them:
/// who takes part does not depend on anybody's speed.
fn settings(options: &DemoOptions) -> Vec<(&'static str, String)> {
    let honest = (options.network.miners - options.network.byzantine).max(1);
    vec![
        ("aggregation.method", options.method.clone()),
        ("round.quorum", options.network.miners.to_string()),
        ("round.minimum_participants", honest.to_string()),
        ("round.minimum_interval", "0s".into()),
        ("round.maximum_wait", "10m".into()),
    ]
}

async fn follow(
    options: &DemoOptions,
    workspace: &Workspace,
    network: &mut LocalNetwork,
    progress: &mut impl FnMut(DemoProgress),
) -> Result<DemoSummary, ApiError> {
    let mut running = crate::start(workspace, StartOptions::default()).await?;
    let rounds = finish_rounds(options, &mut running, network, progress).await;
    let fees = &workspace.settings().network;
    let earned = sums(running.journal(), &fees.reward_denom, &fees.fee_denom).map_err(unreadable);
    let stopped = running.stop().await;
    let (rounds, earned) = (rounds?, earned?);
    stopped?;
    Ok(DemoSummary {
        rounds: rounds.len() as u32,
        aggregations: rounds.len(),
        excluded: rounds.iter().map(|round| round.excluded.len()).sum(),
        earned: earned.earned,
        denom: earned.denom,
        fees: earned.fees,
        fee_denom: earned.fee_denom,
        accuracy_first: rounds.first().map_or(0.0, |round| round.accuracy),
        accuracy_last: rounds.last().map_or(0.0, |round| round.accuracy),
    })
}

async fn finish_rounds(
    options: &DemoOptions,
    running: &mut Running,
    network: &mut LocalNetwork,
    progress: &mut impl FnMut(DemoProgress),
) -> Result<Vec<DemoRound>, ApiError> {
    let mut events = running.events();
    let mut revealed: Vec<Round> = Vec::new();
    let mut reports: Vec<TrainingReport> = Vec::new();
    let mut rounds: Vec<DemoRound> = Vec::new();
    while rounds.len() < options.rounds as usize {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    if let Some(step) = step(&event.event) {
                        progress(DemoProgress::Step(step));
                    }
                    match event.event {
                        EngineEvent::RoundAdvanced { round, .. } if round.state == RoundState::Revealed => revealed.push(*round),
                        EngineEvent::RoundAdvanced { round, .. } if round.state == RoundState::Abandoned => {
                            return Err(unfinished(round.training_round_id, round.reason.unwrap_or_default()));
                        }
                        // All miners have announced: there is nothing more to wait for.
                        EngineEvent::RoundStalled { training_round_id, reason } => {
                            return Err(unfinished(training_round_id, reason));
                        }
                        EngineEvent::Stopped { .. } => break,
                        _ => {}
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            report = network.next_report(), if reports.len() < options.rounds as usize => reports.extend(report?),
        }
        while let (Some(round), Some(report)) = (revealed.get(rounds.len()), reports.get(rounds.len())) {
            let round = demo_round(round, report)?;
            rounds.push(round.clone());
            progress(DemoProgress::Round(round));
        }
    }
    Ok(rounds)
}

fn unfinished(round: u64, reason: String) -> ApiError {
    ApiError::new(ErrorCode::Request, format!("finish round {round}: {reason}"))
        .with_remedy("use fewer attackers, more miners, or another method")
}

fn step(event: &EngineEvent) -> Option<String> {
    match event {
        EngineEvent::RoundAdvanced { round, .. } => {
            Some(format!("round {}: {}", round.training_round_id, round.state))
        }
        EngineEvent::GradientJudged { gradient_id, training_round_id, .. } => {
            Some(format!("round {training_round_id}: gradient {gradient_id} judged"))
        }
        EngineEvent::Trouble(trouble) => Some(format!("trying again: failed to {}", trouble.told())),
        _ => None,
    }
}

fn demo_round(round: &Round, report: &TrainingReport) -> Result<DemoRound, ApiError> {
    let missing =
        |what: &str| ApiError::new(ErrorCode::Engine, format!("show round {}: it has no {what}", round.id));
    let selection = round.selection.as_ref().ok_or_else(|| missing("participants"))?;
    let aggregate = round.aggregate.as_ref().ok_or_else(|| missing("aggregate"))?;
    let committed = round
        .commitment
        .as_ref()
        .and_then(|commitment| commitment.included)
        .ok_or_else(|| missing("commitment"))?;
    let aggregation = round.aggregation.as_ref().ok_or_else(|| missing("aggregation"))?;
    Ok(DemoRound {
        round: round.training_round_id,
        received: selection.participants.len() + selection.excluded.len(),
        excluded: selection
            .excluded
            .iter()
            .map(|exclusion| DemoExclusion {
                gradient_id: exclusion.gradient_id,
                miner: exclusion.miner.clone(),
                checks: exclusion.checks.clone(),
                reason: exclusion.reason.clone(),
            })
            .collect(),
        method: selection.method.clone(),
        cid: aggregate.cid.clone(),
        merkle_root: aggregate.merkle_root.clone(),
        commit_height: committed.height,
        reveal_height: aggregation.height,
        reward: aggregation.reward.to_string(),
        accuracy: report.accuracy,
    })
}
