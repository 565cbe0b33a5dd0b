//! Committing and revealing, or submitting without commitment: each exactly once, a salt durable before
//! anything is sent.

use r3mes_chain::proto::{
    AggregationCommitment, AggregationRecord, MsgCommitAggregation, MsgRevealAggregation,
    MsgSubmitAggregation,
};
use r3mes_chain::{ChainError, Included, Refusal, RefusalReason, commitment_hash};
use r3mes_config::SubmissionStrategy;

use super::Progress;
use super::fit::is_too_large;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::journal::{EntryKind, LedgerEntry, Purpose};
use crate::round::{AggregationProof, Commitment, IncludedCommitment, PublishedAggregate, Round, RoundState};
use crate::submission::{Submission, Submitted};
use crate::{Checkpoint, EngineError};

/// Bytes of randomness in a salt.
const SALT_BYTES: usize = 32;

/// How often a record is read back before it is believed that the chain does not hold it.
const READINGS: u32 = 4;

impl Context {
    /// Publishes the aggregate, and brings it or the commitment to it onto the chain.
    pub(crate) async fn publish_and_submit(
        &self,
        round: Round,
        height: i64,
    ) -> Result<Progress, EngineError> {
        let Some(aggregate) = round.aggregate.clone() else {
            return self.abandon(round, height, "the journal holds no aggregate").await;
        };
        match self.strategy(&round)? {
            SubmissionStrategy::CommitReveal => self.commit(round, aggregate, height).await,
            SubmissionStrategy::Direct => self.submit(round, aggregate, height).await,
        }
    }

    /// The way of a round that has none yet is the settings'; one that was begun is ended, since the chain takes
    /// an aggregate one way or the other and never both.
    fn strategy(&self, round: &Round) -> Result<SubmissionStrategy, EngineError> {
        let was_signed = |purpose| -> Result<bool, EngineError> {
            Ok(!self.journal.transactions(Some(round.id), None, purpose)?.is_empty())
        };
        Ok(if was_signed(Purpose::Commit)? {
            SubmissionStrategy::CommitReveal
        } else if was_signed(Purpose::Submit)? {
            SubmissionStrategy::Direct
        } else {
            self.settings.submission.strategy
        })
    }

    /// Brings the aggregation onto the chain in one transaction, and books the reward.
    async fn submit(
        &self,
        round: Round,
        aggregate: PublishedAggregate,
        height: i64,
    ) -> Result<Progress, EngineError> {
        if self.journal.transactions(Some(round.id), None, Purpose::Submit)?.is_empty() {
            self.publish(&round, &aggregate.cid).await?;
        }
        if self.is_bound(height)? {
            return Ok(Progress::Waiting);
        }
        let message = MsgSubmitAggregation {
            proposer: self.address.clone(),
            aggregated_gradient_ipfs_hash: aggregate.cid,
            merkle_root: aggregate.merkle_root,
            participant_gradient_ids: round.participant_ids(),
            training_round_id: round.training_round_id,
            model_version: self.revealed_version(&round).await?,
        };
        let submission = Submission {
            context: self,
            round_id: Some(round.id),
            order_id: None,
            purpose: Purpose::Submit,
            messages: vec![r3mes_chain::any(&message)],
            useful_until: None,
            checkpoints: Some((Checkpoint::SubmitSigned, Checkpoint::SubmitSent)),
        };
        match submission.settle().await? {
            Submitted::Done(included) => {
                self.pass(Checkpoint::SubmitIncluded);
                self.revealed(round, &included).await
            }
            Submitted::Refused(refusal) => self.refused(round, height, refusal).await,
            Submitted::TooLate => Ok(Progress::Waiting),
        }
    }

    /// Whether a commitment that we could not reveal is still alive; one at a time.
    fn is_bound(&self, height: i64) -> Result<bool, EngineError> {
        Ok(self.journal.bound_until()?.is_some_and(|deadline| height <= deadline))
    }

    /// Publishes the aggregate, and brings the commitment to it onto the chain.
    async fn commit(
        &self,
        mut round: Round,
        aggregate: PublishedAggregate,
        height: i64,
    ) -> Result<Progress, EngineError> {
        if round.commitment.is_none() {
            self.publish(&round, &aggregate.cid).await?;
            round.commitment = Some(self.new_commitment(&round, &aggregate)?);
            self.journal.update_round(&round)?;
            self.pass(Checkpoint::SaltJournaled);
        }
        let Some(commitment) = round.commitment.clone() else {
            return Ok(Progress::Waiting);
        };
        if self.is_bound(height)? {
            return Ok(Progress::Waiting);
        }
        let message = MsgCommitAggregation {
            proposer: self.address.clone(),
            commitment_hash: commitment.hash.clone(),
            training_round_id: round.training_round_id,
            participant_gradient_ids: round.participant_ids(),
        };
        self.refuse_foreign_commitments(height).await?;
        let submission = Submission {
            context: self,
            round_id: Some(round.id),
            order_id: None,
            purpose: Purpose::Commit,
            messages: vec![r3mes_chain::any(&message)],
            useful_until: None,
            checkpoints: Some((Checkpoint::CommitSigned, Checkpoint::CommitSent)),
        };
        match submission.settle().await? {
            Submitted::Done(included) => {
                self.pass(Checkpoint::CommitIncluded);
                self.committed(round, commitment, &included).await
            }
            Submitted::Refused(refusal) => self.refused(round, height, refusal).await,
            Submitted::TooLate => Ok(Progress::Waiting),
        }
    }

