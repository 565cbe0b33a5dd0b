//! New blocks and transactions as they come, over the node's websocket.
//!
//! A websocket misses what happens while it is down: whoever reads it still asks the chain itself from
//! time to time, and takes a [`Connection::Up`] as the moment to do so.

use std::time::Duration;

use futures::stream::{self, BoxStream, Stream, StreamExt};
use futures::{SinkExt, TryStreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use crate::ChainError;
use crate::error::innermost;
use crate::event::Event;
use crate::http::install_tls_provider;
use crate::included::Included;
use crate::rpc::{Envelope, FinalizeBlock, JsonBlock, JsonTxResult, host_and_port};
use crate::tx::tx_hash;

/// What a node tells its subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A block was committed.
    Block {
        /// Its height.
        height: i64,
        /// Its time, RFC 3339.
        time: String,
        /// The events of its begin and end, outside any transaction.
        events: Vec<Event>,
    },
    /// A transaction was included, in a block that may be announced before or after it.
    Tx(Included),
}

/// The notices of one connection. After an error comes nothing more.
pub type Subscription = BoxStream<'static, Result<Notice, ChainError>>;

/// Subscribes to new blocks and transactions of the node whose RPC endpoint is `url`.
///
/// `silence` is how long the node may send nothing, not even a ping, before the connection counts as
/// lost: CometBFT pings about every 27 seconds.
///
/// # Errors
/// Where the connection cannot be made or the node refuses the subscription.
pub async fn subscribe(url: &Url, silence: Duration) -> Result<Subscription, ChainError> {
    install_tls_provider();
    let address = websocket_url(url)?;
    let failed = |reason: String| lost(url, reason);
    let limits = WebSocketConfig::default().max_message_size(Some(64 << 20)).max_frame_size(Some(64 << 20));
    let connecting = connect_async_with_config(address.as_str(), Some(limits), true);
    let (mut socket, _) = tokio::time::timeout(silence, connecting)
        .await
        .map_err(|_| failed(format!("no connection within {} s", silence.as_secs_f32())))?
        .map_err(|error| failed(innermost(&error)))?;
    for (id, event) in [(1, "NewBlock"), (2, "Tx")] {
        let params = json!({ "query": format!("tm.event='{event}'") });
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": "subscribe", "params": params });
        let message = Message::text(request.to_string());
        socket.send(message).await.map_err(|error| failed(innermost(&error)))?;
    }
    let reader =
        Reader { socket, url: url.clone(), silence, confirmations: 2, early: Vec::new(), ended: false };
    reader.confirmed().await.map(Reader::into_stream)
}

/// How long to wait before connecting again: doubled each time, from `first` up to `longest`, and back
/// to `first` once a notice has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `failures` failures in a row.
    fn wait(self, failures: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(self.longest)
    }
}

/// What a subscription that connects again reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It stands. What happened before must be asked for.
    Up,
    /// A notice.
    Notice(Notice),
    /// It was lost, or could not be made; the next attempt follows by itself.
    Down(ChainError),
}

/// As [`subscribe`], connecting again for as long as the stream is read: each time to what `endpoint` names
/// then, so that another node can take a lost one's place. It never ends.
pub fn subscribe_again(
    endpoint: impl Fn() -> Url + Send + Sync + 'static,
    silence: Duration,
    backoff: Backoff,
) -> impl Stream<Item = Connection> + Send + 'static {
    struct State<E> {
        endpoint: E,
        url: Url,
        open: Option<Subscription>,
        failures: Option<u32>,
    }
    let start = State { url: endpoint(), endpoint, open: None, failures: None };
    stream::unfold(start, move |mut state| async move {
        let Some(mut open) = state.open.take() else {
            if let Some(failures) = state.failures {
                tokio::time::sleep(backoff.wait(failures)).await;
            }
            state.url = (state.endpoint)();
            return Some(match subscribe(&state.url, silence).await {
                Ok(open) => {
                    state.open = Some(open);
                    (Connection::Up, state)
                }
                Err(error) => {
                    state.failures = Some(state.failures.map_or(0, |failures| failures.saturating_add(1)));
                    (Connection::Down(error), state)
                }
            });
        };
        Some(match open.next().await {
            Some(Ok(notice)) => {
                state.open = Some(open);
                state.failures = None;
                (Connection::Notice(notice), state)
            }
            Some(Err(error)) => {
                state.failures = Some(state.failures.map_or(0, |failures| failures.saturating_add(1)));
                (Connection::Down(error), state)
            }
            None => {
                state.failures = Some(state.failures.map_or(0, |failures| failures.saturating_add(1)));
                (Connection::Down(lost(&state.url, "the stream ended".to_owned())), state)
            }
        })
    })
}

