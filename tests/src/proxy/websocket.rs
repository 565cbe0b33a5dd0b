use std::io;
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, connect_async};

use super::Fault;
use super::server::{Answer, Shared, empty};

pub(super) fn is_upgrade(request: &Request<Incoming>) -> bool {
    request.headers().contains_key(SEC_WEBSOCKET_KEY)
}

/// Opens the same websocket at the node, and then passes messages both ways.
pub(super) async fn open(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Answer> {
    let mut url = shared.upstream().clone();
    url.set_path(request.uri().path());
    url.set_scheme("ws").map_err(|()| io::Error::other("the node has no websocket"))?;
    let (node, _) = connect_async(url.as_str()).await.map_err(io::Error::other)?;
    let key = request.headers().get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let accept = HeaderValue::from_str(&derive_accept_key(key)).map_err(io::Error::other)?;
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let client = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        let mut cuts = shared.cuts();
        tokio::select! {
            _ = cuts.changed() => {}
            _ = relay(&shared, client, node) => {}
        }
    });
    let mut answer = empty();
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(answer)
}

/// Ends with the connection of either side, or with a fault that ends it.
async fn relay<C, N>(
    shared: &Shared,
    client: WebSocketStream<C>,
    node: WebSocketStream<N>,
) -> tungstenite::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    N: AsyncRead + AsyncWrite + Unpin,
{
    let (mut to_client, mut from_client) = client.split();
    let (mut to_node, mut from_node) = node.split();
    loop {
        tokio::select! {
            asked = from_client.next() => match asked {
                Some(message) => to_node.send(message?).await?,
                None => return Ok(()),
            },
            told = from_node.next() => {
                let Some(message) = told.transpose()? else { return Ok(()) };
                let Message::Text(text) = message else {
                    to_client.send(message).await?;
                    continue;
                };
                match shared.next_fault() {
                    None => to_client.send(Message::Text(text)).await?,
                    Some(Fault::Drop { .. } | Fault::Silence) => {}
                    Some(Fault::Delay(delay)) => {
                        tokio::time::sleep(delay).await;
                        to_client.send(Message::Text(text)).await?;
                    }
                    Some(Fault::Truncate { kept, .. }) => {
                        let end = text.floor_char_boundary((text.len() as f64 * kept) as usize);
                        to_client.send(Message::text(&text[..end])).await?;
                    }
                    Some(Fault::Duplicate) => {
                        to_client.send(Message::Text(text.clone())).await?;
                        to_client.send(Message::Text(text)).await?;
                    }
                    Some(Fault::Status500 { .. }) => return Ok(()),
                }
            }
        }
    }
}
