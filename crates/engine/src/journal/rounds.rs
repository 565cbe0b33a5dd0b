//! Rounds and the history of their states.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::books::{self, LedgerEntry};
use super::{Journal, JournalError, from_text, gradients, to_text};
use crate::round::{Round, RoundId, RoundState};

/// One change of a round's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The round.
    pub round_id: RoundId,
    /// The state before; absent when the round was opened.
    pub from: Option<String>,
    /// The state after.
    pub to: String,
    /// The chain's height at that moment.
    pub height: i64,
    /// The time, RFC 3339.
    pub at: String,
    /// Why, where it is not the round's good way.
    pub reason: Option<String>,
}

impl Journal {
    /// Opens a round; `round.id` is ignored and set.
    pub(crate) fn open_round(&self, round: &mut Round, now: OffsetDateTime) -> Result<(), JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        change.execute(
            "INSERT INTO rounds (state, data) VALUES (?1, '{}')",
            params![round.state.to_string()],
        )?;
        round.id = change.last_insert_rowid();
        put_round(&change, round)?;
        put_transition(&change, round, None, round.opened_height, now)?;
        change.commit()?;
        Ok(())
    }

    /// Writes a round whose state has not changed.
    pub(crate) fn update_round(&self, round: &Round) -> Result<(), JournalError> {
        put_round(&self.lock(), round)
    }

    /// Takes a round to its next state, and books what that brought, in one step.
    pub(crate) fn advance_round(
        &self,
        round: &mut Round,
        next: RoundState,
        height: i64,
        bookings: &[LedgerEntry],
        now: OffsetDateTime,
    ) -> Result<(), JournalError> {
        if !round.state.may_become(next) {
            return Err(JournalError::Content(format!(
                "round {} is {} and cannot become {next}",
                round.id, round.state
            )));
        }
        let before = round.state;
        let mut connection = self.lock();
        let change = connection.transaction()?;
        let advanced = Round { state: next, ..round.clone() };
        put_round(&change, &advanced)?;
        put_transition(&change, &advanced, Some(before), height, now)?;
        for entry in bookings {
            books::put(&change, entry)?;
        }
        gradients::follow_round(&change, &advanced)?;
        change.commit()?;
        *round = advanced;
        Ok(())
    }

    /// The rounds that still need work, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_rounds(&self) -> Result<Vec<Round>, JournalError> {
        self.rounds_where(RoundState::is_open)
    }

    /// The revealed rounds that the chain may still change, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn watched_rounds(&self) -> Result<Vec<Round>, JournalError> {
        self.rounds_where(RoundState::is_watched)
    }

    /// The rounds whose reward is still to come, or can still be taken back by a challenge of its period; oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unsettled_rounds(&self) -> Result<Vec<Round>, JournalError> {
        self.rounds_where(|state| {
            state.is_open() || matches!(state, RoundState::Revealed | RoundState::Challenged)
        })
    }

    /// The training round of every round.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn training_rounds(&self) -> Result<BTreeMap<RoundId, u64>, JournalError> {
        let connection = self.lock();
        let mut query =
            connection.prepare("SELECT id, training_round_id FROM rounds INDEXED BY rounds_listed")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest rounds first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recent_rounds(&self, limit: u32) -> Result<Vec<Round>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT data FROM rounds ORDER BY id DESC LIMIT ?1")?;
        let mut rows = query.query([limit])?;
        let mut rounds = Vec::new();
        while let Some(row) = rows.next()? {
            rounds.push(read_round(row)?);
        }
        Ok(rounds)
    }

    /// The last block in which a commitment of ours lives that was given up without a reveal.
    pub(crate) fn bound_until(&self) -> Result<Option<i64>, JournalError> {
        let given_up =
            self.rounds_where(|state| matches!(state, RoundState::Superseded | RoundState::Expired))?;
        let deadline = |round: Round| Some(round.commitment?.included?.deadline_height);
        Ok(given_up.into_iter().filter_map(deadline).max())
    }

    /// When a round last came into that state.
    pub(crate) fn last_entered(&self, state: RoundState) -> Result<Option<OffsetDateTime>, JournalError> {
        let at: Option<String> = self
            .lock()
            .query_row(
                "SELECT at FROM transitions WHERE to_state = ?1 ORDER BY seq DESC LIMIT 1",
                [state.to_string()],
                |row| row.get(0),
            )
            .optional()?;
        at.as_deref().map(from_text).transpose()
    }

    /// The changes of one round's state, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn transitions(&self, round_id: RoundId) -> Result<Vec<Transition>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT round_id, from_state, to_state, height, at, reason FROM transitions
             WHERE round_id = ?1 ORDER BY seq",
        )?;
        let rows = query.query_map([round_id], |row| {
            Ok(Transition {
                round_id: row.get(0)?,
                from: row.get(1)?,
                to: row.get(2)?,
                height: row.get(3)?,
                at: row.get(4)?,
                reason: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn rounds_where(&self, belongs: fn(RoundState) -> bool) -> Result<Vec<Round>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT data FROM rounds WHERE state = ?1")?;
        let mut rounds = Vec::new();
        for state in RoundState::ALL.into_iter().filter(|state| belongs(*state)) {
            let mut rows = query.query([state.to_string()])?;
            while let Some(row) = rows.next()? {
                rounds.push(read_round(row)?);
            }
        }
        rounds.sort_by_key(|round| round.id);
        Ok(rounds)
    }
}

fn put_round(connection: &Connection, round: &Round) -> Result<(), JournalError> {
    connection.execute(
        "UPDATE rounds SET state = ?2, data = ?3 WHERE id = ?1",
        params![round.id, round.state.to_string(), serde_json::to_string(round)?],
    )?;
    Ok(())
}

fn put_transition(
    connection: &Connection,
    round: &Round,
    from: Option<RoundState>,
    height: i64,
    now: OffsetDateTime,
) -> Result<(), JournalError> {
    connection.execute(
        "INSERT INTO transitions (round_id, from_state, to_state, height, at, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            round.id,
            from.map(|state| state.to_string()),
            round.state.to_string(),
            height,
            to_text(now)?,
            round.reason,
        ],
    )?;
    Ok(())
}

pub(super) fn read_round(row: &Row<'_>) -> Result<Round, JournalError> {
    let data: String = row.get(0)?;
    Ok(serde_json::from_str(&data)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EntryKind;
    use crate::round::{Participant, Selection};

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        (folder, journal)
    }

    fn round(state: RoundState) -> Round {
        Round {
            id: 0,
            state,
            training_round_id: 3,
            model_version: "v3".into(),
            opened_at: OffsetDateTime::UNIX_EPOCH,
            opened_height: 12,
            selection: None,
            aggregate: None,
            commitment: None,
            aggregation: None,
            reason: None,
        }
    }

    #[test]
    fn a_state_that_cannot_follow_changes_nothing() {
        let (_folder, journal) = journal();
        let mut round = round(RoundState::Collecting);
        journal.open_round(&mut round, OffsetDateTime::UNIX_EPOCH).unwrap();
        let before = round.clone();
        let refused = journal
            .advance_round(&mut round, RoundState::Revealed, 13, &[], OffsetDateTime::UNIX_EPOCH)
            .unwrap_err();
        assert!(refused.to_string().contains("cannot become revealed"), "{refused}");
        assert_eq!(round, before);
        assert_eq!(journal.open_rounds().unwrap(), [before]);
        assert_eq!(journal.transitions(round.id).unwrap().len(), 1);
    }

    #[test]
    fn weights_read_back_to_the_bit() {
        // The aggregate depends on them; a decimal detour that loses a bit would change its CID.
        let (_folder, journal) = journal();
        let weights = [0.1 + 0.2, 1.0 / 3.0, 2.2250738585072014e-308, 0.123_456_789_012_345_67];
        let mut round = round(RoundState::Collecting);
        round.selection = Some(Selection {
            closed_at: OffsetDateTime::UNIX_EPOCH,
            method: "weighted-average".into(),
            participants: (0..)
                .zip(weights)
                .map(|(gradient_id, weight)| Participant {
                    gradient_id,
                    miner: String::new(),
                    gradient_hash: String::new(),
                    weight,
                })
                .collect(),
            excluded: Vec::new(),
        });
        journal.open_round(&mut round, OffsetDateTime::UNIX_EPOCH).unwrap();
        let read = journal.open_rounds().unwrap().remove(0);
        let found =
            read.selection.unwrap().participants.into_iter().map(|participant| participant.weight.to_bits());
        assert!(found.eq(weights.map(f64::to_bits)));
    }

    #[test]
    fn a_reward_is_booked_once_however_often_the_step_is_taken() {
        let (_folder, journal) = journal();
        let entry = LedgerEntry {
            kind: EntryKind::Reward,
            amount: 540,
            denom: "remes".into(),
            tx_hash: "AB".into(),
            height: 20,
            round_id: None,
            at: OffsetDateTime::UNIX_EPOCH,
        };
        for _ in 0..2 {
            let mut round = round(RoundState::Committed);
            journal.open_round(&mut round, OffsetDateTime::UNIX_EPOCH).unwrap();
            journal
                .advance_round(
                    &mut round,
                    RoundState::Revealed,
                    20,
                    std::slice::from_ref(&entry),
                    OffsetDateTime::UNIX_EPOCH,
                )
                .unwrap();
        }
        assert_eq!(journal.ledger().unwrap().len(), 1);
        assert_eq!(journal.totals("remes").unwrap().earned, 540);
    }
}
