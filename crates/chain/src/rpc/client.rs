//! The client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::encoding::base64_text;
use super::types::{
    AbciQuery, Block, BlockResults, BroadcastTxSync, JsonAbciQuery, JsonBlockResponse, JsonStatus,
    NumUnconfirmedTxs, Status, TxResponse, TxSearch,
};
use crate::ChainError;
use crate::error::{NodeError, NodeErrorKind, innermost};

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

/// A client of one CometBFT node. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Rpc {
    http: reqwest::Client,
    url: Url,
    limits: RpcLimits,
    next_id: Arc<AtomicU64>,
}

impl Rpc {
    /// A client of the node at `url`, such as `http://127.0.0.1:26657`.
    pub fn new(http: reqwest::Client, url: Url) -> Self {
        Rpc { http, url, limits: RpcLimits::default(), next_id: Arc::default() }
    }

    /// The same client with other limits.
    pub fn with_limits(self, limits: RpcLimits) -> Self {
        Rpc { limits, ..self }
    }

    /// The node's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The node and its latest block.
    ///
    /// # Errors
    /// As [`Rpc::call`]; so do all methods below.
    pub async fn status(&self) -> Result<Status, ChainError> {
        self.call::<JsonStatus>("status", json!({})).await.map(Status::from)
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
        self.call::<JsonBlockResponse>("block", at(height)).await.map(Block::from)
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
        let height = height.unwrap_or(0).to_string();
        let params = json!({ "path": path, "data": hex::encode(data), "height": height, "prove": false });
        let answer: JsonAbciQuery = self.call("abci_query", params).await?;
        Ok(answer.response)
    }

    /// The transaction with this hash (hex), or `None` where no block that the node indexed holds it.
    ///
    /// # Errors
    /// As [`Rpc::call`]; [`ChainError::Malformed`] when `hash` is not hex.
    pub async fn tx(&self, hash: &str) -> Result<Option<TxResponse>, ChainError> {
        let bytes = hex::decode(hash)
            .map_err(|_| ChainError::malformed("tx", format!("{hash:?} is not a hash in hex")))?;
        match self.call("tx", json!({ "hash": base64_text(&bytes), "prove": false })).await {
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
        self.call("tx_search", params).await
    }

    /// Hands a transaction to the node's mempool. A code other than 0 is not an error here.
    ///
    /// # Errors
    /// As [`Rpc::call`]; a full mempool and a transaction that is there already are a [`ChainError::Node`].
    pub async fn broadcast_tx_sync(&self, tx: &[u8]) -> Result<BroadcastTxSync, ChainError> {
        self.call("broadcast_tx_sync", json!({ "tx": base64_text(tx) })).await
    }

    /// How full the mempool is.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn num_unconfirmed_txs(&self) -> Result<NumUnconfirmedTxs, ChainError> {
        self.call("num_unconfirmed_txs", json!({})).await
    }

    /// Calls any method.
    ///
    /// # Errors
    /// [`ChainError::Transport`] without an answer in time, [`ChainError::TooLarge`] for one above the
    /// limit, [`ChainError::Malformed`] for one that is not `T`, [`ChainError::Node`] for an error.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, ChainError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let exchange = self.exchange(method, &request);
        let (status, body) = tokio::time::timeout(self.limits.timeout, exchange).await.map_err(|_| {
            self.transport(method, format!("no answer within {} s", self.limits.timeout.as_secs_f32()))
        })??;
        let envelope: Envelope<T> = serde_json::from_slice(&body).map_err(|error| {
            if status.is_success() {
                ChainError::malformed(method, error)
            } else {
                self.transport(method, format!("HTTP status {status}"))
            }
        })?;
        envelope.open(method)
    }

    async fn exchange(
        &self,
        method: &str,
        request: &Value,
    ) -> Result<(reqwest::StatusCode, Vec<u8>), ChainError> {
        let failed = |error: reqwest::Error| self.transport(method, innermost(&error));
        let mut response = self.http.post(self.url.clone()).json(request).send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.limits.response_bytes {
                return Err(ChainError::TooLarge {
                    method: method.to_owned(),
                    limit: self.limits.response_bytes,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }

    fn transport(&self, method: &str, reason: String) -> ChainError {
        ChainError::Transport { method: method.to_owned(), node: host_and_port(&self.url), reason }
    }
}

/// The node's name for people, without what a URL may carry besides: passwords and access keys.
pub(crate) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn at(height: Option<i64>) -> Value {
    height.map_or_else(|| json!({}), |height| json!({ "height": height.to_string() }))
}

/// A JSON-RPC answer.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct Envelope<T> {
    #[serde(default = "Option::default")]
    result: Option<T>,
    #[serde(default)]
    error: Option<EnvelopeError>,
}

#[derive(Deserialize)]
struct EnvelopeError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

impl<T> Envelope<T> {
    pub(crate) fn open(self, method: &str) -> Result<T, ChainError> {
        if let Some(EnvelopeError { code, message, data }) = self.error {
            let data = match data {
                Value::Null => String::new(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            let kind = NodeErrorKind::classify(code, &message, &data);
            return Err(NodeError { method: method.to_owned(), code, message, data, kind }.into());
        }
        self.result.ok_or_else(|| ChainError::malformed(method, "neither a result nor an error was found"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(json: &str) -> Result<Value, ChainError> {
        serde_json::from_str::<Envelope<Value>>(json).unwrap().open("tx")
    }

    #[test]
    fn an_envelope_holds_a_result_or_an_error() {
        assert_eq!(open(r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#).unwrap(), json!({ "a": 1 }));
        let error = open(
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"tx (AB) not found"}}"#,
        );
        let Err(ChainError::Node(error)) = error else { panic!("{error:?}") };
        assert_eq!(error.kind, NodeErrorKind::TxNotFound);
        assert!(matches!(open("{}"), Err(ChainError::Malformed { .. })));
    }

    #[test]
    fn secrets_in_an_address_are_not_shown() {
        let url = Url::parse("https://user:password@node.example/key-1234?token=5").unwrap();
        assert_eq!(host_and_port(&url), "node.example:443");
    }
}
