//! From the journal's records to what a face shows, page by page.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use r3mes_config::{Policy, Settings};
use r3mes_engine::Journal;
use r3mes_engine::journal::{
    GradientFilter, GradientVerdict, ListedGradient, MinerRecord, SubmissionFilter, SubmissionRecord,
    Transition,
};
use r3mes_engine::round::{Round, RoundState};
use r3mes_engine::verification::Outcome;
use time::OffsetDateTime;

use super::history::{
    Deadline, DeadlineKind, ExportFormat, Exported, FindingOutcome, FindingView, GradientDetail,
    GradientPage, GradientPoint, GradientQuery, GradientRow, MinerDetail, MinerPage, MinerQuery, MinerRow,
    ReputationPoint, RoundPage, RoundStage, RoundStep, RoundView, SubmissionPage, SubmissionQuery,
    SubmissionRow, VerdictKind,
};
use super::preferences::NoticeKind;
use super::snapshot::{Change, Metric, Metrics, Notice, Snapshot};
use super::{Session, refused, rfc3339, shown};
use crate::overview::unreadable;
use crate::{ApiError, DisplayUnits, ErrorCode};

/// Rows of one page at most.
const PAGE: u32 = 500;

/// Rounds that a trend looks back.
const TREND: u32 = 40;

impl Session {
    /// A page of rounds, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn rounds(&self, offset: u32, limit: u32) -> Result<RoundPage, ApiError> {
        let Some(journal) = self.journal() else { return Ok(RoundPage { total: 0, rows: Vec::new() }) };
        let (total, rounds) = journal.round_page(offset, limit.min(PAGE)).map_err(unreadable)?;
        let scene = self.scene();
        let rows = rounds.iter().map(|round| scene.round(&journal, round)).collect::<Result<_, _>>()?;
        Ok(RoundPage { total: total as u32, rows })
    }

    /// A page of gradients, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn gradients(&self, query: &GradientQuery) -> Result<GradientPage, ApiError> {
        let Some(journal) = self.journal() else { return Ok(GradientPage { total: 0, rows: Vec::new() }) };
        let filter = GradientFilter {
            search: query.search.clone(),
            verdict: query.verdict.map(Into::into),
            training_round_id: round_number(query.training_round.as_deref())?,
        };
        let (total, listed) =
            journal.gradient_page(&filter, query.offset, query.limit.min(PAGE)).map_err(unreadable)?;
        Ok(GradientPage { total: total as u32, rows: listed.iter().map(GradientRow::from).collect() })
    }

    /// One gradient with all that was found on it.
    ///
    /// # Errors
    /// When there is none of this id, or the journal cannot be read.
    pub fn gradient(&self, id: &str) -> Result<GradientDetail, ApiError> {
        let missing = || refused(format!("find gradient {id}: the journal does not know it"));
        let journal = self.journal().ok_or_else(missing)?;
        let number: u64 = id.parse().map_err(|_| missing())?;
        let listed = listed(&journal, number)?.ok_or_else(missing)?;
        let settings = self.settings_now()?;
        // A gradient can have been left out of several rounds; the newest bundle is the one to cite.
        let ending = format!("-gradient-{number}.json");
        let bundles = std::fs::read_dir(self.data().evidence()).into_iter().flatten().flatten();
        let evidence = bundles
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(&ending))
            .max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok())
            .map(|entry| shown(&entry.path()));
        Ok(detail(&listed, &settings, evidence))
    }

    /// The norms and similarities of the newest gradients, oldest first: of one training round, or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn gradient_points(
        &self,
        training_round: Option<&str>,
        limit: u32,
    ) -> Result<Vec<GradientPoint>, ApiError> {
        let Some(journal) = self.journal() else { return Ok(Vec::new()) };
        let round = round_number(training_round)?;
        let points = journal.gradient_points(round, limit.min(5000)).map_err(unreadable)?;
        let point = |point: r3mes_engine::journal::GradientPoint| GradientPoint {
            id: point.id.to_string(),
            miner: point.miner,
            training_round: point.training_round_id.to_string(),
            norm: point.norm,
            similarity: point.similarity,
            verdict: point.verdict.into(),
        };
        Ok(points.into_iter().map(point).collect())
    }

    /// A page of miners, those with most gradients first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn miners(&self, query: &MinerQuery) -> Result<MinerPage, ApiError> {
        let Some(journal) = self.journal() else { return Ok(MinerPage { total: 0, rows: Vec::new() }) };
        let (total, records) =
            journal.miner_page(&query.search, query.offset, query.limit.min(PAGE)).map_err(unreadable)?;
        Ok(MinerPage { total: total as u32, rows: records.into_iter().map(MinerRow::from).collect() })
    }

    /// One miner: what it sent, and what the chain says of it now.
    ///
    /// # Errors
    /// When the journal does not know it, or cannot be read.
    pub async fn miner(&self, address: &str) -> Result<MinerDetail, ApiError> {
        let missing = || refused(format!("find miner {address}: the journal does not know it"));
        let journal = self.journal().ok_or_else(missing)?;
        let (_, records) = journal.miner_page(address, 0, 1).map_err(unreadable)?;
        let record = records.into_iter().find(|record| record.miner == address).ok_or_else(missing)?;
        let history = journal.miner_rounds(address, 200).map_err(unreadable)?.into_iter().map(|round| {
            ReputationPoint {
                training_round: round.training_round_id.to_string(),
                at: rfc3339(round.at),
                gradients: round.gradients as u32,
                passed: round.passed as u32,
                norm: round.norm,
                trust: round.trust,
            }
        });
        let mut detail = MinerDetail {
            row: record.into(),
            trust_score: None,
            tier: None,
            submissions: None,
            successful: None,
            slashing_events: None,
            history: history.collect(),
            error: None,
        };
        let asked = async {
            let chain = self.workspace()?.connect()?.chain;
            tokio::time::timeout(Duration::from_secs(4), chain.miner_score(address))
                .await
                .map_err(|_| ApiError::new(ErrorCode::Network, "the chain did not answer in time"))?
                .map_err(|error| ApiError::new(ErrorCode::Network, error.to_string()))
        };
        match asked.await {
            Ok(Some(score)) => {
                detail.trust_score = score.trust_score.parse().ok();
                detail.tier = Some(score.reputation_tier).filter(|tier| !tier.is_empty());
                detail.submissions = Some(score.total_submissions.to_string());
                detail.successful = Some(score.successful_submissions.to_string());
                detail.slashing_events = Some(score.slashing_events.to_string());
            }
            Ok(None) => detail.error = Some("the chain keeps no score of this miner".to_owned()),
            Err(error) => detail.error = Some(error.message),
        }
        Ok(detail)
    }

    /// A page of submissions, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn submissions(&self, query: &SubmissionQuery) -> Result<SubmissionPage, ApiError> {
        let Some(journal) = self.journal() else { return Ok(SubmissionPage { total: 0, rows: Vec::new() }) };
        let filter = SubmissionFilter { search: query.search.clone(), state: query.stage.map(Into::into) };
        let (total, records) =
            journal.submission_page(&filter, query.offset, query.limit.min(PAGE)).map_err(unreadable)?;
        let fee_denom = self.denoms().1;
        let rows = records.iter().map(|record| submission(record, &fee_denom)).collect();
        Ok(SubmissionPage { total: total as u32, rows })
    }

    /// Writes all submissions into a file, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read or the file cannot be written.
    pub fn export_submissions(&self, format: ExportFormat, path: &Path) -> Result<Exported, ApiError> {
        let mut rows = Vec::new();
        loop {
            let offset = rows.len() as u32;
            let query = SubmissionQuery { offset, limit: PAGE, ..SubmissionQuery::default() };
            let page = self.submissions(&query)?;
            let last = page.rows.is_empty();
            rows.extend(page.rows);
            if last {
                break;
            }
        }
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::new(ErrorCode::File, format!("write {}: {error}", path.display()))
        };
        let text = match format {
            ExportFormat::Csv => csv(&rows),
            ExportFormat::Json => serde_json::to_string_pretty(&rows).map_err(|error| failed(&error))?,
        };
        std::fs::write(path, text).map_err(|error| failed(&error))?;
        Ok(Exported { path: shown(path), records: rows.len() as u32 })
    }

    /// Reads what the journal says now into the snapshot.
    pub(crate) fn refresh_history(&self) {
        let board = &self.inner.board;
        let Some(journal) = self.journal() else {
            board.put(Change::Round(None));
            board.put(Change::Rounds(Vec::new()));
            board.put(Change::Metrics(Box::default()));
            return;
        };
        let scene = self.scene();
        let read = || -> Result<(Vec<RoundView>, Metrics), ApiError> {
            let (_, rounds) = journal.round_page(0, Snapshot::ROUNDS).map_err(unreadable)?;
            let views = rounds.iter().map(|round| scene.round(&journal, round)).collect::<Result<_, _>>()?;
            Ok((views, metrics(&journal, &scene.reward_denom)?))
        };
        match read() {
            Ok((rounds, metrics)) => {
                board.put(Change::Round(in_progress(&rounds)));
                board.put(Change::Rounds(rounds));
                board.put(Change::Metrics(Box::new(metrics)));
            }
            Err(error) => tracing::warn!("failed to {error}"),
        }
    }

    /// Reads the round in progress alone, which changes with every gradient and block.
    pub(crate) fn refresh_round(&self) {
        let Some(journal) = self.journal() else { return };
        let newest = self.inner.board.read(|snapshot| snapshot.rounds.first().map(|round| round.id.clone()));
        let read = || -> Result<Option<Box<RoundView>>, ApiError> {
            let (_, rounds) = journal.round_page(0, 2).map_err(unreadable)?;
            let scene = self.scene();
            let views: Vec<RoundView> =
                rounds.iter().map(|round| scene.round(&journal, round)).collect::<Result<_, _>>()?;
            Ok(in_progress(&views))
        };
        match read() {
            Ok(round) if round.as_ref().is_some_and(|round| Some(&round.id) != newest.as_ref()) => {
                self.refresh_history();
            }
            Ok(round) => self.inner.board.put(Change::Round(round)),
            Err(error) => tracing::debug!("failed to {error}"),
        }
    }

    /// One gradient as in a list; `None` where the journal cannot say.
    pub(crate) fn gradient_row(&self, id: u64) -> Option<GradientRow> {
        let listed = listed(&*self.journal()?, id).ok()??;
        Some(GradientRow::from(&listed))
    }

    /// The reward's denom and the fee's.
    pub(crate) fn denoms(&self) -> (String, String) {
        self.inner
            .board
            .read(|snapshot| (snapshot.network.reward_denom.clone(), snapshot.network.fee_denom.clone()))
    }

    /// An amount as people read it on the network of now.
    pub fn shown_amount(&self, amount: &str, denom: &str) -> String {
        let settings = self.running_settings().or_else(|| self.settings_now().ok()).unwrap_or_default();
        DisplayUnits::of(&settings.network).show(amount, denom)
    }

    fn scene(&self) -> Scene {
        let settings = self.running_settings().or_else(|| self.settings_now().ok()).unwrap_or_default();
        let (height, block_seconds) = self.inner.board.read(|snapshot| {
            (
                snapshot.network.height.as_ref().and_then(|height| height.parse().ok()),
                snapshot.network.block_seconds,
            )
        });
        Scene {
            quorum: settings.round.quorum,
            minimum: settings.round.minimum_participants,
            maximum_wait: settings.round.maximum_wait,
            reward_denom: settings.network.reward_denom,
            height,
            block_seconds,
            now: OffsetDateTime::now_utc(),
        }
    }
}

