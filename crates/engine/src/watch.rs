//! What the chain does without us: our finished rounds, and our key in other hands.

use r3mes_chain::Included;
use r3mes_chain::proto::AggregationRecord;
use r3mes_chain::rpc::TxOrder;

use crate::EngineError;
use crate::context::Context;
use crate::round::{Round, RoundState};

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
                // Before the state says so: a crash in between releases it again, and never forgets it.
                if next == RoundState::Finalized {
                    self.release(&round).await?;
                }
                self.enter(&mut round, next, height, &[])?;
            }
        }
        Ok(())
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
