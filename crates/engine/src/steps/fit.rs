//! How many participants one transaction can carry.

use r3mes_chain::proto::MsgSubmitAggregation;
use r3mes_chain::rpc::ConsensusParams;
use r3mes_chain::{ChainError, Refusal, RefusalReason, Terms};

use crate::EngineError;
use crate::context::Context;
use crate::journal::GradientRow;
use crate::round::Round;
use crate::verification::Judgement;

/// Bytes of a transaction that CometBFT's mempool takes, unless a node is configured otherwise.
const MAX_TX_BYTES: u64 = 1024 * 1024;

/// What a reveal holds beside what a direct submission does: the salt and the commitment's id.
const REVEAL_BYTES: u64 = 128;

/// The cursor that holds the most participants of a round, where one was refused for its size.
const MOST_PARTICIPANTS: &str = "participants-at-most";

/// Stands in for the aggregate, which is not computed yet: a CID of the same length.
const CID: &str = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

impl Context {
    /// How many of these gradients, the first ones, the chain takes as one round: by the bytes of the
    /// transaction, and by the gas that a simulation of it uses against what a block may hold. The direct
    /// submission is simulated, since it does what a reveal does and needs no commitment.
    pub(crate) async fn largest_round(
        &self,
        round: &Round,
        included: &[(GradientRow, Judgement)],
    ) -> Result<usize, EngineError> {
        let limits = match self.chain.rpc().consensus_params().await {
            Ok(limits) => limits,
            Err(error) if error.is_transient() => return Err(error.into()),
            // A node that does not tell: the chain's own answer to the transaction will.
            Err(_) => ConsensusParams::default(),
        };
        let most_bytes = limits.max_bytes.map_or(MAX_TX_BYTES, |bytes| bytes.min(MAX_TX_BYTES));
        let model_version = self.revealed_version(round).await?;
        let mut count = match self.journal.cursor(MOST_PARTICIPANTS)? {
            0 => included.len(),
            most => included.len().min(usize::try_from(most).unwrap_or(usize::MAX)),
        };
        while count > 1 {
            let records = included[..count].iter().map(|(gradient, _)| &gradient.record);
            let hashes: Vec<&str> = records.clone().map(|record| record.gradient_hash.as_str()).collect();
            let message = r3mes_chain::any(&MsgSubmitAggregation {
                proposer: self.address.clone(),
                aggregated_gradient_ipfs_hash: CID.into(),
                merkle_root: r3mes_chain::merkle_root(&hashes).unwrap_or_default(),
                participant_gradient_ids: records.map(|record| record.id).collect(),
                training_round_id: round.training_round_id,
                model_version: model_version.clone(),
            });
            let messages = std::slice::from_ref(&message);
            let bytes = self.chain.tx_bytes(&self.key, messages) as u64 + REVEAL_BYTES;
            if bytes > most_bytes {
                count = fewer(count, bytes, most_bytes);
                continue;
            }
            let Some(most_gas) = limits.max_gas else { return Ok(count) };
            let terms = Terms::default();
            let estimate = self.chain.estimate(&self.address, self.key.public_key(), messages, &terms).await;
            match estimate.map(|estimate| estimate.gas_limit) {
                Ok(gas) if with_reserve(gas) <= most_gas => return Ok(count),
                Ok(gas) => count = fewer(count, with_reserve(gas), most_gas),
                Err(ChainError::Refused(refusal)) if is_too_large(&refusal) => count /= 2,
                Err(error) if error.is_transient() => return Err(error.into()),
                // Whatever else is wrong is told when the round is submitted.
                Err(_) => return Ok(count),
            }
        }
        Ok(count)
    }

    /// Keeps later rounds below the size of one that was refused for it, whatever the limits say.
    pub(crate) fn halve_rounds(&self, round: &Round) -> Result<(), EngineError> {
        let most = (round.participant_ids().len() as u64 / 2).max(1);
        Ok(self.journal.set_cursor(MOST_PARTICIPANTS, most)?)
    }
}

/// Whether a transaction over fewer participants would not be refused for the same.
pub(super) fn is_too_large(refusal: &Refusal) -> bool {
    matches!(refusal.reason, RefusalReason::TxTooLarge | RefusalReason::OutOfGas)
}

/// A reveal also reads and writes its commitment, with all of its participants.
fn with_reserve(gas: u64) -> u64 {
    gas.saturating_add(gas / 4)
}

/// The number of participants to try next, when `count` of them take `used` of `most`: the share that fits, and
/// always fewer.
fn fewer(count: usize, used: u64, most: u64) -> usize {
    let share = count as u128 * u128::from(most) / u128::from(used.max(1));
    usize::try_from(share).unwrap_or(count).min(count - 1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_fits_is_tried_next() {
        assert_eq!(fewer(100, 200, 100), 50);
        assert_eq!(fewer(100, 101, 100), 99);
        assert_eq!(fewer(100, 1_000_000, 100), 1, "one is always left");
        assert_eq!(fewer(2, 5, 5), 1, "always fewer");
    }
}
