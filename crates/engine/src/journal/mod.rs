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
mod sample;
mod schema;
mod transactions;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use books::{EntryKind, Gap, LedgerEntry, Opening, Totals};
pub use gradients::{GradientRow, GradientTally};
pub use ipfs::{Direction, Pin, PinKind, Transfer};
pub use listing::{
    GradientFilter, GradientPoint, GradientVerdict, ListedGradient, MinerRecord, MinerRound, RecentFailures,
    RoundGradients, RoundOutcomes, SubmissionFilter, SubmissionRecord, TrustScore,
};
pub use orders::{Order, OrderId, OrderOutcome, Placed};
pub use rounds::Transition;
pub use sample::Sample;
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
        share(&mut connection)?;
        use_wal(&connection)?;
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
        share(&mut connection)?;
        // What an older program wrote lacks columns that the queries name.
        schema::migrate(&mut connection)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Journal { connection: Mutex::new(connection) })
    }

    /// Opens an existing journal as it is, for reading: neither created nor brought to a newer version.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or it has another version than this program writes.
    pub fn look(path: &Path) -> Result<Journal, JournalError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        let found = schema::version(&connection)?;
        match found {
            schema::VERSION => {}
            newer if newer > schema::VERSION => {
                return Err(JournalError::NewerVersion { found, known: schema::VERSION });
            }
            _ => return Err(JournalError::OlderVersion { found, known: schema::VERSION }),
        }
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

/// How long one process waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lets several processes use the journal: each waits for the others, and none begins a change as a reader.
///
/// A transaction that reads first and writes later is refused at once when another process wrote in between,
/// without any waiting: SQLite cannot give it a newer view of what it has read.
/// Source: <https://www.sqlite.org/isolation.html>.
fn share(connection: &mut Connection) -> Result<(), JournalError> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    Ok(())
}

/// Keeps a write-ahead log. SQLite does not wait when two processes ask a new database for it at once.
fn use_wal(connection: &Connection) -> Result<(), JournalError> {
    let asked = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && asked.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            outcome => return Ok(outcome?),
        }
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
    /// An older program wrote it, and who reads it is not to change it.
    #[error(
        "open the journal: it has version {found}, not {known}; the next start of the proposer upgrades it"
    )]
    OlderVersion {
        /// The stored version.
        found: i64,
        /// The version that this program writes.
        known: i64,
    },
}

impl JournalError {
    /// Whether nothing but room on the disk is missing: what was to be written is not there, and the journal
    /// is as it was before.
    pub(crate) fn is_disk_full(&self) -> bool {
        let JournalError::Database(error) = self else { return false };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
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
    use prost::Message;
    use r3mes_chain::proto::StoredGradient;
    use r3mes_ipfs::{Cid, CidSettings, cid_of_bytes};

    use super::*;
    use crate::round::RoundState;

    #[test]
    fn a_journal_of_a_newer_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refused = Journal::open(&path).unwrap_err();
        assert!(refused.to_string().contains("version 99"), "{refused}");
    }

