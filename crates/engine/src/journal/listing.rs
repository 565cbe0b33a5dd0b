//! What faces list: pages of a history that may be long. Each query reads an index that holds all it needs,
//! and only the rows of the page themselves.

use rusqlite::{OptionalExtension, Row, ToSql, params};
use time::OffsetDateTime;

use super::gradients::{self, GradientRow};
use super::rounds::read_round;
use super::transactions::{Purpose, SettledAs, Settlement};
use super::{Journal, JournalError, from_text, to_text};
use crate::round::{Round, RoundId, RoundState};
use crate::verification::{Check, Judgement};

/// What was found on a gradient, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientVerdict {
    /// It was not judged yet.
    Waiting,
    /// No check failed.
    Passed,
    /// A check failed that does not keep it from being aggregated.
    Reported,
    /// It cannot be aggregated.
    Unusable,
}

/// Which gradients.
#[derive(Clone, Debug, Default)]
pub struct GradientFilter {
    /// An id, or the beginning of a miner's address or a CID; all where empty.
    pub search: String,
    /// Only those with this verdict.
    pub verdict: Option<GradientVerdict>,
    /// Only those of this training round.
    pub training_round_id: Option<u64>,
}

/// A gradient in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedGradient {
    /// The gradient.
    pub gradient: GradientRow,
    /// Whether a revealed round of ours left it out.
    pub excluded: bool,
}

/// A gradient in a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientPoint {
    /// The chain's id.
    pub id: u64,
    /// Who sent it.
    pub miner: String,
    /// The training round written in it.
    pub training_round_id: u64,
    /// L2 norm.
    pub norm: f64,
    /// Cosine of the angle between it and the aggregate that it became part of.
    pub similarity: Option<f64>,
    /// What was found.
    pub verdict: GradientVerdict,
}

/// The gradients of one training round, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundGradients {
    /// The training round.
    pub training_round_id: u64,
    /// All of them.
    pub received: u64,
    /// Those that were judged.
    pub judged: u64,
    /// Those without a failed check.
    pub passed: u64,
}

/// A miner's gradients, counted.
#[derive(Clone, Debug, PartialEq)]
pub struct MinerRecord {
    /// Its address.
    pub miner: String,
    /// All of them.
    pub gradients: u64,
    /// Those without a failed check.
    pub passed: u64,
    /// Those with a failed check that can be aggregated.
    pub reported: u64,
    /// Those that cannot be aggregated.
    pub unusable: u64,
    /// Those that a revealed round of ours left out.
    pub excluded: u64,
    /// When the newest was seen.
    pub last_seen: OffsetDateTime,
    /// The newest of its trust scores on the chain that was noted.
    pub trust: Option<f64>,
}

/// A miner's gradients of one training round.
#[derive(Clone, Debug, PartialEq)]
pub struct MinerRound {
    /// The training round.
    pub training_round_id: u64,
    /// When the first was seen.
    pub at: OffsetDateTime,
    /// All of them.
    pub gradients: u64,
    /// Those without a failed check.
    pub passed: u64,
    /// The largest norm.
    pub norm: Option<f64>,
    /// Its trust score on the chain after that round, where it was asked for.
    pub trust: Option<f64>,
}

/// What the chain says of a miner.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustScore {
    /// Its address.
    pub miner: String,
    /// Its trust score.
    pub score: f64,
}

/// How the committed rounds ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundOutcomes {
    /// Those that ended, well or not.
    pub ended: u64,
    /// Those of them whose reveal stands.
    pub standing: u64,
}

/// What went wrong with the newest judged gradients, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentFailures {
    /// How many were looked at.
    pub looked_at: u64,
    /// Those whose bytes could not be had.
    pub availability: u64,
    /// Those that could not be read, or have another layout.
    pub format: u64,
    /// Those beyond a threshold of the settings.
    pub thresholds: u64,
}

/// Which submissions.
#[derive(Clone, Debug, Default)]
pub struct SubmissionFilter {
    /// A training round, or the beginning of a CID, a root or the reveal's hash; all where empty.
    pub search: String,
    /// Only those in this state.
    pub state: Option<RoundState>,
}

