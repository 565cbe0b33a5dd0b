//! Sending a signed transaction, and learning what became of it.

use std::time::Duration;

use crate::chain::Chain;
use crate::error::NodeErrorKind;
use crate::included::Included;
use crate::refusal::{Refusal, RefusalReason};
use crate::rpc::{Asked, BroadcastTxSync};
use crate::tx::{SignedTx, tx_hash};
use crate::{ChainError, RpcLimits};

/// How many blocks before its timeout height a transaction is looked for in the blocks themselves.
const LOOK_BACK: u64 = 32;

/// What the node said to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// It waits in the mempool for a block.
    Accepted,
    /// The node has seen these bytes before: they wait for a block, or are in one.
    AlreadyInMempool,
    /// The mempool did not take it. Another copy may still be on its way: look the hash up.
    Refused(Refusal),
    /// The node did not answer, had no room, or is not up to it just after its start. The transaction may or may not be on its way: look the
    /// hash up, and send nothing but the same bytes.
    Unknown(ChainError),
}

/// How the wait for a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inclusion {
    /// A block holds it: see [`Included::refusal`] for whether it did what it should.
    Included(Included),
    /// Blocks past its timeout height stand and none up to that height holds it: none ever will.
    TimedOut,
}

impl Broadcast {
    fn of(answer: Result<BroadcastTxSync, ChainError>, chain_id: &str) -> Broadcast {
        let answer = match answer {
            Ok(answer) => answer,
            Err(ChainError::Node(error)) => {
                return match error.kind {
                    NodeErrorKind::TxInCache => Broadcast::AlreadyInMempool,
                    NodeErrorKind::TxTooLarge => Broadcast::Refused(Refusal::new("sdk", 21, error.data)),
                    _ => Broadcast::Unknown(error.into()),
                };
            }
            Err(error) => return Broadcast::Unknown(error),
        };
        if answer.code == 0 {
            return Broadcast::Accepted;
        }
        let refusal = Refusal::new(answer.codespace, answer.code, answer.log);
        match refusal.reason {
            RefusalReason::AlreadyInMempool => Broadcast::AlreadyInMempool,
            RefusalReason::MempoolFull => Broadcast::Unknown(refusal.into()),
            RefusalReason::SignatureRejected if refusal.is_of_a_new_start(chain_id) => {
                Broadcast::Unknown(refusal.into())
            }
            _ => Broadcast::Refused(refusal),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Broadcast::Accepted => 0,
            Broadcast::AlreadyInMempool => 1,
            Broadcast::Unknown(_) => 2,
            Broadcast::Refused(_) => 3,
        }
    }
}

impl Chain {
    /// Hands the bytes to the mempool of the first endpoint that answers.
    pub async fn broadcast(&self, tx: &SignedTx) -> Broadcast {
        let Asked { answer, lost } = self.rpc().offer(&tx.bytes).await;
        match (Broadcast::of(answer, &self.spec().chain_id), lost) {
            // An attempt before may have arrived: this refusal can be of its effect.
            (Broadcast::Refused(_), Some(lost)) => Broadcast::Unknown(lost),
            (outcome, _) => outcome,
        }
    }

    /// Hands the bytes to the mempools of all endpoints at once, when there is no time to ask one after the
    /// other.
    pub async fn broadcast_everywhere(&self, tx: &SignedTx) -> Broadcast {
        let answers = self.rpc().offer_to_all(&tx.bytes).await;
        let outcomes = answers.into_iter().map(|answer| Broadcast::of(answer, &self.spec().chain_id));
        // The best outcome counts: one mempool that has it is enough, and one refusal does not undo it.
        outcomes.min_by_key(Broadcast::rank).unwrap_or_else(|| {
            Broadcast::Unknown(ChainError::malformed("broadcast_tx_sync", "no endpoint was asked"))
        })
    }

    /// The transaction with this hash, where a block that the node has indexed holds it.
    ///
    /// # Errors
    /// Where the node does not answer, or keeps no index.
    pub async fn find_tx(&self, hash: &str) -> Result<Option<Included>, ChainError> {
        Ok(self.rpc().tx(hash).await?.map(Included::from))
    }

    /// Waits until a block holds the transaction or none ever will, asking every `poll`. A timeout
    /// height of 0 never passes.
    ///
    /// # Errors
    /// Where the node does not answer. Nothing is decided then: wait again.
    pub async fn wait_for_tx(
        &self,
        hash: &str,
        timeout_height: u64,
        poll: Duration,
    ) -> Result<Inclusion, ChainError> {
        self.wait_for_tx_between(hash, timeout_height, || tokio::time::sleep(poll)).await
    }

    /// As [`Chain::wait_for_tx`], asking again whenever `pause` is over: it may end with a new block, which
    /// somebody else hears of.
    ///
    /// # Errors
    /// As [`Chain::wait_for_tx`].
    pub async fn wait_for_tx_between<P: Future<Output = ()>>(
        &self,
        hash: &str,
        timeout_height: u64,
        mut pause: impl FnMut() -> P,
    ) -> Result<Inclusion, ChainError> {
        loop {
            // The height comes first: what is not found afterwards was in no block up to it.
            let height = self.status().await?.height.unsigned_abs();
            if let Some(included) = self.find_tx(hash).await? {
                return Ok(Inclusion::Included(included));
            }
            // A node reports a block before it has carried it out; the one after it proves that it has.
            if timeout_height > 0 && height > timeout_height.saturating_add(1) {
                // The index is written after the block, by another task: the blocks have the last word.
                let from = timeout_height.saturating_sub(LOOK_BACK).max(1);
                return Ok(match self.find_in_blocks(hash, from, timeout_height).await? {
                    Some(included) => Inclusion::Included(included),
                    None => Inclusion::TimedOut,
                });
            }
            pause().await;
        }
    }

    /// Looks for a transaction in the blocks of these heights, without the node's index. Blocks that the
    /// node no longer keeps are passed over.
    ///
    /// # Errors
    /// Where the node does not answer.
    pub async fn find_in_blocks(
        &self,
        hash: &str,
        from: u64,
        to: u64,
    ) -> Result<Option<Included>, ChainError> {
        for height in (from..=to).rev() {
            let height = i64::try_from(height).unwrap_or(i64::MAX);
            let block = match self.rpc().block(Some(height)).await {
                Ok(block) => block,
                Err(ChainError::Node(error)) if error.kind == NodeErrorKind::HeightPruned => break,
                Err(error) => return Err(error),
            };
            let Some(index) = block.txs.iter().position(|tx| tx_hash(tx).eq_ignore_ascii_case(hash)) else {
                continue;
            };
            let mut results = self.rpc().block_results(Some(height)).await?.txs_results;
            if index >= results.len() {
                let found = results.len();
                let reason = format!("{found} results for {} transactions", block.txs.len());
                return Err(ChainError::malformed("block_results", reason));
            }
            let (result, tx) = (results.swap_remove(index), block.txs[index].clone());
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            return Ok(Some(Included::from_result(tx_hash(&tx), height, index, tx, result)));
        }
        Ok(None)
    }

    /// The same chain with other limits on each call.
    pub fn with_limits(self, limits: RpcLimits) -> Self {
        let spec = self.spec().clone();
        Chain::new(self.rpc().clone().with_limits(limits), spec)
    }
}