    #[test]
    fn many_openings_and_bookings_at_once_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for height in 0..20 {
                        // Each opens the journal as a process of its own would, reads, and then writes.
                        let journal = Journal::open(path).unwrap();
                        let opening = Opening {
                            height: 1,
                            balances: "1stake".parse().unwrap(),
                            at: OffsetDateTime::UNIX_EPOCH,
                        };
                        journal.open_books(&opening).unwrap();
                        journal.book(writer * 100 + height, Vec::new(), &[]).unwrap();
                        assert!(journal.booked_height().unwrap() >= height);
                    }
                });
            }
        });
        assert_eq!(Journal::read(&path).unwrap().booked_height().unwrap(), 719);
    }

    #[test]
    fn a_look_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Journal::look(&path).unwrap_err();
        assert!(!path.exists());
        let mut connection = Connection::open(&path).unwrap();
        schema::migrate_to(&mut connection, 1).unwrap();
        drop(connection);
        let before = std::fs::read(&path).unwrap();
        let refused = Journal::look(&path).unwrap_err();
        assert!(refused.to_string().contains("version 1"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        drop(Journal::open(&path).unwrap());
        let journal = Journal::look(&path).unwrap();
        assert_eq!(journal.transfers(1).unwrap(), []);
        journal.set_cursor("gradients", 7).unwrap_err();
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

    /// A journal as version 1 left it: one round revealed, one that collects; of three gradients one was spelt
    /// with blanks, and one was excluded. The texts stand as they were written, so that a change of what is
    /// serialised today cannot change them too.
    fn version_1(path: &Path, cids: &[Cid; 4]) -> [StoredGradient; 3] {
        let gradient = |id: u64, ipfs_hash: String, status: &str| StoredGradient {
            id,
            miner: format!("remes1m{id}"),
            ipfs_hash,
            model_version: "v3".into(),
            training_round_id: 3,
            gradient_hash: format!("h{id}"),
            status: status.into(),
            ..StoredGradient::default()
        };
        let gradients = [
            gradient(0, cids[0].to_string(), "aggregated"),
            gradient(1, format!(" {} ", cids[1]), "aggregated"),
            gradient(2, cids[2].to_string(), "pending"),
        ];
        let judgement = r#"{"findings": [{"check": "content", "outcome": "passed", "measured": "m",
            "expected": "e"}], "facts": {"container": "safetensors", "bytes": 700, "layout": [],
            "sample_count": null, "l2_norm": 2.5, "max_abs": 1.0, "zero_share": 0.5, "non_finite": 0,
            "gradient_hash": "h0", "content_hash": "c0"}}"#;
        let revealed = r#"{"id": 1, "state": "revealed", "training_round_id": 3, "model_version": "v3",
            "opened_at": "2026-11-01T00:00:00Z", "opened_height": 5, "selection": {
                "closed_at": "2026-11-01T01:00:00Z", "method": "median", "participants": [
                    {"gradient_id": 0, "miner": "remes1m0", "gradient_hash": "h0", "weight": 1.0},
                    {"gradient_id": 1, "miner": "remes1m1", "gradient_hash": "h1", "weight": 1.0}],
                "excluded": [{"gradient_id": 2, "miner": "remes1m2", "checks": ["content"], "reason": "r"}]},
            "aggregate": {"cid": "AGGREGATE", "merkle_root": "root", "bytes": 900},
            "commitment": {"salt": "s", "hash": "ch", "included": {"id": 0, "height": 7, "deadline_height": 17}},
            "aggregation": {"id": 0, "height": 8, "challenge_deadline_height": 108, "reward": 520, "tx_hash": "CD"},
            "reason": null}"#;
        let collecting = r#"{"id": 2, "state": "collecting", "training_round_id": 4, "model_version": "v3",
            "opened_at": "2026-11-01T02:00:00Z", "opened_height": 9, "selection": null, "aggregate": null,
            "commitment": null, "aggregation": null, "reason": null}"#;
        let mut connection = Connection::open(path).unwrap();
        schema::migrate_to(&mut connection, 1).unwrap();
        let rounds = "INSERT INTO rounds (id, state, data) VALUES (?1, ?2, ?3)";
        let revealed = revealed.replace("AGGREGATE", &cids[3].to_string());
        connection.execute(rounds, params![1, "revealed", revealed]).unwrap();
        connection.execute(rounds, params![2, "collecting", collecting]).unwrap();
        for (record, judgement, excluded_in) in [
            (&gradients[0], Some(judgement), None),
            (&gradients[1], None, None),
            (&gradients[2], None, Some(1)),
        ] {
            connection
                .execute(
                    "INSERT INTO gradients (id, training_round_id, model_version, status, record, seen_at,
                     attempts, last_failure, judgement, excluded_in)
                     VALUES (?1, 3, 'v3', ?2, ?3, '2026-11-01T00:00:00Z', 2, 'f', ?4, ?5)",
                    params![record.id as i64, record.status, record.encode_to_vec(), judgement, excluded_in],
                )
                .unwrap();
        }
        connection
            .execute_batch(
                r#"INSERT INTO transitions (round_id, from_state, to_state, height, at, reason)
                 VALUES (1, 'committed', 'revealed', 8, '2026-11-01T01:10:00Z', NULL);
                 INSERT INTO transactions
                 (hash, round_id, purpose, bytes, sequence, timeout_height, fee, signed_at, state, outcome)
                 VALUES ('AB', NULL, 'register', x'00', 1, 12, '5stake', '2026-11-01T00:00:00Z', 'signed', NULL),
                 ('CD', 1, 'reveal', x'01', 3, 17, '6stake', '2026-11-01T01:05:00Z', 'included',
                  '{"as_": "included", "height": 8, "code": 0, "codespace": "", "log": "", "gas_used": 9}');
                 INSERT INTO ledger (kind, amount, denom, tx_hash, height, round_id, at)
                 VALUES ('fee', '6', 'stake', 'CD', 8, 1, '2026-11-01T01:10:00Z'),
                 ('reward', '520', 'remes', 'CD', 8, 1, '2026-11-01T01:10:00Z');
                 INSERT INTO identity (name, value) VALUES ('account', 'remes1a');
                 INSERT INTO cursors (name, value) VALUES ('gradients-listed', 3);"#,
            )
            .unwrap();
        gradients
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v1.sqlite");
        let cids = [1, 2, 3, 4].map(|byte| cid_of_bytes(&[byte], &CidSettings::v1()));
        let gradients = version_1(&path, &cids);
        let journal = Journal::open(&path).unwrap();

        let [collecting, revealed]: [_; 2] = journal.recent_rounds(9).unwrap().try_into().unwrap();
        assert_eq!((collecting.state, collecting.opened_height), (RoundState::Collecting, 9));
        assert_eq!((revealed.state, revealed.participant_ids()), (RoundState::Revealed, vec![0, 1]));
        assert_eq!(revealed.commitment.as_ref().unwrap().salt, "s");
        assert_eq!(revealed.aggregation.as_ref().unwrap().reward, 520);
        assert_eq!(journal.transitions(1).unwrap()[0].to, "revealed");
        assert_eq!(journal.round_page(0, 9).unwrap(), (2, vec![collecting, revealed]));

        for record in gradients {
            let row = journal.gradient(record.id).unwrap().unwrap();
            assert_eq!((row.attempts, row.last_failure.as_deref()), (2, Some("f")));
            let listed = journal.listed_gradient(record.id).unwrap().unwrap();
            assert_eq!((&listed.gradient, listed.excluded), (&row, record.id == 2));
            assert_eq!(row.record, record);
        }
        let facts = journal.gradient(0).unwrap().unwrap().judgement.unwrap().facts.unwrap();
        assert_eq!((facts.bytes, facts.l2_norm), (700, 2.5));
        assert!(journal.pending_gradients(3, "v3").unwrap().is_empty(), "the excluded one stays out");

        let register = journal.transactions(None, None, Purpose::Register).unwrap().remove(0);
        assert_eq!((register.hash.as_str(), register.order_id, register.settlement), ("AB", None, None));
        let reveal = journal.transactions(Some(1), None, Purpose::Reveal).unwrap().remove(0);
        assert_eq!(
            reveal.settlement.map(|settled| (settled.as_, settled.height)),
            Some((SettledAs::Included, Some(8)))
        );
        let booked: Vec<_> =
            journal.ledger().unwrap().iter().map(|entry| (entry.kind, entry.amount)).collect();
        assert_eq!(booked, [(EntryKind::Fee, 6), (EntryKind::Reward, 520)]);
        assert_eq!((journal.opening().unwrap(), journal.open_orders().unwrap().len()), (None, 0));
        assert_eq!(journal.bind("account", "remes1b").unwrap().as_deref(), Some("remes1a"));
        assert_eq!(journal.cursor("gradients-listed").unwrap(), 3);
        assert_eq!(journal.cursor("scores-noted").unwrap(), 1, "what is over gets no scores of now");
    }

    #[test]
    fn what_version_1_pinned_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v1.sqlite");
        let cids = [1, 2, 3, 4].map(|byte| cid_of_bytes(&[byte], &CidSettings::v1()));
        version_1(&path, &cids);
        let journal = Journal::open(&path).unwrap();
        let pinned_at = from_text("2026-11-01T01:00:00Z").unwrap();
        let pin = |cid: &Cid, kind, bytes| Pin { cid: cid.to_string(), kind, bytes, pinned_at };
        // What was excluded was never pinned.
        let expected = [
            pin(&cids[0], PinKind::Gradient, 700),
            pin(&cids[1], PinKind::Gradient, 0),
            pin(&cids[3], PinKind::Aggregate, 900),
        ];
        assert_eq!(journal.pins().unwrap(), expected);
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

    #[test]
    fn a_miner_s_scores_stand_by_the_rounds_after_which_they_were_told() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let gradient = |id: i64, miner: &str, round: i64| {
            format!(
                "INSERT INTO gradients (id, training_round_id, model_version, status, record, seen_at, miner)
                 VALUES ({id}, {round}, 'v1', 'pending', x'', '2026-11-0{round}T00:00:00Z', '{miner}');"
            )
        };
        let all = [gradient(1, "a", 1), gradient(2, "b", 1), gradient(3, "a", 2), gradient(4, "a", 2)];
        journal.lock().execute_batch(&all.concat()).unwrap();
        assert_eq!(journal.miners_of(1).unwrap(), ["a", "b"]);
        let score = |miner: &str, score| TrustScore { miner: miner.to_owned(), score };
        let now = OffsetDateTime::UNIX_EPOCH;
        journal.note_scores(1, &[score("a", 0.5), score("b", 0.25)], now).unwrap();
        journal.note_scores(1, &[score("a", 0.75)], now).unwrap();
        let rounds = journal.miner_rounds("a", 9).unwrap();
        let seen: Vec<_> =
            rounds.iter().map(|round| (round.training_round_id, round.gradients, round.trust)).collect();
        assert_eq!(seen, [(1, 1, Some(0.75)), (2, 2, None)]);
        let (_, miners) = journal.miner_page("", 0, 9).unwrap();
        let newest: Vec<_> = miners.iter().map(|miner| (miner.miner.as_str(), miner.trust)).collect();
        assert_eq!(newest, [("a", Some(0.75)), ("b", Some(0.25))]);
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
