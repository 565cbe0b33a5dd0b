//! CometBFT's JSON-RPC over HTTP and websocket.

mod admin;
mod http;
mod json;
mod methods;
mod params;
mod websocket;

pub(crate) use http::{http_url, serve};
