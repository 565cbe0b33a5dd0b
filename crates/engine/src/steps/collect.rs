//! Collecting: from the first pending gradient to the fixed list of participants.

use std::time::Duration;

use futures::future::try_join_all;
use r3mes_aggregate::{Method, Standing, combined_weights, norm_quality};
use r3mes_config::WeightSource;

use super::Progress;
use crate::aggregation::{AggregationError, AggregationInput};
use crate::context::Context;
use crate::event::EngineEvent;
use crate::intake::Intake;
use crate::journal::{GradientRow, GradientTally};
use crate::round::{Exclusion, Participant, Round, RoundState, Selection};
use crate::verification::{Check, Finding, Judgement, gradient_limits, preserve, select};
use crate::{Checkpoint, EngineError};

/// Failed fetches after which a gradient counts as unavailable when its round closes.
const ATTEMPTS: u32 = 4;

/// How many gradients are asked for at once when the round closes.
const PARALLEL_QUERIES: usize = 8;

impl Context {
    /// Opens a round when gradients of the current model version are pending.
    pub(crate) async fn open_round(&self, height: i64, intake: &mut Intake) -> Result<Progress, EngineError> {
        let tallies = self.journal.pending_tallies()?;
        let version = self.model_version().await?;
        let Some(tally) = self.choose(&tallies, version.as_deref(), intake)? else {
            intake.has_nothing_to_do();
            return Ok(Progress::Waiting);
        };
        let opened_at = self.environment.now();
        self.age(opened_at);
        let mut round = Round {
            id: 0,
            state: RoundState::Collecting,
            training_round_id: tally.training_round_id,
            model_version: tally.model_version.clone(),
            opened_at,
            opened_height: height,
            selection: None,
            aggregate: None,
            commitment: None,
            aggregation: None,
            reason: None,
        };
        self.journal.open_round(&mut round, opened_at)?;
        self.announcer.announce(EngineEvent::RoundAdvanced { round: Box::new(round.clone()), height });
        self.pass(Checkpoint::RoundOpened);
        self.collect(round, height, intake).await
    }

