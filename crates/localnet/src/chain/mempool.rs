//! Transactions that wait for a block, first come first served, and those lately seen.

use std::collections::{HashSet, VecDeque};

use thiserror::Error;

/// Transactions whose hashes are remembered so that they are not taken twice.
const CACHE: usize = 10_000;

/// CometBFT's own limit on the bytes of one transaction.
const MAX_TX_BYTES: usize = 1024 * 1024;

/// CometBFT's own limit on the bytes of the whole mempool.
const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of transactions in one block.
pub(crate) const MAX_BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// Why the mempool does not look at a transaction at all. The texts are CometBFT's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum MempoolError {
    #[error("tx already exists in cache")]
    InCache,
    #[error(
        "mempool is full: number of txs {txs} (max: {most_txs}), total txs bytes {bytes} (max: {most_bytes})"
    )]
    Full { txs: usize, most_txs: usize, bytes: usize, most_bytes: usize },
    #[error("Tx too large. Max size is {most}, but got {found}")]
    TooLarge { most: usize, found: usize },
}

/// A transaction that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) hash: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) gas_wanted: u64,
}

/// The mempool.
#[derive(Debug)]
pub(crate) struct Mempool {
    size: usize,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    cache: VecDeque<String>,
    cached: HashSet<String>,
}

impl Mempool {
    pub(crate) fn new(size: usize) -> Self {
        Mempool { size, waiting: VecDeque::new(), bytes: 0, cache: VecDeque::new(), cached: HashSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn total_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a transaction may be checked. It is remembered from here on.
    pub(crate) fn admit(&mut self, hash: &str, size: usize) -> Result<(), MempoolError> {
        if self.waiting.len() >= self.size || self.bytes + size > MAX_TOTAL_BYTES {
            return Err(MempoolError::Full {
                txs: self.waiting.len(),
                most_txs: self.size,
                bytes: self.bytes,
                most_bytes: MAX_TOTAL_BYTES,
            });
        }
        if size > MAX_TX_BYTES {
            return Err(MempoolError::TooLarge { most: MAX_TX_BYTES, found: size });
        }
        if !self.cached.insert(hash.to_owned()) {
            return Err(MempoolError::InCache);
        }
        self.cache.push_back(hash.to_owned());
        while self.cache.len() > CACHE {
            if let Some(oldest) = self.cache.pop_front() {
                self.cached.remove(&oldest);
            }
        }
        Ok(())
    }

    /// Forgets a transaction, so that it may be sent again.
    pub(crate) fn forget(&mut self, hash: &str) {
        if self.cached.remove(hash) {
            self.cache.retain(|cached| cached != hash);
        }
    }

    pub(crate) fn push(&mut self, tx: Waiting) {
        self.bytes += tx.bytes.len();
        self.waiting.push_back(tx);
    }

    /// Takes out what the next block holds.
    pub(crate) fn reap(&mut self, max_gas: u64) -> Vec<Waiting> {
        let (mut bytes, mut gas) = (0, 0_u64);
        let mut taken = Vec::new();
        while let Some(next) = self.waiting.front() {
            bytes += next.bytes.len();
            gas = gas.saturating_add(next.gas_wanted);
            if bytes > MAX_BLOCK_BYTES || gas > max_gas {
                break;
            }
            taken.extend(self.waiting.pop_front());
        }
        self.bytes -= taken.iter().map(|tx| tx.bytes.len()).sum::<usize>();
        taken
    }

    /// Keeps only the transactions that `still_valid` accepts; the others are forgotten.
    pub(crate) fn recheck(&mut self, mut still_valid: impl FnMut(&Waiting) -> bool) {
        let (kept, dropped): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|tx| still_valid(tx));
        self.waiting = kept;
        for tx in dropped {
            self.bytes -= tx.bytes.len();
            self.forget(&tx.hash);
        }
    }

    /// Drops every waiting transaction.
    pub(crate) fn flush(&mut self) {
        self.recheck(|_| false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tx(name: &str, gas_wanted: u64) -> Waiting {
        Waiting { hash: name.to_owned(), bytes: name.as_bytes().to_vec(), gas_wanted }
    }

    #[test]
    fn it_refuses_what_it_saw_and_what_it_cannot_hold() {
        let mut mempool = Mempool::new(2);
        for name in ["a", "b"] {
            mempool.admit(name, 1).unwrap();
            mempool.push(tx(name, 10));
        }
        let full = mempool.admit("c", 1).unwrap_err().to_string();
        assert_eq!(full, "mempool is full: number of txs 2 (max: 2), total txs bytes 2 (max: 67108864)");
        assert_eq!(mempool.reap(15).len(), 1);
        assert_eq!(mempool.admit("a", 1), Err(MempoolError::InCache));
        mempool.forget("a");
        assert_eq!(mempool.admit("a", 1), Ok(()));
        assert_eq!(
            mempool.admit("d", 2 << 20).unwrap_err().to_string(),
            "Tx too large. Max size is 1048576, but got 2097152"
        );
    }

    #[test]
    fn blocks_take_the_first_comers_within_their_gas() {
        let mut mempool = Mempool::new(9);
        for (name, gas) in [("a", 10), ("b", 10), ("c", 1)] {
            mempool.admit(name, 1).unwrap();
            mempool.push(tx(name, gas));
        }
        let names: Vec<String> = mempool.reap(15).into_iter().map(|t| t.hash).collect();
        assert_eq!(names, ["a"]);
        mempool.recheck(|t| t.hash != "b");
        assert_eq!(mempool.len(), 1);
        assert_eq!(mempool.total_bytes(), 1);
        assert_eq!(mempool.admit("b", 1), Ok(()));
    }
}
