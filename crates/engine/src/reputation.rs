//! What the chain says of the miners, noted round by round: it tells its scores of now alone.

use std::time::Duration;

use futures::future::try_join_all;

use crate::EngineError;
use crate::context::Context;
use crate::journal::TrustScore;
use crate::round::{Round, RoundState};

/// Scores that are asked for at the same time.
const PARALLEL_QUERIES: usize = 8;

/// How often it is looked whether a round has ended.
const INTERVAL: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// The newest round whose miners' scores were noted.
const CURSOR: &str = "scores-noted";

impl Context {
    /// Notes the miners' scores after each round, beside the work, which never waits for it.
    pub(crate) async fn keep_scores(&self) {
        let interval = self.settings.network.block_time.clamp(INTERVAL.0, INTERVAL.1);
        loop {
            if let Err(error) = self.note_scores().await {
                tracing::debug!(%error, "the miners' scores are asked for again");
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Of several rounds that ended since the last look only the newest gets scores: they are of now.
    async fn note_scores(&self) -> Result<(), EngineError> {
        let noted = self.journal.cursor(CURSOR)?;
        let ended = self.journal.recent_rounds(4)?.into_iter().find(has_ended);
        let Some(round) = ended.filter(|round| round.id.unsigned_abs() > noted) else { return Ok(()) };
        let mut scores = Vec::new();
        for some in self.journal.miners_of(round.training_round_id)?.chunks(PARALLEL_QUERIES) {
            scores.extend(try_join_all(some.iter().map(|miner| self.score(miner))).await?);
        }
        let scores: Vec<TrustScore> = scores.into_iter().flatten().collect();
        self.journal.note_scores(round.training_round_id, &scores, self.environment.now())?;
        Ok(self.journal.set_cursor(CURSOR, round.id.unsigned_abs())?)
    }

    async fn score(&self, miner: &str) -> Result<Option<TrustScore>, EngineError> {
        let known = self.chain.miner_score(miner).await?;
        Ok(known.and_then(|known| {
            let score: f64 = known.trust_score.parse().ok()?;
            score.is_finite().then(|| TrustScore { miner: miner.to_owned(), score })
        }))
    }
}

/// Whether the chain has done with a round what it does at once, such as counting who took part.
fn has_ended(round: &Round) -> bool {
    !round.state.is_open() && round.state != RoundState::Abandoned
}
