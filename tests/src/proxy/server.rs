use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use r3mes_chain::http::Timeouts;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::websocket;
use super::{Fault, FaultKind, Faults};

/// How long a call that gets no answer is held; every client gives up before.
const SILENCE: Duration = Duration::from_secs(600);

/// A proxy on a loopback port, in front of one node. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

/// What passed through a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// HTTP calls, websockets opened, and messages that nodes sent over those.
    pub calls: u64,
    /// What went wrong, and how often.
    pub faults: BTreeMap<FaultKind, u64>,
}

#[derive(Debug)]
pub(super) struct Shared {
    upstream: Url,
    http: reqwest::Client,
    faults: Mutex<Faults>,
    next_call: AtomicU64,
    tally: Mutex<BTreeMap<FaultKind, u64>>,
    /// Counts the times that all connections were cut.
    cuts: watch::Sender<u64>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to `upstream`.
    ///
    /// # Errors
    /// When the system gives no port.
    pub async fn start(upstream: Url, faults: Faults) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // The client's patience counts, not ours.
        let timeouts = Timeouts { connect: Duration::from_secs(5), read: SILENCE };
        let shared = Arc::new(Shared {
            upstream,
            http: r3mes_chain::http::client(timeouts).map_err(io::Error::other)?,
            faults: Mutex::new(faults),
            next_call: AtomicU64::new(0),
            tally: Mutex::new(BTreeMap::new()),
            cuts: watch::Sender::new(0),
        });
        let stop = CancellationToken::new();
        tokio::spawn(listen(listener, shared.clone(), stop.clone()));
        Ok(Proxy { address, shared, stop })
    }

    /// Where clients reach it: `http://127.0.0.1:PORT/`.
    ///
    /// # Panics
    /// Never: a socket address makes a URL.
    pub fn url(&self) -> Url {
        format!("http://{}/", self.address).parse().expect("a socket address makes a URL")
    }

    /// Lies otherwise from the next call on. The calls' numbers go on.
    pub fn set_faults(&self, faults: Faults) {
        *locked(&self.shared.faults) = faults;
    }

    /// Closes every open connection, websockets too; new ones are taken as before.
    pub fn cut_connections(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// What has passed so far.
    pub fn tally(&self) -> Tally {
        let calls = self.shared.next_call.load(Ordering::Relaxed);
        Tally { calls, faults: locked(&self.shared.tally).clone() }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(serve(stream, shared.clone(), stop.clone()));
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let mut cuts = shared.cuts.subscribe();
    let service = service_fn(|request| answer(shared.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        () = stop.cancelled() => {}
        _ = cuts.changed() => {}
        // Ended by the client, or by a fault: an error of the service closes the connection unanswered.
        _ = connection => {}
    }
}

pub(super) type Answer = Response<BoxBody<Bytes, io::Error>>;

/// What a node answered, read whole.
struct Whole {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Answer> {
    let fault = shared.next_fault();
    if websocket::is_upgrade(&request) {
        return match fault {
            Some(Fault::Drop { .. }) => Err(dropped()),
            Some(Fault::Silence) => Err(silence().await),
            Some(Fault::Status500 { .. }) => Ok(status_500()),
            Some(Fault::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                websocket::open(shared, request).await
            }
            // The messages that follow have faults of their own.
            Some(Fault::Truncate { .. } | Fault::Duplicate) | None => websocket::open(shared, request).await,
        };
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let forward = || shared.forward(&head, body.clone());
    match fault {
        None => Ok(forward().await?.into_answer()),
        Some(Fault::Drop { acted }) => {
            if acted {
                forward().await?;
            }
            Err(dropped())
        }
        Some(Fault::Silence) => {
            forward().await?;
            Err(silence().await)
        }
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            Ok(forward().await?.into_answer())
        }
        Some(Fault::Truncate { kept, broken }) => Ok(forward().await?.truncated(kept, broken)),
        Some(Fault::Duplicate) => {
            forward().await?;
            Ok(forward().await?.into_answer())
        }
        Some(Fault::Status500 { acted }) => {
            if acted {
                forward().await?;
            }
            Ok(status_500())
        }
    }
}

impl Shared {
    /// The fault of the next call, counted.
    pub(super) fn next_fault(&self) -> Option<Fault> {
        let number = self.next_call.fetch_add(1, Ordering::Relaxed);
        let fault = locked(&self.faults).of_call(number)?;
        *locked(&self.tally).entry(fault.kind()).or_default() += 1;
        Some(fault)
    }

    pub(super) fn upstream(&self) -> &Url {
        &self.upstream
    }

    pub(super) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.subscribe()
    }

    async fn forward(&self, head: &hyper::http::request::Parts, body: Bytes) -> io::Result<Whole> {
        let mut url = self.upstream.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut headers = head.headers.clone();
        for own in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(own);
        }
        let request = self.http.request(head.method.clone(), url).headers(headers).body(body);
        let response = request.send().await.map_err(io::Error::other)?;
        let (status, mut headers) = (response.status(), response.headers().clone());
        for own in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(own);
        }
        Ok(Whole { status, headers, body: response.bytes().await.map_err(io::Error::other)? })
    }
}

impl Whole {
    fn into_answer(self) -> Answer {
        let mut answer = Response::new(full(self.body));
        *answer.status_mut() = self.status;
        *answer.headers_mut() = self.headers;
        answer
    }

    fn truncated(mut self, kept: f64, broken: bool) -> Answer {
        let whole = self.body.len();
        let part = self.body.split_to((whole as f64 * kept) as usize);
        if !broken {
            return Whole { body: part, ..self }.into_answer();
        }
        let pieces = [Ok(Frame::data(part)), Err(dropped())];
        let mut answer = self.into_answer();
        answer.headers_mut().insert(CONTENT_LENGTH, whole.into());
        *answer.body_mut() = BodyExt::boxed(StreamBody::new(stream::iter(pieces)));
        answer
    }
}

/// Plain values stand behind these locks: a panic leaves none half-written.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn full(body: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(body).map_err(never).boxed()
}

/// An answer without a body.
pub(super) fn empty() -> Answer {
    Response::new(Empty::new().map_err(never).boxed())
}

fn never(never: Infallible) -> io::Error {
    match never {}
}

fn status_500() -> Answer {
    let mut answer = Response::new(full(Bytes::from_static(b"Internal Server Error\n")));
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

fn dropped() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the proxy dropped the call")
}

async fn silence() -> io::Error {
    tokio::time::sleep(SILENCE).await;
    dropped()
}
