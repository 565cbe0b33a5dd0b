//! A full node without peers: state, mempool and history, and the making of blocks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::ante::{Mode, tx_hash};
use super::block::{Block, Header, block_txs, data_hash, evidence_hash, header_hash, results_hash};
use super::config::ChainConfig;
use super::context::BlockInfo;
use super::error::Refusal;
use super::mempool::{Mempool, MempoolError, Waiting};
use super::state::{State, TxResult};

/// The node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) state: State,
    pub(crate) mempool: Mempool,
    blocks: BTreeMap<i64, Arc<Block>>,
    /// Where a transaction stands: height and index.
    index: HashMap<String, (i64, usize)>,
    validators_hash: [u8; 32],
    proposer: [u8; 20],
}

impl Node {
    /// A node whose first block is already made, so that every query has a height to answer for.
    pub(crate) fn genesis(config: ChainConfig) -> Result<Node, Refusal> {
        let time = config.block_time.at(0, SystemTime::UNIX_EPOCH);
        let identity: [u8; 32] = Sha256::digest(format!("{}/validator", config.chain_id)).into();
        let mut proposer = [0; 20];
        proposer.copy_from_slice(&Sha256::digest(identity)[..20]);
        let mempool = Mempool::new(config.mempool_size);
        let state = State::genesis(config, BlockInfo { height: 0, time })?;
        let mut node = Node {
            state,
            mempool,
            blocks: BTreeMap::new(),
            index: HashMap::new(),
            validators_hash: identity,
            proposer,
        };
        node.produce_block();
        Ok(node)
    }

    pub(crate) fn height(&self) -> i64 {
        self.state.block().height
    }

    pub(crate) fn earliest_height(&self) -> i64 {
        self.blocks.first_key_value().map_or(1, |(height, _)| *height)
    }

    pub(crate) fn block(&self, height: i64) -> Option<&Arc<Block>> {
        self.blocks.get(&height)
    }

    pub(crate) fn blocks(&self) -> impl DoubleEndedIterator<Item = &Arc<Block>> {
        self.blocks.values()
    }

    /// The blocks from `low` to `high`, both included.
    pub(crate) fn blocks_between(&self, low: i64, high: i64) -> impl Iterator<Item = &Arc<Block>> {
        // A range that ends before it begins is a panic of the map's.
        self.blocks.range(low..=high.max(low)).map(|(_, block)| block).filter(move |b| b.height <= high)
    }

    pub(crate) fn tx(&self, hash: &str) -> Option<(&Arc<Block>, usize)> {
        let (height, index) = self.index.get(hash)?;
        Some((self.blocks.get(height)?, *index))
    }

    /// The 32 bytes of the validator's public key, and its address.
    pub(crate) fn validator(&self) -> ([u8; 32], [u8; 20]) {
        (self.validators_hash, self.proposer)
    }

    /// Takes a transaction into the mempool if its check succeeds.
    pub(crate) fn broadcast(&mut self, bytes: Vec<u8>) -> Result<(String, TxResult), MempoolError> {
        let hash = tx_hash(&bytes);
        self.mempool.admit(&hash, bytes.len())?;
        let result = self.state.check_tx(&bytes, Mode::Check);
        if result.code == 0 {
            self.mempool.push(Waiting { hash: hash.clone(), bytes, gas_wanted: result.gas_wanted });
        } else {
            self.mempool.forget(&hash);
        }
        Ok((hash, result))
    }

    /// Makes the next block of what waits in the mempool.
    pub(crate) fn produce_block(&mut self) -> Arc<Block> {
        let config = self.state.config();
        let last = self.state.block();
        let height = last.height + 1;
        let time = config.block_time.at(height, last.time);
        let chain_id = config.chain_id.clone();
        let (max_gas, retain) = (config.max_block_gas, config.retain_blocks);
        let previous = self.blocks.get(&last.height).cloned();

        let txs: Vec<Vec<u8>> = self.mempool.reap(max_gas).into_iter().map(|tx| tx.bytes).collect();
        let header = Header {
            last_block: previous.as_ref().map(|b| b.hash),
            last_commit_hash: previous.as_ref().map_or_else(evidence_hash, |b| b.hash),
            data_hash: data_hash(&txs),
            validators_hash: self.validators_hash,
            consensus_hash: Sha256::digest(max_gas.to_be_bytes()).into(),
            app_hash: self.state.app_hash(),
            last_results_hash: previous.map_or_else(evidence_hash, |b| {
                results_hash(&b.txs.iter().map(|tx| tx.result.clone()).collect::<Vec<_>>())
            }),
            proposer: self.proposer,
        };
        let hash = header_hash(&chain_id, height, time, &header);
        let finalized = self.state.finalize_block(&txs, BlockInfo { height, time });
        let block = Arc::new(Block {
            height,
            time,
            txs: block_txs(txs, finalized.results),
            events: finalized.events,
            hash,
            app_hash: finalized.app_hash,
            header,
        });
        for (index, tx) in block.txs.iter().enumerate() {
            // A transaction that failed may be sent again; one that succeeded is remembered.
            if tx.result.code != 0 {
                self.mempool.forget(&tx.hash);
            }
            self.index.insert(tx.hash.clone(), (height, index));
        }
        self.blocks.insert(height, Arc::clone(&block));
        self.prune(retain);
        self.recheck();
        block
    }

    /// What still waits must be valid after the block too.
    pub(crate) fn recheck(&mut self) {
        let Node { state, mempool, .. } = self;
        state.reset_check();
        mempool.recheck(|tx| state.check_tx(&tx.bytes, Mode::Recheck).code == 0);
    }

    fn prune(&mut self, retain: u64) {
        while retain > 0 && self.blocks.len() as u64 > retain {
            let Some((height, block)) = self.blocks.pop_first() else { return };
            for tx in &block.txs {
                if self.index.get(&tx.hash).is_some_and(|(at, _)| *at == height) {
                    self.index.remove(&tx.hash);
                }
            }
        }
    }
}
