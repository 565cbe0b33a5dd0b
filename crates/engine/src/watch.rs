//! What the chain does without us: our finished rounds, other proposers' aggregations, accusations, and our key
//! in other hands.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use r3mes_chain::proto::AggregationRecord;
use r3mes_chain::rpc::{BlockResults, TxOrder};
use r3mes_chain::{ChainError, Event, Included, ModuleEvent, NodeErrorKind};

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::round::{Round, RoundState};

/// The last block whose events were read.
const CURSOR: &str = "blocks-read";

/// Blocks that are read one by one after an outage. Behind a longer one the gradients are listed again.
const MOST_BLOCKS: u64 = 500;

/// Gradients that are listed again when the events of some blocks cannot be had: 50 pages.
const LISTED_AGAIN: u64 = 10_000;

/// How many records are asked for at once.
const PARALLEL_QUERIES: usize = 8;

impl Context {
    /// Follows revealed rounds until nothing about them can change any more.
    pub(crate) async fn watch_revealed(&self, height: i64) -> Result<(), EngineError> {
        for mut round in self.journal.watched_rounds()? {
            let Some(aggregation) = &round.aggregation else { continue };
            // A finalized record can still be challenged, but nobody will after a second period.
            let period = self.settings.network.challenge_period_blocks as i64;
            if round.state == RoundState::Finalized && height > aggregation.challenge_deadline_height + period
            {
                continue;
            }
            let Some(stored) = self.chain.aggregation(aggregation.id).await? else { continue };
            if let Some(next) = next_state(&round, &stored) {
                round.reason = (next == RoundState::Reverted).then(|| {
                    "a challenge was won against the aggregate; its gradients are pending again".into()
                });
                self.enter(&mut round, next, height, &[])?;
            }
        }
        Ok(())
    }

    /// Reads the events of every block since the last look, and takes up what they change: gradients that another
    /// proposer took, or that are pending again since an aggregation was reverted.
    pub(crate) async fn read_blocks(&self, height: i64) -> Result<(), EngineError> {
        let newest = height.unsigned_abs();
        let read = self.journal.cursor(CURSOR)?;
        if read == 0 {
            // The first listing tells how every gradient stands.
            return Ok(self.journal.set_cursor(CURSOR, newest)?);
        }
        if newest.saturating_sub(read) > MOST_BLOCKS {
            return self.list_again(newest);
        }
        for block in read + 1..=newest {
            let results = match self.chain.rpc().block_results(Some(block as i64)).await {
                Ok(results) => results,
                // The newest block may be announced and not carried out yet.
                Err(error) if is_missing(&error) && block == newest => return Ok(()),
                Err(error) if is_missing(&error) => return self.list_again(newest),
                Err(error) => return Err(error.into()),
            };
            for aggregation_id in self.take_in(&results, block as i64).await? {
                self.refresh_aggregation(aggregation_id).await?;
            }
            self.journal.set_cursor(CURSOR, block)?;
        }
        Ok(())
    }

    /// The aggregations whose gradients may stand otherwise now. What accuses us is told on the way.
    async fn take_in(&self, results: &BlockResults, height: i64) -> Result<BTreeSet<u64>, EngineError> {
        let carried_out = results.txs_results.iter().filter(|result| result.code == 0);
        let events = carried_out.flat_map(|result| &result.events).chain(&results.finalize_block_events);
        let mut touched = BTreeSet::new();
        for event in events {
            match event.decode() {
                Some(
                    ModuleEvent::RevealAggregation { aggregation_id, proposer, .. }
                    | ModuleEvent::AggregationSubmitted { aggregation_id, proposer, .. },
                ) if proposer != self.address => {
                    touched.insert(aggregation_id);
                }
                Some(ModuleEvent::AggregationChallenged { aggregation_id, .. }) => {
                    touched.insert(aggregation_id);
                }
                // Which of its attributes a build states is left open.
                Some(ModuleEvent::ResolveChallenge(event)) => {
                    touched.extend(match (event.number("aggregation_id"), event.number("challenge_id")) {
                        (None, Some(id)) => self.chain.challenge(id).await?.map(|found| found.aggregation_id),
                        (named, _) => named,
                    });
                }
                Some(ModuleEvent::ReportProposerCensorship(event) | ModuleEvent::NodeSlash(event)) => {
                    self.accused(event, height);
                }
                _ => {}
            }
        }
        Ok(touched)
    }

