//! The journal: what the proposer knows, durable before anybody outside sees its effect.
//!
//! One SQLite database in WAL mode with full synchronisation. Amounts are decimal text, times are
//! RFC 3339 in UTC, and every change that belongs together is one database transaction.

mod books;
mod gradients;
mod ipfs;
mod listing;
mod orders;
mod rounds;
mod schema;
mod transactions;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use books::{EntryKind, Gap, LedgerEntry, Opening, Totals};
pub use gradients::{GradientRow, GradientTally};
pub use ipfs::{Direction, Pin, PinKind, Transfer};
pub use listing::{
    GradientFilter, GradientPoint, GradientVerdict, ListedGradient, MinerRecord, MinerRound, RecentFailures,
    RoundGradients, RoundOutcomes, SubmissionFilter, SubmissionRecord,
};
pub use orders::{Order, OrderId, OrderOutcome, Placed};
pub use rounds::Transition;
pub use transactions::{Purpose, SettledAs, Settlement, SignedTransaction};

/// The proposer's journal. Cheap calls from any thread; each is one short database transaction.
#[derive(Debug)]
pub struct Journal {
    connection: Mutex<Connection>,
}

impl Journal {
    /// Opens the journal for writing, creating or upgrading it.
    ///
    /// # Errors
    /// When the database cannot be opened, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        keep_private(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut connection)?;
        Ok(Journal { connection: Mutex::new(connection) })
    }

    /// Opens an existing journal for reading, while another process may be writing it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read(path: &Path) -> Result<Journal, JournalError> {
        let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > schema::VERSION {
            return Err(JournalError::NewerVersion { found, known: schema::VERSION });
        }
        // What an older program wrote lacks columns that the queries name.
        schema::migrate(&mut connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Journal { connection: Mutex::new(connection) })
    }

    /// A position that is kept across restarts, such as the number of gradients already listed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cursor(&self, name: &str) -> Result<u64, JournalError> {
        let value: Option<i64> = self
            .lock()
            .query_row("SELECT value FROM cursors WHERE name = ?1", [name], |row| row.get(0))
            .optional()?;
        Ok(value.unwrap_or(0) as u64)
    }

    pub(crate) fn set_cursor(&self, name: &str, value: u64) -> Result<(), JournalError> {
        put_cursor(&self.lock(), name, value)
    }

    /// Binds the journal to a value for good, such as the chain it speaks of.
    ///
    /// Returns the value that it is bound to when that is another one.
    pub(crate) fn bind(&self, name: &str, value: &str) -> Result<Option<String>, JournalError> {
        let connection = self.lock();
        connection.execute(
            "INSERT INTO identity (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            [name, value],
        )?;
        let bound: String =
            connection.query_row("SELECT value FROM identity WHERE name = ?1", [name], |row| row.get(0))?;
        Ok((bound != value).then_some(bound))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in another thread cannot leave a half-done change behind: SQLite rolls it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Salts stand in the journal: only its owner may read it. SQLite gives its other files the same mode.
fn keep_private(path: &Path) -> Result<(), JournalError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(|_| ())
        .map_err(|error| JournalError::Content(format!("{}: {error}", path.display())))
}

fn put_cursor(connection: &Connection, name: &str, value: u64) -> Result<(), JournalError> {
    connection.execute(
        "INSERT INTO cursors (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value as i64],
    )?;
    Ok(())
}

fn to_text(time: OffsetDateTime) -> Result<String, JournalError> {
    time.format(&Rfc3339).map_err(|error| JournalError::Content(error.to_string()))
}

fn from_text(text: &str) -> Result<OffsetDateTime, JournalError> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|error| JournalError::Content(error.to_string()))
}

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database itself failed.
    #[error("use the journal: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row does not hold what this program writes.
    #[error("read the journal: {0}")]
    Content(String),
    /// A newer program wrote it; an older one must not touch it.
    #[error(
        "open the journal: it has version {found}, this program knows up to {known}; use the newer program"
    )]
    NewerVersion {
        /// The stored version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
}

impl From<serde_json::Error> for JournalError {
    fn from(error: serde_json::Error) -> JournalError {
        JournalError::Content(error.to_string())
    }
}

impl From<crate::round::UnknownState> for JournalError {
    fn from(error: crate::round::UnknownState) -> JournalError {
        JournalError::Content(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_of_a_newer_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refused = Journal::open(&path).unwrap_err();
        assert!(refused.to_string().contains("version 99"), "{refused}");
    }

    #[test]
    fn every_stored_version_opens() {
        // Walks the version matrix: a journal left at each version must migrate to the newest.
        let folder = tempfile::tempdir().unwrap();
        for version in 0..=schema::VERSION {
            let path = folder.path().join(format!("v{version}.sqlite"));
            let mut connection = Connection::open(&path).unwrap();
            schema::migrate_to(&mut connection, version).unwrap();
            drop(connection);
            let journal = Journal::open(&path).unwrap();
            journal.set_cursor("gradients", 7).unwrap();
            assert_eq!(journal.cursor("gradients").unwrap(), 7);
        }
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v1.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        schema::migrate_to(&mut connection, 1).unwrap();
        connection
            .execute_batch(
                "INSERT INTO transactions (hash, purpose, bytes, sequence, timeout_height, fee, signed_at, state)
                 VALUES ('AB', 'register', x'00', 1, 12, '5stake', '2026-11-01T00:00:00Z', 'signed');
                 INSERT INTO ledger (kind, amount, denom, tx_hash, height, at)
                 VALUES ('fee', '5', 'stake', 'AB', 9, '2026-11-01T00:00:00Z');",
            )
            .unwrap();
        drop(connection);
        let journal = Journal::open(&path).unwrap();
        let transaction = journal.transactions(None, None, Purpose::Register).unwrap().remove(0);
        assert_eq!((transaction.hash.as_str(), transaction.order_id), ("AB", None));
        assert_eq!(journal.ledger().unwrap()[0].kind, EntryKind::Fee);
        assert_eq!((journal.opening().unwrap(), journal.open_orders().unwrap().len()), (None, 0));
    }

    #[test]
    fn a_point_has_its_similarity_once_its_round_has_an_aggregate() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let gradient = |id: i64| {
            format!(
                "INSERT INTO gradients (id, training_round_id, model_version, status, record, seen_at, judgement)
                 VALUES ({id}, 3, 'v1', 'pending', x'', '2026-11-01T00:00:00Z', '{{\"facts\":{{\"l2_norm\":2.5}}}}');"
            )
        };
        journal.lock().execute_batch(&(gradient(1) + &gradient(2))).unwrap();
        journal.record_similarities(&[(2, -0.25)]).unwrap();
        let points = journal.gradient_points(None, 9).unwrap();
        let seen: Vec<_> = points.iter().map(|point| (point.id, point.norm, point.similarity)).collect();
        assert_eq!(seen, [(1, 2.5, None), (2, 2.5, Some(-0.25))]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_salts() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path).unwrap();
        journal.set_cursor("gradients", 1).unwrap();
        for name in ["journal.sqlite", "journal.sqlite-wal"] {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_journal_stays_bound_to_what_it_speaks_of() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        assert_eq!(journal.bind("account", "remes1a").unwrap(), None);
        assert_eq!(journal.bind("account", "remes1a").unwrap(), None);
        assert_eq!(journal.bind("account", "remes1b").unwrap().as_deref(), Some("remes1a"));
        assert_eq!(journal.bind("account", "remes1a").unwrap(), None);
    }

    #[test]
    fn commits_are_synchronised_in_full() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let connection = journal.lock();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }
}
