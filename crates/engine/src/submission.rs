//! Bringing a transaction onto the chain exactly once, through crashes and nodes that do not answer.
//!
//! The signed bytes are journaled before they are sent. Afterwards only those bytes are sent again, and
//! another transaction is made only when the first can never be included: a block past its timeout
//! height stands and the chain does not know it, or its sequence was used by another.

use r3mes_chain::{Any, Broadcast, Included, Inclusion, Refusal, SignedTx};

use crate::context::Context;
use crate::journal::{EntryKind, LedgerEntry, OrderId, Purpose, SettledAs, Settlement, SignedTransaction};
use crate::round::RoundId;
use crate::{Checkpoint, EngineError};

/// How many blocks a transaction may wait for its inclusion.
const TIMEOUT_BLOCKS: u64 = 12;

/// One transaction to be brought onto the chain.
pub(crate) struct Submission<'a> {
    pub(crate) context: &'a Context,
    pub(crate) round_id: Option<RoundId>,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) purpose: Purpose,
    pub(crate) messages: Vec<Any>,
    /// The last height at which it is of use.
    pub(crate) useful_until: Option<u64>,
    /// Passed when signed, and when sent.
    pub(crate) checkpoints: Option<(Checkpoint, Checkpoint)>,
}

/// How a submission ended.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// A block holds it, and the chain did what it asked.
    Done(Included),
    /// The chain refused what it asked, in a block or before.
    Refused(Refusal),
    /// It is of no use any more, and no block holds it.
    TooLate,
}