/// Reads one connection's frames.
struct Reader {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    url: Url,
    silence: Duration,
    /// Subscriptions that the node has not confirmed yet.
    confirmations: usize,
    /// Notices that came before the last confirmation.
    early: Vec<Notice>,
    ended: bool,
}

/// What one frame says.
enum Frame {
    Confirmation,
    Notice(Notice),
    Nothing,
}

impl Reader {
    async fn confirmed(mut self) -> Result<Self, ChainError> {
        while self.confirmations > 0 {
            match self.frame().await? {
                Frame::Confirmation => self.confirmations -= 1,
                Frame::Notice(notice) => self.early.push(notice),
                Frame::Nothing => {}
            }
        }
        Ok(self)
    }

    fn into_stream(mut self) -> Subscription {
        let early = std::mem::take(&mut self.early);
        let later = stream::unfold(self, |mut reader| async move {
            if reader.ended {
                return None;
            }
            let next = reader.notice().await;
            reader.ended = next.is_err();
            Some((next, reader))
        });
        stream::iter(early).map(Ok).chain(later).boxed()
    }

    async fn notice(&mut self) -> Result<Notice, ChainError> {
        loop {
            if let Frame::Notice(notice) = self.frame().await? {
                return Ok(notice);
            }
        }
    }

    async fn frame(&mut self) -> Result<Frame, ChainError> {
        let silent = self.silence;
        let next = tokio::time::timeout(silent, self.socket.try_next());
        let message = next
            .await
            .map_err(|_| lost(&self.url, format!("nothing was heard for {} s", silent.as_secs_f32())))?
            .map_err(|error| lost(&self.url, innermost(&error)))?
            .ok_or_else(|| lost(&self.url, "the node closed the connection".to_owned()))?;
        match message {
            Message::Text(text) => read_frame(text.as_bytes()),
            Message::Binary(bytes) => read_frame(&bytes),
            Message::Close(close) => {
                let why = close.map_or_else(String::new, |close| format!(": {}", close.reason));
                Err(lost(&self.url, format!("the node closed the connection{why}")))
            }
            // Pongs go out by themselves with the next read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(Frame::Nothing),
        }
    }
}

fn read_frame(json: &[u8]) -> Result<Frame, ChainError> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        data: Option<Data>,
    }
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "type", default)]
        kind: String,
        value: serde_json::Value,
    }
    #[derive(Deserialize)]
    struct NewBlock {
        block: JsonBlock,
        #[serde(default, alias = "result_end_block")]
        result_finalize_block: Option<FinalizeBlock>,
    }
    #[derive(Deserialize)]
    struct NewTx {
        #[serde(rename = "TxResult", alias = "tx_result")]
        result: JsonTxResult,
    }
    let unreadable = |error: serde_json::Error| ChainError::malformed("subscribe", error);
    let payload: Payload =
        serde_json::from_slice::<Envelope<Payload>>(json).map_err(unreadable)?.open("subscribe")?;
    let Some(Data { kind, value }) = payload.data else { return Ok(Frame::Confirmation) };
    if kind.ends_with("/NewBlock") {
        let NewBlock { block, result_finalize_block } = serde_json::from_value(value).map_err(unreadable)?;
        let events = result_finalize_block.unwrap_or_default().events;
        let (height, time) = (block.header.height, block.header.time);
        Ok(Frame::Notice(Notice::Block { height, time, events }))
    } else if kind.ends_with("/Tx") {
        let NewTx { result: JsonTxResult { height, index, tx, result } } =
            serde_json::from_value(value).map_err(unreadable)?;
        Ok(Frame::Notice(Notice::Tx(Included::from_result(tx_hash(&tx), height, index, tx, result))))
    } else {
        Ok(Frame::Nothing)
    }
}

/// `http://host:26657` becomes `ws://host:26657/websocket`; a path before it stays.
fn websocket_url(url: &Url) -> Result<Url, ChainError> {
    let refuse = |reason: &str| ChainError::Endpoint { url: host_and_port(url), reason: reason.to_owned() };
    let mut address = url.clone();
    let scheme = match url.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return Err(refuse("its scheme is none of http, https, ws, wss")),
    };
    address.set_scheme(scheme).map_err(|()| refuse("its scheme cannot be changed"))?;
    let path = url.path().trim_end_matches('/');
    if !path.ends_with("/websocket") {
        address.set_path(&format!("{path}/websocket"));
    }
    Ok(address)
}

fn lost(url: &Url, reason: String) -> ChainError {
    ChainError::Transport { method: "subscribe".to_owned(), node: host_and_port(url), reason }
}

#[cfg(test)]
#[path = "subscription_tests.rs"]
mod tests;
