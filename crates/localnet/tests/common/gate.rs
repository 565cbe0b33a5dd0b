//! A way to the node that a test can close, delay or falsify: an endpoint beside the node's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::Url;

/// What an endpoint does to the calls through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Passes them on.
    Honest,
    /// Answers with a proxy's error page.
    Broken,
    /// Never answers.
    Silent,
    /// States heights that lie so many blocks back.
    Behind(i64),
    /// Says that it has not caught up.
    CatchingUp,
    /// States another chain id.
    Foreign(&'static str),
    /// Passes transactions on, and breaks off before the answer.
    Deaf,
}

/// An endpoint whose manners a test changes.
pub struct Gate {
    pub url: Url,
    shared: Arc<Shared>,
}

struct Shared {
    node: Url,
    http: reqwest::Client,
    manner: Mutex<Manner>,
    calls: Mutex<Vec<String>>,
}

impl Gate {
    /// An endpoint in front of the node at `node`.
    pub async fn start(node: Url, manner: Manner) -> Gate {
        let http = r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap();
        let shared = Arc::new(Shared { node, http, manner: Mutex::new(manner), calls: Mutex::default() });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(pass).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Gate { url, shared }
    }

    pub fn turn(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// How often a method was called through it.
    pub fn calls(&self, method: &str) -> usize {
        self.shared.calls.lock().unwrap().iter().filter(|called| *called == method).count()
    }

    /// As [`EndpointStatus`](r3mes_chain::EndpointStatus) names it.
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}", self.url.port().unwrap())
    }
}

async fn pass(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let method = serde_json::from_slice::<Value>(&body).unwrap()["method"].as_str().unwrap().to_owned();
    shared.calls.lock().unwrap().push(method.clone());
    let manner = shared.manner.lock().unwrap().clone();
    match manner {
        Manner::Broken => return (StatusCode::BAD_GATEWAY, "<html>502</html>").into_response(),
        Manner::Silent => tokio::time::sleep(Duration::from_secs(3600)).await,
        _ => {}
    }
    let sent = shared.http.post(shared.node.clone()).header("content-type", "application/json").body(body);
    let Ok(answer) = sent.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let back = |height: &Value, blocks: i64| {
        json!((height.as_str().unwrap().parse::<i64>().unwrap() - blocks).to_string())
    };
    match (manner, method.as_str()) {
        (Manner::Deaf, "broadcast_tx_sync") => return StatusCode::BAD_GATEWAY.into_response(),
        (Manner::Behind(blocks), "status") => {
            let height = &mut answer["result"]["sync_info"]["latest_block_height"];
            *height = back(height, blocks);
        }
        (Manner::Behind(blocks), "abci_query") => {
            let height = &mut answer["result"]["response"]["height"];
            *height = back(height, blocks);
        }
        (Manner::CatchingUp, "status") => answer["result"]["sync_info"]["catching_up"] = json!(true),
        (Manner::Foreign(name), "status") => answer["result"]["node_info"]["network"] = json!(name),
        _ => {}
    }
    axum::Json(answer).into_response()
}