/// What a round is shown against.
struct Scene {
    quorum: u32,
    minimum: u32,
    maximum_wait: Duration,
    reward_denom: String,
    height: Option<i64>,
    block_seconds: f64,
    now: OffsetDateTime,
}

impl Scene {
    fn round(&self, journal: &Journal, round: &Round) -> Result<RoundView, ApiError> {
        let committed = round.commitment.as_ref().and_then(|commitment| commitment.included);
        let aggregation = round.aggregation.as_ref();
        let selection = round.selection.as_ref();
        let (received, judged) = match selection {
            Some(selection) => {
                let all = selection.participants.len() + selection.excluded.len();
                (all as u32, all as u32)
            }
            None => {
                let pending = journal
                    .pending_counts(round.training_round_id, &round.model_version)
                    .map_err(unreadable)?;
                (pending.0 as u32, pending.1 as u32)
            }
        };
        let way = journal.transitions(round.id).map_err(unreadable)?;
        Ok(RoundView {
            id: round.id.to_string(),
            training_round: round.training_round_id.to_string(),
            model_version: round.model_version.clone(),
            stage: round.state.into(),
            way: way.iter().filter_map(step).collect(),
            received,
            judged,
            quorum: self.quorum,
            minimum: self.minimum,
            participants: selection.map(|selection| selection.participants.len() as u32),
            excluded: selection.map(|selection| selection.excluded.len() as u32),
            deadline: self.deadline(round),
            method: selection.map(|selection| selection.method.clone()),
            cid: round.aggregate.as_ref().map(|aggregate| aggregate.cid.clone()),
            merkle_root: round.aggregate.as_ref().map(|aggregate| aggregate.merkle_root.clone()),
            bytes: round.aggregate.as_ref().map(|aggregate| aggregate.bytes.to_string()),
            commit_height: committed.map(|included| included.height.to_string()),
            reveal_deadline: committed.map(|included| included.deadline_height.to_string()),
            reveal_height: aggregation.map(|aggregation| aggregation.height.to_string()),
            challenge_deadline: aggregation
                .map(|aggregation| aggregation.challenge_deadline_height.to_string()),
            reveal_tx: aggregation.map(|aggregation| aggregation.tx_hash.clone()),
            aggregation_id: aggregation.map(|aggregation| aggregation.id.to_string()),
            reward: aggregation.map(|aggregation| aggregation.reward.to_string()),
            reason: round.reason.clone(),
            opened_at: rfc3339(round.opened_at),
        })
    }