    /// The training round to open: that of the model version which the network trains now, with the newest
    /// gradient; where the chain names no version, the newest of all. One that could not close yet is
    /// passed over, so that a stray gradient with a training round of its own holds up nobody.
    fn choose<'a>(
        &self,
        tallies: &'a [GradientTally],
        model_version: Option<&str>,
        intake: &Intake,
    ) -> Result<Option<&'a GradientTally>, EngineError> {
        let least = u64::from(self.settings.round.minimum_participants.max(1));
        for tally in candidates(tallies, model_version, least) {
            if !intake.is_set_aside(tally.training_round_id) && !self.is_hopeless(tally)? {
                return Ok(Some(tally));
            }
        }
        Ok(None)
    }

    /// The round's pending gradients. A judgement whose file is gone counts as none, so that the file is
    /// fetched again.
    fn gradients_of(&self, round: &Round) -> Result<Vec<GradientRow>, EngineError> {
        let mut gradients = self.journal.pending_gradients(round.training_round_id, &round.model_version)?;
        for gradient in &mut gradients {
            let id = gradient.record.id;
            let usable = gradient.judgement.as_ref().is_some_and(Judgement::is_usable);
            if usable && !self.home.gradient(id).exists() {
                self.journal.forget_judgement(id)?;
                gradient.judgement = None;
            }
        }
        Ok(gradients)
    }

    /// Gives a round up that cannot close, when another one can be opened instead.
    async fn give_way(
        &self,
        round: Round,
        height: i64,
        intake: &mut Intake,
    ) -> Result<Progress, EngineError> {
        let tallies = self.journal.pending_tallies()?;
        let version = self.model_version().await?;
        intake.set_aside(round.training_round_id);
        match self.choose(&tallies, version.as_deref(), intake)? {
            Some(tally) => {
                let reason = format!("training round {} can go on instead", tally.training_round_id);
                self.abandon(round, height, &reason).await
            }
            None => Ok(Progress::Waiting),
        }
    }

    /// Whether the last round failed over these very gradients a short while ago: the same inputs fail the
    /// same way, so it waits for another gradient or for a while.
    fn is_hopeless(&self, tally: &GradientTally) -> Result<bool, EngineError> {
        let Some(last) = self.journal.recent_rounds(1)?.pop() else { return Ok(false) };
        let Some(selection) = last.selection else { return Ok(false) };
        let same = last.state == RoundState::Abandoned
            && last.training_round_id == tally.training_round_id
            && last.model_version == tally.model_version
            && (selection.participants.len() + selection.excluded.len()) as u64 >= tally.pending;
        Ok(same && self.age(selection.closed_at) < self.settings.round.maximum_wait)
    }

    /// Judges what has arrived, and closes the round when its policy says so.
    pub(crate) async fn collect(
        &self,
        mut round: Round,
        height: i64,
        intake: &mut Intake,
    ) -> Result<Progress, EngineError> {
        let gradients = self.gradients_of(&round)?;
        intake.judge(&gradients)?;
        self.prepare(&round, &gradients);
        if let Some(version) = self.model_version().await?
            && version != round.model_version
        {
            round.reason = Some(format!("the network has moved on to model version {version}"));
            self.enter(&mut round, RoundState::Superseded, height, &[])?;
            return Ok(Progress::Done);
        }
        let closing = Closing {
            judged: gradients.iter().filter(|gradient| gradient.judgement.is_some()).count(),
            usable: gradients
                .iter()
                .filter(|gradient| gradient.judgement.as_ref().is_some_and(Judgement::is_usable))
                .count(),
            pending: gradients.len(),
            // Before this run started, nothing could arrive.
            waited: self.age(round.opened_at).min(self.age(intake.started())),
            since_submission: [RoundState::Committed, RoundState::Revealed]
                .into_iter()
                .map(|state| Ok(self.journal.last_entered(state)?.map(|at| self.age(at))))
                .filter_map(Result::transpose)
                .collect::<Result<Vec<Duration>, EngineError>>()?
                .into_iter()
                .min(),
        };
        if !closing.is_due(&self.settings.round) {
            if closing.lacks_usable(&self.settings.round) {
                intake.stall(&round, closing.judged, self.too_few(closing.usable, closing.judged));
                return self.give_way(round, height, intake).await;
            }
            return Ok(Progress::Waiting);
        }
        self.close(round, height, intake).await
    }

    /// Hands what can take part to the preparation of the aggregate.
    fn prepare(&self, round: &Round, gradients: &[GradientRow]) {
        let method = &self.settings.aggregation.method;
        let usable = gradients.iter().filter_map(|gradient| {
            let judgement = gradient.judgement.as_ref().filter(|judgement| judgement.is_usable())?;
            let samples = judgement.facts.as_ref().and_then(|facts| facts.sample_count);
            Some(AggregationInput {
                id: gradient.record.id,
                weight: samples.map_or(1.0, |samples| samples as f64),
                path: self.home.gradient(gradient.record.id),
            })
        });
        let limits = gradient_limits(&self.settings.limits);
        self.preparing.arrived(round.id, method, &limits, &self.home.aggregates(), usable.collect());
    }

    fn too_few(&self, usable: usize, judged: usize) -> String {
        format!(
            "{usable} of {judged} gradients can take part, round.minimum_participants is {}; the round waits for more",
            self.settings.round.minimum_participants
        )
    }

    /// Fixes the participants.
    async fn close(
        &self,
        mut round: Round,
        height: i64,
        intake: &mut Intake,
    ) -> Result<Progress, EngineError> {
        // Another proposer may have taken some of them since they were listed.
        let known = self.journal.pending_gradients(round.training_round_id, &round.model_version)?;
        for some in known.chunks(PARALLEL_QUERIES) {
            let records = some.iter().map(|gradient| self.chain.gradient(gradient.record.id));
            for record in try_join_all(records).await?.into_iter().flatten() {
                self.journal.refresh_gradient(&record)?;
            }
        }
        let pending = self.gradients_of(&round)?;
        if pending.is_empty() {
            round.reason = Some("another proposer's aggregation took all gradients".into());
            self.enter(&mut round, RoundState::Superseded, height, &[])?;
            return Ok(Progress::Done);
        }
        let judged = pending.into_iter().filter_map(with_judgement).collect();
        let (mut included, excluded) = select(judged, &self.settings.verification, &self.settings.quality);
        if included.len() < self.settings.round.minimum_participants as usize {
            let judged = included.len() + excluded.len();
            intake.stall(&round, judged, self.too_few(included.len(), judged));
            return self.give_way(round, height, intake).await;
        }
        // In the order of their ids: what does not fit stays pending, and goes into the next round.
        let most = self.largest_round(&round, &included).await?;
        if most < included.len() {
            let (found, dropped) = (included.len(), included.len() - most);
            tracing::info!(
                found,
                dropped,
                "the round is larger than one transaction; the rest waits for the next"
            );
            included.truncate(most);
        }
        let method = self.settings.aggregation.method.clone();
        let weights = self.weights(&method, &included).await?;
        for (gradient, judgement) in included.iter().chain(excluded.iter().map(|(judged, _)| judged)) {
            self.journal.record_judgement(gradient.record.id, judgement)?;
        }
        for ((gradient, judgement), exclusion) in &excluded {
            preserve(&self.home.evidence(), &round, &gradient.record, judgement, exclusion)
                .map_err(|source| EngineError::Folder { path: self.home.evidence(), source })?;
        }
        round.selection = Some(Selection {
            closed_at: self.environment.now(),
            method: method.to_string(),
            participants: included
                .iter()
                .zip(weights)
                .map(|((gradient, _), weight)| Participant {
                    gradient_id: gradient.record.id,
                    miner: gradient.record.miner.clone(),
                    gradient_hash: gradient.record.gradient_hash.clone(),
                    weight,
                })
                .collect(),
            excluded: excluded.into_iter().map(|(_, exclusion)| exclusion).collect::<Vec<Exclusion>>(),
        });
        self.enter(&mut round, RoundState::Aggregating, height, &[])?;
        self.pass(Checkpoint::RoundClosed);
        Ok(Progress::Done)
    }

    /// The model version that the network trains now; none where the chain does not say.
    async fn model_version(&self) -> Result<Option<String>, EngineError> {
        let state = self.chain.model_state().await?;
        Ok(state.map(|state| state.model_version).filter(|version| !version.is_empty()))
    }

    /// One weight a participant. They come from the chain or from verified files, and are journaled
    /// with the round, since the aggregate depends on them.
    async fn weights(
        &self,
        method: &Method,
        included: &[(GradientRow, Judgement)],
    ) -> Result<Vec<f64>, EngineError> {
        if !method.is_weighted() {
            return Ok(vec![1.0; included.len()]);
        }
        let usual = match method {
            Method::FedAvg { .. } => WeightSource::Samples,
            _ => WeightSource::Reputation,
        };
        match self.settings.aggregation.weights.unwrap_or(usual) {
            WeightSource::Samples => Ok(samples(included)),
            WeightSource::Reputation => self.reputations(included).await,
            WeightSource::Combined => {
                let reputations = self.reputations(included).await?;
                let norm =
                    |judgement: &Judgement| judgement.facts.as_ref().map_or(0.0, |facts| facts.l2_norm);
                let norms: Vec<f64> = included.iter().map(|(_, judgement)| norm(judgement)).collect();
                let standings: Vec<Standing> = samples(included)
                    .into_iter()
                    .zip(reputations)
                    .zip(norm_quality(&norms))
                    .map(|((samples, reputation), quality)| Standing { samples, reputation, quality })
                    .collect();
                Ok(combined_weights(&standings).map_err(AggregationError::from)?)
            }
        }
    }

    /// The miners' trust scores on the chain, 0 to 1.
    async fn reputations(&self, included: &[(GradientRow, Judgement)]) -> Result<Vec<f64>, EngineError> {
        let mut reputations = Vec::with_capacity(included.len());
        for some in included.chunks(PARALLEL_QUERIES) {
            let scores = some.iter().map(|(gradient, _)| self.trust(&gradient.record.miner));
            reputations.extend(try_join_all(scores).await?);
        }
        Ok(reputations)
    }

    /// The miner's trust score on the chain, 0 to 1; a miner without one weighs 0.5, as a newcomer.
    async fn trust(&self, miner: &str) -> Result<f64, EngineError> {
        let score = self.chain.miner_score(miner).await?;
        let score = score.and_then(|score| score.trust_score.parse::<f64>().ok());
        Ok(score.filter(|score| score.is_finite()).map_or(0.5, |score| score.clamp(0.0, 1.0)))
    }
}

