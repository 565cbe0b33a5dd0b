//! `/websocket`: the same calls, and subscriptions to blocks and transactions.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::super::block::Block;
use super::super::event_query::EventQuery;
use super::http::{Server, answer_call, respond, take_apart};
use super::json;
use super::methods::RpcError;
use super::params::Params;

/// Subscriptions of one connection; CometBFT allows as many.
const MAX_SUBSCRIPTIONS: usize = 5;

/// Time between two pings to a client, as CometBFT's server sends them.
const PING_PERIOD: Duration = Duration::from_secs(27);

struct Subscription {
    id: Value,
    query: EventQuery,
}

pub(super) async fn upgrade(State(server): State<Server>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| converse(server, socket))
}

async fn converse(server: Server, mut socket: WebSocket) {
    let mut blocks = server.chain.blocks();
    let mut subscriptions: Vec<Subscription> = Vec::new();
    let chain_id = server.chain.config().chain_id;
    let start = tokio::time::Instant::now() + PING_PERIOD;
    let mut pings = tokio::time::interval_at(start, PING_PERIOD);
    loop {
        let outgoing = tokio::select! {
            () = server.stop.cancelled() => return,
            block = blocks.recv() => match block {
                Ok(block) => notices(&chain_id, &subscriptions, &block),
                Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(_)) => {
                    let cancelled = cancel(&subscriptions);
                    subscriptions.clear();
                    cancelled
                }
            },
            _ = pings.tick() => {
                if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
                continue;
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    answer(&server, &mut subscriptions, text.as_bytes()).into_iter().collect()
                }
                Some(Ok(Message::Binary(bytes))) => {
                    answer(&server, &mut subscriptions, &bytes).into_iter().collect()
                }
                // Pings are answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        for message in outgoing {
            if socket.send(Message::Text(message.to_string().into())).await.is_err() {
                return;
            }
        }
    }
}

fn answer(server: &Server, subscriptions: &mut Vec<Subscription>, text: &[u8]) -> Option<Value> {
    let Ok(request) = serde_json::from_slice::<Value>(text) else {
        let error =
            RpcError { code: -32700, message: "Parse error. Invalid JSON", data: "no JSON".to_owned() };
        return Some(respond(Value::Null, Err(error)));
    };
    let named = request.get("method").and_then(Value::as_str);
    if !named.is_some_and(|m| ["subscribe", "unsubscribe", "unsubscribe_all"].contains(&m)) {
        return answer_call(&server.chain, request);
    }
    let (id, method, params) = match take_apart(request) {
        Ok(parts) => parts,
        Err(answer) => return Some(answer),
    };
    let id = id?;
    let text = Params::from_json(params, &["query"]).and_then(|params| params.text("query"));
    let outcome = text.and_then(|text| {
        let text = text.unwrap_or_default();
        match method.as_str() {
            "subscribe" => subscribe(subscriptions, id.clone(), &text),
            "unsubscribe" => unsubscribe(subscriptions, &text),
            _ if subscriptions.is_empty() => Err(RpcError::internal("subscription not found")),
            _ => {
                subscriptions.clear();
                Ok(())
            }
        }
    });
    Some(respond(id, outcome.map(|()| json!({}))))
}

fn subscribe(subscriptions: &mut Vec<Subscription>, id: Value, text: &str) -> Result<(), RpcError> {
    let query = EventQuery::parse(text).map_err(RpcError::internal)?;
    if subscriptions.iter().any(|s| s.query.text() == text) {
        return Err(RpcError::internal("already subscribed"));
    }
    if subscriptions.len() >= MAX_SUBSCRIPTIONS {
        return Err(RpcError::internal(format_args!(
            "max_subscriptions_per_client {MAX_SUBSCRIPTIONS} reached"
        )));
    }
    subscriptions.push(Subscription { id, query });
    Ok(())
}

fn unsubscribe(subscriptions: &mut Vec<Subscription>, text: &str) -> Result<(), RpcError> {
    let before = subscriptions.len();
    subscriptions.retain(|s| s.query.text() != text);
    if subscriptions.len() == before {
        return Err(RpcError::internal("subscription not found"));
    }
    Ok(())
}

/// What the subscriptions get of a block: the block itself, then its transactions.
fn notices(chain_id: &str, subscriptions: &[Subscription], block: &Arc<Block>) -> Vec<Value> {
    let mut out = Vec::new();
    let mut publish = |keys: Vec<(String, String)>, data: &dyn Fn() -> Value| {
        for subscription in subscriptions.iter().filter(|s| s.query.matches(&keys)) {
            let result = json!({
                "query": subscription.query.text(),
                "data": data(),
                "events": json::key_map(&keys),
            });
            out.push(respond(subscription.id.clone(), Ok(result)));
        }
    };
    publish(json::block_keys(block), &|| json::new_block(chain_id, block));
    for index in 0..block.txs.len() {
        publish(json::tx_keys(block, index), &|| json::new_tx(block, index));
    }
    out
}

fn cancel(subscriptions: &[Subscription]) -> Vec<Value> {
    let error = RpcError {
        code: -32000,
        message: "Server error",
        data: "subscription was canceled (reason: client is not pulling messages fast enough)".to_owned(),
    };
    subscriptions.iter().map(|s| respond(s.id.clone(), Err(error.clone()))).collect()
}