    fn deadline(&self, round: &Round) -> Option<Deadline> {
        let committed = round.commitment.as_ref().and_then(|commitment| commitment.included);
        match round.state {
            RoundState::Collecting => Some(Deadline {
                kind: DeadlineKind::Close,
                height: None,
                blocks_left: None,
                at: Some(rfc3339(round.opened_at + self.maximum_wait)),
            }),
            RoundState::Committed => self.block_deadline(DeadlineKind::Reveal, committed?.deadline_height),
            RoundState::Revealed | RoundState::Challenged => {
                let height = round.aggregation.as_ref()?.challenge_deadline_height;
                self.block_deadline(DeadlineKind::Challenge, height)
            }
            _ => None,
        }
    }

    fn block_deadline(&self, kind: DeadlineKind, height: i64) -> Option<Deadline> {
        let left = self.height.map(|now| height - now);
        let at = left.filter(|left| *left >= 0).map(|left| {
            let seconds = left as f64 * self.block_seconds;
            rfc3339(self.now + Duration::try_from_secs_f64(seconds).unwrap_or_default())
        });
        let blocks_left = left.and_then(|left| i32::try_from(left).ok());
        Some(Deadline { kind, height: Some(height.to_string()), blocks_left, at })
    }
}

/// The newest round, while the engine still has something to do for it.
fn in_progress(rounds: &[RoundView]) -> Option<Box<RoundView>> {
    let open = |round: &&RoundView| RoundState::from(round.stage).is_open();
    rounds.iter().find(open).cloned().map(Box::new)
}

