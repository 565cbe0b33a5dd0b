//! One round of aggregation: its record, its states, and the work of each state.
//!
//! [`collect`] opens and closes it, [`produce`] makes and publishes the aggregate, [`settle`] commits
//! and reveals it. Each step reads the round from the journal, so that it may run again after a crash.

mod collect;
mod produce;
mod record;
mod settle;
mod state;

pub use record::{
    AggregationProof, Commitment, Exclusion, IncludedCommitment, Participant, PublishedAggregate, Round,
    RoundId, Selection,
};
pub use state::{RoundState, UnknownState};

use crate::EngineError;
use crate::event::EngineEvent;
use crate::intake::Intake;
use crate::journal::LedgerEntry;
use crate::proposer::{Context, Progress};

impl Context {
    /// Does what an open round needs next.
    pub(crate) async fn advance(
        &self,
        round: Round,
        height: i64,
        intake: &mut Intake,
    ) -> Result<Progress, EngineError> {
        match round.state {
            RoundState::Collecting => self.collect(round, height, intake).await,
            RoundState::Aggregating => self.aggregate(round, height).await,
            RoundState::Publishing => self.publish_and_commit(round, height).await,
            RoundState::Committed => self.reveal(round).await,
            _ => Ok(Progress::Waiting),
        }
    }

    /// Takes a round to its next state, in the journal first, and tells it.
    pub(crate) fn enter(
        &self,
        round: &mut Round,
        next: RoundState,
        height: i64,
        bookings: &[LedgerEntry],
    ) -> Result<(), EngineError> {
        self.journal.advance_round(round, next, height, bookings, self.environment.now())?;
        self.announcer.announce(EngineEvent::RoundAdvanced { round: Box::new(round.clone()), height });
        Ok(())
    }
}
