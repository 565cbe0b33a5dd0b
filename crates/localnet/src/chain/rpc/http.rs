//! The server: `POST /` with JSON-RPC, `GET /<method>?...`, `/websocket`, and `POST /localnet/<operation>`.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::ChainHandle;
use super::methods::{RpcError, call, parameters};
use super::params::Params;
use super::{admin, websocket};

/// CometBFT's own limit on a request's body.
const MAX_BODY: usize = 1_000_000;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) chain: ChainHandle,
    pub(super) stop: CancellationToken,
}

/// The URL of a server on `address`.
pub(crate) fn http_url(address: SocketAddr) -> Url {
    // A socket address is a valid authority.
    #[allow(clippy::expect_used)]
    Url::parse(&format!("http://{address}")).expect("a socket address makes a URL")
}

pub(crate) async fn serve(listener: TcpListener, chain: ChainHandle, stop: CancellationToken) {
    let server = Server { chain, stop: stop.clone() };
    let router = Router::new()
        .route("/", post(post_json).get(list_methods))
        .route("/websocket", get(websocket::upgrade))
        .route("/localnet/{operation}", post(admin::operate))
        .route("/{method}", get(get_uri))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(server);
    let ended = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = ended {
        tracing::error!("failed to serve the chain's RPC: {error}");
    }
}

async fn list_methods() -> &'static str {
    "R3MES localnet: CometBFT JSON-RPC by POST, or GET /status, /abci_query, /tx, /tx_search, /block, ...\n"
}

async fn get_uri(
    State(server): State<Server>,
    Path(method): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    if parameters(&method).is_none() {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    let answer = call(&server.chain, &method, &Params::from_uri(pairs));
    // CometBFT answers a failed URI call with status 500 and the error in the body.
    let status = if answer.is_err() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    (status, Json(respond(json!(-1), answer))).into_response()
}

async fn post_json(State(server): State<Server>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        let error = RpcError {
            code: -32700,
            message: "Parse error. Invalid JSON",
            data: "error unmarshaling request".to_owned(),
        };
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(respond(json!(null), Err(error)))).into_response();
    };
    // A call that fails is an answer like any other: its status is 200.
    match request {
        Value::Array(requests) => {
            let answers = requests.into_iter().filter_map(|call| answer_call(&server.chain, call));
            Json(Value::Array(answers.collect())).into_response()
        }
        single => match answer_call(&server.chain, single) {
            Some(answer) => Json(answer).into_response(),
            None => StatusCode::OK.into_response(),
        },
    }
}

/// Answers one call of JSON-RPC; a notification, which has no id, is not answered.
pub(super) fn answer_call(chain: &ChainHandle, request: Value) -> Option<Value> {
    let (id, method, params) = match take_apart(request) {
        Ok(parts) => parts,
        Err(answer) => return Some(answer),
    };
    let id = id?;
    let answer = match parameters(&method) {
        None => Err(RpcError::unknown_method()),
        Some(names) => Params::from_json(params, names).and_then(|params| call(chain, &method, &params)),
    };
    Some(respond(id, answer))
}

/// A call's id, method and parameters.
pub(super) fn take_apart(mut request: Value) -> Result<(Option<Value>, String, Value), Value> {
    let id = request.get_mut("id").map(Value::take);
    match request.get("method").and_then(Value::as_str) {
        Some(method) => {
            let method = method.to_owned();
            let params = request.get_mut("params").map(Value::take).unwrap_or_default();
            Ok((id, method, params))
        }
        None => {
            let error = RpcError {
                code: -32600,
                message: "Invalid Request",
                data: "the request names no method".to_owned(),
            };
            Err(respond(id.unwrap_or_default(), Err(error)))
        }
    }
}

pub(super) fn respond(id: Value, answer: Result<Value, RpcError>) -> Value {
    match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() }),
    }
}