/// A round that was committed, with what its transactions came to.
#[derive(Clone, Debug, PartialEq)]
pub struct SubmissionRecord {
    /// The round.
    pub round: Round,
    /// The commitment's transaction, where one was included.
    pub commit_tx: Option<String>,
    /// Gas that all of its included transactions used.
    pub gas_used: i64,
    /// The fees booked for it, in the order of booking.
    pub fees: Vec<(u128, String)>,
}

/// The verdict's name in the journal.
pub(super) fn verdict_name(judgement: &Judgement) -> &'static str {
    GradientVerdict::of(judgement).name()
}

impl GradientVerdict {
    /// The verdict that a judgement comes to.
    pub fn of(judgement: &Judgement) -> GradientVerdict {
        match (judgement.is_usable(), judgement.failures().next()) {
            (false, _) => GradientVerdict::Unusable,
            (true, Some(_)) => GradientVerdict::Reported,
            (true, None) => GradientVerdict::Passed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            GradientVerdict::Waiting => "waiting",
            GradientVerdict::Passed => "passed",
            GradientVerdict::Reported => "reported",
            GradientVerdict::Unusable => "unusable",
        }
    }

    fn from_name(name: Option<&str>) -> GradientVerdict {
        [GradientVerdict::Passed, GradientVerdict::Reported, GradientVerdict::Unusable]
            .into_iter()
            .find(|verdict| Some(verdict.name()) == name)
            .unwrap_or(GradientVerdict::Waiting)
    }
}

/// Conditions with their values, joined by `AND`.
#[derive(Default)]
struct Conditions {
    text: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    /// `condition` with a `?` for each value.
    fn and<const N: usize>(&mut self, condition: &str, values: [Box<dyn ToSql>; N]) {
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(condition);
        self.values.extend(values);
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(AsRef::as_ref).collect()
    }
}

/// What `GLOB` takes for a text that begins so; the signs that it knows are not in ids, hashes or addresses.
fn beginning(text: &str) -> Box<dyn ToSql> {
    let plain: String = text.chars().filter(|c| !"*?[]".contains(*c)).collect();
    Box::new(format!("{plain}*"))
}

/// A number that no column holds stands for a text that is none.
fn number(text: &str) -> Box<dyn ToSql> {
    Box::new(text.parse::<i64>().unwrap_or(-1))
}