    fn new_commitment(
        &self,
        round: &Round,
        aggregate: &PublishedAggregate,
    ) -> Result<Commitment, EngineError> {
        let mut random = [0u8; SALT_BYTES];
        self.environment.entropy.fill(&mut random).map_err(EngineError::Entropy)?;
        let salt = hex::encode(random);
        let ids = round.participant_ids();
        let hash = commitment_hash(&self.address, &aggregate.cid, &aggregate.merkle_root, &ids, &salt);
        Ok(Commitment { salt, hash, included: None })
    }

    /// Reads the commitment back before believing in it.
    async fn committed(
        &self,
        mut round: Round,
        commitment: Commitment,
        included: &Included,
    ) -> Result<Progress, EngineError> {
        let what = "the commitment".to_owned();
        let not_stored = |found: String| EngineError::NotStored { what, height: included.height, found };
        let Some(id) = included.committed().map(|committed| committed.commitment_id) else {
            return Err(not_stored("a transaction without a commitment id".into()));
        };
        let is_ours = |stored: &AggregationCommitment| {
            stored.proposer == self.address && stored.commitment_hash == commitment.hash
        };
        let stored = match self.read_back(|| self.chain.commitment(id), is_ours).await? {
            Some(stored) if is_ours(&stored) => stored,
            Some(other) => {
                let AggregationCommitment { proposer, commitment_hash, .. } = other;
                return Err(not_stored(format!("commitment {id} of {proposer} over {commitment_hash}")));
            }
            None => return Err(not_stored(format!("no commitment {id}"))),
        };
        let included = IncludedCommitment {
            id,
            height: stored.committed_at_height,
            deadline_height: stored.reveal_deadline_height,
        };
        round.commitment = Some(Commitment { included: Some(included), ..commitment });
        self.enter(&mut round, RoundState::Committed, included.height, &[])?;
        self.pass(Checkpoint::Committed);
        Ok(Progress::Done)
    }

    /// Brings the reveal onto the chain before the deadline, and books the reward.
    pub(crate) async fn reveal(&self, mut round: Round) -> Result<Progress, EngineError> {
        let (Some(aggregate), Some(Commitment { salt, included: Some(commitment), .. })) =
            (round.aggregate.clone(), round.commitment.clone())
        else {
            return Err(crate::journal::JournalError::Content(format!(
                "round {} is committed and holds no commitment",
                round.id
            ))
            .into());
        };
        let message = MsgRevealAggregation {
            proposer: self.address.clone(),
            commitment_id: commitment.id,
            aggregated_gradient_ipfs_hash: aggregate.cid,
            merkle_root: aggregate.merkle_root,
            participant_gradient_ids: round.participant_ids(),
            training_round_id: round.training_round_id,
            model_version: self.revealed_version(&round).await?,
            salt,
        };
        let submission = Submission {
            context: self,
            round_id: Some(round.id),
            order_id: None,
            purpose: Purpose::Reveal,
            messages: vec![r3mes_chain::any(&message)],
            useful_until: Some(commitment.deadline_height as u64),
            checkpoints: Some((Checkpoint::RevealSigned, Checkpoint::RevealSent)),
        };
        match submission.settle().await? {
            Submitted::Done(included) => {
                self.pass(Checkpoint::RevealIncluded);
                self.revealed(round, &included).await
            }
            Submitted::Refused(refusal) => {
                let height = self.chain.status().await?.height;
                self.refused(round, height, refusal).await
            }
            Submitted::TooLate => {
                let height = self.chain.status().await?.height;
                let ids = round.participant_ids();
                let deadline = commitment.deadline_height;
                let (next, reason) = match self.refresh_gradients(&ids).await? {
                    pending if pending == ids.len() => (
                        RoundState::Expired,
                        format!("the deadline, block {deadline}, passed without our reveal"),
                    ),
                    // Whether or not we would have been in time: the gradients were gone.
                    _ => (
                        RoundState::Superseded,
                        "participants are no longer pending: another proposer took them".into(),
                    ),
                };
                round.reason = Some(reason);
                self.enter(&mut round, next, height, &[])?;
                Ok(Progress::Done)
            }
        }
    }

