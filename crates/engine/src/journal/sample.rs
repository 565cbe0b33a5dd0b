//! A made-up history, written by the calls by which the engine writes a true one: what faces are measured with.

use std::time::Duration;

use cosmrs::AccountId;
use r3mes_chain::proto::StoredGradient;
use r3mes_gradient::{Container, Layout};
use r3mes_ipfs::{CidSettings, cid_of_bytes};
use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{
    EntryKind, Journal, JournalError, LedgerEntry, Purpose, SettledAs, Settlement, SignedTransaction,
};
use crate::round::{
    AggregationProof, Commitment, Exclusion, IncludedCommitment, Participant, PublishedAggregate, Round,
    RoundState, Selection,
};
use crate::verification::{Check, Facts, Finding, Judgement};

/// Miners that take turns.
const MINERS: u64 = 200;

/// From one round's opening to the next.
const PACE: Duration = Duration::from_secs(15 * 60);

/// Blocks from one round's opening to the next.
const BLOCKS: i64 = 180;

/// The newest rounds, which can still be challenged.
const WATCHED: u64 = 8;

/// What a history is made of.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Rounds, each of which is committed. Of a hundred, two are superseded and two expire.
    pub rounds: u64,
    /// Gradients of each round, all of them judged: of a hundred, some six reported and four unusable.
    pub gradients: u64,
    /// When the last round is over.
    pub until: OffsetDateTime,
    /// What rewards are paid in.
    pub reward_denom: String,
    /// What fees are paid in.
    pub fee_denom: String,
}

impl Journal {
    /// Writes a sample into an empty journal. A fall of the system in the midst of it leaves a broken file.
    ///
    /// # Errors
    /// When the database cannot be written, or holds rounds or gradients already.
    pub fn write_sample(&self, sample: &Sample) -> Result<(), JournalError> {
        if self.gradient_counts()?.0 > 0 || !self.recent_rounds(1)?.is_empty() {
            return Err(JournalError::Content("there is a history in it already".to_owned()));
        }
        self.lock().pragma_update(None, "synchronous", "OFF")?;
        let layout: Layout = serde_json::from_value(json!([
            { "name": "lora_a.weight", "shape": [8, 64], "dtype": "f32" },
            { "name": "lora_b.weight", "shape": [10, 8], "dtype": "f32" },
        ]))?;
        for number in 0..sample.rounds {
            Chapter { journal: self, sample, layout: &layout, number }.write()?;
        }
        let connection = self.lock();
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

/// One round of a sample, with its gradients.
struct Chapter<'a> {
    journal: &'a Journal,
    sample: &'a Sample,
    layout: &'a Layout,
    number: u64,
}

impl Chapter<'_> {
    fn write(&self) -> Result<(), JournalError> {
        let first = self.number * self.sample.gradients;
        let gradients = (first..first + self.sample.gradients)
            .map(|id| self.gradient(id))
            .collect::<Result<Vec<_>, _>>()?;
        self.journal.record_gradients(&gradients, first + self.sample.gradients, self.at(0))?;
        let mut judged = Vec::with_capacity(gradients.len());
        for gradient in gradients {
            let judgement = self.judgement(&gradient);
            self.journal.record_judgement(gradient.id, &judgement)?;
            judged.push((gradient, judgement));
        }
        let mut round = self.closed(&judged)?;
        self.commit(&mut round)?;
        match self.number % 100 {
            17 | 67 => self.leave(round, RoundState::Superseded, "another proposer's aggregation took them"),
            42 | 92 => {
                self.leave(round, RoundState::Expired, "the reveal was in no block before its deadline")
            }
            _ => self.reveal(round),
        }
    }

    /// The moment and the block of one of the ten steps of the round.
    fn at(&self, step: u32) -> OffsetDateTime {
        let left = u32::try_from(self.sample.rounds - self.number).unwrap_or(u32::MAX);
        self.sample.until - PACE * left + PACE / 10 * step
    }

    fn height(&self, step: u32) -> i64 {
        1000 + self.number as i64 * BLOCKS + BLOCKS / 10 * i64::from(step)
    }

    fn gradient(&self, id: u64) -> Result<StoredGradient, JournalError> {
        Ok(StoredGradient {
            id,
            miner: miner(id * 7 % MINERS)?,
            ipfs_hash: cid("gradient", id),
            model_version: format!("v{}", 1 + self.number / 500),
            training_round_id: self.number + 1,
            gradient_hash: hex::encode(draw("gradient hash", id)),
            gpu_architecture: "Ampere".to_owned(),
            submitted_at_height: self.height(0),
            status: "pending".to_owned(),
            claimed_loss: format!("{:.4}", share("loss", id)),
            ..StoredGradient::default()
        })
    }

