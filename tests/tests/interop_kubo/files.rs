//! Files: their CIDs, and their way from one node to another, through gateways that are honest or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use r3mes_ipfs::{
    BlockSource, Cid, CidSettings, FetchError, FetchLimits, Gateway, Kubo, PartialFile, Progress, Resumed,
    SourceError, Sources, cid_of_bytes, fetch, fetch_bytes, fetch_with,
};
use url::Url;

use crate::node::{bytes, http, program, start, until};

const MIB: usize = 1 << 20;
/// 174 chunks: the most that one node links to.
const FULL_NODE: usize = 174 * 262_144;

#[tokio::test]
async fn add_gives_files_the_cids_that_we_compute() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = start(&program, folder.path(), Vec::new()).await;
    for size in [0, 1, 262_143, 262_144, 262_145, FULL_NODE, FULL_NODE + 1, 100 * MIB] {
        let bytes = bytes(size);
        for (version, settings) in [(0, CidSettings::v0()), (1, CidSettings::v1())] {
            let added = node.kubo.add(bytes.clone(), &settings).await.unwrap();
            let ours = cid_of_bytes(&bytes, &settings);
            assert_eq!(added.cid, ours, "{size} bytes, version {version}");
        }
    }
    node.daemon.stop().await;
}

/// A gradient of the largest size that miners may upload: from its miner's node to ours by the network's own
/// protocol, verified, pinned, let go of, collected.
#[tokio::test]
async fn a_gradient_of_100_mib_is_fetched_verified_pinned_and_collected() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let miner = start(&program, &folder.path().join("miner"), Vec::new()).await;
    let ours = start(&program, &folder.path().join("ours"), miner.addresses().await).await;
    let gradient = bytes(100 * MIB);

    let (told, hear) = std::sync::mpsc::channel();
    let told_each = move |progress: Progress| told.send(progress).unwrap();
    let added = miner.kubo.add_with(gradient.clone(), &CidSettings::v0(), told_each).await.unwrap();
    let sent: Vec<Progress> = hear.iter().collect();
    assert!(sent.len() >= 400 && sent.is_sorted_by_key(|progress| progress.bytes), "{}", sent.len());
    assert_eq!(sent.last().unwrap(), &Progress { bytes: 100 << 20, of: 100 << 20 });

    until("our node is connected to the miner's", async || !ours.kubo.peers().await.unwrap().is_empty())
        .await;
    let mut fetched = Vec::new();
    let mut heard = Vec::new();
    let limits = FetchLimits::default();
    let mut hear = |progress: Progress| heard.push(progress);
    let whole = fetch_with(&ours.kubo, &added.cid, &mut fetched, &limits, &mut hear).await.unwrap();
    assert_eq!(whole.bytes, 100 << 20);
    assert!(fetched == gradient, "other bytes than were added");
    assert!(heard.iter().all(|progress| progress.of == 100 << 20), "the size is known from the first block");

    ours.kubo.pin_add(&added.cid).await.unwrap();
    assert_eq!(ours.kubo.pin(&added.cid).await.unwrap().unwrap().mode, "recursive");
    ours.kubo.repo_gc().await.unwrap();
    assert!(ours.kubo.repo_stat().await.unwrap().size > 100 << 20, "what is pinned stays");
    assert!(ours.kubo.pin_rm(&added.cid).await.unwrap());
    assert!(!ours.kubo.pin_rm(&added.cid).await.unwrap(), "there is no second pin");
    let collected = ours.kubo.repo_gc().await.unwrap();
    assert!(collected.removed.len() >= 400 && collected.errors.is_empty(), "{}", collected.removed.len());
    assert!(
        ours.kubo.repo_stat().await.unwrap().size < 50 << 20,
        "only what the node keeps for itself stays"
    );
    ours.daemon.stop().await;
    miner.daemon.stop().await;
}

/// A gateway before a node: it hands on what the node says, and may change it.
struct Front {
    url: Url,
    answers: Arc<Answers>,
}

struct Answers {
    node: Kubo,
    asked: AtomicU64,
    /// From this answer on, each has one byte changed.
    corrupt_from: u64,
    /// From this answer on, there is none.
    down_from: AtomicU64,
}

async fn front(node: &Kubo, corrupt_from: u64, down_from: u64) -> Front {
    let answers = Arc::new(Answers {
        node: node.clone(),
        asked: AtomicU64::new(0),
        corrupt_from,
        down_from: down_from.into(),
    });
    let router = Router::new().route("/ipfs/{cid}", get(answer)).with_state(answers.clone());
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Front { url, answers }
}

async fn answer(State(answers): State<Arc<Answers>>, Path(cid): Path<String>) -> Result<Bytes, StatusCode> {
    let number = answers.asked.fetch_add(1, Ordering::Relaxed);
    if number >= answers.down_from.load(Ordering::Relaxed) {
        return Err(StatusCode::BAD_GATEWAY);
    }
    let cid: Cid = cid.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let block = answers.node.block_get(&cid, 4 << 20).await.map_err(|_| StatusCode::NOT_FOUND)?;
    if number < answers.corrupt_from {
        return Ok(block);
    }
    let mut changed = block.to_vec();
    changed[0] ^= 1;
    Ok(changed.into())
}