    /// The chain refuses an empty model version in a reveal, although a gradient may carry none.
    pub(crate) async fn revealed_version(&self, round: &Round) -> Result<String, EngineError> {
        if !round.model_version.is_empty() {
            return Ok(round.model_version.clone());
        }
        Ok(self.chain.model_params().await?.map(|params| params.model_version).unwrap_or_default())
    }

    /// Reads the aggregation back, then writes state and reward in one step.
    async fn revealed(&self, mut round: Round, included: &Included) -> Result<Progress, EngineError> {
        let what = "the reveal".to_owned();
        let not_stored = |found: String| EngineError::NotStored { what, height: included.height, found };
        let Some(id) = included.aggregation_id() else {
            return Err(not_stored("a transaction without an aggregation id".into()));
        };
        let is_ours = |stored: &AggregationRecord| {
            let cid = round.aggregate.as_ref().map(|aggregate| &aggregate.cid);
            stored.proposer == self.address && Some(&stored.aggregated_gradient_ipfs_hash) == cid
        };
        let stored = match self.read_back(|| self.chain.aggregation(id), is_ours).await? {
            Some(stored) if is_ours(&stored) => stored,
            Some(other) => {
                let AggregationRecord { proposer, aggregated_gradient_ipfs_hash: cid, .. } = other;
                return Err(not_stored(format!("aggregation {id} of {proposer} over {cid}")));
            }
            None => return Err(not_stored(format!("no aggregation {id}"))),
        };
        let denom = &self.settings.network.reward_denom;
        let reward = included.received(&self.address).amount_of(denom);
        round.aggregation = Some(AggregationProof {
            id,
            height: included.height,
            challenge_deadline_height: stored.challenge_deadline_height,
            reward,
            tx_hash: included.hash.clone(),
        });
        let entry = LedgerEntry {
            kind: EntryKind::Reward,
            amount: reward,
            denom: denom.clone(),
            tx_hash: included.hash.clone(),
            height: included.height,
            round_id: Some(round.id),
            at: self.environment.now(),
        };
        self.enter(&mut round, RoundState::Revealed, included.height, &[entry])?;
        self.announcer.announce(EngineEvent::RewardBooked {
            training_round_id: round.training_round_id,
            amount: reward.to_string(),
            denom: denom.clone(),
        });
        self.pass(Checkpoint::Revealed);
        Ok(Progress::Done)
    }

    /// Reads a record until it is what it should be. A node that answers from an older state, or cuts its answer
    /// short, is asked again before the chain is distrusted.
    async fn read_back<T, F>(
        &self,
        read: impl Fn() -> F,
        is_right: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, EngineError>
    where
        F: Future<Output = Result<Option<T>, ChainError>>,
    {
        let mut found = read().await?;
        for _ in 1..READINGS {
            if found.as_ref().is_some_and(&is_right) {
                break;
            }
            self.next_news(self.settings.network.block_time).await;
            found = read().await?;
        }
        Ok(found)
    }

    /// What a refusal by the chain means for the round.
    async fn refused(
        &self,
        mut round: Round,
        height: i64,
        refusal: Refusal,
    ) -> Result<Progress, EngineError> {
        if matches!(refusal.reason, RefusalReason::InsufficientFunds | RefusalReason::UnknownAccount) {
            return Err(self.unfunded(refusal).await?);
        }
        // Where it was a reveal, its gradients come back when the commitment has expired.
        if is_too_large(&refusal) {
            self.halve_rounds(&round)?;
        }
        let next = match (round.state, &refusal.reason) {
            (_, RefusalReason::ParticipantNotPending) => RoundState::Superseded,
            (RoundState::Committed, RefusalReason::RevealDeadlinePassed) => RoundState::Expired,
            // A live commitment binds us, and what the operator must mend is not mended by another round.
            (RoundState::Committed, _)
            | (
                _,
                RefusalReason::NotAuthorized
                | RefusalReason::InsufficientFee { .. }
                | RefusalReason::InsufficientStake,
            ) => return Err(EngineError::Refused(refusal)),
            _ => RoundState::Abandoned,
        };
        round.reason = Some(refusal.to_string());
        self.enter(&mut round, next, height, &[])?;
        self.refresh_gradients(&round.participant_ids()).await?;
        Ok(Progress::Done)
    }

    /// What the operator must pay in, so that work goes on.
    async fn unfunded(&self, refusal: Refusal) -> Result<EngineError, EngineError> {
        let denom = self.settings.network.fee_denom.clone();
        let balance = format!("{}{denom}", self.chain.balance(&self.address, &denom).await?);
        Ok(EngineError::Unfunded {
            address: self.address.clone(),
            balance,
            denom,
            refusal: Box::new(refusal),
        })
    }
}
