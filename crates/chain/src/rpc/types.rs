//! The answers of a CometBFT 0.38 node, as far as a proposer reads them.
//!
//! Fields that a node leaves out or sets to `null` take their default: builds differ.

use serde::Deserialize;

use super::encoding::{byte_lists, bytes, integer, or_default};
use crate::event::Event;

/// A node and the chain it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The chain id.
    pub chain_id: String,
    /// The latest block's height.
    pub height: i64,
    /// The latest block's time, RFC 3339.
    pub time: String,
    /// The oldest block that the node keeps.
    pub earliest_height: i64,
    /// Whether the node is still behind the network: what it answers is old then.
    pub catching_up: bool,
    /// CometBFT's version.
    pub version: String,
    /// The node's name.
    pub moniker: String,
    /// Whether the node indexes transactions: "on" or "off", as it says.
    pub tx_index: String,
}

#[derive(Deserialize)]
pub(crate) struct JsonStatus {
    #[serde(default, deserialize_with = "or_default")]
    node_info: JsonNodeInfo,
    sync_info: JsonSyncInfo,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonNodeInfo {
    network: String,
    version: String,
    moniker: String,
    #[serde(deserialize_with = "or_default")]
    other: JsonNodeInfoOther,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonNodeInfoOther {
    tx_index: String,
}

#[derive(Deserialize)]
struct JsonSyncInfo {
    #[serde(deserialize_with = "integer")]
    latest_block_height: i64,
    #[serde(default)]
    latest_block_time: String,
    #[serde(default, deserialize_with = "integer")]
    earliest_block_height: i64,
    #[serde(default)]
    catching_up: bool,
}

impl JsonStatus {
    pub(super) fn height(&self) -> i64 {
        self.sync_info.latest_block_height
    }
}

impl From<JsonStatus> for Status {
    fn from(json: JsonStatus) -> Self {
        let JsonStatus { node_info, sync_info } = json;
        Status {
            chain_id: node_info.network,
            height: sync_info.latest_block_height,
            time: sync_info.latest_block_time,
            earliest_height: sync_info.earliest_block_height,
            catching_up: sync_info.catching_up,
            version: node_info.version,
            moniker: node_info.moniker,
            tx_index: node_info.other.tx_index,
        }
    }
}

/// A block's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BlockId {
    /// Upper-case hex.
    pub hash: String,
}

/// What a block says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The chain id.
    pub chain_id: String,
    /// The height.
    #[serde(deserialize_with = "integer")]
    pub height: i64,
    /// RFC 3339.
    pub time: String,
    /// The state after the block before, upper-case hex.
    pub app_hash: String,
}

/// A block with its transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub id: BlockId,
    /// Its header.
    pub header: Header,
    /// Its transactions, as they were signed.
    pub txs: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
pub(crate) struct JsonBlockResponse {
    #[serde(default, deserialize_with = "or_default")]
    block_id: BlockId,
    block: JsonBlock,
}

#[derive(Deserialize)]
pub(crate) struct JsonBlock {
    pub(crate) header: Header,
    #[serde(default, deserialize_with = "or_default")]
    data: JsonBlockData,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonBlockData {
    #[serde(deserialize_with = "byte_lists")]
    txs: Vec<Vec<u8>>,
}

impl JsonBlockResponse {
    pub(super) fn height(&self) -> i64 {
        self.block.header.height
    }
}

impl From<JsonBlockResponse> for Block {
    fn from(json: JsonBlockResponse) -> Self {
        Block { id: json.block_id, header: json.block.header, txs: json.block.data.txs }
    }
}

/// What the application answered to one transaction of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ExecTxResult {
    /// 0 is success.
    #[serde(deserialize_with = "integer")]
    pub code: u32,
    /// A protobuf `TxMsgData`: the messages' responses.
    #[serde(deserialize_with = "bytes")]
    pub data: Vec<u8>,
    /// The refusal's text.
    #[serde(deserialize_with = "or_default")]
    pub log: String,
    /// Gas that was allowed.
    #[serde(alias = "gasWanted", deserialize_with = "integer")]
    pub gas_wanted: i64,
    /// Gas that was used.
    #[serde(alias = "gasUsed", deserialize_with = "integer")]
    pub gas_used: i64,
    /// What happened.
    #[serde(deserialize_with = "or_default")]
    pub events: Vec<Event>,
    /// Who states the code.
    #[serde(deserialize_with = "or_default")]
    pub codespace: String,
}