fn step(transition: &Transition) -> Option<RoundStep> {
    Some(RoundStep {
        stage: transition.to.parse::<RoundState>().ok()?.into(),
        at: transition.at.clone(),
        height: transition.height.to_string(),
        reason: transition.reason.clone(),
    })
}

/// What an operator may want to be told of a round's new state.
pub(crate) fn notice(round: &Round, denom: &str) -> Option<Notice> {
    let number = round.training_round_id;
    let (kind, detail) = match round.state {
        RoundState::Revealed => (NoticeKind::RoundRevealed, format!("round {number} was revealed")),
        RoundState::Challenged => {
            (NoticeKind::Challenge, format!("the aggregate of round {number} is challenged"))
        }
        RoundState::Reverted => (NoticeKind::Slash, format!("the aggregate of round {number} was reverted")),
        _ => return None,
    };
    let reward = round.aggregation.as_ref().map(|aggregation| aggregation.reward.to_string());
    let denom = reward.as_ref().map(|_| denom.to_owned());
    Some(Notice { kind, training_round: Some(number.to_string()), amount: reward, denom, detail })
}

fn metrics(journal: &Journal, reward_denom: &str) -> Result<Metrics, ApiError> {
    let by_round = journal.gradients_by_round(TREND).map_err(unreadable)?;
    let (received, judged) = journal.gradient_counts().map_err(unreadable)?;
    let outcome = journal.round_outcomes().map_err(unreadable)?;
    let (_, newest) = journal.round_page(0, TREND).map_err(unreadable)?;
    let passed = journal.gradients_passed().map_err(unreadable)?;
    let closed: Vec<&Round> =
        newest.iter().rev().filter(|round| round.commitment.is_some() && !round.state.is_open()).collect();
    let last_gradient = journal.last_gradient_seen().map_err(unreadable)?.map(rfc3339);
    let last_reveal = newest
        .iter()
        .find(|round| round.aggregation.is_some())
        .and_then(|round| journal.transitions(round.id).ok()?.last().map(|step| step.at.clone()));
    let share = |part: u64, whole: u64| (whole > 0).then(|| format!("{:.4}", part as f64 / whole as f64));
    let earned = journal.totals(reward_denom).map_err(unreadable)?.earned;
    Ok(Metrics {
        gradients: Metric {
            value: Some(received.to_string()),
            unit: None,
            trend: by_round.iter().map(|round| round.received as f64).collect(),
            at: last_gradient.clone(),
        },
        aggregations: Metric {
            value: Some(outcome.standing.to_string()),
            unit: None,
            trend: closed.iter().map(|round| f64::from(u8::from(round.state.is_watched()))).collect(),
            at: last_reveal.clone(),
        },
        success_rate: Metric {
            value: share(outcome.standing, outcome.ended),
            unit: None,
            trend: running_share(closed.iter().map(|round| round.state.is_watched())),
            at: last_reveal.clone(),
        },
        quality: Metric {
            value: share(passed, judged),
            unit: None,
            trend: by_round
                .iter()
                .filter(|round| round.judged > 0)
                .map(|round| round.passed as f64 / round.judged as f64)
                .collect(),
            at: last_gradient,
        },
        earnings: Metric {
            value: Some(earned.to_string()),
            unit: Some(reward_denom.to_owned()),
            trend: closed
                .iter()
                .map(|round| round.aggregation.as_ref().map_or(0.0, |aggregation| aggregation.reward as f64))
                .collect(),
            at: last_reveal,
        },
    })
}

