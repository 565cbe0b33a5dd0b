//! The client.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use url::Url;

use super::encoding::base64_text;
use super::endpoint::EndpointStatus;
use super::pool::{Asked, Dated, Pool};
use super::types::{
    AbciQuery, Block, BlockResults, BroadcastTxSync, ConsensusParams, JsonAbciQuery, JsonBlockResponse,
    JsonConsensusParams, JsonStatus, NumUnconfirmedTxs, Status, TxResponse, TxSearch,
};
use crate::ChainError;
use crate::error::NodeErrorKind;

/// What one call may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcLimits {
    /// Until the whole answer is there.
    pub timeout: Duration,
    /// The largest answer that is read.
    pub response_bytes: usize,
}

impl Default for RpcLimits {
    fn default() -> Self {
        RpcLimits { timeout: Duration::from_secs(15), response_bytes: 64 << 20 }
    }
}

/// The order of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TxOrder {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// A client of a chain through one CometBFT node or several. Cloning is cheap; clones share what is known
/// of the endpoints.
///
/// Of several endpoints the first one that is well answers. One that does not answer, or is behind, gives way
/// to the next and gets its place back when it is well again; one of another chain is never used. No answer
/// is older than one before it.
#[derive(Clone, Debug)]
pub struct Rpc {
    pool: Arc<Pool>,
    limits: RpcLimits,
}

impl Rpc {
    /// A client of the one node at `url`, such as `http://127.0.0.1:26657`, whatever chain it serves.
    pub fn new(http: reqwest::Client, url: Url) -> Self {
        Rpc { pool: Arc::new(Pool::new(&http, vec![url], None)), limits: RpcLimits::default() }
    }

    /// A client of the chain `chain_id` through these endpoints, in order of preference.
    ///
    /// # Errors
    /// [`ChainError::Endpoint`] when there is none.
    pub fn pool(
        http: &reqwest::Client,
        urls: Vec<Url>,
        chain_id: impl Into<String>,
    ) -> Result<Self, ChainError> {
        if urls.is_empty() {
            let reason = "the list of endpoints is empty".to_owned();
            return Err(ChainError::Endpoint { url: "nothing".to_owned(), reason });
        }
        let pool = Arc::new(Pool::new(http, urls, Some(chain_id.into())));
        Ok(Rpc { pool, limits: RpcLimits::default() })
    }

    /// The same client with other limits.
    pub fn with_limits(self, limits: RpcLimits) -> Self {
        Rpc { limits, ..self }
    }

    /// The address of the endpoint that gave the last answer.
    pub fn url(&self) -> &Url {
        self.pool.url()
    }

    /// The addresses of all endpoints that may be used, in the order in which they would be asked now.
    pub fn urls(&self) -> Vec<Url> {
        self.pool.urls()
    }

