//! The books: what the chain paid to us and took from us, each entry once, from an opening balance on.

use std::fmt;

use r3mes_chain::Coins;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Journal, JournalError, from_text, put_cursor, to_text};
use crate::round::RoundId;

/// The last block whose movements stand in the books.
const CURSOR: &str = "ledger";

/// Why an amount moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// Minted to us by a reveal or a direct submit.
    Reward,
    /// Withdrawn from the distribution module: delegation rewards and commission.
    Claim,
    /// Our half of a challenger's bond, after a challenge that failed.
    Bond,
    /// Sent to us by somebody.
    Received,
    /// Came in for a reason that this program does not know; the transaction is named.
    OtherIncome,
    /// Taken for a transaction, successful or not.
    Fee,
    /// Taken by the chain as a punishment.
    Slash,
    /// Moved to the cold address by our own payout.
    Payout,
    /// Sent away from the account in another way.
    Sent,
    /// Went out for a reason that this program does not know; the transaction is named.
    OtherExpense,
}

/// One movement, as a transaction or a block of the chain proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Why it moved.
    pub kind: EntryKind,
    /// How much, in whole units of the denom; the kind says in which direction.
    pub amount: u128,
    /// Of what.
    pub denom: String,
    /// The transaction that moved it, or `block-HEIGHT` where the block itself did, outside any.
    pub tx_hash: String,
    /// Its block.
    pub height: i64,
    /// The round it belongs to.
    pub round_id: Option<RoundId>,
    /// When it was booked.
    pub at: OffsetDateTime,
}

/// Where the books begin: entries count from the block after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The height of the state in which the balances were read.
    pub height: i64,
    /// What the account owned then.
    pub balances: Coins,
    /// When they were read.
    pub at: OffsetDateTime,
}

/// Blocks whose movements nobody can tell any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The first of them.
    pub from_height: i64,
    /// The last of them.
    pub to_height: i64,
    /// Why.
    pub reason: String,
}

/// The sums of the books in one denom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All rewards.
    pub earned: u128,
    /// All fees.
    pub fees: u128,
    /// All withdrawals from the distribution module.
    pub claimed: u128,
    /// All punishments.
    pub slashed: u128,
    /// All payouts.
    pub paid_out: u128,
}