/// The share of what was good, up to and with each.
fn running_share(outcomes: impl Iterator<Item = bool>) -> Vec<f64> {
    let (mut good, mut all) = (0_u32, 0_u32);
    outcomes
        .map(|is_good| {
            all += 1;
            good += u32::from(is_good);
            f64::from(good) / f64::from(all)
        })
        .collect()
}

fn listed(journal: &Journal, id: u64) -> Result<Option<ListedGradient>, ApiError> {
    journal.listed_gradient(id).map_err(unreadable)
}

fn detail(listed: &ListedGradient, settings: &Settings, evidence: Option<String>) -> GradientDetail {
    let gradient = &listed.gradient;
    let record = &gradient.record;
    let judgement = gradient.judgement.as_ref();
    let facts = judgement.and_then(|judgement| judgement.facts.as_ref());
    let findings =
        judgement.into_iter().flat_map(|judgement| &judgement.findings).map(|finding| FindingView {
            check: finding.check.to_string(),
            outcome: match finding.outcome {
                Outcome::Passed => FindingOutcome::Passed,
                Outcome::Failed => FindingOutcome::Failed,
                Outcome::Unknown => FindingOutcome::Unknown,
            },
            measured: finding.measured.clone(),
            expected: finding.expected.clone(),
            excludes: settings.verification.policy(finding.check) == Policy::Exclude,
        });
    GradientDetail {
        row: GradientRow::from(listed),
        findings: findings.collect(),
        container: facts.map(|facts| facts.container.to_string()),
        layout: facts.map(|facts| facts.layout.to_string()),
        samples: facts.and_then(|facts| facts.sample_count).map(|count| count.to_string()),
        max_abs: facts.map(|facts| facts.max_abs),
        zero_share: facts.map(|facts| facts.zero_share),
        non_finite: facts.map(|facts| facts.non_finite.to_string()),
        announced_hash: record.gradient_hash.clone(),
        measured_hash: facts.map(|facts| facts.gradient_hash.clone()),
        claimed_loss: record.claimed_loss.clone(),
        submitted_height: record.submitted_at_height.to_string(),
        attempts: gradient.attempts,
        last_failure: gradient.last_failure.clone(),
        evidence,
    }
}