    fn accused(&self, event: Event, height: i64) {
        if event.concerns(&self.address) {
            let Event { kind, attributes } = event;
            self.announcer.announce(EngineEvent::Accused { kind, attributes, height });
        }
    }

    /// Asks how an aggregation's gradients stand now.
    async fn refresh_aggregation(&self, id: u64) -> Result<(), EngineError> {
        let Some(record) = self.chain.aggregation(id).await? else { return Ok(()) };
        let pending = self.refresh_gradients(&record.participant_gradient_ids).await?;
        if matches!(record.status.as_str(), "challenged" | "reverted") {
            let AggregationRecord { aggregation_id, proposer, status, .. } = record;
            let event = EngineEvent::AggregationChanged { aggregation_id, proposer, status, pending };
            self.announcer.announce(event);
        }
        Ok(())
    }

    /// Asks how gradients stand now, and journals it; how many of them are pending.
    pub(crate) async fn refresh_gradients(&self, ids: &[u64]) -> Result<usize, EngineError> {
        let mut pending = 0;
        for some in ids.chunks(PARALLEL_QUERIES) {
            let records = some.iter().map(|id| self.chain.gradient(*id));
            for record in try_join_all(records).await?.into_iter().flatten() {
                pending += usize::from(record.status == "pending");
                self.journal.refresh_gradient(&record)?;
            }
        }
        Ok(pending)
    }

    /// Where blocks cannot be read, the listing of the newest gradients tells how they stand.
    fn list_again(&self, newest: u64) -> Result<(), EngineError> {
        let listed = self.journal.cursor("gradients-listed")?;
        self.journal.set_cursor("gradients-listed", listed.saturating_sub(LISTED_AGAIN))?;
        Ok(self.journal.set_cursor(CURSOR, newest)?)
    }

    /// Stops the engine when the chain holds a live commitment of our address that we did not make.
    pub(crate) async fn refuse_foreign_commitments(&self, height: i64) -> Result<(), EngineError> {
        let cursor = "commitments-checked";
        let window = self.settings.network.reveal_window_blocks + 1;
        // What is older than the window cannot be live.
        let from = self.journal.cursor(cursor)?.max((height as u64).saturating_sub(window));
        let query = format!("commit_aggregation.proposer='{}' AND tx.height>={from}", self.address);
        let found = self.chain.rpc().tx_search(&query, 1, 100, TxOrder::Descending).await?;
        for included in found.txs.into_iter().map(Included::from) {
            let Some(commitment_id) = included.committed().map(|committed| committed.commitment_id) else {
                continue;
            };
            let tx_hash = included.hash;
            if self.journal.knows_transaction(&tx_hash)? {
                continue;
            }
            let stored = self.chain.commitment(commitment_id).await?;
            let live = stored.is_some_and(|stored| {
                stored.status == "committed" && stored.reveal_deadline_height >= height
            });
            if live {
                return Err(EngineError::ForeignCommitment { commitment_id, tx_hash });
            }
        }
        self.journal.set_cursor(cursor, height as u64)?;
        Ok(())
    }
}

/// Whether the node does not have the block, or not yet.
fn is_missing(error: &ChainError) -> bool {
    let missing = [NodeErrorKind::HeightPruned, NodeErrorKind::HeightNotReached];
    matches!(error, ChainError::Node(error) if missing.contains(&error.kind))
}

/// Where the chain's record takes a round, if anywhere new.
fn next_state(round: &Round, stored: &AggregationRecord) -> Option<RoundState> {
    let next = match stored.status.as_str() {
        "pending" => RoundState::Revealed,
        "finalized" => RoundState::Finalized,
        "challenged" => RoundState::Challenged,
        "reverted" => RoundState::Reverted,
        _ => return None,
    };
    (next != round.state && round.state.may_become(next)).then_some(next)
}
