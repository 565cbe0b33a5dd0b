//! What a proposer has done and is doing, read from its journal.

use r3mes_config::DataDir;
use r3mes_engine::journal::{EntryKind, JournalError, LedgerEntry};
use r3mes_engine::round::{Round, RoundState};
use r3mes_engine::{Home, Journal};
use serde::Serialize;
use time::OffsetDateTime;

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

/// One movement in the books.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerLine {
    /// `reward` or `fee`.
    pub kind: EntryKind,
    /// Whole units, decimal.
    pub amount: String,
    /// Of what.
    pub denom: String,
    /// The block of its transaction, decimal.
    pub height: String,
    /// The transaction that moved it.
    pub tx_hash: String,
    /// When it was booked, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl LedgerLine {
    /// When it was booked, in UTC, to the second: `2026-11-23 14:42:32`.
    pub fn time(&self) -> String {
        let (date, time) = (self.at.date(), self.at.time());
        format!("{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    }
}

/// What the books say.
#[derive(Clone, Debug, Serialize)]
pub struct Earnings {
    /// Rewards in whole units, decimal.
    pub earned: String,
    /// Their denom.
    pub denom: String,
    /// Fees in whole units, decimal.
    pub fees: String,
    /// Their denom.
    pub fee_denom: String,
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
            earnings: earnings(&journal, &network.reward_denom, &network.fee_denom).map_err(unreadable)?,
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
    /// The sums of the books, and every movement in them, oldest first.
    ///
    /// # Errors
    /// As [`Workspace::overview`].
    pub fn earnings(&self) -> Result<(Earnings, Vec<LedgerLine>), ApiError> {
        let (_, journal) = self.journal()?;
        let network = &self.settings().network;
        let sums = earnings(&journal, &network.reward_denom, &network.fee_denom).map_err(unreadable)?;
        let entries = journal.ledger().map_err(unreadable)?;
        let line = |entry: LedgerEntry| LedgerLine {
            kind: entry.kind,
            amount: entry.amount.to_string(),
            denom: entry.denom,
            height: entry.height.to_string(),
            tx_hash: entry.tx_hash,
            at: entry.at,
        };
        Ok((sums, entries.into_iter().map(line).collect()))
    }
}

impl Workspace {
    /// The journal of a proposer that has run; looking for one creates nothing.
    fn journal(&self) -> Result<(Home, Journal), ApiError> {
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

pub(crate) fn earnings(journal: &Journal, denom: &str, fee_denom: &str) -> Result<Earnings, JournalError> {
    Ok(Earnings {
        earned: journal.totals(denom)?.earned.to_string(),
        denom: denom.to_owned(),
        fees: journal.totals(fee_denom)?.fees.to_string(),
        fee_denom: fee_denom.to_owned(),
    })
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
