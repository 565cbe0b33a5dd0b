//! `POST /localnet/<operation>`: the administrator's operations for other processes.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Map, Value, json};

use super::super::admin::Operation;
use super::http::Server;

/// The body holds the operation's fields as a JSON object; nothing stands for none.
pub(super) async fn operate(
    State(server): State<Server>,
    Path(operation): Path<String>,
    body: Bytes,
) -> Response {
    let fields = if body.is_empty() { Ok(Map::new()) } else { serde_json::from_slice(&body) };
    let parsed = fields.and_then(|mut fields: Map<String, Value>| {
        fields.insert("operation".to_owned(), Value::String(operation));
        serde_json::from_value::<Operation>(Value::Object(fields))
    });
    let outcome = match parsed {
        Err(error) => return refuse("undefined", 1, error.to_string()),
        Ok(operation) => server.chain.administer_in_a_block(operation),
    };
    match outcome {
        Ok(answer) => Json(answer).into_response(),
        Err(refusal) => refuse(refusal.codespace, refusal.code, refusal.log),
    }
}

fn refuse(codespace: &str, code: u32, log: String) -> Response {
    let body = json!({ "codespace": codespace, "code": code, "log": log });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
