//! Through the blocks, from where the books end to where the chain is.

use std::sync::Arc;

use futures::{StreamExt, stream};
use r3mes_chain::rpc::{BlockResults, TxOrder};
use r3mes_chain::{Chain, ChainError, Event, Included, NodeErrorKind, tx};

use super::movements::{self, Movements};
use crate::EngineError;
use crate::environment::Clock;
use crate::journal::{Gap, Journal, LedgerEntry, Opening, Purpose};

/// Blocks that are read before anything is written: a crash reads so many again.
const BATCH: i64 = 64;

/// Blocks that are asked for at the same time.
const PARALLEL: usize = 4;

/// The books of one account on one chain.
#[derive(Clone)]
pub struct Ledger<'a> {
    /// Where they stand.
    pub journal: &'a Journal,
    /// The chain that they speak of.
    pub chain: &'a Chain,
    /// The account.
    pub address: &'a str,
    /// When entries are booked.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ledger<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Ledger<'_> {
    /// Begins the books with the balance of now, unless they have begun.
    ///
    /// # Errors
    /// When the node does not answer, or the journal fails.
    pub async fn open(&self) -> Result<Opening, EngineError> {
        if let Some(opening) = self.journal.opening()? {
            return Ok(opening);
        }
        let (balances, height) = self.chain.balances_at(self.address).await?;
        self.journal.open_books(&Opening { height, balances, at: self.clock.now() })?;
        // Another process may have been first.
        self.journal.opening()?.ok_or_else(|| {
            crate::journal::JournalError::Content("the opening of the books is not there".into()).into()
        })
    }

    /// Books all blocks up to the chain's newest, and returns the entries that are new. What the node can
    /// no longer tell becomes a gap.
    ///
    /// # Errors
    /// When the node does not answer, or the journal fails. What was booked stays.
    pub async fn follow(&self) -> Result<Vec<LedgerEntry>, EngineError> {
        let height = self.chain.status().await?.height;
        self.follow_to(height).await
    }

    /// As [`Ledger::follow`], up to a height.
    ///
    /// # Errors
    /// As [`Ledger::follow`].
    pub async fn follow_to(&self, height: i64) -> Result<Vec<LedgerEntry>, EngineError> {
        self.open().await?;
        let mut new = Vec::new();
        loop {
            let from = self.journal.booked_height()? + 1;
            if from > height {
                return Ok(new);
            }
            let read = self.read(from, height.min(from + BATCH - 1)).await?;
            let Some(reached) = read.reached else { return Ok(new) };
            new.extend(self.journal.book(reached, read.entries, &read.gaps)?);
        }
    }

    /// Reads the blocks of these heights, or as many of them as the node has carried out.
    async fn read(&self, from: i64, to: i64) -> Result<Read, EngineError> {
        let mut read = Read::default();
        let mut blocks = stream::iter(from..=to)
            .map(|height| async move { (height, self.chain.rpc().block_results(Some(height)).await) })
            .buffered(PARALLEL);
        while let Some((height, results)) = blocks.next().await {
            match results {
                Ok(results) => read.entries.extend(self.entries(height, &results).await?),
                Err(ChainError::Node(error)) if error.kind == NodeErrorKind::HeightPruned => {
                    drop(blocks);
                    return self.pass_over(read, height, to).await;
                }
                // Another endpoint, a block behind the one that told the height.
                Err(ChainError::Node(error)) if error.kind == NodeErrorKind::HeightNotReached => break,
                Err(error) => return Err(error.into()),
            }
            read.reached = Some(height);
        }
        Ok(read)
    }

    async fn entries(&self, height: i64, results: &BlockResults) -> Result<Vec<LedgerEntry>, EngineError> {
        let outside = movements::of_block(self.address, &results.finalize_block_events);
        let mut entries = self.entries_of(outside, &format!("block-{height}"), height);
        let concerned = |events: &[Event]| movements::concern(self.address, events);
        if !results.txs_results.iter().any(|result| concerned(&result.events)) {
            return Ok(entries);
        }
        // The results name no transaction; the block holds them in the same order.
        let block = self.chain.rpc().block(Some(height)).await?;
        for (result, bytes) in results.txs_results.iter().zip(&block.txs) {
            if concerned(&result.events) {
                let (hash, succeeded) = (tx::tx_hash(bytes), result.code == 0);
                entries.extend(self.transaction(&hash, &result.events, bytes, succeeded, height)?);
            }
        }
        Ok(entries)
    }

    fn transaction(
        &self,
        hash: &str,
        events: &[Event],
        bytes: &[u8],
        succeeded: bool,
        height: i64,
    ) -> Result<Vec<LedgerEntry>, EngineError> {
        let is_payout = self.journal.purpose_of(hash)? == Some(Purpose::Payout);
        let messages = tx::messages(bytes);
        let moved = movements::of_transaction(self.address, events, &messages, succeeded, is_payout);
        Ok(self.entries_of(moved, hash, height))
    }

    fn entries_of(&self, movements: Movements, source: &str, height: i64) -> Vec<LedgerEntry> {
        let at = self.clock.now();
        movements
            .into_iter()
            .map(|((kind, denom), amount)| LedgerEntry {
                kind,
                amount,
                denom,
                tx_hash: source.to_owned(),
                height,
                round_id: None,
                at,
            })
            .collect()
    }

    /// The node has no results of block `height`: goes on behind what it has pruned, or waits where it
    /// has only not carried the block out yet. The transactions of what is passed over may still be in
    /// its index; what the blocks did outside of them is lost.
    async fn pass_over(&self, mut read: Read, height: i64, to: i64) -> Result<Read, EngineError> {
        let status = self.chain.status().await?;
        let last = if status.earliest_height > height {
            (status.earliest_height - 1).min(to)
        } else if status.height >= height + 2 {
            height
        } else {
            return Ok(read);
        };
        let reason = "the node no longer keeps these blocks".to_owned();
        read.gaps.push(Gap { from_height: height, to_height: last, reason });
        read.entries.extend(self.indexed(height, last).await?);
        read.reached = Some(last);
        Ok(read)
    }

    /// The account's transactions of these blocks, from the node's index where it keeps one.
    async fn indexed(&self, from: i64, to: i64) -> Result<Vec<LedgerEntry>, EngineError> {
        let mut entries = Vec::new();
        for side in ["coin_spent.spender", "coin_received.receiver"] {
            let query = format!("{side}='{}' AND tx.height>={from} AND tx.height<={to}", self.address);
            let mut page = 1;
            let mut seen = 0;
            loop {
                let found = match self.chain.rpc().tx_search(&query, page, 100, TxOrder::Ascending).await {
                    Ok(found) => found,
                    Err(ChainError::Node(error)) if error.kind == NodeErrorKind::IndexingDisabled => {
                        return Ok(entries);
                    }
                    Err(error) => return Err(error.into()),
                };
                seen += found.txs.len() as u64;
                let is_last = found.txs.is_empty() || seen >= found.total_count;
                for included in found.txs.into_iter().map(Included::from) {
                    let Included { hash, height, code, events, tx, .. } = included;
                    entries.extend(self.transaction(&hash, &events, &tx, code == 0, height)?);
                }
                if is_last {
                    break;
                }
                page += 1;
            }
        }
        Ok(entries)
    }
}

/// What was read of some blocks.
#[derive(Default)]
struct Read {
    entries: Vec<LedgerEntry>,
    gaps: Vec<Gap>,
    /// The last block that was read or passed over; absent where none was.
    reached: Option<i64>,
}
