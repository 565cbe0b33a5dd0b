//! The books: what the chain paid to us and took from us, each entry once.

use std::fmt;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Journal, JournalError, from_text, to_text};
use crate::round::RoundId;

/// Why an amount moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Minted to us by a reveal.
    Reward,
    /// Taken for a transaction, successful or not.
    Fee,
}

/// One movement, as a transaction of the chain proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Why it moved.
    pub kind: EntryKind,
    /// How much, in whole units of the denom; the kind says in which direction.
    pub amount: u128,
    /// Of what.
    pub denom: String,
    /// The transaction that moved it.
    pub tx_hash: String,
    /// Its block.
    pub height: i64,
    /// The round it belongs to.
    pub round_id: Option<RoundId>,
    /// When it was booked.
    pub at: OffsetDateTime,
}

/// The sums of the books in one denom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All rewards.
    pub earned: u128,
    /// All fees.
    pub fees: u128,
}

impl Journal {
    /// Every entry, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ledger(&self) -> Result<Vec<LedgerEntry>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT kind, amount, denom, tx_hash, height, round_id, at FROM ledger ORDER BY seq")?;
        let mut rows = query.query([])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let (kind, amount, at): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(6)?);
            entries.push(LedgerEntry {
                kind: EntryKind::from_name(&kind)
                    .ok_or_else(|| JournalError::Content(format!("`{kind}` is no kind of ledger entry")))?,
                amount: amount
                    .parse()
                    .map_err(|_| JournalError::Content(format!("`{amount}` is no amount")))?,
                denom: row.get(2)?,
                tx_hash: row.get(3)?,
                height: row.get(4)?,
                round_id: row.get(5)?,
                at: from_text(&at)?,
            });
        }
        Ok(entries)
    }

    /// The sums in one denom.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn totals(&self, denom: &str) -> Result<Totals, JournalError> {
        let mut totals = Totals::default();
        for entry in self.ledger()?.iter().filter(|entry| entry.denom == denom) {
            match entry.kind {
                EntryKind::Reward => totals.earned += entry.amount,
                EntryKind::Fee => totals.fees += entry.amount,
            }
        }
        Ok(totals)
    }
}

/// Books an entry unless the same movement stands in the books already.
pub(super) fn put(connection: &Connection, entry: &LedgerEntry) -> Result<(), JournalError> {
    connection.execute(
        "INSERT INTO ledger (kind, amount, denom, tx_hash, height, round_id, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (kind, denom, tx_hash) DO NOTHING",
        params![
            entry.kind.to_string(),
            entry.amount.to_string(),
            entry.denom,
            entry.tx_hash,
            entry.height,
            entry.round_id,
            to_text(entry.at)?,
        ],
    )?;
    Ok(())
}

impl EntryKind {
    fn from_name(name: &str) -> Option<EntryKind> {
        [EntryKind::Reward, EntryKind::Fee].into_iter().find(|kind| kind.to_string() == name)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryKind::Reward => "reward",
            EntryKind::Fee => "fee",
        })
    }
}
