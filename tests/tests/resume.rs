//! A proposer that is killed in the middle of its fetches goes on where it was: no block comes twice.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::get;
use r3mes_engine::Journal;
use r3mes_ipfs::Kubo;
use r3mes_localnet::ipfs::IpfsServer;
use r3mes_tests::{Network, NetworkOptions, Running};
use reqwest::Client;
use url::Url;

const MINERS: u64 = 3;

/// Blocks that come before the proposer is killed: fewer than any gradient has, so that none is complete.
const FIRST: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_was_cut_off_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let http = r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap();
    let node = IpfsServer::start(SocketAddr::from(([127, 0, 0, 1], 0)), None).await.unwrap();
    let miners =
        serve(Router::new().fallback(in_small_blocks).with_state((http.clone(), node.url().clone())));
    let miners = miners.await;
    let options = NetworkOptions {
        seed: 65,
        miners: MINERS as u32,
        block: Duration::from_millis(200),
        rounds: Some(1),
    };
    let network = Network::start_with(folder.path(), options, &["--ipfs-api", miners.as_str()]);
    let gateway = Arc::new(Gateway {
        node: Kubo::new(http, node.url().clone()),
        given: Mutex::default(),
        most: AtomicUsize::new(FIRST),
        kept_waiting: AtomicUsize::new(0),
    });
    let url = serve(Router::new().route("/ipfs/{cid}", get(give)).with_state(gateway.clone())).await;

    let home = folder.path().join("home");
    let mut proposer = propose(&network, &home, &url);
    proposer.wait_for("a round is open", |line| line["event"] == "round-advanced");
    let first = loop {
        let given = gateway.given.lock().unwrap().clone();
        let bytes: u64 = given.iter().map(|(_, bytes)| bytes).sum();
        let stuck = given.len() == FIRST && gateway.kept_waiting.load(Ordering::SeqCst) > 0;
        if stuck && kept_bytes(&home) >= bytes {
            break given;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    proposer.kill();
    let journal = Journal::read(&home.join("journal.sqlite")).unwrap();
    for id in 0..MINERS {
        let gradient = journal.gradient(id).unwrap();
        assert!(gradient.is_none_or(|gradient| gradient.judgement.is_none()), "gradient {id} is complete");
    }

    gateway.most.store(usize::MAX, Ordering::SeqCst);
    let mut proposer = propose(&network, &home, &url);
    for _ in 0..MINERS {
        let judged = proposer.wait_for("a gradient is judged", |line| line["event"] == "gradient-judged");
        assert_eq!(judged["usable"], true, "{judged}");
    }
    let given = gateway.given.lock().unwrap().clone();
    let second = &given[FIRST..];
    assert!(!second.is_empty());
    for (cid, _) in &first {
        assert!(second.iter().all(|(again, _)| again != cid), "block {cid} came twice");
    }
}

/// A gateway that keeps whoever asks for more blocks than it may give waiting.
struct Gateway {
    node: Kubo,
    /// The blocks given, with their bytes.
    given: Mutex<Vec<(String, u64)>>,
    most: AtomicUsize,
    kept_waiting: AtomicUsize,
}

async fn give(State(gateway): State<Arc<Gateway>>, Path(cid): Path<String>) -> Result<Bytes, StatusCode> {
    let parsed = cid.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let block = gateway.node.block_get(&parsed, 4 << 20).await.map_err(|_| StatusCode::NOT_FOUND)?;
    let may_give = {
        let mut given = gateway.given.lock().unwrap();
        let may_give = given.len() < gateway.most.load(Ordering::SeqCst);
        if may_give {
            given.push((cid, block.len() as u64));
        }
        may_give
    };
    if !may_give {
        gateway.kept_waiting.fetch_add(1, Ordering::SeqCst);
        return std::future::pending().await;
    }
    Ok(block)
}

/// Hands on what the miners ask of their node, which cuts their files into blocks of a kilobyte.
async fn in_small_blocks(
    State((http, node)): State<(Client, Url)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Bytes), StatusCode> {
    let call = uri.to_string().replace("chunker=size-262144", "chunker=size-1024");
    let mut request = http.post(node.join(&call).map_err(|_| StatusCode::BAD_REQUEST)?).body(body);
    if let Some(kind) = headers.get("content-type") {
        request = request.header("content-type", kind);
    }
    let answer = request.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok((answer.status(), answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?))
}

async fn serve(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Bytes of the downloads that are not complete.
fn kept_bytes(home: &FilePath) -> u64 {
    let files = std::fs::read_dir(home.join("spool")).unwrap().map(|file| file.unwrap());
    let partial = files.filter(|file| file.file_name().to_string_lossy().ends_with(".car"));
    partial.map(|file| file.metadata().map_or(0, |metadata| metadata.len())).sum()
}

/// Starts a proposer whose own node is down.
fn propose(network: &Network, home: &FilePath, gateway: &Url) -> Running {
    let gateways = format!("ipfs.gateways={gateway}");
    let arguments = ["start", "--network", network.profile().to_str().unwrap(), "--home"];
    let settings = ["--set", "network.ipfs_api=http://127.0.0.1:1", "--set", &gateways];
    let policy = ["--set", "round.quorum=3"];
    Running::start(&[&arguments[..], &[home.to_str().unwrap()], &settings, &policy].concat(), &[])
}
