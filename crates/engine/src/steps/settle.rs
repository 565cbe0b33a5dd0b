//! Committing and revealing: each exactly once, the salt durable before anything is sent.

use r3mes_chain::proto::{MsgCommitAggregation, MsgRevealAggregation};
use r3mes_chain::{Included, Refusal, RefusalReason, commitment_hash};

use super::Progress;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::journal::{EntryKind, LedgerEntry, Purpose};
use crate::round::{AggregationProof, Commitment, IncludedCommitment, PublishedAggregate, Round, RoundState};
use crate::submission::{Submission, Submitted};
use crate::{Checkpoint, EngineError};

/// Bytes of randomness in a salt.
const SALT_BYTES: usize = 32;

impl Context {
    /// Publishes the aggregate, and brings the commitment to it onto the chain.
    pub(crate) async fn publish_and_commit(
        &self,
        mut round: Round,
        height: i64,
    ) -> Result<Progress, EngineError> {
        let Some(aggregate) = round.aggregate.clone() else {
            return self.abandon(round, height, "the journal holds no aggregate").await;
        };
        if round.commitment.is_none() {
            self.publish(&round, &aggregate.cid).await?;
            round.commitment = Some(self.new_commitment(&round, &aggregate)?);
            self.journal.update_round(&round)?;
            self.pass(Checkpoint::SaltJournaled);
        }
        let Some(commitment) = round.commitment.clone() else {
            return Ok(Progress::Waiting);
        };
        if self.journal.bound_until()?.is_some_and(|deadline| height <= deadline) {
            // A commitment that we could not reveal is still alive; one at a time.
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
        let Some(stored) = self.chain.commitment(id).await? else {
            return Err(not_stored(format!("no commitment {id}")));
        };
        if stored.proposer != self.address || stored.commitment_hash != commitment.hash {
            return Err(not_stored(format!(
                "commitment {id} of {} over {}",
                stored.proposer, stored.commitment_hash
            )));
        }
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
                round.reason = Some(format!(
                    "the deadline, block {}, passed without our reveal",
                    commitment.deadline_height
                ));
                self.enter(&mut round, RoundState::Expired, height, &[])?;
                Ok(Progress::Done)
            }
        }
    }

    /// The chain refuses an empty model version in a reveal, although a gradient may carry none.
    async fn revealed_version(&self, round: &Round) -> Result<String, EngineError> {
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
        let Some(stored) = self.chain.aggregation(id).await? else {
            return Err(not_stored(format!("no aggregation {id}")));
        };
        let ours = round.aggregate.as_ref().is_some_and(|aggregate| {
            stored.proposer == self.address && stored.aggregated_gradient_ipfs_hash == aggregate.cid
        });
        if !ours {
            let found = format!(
                "aggregation {id} of {} over {}",
                stored.proposer, stored.aggregated_gradient_ipfs_hash
            );
            return Err(not_stored(found));
        }
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

    /// What a refusal by the chain means for the round.
    async fn refused(
        &self,
        mut round: Round,
        height: i64,
        refusal: Refusal,
    ) -> Result<Progress, EngineError> {
        let next = match (round.state, &refusal.reason) {
            (_, RefusalReason::ParticipantNotPending) => RoundState::Superseded,
            (RoundState::Committed, RefusalReason::RevealDeadlinePassed) => RoundState::Expired,
            // A live commitment binds us, and what the operator must mend is not mended by another round.
            (RoundState::Committed, _)
            | (
                _,
                RefusalReason::NotAuthorized
                | RefusalReason::InsufficientFunds
                | RefusalReason::InsufficientFee { .. }
                | RefusalReason::InsufficientStake
                | RefusalReason::UnknownAccount,
            ) => return Err(EngineError::Refused(refusal)),
            _ => RoundState::Abandoned,
        };
        round.reason = Some(refusal.to_string());
        self.enter(&mut round, next, height, &[])?;
        self.refresh_participants(&round).await?;
        Ok(Progress::Done)
    }

    /// Asks the chain what became of the participants.
    async fn refresh_participants(&self, round: &Round) -> Result<(), EngineError> {
        for id in round.participant_ids() {
            if let Some(gradient) = self.chain.gradient(id).await? {
                self.journal.refresh_gradient(&gradient)?;
            }
        }
        Ok(())
    }
}