impl Journal {
    /// Every entry, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ledger(&self) -> Result<Vec<LedgerEntry>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT kind, amount, denom, tx_hash, height, round_id, at FROM ledger ORDER BY height, seq",
        )?;
        let mut rows = query.query([])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let at: String = row.get(6)?;
            entries.push(LedgerEntry {
                kind: read_kind(&row.get::<_, String>(0)?)?,
                amount: read_amount(&row.get::<_, String>(1)?)?,
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
        let connection = self.lock();
        let mut query = connection.prepare("SELECT kind, amount FROM ledger WHERE denom = ?1")?;
        let mut rows = query.query([denom])?;
        let mut totals = Totals::default();
        while let Some(row) = rows.next()? {
            let amount = read_amount(&row.get::<_, String>(1)?)?;
            match read_kind(&row.get::<_, String>(0)?)? {
                EntryKind::Reward => totals.earned += amount,
                EntryKind::Fee => totals.fees += amount,
                EntryKind::Claim => totals.claimed += amount,
                EntryKind::Slash => totals.slashed += amount,
                EntryKind::Payout => totals.paid_out += amount,
                EntryKind::Bond
                | EntryKind::Received
                | EntryKind::OtherIncome
                | EntryKind::Sent
                | EntryKind::OtherExpense => {}
            }
        }
        Ok(totals)
    }

    /// Where the books begin; absent before the chain was asked for the first time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn opening(&self) -> Result<Option<Opening>, JournalError> {
        let row: Option<(i64, String, String)> = self
            .lock()
            .query_row("SELECT height, balances, at FROM opening", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let Some((height, balances, at)) = row else { return Ok(None) };
        let balances = balances
            .parse()
            .map_err(|_| JournalError::Content(format!("`{balances}` are no balances to begin with")))?;
        Ok(Some(Opening { height, balances, at: from_text(&at)? }))
    }

    /// Begins the books, unless they have begun.
    pub(crate) fn open_books(&self, opening: &Opening) -> Result<(), JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        let begun = change.query_row("SELECT 1 FROM opening", [], |_| Ok(())).optional()?.is_some();
        if !begun {
            change.execute(
                "INSERT INTO opening (height, balances, at) VALUES (?1, ?2, ?3)",
                params![opening.height, opening.balances.to_string(), to_text(opening.at)?],
            )?;
            put_cursor(&change, CURSOR, opening.height as u64)?;
        }
        change.commit()?;
        Ok(())
    }

    /// The last block whose movements stand in the books.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn booked_height(&self) -> Result<i64, JournalError> {
        Ok(self.cursor(CURSOR)? as i64)
    }

    /// Books what the blocks up to `height` moved, with the gaps among them, in one step. Returns the
    /// entries that did not stand in the books before.
    pub(crate) fn book(
        &self,
        height: i64,
        entries: Vec<LedgerEntry>,
        gaps: &[Gap],
    ) -> Result<Vec<LedgerEntry>, JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        let mut new = Vec::new();
        for entry in entries {
            let round_id: Option<RoundId> = change
                .query_row("SELECT round_id FROM transactions WHERE hash = ?1", [&entry.tx_hash], |row| {
                    row.get(0)
                })
                .optional()?
                .flatten();
            let entry = LedgerEntry { round_id: entry.round_id.or(round_id), ..entry };
            if put(&change, &entry)? {
                new.push(entry);
            }
        }
        for gap in gaps {
            put_gap(&change, gap)?;
        }
        let reached: Option<i64> = change
            .query_row("SELECT value FROM cursors WHERE name = ?1", [CURSOR], |row| row.get(0))
            .optional()?;
        // Another process may have gone further; what it booked is the same.
        if reached.is_none_or(|reached| reached < height) {
            put_cursor(&change, CURSOR, height as u64)?;
        }
        change.commit()?;
        Ok(new)
    }

    /// The blocks that could not be seen, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gaps(&self) -> Result<Vec<Gap>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT from_height, to_height, reason FROM ledger_gaps ORDER BY from_height")?;
        let rows = query.query_map([], |row| {
            Ok(Gap { from_height: row.get(0)?, to_height: row.get(1)?, reason: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Books an entry unless the same movement stands in the books already; says whether it is new.
pub(super) fn put(connection: &Connection, entry: &LedgerEntry) -> Result<bool, JournalError> {
    let rows = connection.execute(
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
    Ok(rows > 0)
}

fn read_kind(name: &str) -> Result<EntryKind, JournalError> {
    EntryKind::from_name(name)
        .ok_or_else(|| JournalError::Content(format!("`{name}` is no kind of ledger entry")))
}

fn read_amount(text: &str) -> Result<u128, JournalError> {
    text.parse().map_err(|_| JournalError::Content(format!("`{text}` is no amount")))
}

/// Lengthens the gap that ends just before this one, or begins another.
fn put_gap(connection: &Connection, gap: &Gap) -> Result<(), JournalError> {
    let lengthened = connection.execute(
        "UPDATE ledger_gaps SET to_height = ?2 WHERE to_height = ?1 - 1 AND reason = ?3",
        params![gap.from_height, gap.to_height, gap.reason],
    )?;
    if lengthened == 0 {
        connection.execute(
            "INSERT INTO ledger_gaps (from_height, to_height, reason) VALUES (?1, ?2, ?3)
             ON CONFLICT (from_height) DO NOTHING",
            params![gap.from_height, gap.to_height, gap.reason],
        )?;
    }
    Ok(())
}

impl EntryKind {
    const ALL: [EntryKind; 10] = [
        EntryKind::Reward,
        EntryKind::Claim,
        EntryKind::Bond,
        EntryKind::Received,
        EntryKind::OtherIncome,
        EntryKind::Fee,
        EntryKind::Slash,
        EntryKind::Payout,
        EntryKind::Sent,
        EntryKind::OtherExpense,
    ];

    /// Whether the amount came to the account; otherwise it left it.
    pub const fn is_income(self) -> bool {
        matches!(
            self,
            EntryKind::Reward
                | EntryKind::Claim
                | EntryKind::Bond
                | EntryKind::Received
                | EntryKind::OtherIncome
        )
    }

    fn from_name(name: &str) -> Option<EntryKind> {
        EntryKind::ALL.into_iter().find(|kind| kind.to_string() == name)
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryKind::Reward => "reward",
            EntryKind::Claim => "claim",
            EntryKind::Bond => "bond",
            EntryKind::Received => "received",
            EntryKind::OtherIncome => "other-income",
            EntryKind::Fee => "fee",
            EntryKind::Slash => "slash",
            EntryKind::Payout => "payout",
            EntryKind::Sent => "sent",
            EntryKind::OtherExpense => "other-expense",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        (folder, journal)
    }

    fn entry(kind: EntryKind, tx_hash: &str, height: i64) -> LedgerEntry {
        LedgerEntry {
            kind,
            amount: 7,
            denom: "stake".into(),
            tx_hash: tx_hash.into(),
            height,
            round_id: None,
            at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_kind_is_read_back() {
        let (_folder, journal) = journal();
        let entries: Vec<_> = EntryKind::ALL.into_iter().map(|kind| entry(kind, "AB", 3)).collect();
        assert_eq!(journal.book(3, entries.clone(), &[]).unwrap(), entries);
        assert_eq!(journal.ledger().unwrap(), entries);
    }

    #[test]
    fn a_block_that_is_booked_twice_changes_nothing_and_the_cursor_does_not_go_back() {
        let (_folder, journal) = journal();
        journal.book(9, vec![entry(EntryKind::Fee, "AB", 9)], &[]).unwrap();
        assert_eq!(journal.book(8, vec![entry(EntryKind::Fee, "AB", 9)], &[]).unwrap(), []);
        assert_eq!(journal.ledger().unwrap().len(), 1);
        assert_eq!(journal.booked_height().unwrap(), 9);
    }

    #[test]
    fn the_books_begin_once() {
        let (_folder, journal) = journal();
        let opening = |height, text: &str| Opening {
            height,
            balances: text.parse().unwrap(),
            at: OffsetDateTime::UNIX_EPOCH,
        };
        journal.open_books(&opening(5, "100remes,5stake")).unwrap();
        journal.open_books(&opening(9, "1remes")).unwrap();
        assert_eq!(journal.opening().unwrap(), Some(opening(5, "100remes,5stake")));
        assert_eq!(journal.booked_height().unwrap(), 5);
    }

    #[test]
    fn neighbouring_gaps_are_one() {
        let (_folder, journal) = journal();
        let gap = |from_height, to_height| Gap { from_height, to_height, reason: "pruned".into() };
        journal.book(5, Vec::new(), &[gap(3, 5)]).unwrap();
        journal.book(6, Vec::new(), &[gap(6, 6)]).unwrap();
        journal.book(9, Vec::new(), &[gap(8, 9)]).unwrap();
        assert_eq!(journal.gaps().unwrap(), [gap(3, 6), gap(8, 9)]);
    }
}