fn submission(record: &SubmissionRecord, fee_denom: &str) -> SubmissionRow {
    let round = &record.round;
    let aggregate = round.aggregate.as_ref();
    let aggregation = round.aggregation.as_ref();
    let committed = round.commitment.as_ref().and_then(|commitment| commitment.included);
    let fees: Vec<u128> =
        record.fees.iter().filter(|(_, denom)| denom == fee_denom).map(|(amount, _)| *amount).collect();
    SubmissionRow {
        id: round.id.to_string(),
        training_round: round.training_round_id.to_string(),
        stage: round.state.into(),
        cid: aggregate.map(|aggregate| aggregate.cid.clone()),
        merkle_root: aggregate.map(|aggregate| aggregate.merkle_root.clone()),
        participants: round.selection.as_ref().map_or(0, |selection| selection.participants.len() as u32),
        commit_tx: record.commit_tx.clone(),
        commit_height: committed.map(|included| included.height.to_string()),
        reveal_tx: aggregation.map(|aggregation| aggregation.tx_hash.clone()),
        reveal_height: aggregation.map(|aggregation| aggregation.height.to_string()),
        gas_used: (record.gas_used > 0).then(|| record.gas_used.to_string()),
        fee: (!fees.is_empty()).then(|| fees.iter().sum::<u128>().to_string()),
        reward: aggregation.map(|aggregation| aggregation.reward.to_string()),
        at: rfc3339(round.opened_at),
        reason: round.reason.clone(),
    }
}

fn csv(rows: &[SubmissionRow]) -> String {
    let mut text = String::from(
        "training_round,stage,participants,cid,merkle_root,commit_height,commit_tx,reveal_height,reveal_tx,gas_used,fee,reward,opened_at,reason\r\n",
    );
    for row in rows {
        let stage = RoundState::from(row.stage).to_string();
        let participants = row.participants.to_string();
        let optional = |field: &Option<String>| field.clone().unwrap_or_default();
        let fields = [
            row.training_round.clone(),
            stage,
            participants,
            optional(&row.cid),
            optional(&row.merkle_root),
            optional(&row.commit_height),
            optional(&row.commit_tx),
            optional(&row.reveal_height),
            optional(&row.reveal_tx),
            optional(&row.gas_used),
            optional(&row.fee),
            optional(&row.reward),
            row.at.clone(),
            optional(&row.reason),
        ];
        let line = fields.iter().map(|field| csv_field(field)).collect::<Vec<_>>().join(",");
        let _ = write!(text, "{line}\r\n");
    }
    text
}

