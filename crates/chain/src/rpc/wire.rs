//! One node's JSON-RPC, one call at a time: no second attempt, no memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::ChainError;
use crate::error::{NodeError, NodeErrorKind, innermost};

/// The connection to one node.
#[derive(Debug)]
pub(super) struct Wire {
    http: reqwest::Client,
    url: Url,
    next_id: AtomicU64,
}

impl Wire {
    pub(super) fn new(http: reqwest::Client, url: Url) -> Self {
        Wire { http, url, next_id: AtomicU64::default() }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &Value,
        timeout: Duration,
        limit: usize,
    ) -> Result<T, ChainError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let exchange = self.exchange(method, &request, limit);
        let (status, body) = tokio::time::timeout(timeout, exchange)
            .await
            .map_err(|_| self.transport(method, format!("no answer within {} s", timeout.as_secs_f32())))??;
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
        limit: usize,
    ) -> Result<(reqwest::StatusCode, Vec<u8>), ChainError> {
        let failed = |error: reqwest::Error| self.transport(method, innermost(&error));
        let mut response = self.http.post(self.url.clone()).json(request).send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > limit {
                return Err(ChainError::TooLarge { method: method.to_owned(), limit });
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
