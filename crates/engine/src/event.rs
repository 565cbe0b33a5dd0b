//! What the engine tells while it works.

use r3mes_chain::EndpointStatus;
use r3mes_config::Check;
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::broadcast;

use crate::environment::Environment;
use crate::journal::EntryKind;
use crate::round::Round;
use crate::trouble::{Part, Trouble, Troubles};

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
    /// A commitment is not revealed yet, and its deadline comes near.
    RevealAtRisk {
        /// The last block in which it can be revealed.
        deadline_height: i64,
        /// The blocks until then.
        blocks_left: i64,
        /// What is being done about it.
        doing: String,
    },
    /// An endpoint of the chain stands otherwise than before, or took another one's place.
    EndpointChanged {
        /// How it stands now.
        endpoint: EndpointStatus,
    },
    /// The chain's websocket brings news, or has stopped to; the chain is asked for them in any case.
    Listening {
        /// Why it brings none.
        trouble: Option<String>,
    },
    /// A challenge or a verdict changed what an aggregation is worth: ours or another proposer's.
    AggregationChanged {
        /// The aggregation.
        aggregation_id: u64,
        /// Who made it.
        proposer: String,
        /// The chain's word for its state, such as `challenged` or `reverted`.
        status: String,
        /// How many of its gradients are pending now.
        pending: usize,
    },
    /// The chain holds something against us: a report of censorship, or a slash.
    Accused {
        /// The chain's event, such as `node_slash`.
        kind: String,
        /// Its attributes, as the chain states them.
        attributes: Vec<(String, String)>,
        /// The block.
        height: i64,
    },
    /// The work ends as soon as the live commitment is revealed.
    Stopping {
        /// The last block in which that can be.
        deadline_height: Option<i64>,
    },
    /// The IPFS node of our own has come up or gone down.
    IpfsNode {
        /// What it runs, when it is up.
        version: Option<String>,
        /// Why it is down, until it has been started again.
        trouble: Option<String>,
    },
    /// Something failed that will be tried again. Told once for as long as it stays the same.
    Trouble(Trouble),
    /// A part of the work that had trouble has none any more.
    Recovered {
        /// Which.
        part: Part,
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
    told: std::sync::Mutex<Told>,
}

/// What was told last.
#[derive(Debug, Default)]
struct Told {
    seq: u64,
    /// What is wrong, until work goes on.
    troubles: Troubles,
    /// The deadline and the blocks left of the last warning.
    risk: Option<(i64, i64)>,
}

impl Told {
    /// Whether this says nothing new.
    fn is_stale(&mut self, event: &EngineEvent) -> bool {
        match event {
            EngineEvent::Trouble(trouble) => !self.troubles.has_come(trouble),
            EngineEvent::Recovered { part } => {
                // A reveal that was at risk is of the rounds' part, and over with it.
                let was_at_risk = *part == Part::Rounds && self.risk.take().is_some();
                !(self.troubles.is_over(*part) || was_at_risk)
            }
            EngineEvent::RevealAtRisk { deadline_height, blocks_left, .. } => {
                let risk = (*deadline_height, *blocks_left);
                self.risk.replace(risk) == Some(risk)
            }
            _ => false,
        }
    }
}

impl Announcer {
    pub(crate) fn new(environment: Environment) -> Announcer {
        let (sender, _) = broadcast::channel(1024);
        Announcer { environment, sender, told: std::sync::Mutex::default() }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Numbered> {
        self.sender.subscribe()
    }

    /// A part of the work goes on, which is told if it had trouble.
    pub(crate) fn is_well(&self, part: Part) {
        self.announce(EngineEvent::Recovered { part });
    }

    pub(crate) fn announce(&self, event: EngineEvent) {
        // Held while sending, so that numbers arrive in order.
        let mut told = self.told();
        if told.is_stale(&event) {
            return;
        }
        event.log();
        told.seq += 1;
        let numbered = Numbered { seq: told.seq, at: self.environment.now(), event };
        // Nobody listening is no error.
        let _ = self.sender.send(numbered);
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl EngineEvent {
    fn log(&self) {
        match self {
            EngineEvent::Trouble(trouble) => tracing::warn!(part = ?trouble.part, "{}", trouble.told()),
            EngineEvent::Recovered { part } => tracing::info!(?part, "work goes on"),
            EngineEvent::RoundStalled { training_round_id, reason } => {
                tracing::warn!(round = training_round_id, "{reason}");
            }
            EngineEvent::RoundAdvanced { round, height } => {
                tracing::info!(round = round.training_round_id, state = %round.state, height, "round advanced");
            }
            EngineEvent::RevealAtRisk { deadline_height, blocks_left, doing } => {
                tracing::warn!(deadline_height, blocks_left, "the reveal is at risk: {doing}");
            }
            EngineEvent::EndpointChanged { endpoint } => {
                let trouble = endpoint.trouble.as_ref().map_or("", |trouble| trouble.message.as_str());
                let (name, standing, in_use) = (&endpoint.name, endpoint.standing, endpoint.in_use);
                tracing::info!(name, ?standing, in_use, "chain endpoint: {trouble}");
            }
            EngineEvent::Accused { kind, attributes, height } => {
                tracing::warn!(height, ?attributes, "the chain says `{kind}` of us");
            }
            other => tracing::debug!(?other, "event"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trouble::Concern;

    fn announced(events: Vec<EngineEvent>) -> usize {
        let announcer = Announcer::new(Environment::system());
        let mut listener = announcer.subscribe();
        events.into_iter().for_each(|event| announcer.announce(event));
        std::iter::from_fn(|| listener.try_recv().ok()).count()
    }

    #[test]
    fn the_same_trouble_is_told_once_until_work_goes_on() {
        let in_part = |part, message: &str| {
            let message = message.to_owned();
            EngineEvent::Trouble(Trouble { part, concern: Concern::Chain, message, remedy: None })
        };
        let trouble = |message| in_part(Part::Rounds, message);
        let well = || EngineEvent::Recovered { part: Part::Rounds };
        assert_eq!(announced(vec![trouble("a"), trouble("a"), trouble("a")]), 1);
        assert_eq!(announced(vec![trouble("a"), trouble("b"), trouble("a")]), 3);
        assert_eq!(announced(vec![trouble("a"), well(), trouble("a")]), 3);
        assert_eq!(announced(vec![well(), trouble("a"), well(), well()]), 2, "an end is told once");
        assert_eq!(announced(vec![trouble("a"), in_part(Part::Intake, "a"), trouble("a")]), 2);
    }

    #[test]
    fn a_reveal_at_risk_is_told_once_a_block() {
        let risk = |blocks_left| EngineEvent::RevealAtRisk {
            deadline_height: 110,
            blocks_left,
            doing: String::new(),
        };
        assert_eq!(announced(vec![risk(5), risk(5), risk(4), risk(4), risk(3)]), 3);
        let well = || EngineEvent::Recovered { part: Part::Rounds };
        assert_eq!(announced(vec![risk(5), well(), well()]), 2, "its end is told");
    }
}