/// RFC 4180; what a spreadsheet would take for a formula is kept a text.
fn csv_field(field: &str) -> String {
    let field = match field.starts_with(['=', '+', '-', '@']) {
        true => format!("'{field}"),
        false => field.to_owned(),
    };
    match field.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

fn round_number(text: Option<&str>) -> Result<Option<u64>, ApiError> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            text.parse().map_err(|_| refused(format!("find training round {text:?}: it is no number")))
        })
        .transpose()
}

impl From<&ListedGradient> for GradientRow {
    fn from(listed: &ListedGradient) -> GradientRow {
        let gradient = &listed.gradient;
        let record = &gradient.record;
        let judgement = gradient.judgement.as_ref();
        let facts = judgement.and_then(|judgement| judgement.facts.as_ref());
        GradientRow {
            id: record.id.to_string(),
            miner: record.miner.clone(),
            cid: record.ipfs_hash.clone(),
            training_round: record.training_round_id.to_string(),
            model_version: record.model_version.clone(),
            status: record.status.clone(),
            verdict: judgement
                .map_or(VerdictKind::Waiting, |judgement| GradientVerdict::of(judgement).into()),
            failed: judgement
                .into_iter()
                .flat_map(|judgement| judgement.failures())
                .map(|finding| finding.check.to_string())
                .collect(),
            excluded: listed.excluded,
            norm: facts.map(|facts| facts.l2_norm),
            bytes: facts.map(|facts| facts.bytes.to_string()),
            seen_at: rfc3339(gradient.seen_at),
        }
    }
}

impl From<MinerRecord> for MinerRow {
    fn from(record: MinerRecord) -> MinerRow {
        MinerRow {
            address: record.miner,
            gradients: record.gradients as u32,
            passed: record.passed as u32,
            reported: record.reported as u32,
            unusable: record.unusable as u32,
            excluded: record.excluded as u32,
            last_seen: rfc3339(record.last_seen),
            trust: record.trust,
        }
    }
}

impl From<GradientVerdict> for VerdictKind {
    fn from(verdict: GradientVerdict) -> VerdictKind {
        match verdict {
            GradientVerdict::Waiting => VerdictKind::Waiting,
            GradientVerdict::Passed => VerdictKind::Passed,
            GradientVerdict::Reported => VerdictKind::Reported,
            GradientVerdict::Unusable => VerdictKind::Unusable,
        }
    }
}

impl From<VerdictKind> for GradientVerdict {
    fn from(verdict: VerdictKind) -> GradientVerdict {
        match verdict {
            VerdictKind::Waiting => GradientVerdict::Waiting,
            VerdictKind::Passed => GradientVerdict::Passed,
            VerdictKind::Reported => GradientVerdict::Reported,
            VerdictKind::Unusable => GradientVerdict::Unusable,
        }
    }
}

impl From<RoundStage> for RoundState {
    fn from(stage: RoundStage) -> RoundState {
        // The names are the same; the test walks them all.
        RoundState::ALL
            .into_iter()
            .find(|state| RoundStage::from(*state) == stage)
            .unwrap_or(RoundState::Abandoned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_a_state() {
        for state in RoundState::ALL {
            assert_eq!(RoundState::from(RoundStage::from(state)), state);
        }
    }

    #[test]
    fn a_field_of_an_export_is_one_field() {
        assert_eq!(csv_field("bafy"), "bafy");
        assert_eq!(csv_field("lost, \"late\""), "\"lost, \"\"late\"\"\"");
        assert_eq!(csv_field("=1+1"), "'=1+1");
    }

    #[test]
    fn a_share_runs_over_all_that_came() {
        assert_eq!(running_share([true, false, true, true].into_iter()), [1.0, 0.5, 2.0 / 3.0, 0.75]);
    }
}
