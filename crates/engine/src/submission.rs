//! Bringing a transaction onto the chain exactly once, through crashes and nodes that do not answer.
//!
//! The signed bytes are journaled before they are sent. Afterwards only those bytes are sent again, and
//! another transaction is made only when the first can never be included: a block past its timeout
//! height stands and the chain does not know it, or its sequence was used by another.

use r3mes_chain::{Any, Broadcast, Included, Inclusion, Refusal, RefusalReason, SignedTx, Terms};

use crate::context::Context;
use crate::event::EngineEvent;
use crate::journal::{EntryKind, LedgerEntry, OrderId, Purpose, SettledAs, Settlement, SignedTransaction};
use crate::round::RoundId;
use crate::trouble::{Concern, Part, Trouble};
use crate::{Checkpoint, EngineError};

/// How many blocks a transaction without a deadline may wait for its inclusion.
const TIMEOUT_BLOCKS: u64 = 12;

/// How often gas or fee is raised before a refusal is believed.
const RAISES: u32 = 3;

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

/// Where a transaction stands after a look at it.
enum Followed {
    /// It is decided.
    Ended(Submitted),
    /// It can never be included, and another one may be.
    Lost,
    /// Nothing is decided yet: the same bytes are looked for and sent again.
    Waits,
}

impl Submission<'_> {
    /// Brings the message onto the chain, or finds out what became of it before a restart.
    pub(crate) async fn settle(&self) -> Result<Submitted, EngineError> {
        loop {
            let mut earlier =
                self.context.journal.transactions(self.round_id, self.order_id, self.purpose)?;
            let in_flight = earlier.pop_if(|last| !last.has_failed());
            let attempts = Attempts::count(&earlier, &self.context.chain.spec().fee_denom);
            let transaction = match in_flight {
                Some(transaction) => transaction,
                None => match self.sign(&attempts).await? {
                    Signed::Ready(transaction) => transaction,
                    Signed::Not(outcome) => return Ok(outcome),
                },
            };
            match self.follow(&transaction, &attempts).await? {
                Followed::Ended(Submitted::Refused(refusal)) if attempts.may_raise(&refusal) => {}
                Followed::Ended(outcome) => return Ok(outcome),
                Followed::Lost | Followed::Waits => {}
            }
        }
    }

    /// Signs and journals a new transaction; nothing is sent yet.
    async fn sign(&self, attempts: &Attempts) -> Result<Signed, EngineError> {
        let Context { chain, key, journal, environment, .. } = self.context;
        let height = chain.status().await?.height as u64;
        let Some(timeout_height) = timeout_height(height, self.useful_until) else {
            return Ok(Signed::Not(Submitted::TooLate));
        };
        let limit = self.context.settings.submission.max_fee;
        let terms = Terms {
            timeout_height,
            gas_raises: attempts.gas_raises,
            // An hour without blocks is no reason to pay more for what has time.
            fee_raises: if self.useful_until.is_some() { attempts.fee_raises.min(RAISES) } else { 0 },
            least_fee: attempts.least_fee,
            most_fee: limit,
        };
        let signed = match chain.prepare_on(key, &self.messages, &terms).await {
            Ok(signed) => signed,
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error) => return Ok(Signed::Not(Submitted::Refused(error.into_refusal()?))),
        };
        let fee = signed.fee.amount_of(&chain.spec().fee_denom);
        if let Some(limit) = limit.filter(|limit| fee > *limit) {
            return Err(EngineError::FeeTooHigh { fee: signed.fee.to_string(), limit: limit.to_string() });
        }
        if attempts.made > 0 {
            let again = format!("attempt {} with a fee of {}", attempts.made + 1, signed.fee);
            self.tell_risk(height, attempts, again);
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
            sent: false,
            settlement: None,
        };
        journal.record_signed(&transaction, environment.now())?;
        if let Some((signed, _)) = self.checkpoints {
            self.context.pass(signed);
        }
        Ok(Signed::Ready(transaction))
    }

    /// Sends the transaction unless the chain has it, and waits for its end.
    async fn follow(
        &self,
        transaction: &SignedTransaction,
        attempts: &Attempts,
    ) -> Result<Followed, EngineError> {
        let Context { chain, journal, .. } = self.context;
        if let Some(included) = chain.find_tx(&transaction.hash).await? {
            return self.included(transaction, included);
        }
        let height = chain.status().await?.height as u64;
        // From here on a mempool may hold it, whatever is answered.
        journal.mark_sent(&transaction.hash)?;
        let signed = transaction.as_signed();
        let sent = match self.is_at_risk(height, attempts) {
            true => {
                self.tell_risk(height, attempts, "the transaction is sent through every endpoint".into());
                chain.broadcast_everywhere(&signed).await
            }
            false => chain.broadcast(&signed).await,
        };
        match sent {
            Broadcast::Accepted | Broadcast::AlreadyInMempool => {}
            // Whether it arrived or not, the chain will tell.
            Broadcast::Unknown(error) => {
                let remedy = "the same transaction is sent again until a block decides".to_owned();
                let trouble = Trouble {
                    part: Part::Rounds,
                    concern: Concern::Chain,
                    message: error.to_string(),
                    remedy: Some(remedy),
                };
                self.context.announcer.announce(EngineEvent::Trouble(trouble));
            }
            Broadcast::Refused(refusal) => match self.refused(transaction, refusal).await? {
                Followed::Waits => {}
                decided => return Ok(decided),
            },
        }
        if let Some((_, sent)) = self.checkpoints {
            self.context.pass(sent);
        }
        let wait = chain.wait_for_tx_between(&transaction.hash, transaction.timeout_height, || {
            self.context.next_news(self.context.poll_interval())
        });
        // A mempool may have been full, or have lost it: every other block the same bytes are sent again.
        let patience = self.context.settings.network.block_time * 2 + self.context.poll_interval();
        match tokio::time::timeout(patience, wait).await {
            Err(_) => Ok(Followed::Waits),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(Inclusion::Included(included))) => self.included(transaction, included),
            Ok(Ok(Inclusion::TimedOut)) => {
                self.record(transaction, SettledAs::TimedOut, None, None)?;
                Ok(Followed::Lost)
            }
        }
    }

    /// What a mempool's refusal means. One that had these bytes before may refuse them for their own effect, so
    /// that a refusal decides only where nothing was sent before, or where nothing can come of it any more.
    async fn refused(
        &self,
        transaction: &SignedTransaction,
        refusal: Refusal,
    ) -> Result<Followed, EngineError> {
        let Context { chain, address, .. } = self.context;
        let sequence = chain.account(address).await?.map_or(0, |account| account.sequence);
        let height = chain.status().await?.height as u64;
        // The node's index may not know yet: the blocks have the last word.
        if let Some(included) = self.look_in_blocks(transaction, height).await? {
            return self.included(transaction, included);
        }
        let is_over = sequence > transaction.sequence || height > transaction.timeout_height;
        if transaction.sent && !is_over {
            return Ok(Followed::Waits);
        }
        self.record(transaction, SettledAs::Refused, None, Some(&refusal))?;
        self.after(refusal)
    }

    /// What follows a transaction that was refused for good, in a block or before. Sequence and timeout height say
    /// nothing of what it asked for: another one may pass.
    fn after(&self, refusal: Refusal) -> Result<Followed, EngineError> {
        if !refusal.is_about_sequence() && !refusal.is_about_timeout_height() {
            return Ok(Followed::Ended(Submitted::Refused(refusal)));
        }
        if self.purpose == Purpose::Commit {
            // Somebody used our sequence: whether it was another commitment is asked first.
            return Err(r3mes_chain::ChainError::Refused(refusal).into());
        }
        Ok(Followed::Lost)
    }

    /// Looks for the transaction in every block that may hold it.
    async fn look_in_blocks(
        &self,
        transaction: &SignedTransaction,
        newest: u64,
    ) -> Result<Option<Included>, EngineError> {
        let window = TIMEOUT_BLOCKS.max(self.context.settings.network.reveal_window_blocks) + 1;
        let from = transaction.timeout_height.saturating_sub(window).max(1);
        let to = transaction.timeout_height.min(newest);
        Ok(self.context.chain.find_in_blocks(&transaction.hash, from, to).await?)
    }

    fn included(&self, transaction: &SignedTransaction, included: Included) -> Result<Followed, EngineError> {
        let refusal = included.refusal();
        self.record(transaction, SettledAs::Included, Some(&included), refusal.as_ref())?;
        match refusal {
            None => Ok(Followed::Ended(Submitted::Done(included))),
            Some(refusal) => self.after(refusal),
        }
    }

    /// Whether there is no time to ask one endpoint after the other.
    fn is_at_risk(&self, height: u64, attempts: &Attempts) -> bool {
        let window = self.context.settings.network.reveal_window_blocks;
        self.useful_until.is_some_and(|last| attempts.made > 0 || last.saturating_sub(height) <= window / 2)
    }

    fn tell_risk(&self, height: u64, attempts: &Attempts, doing: String) {
        if let (Some(last), true) = (self.useful_until, self.is_at_risk(height, attempts)) {
            self.context.reveal_at_risk(last as i64, height as i64, doing);
        }
    }

    /// Journals what became of the transaction, and books its fee if it paid one.
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
        Ok((coin.amount > 0 && included.paid_fee()).then(|| LedgerEntry {
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

/// What the failed transactions before teach the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Attempts {
    made: u32,
    gas_raises: u32,
    fee_raises: u32,
    /// What a node asked for, in the fee denom.
    least_fee: u128,
    fee_refusals: u32,
}

impl Attempts {
    fn count(earlier: &[SignedTransaction], fee_denom: &str) -> Attempts {
        let mut attempts = Attempts::default();
        for settlement in earlier.iter().filter_map(|transaction| transaction.settlement.as_ref()) {
            attempts.made += 1;
            match settlement.refusal().map(|refusal| refusal.reason) {
                Some(RefusalReason::OutOfGas) => attempts.gas_raises += 1,
                Some(RefusalReason::InsufficientFee { required }) => {
                    attempts.fee_refusals += 1;
                    match required.map(|coins| coins.amount_of(fee_denom)).filter(|least| *least > 0) {
                        Some(least) => attempts.least_fee = attempts.least_fee.max(least),
                        None => attempts.fee_raises += 1,
                    }
                }
                // Nobody took it in time: others paid more.
                Some(RefusalReason::TimeoutHeight) => attempts.fee_raises += 1,
                None if settlement.as_ == SettledAs::TimedOut => attempts.fee_raises += 1,
                _ => {}
            }
        }
        attempts
    }

    /// Whether another transaction with more gas or a higher fee can mend the refusal.
    fn may_raise(&self, refusal: &Refusal) -> bool {
        match refusal.reason {
            RefusalReason::OutOfGas => self.gas_raises < RAISES,
            RefusalReason::InsufficientFee { .. } => self.fee_refusals < RAISES,
            _ => false,
        }
    }
}

/// The last block that may hold a transaction signed at `height`; `None` when it is of no use any more. Before
/// a deadline each attempt gets a third of the blocks that are left, so that another one fits in behind it.
fn timeout_height(height: u64, useful_until: Option<u64>) -> Option<u64> {
    let Some(last) = useful_until else { return Some(height + TIMEOUT_BLOCKS) };
    match last.checked_sub(height)? {
        0 => None,
        left @ 1..=3 => Some(height + left),
        left => Some(height + (left / 3).max(2)),
    }
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

impl Settlement {
    /// The chain's refusal, where there was one.
    fn refusal(&self) -> Option<Refusal> {
        (self.code != 0).then(|| Refusal::new(self.codespace.clone(), self.code, self.log.clone()))
    }
}

#[cfg(test)]
#[path = "submission_tests.rs"]
mod tests;
