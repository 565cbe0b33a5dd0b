//! Kubo's RPC over a block store: paths, parameters and answers as Kubo 0.40 gives them.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use r3mes_ipfs::{Cid, SHA2_256};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::add;
use super::store::{BlockStore, StoreError};

#[derive(Clone)]
pub(super) struct Node {
    pub(super) store: BlockStore,
    address: SocketAddr,
}

pub(super) type Parameters = HashMap<String, String>;
type Answer = Result<Response, Failure>;

/// A refusal in Kubo's form.
#[derive(Debug)]
pub(super) enum Failure {
    /// HTTP 400 with a line of text: a call without what it needs.
    Request(String),
    /// HTTP 500 with a JSON error.
    Error(String),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Request(text) => (StatusCode::BAD_REQUEST, text).into_response(),
            Self::Error(message) => {
                let body = json!({"Message": message, "Code": 0, "Type": "error"});
                (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Error(error.to_string())
    }
}

/// All calls; only by POST, any other method is answered with 405.
pub(super) fn router(store: BlockStore, address: SocketAddr) -> Router {
    let calls = Router::new()
        .route("/add", post(add::add))
        .route("/block/get", post(block_get))
        .route("/block/put", post(block_put))
        .route("/block/stat", post(block_stat))
        .route("/cat", post(cat))
        .route("/pin/add", post(pin_add))
        .route("/pin/rm", post(pin_rm))
        .route("/pin/ls", post(pin_ls))
        .route("/id", post(id))
        .route("/version", post(version))
        .route("/repo/stat", post(repo_stat))
        .route("/repo/gc", post(repo_gc))
        .route("/swarm/peers", post(swarm_peers));
    Router::new()
        .nest("/api/v0", calls)
        .layer(DefaultBodyLimit::disable())
        .with_state(Node { store, address })
}

async fn block_get(State(node): State<Node>, Query(parameters): Query<Parameters>) -> Answer {
    let block = node.store.block(&cid_argument(&parameters)?)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], block).into_response())
}

async fn block_stat(State(node): State<Node>, Query(parameters): Query<Parameters>) -> Answer {
    let cid = cid_argument(&parameters)?;
    let size = node.store.size(&cid).ok_or(StoreError::NotFound(cid))?;
    Ok(object(json!({"Key": cid.to_string(), "Size": size})))
}

async fn block_put(
    State(node): State<Node>,
    Query(parameters): Query<Parameters>,
    mut form: Multipart,
) -> Answer {
    let codec = match parameters.get("cid-codec").map_or("raw", String::as_str) {
        "raw" => r3mes_ipfs::RAW,
        "dag-pb" => r3mes_ipfs::DAG_PB,
        other => return Err(Failure::Error(format!("codec {other:?} is not known to this node"))),
    };
    let part = form.next_field().await.map_err(bad_form)?;
    let part = part.ok_or_else(|| Failure::Request("file argument 'data' is required".into()))?;
    let block = part.bytes().await.map_err(bad_form)?;
    let cid = sha2_256_cid(codec, &block)?;
    node.store.put(&cid, block.clone())?;
    if parameters.get("pin").is_some_and(|pin| pin == "true") {
        node.store.pin(&cid)?;
    }
    Ok(object(json!({"Key": cid.to_string(), "Size": block.len()})))
}

async fn cat(State(node): State<Node>, Query(parameters): Query<Parameters>) -> Answer {
    let cid = cid_argument(&parameters)?;
    let bytes = node.store.read_file(&cid).await.map_err(|error| Failure::Error(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], Bytes::from(bytes)).into_response())
}

async fn pin_add(State(node): State<Node>, Query(parameters): Query<Parameters>) -> Answer {
    let cid = cid_argument(&parameters)?;
    node.store.pin(&cid).map_err(|error| Failure::Error(format!("pin: {error}")))?;
    Ok(object(json!({"Pins": [cid.to_string()]})))
}

