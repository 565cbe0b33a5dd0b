//! The gradients that the chain announced, and our judgement of each.

use prost::Message;
use r3mes_chain::proto::StoredGradient;
use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::listing::verdict_name;
use super::{Journal, JournalError, from_text, put_cursor, to_text};
use crate::round::{Round, RoundState};
use crate::verification::Judgement;

/// One gradient of the chain, as the journal knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientRow {
    /// The chain's record, with the status that the chain last stated.
    pub record: StoredGradient,
    /// When this proposer first saw it.
    pub seen_at: OffsetDateTime,
    /// How often its bytes could not be had.
    pub attempts: u32,
    /// Why they could not be had the last time.
    pub last_failure: Option<String>,
    /// What was found; absent until its bytes were judged or given up.
    pub judgement: Option<Judgement>,
}

/// How many gradients of one training round and model version are pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradientTally {
    /// The training round that the miners wrote.
    pub training_round_id: u64,
    /// The model version that the gradients improve.
    pub model_version: String,
    /// How many are pending.
    pub pending: u64,
    /// The newest gradient's id.
    pub newest: u64,
}

pub(super) const COLUMNS: &str = "record, seen_at, attempts, last_failure, judgement";

impl Journal {
    /// Writes gradients that a listing returned, together with the listing's new position.
    pub(crate) fn record_gradients(
        &self,
        gradients: &[StoredGradient],
        listed: u64,
        now: OffsetDateTime,
    ) -> Result<(), JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        for gradient in gradients {
            change.execute(
                "INSERT INTO gradients (id, training_round_id, model_version, status, record, seen_at, miner, cid)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET status = excluded.status, record = excluded.record",
                params![
                    gradient.id as i64,
                    gradient.training_round_id as i64,
                    gradient.model_version,
                    gradient.status,
                    gradient.encode_to_vec(),
                    to_text(now)?,
                    gradient.miner,
                    gradient.ipfs_hash,
                ],
            )?;
        }
        put_cursor(&change, "gradients-listed", listed)?;
        change.commit()?;
        Ok(())
    }

    /// Writes what the chain says of one gradient now.
    pub(crate) fn refresh_gradient(&self, gradient: &StoredGradient) -> Result<(), JournalError> {
        self.lock().execute(
            "UPDATE gradients SET status = ?2, record = ?3 WHERE id = ?1",
            params![gradient.id as i64, gradient.status, gradient.encode_to_vec()],
        )?;
        Ok(())
    }

    /// The training rounds that have pending gradients, the one with the newest gradient first. Gradients
    /// that a revealed round of ours excluded do not count: they were judged and left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_tallies(&self) -> Result<Vec<GradientTally>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT training_round_id, model_version, count(*), max(id) FROM gradients
             WHERE status = 'pending' AND excluded_in IS NULL GROUP BY training_round_id, model_version ORDER BY max(id) DESC",
        )?;
        let rows = query.query_map([], |row| {
            Ok(GradientTally {
                training_round_id: row.get::<_, i64>(0)? as u64,
                model_version: row.get(1)?,
                pending: row.get::<_, i64>(2)? as u64,
                newest: row.get::<_, i64>(3)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The pending gradients of one training round and model version, in order of id, without those that a
    /// revealed round of ours excluded.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_gradients(
        &self,
        training_round_id: u64,
        model_version: &str,
    ) -> Result<Vec<GradientRow>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(&format!(
            "SELECT {COLUMNS} FROM gradients
             WHERE training_round_id = ?1 AND model_version = ?2 AND status = 'pending'
               AND excluded_in IS NULL ORDER BY id"
        ))?;
        let mut rows = query.query(params![training_round_id as i64, model_version])?;
        let mut gradients = Vec::new();
        while let Some(row) = rows.next()? {
            gradients.push(read_row(row)?);
        }
        Ok(gradients)
    }

    /// One gradient.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gradient(&self, id: u64) -> Result<Option<GradientRow>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(&format!("SELECT {COLUMNS} FROM gradients WHERE id = ?1"))?;
        let mut rows = query.query([id as i64])?;
        rows.next()?.map(read_row).transpose()
    }

    /// How many gradients the chain has announced to this proposer, and how many were judged.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gradient_counts(&self) -> Result<(u64, u64), JournalError> {
        // By the index, which holds the verdicts: the judgements themselves are most of the file.
        let counts = "SELECT count(*), count(verdict) FROM gradients INDEXED BY gradients_listed";
        Ok(self
            .lock()
            .query_row(counts, [], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)))?)
    }

    /// Takes a judgement back, since the file that it speaks of is gone.
    pub(crate) fn forget_judgement(&self, id: u64) -> Result<(), JournalError> {
        self.lock()
            .execute("UPDATE gradients SET judgement = NULL, verdict = NULL WHERE id = ?1", [id as i64])?;
        Ok(())
    }

    pub(crate) fn record_judgement(&self, id: u64, judgement: &Judgement) -> Result<(), JournalError> {
        self.lock().execute(
            "UPDATE gradients SET judgement = ?2, verdict = ?3 WHERE id = ?1",
            params![id as i64, serde_json::to_string(judgement)?, verdict_name(judgement)],
        )?;
        Ok(())
    }

    /// Writes how much of each gradient points where the round's aggregate points, -1 to 1.
    pub(crate) fn record_similarities(&self, similarities: &[(u64, f64)]) -> Result<(), JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        for (id, similarity) in similarities {
            change.execute(
                "UPDATE gradients SET similarity = ?2 WHERE id = ?1",
                params![*id as i64, similarity],
            )?;
        }
        change.commit()?;
        Ok(())
    }

    /// Counts a fetch that brought nothing.
    pub(crate) fn record_failed_fetch(&self, id: u64, failure: &str) -> Result<u32, JournalError> {
        let attempts: Option<i64> = self
            .lock()
            .query_row(
                "UPDATE gradients SET attempts = attempts + 1, last_failure = ?2 WHERE id = ?1
                 RETURNING attempts",
                params![id as i64, failure],
                |row| row.get(0),
            )
            .optional()?;
        Ok(attempts.unwrap_or(0) as u32)
    }
}

/// Writes what a round's new state makes of its gradients.
pub(super) fn follow_round(connection: &Connection, round: &Round) -> Result<(), JournalError> {
    let (participants, excluded_in) = match round.state {
        RoundState::Revealed => ("aggregated", Some(round.id)),
        RoundState::Reverted => ("pending", None),
        _ => return Ok(()),
    };
    let Some(selection) = &round.selection else { return Ok(()) };
    for participant in &selection.participants {
        connection.execute(
            "UPDATE gradients SET status = ?2 WHERE id = ?1",
            params![participant.gradient_id as i64, participants],
        )?;
    }
    for exclusion in &selection.excluded {
        connection.execute(
            "UPDATE gradients SET excluded_in = ?2 WHERE id = ?1",
            params![exclusion.gradient_id as i64, excluded_in],
        )?;
    }
    Ok(())
}

pub(super) fn read_row(row: &Row<'_>) -> Result<GradientRow, JournalError> {
    let record: Vec<u8> = row.get(0)?;
    let seen_at: String = row.get(1)?;
    let judgement: Option<String> = row.get(4)?;
    Ok(GradientRow {
        record: StoredGradient::decode(record.as_slice())
            .map_err(|error| JournalError::Content(error.to_string()))?,
        seen_at: from_text(&seen_at)?,
        attempts: row.get::<_, i64>(2)? as u32,
        last_failure: row.get(3)?,
        judgement: judgement.as_deref().map(serde_json::from_str).transpose()?,
    })
}