/// The sample counts that the files state. Who states none weighs as little as the least who does.
fn samples(included: &[(GradientRow, Judgement)]) -> Vec<f64> {
    let counts: Vec<Option<u64>> = included
        .iter()
        .map(|(_, judgement)| judgement.facts.as_ref().and_then(|facts| facts.sample_count))
        .collect();
    let least = counts.iter().flatten().copied().min().unwrap_or(1).max(1);
    counts.into_iter().map(|count| count.unwrap_or(least) as f64).collect()
}

/// The training rounds that could close, of the network's model version where it names one.
fn candidates<'a>(
    tallies: &'a [GradientTally],
    model_version: Option<&str>,
    least: u64,
) -> impl Iterator<Item = &'a GradientTally> {
    tallies
        .iter()
        .filter(move |tally| model_version.is_none_or(|version| tally.model_version == version))
        .filter(move |tally| tally.pending >= least)
}

/// A gradient whose bytes could not be had in several attempts is judged by that. One that was not tried
/// so often is left to the next round: that we were slow is no evidence against it.
fn with_judgement(gradient: GradientRow) -> Option<(GradientRow, Judgement)> {
    if let Some(judgement) = gradient.judgement.clone() {
        return Some((gradient, judgement));
    }
    if gradient.attempts < ATTEMPTS {
        return None;
    }
    let failure = gradient.last_failure.as_deref().unwrap_or_default();
    let measured = format!("nothing in {} attempts; the last one failed: {failure}", gradient.attempts);
    let finding = Finding::failed(Check::Availability, measured, "bytes that can be fetched");
    Some((gradient, Judgement { findings: vec![finding], facts: None }))
}

