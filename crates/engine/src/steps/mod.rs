//! The work of a round, state by state.
//!
//! [`collect`] opens and closes it, [`produce`] makes and publishes the aggregate, [`settle`] commits
//! and reveals it, or submits it at once, and [`fit`] keeps a round within one transaction. Each step reads the round from the journal, so that it may run again after a crash.

mod collect;
mod fit;
mod produce;
mod settle;

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::intake::Intake;
use crate::journal::LedgerEntry;
use crate::round::{Round, RoundState};

/// Whether a step changed something, so that the next may follow at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Something was done.
    Done,
    /// There is nothing to do until the chain or IPFS brings something.
    Waiting,
}

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
            RoundState::Publishing => self.publish_and_submit(round, height).await,
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
        let now = self.environment.now();
        self.age(now);
        self.journal.advance_round(round, next, height, bookings, now)?;
        self.announcer.announce(EngineEvent::RoundAdvanced { round: Box::new(round.clone()), height });
        Ok(())
    }
}
