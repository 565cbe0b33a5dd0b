//! The network's training loop: round by round the miners train and announce, the proposer's aggregate is
//! applied to the global model, and its accuracy on the held-back rows is measured.

use std::sync::Arc;

use r3mes_chain::ChainError;
use r3mes_chain::proto::{AggregationRecord, GlobalModelState};
use r3mes_gradient::{Gradient, Layout, Limits, WriteError};
use r3mes_ipfs::{Cid, CidSettings, FetchLimits, KuboError, fetch_bytes};
use r3mes_keys::KeyError;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinError, JoinHandle};

use super::announce::{self, AnnounceError, Announcement, Endpoints, Miner, RoundName};
use super::attacks::{Attack, Delivery, Forgery};
use super::data::DataError;
use super::model::{Adapters, TrainingSettings};
use super::simulation::Federation;
use super::upload::model_file;
use crate::accounts::{Account, Role};
use crate::chain::{Block, ChainHandle, Refusal};

/// Events that a slow listener may fall behind by.
const EVENT_BACKLOG: usize = 256;

/// The status of an aggregation whose proposer was found guilty.
const REVERTED: &str = "reverted";
/// The event of a challenge that was decided.
const RESOLVED: &str = "resolve_challenge";

/// Who trains, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingConfig {
    /// Data shares, base weights, order of announcements, attackers: all follow from it.
    pub seed: u64,
    /// Number of miners, 1 to 64. The accounts `Role::Miner(0..miners)` must exist at genesis.
    pub miners: usize,
    /// How many of them attack; which ones follows from the seed.
    pub byzantine: usize,
    /// What the attackers do. Without an attack they are honest.
    pub attack: Option<Attack>,
    /// The loop ends after so many aggregates; without a number it ends when it is stopped.
    pub max_rounds: Option<u64>,
    /// How miners train.
    pub settings: TrainingSettings,
}

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundReport {
    /// The round, as its gradients name it.
    pub training_round_id: u64,
    /// The model version that the miners started from.
    pub model_version: String,
    /// What they announced, in order of the gradient ids.
    pub announcements: Vec<Announcement>,
    /// The aggregation on chain.
    pub aggregation_id: u64,
    /// Who made it.
    pub proposer: String,
    /// The gradients in it.
    pub participants: Vec<u64>,
    /// The aggregate's CID, as revealed.
    pub aggregate_ipfs_hash: String,
    /// CID of the global model after the round.
    pub model_ipfs_hash: String,
    /// Why the aggregate was not applied to the global model; `None` where it was.
    pub not_applied: Option<String>,
    /// Share of the held-back rows that the global model then names rightly, 0..=1.
    pub accuracy: f64,
    /// Whether the chain has reverted the aggregation since. The model keeps it.
    pub reverted: bool,
}

