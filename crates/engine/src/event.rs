//! What the engine tells while it works.

use r3mes_config::Check;
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::broadcast;

use crate::environment::Environment;
use crate::journal::EntryKind;
use crate::round::Round;

/// An event with its number and time. A listener that sees a gap in the numbers reads the journal.
#[derive(Clone, Debug, Serialize)]
pub struct Numbered {
    /// Counts up by one from 1 for each start of the engine.
    pub seq: u64,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub event: EngineEvent,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum EngineEvent {
    /// The engine works.
    Started {
        /// Our address.
        address: String,
        /// The chain's id.
        chain_id: String,
        /// The chain's height.
        height: i64,
    },
    /// A gradient was judged.
    GradientJudged {
        /// Its id.
        gradient_id: u64,
        /// Its miner.
        miner: String,
        /// The training round written in it.
        training_round_id: u64,
        /// Whether it can be aggregated at all.
        usable: bool,
        /// The checks that it failed.
        failed: Vec<Check>,
    },
    /// A round came to a new state.
    RoundAdvanced {
        /// The round as it is now.
        round: Box<Round>,
        /// The chain's height.
        height: i64,
    },
    /// A round cannot close with what has arrived, and waits for more. Told once for each new arrival.
    RoundStalled {
        /// The training round.
        training_round_id: u64,
        /// What is missing.
        reason: String,
    },
    /// A reward was booked.
    RewardBooked {
        /// The training round.
        training_round_id: u64,
        /// Whole units.
        amount: String,
        /// Of what.
        denom: String,
    },
    /// The books have a new entry that no round made: a claim, a slash, a transfer, a fee.
    Booked {
        /// Why it moved.
        kind: EntryKind,
        /// Whole units.
        amount: String,
        /// Of what.
        denom: String,
        /// The block.
        height: i64,
        /// The transaction, or `block-HEIGHT`.
        tx_hash: String,
    },
    /// Something failed that will be tried again.
    Trouble {
        /// What.
        message: String,
    },
    /// The engine has stopped.
    Stopped {
        /// Why, unless it was asked to.
        error: Option<String>,
    },
}

/// Numbers events and hands them to every listener.
#[derive(Debug)]
pub(crate) struct Announcer {
    environment: Environment,
    sender: broadcast::Sender<Numbered>,
    next: std::sync::Mutex<u64>,
}

impl Announcer {
    pub(crate) fn new(environment: Environment) -> Announcer {
        let (sender, _) = broadcast::channel(1024);
        Announcer { environment, sender, next: std::sync::Mutex::new(1) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Numbered> {
        self.sender.subscribe()
    }

    pub(crate) fn announce(&self, event: EngineEvent) {
        match &event {
            EngineEvent::Trouble { message } => tracing::warn!("{message}"),
            EngineEvent::RoundStalled { training_round_id, reason } => {
                tracing::warn!(round = training_round_id, "{reason}");
            }
            EngineEvent::RoundAdvanced { round, height } => {
                tracing::info!(round = round.training_round_id, state = %round.state, height, "round advanced");
            }
            other => tracing::debug!(?other, "event"),
        }
        // Held while sending, so that numbers arrive in order.
        let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let numbered = Numbered { seq: *next, at: self.environment.now(), event };
        *next += 1;
        // Nobody listening is no error.
        let _ = self.sender.send(numbered);
    }
}
