//! The tables, and the steps from each stored version to the next.

use prost::Message;
use r3mes_chain::proto::StoredGradient;
use r3mes_ipfs::Cid;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::listing::verdict_name;
use super::{JournalError, Pin, PinKind, to_text};
use crate::round::Round;
use crate::verification::Judgement;

/// The version that this program writes.
pub(super) const VERSION: i64 = 5;

/// `MIGRATIONS[v]` takes a journal of version `v` to version `v + 1`.
const MIGRATIONS: [Migration; VERSION as usize] = [
    Migration { statements: V1, fill: |_| Ok(()) },
    Migration { statements: V2, fill: fill_v2 },
    Migration { statements: V3, fill: |_| Ok(()) },
    Migration { statements: V4, fill: |_| Ok(()) },
    Migration { statements: V5, fill: |_| Ok(()) },
];

struct Migration {
    statements: &'static str,
    /// Puts into new columns what only this program can read out of the old ones.
    fill: fn(&Transaction<'_>) -> Result<(), JournalError>,
}

const V1: &str = "
CREATE TABLE gradients (
    id                  INTEGER PRIMARY KEY,
    training_round_id   INTEGER NOT NULL,
    model_version       TEXT    NOT NULL,
    status              TEXT    NOT NULL,
    record              BLOB    NOT NULL,
    seen_at             TEXT    NOT NULL,
    attempts            INTEGER NOT NULL DEFAULT 0,
    last_failure        TEXT,
    judgement           TEXT,
    excluded_in         INTEGER REFERENCES rounds (id)
) STRICT;
CREATE INDEX gradients_of_round ON gradients (training_round_id, model_version, status);

CREATE TABLE rounds (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    state               TEXT    NOT NULL,
    data                TEXT    NOT NULL
) STRICT;
CREATE INDEX rounds_by_state ON rounds (state);

CREATE TABLE transitions (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    round_id            INTEGER NOT NULL REFERENCES rounds (id),
    from_state          TEXT,
    to_state            TEXT    NOT NULL,
    height              INTEGER NOT NULL,
    at                  TEXT    NOT NULL,
    reason              TEXT
) STRICT;

CREATE TABLE transactions (
    hash                TEXT    PRIMARY KEY,
    round_id            INTEGER REFERENCES rounds (id),
    purpose             TEXT    NOT NULL,
    bytes               BLOB    NOT NULL,
    sequence            INTEGER NOT NULL,
    timeout_height      INTEGER NOT NULL,
    fee                 TEXT    NOT NULL,
    signed_at           TEXT    NOT NULL,
    state               TEXT    NOT NULL,
    outcome             TEXT
) STRICT;
CREATE INDEX transactions_of_round ON transactions (round_id, purpose);

CREATE TABLE ledger (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    kind                TEXT    NOT NULL,
    amount              TEXT    NOT NULL,
    denom               TEXT    NOT NULL,
    tx_hash             TEXT    NOT NULL,
    height              INTEGER NOT NULL,
    round_id            INTEGER REFERENCES rounds (id),
    at                  TEXT    NOT NULL,
    UNIQUE (kind, denom, tx_hash)
) STRICT;

CREATE TABLE identity (
    name                TEXT    PRIMARY KEY,
    value               TEXT    NOT NULL
) STRICT;

CREATE TABLE cursors (
    name                TEXT    PRIMARY KEY,
    value               INTEGER NOT NULL
) STRICT;
";

/// Books that begin with a balance, what they could not see, and the operator's own transactions; and what
/// faces list and search, since a long history must be paged without reading the judgements. What we
/// keep pinned on IPFS, and what passed to and from it.
const V2: &str = "
CREATE TABLE opening (
    height              INTEGER PRIMARY KEY,
    balances            TEXT    NOT NULL,
    at                  TEXT    NOT NULL
) STRICT;

CREATE TABLE ledger_gaps (
    from_height         INTEGER PRIMARY KEY,
    to_height           INTEGER NOT NULL,
    reason              TEXT    NOT NULL
) STRICT;

CREATE TABLE orders (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind                TEXT    NOT NULL,
    messages            BLOB    NOT NULL,
    placed_at           TEXT    NOT NULL,
    outcome             TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_order_of_a_kind ON orders (kind) WHERE outcome IS NULL;

ALTER TABLE transactions ADD COLUMN order_id INTEGER REFERENCES orders (id);

ALTER TABLE gradients ADD COLUMN miner   TEXT NOT NULL DEFAULT '';
ALTER TABLE gradients ADD COLUMN cid     TEXT NOT NULL DEFAULT '';
ALTER TABLE gradients ADD COLUMN verdict TEXT;
ALTER TABLE gradients ADD COLUMN norm    REAL GENERATED ALWAYS AS (json_extract(judgement, '$.facts.l2_norm'));
CREATE INDEX gradients_listed
    ON gradients (id, verdict, training_round_id, excluded_in, miner, cid, norm, seen_at);
CREATE INDEX gradients_of_miner ON gradients (miner, training_round_id, verdict, excluded_in, norm, seen_at);

ALTER TABLE rounds ADD COLUMN training_round_id INTEGER
    GENERATED ALWAYS AS (json_extract(data, '$.training_round_id'));
ALTER TABLE rounds ADD COLUMN commitment TEXT GENERATED ALWAYS AS (json_extract(data, '$.commitment.hash'));
ALTER TABLE rounds ADD COLUMN cid        TEXT GENERATED ALWAYS AS (json_extract(data, '$.aggregate.cid'));
ALTER TABLE rounds ADD COLUMN root       TEXT GENERATED ALWAYS AS (json_extract(data, '$.aggregate.merkle_root'));
ALTER TABLE rounds ADD COLUMN reveal_tx  TEXT GENERATED ALWAYS AS (json_extract(data, '$.aggregation.tx_hash'));
CREATE INDEX rounds_listed ON rounds (id, commitment, state, training_round_id, cid, root, reveal_tx);

CREATE TABLE pins (
    cid                 TEXT    PRIMARY KEY,
    kind                TEXT    NOT NULL,
    bytes               INTEGER NOT NULL,
    pinned_at           TEXT    NOT NULL
) STRICT;

CREATE TABLE transfers (
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    direction           TEXT    NOT NULL,
    cid                 TEXT    NOT NULL,
    bytes               INTEGER NOT NULL,
    seconds             REAL    NOT NULL,
    from_gateways       INTEGER NOT NULL,
    failure             TEXT,
    at                  TEXT    NOT NULL
) STRICT;
";

fn fill_v2(change: &Transaction<'_>) -> Result<(), JournalError> {
    fill_listing(change)?;
    take_over_pins(change)
}

/// Version 1 pinned the participants and the aggregate of each closed round and kept no account of it: without one
/// they would stay pinned for ever.
fn take_over_pins(change: &Transaction<'_>) -> Result<(), JournalError> {
    let mut query = change.prepare("SELECT data FROM rounds ORDER BY id")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let round: Round = serde_json::from_str(&row.get::<_, String>(0)?)?;
        let Some(selection) = &round.selection else { continue };
        let pin = |cid: String, kind, bytes| Pin { cid, kind, bytes, pinned_at: selection.closed_at };
        for participant in &selection.participants {
            if let Some((cid, bytes)) = participant_file(change, participant.gradient_id)? {
                take_over(change, &pin(cid, PinKind::Gradient, bytes))?;
            }
        }
        if let Some(aggregate) = &round.aggregate {
            take_over(change, &pin(aggregate.cid.clone(), PinKind::Aggregate, aggregate.bytes))?;
        }
    }
    Ok(())
}

/// The CID of a gradient, as a pin names it, and the bytes of its file, where they are known.
fn participant_file(change: &Transaction<'_>, id: u64) -> Result<Option<(String, u64)>, JournalError> {
    let found: Option<(String, Option<i64>)> = change
        .query_row(
            "SELECT cid, json_extract(judgement, '$.facts.bytes') FROM gradients WHERE id = ?1",
            [id as i64],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let file = |(cid, bytes): (String, Option<i64>)| {
        let cid: Cid = cid.trim().parse().ok()?;
        Some((cid.to_string(), bytes.unwrap_or(0) as u64))
    };
    Ok(found.and_then(file))
}

/// A file of several rounds is as old as the last of them.
fn take_over(change: &Transaction<'_>, pin: &Pin) -> Result<(), JournalError> {
    change.execute(
        "INSERT INTO pins (cid, kind, bytes, pinned_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (cid) DO UPDATE SET pinned_at = excluded.pinned_at",
        params![pin.cid, pin.kind.to_string(), pin.bytes as i64, to_text(pin.pinned_at)?],
    )?;
    Ok(())
}

/// How a gradient lies to the aggregate that it became part of.
const V3: &str = "ALTER TABLE gradients ADD COLUMN similarity REAL;";

/// The miners' trust scores as the chain told them after each round. Of rounds that are over it tells none.
const V4: &str = "
CREATE TABLE trust_scores (
    miner               TEXT    NOT NULL,
    training_round_id   INTEGER NOT NULL,
    score               REAL    NOT NULL,
    at                  TEXT    NOT NULL,
    PRIMARY KEY (miner, training_round_id)
) STRICT, WITHOUT ROWID;

INSERT INTO cursors (name, value) SELECT 'scores-noted', max(id) FROM rounds
    WHERE state NOT IN ('collecting', 'aggregating', 'publishing', 'committed') HAVING max(id) IS NOT NULL;
";

/// A page of submissions or rounds asks for each one's way and fees: without reading those of all the others.
const V5: &str = "
CREATE INDEX transitions_of_round ON transitions (round_id);
CREATE INDEX ledger_of_round ON ledger (round_id, kind);
";

/// The columns that come out of the chain's record and the judgement.
fn fill_listing(change: &Transaction<'_>) -> Result<(), JournalError> {
    let mut query = change.prepare("SELECT id, record, judgement FROM gradients")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (id, record, judgement): (i64, Vec<u8>, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let record = StoredGradient::decode(record.as_slice())
            .map_err(|error| JournalError::Content(error.to_string()))?;
        let judgement: Option<Judgement> = judgement.as_deref().map(serde_json::from_str).transpose()?;
        change.execute(
            "UPDATE gradients SET miner = ?2, cid = ?3, verdict = ?4 WHERE id = ?1",
            params![id, record.miner, record.ipfs_hash, judgement.as_ref().map(verdict_name)],
        )?;
    }
    Ok(())
}

/// Brings a new or older journal to [`VERSION`]; refuses one that a newer program wrote.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    migrate_to(connection, VERSION)
}

pub(super) fn migrate_to(connection: &mut Connection, target: i64) -> Result<(), JournalError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(JournalError::NewerVersion { found, known: VERSION });
    }
    while version(connection)? < target {
        let step = connection.transaction()?;
        // Another process may have taken this step while we waited for it.
        let version = version(&step)?;
        if version >= target {
            break;
        }
        let migration = &MIGRATIONS[version as usize];
        step.execute_batch(migration.statements)?;
        (migration.fill)(&step)?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
    Ok(())
}

/// The version that the journal has.
pub(super) fn version(connection: &Connection) -> Result<i64, JournalError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