async fn pin_rm(State(node): State<Node>, Query(parameters): Query<Parameters>) -> Answer {
    let cid = cid_argument(&parameters)?;
    if node.store.unpin(&cid)? {
        Ok(object(json!({"Pins": [cid.to_string()]})))
    } else {
        Err(Failure::Error("not pinned or pinned indirectly".into()))
    }
}

async fn pin_ls(State(node): State<Node>, Query(parameters): Query<Parameters>) -> Answer {
    let entry = |mode: &str| json!({"Type": mode, "Name": ""});
    let roots = node.store.pins();
    if !parameters.contains_key("arg") {
        let keys: serde_json::Map<String, Value> =
            roots.iter().map(|cid| (cid.to_string(), entry("recursive"))).collect();
        return Ok(object(json!({"Keys": keys})));
    }
    let cid = cid_argument(&parameters)?;
    let mode = if roots.iter().any(|root| root.hash() == cid.hash()) {
        "recursive"
    } else if parameters.get("type").is_none_or(|wanted| wanted != "recursive")
        && node.store.is_reached_by_a_pin(&cid)?
    {
        "indirect"
    } else {
        return Err(Failure::Error(format!("path '{cid}' is not pinned")));
    };
    Ok(object(json!({"Keys": {cid.to_string(): entry(mode)}})))
}

async fn id(State(node): State<Node>) -> Response {
    let id = peer_id(node.address);
    let address = format!("/ip4/{}/tcp/{}/p2p/{id}", node.address.ip(), node.address.port());
    object(json!({
        "ID": id, "PublicKey": "", "Addresses": [address], "AgentVersion": agent(), "Protocols": null,
    }))
}

async fn version() -> Response {
    let system = format!("{}/{}", std::env::consts::ARCH, std::env::consts::OS);
    object(json!({"Version": agent(), "Commit": "", "Repo": "0", "System": system, "Golang": ""}))
}

async fn repo_stat(State(node): State<Node>) -> Response {
    let (blocks, bytes) = node.store.totals();
    object(json!({
        "RepoSize": bytes, "StorageMax": 10_000_000_000u64, "NumObjects": blocks, "RepoPath": "",
        "Version": "fs-repo@0",
    }))
}

async fn repo_gc(State(node): State<Node>) -> Answer {
    let removed = node.store.collect_garbage()?;
    let lines: String =
        removed.iter().map(|cid| format!("{}\n", json!({"Key": {"/": cid.to_string()}}))).collect();
    Ok(([(header::CONTENT_TYPE, "application/json")], lines).into_response())
}

async fn swarm_peers() -> Response {
    object(json!({"Peers": null}))
}

pub(super) fn object(value: Value) -> Response {
    axum::Json(value).into_response()
}

pub(super) fn bad_form(error: axum::extract::multipart::MultipartError) -> Failure {
    Failure::Error(format!("cannot read the multipart body: {error}"))
}

fn cid_argument(parameters: &Parameters) -> Result<Cid, Failure> {
    let text =
        parameters.get("arg").ok_or_else(|| Failure::Request("argument \"cid\" is required".into()))?;
    let bare = text.strip_prefix("/ipfs/").unwrap_or(text);
    Cid::try_from(bare).map_err(|error| Failure::Error(format!("invalid path {text:?}: {error}")))
}

fn sha2_256_cid(codec: u64, block: &[u8]) -> Result<Cid, Failure> {
    let mut bytes = vec![0x01, codec as u8, SHA2_256 as u8, 32];
    bytes.extend_from_slice(&Sha256::digest(block));
    Cid::try_from(bytes.as_slice()).map_err(|error| Failure::Error(error.to_string()))
}

fn agent() -> String {
    format!("r3mes-localnet/{}", env!("CARGO_PKG_VERSION"))
}

/// A name for the node in the form of a peer id: a base58 multihash, here of its address.
fn peer_id(address: SocketAddr) -> String {
    let mut bytes = vec![SHA2_256 as u8, 32];
    bytes.extend_from_slice(&Sha256::digest(address.to_string()));
    Cid::try_from(bytes.as_slice()).map(|cid| cid.to_string()).unwrap_or_default()
}