/// What a block changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BlockResults {
    /// The block's height.
    #[serde(deserialize_with = "integer")]
    pub height: i64,
    /// One result a transaction, in the block's order.
    #[serde(deserialize_with = "or_default")]
    pub txs_results: Vec<ExecTxResult>,
    /// The events of the block's begin and end, outside any transaction.
    #[serde(deserialize_with = "or_default")]
    pub finalize_block_events: Vec<Event>,
}

/// As the websocket's NewBlock carries a block's results.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FinalizeBlock {
    #[serde(deserialize_with = "or_default")]
    pub(crate) events: Vec<Event>,
}

/// The answer to an ABCI query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AbciQuery {
    /// 0 is success.
    #[serde(deserialize_with = "integer")]
    pub code: u32,
    /// Why not.
    #[serde(deserialize_with = "or_default")]
    pub log: String,
    /// The value; empty where the key is absent.
    #[serde(deserialize_with = "bytes")]
    pub value: Vec<u8>,
    /// The height that was read.
    #[serde(deserialize_with = "integer")]
    pub height: i64,
    /// Who states the code.
    #[serde(deserialize_with = "or_default")]
    pub codespace: String,
}

#[derive(Deserialize)]
pub(crate) struct JsonAbciQuery {
    pub(crate) response: AbciQuery,
}

/// A transaction that a block holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TxResponse {
    /// Upper-case hex.
    pub hash: String,
    /// The block's height.
    #[serde(deserialize_with = "integer")]
    pub height: i64,
    /// Its place in the block.
    #[serde(default, deserialize_with = "integer")]
    pub index: u32,
    /// What the application answered.
    #[serde(alias = "result")]
    pub tx_result: ExecTxResult,
    /// The transaction as it was signed.
    #[serde(default, deserialize_with = "bytes")]
    pub tx: Vec<u8>,
}

/// As the websocket carries a transaction: without its hash.
#[derive(Deserialize)]
pub(crate) struct JsonTxResult {
    #[serde(deserialize_with = "integer")]
    pub(crate) height: i64,
    #[serde(default, deserialize_with = "integer")]
    pub(crate) index: u32,
    #[serde(default, deserialize_with = "bytes")]
    pub(crate) tx: Vec<u8>,
    pub(crate) result: ExecTxResult,
}

/// A page of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TxSearch {
    /// The page's transactions.
    #[serde(deserialize_with = "or_default")]
    pub txs: Vec<TxResponse>,
    /// Matches on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: u64,
}

/// The mempool's first look at a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BroadcastTxSync {
    /// 0: the mempool took it.
    #[serde(deserialize_with = "integer")]
    pub code: u32,
    /// Why not.
    #[serde(deserialize_with = "or_default")]
    pub log: String,
    /// Who states the code.
    #[serde(deserialize_with = "or_default")]
    pub codespace: String,
    /// Upper-case hex.
    pub hash: String,
}

/// What a block may hold. A limit that is absent does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsensusParams {
    /// Bytes of a block.
    pub max_bytes: Option<u64>,
    /// Gas that the transactions of a block may want together; no transaction may want more.
    pub max_gas: Option<u64>,
}

#[derive(Deserialize)]
pub(crate) struct JsonConsensusParams {
    consensus_params: JsonParams,
}

#[derive(Deserialize)]
struct JsonParams {
    block: JsonBlockParams,
}

#[derive(Deserialize)]
struct JsonBlockParams {
    #[serde(deserialize_with = "integer")]
    max_bytes: i64,
    #[serde(deserialize_with = "integer")]
    max_gas: i64,
}

impl From<JsonConsensusParams> for ConsensusParams {
    fn from(json: JsonConsensusParams) -> Self {
        // -1 is no limit.
        let limit = |value: i64| u64::try_from(value).ok();
        let block = json.consensus_params.block;
        ConsensusParams { max_bytes: limit(block.max_bytes), max_gas: limit(block.max_gas) }
    }
}

/// How full the mempool is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NumUnconfirmedTxs {
    /// Transactions that wait.
    #[serde(deserialize_with = "integer")]
    pub total: u64,
    /// Their bytes.
    #[serde(deserialize_with = "integer")]
    pub total_bytes: u64,
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
