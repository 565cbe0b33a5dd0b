//! What we keep pinned on the IPFS node, and what passed to and from it.

use std::fmt;
use std::str::FromStr;

use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Journal, JournalError, from_text, to_text};

/// Transfers that are remembered.
const TRANSFERS: i64 = 1000;

/// A pin that this proposer has set. Pins that others set on the same node are theirs to take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The root.
    pub cid: String,
    /// What is pinned.
    pub kind: PinKind,
    /// Bytes of the file.
    pub bytes: u64,
    /// Since when.
    pub pinned_at: OffsetDateTime,
}

/// What is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinKind {
    /// A participant of a round of ours.
    Gradient,
    /// An aggregate of ours.
    Aggregate,
}

/// One file that passed to or from IPFS, or did not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transfer {
    /// Which way.
    pub direction: Direction,
    /// The root.
    pub cid: String,
    /// Bytes that passed; what was there from an earlier attempt does not count.
    pub bytes: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// Blocks that came from gateways rather than from the node.
    pub from_gateways: u64,
    /// Why it did not end well.
    pub failure: Option<String>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// Which way a file passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From IPFS to us.
    Fetch,
    /// From us to the IPFS node.
    Upload,
}

impl fmt::Display for PinKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PinKind::Gradient => "gradient",
            PinKind::Aggregate => "aggregate",
        })
    }
}

impl FromStr for PinKind {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        match text {
            "gradient" => Ok(PinKind::Gradient),
            "aggregate" => Ok(PinKind::Aggregate),
            _ => Err(JournalError::Content(format!("`{text}` is no kind of pin"))),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Fetch => "fetch",
            Direction::Upload => "upload",
        })
    }
}

impl FromStr for Direction {
    type Err = JournalError;

    fn from_str(text: &str) -> Result<Self, JournalError> {
        match text {
            "fetch" => Ok(Direction::Fetch),
            "upload" => Ok(Direction::Upload),
            _ => Err(JournalError::Content(format!("`{text}` is no direction of a transfer"))),
        }
    }
}

impl Journal {
    /// Writes a pin that is about to be set; one that is there already keeps its time.
    pub(crate) fn record_pin(&self, pin: &Pin) -> Result<(), JournalError> {
        self.lock().execute(
            "INSERT INTO pins (cid, kind, bytes, pinned_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (cid) DO NOTHING",
            params![pin.cid, pin.kind.to_string(), pin.bytes as i64, to_text(pin.pinned_at)?],
        )?;
        Ok(())
    }

    /// Strikes a pin that has been taken away.
    pub(crate) fn forget_pin(&self, cid: &str) -> Result<(), JournalError> {
        self.lock().execute("DELETE FROM pins WHERE cid = ?1", [cid])?;
        Ok(())
    }

    /// Whether a pin is ours.
    pub(crate) fn knows_pin(&self, cid: &str) -> Result<bool, JournalError> {
        let found: Option<i64> =
            self.lock().query_row("SELECT 1 FROM pins WHERE cid = ?1", [cid], |row| row.get(0)).optional()?;
        Ok(found.is_some())
    }

    /// The pins that we have set, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pins(&self) -> Result<Vec<Pin>, JournalError> {
        let connection = self.lock();
        let mut query =
            connection.prepare("SELECT cid, kind, bytes, pinned_at FROM pins ORDER BY pinned_at, rowid")?;
        let mut rows = query.query([])?;
        let mut pins = Vec::new();
        while let Some(row) = rows.next()? {
            pins.push(Pin {
                cid: row.get(0)?,
                kind: row.get::<_, String>(1)?.parse()?,
                bytes: row.get::<_, i64>(2)? as u64,
                pinned_at: from_text(&row.get::<_, String>(3)?)?,
            });
        }
        Ok(pins)
    }

    /// Remembers a transfer, and forgets the oldest.
    pub(crate) fn record_transfer(&self, transfer: &Transfer) -> Result<(), JournalError> {
        let connection = self.lock();
        connection.execute(
            "INSERT INTO transfers (direction, cid, bytes, seconds, from_gateways, failure, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                transfer.direction.to_string(),
                transfer.cid,
                transfer.bytes as i64,
                transfer.seconds,
                transfer.from_gateways as i64,
                transfer.failure,
                to_text(transfer.at)?,
            ],
        )?;
        connection.execute("DELETE FROM transfers WHERE seq <= last_insert_rowid() - ?1", [TRANSFERS])?;
        Ok(())
    }

    /// What passed to and from IPFS, the newest first; the last thousand are remembered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn transfers(&self, limit: u32) -> Result<Vec<Transfer>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT direction, cid, bytes, seconds, from_gateways, failure, at FROM transfers
             ORDER BY seq DESC LIMIT ?1",
        )?;
        let mut rows = query.query([limit])?;
        let mut transfers = Vec::new();
        while let Some(row) = rows.next()? {
            transfers.push(Transfer {
                direction: row.get::<_, String>(0)?.parse()?,
                cid: row.get(1)?,
                bytes: row.get::<_, i64>(2)? as u64,
                seconds: row.get(3)?,
                from_gateways: row.get::<_, i64>(4)? as u64,
                failure: row.get(5)?,
                at: from_text(&row.get::<_, String>(6)?)?,
            });
        }
        Ok(transfers)
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

    #[test]
    fn a_pin_keeps_its_first_time() {
        let (_folder, journal) = journal();
        let first = Pin {
            cid: "bafy1".into(),
            kind: PinKind::Gradient,
            bytes: 7,
            pinned_at: OffsetDateTime::UNIX_EPOCH,
        };
        let later = OffsetDateTime::UNIX_EPOCH + time::Duration::HOUR;
        let second = Pin { cid: "bafy2".into(), kind: PinKind::Aggregate, pinned_at: later, ..first.clone() };
        for pin in [&second, &first, &Pin { pinned_at: later, ..first.clone() }] {
            journal.record_pin(pin).unwrap();
        }
        assert_eq!(journal.pins().unwrap(), [first, second]);
        assert!(journal.knows_pin("bafy1").unwrap());
        journal.forget_pin("bafy1").unwrap();
        assert!(!journal.knows_pin("bafy1").unwrap());
    }

    #[test]
    fn the_newest_transfers_are_remembered() {
        let (_folder, journal) = journal();
        let transfer = |bytes| Transfer {
            direction: Direction::Fetch,
            cid: "bafy".into(),
            bytes,
            seconds: 0.25,
            from_gateways: 3,
            failure: (bytes == 0).then(|| "nobody there".into()),
            at: OffsetDateTime::UNIX_EPOCH,
        };
        for bytes in 0..=TRANSFERS as u64 {
            journal.record_transfer(&transfer(bytes)).unwrap();
        }
        let all = journal.transfers(u32::MAX).unwrap();
        assert_eq!(all.len(), TRANSFERS as usize);
        assert_eq!(all[0], transfer(TRANSFERS as u64));
        assert_eq!(all.last().unwrap(), &transfer(1), "the oldest is forgotten");
    }
}
