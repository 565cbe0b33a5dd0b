//! What a proposer has done and is doing, read from its journal.

use r3mes_config::DataDir;
use r3mes_engine::journal::JournalError;
use r3mes_engine::round::{Round, RoundState};
use r3mes_engine::{Home, Journal};
use serde::Serialize;
use time::OffsetDateTime;

use crate::earnings::{Earnings, sums};
use crate::{ApiError, ErrorCode, Workspace};

/// A proposer's state at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// The account.
    pub address: String,
    /// The name of its key; absent where it follows from a local network's seed.
    pub key: Option<String>,
    /// When that key was last part of a backup; absent where it never was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_backup: Option<OffsetDateTime>,
    /// The network.
    pub chain_id: String,
    /// Whether a process is working on the data folder now.
    pub running: bool,
    /// Gradients that the chain announced.
    pub gradients_received: u64,
    /// Gradients that were judged.
    pub gradients_judged: u64,
    /// Rounds revealed and not reverted.
    pub aggregations: u64,
    /// What was earned.
    pub earnings: Earnings,
    /// The newest rounds first.
    pub rounds: Vec<RoundSummary>,
}

/// One round for a list.
#[derive(Clone, Debug, Serialize)]
pub struct RoundSummary {
    /// The training round.
    pub round: u64,
    /// The model version.
    pub model_version: String,
    /// Where it stands.
    pub state: RoundState,
    /// Participants, once they are fixed.
    pub participants: usize,
    /// Excluded gradients, once the participants are fixed.
    pub excluded: usize,
    /// The aggregate's CID.
    pub cid: Option<String>,
    /// Block of the commitment, decimal.
    pub commit_height: Option<String>,
    /// Block of the reveal, decimal.
    pub reveal_height: Option<String>,
    /// The last block in which it may be revealed, decimal.
    pub deadline_height: Option<String>,
    /// Reward in whole units, decimal.
    pub reward: Option<String>,
    /// Why it left its good way, if it did.
    pub reason: Option<String>,
    /// When it was opened.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
}

impl Workspace {
    /// Reads what the proposer of this folder has done and is doing, whether or not it runs.
    ///
    /// # Errors
    /// When there is no journal yet, or it cannot be read.
    pub fn overview(&self, last: u32) -> Result<Overview, ApiError> {
        let (home, journal) = self.journal()?;
        let network = &self.settings().network;
        let (received, judged) = journal.gradient_counts().map_err(unreadable)?;
        Ok(Overview {
            address: self.address()?,
            key: self.chosen()?.map(|name| name.to_string()),
            last_backup: self.last_backup(),
            chain_id: network.chain_id.clone(),
            running: home.in_use(),
            gradients_received: received,
            gradients_judged: judged,
            aggregations: journal.watched_rounds().map_err(unreadable)?.len() as u64,
            earnings: sums(&journal, &network.reward_denom, &network.fee_denom).map_err(unreadable)?,
            rounds: journal
                .recent_rounds(last)
                .map_err(unreadable)?
                .into_iter()
                .map(RoundSummary::from)
                .collect(),
        })
    }
}

impl Workspace {
    /// The journal of a proposer that has run; looking for one creates nothing.
    pub(crate) fn journal(&self) -> Result<(Home, Journal), ApiError> {
        let path = DataDir::new(self.root()).journal();
        if !path.exists() {
            let message = format!("read the journal of {}: no proposer has run there", self.root().display());
            return Err(ApiError::new(ErrorCode::Request, message)
                .with_remedy("start one with `r3mes-proposer start`, or name its data folder with --home"));
        }
        let journal = Journal::read(&path).map_err(unreadable)?;
        Ok((self.home()?, journal))
    }
}

pub(crate) fn unreadable(error: JournalError) -> ApiError {
    ApiError::new(ErrorCode::Engine, error.to_string())
}

impl From<Round> for RoundSummary {
    fn from(round: Round) -> RoundSummary {
        let committed = round.commitment.as_ref().and_then(|commitment| commitment.included);
        let aggregation = round.aggregation.as_ref();
        RoundSummary {
            round: round.training_round_id,
            participants: round.selection.as_ref().map_or(0, |selection| selection.participants.len()),
            excluded: round.selection.as_ref().map_or(0, |selection| selection.excluded.len()),
            cid: round.aggregate.as_ref().map(|aggregate| aggregate.cid.clone()),
            commit_height: committed.map(|included| included.height.to_string()),
            reveal_height: aggregation.map(|aggregation| aggregation.height.to_string()),
            deadline_height: committed.map(|included| included.deadline_height.to_string()),
            reward: aggregation.map(|aggregation| aggregation.reward.to_string()),
            state: round.state,
            model_version: round.model_version,
            reason: round.reason,
            opened_at: round.opened_at,
        }
    }
}