    fn judgement(&self, gradient: &StoredGradient) -> Judgement {
        let id = gradient.id;
        let mut findings = vec![
            Finding::new(Check::Source, true, "the record's own words", "the chain's record"),
            Finding::new(
                Check::ClaimedLoss,
                true,
                &gradient.claimed_loss,
                "a finite number that is not negative",
            ),
        ];
        let chance = share("verdict", id);
        if chance > 0.96 {
            findings.push(Finding::failed(Check::Format, "a header longer than its file", "a container"));
            return Judgement { findings, facts: None };
        }
        let norm = (0.8 + 0.4 * share("norm", id)) * if chance > 0.9 { 25.0 } else { 1.0 };
        findings.push(Finding::new(Check::Format, true, "safetensors", "one of the three containers"));
        findings.push(Finding::new(Check::GradientHash, true, &gradient.gradient_hash, "the announced one"));
        findings.push(Finding::new(Check::Norm, chance <= 0.9, format!("{norm:.4}"), "at most 10"));
        let facts = Facts {
            container: Container::Safetensors,
            bytes: 2400 + id % 100,
            layout: self.layout.clone(),
            sample_count: Some(64),
            l2_norm: norm,
            max_abs: norm / 10.0,
            zero_share: 0.0,
            non_finite: 0,
            gradient_hash: gradient.gradient_hash.clone(),
            content_hash: hex::encode(draw("content", id)),
        };
        Judgement { findings, facts: Some(facts) }
    }

    /// The round, opened, and brought to where its aggregate stands.
    fn closed(&self, judged: &[(StoredGradient, Judgement)]) -> Result<Round, JournalError> {
        let mut round = Round {
            id: 0,
            state: RoundState::Collecting,
            training_round_id: self.number + 1,
            model_version: judged.first().map(|(first, _)| first.model_version.clone()).unwrap_or_default(),
            opened_at: self.at(0),
            opened_height: self.height(0),
            selection: None,
            aggregate: None,
            commitment: None,
            aggregation: None,
            reason: None,
        };
        self.journal.open_round(&mut round, self.at(0))?;
        let (usable, unusable): (Vec<_>, Vec<_>) =
            judged.iter().partition(|(_, judgement)| judgement.is_usable());
        round.selection = Some(Selection {
            closed_at: self.at(1),
            method: "median".to_owned(),
            participants: usable.into_iter().map(|(gradient, _)| participant(gradient)).collect(),
            excluded: unusable
                .into_iter()
                .map(|(gradient, judgement)| exclusion(gradient, judgement))
                .collect(),
        });
        self.advance(&mut round, RoundState::Aggregating, 1, &[])?;
        round.aggregate = Some(PublishedAggregate {
            cid: cid("aggregate", self.number),
            merkle_root: hex::encode(draw("root", self.number)),
            bytes: 2440,
        });
        self.advance(&mut round, RoundState::Publishing, 2, &[])?;
        Ok(round)
    }

    fn commit(&self, round: &mut Round) -> Result<(), JournalError> {
        let mut commitment = Commitment {
            salt: hex::encode(draw("salt", self.number)),
            hash: hex::encode(draw("commitment", self.number)),
            included: None,
        };
        round.commitment = Some(commitment.clone());
        self.journal.update_round(round)?;
        self.send(round, Purpose::Commit, 3)?;
        let height = self.height(3);
        commitment.included =
            Some(IncludedCommitment { id: self.number, height, deadline_height: height + 100 });
        round.commitment = Some(commitment);
        self.advance(round, RoundState::Committed, 3, &[])
    }

    fn reveal(&self, mut round: Round) -> Result<(), JournalError> {
        let tx_hash = self.send(&round, Purpose::Reveal, 4)?;
        let height = self.height(4);
        let reward = 400_000 + u128::from(self.number % 97) * 1000;
        round.aggregation = Some(AggregationProof {
            id: self.number,
            height,
            challenge_deadline_height: height + BLOCKS,
            reward,
            tx_hash: tx_hash.clone(),
        });
        let similarities: Vec<(u64, f64)> = round
            .participant_ids()
            .into_iter()
            .map(|id| (id, 1.0 - share("similarity", id).powi(3)))
            .collect();
        self.journal.record_similarities(&similarities)?;
        let booked = self.booking(&round, EntryKind::Reward, reward, &self.sample.reward_denom, tx_hash, 4);
        self.advance(&mut round, RoundState::Revealed, 4, &[booked])?;
        if self.number + WATCHED < self.sample.rounds {
            self.advance(&mut round, RoundState::Finalized, 9, &[])?;
        }
        Ok(())
    }

    fn leave(&self, mut round: Round, state: RoundState, why: &str) -> Result<(), JournalError> {
        round.reason = Some(why.to_owned());
        self.advance(&mut round, state, 9, &[])
    }

    fn advance(
        &self,
        round: &mut Round,
        state: RoundState,
        step: u32,
        bookings: &[LedgerEntry],
    ) -> Result<(), JournalError> {
        self.journal.advance_round(round, state, self.height(step), bookings, self.at(step))
    }

