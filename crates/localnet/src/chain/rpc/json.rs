//! The JSON shapes of CometBFT 0.38: 64-bit numbers as strings, bytes in base64, hashes in upper-case hex.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cosmrs::tendermint::Time;
use serde_json::{Value, json};

use super::super::block::{BLOCK_PROTOCOL, Block, evidence_hash};
use super::super::event::Event;
use super::super::state::TxResult;

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes that CometBFT leaves `null` where there are none.
pub(super) fn base64_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { Value::String(base64(bytes)) }
}

pub(super) fn upper_hex(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

/// A time in RFC 3339 with as many digits as it has.
pub(super) fn time(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time = Time::from_unix_timestamp(since.as_secs() as i64, since.subsec_nanos());
    time.map_or_else(|_| "0001-01-01T00:00:00Z".to_owned(), |t| t.to_rfc3339())
}

pub(super) fn block_id(hash: &[u8]) -> Value {
    json!({ "hash": upper_hex(hash), "parts": { "total": 1, "hash": upper_hex(hash) } })
}

fn no_block_id() -> Value {
    json!({ "hash": "", "parts": { "total": 0, "hash": "" } })
}

fn header(chain_id: &str, block: &Block) -> Value {
    let header = &block.header;
    json!({
        "version": { "block": BLOCK_PROTOCOL.to_string() },
        "chain_id": chain_id,
        "height": block.height.to_string(),
        "time": time(block.time),
        "last_block_id": header.last_block.map_or_else(no_block_id, |hash| block_id(&hash)),
        "last_commit_hash": upper_hex(&header.last_commit_hash),
        "data_hash": upper_hex(&header.data_hash),
        "validators_hash": upper_hex(&header.validators_hash),
        "next_validators_hash": upper_hex(&header.validators_hash),
        "consensus_hash": upper_hex(&header.consensus_hash),
        "app_hash": upper_hex(&header.app_hash),
        "last_results_hash": upper_hex(&header.last_results_hash),
        "evidence_hash": upper_hex(&evidence_hash()),
        "proposer_address": upper_hex(&header.proposer),
    })
}

/// A block. Its last commit states that nobody signed: there is no consensus among one process.
pub(super) fn block(chain_id: &str, block: &Block) -> Value {
    let absent = json!({
        "block_id_flag": 1,
        "validator_address": "",
        "timestamp": "0001-01-01T00:00:00Z",
        "signature": null,
    });
    let signatures = if block.header.last_block.is_some() { vec![absent] } else { Vec::new() };
    json!({
        "header": header(chain_id, block),
        "data": { "txs": block.txs.iter().map(|tx| base64(&tx.bytes)).collect::<Vec<_>>() },
        "evidence": { "evidence": [] },
        "last_commit": {
            "height": (block.height - 1).to_string(),
            "round": 0,
            "block_id": block.header.last_block.map_or_else(no_block_id, |hash| block_id(&hash)),
            "signatures": signatures,
        },
    })
}

pub(super) fn events(events: &[Event]) -> Value {
    json!(events)
}

/// `ExecTxResult`.
pub(super) fn tx_result(result: &TxResult) -> Value {
    json!({
        "code": result.code,
        "data": base64_or_null(&result.data),
        "log": result.log,
        "info": "",
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "events": events(&result.events),
        "codespace": result.codespace,
    })
}

/// A transaction as `tx` and `tx_search` answer it.
pub(super) fn tx(block: &Block, index: usize) -> Value {
    let tx = &block.txs[index];
    json!({
        "hash": tx.hash,
        "height": block.height.to_string(),
        "index": index,
        "tx_result": tx_result(&tx.result),
        "tx": base64(&tx.bytes),
    })
}

/// The event `NewBlock`.
pub(super) fn new_block(chain_id: &str, finished: &Block) -> Value {
    let results: Vec<Value> = finished.txs.iter().map(|tx| tx_result(&tx.result)).collect();
    json!({
        "type": "tendermint/event/NewBlock",
        "value": {
            "block": block(chain_id, finished),
            "block_id": block_id(&finished.hash),
            "result_finalize_block": {
                "events": events(&finished.events),
                "tx_results": results,
                "validator_updates": [],
                "app_hash": base64(&finished.app_hash),
            },
        },
    })
}

/// The event `Tx`. Go's JSON leaves an index of 0 out.
pub(super) fn new_tx(block: &Block, index: usize) -> Value {
    let tx = &block.txs[index];
    let mut value = json!({
        "height": block.height.to_string(),
        "tx": base64(&tx.bytes),
        "result": tx_result(&tx.result),
    });
    if index > 0 {
        value["index"] = json!(index);
    }
    json!({ "type": "tendermint/event/Tx", "value": { "TxResult": value } })
}

/// The pairs by which a query finds a transaction.
pub(super) fn tx_keys(block: &Block, index: usize) -> Vec<(String, String)> {
    let tx = &block.txs[index];
    let mut keys = vec![
        ("tm.event".to_owned(), "Tx".to_owned()),
        ("tx.hash".to_owned(), tx.hash.clone()),
        ("tx.height".to_owned(), block.height.to_string()),
    ];
    keys.extend(event_keys(&tx.result.events));
    keys
}

/// The pairs by which a query finds a block.
pub(super) fn block_keys(block: &Block) -> Vec<(String, String)> {
    let mut keys = vec![("tm.event".to_owned(), "NewBlock".to_owned())];
    keys.extend(event_keys(&block.events));
    keys
}

fn event_keys(events: &[Event]) -> impl Iterator<Item = (String, String)> {
    events.iter().flat_map(|event| {
        event.attributes.iter().map(|a| (format!("{}.{}", event.kind, a.key), a.value.clone()))
    })
}

/// The map from key to values that accompanies an event of a subscription.
pub(super) fn key_map(keys: &[(String, String)]) -> Value {
    let mut map = serde_json::Map::new();
    for (key, value) in keys {
        let values = map.entry(key.clone()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
    }
    Value::Object(map)
}
