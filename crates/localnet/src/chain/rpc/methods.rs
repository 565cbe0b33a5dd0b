//! What each method answers.

use cosmrs::tendermint::Hash;
use serde_json::{Value, json};

use super::super::ChainHandle;
use super::super::event_query::EventQuery;
use super::super::mempool::MAX_BLOCK_BYTES;
use super::super::node::Node;
use super::super::query;
use super::json;
use super::params::Params;

/// An error of JSON-RPC.
#[derive(Clone, Debug)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: &'static str,
    pub(super) data: String,
}

impl RpcError {
    pub(super) fn params(data: impl ToString) -> Self {
        RpcError { code: -32602, message: "Invalid params", data: data.to_string() }
    }

    pub(super) fn internal(data: impl ToString) -> Self {
        RpcError { code: -32603, message: "Internal error", data: data.to_string() }
    }

    pub(super) fn unknown_method() -> Self {
        RpcError { code: -32601, message: "Method not found", data: String::new() }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "data": self.data })
    }
}

type Answer = Result<Value, RpcError>;

/// The parameters of a method in their order, or `None` where there is no such method.
pub(super) fn parameters(method: &str) -> Option<&'static [&'static str]> {
    Some(match method {
        "health" | "status" | "abci_info" | "net_info" | "num_unconfirmed_txs" => &[],
        "abci_query" => &["path", "data", "height", "prove"],
        "broadcast_tx_sync" | "broadcast_tx_async" => &["tx"],
        "tx" => &["hash", "prove"],
        "tx_search" => &["query", "prove", "page", "per_page", "order_by"],
        "block" | "block_results" | "header" | "consensus_params" => &["height"],
        "block_by_hash" => &["hash"],
        _ => return None,
    })
}

pub(super) fn call(chain: &ChainHandle, method: &str, params: &Params) -> Answer {
    let mut node = chain.node();
    match method {
        "health" => Ok(json!({})),
        "status" => Ok(status(&node)),
        "net_info" => Ok(json!({ "listening": true, "listeners": [], "n_peers": "0", "peers": [] })),
        "abci_info" => Ok(json!({ "response": {
            "data": "remesd-localnet",
            "version": env!("CARGO_PKG_VERSION"),
            "last_block_height": node.height().to_string(),
            "last_block_app_hash": json::base64(&node.state.app_hash()),
        } })),
        "num_unconfirmed_txs" => Ok(json!({
            "n_txs": node.mempool.len().to_string(),
            "total": node.mempool.len().to_string(),
            "total_bytes": node.mempool.total_bytes().to_string(),
            "txs": null,
        })),
        "abci_query" => abci_query(&node, params),
        "broadcast_tx_sync" | "broadcast_tx_async" => broadcast(&mut node, params),
        "tx" => tx(&node, params),
        "tx_search" => tx_search(&node, params),
        "block" => block(&node, params, false),
        "header" => block(&node, params, true),
        "block_by_hash" => block_by_hash(&node, params),
        "block_results" => block_results(&node, params),
        "consensus_params" => consensus_params(&node, params),
        _ => Err(RpcError::unknown_method()),
    }
}

fn chain_id(node: &Node) -> &str {
    &node.state.config().chain_id
}

fn status(node: &Node) -> Value {
    let (public_key, address) = node.validator();
    let described = |height: i64| {
        let block = node.block(height);
        let hashes = block.map(|b| (json::upper_hex(&b.hash), json::upper_hex(&b.header.app_hash)));
        (hashes.unwrap_or_default(), block.map(|b| json::time(b.time)).unwrap_or_default())
    };
    let (height, earliest) = (node.height(), node.earliest_height());
    let ((hash, app_hash), time) = described(height);
    let ((earliest_hash, earliest_app_hash), earliest_time) = described(earliest);
    json!({
        "node_info": {
            "protocol_version": { "p2p": "8", "block": "11", "app": "0" },
            "id": hex::encode(address),
            "listen_addr": "tcp://127.0.0.1:26656",
            "network": chain_id(node),
            "version": "0.38.12",
            "channels": "40202122233038606100",
            "moniker": "localnet",
            "other": { "tx_index": "on", "rpc_address": "tcp://127.0.0.1:26657" },
        },
        "sync_info": {
            "latest_block_hash": hash,
            "latest_app_hash": app_hash,
            "latest_block_height": height.to_string(),
            "latest_block_time": time,
            "earliest_block_hash": earliest_hash,
            "earliest_app_hash": earliest_app_hash,
            "earliest_block_height": earliest.to_string(),
            "earliest_block_time": earliest_time,
            "catching_up": false,
        },
        "validator_info": {
            "address": json::upper_hex(&address),
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": json::base64(&public_key) },
            "voting_power": "10",
        },
    })
}

fn abci_query(node: &Node, params: &Params) -> Answer {
    let path = params.text("path")?.unwrap_or_default();
    let data = params.hex("data")?;
    let asked = params.number("height")?.unwrap_or(0);
    let height = node.height();
    let answer = if asked != 0 && asked != height {
        Err(query::no_such_height(asked, height))
    } else {
        query::query(&node.state, &path, &data)
    };
    let is_store = path.starts_with("/store/");
    let (value, code, codespace, log) = match answer {
        Ok(value) => (value.unwrap_or_default(), 0, "", String::new()),
        Err(refusal) => (Vec::new(), refusal.code, refusal.codespace, refusal.log),
    };
    Ok(json!({ "response": {
        "code": code,
        "log": log,
        "info": "",
        "index": "0",
        "key": if is_store { json::base64_or_null(&data) } else { Value::Null },
        "value": json::base64_or_null(&value),
        "proofOps": null,
        "height": height.to_string(),
        "codespace": codespace,
    } }))
}