    /// A transaction from its signing to its inclusion. Returns its hash.
    fn send(&self, round: &Round, purpose: Purpose, step: u32) -> Result<String, JournalError> {
        let sequence = self.number * 2 + u64::from(purpose == Purpose::Reveal);
        let hash = hex::encode_upper(draw("transaction", sequence));
        let fee = 2500 + u128::from(sequence % 50);
        let transaction = SignedTransaction {
            hash: hash.clone(),
            round_id: Some(round.id),
            order_id: None,
            purpose,
            bytes: draw("bytes", sequence).repeat(20),
            sequence,
            timeout_height: self.height(step) as u64 + 12,
            fee: format!("{fee}{}", self.sample.fee_denom),
            sent: false,
            settlement: None,
        };
        self.journal.record_signed(&transaction, self.at(step))?;
        self.journal.mark_sent(&hash)?;
        let settlement = Settlement {
            as_: SettledAs::Included,
            height: Some(self.height(step)),
            code: 0,
            codespace: String::new(),
            log: String::new(),
            gas_used: 90_000 + (sequence % 1000) as i64,
        };
        let booked = self.booking(round, EntryKind::Fee, fee, &self.sample.fee_denom, hash.clone(), step);
        self.journal.settle(&hash, &settlement, Some(&booked))?;
        Ok(hash)
    }

    fn booking(
        &self,
        round: &Round,
        kind: EntryKind,
        amount: u128,
        denom: &str,
        tx_hash: String,
        step: u32,
    ) -> LedgerEntry {
        LedgerEntry {
            kind,
            amount,
            denom: denom.to_owned(),
            tx_hash,
            height: self.height(step),
            round_id: Some(round.id),
            at: self.at(step),
        }
    }
}

fn participant(gradient: &StoredGradient) -> Participant {
    Participant {
        gradient_id: gradient.id,
        miner: gradient.miner.clone(),
        gradient_hash: gradient.gradient_hash.clone(),
        weight: 1.0,
    }
}

fn exclusion(gradient: &StoredGradient, judgement: &Judgement) -> Exclusion {
    let reasons: Vec<String> = judgement.failures().map(Finding::sentence).collect();
    Exclusion {
        gradient_id: gradient.id,
        miner: gradient.miner.clone(),
        checks: judgement.failures().map(|finding| finding.check).collect(),
        reason: reasons.join("; "),
    }
}

/// 32 bytes that follow from a name and a number.
fn draw(what: &str, number: u64) -> [u8; 32] {
    Sha256::new().chain_update(what).chain_update(number.to_le_bytes()).finalize().into()
}

/// A number from 0 to below 1.
fn share(what: &str, number: u64) -> f64 {
    let bytes = draw(what, number);
    f64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) / 2_f64.powi(32)
}

fn cid(what: &str, number: u64) -> String {
    cid_of_bytes(&draw(what, number), &CidSettings::v1()).to_string()
}

fn miner(number: u64) -> Result<String, JournalError> {
    let account = AccountId::new("remes", &draw("miner", number)[..20])
        .map_err(|error| JournalError::Content(error.to_string()))?;
    Ok(account.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{GradientFilter, GradientVerdict, ListedGradient, SubmissionFilter};

    fn sample() -> Sample {
        Sample {
            rounds: 50,
            gradients: 10,
            until: OffsetDateTime::UNIX_EPOCH + PACE * 100,
            reward_denom: "remes".into(),
            fee_denom: "stake".into(),
        }
    }

    #[test]
    fn a_sample_is_listed_as_a_history_of_the_engines_own() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        journal.write_sample(&sample()).unwrap();
        let of = |verdict| {
            let filter = GradientFilter { verdict, ..GradientFilter::default() };
            journal.gradient_page(&filter, 0, 500).unwrap()
        };
        let (all, page) = of(None);
        assert_eq!((all, page.len()), (500, 500));
        let left_out: Vec<_> = page.iter().filter(|listed| listed.excluded).collect();
        let usable = |listed: &&ListedGradient| listed.gradient.judgement.as_ref().unwrap().is_usable();
        assert!(!left_out.is_empty() && !left_out.iter().any(usable));
        let counts: Vec<u64> =
            [GradientVerdict::Passed, GradientVerdict::Reported, GradientVerdict::Unusable]
                .map(|verdict| of(Some(verdict)).0)
                .to_vec();
        assert_eq!(counts.iter().sum::<u64>(), 500);
        assert!(counts[0] > 400 && counts[1] > 0 && counts[2] > 0, "{counts:?}");
        let (submitted, page) = journal.submission_page(&SubmissionFilter::default(), 0, 500).unwrap();
        assert_eq!(submitted, 50);
        for record in &page {
            let revealed = record.round.aggregation.is_some();
            assert_eq!(record.fees.len(), 1 + usize::from(revealed));
            assert!(record.commit_tx.is_some() && record.gas_used > 0);
        }
        let outcomes = journal.round_outcomes().unwrap();
        assert_eq!((outcomes.ended, outcomes.standing), (50, 48));
        assert!(journal.totals("remes").unwrap().earned > 0);
        let unsettled: Vec<i64> = journal.unsettled_rounds().unwrap().iter().map(|round| round.id).collect();
        assert_eq!(unsettled, [44, 45, 46, 47, 48, 49, 50], "43 has expired");
        assert_eq!(journal.training_rounds().unwrap().get(&50), Some(&50));
        let refused = journal.write_sample(&sample()).unwrap_err();
        assert!(refused.to_string().contains("already"), "{refused}");
    }
}