fn limits() -> FetchLimits {
    FetchLimits { retries: 1, retry_wait: Duration::from_millis(10), ..FetchLimits::default() }
}

#[tokio::test]
async fn a_corrupted_gateway_answer_is_refused_and_the_next_gateway_is_asked() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let miner = start(&program, &folder.path().join("miner"), Vec::new()).await;
    // A node of our own that knows nobody: whatever comes, comes through gateways.
    let ours = start(&program, &folder.path().join("ours"), Vec::new()).await;
    let gradient = bytes(3 * MIB + 17);
    let cid = miner.kubo.add(gradient.clone(), &CidSettings::v1()).await.unwrap().cid;
    let liar = front(&miner.kubo, 2, u64::MAX).await;
    let honest = front(&miner.kubo, u64::MAX, u64::MAX).await;

    let only = Gateway::new(http(), liar.url.clone());
    let error = fetch_bytes(&only, &cid, &limits()).await.unwrap_err();
    let FetchError::Source { error: SourceError::Unreachable(_) | SourceError::Corrupt { .. }, .. } = error
    else {
        panic!("{error}");
    };
    let asked = liar.answers.asked.load(Ordering::Relaxed);
    assert!(only.block(&cid, 1 << 20).await.is_err());
    assert_eq!(liar.answers.asked.load(Ordering::Relaxed), asked, "a marked gateway is not asked again");
    let health = only.health();
    assert!(health.corrupt >= 1 && health.paused_s.is_some_and(|pause| pause > 500), "{health:?}");
    assert!(health.last_error.unwrap().contains("does not match its CID"));

    liar.answers.asked.store(0, Ordering::Relaxed);
    let gateways = [&liar, &honest].map(|front| Gateway::new(http(), front.url.clone()));
    let sources = Sources::new(ours.kubo.clone(), gateways.into()).with_patience(Duration::from_millis(200));
    let file = sources.for_file();
    let kept = PartialFile::open(&folder.path().join("partial"), &cid).unwrap();
    let mut fetched = Vec::new();
    fetch(&Resumed::new(&kept, &file), &cid, &mut fetched, &limits()).await.unwrap();
    assert!(fetched == gradient);
    let [lied, told] = sources.gateways().try_into().unwrap();
    assert!(lied.corrupt >= 1 && lied.paused_s.is_some(), "{lied:?}");
    assert!(told.corrupt == 0 && told.blocks > 5, "{told:?}");

    // What gateways gave is news to our node until it gets it from us.
    assert_eq!(file.blocks_from_gateways(), 14);
    ours.kubo.import(kept.path()).await.unwrap();
    assert_eq!(ours.kubo.pin(&cid).await.unwrap().unwrap().mode, "recursive");
    assert!(fetch_bytes(&ours.kubo, &cid, &limits()).await.unwrap() == gradient);
    ours.daemon.stop().await;
    miner.daemon.stop().await;
}

#[tokio::test]
async fn kubos_own_gateway_serves_blocks() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = start(&program, folder.path(), Vec::new()).await;
    let gradient = bytes(MIB);
    let cid = node.kubo.add(gradient.clone(), &CidSettings::v0()).await.unwrap().cid;
    let gateway = Gateway::new(http(), node.running().gateway.unwrap());
    assert!(fetch_bytes(&gateway, &cid, &limits()).await.unwrap() == gradient);
    let absent = cid_of_bytes(b"nobody has added this", &CidSettings::v1());
    let error = gateway.block(&absent, 1 << 20).await.unwrap_err();
    assert!(matches!(error, SourceError::NotFound { .. }), "{error}");
    assert_eq!(gateway.health().failures, 0, "not to have a block is no fault");
    node.daemon.stop().await;
}

#[tokio::test]
async fn a_fetch_goes_on_where_it_broke_off_and_asks_for_no_block_twice() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let miner = start(&program, &folder.path().join("miner"), Vec::new()).await;
    let gradient = bytes(20 * MIB);
    let cid = miner.kubo.add(gradient.clone(), &CidSettings::v1()).await.unwrap().cid;
    let path = folder.path().join("partial");
    let gateway = front(&miner.kubo, u64::MAX, 40).await;
    let source = Gateway::new(http(), gateway.url.clone());

    let kept = PartialFile::open(&path, &cid).unwrap();
    let error = fetch_bytes(&Resumed::new(&kept, &source), &cid, &limits()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    drop(kept);
    gateway.answers.down_from.store(u64::MAX, Ordering::Relaxed);
    gateway.answers.asked.store(0, Ordering::Relaxed);

    // Another process would open the same file.
    let kept = PartialFile::open(&path, &cid).unwrap();
    let source = Gateway::new(http(), gateway.url.clone());
    assert!(fetch_bytes(&Resumed::new(&kept, &source), &cid, &limits()).await.unwrap() == gradient);
    assert_eq!(kept.reused(), 40);
    assert_eq!(gateway.answers.asked.load(Ordering::Relaxed), 81 - 40, "80 chunks and their node");
    miner.daemon.stop().await;
}