fn broadcast(node: &mut Node, params: &Params) -> Answer {
    let (hash, result) = node.broadcast(params.base64("tx")?).map_err(RpcError::internal)?;
    Ok(json!({
        "code": result.code,
        "data": "",
        "log": result.log,
        "codespace": result.codespace,
        "hash": hash,
    }))
}

fn tx(node: &Node, params: &Params) -> Answer {
    let hash = json::upper_hex(&params.base64("hash")?);
    match node.tx(&hash) {
        Some((block, index)) => Ok(json::tx(block, index)),
        None => Err(RpcError::internal(format_args!("tx ({hash}) not found"))),
    }
}

fn tx_search(node: &Node, params: &Params) -> Answer {
    let text = params.text("query")?.unwrap_or_default();
    let query = EventQuery::parse(&text).map_err(RpcError::internal)?;
    let per_page = match params.number("per_page")?.unwrap_or(30) {
        n if n < 1 => 30,
        n => n.min(100) as usize,
    };
    let descending = match params.text("order_by")?.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(RpcError::internal("expected order_by to be either `asc` or `desc` or empty")),
    };
    let (low, high) = query.heights();
    let mut found: Vec<(i64, usize)> = Vec::new();
    for block in node.blocks_between(low, high) {
        let indices = 0..block.txs.len();
        found.extend(
            indices.filter(|index| query.matches(&json::tx_keys(block, *index))).map(|i| (block.height, i)),
        );
    }
    if descending {
        found.reverse();
    }
    let total = found.len();
    let pages = total.div_ceil(per_page).max(1);
    let page = params.number("page")?.unwrap_or(1);
    if page < 1 || page as usize > pages {
        return Err(RpcError::internal(format_args!(
            "page should be within [1, {pages}] range, given {page}"
        )));
    }
    let shown = found.into_iter().skip((page as usize - 1) * per_page).take(per_page);
    let txs: Vec<Value> =
        shown.filter_map(|(height, index)| node.block(height).map(|b| json::tx(b, index))).collect();
    Ok(json!({ "txs": txs, "total_count": total.to_string() }))
}

/// The height that a call asks for: the last one where it names none.
fn height(node: &Node, params: &Params) -> Result<i64, RpcError> {
    let (latest, earliest) = (node.height(), node.earliest_height());
    match params.number("height")? {
        None => Ok(latest),
        Some(height) if height <= 0 => {
            Err(RpcError::internal(format_args!("height must be greater than 0, but got {height}")))
        }
        Some(height) if height > latest => Err(RpcError::internal(format_args!(
            "height {height} must be less than or equal to the current blockchain height {latest}"
        ))),
        Some(height) if height < earliest => Err(RpcError::internal(format_args!(
            "height {height} is not available, lowest height is {earliest}"
        ))),
        Some(height) => Ok(height),
    }
}

fn block(node: &Node, params: &Params, header_only: bool) -> Answer {
    let height = height(node, params)?;
    let Some(block) = node.block(height) else {
        return Ok(json!({ "block_id": null, "block": null }));
    };
    let mut shown = json::block(chain_id(node), block);
    if header_only {
        return Ok(json!({ "header": shown["header"].take() }));
    }
    Ok(json!({ "block_id": json::block_id(&block.hash), "block": shown }))
}

fn block_by_hash(node: &Node, params: &Params) -> Answer {
    let hash = params.base64("hash")?;
    let hash = Hash::try_from(hash).map_err(RpcError::params)?;
    let found = node.blocks().rev().find(|b| b.hash == hash.as_bytes());
    Ok(found.map_or_else(
        || json!({ "block_id": { "hash": "", "parts": { "total": 0, "hash": "" } }, "block": null }),
        |b| json!({ "block_id": json::block_id(&b.hash), "block": json::block(chain_id(node), b) }),
    ))
}

fn block_results(node: &Node, params: &Params) -> Answer {
    let height = height(node, params)?;
    let Some(block) = node.block(height) else {
        return Err(RpcError::internal(format_args!("could not find results for height #{height}")));
    };
    let results: Vec<Value> = block.txs.iter().map(|tx| json::tx_result(&tx.result)).collect();
    Ok(json!({
        "height": height.to_string(),
        "txs_results": if results.is_empty() { Value::Null } else { Value::Array(results) },
        "finalize_block_events": json::events(&block.events),
        "validator_updates": null,
        "consensus_param_updates": limits(node),
        "app_hash": json::base64(&block.app_hash),
    }))
}

fn consensus_params(node: &Node, params: &Params) -> Answer {
    let height = height(node, params)?;
    Ok(json!({ "block_height": height.to_string(), "consensus_params": limits(node) }))
}

/// What a block may hold.
fn limits(node: &Node) -> Value {
    json!({
        "block": {
            "max_bytes": MAX_BLOCK_BYTES.to_string(),
            "max_gas": node.state.config().max_block_gas.to_string(),
        },
        "evidence": { "max_age_num_blocks": "100000", "max_age_duration": "172800000000000", "max_bytes": "1048576" },
        "validator": { "pub_key_types": ["ed25519"] },
        "version": {},
        "abci": {},
    })
}