impl Submission<'_> {
    /// Brings the message onto the chain, or finds out what became of it before a restart.
    pub(crate) async fn settle(&self) -> Result<Submitted, EngineError> {
        loop {
            let last = self.context.journal.transactions(self.round_id, self.order_id, self.purpose)?.pop();
            let transaction = match last.filter(|last| !last.has_failed()) {
                Some(transaction) => transaction,
                None => match self.sign().await? {
                    Signed::Ready(transaction) => transaction,
                    Signed::Not(outcome) => return Ok(outcome),
                },
            };
            if let Some(outcome) = self.follow(&transaction).await? {
                return Ok(outcome);
            }
        }
    }

    /// Signs and journals a new transaction; nothing is sent yet.
    async fn sign(&self) -> Result<Signed, EngineError> {
        let Context { chain, key, journal, environment, .. } = self.context;
        let height = chain.status().await?.height as u64;
        let timeout_height = match self.useful_until {
            Some(last) if height >= last => return Ok(Signed::Not(Submitted::TooLate)),
            Some(last) => last.min(height + TIMEOUT_BLOCKS),
            None => height + TIMEOUT_BLOCKS,
        };
        let signed = match chain.prepare(key, &self.messages, timeout_height).await {
            Ok(signed) => signed,
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => return Ok(Signed::Not(Submitted::Refused(error.into_refusal()?))),
        };
        let fee = signed.fee.amount_of(&chain.spec().fee_denom);
        if let Some(limit) = self.context.settings.submission.max_fee.filter(|limit| fee > *limit) {
            return Err(EngineError::FeeTooHigh { fee: signed.fee.to_string(), limit: limit.to_string() });
        }
        let transaction = SignedTransaction {
            hash: signed.hash,
            round_id: self.round_id,
            order_id: self.order_id,
            purpose: self.purpose,
            bytes: signed.bytes,
            sequence: signed.sequence,
            timeout_height,
            fee: signed.fee.to_string(),
            settlement: None,
        };
        journal.record_signed(&transaction, environment.now())?;
        if let Some((signed, _)) = self.checkpoints {
            self.context.pass(signed);
        }
        Ok(Signed::Ready(transaction))
    }

    /// Sends the transaction unless the chain has it, and waits for its end. `None`: nothing is decided yet,
    /// or it can never be included and another one is needed; the journal says which.
    async fn follow(&self, transaction: &SignedTransaction) -> Result<Option<Submitted>, EngineError> {
        let chain = &self.context.chain;
        if let Some(included) = chain.find_tx(&transaction.hash).await? {
            return self.included(transaction, included).map(Some);
        }
        match chain.broadcast(&transaction.as_signed()).await {
            // Whether it arrived or not, the chain will tell.
            Broadcast::Accepted | Broadcast::AlreadyInMempool | Broadcast::Unknown(_) => {}
            Broadcast::Refused(refusal) => {
                // It may have been included a moment ago, and be refused for its used sequence now. The
                // node's index may not know yet: the blocks have the last word.
                if let Some(included) = self.look_in_blocks(transaction).await? {
                    return self.included(transaction, included).map(Some);
                }
                self.record(transaction, SettledAs::Refused, None, Some(&refusal))?;
                let another_may_pass = refusal.is_about_sequence() || refusal.is_about_timeout_height();
                if another_may_pass && self.purpose == Purpose::Commit {
                    // Somebody used our sequence: whether it was another commitment is asked first.
                    return Err(r3mes_chain::ChainError::Refused(refusal).into());
                }
                return Ok((!another_may_pass).then_some(Submitted::Refused(refusal)));
            }
        }
        if let Some((_, sent)) = self.checkpoints {
            self.context.pass(sent);
        }
        let poll = self.context.poll_interval();
        let wait = chain.wait_for_tx(&transaction.hash, transaction.timeout_height, poll);
        // A mempool may have been full, or have lost it: every other block the same bytes are sent again.
        let patience = self.context.settings.network.block_time * 2 + poll;
        match tokio::time::timeout(patience, wait).await {
            Err(_) => Ok(None),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(Inclusion::Included(included))) => self.included(transaction, included).map(Some),
            Ok(Ok(Inclusion::TimedOut)) => {
                self.record(transaction, SettledAs::TimedOut, None, None)?;
                Ok(None)
            }
        }
    }

    /// Looks for the transaction in every block that may hold it.
    async fn look_in_blocks(&self, transaction: &SignedTransaction) -> Result<Option<Included>, EngineError> {
        let chain = &self.context.chain;
        let newest = chain.status().await?.height as u64;
        let window = TIMEOUT_BLOCKS.max(self.context.settings.network.reveal_window_blocks) + 1;
        let from = transaction.timeout_height.saturating_sub(window).max(1);
        Ok(chain.find_in_blocks(&transaction.hash, from, transaction.timeout_height.min(newest)).await?)
    }

    fn included(
        &self,
        transaction: &SignedTransaction,
        included: Included,
    ) -> Result<Submitted, EngineError> {
        let refusal = included.refusal();
        self.record(transaction, SettledAs::Included, Some(&included), refusal.as_ref())?;
        Ok(match refusal {
            None => Submitted::Done(included),
            Some(refusal) => Submitted::Refused(refusal),
        })
    }

    /// Journals what became of the transaction, and books its fee if a block holds it.
    fn record(
        &self,
        transaction: &SignedTransaction,
        as_: SettledAs,
        included: Option<&Included>,
        refusal: Option<&Refusal>,
    ) -> Result<(), EngineError> {
        let settlement = Settlement {
            as_,
            height: included.map(|included| included.height),
            code: refusal.map_or(0, |refusal| refusal.code),
            codespace: refusal.map(|refusal| refusal.codespace.clone()).unwrap_or_default(),
            log: refusal.map(|refusal| refusal.log.clone()).unwrap_or_default(),
            gas_used: included.map_or(0, |included| included.gas_used),
        };
        let fee = match included {
            Some(included) => self.fee(transaction, included)?,
            None => None,
        };
        self.context.journal.settle(&transaction.hash, &settlement, fee.as_ref())?;
        Ok(())
    }

    fn fee(
        &self,
        transaction: &SignedTransaction,
        included: &Included,
    ) -> Result<Option<LedgerEntry>, EngineError> {
        let coin: r3mes_chain::Coin = match transaction.fee.parse() {
            Ok(coin) => coin,
            Err(_) => return Ok(None),
        };
        Ok((coin.amount > 0).then(|| LedgerEntry {
            kind: EntryKind::Fee,
            amount: coin.amount,
            denom: coin.denom,
            tx_hash: transaction.hash.clone(),
            height: included.height,
            round_id: self.round_id,
            at: self.context.environment.now(),
        }))
    }
}

/// What came of signing.
enum Signed {
    /// A transaction that is journaled and may be sent.
    Ready(SignedTransaction),
    /// None: the chain would refuse it, or it is too late.
    Not(Submitted),
}

impl SignedTransaction {
    /// What the chain's client sends. Gas and fee stand in the bytes already.
    fn as_signed(&self) -> SignedTx {
        SignedTx {
            bytes: self.bytes.clone(),
            hash: self.hash.clone(),
            sequence: self.sequence,
            timeout_height: self.timeout_height,
            gas_limit: 0,
            fee: self.fee.parse().unwrap_or_default(),
        }
    }

    /// Whether it ended without doing what it was for. One that succeeded is followed again: the chain
    /// has its events.
    fn has_failed(&self) -> bool {
        self.settlement
            .as_ref()
            .is_some_and(|settlement| settlement.as_ != SettledAs::Included || settlement.code != 0)
    }
}