    /// How each endpoint stands, as far as calls have shown, in the order of preference.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        self.pool.statuses()
    }

    /// Asks each endpoint how it stands, so that trouble shows before it is needed, and one that is well again
    /// gets its place back.
    pub async fn check_endpoints(&self) -> Vec<EndpointStatus> {
        self.pool.check().await;
        self.pool.statuses()
    }

    /// Tells of each endpoint whose standing changes, or that takes another one's place.
    pub fn endpoint_changes(&self) -> broadcast::Receiver<EndpointStatus> {
        self.pool.changes()
    }

    /// The node and its latest block.
    ///
    /// # Errors
    /// As [`Rpc::call`]; so do all methods below.
    pub async fn status(&self) -> Result<Status, ChainError> {
        let dated = |status: &JsonStatus| Dated::NewestBlock(status.height());
        self.call_dated("status", json!({}), dated).await.map(Status::from)
    }

    /// Whether the node answers at all.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn health(&self) -> Result<(), ChainError> {
        self.call::<Value>("health", json!({})).await.map(drop)
    }

    /// A block; the latest where no height is given.
    ///
    /// # Errors
    /// As [`Rpc::call`]; a height that is ahead or pruned is a [`ChainError::Node`].
    pub async fn block(&self, height: Option<i64>) -> Result<Block, ChainError> {
        let dated = |block: &JsonBlockResponse| match height {
            None => Dated::NewestBlock(block.height()),
            Some(_) => Dated::Not,
        };
        self.call_dated("block", at(height), dated).await.map(Block::from)
    }

    /// What a block changed; the latest where no height is given.
    ///
    /// # Errors
    /// As [`Rpc::block`].
    pub async fn block_results(&self, height: Option<i64>) -> Result<BlockResults, ChainError> {
        self.call("block_results", at(height)).await
    }

    /// Asks the application; the latest state where no height is given. A code other than 0 is not an
    /// error here.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn abci_query(
        &self,
        path: &str,
        data: &[u8],
        height: Option<i64>,
    ) -> Result<AbciQuery, ChainError> {
        let asked = height.unwrap_or(0).to_string();
        let params = json!({ "path": path, "data": hex::encode(data), "height": asked, "prove": false });
        // An answer that states no height, as errors do, was at least asked of a node that is not behind.
        let dated = |answer: &JsonAbciQuery| match (height, answer.response.height) {
            (None, height) if height > 0 => Dated::NewestState(height),
            _ => Dated::Not,
        };
        let answer: JsonAbciQuery = self.call_dated("abci_query", params, dated).await?;
        Ok(answer.response)
    }

    /// The transaction with this hash (hex), or `None` where no block that the node indexed holds it.
    ///
    /// # Errors
    /// As [`Rpc::call`]; [`ChainError::Malformed`] when `hash` is not hex.
    pub async fn tx(&self, hash: &str) -> Result<Option<TxResponse>, ChainError> {
        let bytes = hex::decode(hash)
            .map_err(|_| ChainError::malformed("tx", format!("{hash:?} is not a hash in hex")))?;
        let params = json!({ "hash": base64_text(&bytes), "prove": false });
        match self.call_dated("tx", params, |found: &TxResponse| Dated::Holds(found.height)).await {
            Ok(found) => Ok(Some(found)),
            Err(ChainError::Node(error)) if error.kind == NodeErrorKind::TxNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Searches the node's index, such as `commit_aggregation.proposer='remes1...'`. Pages count from 1
    /// and hold at most 100.
    ///
    /// # Errors
    /// As [`Rpc::call`]; a page behind the last one is an error of the node.
    pub async fn tx_search(
        &self,
        query: &str,
        page: u32,
        per_page: u32,
        order: TxOrder,
    ) -> Result<TxSearch, ChainError> {
        let order = match order {
            TxOrder::Ascending => "asc",
            TxOrder::Descending => "desc",
        };
        let params = json!({
            "query": query,
            "prove": false,
            "page": page.to_string(),
            "per_page": per_page.to_string(),
            "order_by": order,
        });
        let found: TxSearch = self.call("tx_search", params).await?;
        let before = u64::from(page.saturating_sub(1)) * u64::from(per_page);
        let expected = found.total_count.saturating_sub(before).min(per_page.into());
        if (found.txs.len() as u64) < expected {
            let reason = format!("{} of {expected} transactions", found.txs.len());
            return Err(ChainError::malformed("tx_search", reason));
        }
        Ok(found)
    }

    /// Hands a transaction to the mempool of the first endpoint that answers. A code other than 0 is not an
    /// error here. The same bytes can be sent any number of times: at most one block holds them.
    ///
    /// # Errors
    /// As [`Rpc::call`]; a full mempool and a transaction that is there already are a [`ChainError::Node`].
    pub async fn broadcast_tx_sync(&self, tx: &[u8]) -> Result<BroadcastTxSync, ChainError> {
        self.offer(tx).await.answer
    }

    /// As [`Rpc::broadcast_tx_sync`], and whether an attempt before the answer was lost.
    pub(crate) async fn offer(&self, tx: &[u8]) -> Asked<BroadcastTxSync> {
        let params = json!({ "tx": base64_text(tx) });
        self.pool.call(self.limits, "broadcast_tx_sync", &params, |_| Dated::Not).await
    }

    /// Hands a transaction to the mempools of all endpoints at once.
    pub(crate) async fn offer_to_all(&self, tx: &[u8]) -> Vec<Result<BroadcastTxSync, ChainError>> {
        self.pool.call_all(self.limits, "broadcast_tx_sync", &json!({ "tx": base64_text(tx) })).await
    }

    /// What a block may hold.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn consensus_params(&self) -> Result<ConsensusParams, ChainError> {
        self.call::<JsonConsensusParams>("consensus_params", json!({})).await.map(ConsensusParams::from)
    }

    /// How full the mempool is.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn num_unconfirmed_txs(&self) -> Result<NumUnconfirmedTxs, ChainError> {
        self.call("num_unconfirmed_txs", json!({})).await
    }

    /// Calls any method, through one endpoint after the other until one answers.
    ///
    /// # Errors
    /// [`ChainError::Transport`] without an answer in time ([`ChainError::Unreachable`] from several
    /// endpoints), [`ChainError::TooLarge`] for one above the limit, [`ChainError::Malformed`] for one that
    /// is not `T`, [`ChainError::Node`] for an error, [`ChainError::Behind`] where no endpoint has come to
    /// the height that was seen, [`ChainError::WrongChain`] where they serve another chain.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, ChainError> {
        self.call_dated(method, params, |_| Dated::Not).await
    }

    async fn call_dated<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
        dated: impl Fn(&T) -> Dated,
    ) -> Result<T, ChainError> {
        self.pool.call(self.limits, method, &params, dated).await.answer
    }
}

fn at(height: Option<i64>) -> Value {
    height.map_or_else(|| json!({}), |height| json!({ "height": height.to_string() }))
}
