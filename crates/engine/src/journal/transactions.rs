//! Every transaction that was signed, written before it is sent.

use std::fmt;

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::books::{self, LedgerEntry};
use super::orders::OrderId;
use super::{Journal, JournalError, to_text};
use crate::round::RoundId;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A round's commitment.
    Commit,
    /// A round's reveal.
    Reveal,
    /// A round's aggregation without commitment.
    Submit,
    /// The registration of the node.
    Register,
    /// What the registration says of the node, anew.
    Update,
    /// The withdrawal of what the distribution module holds.
    Claim,
    /// A transfer to the cold address.
    Payout,
}

/// A transaction of ours, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedTransaction {
    /// Upper-case hex of the SHA-256 of the bytes: its name on the chain.
    pub hash: String,
    /// The round it belongs to.
    pub round_id: Option<RoundId>,
    /// The order of the operator's that it carries out.
    pub order_id: Option<OrderId>,
    /// What it is for.
    pub purpose: Purpose,
    /// What is sent, to the bit.
    pub bytes: Vec<u8>,
    /// The account's sequence that it uses up: no two transactions with one sequence are included.
    pub sequence: u64,
    /// The last block that may include it.
    pub timeout_height: u64,
    /// The fee in it, as coins.
    pub fee: String,
    /// Whether it was handed to a node before: a mempool may hold it.
    pub sent: bool,
    /// What became of it; absent while that is not known.
    pub settlement: Option<Settlement>,
}

/// What became of a transaction, for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// How it ended.
    pub as_: SettledAs,
    /// The block, where one included it.
    pub height: Option<i64>,
    /// The chain's code; 0 is success.
    pub code: u32,
    /// Who states the code.
    pub codespace: String,
    /// The chain's own words.
    pub log: String,
    /// Gas used.
    pub gas_used: i64,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettledAs {
    /// A block holds it; the code says whether it did what it should.
    Included,
    /// The node refused it, and its sequence has not been used.
    Refused,
    /// No block up to its timeout height holds it: it can never be included.
    TimedOut,
}

const COLUMNS: &str =
    "hash, round_id, purpose, bytes, sequence, timeout_height, fee, outcome, order_id, state";

impl Journal {
    /// Writes a signed transaction. Only after this may it be sent. The same intention signed anew at the same
    /// sequence can give the same bytes: then they are to be sent again.
    pub(crate) fn record_signed(
        &self,
        transaction: &SignedTransaction,
        now: OffsetDateTime,
    ) -> Result<(), JournalError> {
        self.lock().execute(
            "INSERT INTO transactions (hash, round_id, purpose, bytes, sequence, timeout_height, fee, signed_at, state, order_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'signed', ?9)
             ON CONFLICT (hash) DO UPDATE SET state = 'sent', outcome = NULL",
            params![
                transaction.hash,
                transaction.round_id,
                transaction.purpose.to_string(),
                transaction.bytes,
                transaction.sequence as i64,
                transaction.timeout_height as i64,
                transaction.fee,
                to_text(now)?,
                transaction.order_id,
            ],
        )?;
        Ok(())
    }

    /// Writes that a transaction is about to be handed to a node.
    pub(crate) fn mark_sent(&self, hash: &str) -> Result<(), JournalError> {
        self.lock().execute("UPDATE transactions SET state = 'sent' WHERE hash = ?1", [hash])?;
        Ok(())
    }

    /// Writes what became of a transaction, and books its fee in the same step.
    pub(crate) fn settle(
        &self,
        hash: &str,
        settlement: &Settlement,
        fee: Option<&LedgerEntry>,
    ) -> Result<(), JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        change.execute(
            "UPDATE transactions SET state = ?2, outcome = ?3 WHERE hash = ?1",
            params![hash, settlement.as_.to_string(), serde_json::to_string(settlement)?],
        )?;
        if let Some(fee) = fee {
            books::put(&change, fee)?;
        }
        change.commit()?;
        Ok(())
    }

    /// The transactions of a round or an order for one purpose, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn transactions(
        &self,
        round_id: Option<RoundId>,
        order_id: Option<OrderId>,
        purpose: Purpose,
    ) -> Result<Vec<SignedTransaction>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(&format!(
            "SELECT {COLUMNS} FROM transactions WHERE round_id IS ?1 AND order_id IS ?2 AND purpose = ?3
             ORDER BY rowid"
        ))?;
        let mut rows = query.query(params![round_id, order_id, purpose.to_string()])?;
        let mut transactions = Vec::new();
        while let Some(row) = rows.next()? {
            transactions.push(read_row(row)?);
        }
        Ok(transactions)
    }

    /// What the transaction of that hash was signed for; `None` where this journal does not hold it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn purpose_of(&self, hash: &str) -> Result<Option<Purpose>, JournalError> {
        let purpose: Option<String> = self
            .lock()
            .query_row("SELECT purpose FROM transactions WHERE hash = ?1", [hash], |row| row.get(0))
            .optional()?;
        Ok(purpose.as_deref().and_then(Purpose::from_name))
    }

    /// Whether this journal holds the transaction of that hash, so that it was ours to send.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn knows_transaction(&self, hash: &str) -> Result<bool, JournalError> {
        let found: Option<i64> = self
            .lock()
            .query_row("SELECT 1 FROM transactions WHERE hash = ?1 COLLATE NOCASE", [hash], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }
}

fn read_row(row: &Row<'_>) -> Result<SignedTransaction, JournalError> {
    let purpose: String = row.get(2)?;
    let outcome: Option<String> = row.get(7)?;
    Ok(SignedTransaction {
        hash: row.get(0)?,
        round_id: row.get(1)?,
        purpose: Purpose::from_name(&purpose)
            .ok_or_else(|| JournalError::Content(format!("`{purpose}` is no purpose of a transaction")))?,
        bytes: row.get(3)?,
        sequence: row.get::<_, i64>(4)? as u64,
        timeout_height: row.get::<_, i64>(5)? as u64,
        fee: row.get(6)?,
        sent: row.get::<_, String>(9)? != "signed",
        settlement: outcome.as_deref().map(serde_json::from_str).transpose()?,
        order_id: row.get(8)?,
    })
}

impl Purpose {
    pub(super) fn from_name(name: &str) -> Option<Purpose> {
        use Purpose::*;
        [Commit, Reveal, Submit, Register, Update, Claim, Payout]
            .into_iter()
            .find(|purpose| purpose.to_string() == name)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Commit => "commit",
            Purpose::Reveal => "reveal",
            Purpose::Submit => "submit",
            Purpose::Register => "register",
            Purpose::Update => "update",
            Purpose::Claim => "claim",
            Purpose::Payout => "payout",
        })
    }
}

impl fmt::Display for SettledAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SettledAs::Included => "included",
            SettledAs::Refused => "refused",
            SettledAs::TimedOut => "timed-out",
        })
    }
}
