//! Blocks as the node keeps them, and CometBFT's hashes over them.

use std::time::SystemTime;

use cosmrs::proto::tendermint::{types, version};
use prost::Message;
use sha2::{Digest, Sha256};

use super::ante::tx_hash;
use super::event::Event;
use super::state::TxResult;

/// Version of CometBFT's block format.
pub(crate) const BLOCK_PROTOCOL: u64 = 11;

/// A transaction in a block.
#[derive(Clone, Debug)]
pub struct BlockTx {
    /// Upper-case hex of the SHA-256 of the bytes.
    pub hash: String,
    /// `TxRaw`.
    pub bytes: Vec<u8>,
    /// What became of it.
    pub result: TxResult,
}

/// A block that the chain has executed.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its height; the first block has height 1.
    pub height: i64,
    /// Its time.
    pub time: SystemTime,
    /// Transactions in the order of their execution.
    pub txs: Vec<BlockTx>,
    /// Events that belong to no transaction: rewards, administration, finalizations.
    pub events: Vec<Event>,
    /// Hash of the header, 32 bytes.
    pub hash: [u8; 32],
    /// State after this block.
    pub app_hash: [u8; 32],
    pub(crate) header: Header,
}

/// The parts of a header that are hashes, as they stand in it.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) last_block: Option<[u8; 32]>,
    pub(crate) last_commit_hash: [u8; 32],
    pub(crate) data_hash: [u8; 32],
    pub(crate) validators_hash: [u8; 32],
    pub(crate) consensus_hash: [u8; 32],
    /// State before this block.
    pub(crate) app_hash: [u8; 32],
    pub(crate) last_results_hash: [u8; 32],
    pub(crate) proposer: [u8; 20],
}

/// Hash of the set of no evidence.
pub(crate) fn evidence_hash() -> [u8; 32] {
    merkle(&[])
}

/// A block is stored in one part, whose hash is the block's data hash here.
pub(crate) fn block_id(hash: [u8; 32], parts: [u8; 32]) -> types::BlockId {
    types::BlockId {
        hash: hash.to_vec(),
        part_set_header: Some(types::PartSetHeader { total: 1, hash: parts.to_vec() }),
    }
}

/// The hash of what a header says, over its fields in CometBFT's order.
pub(crate) fn header_hash(chain_id: &str, height: i64, time: SystemTime, header: &Header) -> [u8; 32] {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time = prost_types::Timestamp { seconds: since.as_secs() as i64, nanos: since.subsec_nanos() as i32 };
    let last_block = match header.last_block {
        Some(hash) => block_id(hash, hash),
        None => {
            types::BlockId { part_set_header: Some(types::PartSetHeader::default()), ..Default::default() }
        }
    };
    let bytes = |hash: &[u8]| hash.to_vec().encode_to_vec();
    merkle(&[
        version::Consensus { block: BLOCK_PROTOCOL, app: 0 }.encode_to_vec(),
        chain_id.to_owned().encode_to_vec(),
        height.encode_to_vec(),
        time.encode_to_vec(),
        last_block.encode_to_vec(),
        bytes(&header.last_commit_hash),
        bytes(&header.data_hash),
        bytes(&header.validators_hash),
        bytes(&header.validators_hash),
        bytes(&header.consensus_hash),
        bytes(&header.app_hash),
        bytes(&header.last_results_hash),
        bytes(&evidence_hash()),
        bytes(&header.proposer),
    ])
}

/// The hash of a block's transactions: the tree's leaves are their own hashes.
pub(crate) fn data_hash(txs: &[Vec<u8>]) -> [u8; 32] {
    let leaves: Vec<Vec<u8>> = txs.iter().map(|tx| Sha256::digest(tx).to_vec()).collect();
    merkle(&leaves)
}

/// The hash of a block's results, which the next header holds.
pub(crate) fn results_hash(results: &[TxResult]) -> [u8; 32] {
    use cosmrs::proto::tendermint::abci::ExecTxResult;
    let leaf = |result: &TxResult| {
        ExecTxResult {
            code: result.code,
            data: result.data.clone().into(),
            gas_wanted: result.gas_wanted as i64,
            gas_used: result.gas_used as i64,
            ..ExecTxResult::default()
        }
        .encode_to_vec()
    };
    merkle(&results.iter().map(leaf).collect::<Vec<_>>())
}

pub(crate) fn block_txs(txs: Vec<Vec<u8>>, results: Vec<TxResult>) -> Vec<BlockTx> {
    txs.into_iter()
        .zip(results)
        .map(|(bytes, result)| BlockTx { hash: tx_hash(&bytes), bytes, result })
        .collect()
}

/// RFC 6962's tree: the left half is the largest power of two below the number of leaves.
fn merkle(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::new_with_prefix([0]).chain_update(leaf).finalize().into(),
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            let hasher = Sha256::new_with_prefix([1]).chain_update(merkle(left));
            hasher.chain_update(merkle(right)).finalize().into()
        }
    }
}