impl Journal {
    /// How many gradients fit, and a page of them, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gradient_page(
        &self,
        filter: &GradientFilter,
        offset: u32,
        limit: u32,
    ) -> Result<(u64, Vec<ListedGradient>), JournalError> {
        let mut conditions = Conditions::default();
        match filter.verdict {
            Some(GradientVerdict::Waiting) => conditions.and("verdict IS NULL", []),
            Some(verdict) => conditions.and("verdict = ?", [Box::new(verdict.name())]),
            None => {}
        }
        if let Some(round) = filter.training_round_id {
            conditions.and("training_round_id = ?", [Box::new(round as i64)]);
        }
        let search = filter.search.trim();
        if !search.is_empty() {
            let values = [number(search), beginning(search), beginning(search)];
            conditions.and("(id = ? OR miner GLOB ? OR cid GLOB ?)", values);
        }
        let connection = self.lock();
        let (text, values) = (&conditions.text, conditions.values());
        let count = format!("SELECT count(*) FROM gradients INDEXED BY gradients_listed{text}");
        let total: i64 = connection.query_row(&count, values.as_slice(), |row| row.get(0))?;
        let ids = format!(
            "SELECT id FROM gradients INDEXED BY gradients_listed{text} ORDER BY id DESC LIMIT {limit} OFFSET {offset}"
        );
        let mut query = connection.prepare(&format!(
            "SELECT {}, excluded_in FROM gradients WHERE id IN ({ids}) ORDER BY id DESC",
            gradients::COLUMNS
        ))?;
        let mut rows = query.query(values.as_slice())?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(read_listed(row)?);
        }
        Ok((total as u64, page))
    }

    /// One gradient as in a list.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn listed_gradient(&self, id: u64) -> Result<Option<ListedGradient>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare(&format!("SELECT {}, excluded_in FROM gradients WHERE id = ?1", gradients::COLUMNS))?;
        let mut rows = query.query([id as i64])?;
        rows.next()?.map(read_listed).transpose()
    }

    /// How many pending gradients a training round and model version has, and how many of them were judged.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pending_counts(
        &self,
        training_round_id: u64,
        model_version: &str,
    ) -> Result<(u64, u64), JournalError> {
        Ok(self.lock().query_row(
            "SELECT count(*), count(verdict) FROM gradients
             WHERE training_round_id = ?1 AND model_version = ?2 AND status = 'pending' AND excluded_in IS NULL",
            params![training_round_id as i64, model_version],
            |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)),
        )?)
    }

    /// How many gradients were judged without a failed check.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gradients_passed(&self) -> Result<u64, JournalError> {
        let count: i64 = self.lock().query_row(
            "SELECT count(*) FROM gradients INDEXED BY gradients_listed WHERE verdict = 'passed'",
            [],
            |row| row.get(0),
        )?;
        Ok(count as u64)
    }

    /// What went wrong with the newest judged gradients.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recent_failures(&self, limit: u32) -> Result<RecentFailures, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT judgement FROM gradients WHERE verdict IS NOT NULL ORDER BY id DESC LIMIT ?1")?;
        let mut rows = query.query([limit])?;
        let mut failures = RecentFailures::default();
        while let Some(row) = rows.next()? {
            let judgement: Judgement = serde_json::from_str(&row.get::<_, String>(0)?)?;
            let failed = |among: &[Check]| judgement.failures().any(|finding| among.contains(&finding.check));
            failures.looked_at += 1;
            failures.availability += u64::from(failed(&[Check::Availability]));
            failures.format += u64::from(failed(&[Check::Format, Check::Kind, Check::Finite, Check::Layout]));
            failures.thresholds += u64::from(failed(&[Check::Norm, Check::Zeros, Check::TrustScore]));
        }
        Ok(failures)
    }

    /// When the newest gradient was first seen.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_gradient_seen(&self) -> Result<Option<OffsetDateTime>, JournalError> {
        let at: Option<String> = self
            .lock()
            .query_row("SELECT seen_at FROM gradients ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
            .optional()?;
        at.as_deref().map(from_text).transpose()
    }

    /// How the committed rounds ended.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn round_outcomes(&self) -> Result<RoundOutcomes, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT state, count(*) FROM rounds INDEXED BY rounds_listed WHERE commitment IS NOT NULL GROUP BY state",
        )?;
        let mut rows = query.query([])?;
        let mut outcomes = RoundOutcomes::default();
        while let Some(row) = rows.next()? {
            let state: RoundState = row.get::<_, String>(0)?.parse()?;
            let count = row.get::<_, i64>(1)? as u64;
            if !state.is_open() {
                outcomes.ended += count;
            }
            if state.is_watched() {
                outcomes.standing += count;
            }
        }
        Ok(outcomes)
    }

    /// The norms, and similarities, of the newest gradients that have a norm, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gradient_points(
        &self,
        training_round_id: Option<u64>,
        limit: u32,
    ) -> Result<Vec<GradientPoint>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT id, miner, training_round_id, norm, verdict, similarity
             FROM gradients INDEXED BY gradients_listed
             WHERE norm IS NOT NULL AND (?1 IS NULL OR training_round_id = ?1) ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = query.query_map(params![training_round_id.map(|id| id as i64), limit], |row| {
            Ok(GradientPoint {
                id: row.get::<_, i64>(0)? as u64,
                miner: row.get(1)?,
                training_round_id: row.get::<_, i64>(2)? as u64,
                norm: row.get(3)?,
                verdict: GradientVerdict::from_name(row.get::<_, Option<String>>(4)?.as_deref()),
                similarity: row.get(5)?,
            })
        })?;
        let mut points = rows.collect::<Result<Vec<_>, _>>()?;
        points.reverse();
        Ok(points)
    }

    /// The gradients of the training rounds that came last, counted; oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gradients_by_round(&self, limit: u32) -> Result<Vec<RoundGradients>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT training_round_id, count(*), count(verdict), sum(verdict = 'passed')
             FROM gradients INDEXED BY gradients_listed GROUP BY training_round_id
             ORDER BY max(id) DESC LIMIT ?1",
        )?;
        let rows = query.query_map([limit], |row| {
            Ok(RoundGradients {
                training_round_id: row.get::<_, i64>(0)? as u64,
                received: row.get::<_, i64>(1)? as u64,
                judged: row.get::<_, i64>(2)? as u64,
                passed: row.get::<_, Option<i64>>(3)?.unwrap_or(0) as u64,
            })
        })?;
        let mut rounds = rows.collect::<Result<Vec<_>, _>>()?;
        rounds.reverse();
        Ok(rounds)
    }

    /// How many miners there are whose address begins so, and a page of them, those with most gradients first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn miner_page(
        &self,
        search: &str,
        offset: u32,
        limit: u32,
    ) -> Result<(u64, Vec<MinerRecord>), JournalError> {
        let connection = self.lock();
        let search = beginning(search.trim());
        let total: i64 = connection.query_row(
            "SELECT count(DISTINCT miner) FROM gradients INDEXED BY gradients_of_miner WHERE miner GLOB ?1",
            [&search],
            |row| row.get(0),
        )?;
        let mut query = connection.prepare(
            "SELECT miner, count(*), sum(verdict = 'passed'), sum(verdict = 'reported'),
                    sum(verdict = 'unusable'), count(excluded_in), max(seen_at),
             (SELECT score FROM trust_scores AS noted WHERE noted.miner = gradients.miner
              ORDER BY noted.training_round_id DESC LIMIT 1)
             FROM gradients INDEXED BY gradients_of_miner WHERE miner GLOB ?1
             GROUP BY miner ORDER BY count(*) DESC, miner LIMIT ?2 OFFSET ?3",
        )?;
        let mut rows = query.query(params![search, limit, offset])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            let count = |column: usize| -> rusqlite::Result<u64> {
                Ok(row.get::<_, Option<i64>>(column)?.unwrap_or(0) as u64)
            };
            page.push(MinerRecord {
                miner: row.get(0)?,
                gradients: count(1)?,
                passed: count(2)?,
                reported: count(3)?,
                unusable: count(4)?,
                excluded: count(5)?,
                last_seen: from_text(&row.get::<_, String>(6)?)?,
                trust: row.get(7)?,
            });
        }
        Ok((total as u64, page))
    }

    /// What a miner sent, by training round, oldest first; the newest `limit` of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn miner_rounds(&self, miner: &str, limit: u32) -> Result<Vec<MinerRound>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT training_round_id, min(seen_at), count(*), sum(verdict = 'passed'), max(norm),
             (SELECT score FROM trust_scores AS noted
              WHERE noted.miner = ?1 AND noted.training_round_id = gradients.training_round_id)
             FROM gradients INDEXED BY gradients_of_miner WHERE miner = ?1
             GROUP BY training_round_id ORDER BY min(seen_at) DESC LIMIT ?2",
        )?;
        let mut rows = query.query(params![miner, limit])?;
        let mut rounds = Vec::new();
        while let Some(row) = rows.next()? {
            rounds.push(MinerRound {
                training_round_id: row.get::<_, i64>(0)? as u64,
                at: from_text(&row.get::<_, String>(1)?)?,
                gradients: row.get::<_, i64>(2)? as u64,
                passed: row.get::<_, Option<i64>>(3)?.unwrap_or(0) as u64,
                norm: row.get(4)?,
                trust: row.get(5)?,
            });
        }
        rounds.reverse();
        Ok(rounds)
    }

    /// Who sent gradients of a training round.
    pub(crate) fn miners_of(&self, training_round_id: u64) -> Result<Vec<String>, JournalError> {
        let connection = self.lock();
        let mut query = connection
            .prepare("SELECT DISTINCT miner FROM gradients WHERE training_round_id = ?1 ORDER BY miner")?;
        let miners = query.query_map([training_round_id as i64], |row| row.get(0))?;
        Ok(miners.collect::<Result<_, _>>()?)
    }

    /// Notes what the chain said of the miners after a round. What is said later of the same round counts.
    pub(crate) fn note_scores(
        &self,
        training_round_id: u64,
        scores: &[TrustScore],
        now: OffsetDateTime,
    ) -> Result<(), JournalError> {
        let mut connection = self.lock();
        let change = connection.transaction()?;
        for TrustScore { miner, score } in scores {
            change.execute(
                "INSERT OR REPLACE INTO trust_scores (miner, training_round_id, score, at)
                 VALUES (?1, ?2, ?3, ?4)",
                params![miner, training_round_id as i64, score, to_text(now)?],
            )?;
        }
        Ok(change.commit()?)
    }

    /// How many rounds there are, and a page of them, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn round_page(&self, offset: u32, limit: u32) -> Result<(u64, Vec<Round>), JournalError> {
        let connection = self.lock();
        let total: i64 = connection.query_row("SELECT count(*) FROM rounds", [], |row| row.get(0))?;
        let mut query = connection.prepare(
            "SELECT data FROM rounds WHERE id IN
             (SELECT id FROM rounds INDEXED BY rounds_listed ORDER BY id DESC LIMIT ?1 OFFSET ?2)
             ORDER BY id DESC",
        )?;
        let mut rows = query.query([limit, offset])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(read_round(row)?);
        }
        Ok((total as u64, page))
    }

    /// One round.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn round(&self, id: RoundId) -> Result<Option<Round>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT data FROM rounds WHERE id = ?1")?;
        let mut rows = query.query([id])?;
        rows.next()?.map(read_round).transpose()
    }

    /// How many committed rounds fit, and a page of them, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn submission_page(
        &self,
        filter: &SubmissionFilter,
        offset: u32,
        limit: u32,
    ) -> Result<(u64, Vec<SubmissionRecord>), JournalError> {
        let mut conditions = Conditions::default();
        conditions.and("commitment IS NOT NULL", []);
        if let Some(state) = filter.state {
            conditions.and("state = ?", [Box::new(state.to_string())]);
        }
        let search = filter.search.trim();
        if !search.is_empty() {
            let values = [number(search), beginning(search), beginning(search), beginning(search)];
            conditions
                .and("(training_round_id = ? OR cid GLOB ? OR root GLOB ? OR reveal_tx GLOB ?)", values);
        }
        let (total, rounds) = {
            let connection = self.lock();
            let (text, values) = (&conditions.text, conditions.values());
            let count = format!("SELECT count(*) FROM rounds INDEXED BY rounds_listed{text}");
            let total: i64 = connection.query_row(&count, values.as_slice(), |row| row.get(0))?;
            let mut query = connection.prepare(&format!(
                "SELECT data FROM rounds WHERE id IN
                 (SELECT id FROM rounds INDEXED BY rounds_listed{text} ORDER BY id DESC LIMIT {limit} OFFSET {offset})
                 ORDER BY id DESC"
            ))?;
            let mut rows = query.query(values.as_slice())?;
            let mut rounds = Vec::new();
            while let Some(row) = rows.next()? {
                rounds.push(read_round(row)?);
            }
            (total as u64, rounds)
        };
        let page = rounds.into_iter().map(|round| self.submission(round)).collect::<Result<_, _>>()?;
        Ok((total, page))
    }

    fn submission(&self, round: Round) -> Result<SubmissionRecord, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(
            "SELECT hash, purpose, outcome FROM transactions WHERE round_id = ?1 AND outcome IS NOT NULL",
        )?;
        let mut rows = query.query([round.id])?;
        let (mut commit_tx, mut gas_used) = (None, 0);
        while let Some(row) = rows.next()? {
            let (hash, purpose, settlement) = read_settled(row)?;
            if settlement.as_ != SettledAs::Included {
                continue;
            }
            gas_used += settlement.gas_used;
            if purpose == Purpose::Commit.to_string() && settlement.code == 0 {
                commit_tx = Some(hash);
            }
        }
        let mut query = connection
            .prepare("SELECT amount, denom FROM ledger WHERE round_id = ?1 AND kind = 'fee' ORDER BY seq")?;
        let mut rows = query.query([round.id])?;
        let mut fees = Vec::new();
        while let Some(row) = rows.next()? {
            let amount: String = row.get(0)?;
            let amount =
                amount.parse().map_err(|_| JournalError::Content(format!("`{amount}` is no amount")))?;
            fees.push((amount, row.get(1)?));
        }
        Ok(SubmissionRecord { round, commit_tx, gas_used, fees })
    }
}

fn read_listed(row: &Row<'_>) -> Result<ListedGradient, JournalError> {
    let excluded = row.get::<_, Option<RoundId>>(5)?.is_some();
    Ok(ListedGradient { gradient: gradients::read_row(row)?, excluded })
}

fn read_settled(row: &Row<'_>) -> Result<(String, String, Settlement), JournalError> {
    let outcome: String = row.get(2)?;
    Ok((row.get(0)?, row.get(1)?, serde_json::from_str(&outcome)?))
}
