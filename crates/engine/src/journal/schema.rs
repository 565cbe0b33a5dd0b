//! The tables, and the steps from each stored version to the next.

use rusqlite::Connection;

use super::JournalError;

/// The version that this program writes.
pub(super) const VERSION: i64 = 2;

/// `MIGRATIONS[v]` takes a journal of version `v` to version `v + 1`.
const MIGRATIONS: [&str; VERSION as usize] = [V1, V2];

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

/// Books that begin with a balance, what they could not see, and the operator's own transactions.
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
";

/// Brings a new or older journal to [`VERSION`]; refuses one that a newer program wrote.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    migrate_to(connection, VERSION)
}

pub(super) fn migrate_to(connection: &mut Connection, target: i64) -> Result<(), JournalError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Err(JournalError::NewerVersion { found, known: VERSION });
    }
    for version in found..target {
        let step = connection.transaction()?;
        step.execute_batch(MIGRATIONS[version as usize])?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
    Ok(())
}