/// What happens while the network trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum TrainingEvent {
    /// All gradients of a round are on chain.
    Announced {
        /// The round.
        training_round_id: u64,
        /// In order of the gradient ids.
        announcements: Vec<Announcement>,
    },
    /// A round is over.
    Finished(RoundReport),
    /// A challenge has reverted an aggregation that had been reported as finished.
    Reverted {
        /// The round.
        training_round_id: u64,
        /// The aggregation.
        aggregation_id: u64,
    },
    /// The last round is over.
    Ended,
    /// Training has stopped for good.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Why training cannot start, or has stopped.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The data cannot be shared out.
    #[error(transparent)]
    Data(#[from] DataError),
    /// More attackers than miners.
    #[error("choose the attackers: {byzantine} of {miners} miners")]
    Byzantine {
        /// Attackers wanted.
        byzantine: usize,
        /// Miners in all.
        miners: usize,
    },
    /// The miners' accounts.
    #[error("derive the miners' accounts: {0}")]
    Keys(#[from] KeyError),
    /// A miner.
    #[error(transparent)]
    Announce(#[from] AnnounceError),
    /// The chain's answers.
    #[error("read the chain: {0}")]
    Chain(#[from] ChainError),
    /// The chain does not take the model's state.
    #[error("write the global model's state: {0}")]
    Refused(Refusal),
    /// The model file.
    #[error("serialise the global model: {0}")]
    Serialise(#[from] WriteError),
    /// The model file's layout.
    #[error("read the global model back: {0}")]
    ReadBack(#[from] r3mes_gradient::ReadError),
    /// IPFS.
    #[error("publish the global model: {0}")]
    Publish(#[from] KuboError),
    /// The chain makes no more blocks.
    #[error("wait for an aggregation: the chain has ended")]
    ChainEnded,
    /// A training thread panicked.
    #[error("train the model: {0}")]
    Panicked(#[from] JoinError),
}

/// The running loop. Dropping it stops it.
#[derive(Debug)]
pub struct Training {
    events: broadcast::Sender<TrainingEvent>,
    history: watch::Receiver<Vec<RoundReport>>,
    initial_accuracy: f64,
    task: JoinHandle<()>,
}

impl Training {
    /// Publishes the first model ("v1", round 1), registers the miners and starts the loop.
    ///
    /// `chain` writes the global model's state, for which the module has no message; all else goes
    /// through `endpoints`, as on any network. Blocks must be produced meanwhile.
    ///
    /// # Errors
    /// When the configuration does not fit the data, or the network refuses a step.
    pub async fn start(
        config: TrainingConfig,
        endpoints: Endpoints,
        chain: ChainHandle,
    ) -> Result<Self, TrainingError> {
        let TrainingConfig { seed, miners, byzantine, .. } = config;
        if byzantine > miners {
            return Err(TrainingError::Byzantine { byzantine, miners });
        }
        let federation = Federation::new(seed, miners, byzantine, config.settings.clone())?;
        let rules = chain.config();
        let miners = (0..miners)
            .map(|index| miner(&config, &federation, index, &rules.prefix))
            .collect::<Result<Vec<_>, _>>()?;
        let stake = format!("{}{}", rules.min_miner_stake, rules.reward_denom);
        let adapters = federation.initial_adapters();
        let layout = Gradient::from_vec(model_file(adapters.values(), "v1")?, &Limits::default())?.layout();

        let initial_accuracy = federation.accuracy(&adapters);
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        let (reports, history) = watch::channel(Vec::new());
        let run = Loop {
            federation: Arc::new(federation),
            config,
            endpoints,
            blocks: chain.blocks(),
            chain,
            miners,
            layout,
            adapters: Arc::new(adapters),
            version: 1,
            next_aggregation_id: 0,
            events: events.clone(),
            reports,
        };
        run.publish_model(1, 0).await?;
        announce::register(&run.endpoints, &run.miners, &stake).await?;
        let task = tokio::spawn(run.run());
        Ok(Self { events, history, initial_accuracy, task })
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<TrainingEvent> {
        self.events.subscribe()
    }

    /// The finished rounds so far, oldest first.
    #[must_use]
    pub fn history(&self) -> Vec<RoundReport> {
        self.history.borrow().clone()
    }

    /// The accuracy of the network before any training.
    #[must_use]
    pub fn initial_accuracy(&self) -> f64 {
        self.initial_accuracy
    }

    /// Waits for the report on an aggregation; `None` when training ends without one.
    pub async fn report(&self, aggregation_id: u64) -> Option<RoundReport> {
        let mut history = self.history.clone();
        let found = |reports: &Vec<RoundReport>| {
            reports.iter().find(|report| report.aggregation_id == aggregation_id).cloned()
        };
        let reports = history.wait_for(|reports| found(reports).is_some()).await.ok()?;
        found(&reports)
    }

    /// Returns once the loop has ended, by its last round or by a failure.
    pub async fn ended(&mut self) {
        if !self.task.is_finished() {
            // The loop reports its own failures; an abort or a panic ends it too.
            let _ = (&mut self.task).await;
        }
    }

    /// Stops the loop and waits until it has stopped.
    pub async fn shutdown(mut self) {
        self.task.abort();
        self.ended().await;
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn miner(
    config: &TrainingConfig,
    federation: &Federation,
    index: usize,
    prefix: &str,
) -> Result<Miner, KeyError> {
    let number = u32::try_from(index).unwrap_or(u32::MAX);
    let byzantine = federation.byzantine().contains(&index);
    let delivery = match config.attack {
        Some(attack) if byzantine => attack.delivery(),
        _ => Delivery::Proper,
    };
    Ok(Miner { account: Account::derive(config.seed, Role::Miner(number), prefix)?, delivery, byzantine })
}

struct Loop {
    config: TrainingConfig,
    endpoints: Endpoints,
    chain: ChainHandle,
    federation: Arc<Federation>,
    miners: Vec<Miner>,
    /// That of the adapters, which an aggregate must share.
    layout: Layout,
    adapters: Arc<Adapters>,
    version: u64,
    /// Every block since the loop began: none slips by between two looks at the chain.
    blocks: broadcast::Receiver<Arc<Block>>,
    /// The first aggregation that was not looked at yet.
    next_aggregation_id: u64,
    events: broadcast::Sender<TrainingEvent>,
    reports: watch::Sender<Vec<RoundReport>>,
}

impl Loop {
    async fn run(mut self) {
        let event = match self.rounds().await {
            Ok(()) => TrainingEvent::Ended,
            Err(error) => {
                tracing::error!(%error, "training stopped");
                TrainingEvent::Failed { reason: error.to_string() }
            }
        };
        self.tell(event);
    }

    async fn rounds(&mut self) -> Result<(), TrainingError> {
        let mut finished = 0;
        while self.config.max_rounds.is_none_or(|rounds| finished < rounds) {
            self.round().await?;
            finished += 1;
        }
        Ok(())
    }

    async fn round(&mut self) -> Result<(), TrainingError> {
        let state = self.endpoints.chain.model_state().await?.unwrap_or_default();
        let training_round_id = state.training_round_id;
        let name = RoundName {
            training_round_id,
            model_version: state.model_version.clone(),
            learning_rate: self.config.settings.learning_rate,
        };
        let updates = {
            let (federation, adapters) = (Arc::clone(&self.federation), Arc::clone(&self.adapters));
            let attack = self.config.attack;
            let train = move || {
                let forgery = attack.as_ref().map(|attack| attack as &dyn Forgery);
                federation.updates(&adapters, training_round_id, forgery)
            };
            tokio::task::spawn_blocking(train).await?
        };
        let announcements =
            announce::announce(&self.endpoints, &self.miners, self.config.seed, &name, &updates).await?;
        self.tell(TrainingEvent::Announced { training_round_id, announcements: announcements.clone() });

        let record = self.aggregation_of(training_round_id).await?;
        let not_applied = match self.fetch_aggregate(&record).await {
            Ok(aggregate) => self.apply(&aggregate).err(),
            Err(reason) => Some(reason),
        };
        if let Some(reason) = &not_applied {
            tracing::warn!(aggregation = record.aggregation_id, reason, "aggregate not applied");
        } else {
            self.version += 1;
        }
        let accuracy = {
            let (federation, adapters) = (Arc::clone(&self.federation), Arc::clone(&self.adapters));
            tokio::task::spawn_blocking(move || federation.accuracy(&adapters)).await?
        };
        let model_ipfs_hash = self.publish_model(training_round_id + 1, record.aggregation_id).await?;
        self.finish(RoundReport {
            training_round_id,
            model_version: state.model_version,
            announcements,
            aggregation_id: record.aggregation_id,
            proposer: record.proposer,
            participants: record.participant_gradient_ids,
            aggregate_ipfs_hash: record.aggregated_gradient_ipfs_hash,
            model_ipfs_hash,
            not_applied,
            accuracy,
            reverted: false,
        });
        Ok(())
    }

    /// Waits until an aggregation of the round stands on chain.
    async fn aggregation_of(&mut self, training_round_id: u64) -> Result<AggregationRecord, TrainingError> {
        loop {
            while let Some(record) = self.endpoints.chain.aggregation(self.next_aggregation_id).await? {
                self.next_aggregation_id += 1;
                if record.training_round_id == training_round_id && record.status != REVERTED {
                    return Ok(record);
                }
            }
            match self.blocks.recv().await {
                // A challenge is decided between two blocks; the block after it tells.
                Ok(block) if block.events.iter().all(|event| event.kind != RESOLVED) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.note_reversals().await?,
                Err(broadcast::error::RecvError::Closed) => return Err(TrainingError::ChainEnded),
            }
        }
    }

    /// The aggregate's values, flattened, or why there are none.
    async fn fetch_aggregate(&self, record: &AggregationRecord) -> Result<Vec<f32>, String> {
        let text = &record.aggregated_gradient_ipfs_hash;
        let cid: Cid = text.parse().map_err(|error| format!("{text:?} is not a CID: {error}"))?;
        let limits = FetchLimits { max_file_bytes: 16 << 20, ..FetchLimits::default() };
        let bytes =
            fetch_bytes(&self.endpoints.kubo, &cid, &limits).await.map_err(|error| error.to_string())?;
        let gradient = Gradient::from_vec(bytes, &Limits::default()).map_err(|error| error.to_string())?;
        if let Some(difference) = gradient.layout().difference(&self.layout) {
            return Err(format!("it does not have the model's layout: {difference}"));
        }
        let values = gradient.tensors().flat_map(|tensor| {
            let four = |bytes: &[u8]| [bytes[0], bytes[1], bytes[2], bytes[3]];
            tensor.bytes.chunks_exact(4).map(move |bytes| f32::from_le_bytes(four(bytes)))
        });
        Ok(values.collect())
    }

    fn apply(&mut self, aggregate: &[f32]) -> Result<(), String> {
        let rate = self.config.settings.server_learning_rate;
        let applied = self.adapters.apply(aggregate, rate);
        let applied = applied.ok_or("the model's values would not be finite")?;
        self.adapters = Arc::new(applied);
        Ok(())
    }

    /// Adds the model to IPFS and writes its state for the round to come.
    async fn publish_model(
        &self,
        training_round_id: u64,
        last_aggregation_id: u64,
    ) -> Result<String, TrainingError> {
        let model_version = format!("v{}", self.version);
        let file = model_file(self.adapters.values(), &model_version)?;
        let model_ipfs_hash = self.endpoints.kubo.add(file, &CidSettings::v1()).await?.cid.to_string();
        let state = GlobalModelState {
            model_ipfs_hash: model_ipfs_hash.clone(),
            model_version,
            training_round_id,
            last_aggregation_id,
            ..GlobalModelState::default()
        };
        self.chain.set_global_model(state).map_err(TrainingError::Refused)?;
        Ok(model_ipfs_hash)
    }

    /// Looks whether reported aggregations have been reverted since.
    async fn note_reversals(&self) -> Result<(), TrainingError> {
        let standing: Vec<(u64, u64)> = self
            .reports
            .borrow()
            .iter()
            .filter(|report| !report.reverted)
            .map(|report| (report.training_round_id, report.aggregation_id))
            .collect();
        for (training_round_id, aggregation_id) in standing {
            let record = self.endpoints.chain.aggregation(aggregation_id).await?;
            if record.is_none_or(|record| record.status != REVERTED) {
                continue;
            }
            self.reports.send_modify(|reports| {
                for report in reports.iter_mut().filter(|report| report.aggregation_id == aggregation_id) {
                    report.reverted = true;
                }
            });
            self.tell(TrainingEvent::Reverted { training_round_id, aggregation_id });
        }
        Ok(())
    }

    fn finish(&self, report: RoundReport) {
        tracing::info!(
            round = report.training_round_id,
            aggregation = report.aggregation_id,
            accuracy = report.accuracy,
            "aggregate applied to the global model"
        );
        self.reports.send_modify(|reports| reports.push(report.clone()));
        self.tell(TrainingEvent::Finished(report));
    }

    fn tell(&self, event: TrainingEvent) {
        // Nobody needs to listen.
        let _ = self.events.send(event);
    }
}