/// What the decision to close a round rests on.
#[derive(Clone, Copy, Debug)]
struct Closing {
    /// Gradients whose bytes were judged, whatever was found.
    judged: usize,
    /// Those of them that can be aggregated.
    usable: usize,
    /// All that are pending.
    pending: usize,
    /// Since the round was opened.
    waited: Duration,
    /// Since the last commitment, if there was one.
    since_submission: Option<Duration>,
}

impl Closing {
    /// A round closes when its quorum is judged and nothing known is left to judge, or when it has
    /// waited long enough; never below the minimum of participants, nor too soon after the last one.
    fn is_due(self, settings: &r3mes_config::RoundSettings) -> bool {
        let rested = self.since_submission.is_none_or(|since| since >= settings.minimum_interval);
        let complete = self.is_complete(settings);
        let patience_over = self.waited >= settings.maximum_wait;
        self.usable >= settings.minimum_participants.max(1) as usize && rested && (complete || patience_over)
    }

    fn is_complete(self, settings: &r3mes_config::RoundSettings) -> bool {
        self.judged == self.pending && self.judged >= settings.quorum as usize
    }

    /// Whether only usable gradients are missing.
    fn lacks_usable(self, settings: &r3mes_config::RoundSettings) -> bool {
        let waited = self.is_complete(settings) || self.waited >= settings.maximum_wait;
        waited && self.usable < settings.minimum_participants.max(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> r3mes_config::RoundSettings {
        r3mes_config::RoundSettings {
            quorum: 4,
            minimum_participants: 2,
            maximum_wait: Duration::from_secs(60),
            minimum_interval: Duration::from_secs(10),
        }
    }

    const FULL: Closing = Closing {
        judged: 4,
        usable: 3,
        pending: 4,
        waited: Duration::from_secs(1),
        since_submission: Some(Duration::from_secs(10)),
    };

    #[test]
    fn the_quorum_closes_a_round_at_once() {
        assert!(FULL.is_due(&settings()));
        assert!(Closing { since_submission: None, ..FULL }.is_due(&settings()));
    }

    #[test]
    fn a_round_waits_for_what_is_still_being_judged() {
        assert!(!Closing { pending: 5, ..FULL }.is_due(&settings()));
        assert!(Closing { pending: 5, waited: Duration::from_secs(60), ..FULL }.is_due(&settings()));
    }

    #[test]
    fn too_few_usable_gradients_never_close_a_round() {
        let starved = Closing { usable: 1, waited: Duration::from_secs(86_400), ..FULL };
        assert!(!starved.is_due(&settings()) && starved.lacks_usable(&settings()));
        assert!(!FULL.lacks_usable(&settings()));
    }

    #[test]
    fn the_interval_between_submissions_is_kept() {
        let early = Closing { since_submission: Some(Duration::from_secs(9)), ..FULL };
        assert!(!early.is_due(&settings()));
    }

    #[test]
    fn the_round_of_the_current_model_comes_first() {
        let tally = |training_round_id, version: &str, newest, pending| GradientTally {
            training_round_id,
            model_version: version.into(),
            pending,
            newest,
        };
        let tallies = [tally(999, "v8", 41, 1), tally(9, "v9", 40, 5), tally(8, "v8", 30, 4)];
        let newest = |version, least| candidates(&tallies, version, least).map(|tally| tally.newest).next();
        assert_eq!(newest(Some("v8"), 3), Some(30), "a stray training round is passed over");
        assert_eq!(newest(Some("v8"), 1), Some(41));
        assert_eq!(newest(Some("v10"), 3), None);
        assert_eq!(newest(None, 3), Some(40));
    }
}
