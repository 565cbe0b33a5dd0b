//! Gateways behind a node that is down: what they give is checked block by block, and who lies is neither
//! believed nor held against the miner.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use r3mes_engine::Journal;
use r3mes_engine::journal::Direction;
use r3mes_ipfs::{Cid, Kubo};
use r3mes_tests::cosmos::Relay;
use r3mes_tests::{Network, NetworkOptions, Running};
use serde_json::Value;
use url::Url;

const MINERS: usize = 3;

/// What a gateway does to the blocks that it is asked for.
#[derive(Clone, Copy)]
enum Manner {
    Honest,
    /// The same byte is wrong each time.
    Corrupt,
    /// Far more bytes than any block has.
    Endless,
}

struct Gateway {
    url: Url,
    asked: Arc<AtomicU64>,
}

impl Gateway {
    async fn start(node: &Kubo, manner: Manner) -> Gateway {
        let asked = Arc::new(AtomicU64::new(0));
        let state = (node.clone(), manner, asked.clone());
        let router = Router::new().route("/ipfs/{cid}", get(answer)).with_state(state);
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Gateway { url, asked }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(
    State((node, manner, asked)): State<(Kubo, Manner, Arc<AtomicU64>)>,
    Path(cid): Path<String>,
) -> Result<Bytes, StatusCode> {
    asked.fetch_add(1, Ordering::Relaxed);
    let cid: Cid = cid.parse().map_err(|_| StatusCode::BAD_REQUEST)?;
    let block = node.block_get(&cid, 4 << 20).await.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(match manner {
        Manner::Honest => block,
        Manner::Corrupt => {
            let mut block = block.to_vec();
            block[0] ^= 1;
            block.into()
        }
        Manner::Endless => vec![0; 8 << 20].into(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_down_is_stood_in_for_by_gateways_that_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (scene, node) = Scene::new(folder.path().to_owned()).await;
    scene.line.cut();
    let corrupt = Gateway::start(&node, Manner::Corrupt).await;
    let endless = Gateway::start(&node, Manner::Endless).await;

    // Liars alone: each gradient is asked for, and none is judged by what they say.
    let mut proposer = scene.propose(&[&corrupt, &endless]);
    let journal = scene.journal(&mut proposer);
    let failures = || journal.transfers(1000).unwrap().iter().filter(|way| way.failure.is_some()).count();
    while failures() < 2 * MINERS {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(corrupt.asked() > 0 && endless.asked() > 0);
    proposer.kill();
    for id in 0..MINERS as u64 {
        let gradient = journal.gradient(id).unwrap();
        assert!(gradient.is_none_or(|gradient| gradient.judgement.is_none()), "gradient {id} is judged");
    }

    // One that is honest behind them is enough to judge all of them.
    let honest = Gateway::start(&node, Manner::Honest).await;
    let mut proposer = scene.propose(&[&corrupt, &endless, &honest]);
    for _ in 0..MINERS {
        let judged = proposer.wait_for("a gradient is judged", |line| line["event"] == "gradient-judged");
        assert_eq!(judged["usable"], true, "{judged}");
    }
    let fetched: Vec<_> =
        journal.transfers(1000).unwrap().into_iter().filter(|way| way.failure.is_none()).collect();
    assert!(
        fetched.iter().all(|way| way.direction == Direction::Fetch && way.from_gateways > 0),
        "{fetched:?}"
    );
    assert!(honest.asked() > 0);

    // With the node back the aggregate is published, and nobody was left out.
    scene.line.mend();
    let revealed = proposer.wait_for("the round is revealed", |line| line["round"]["state"] == "revealed");
    let selection = &revealed["round"]["selection"];
    assert_eq!(selection["participants"].as_array().map(Vec::len), Some(MINERS), "{revealed}");
    assert_eq!(selection["excluded"], Value::Array(Vec::new()), "{revealed}");
    proposer.wait_for("a reward", |line| line["event"] == "reward-booked");
}

/// A local network whose IPFS node the proposer reaches through a line that can be cut.
struct Scene {
    folder: PathBuf,
    network: Network,
    line: Relay,
}

impl Scene {
    async fn new(folder: PathBuf) -> (Scene, Kubo) {
        let options = NetworkOptions {
            seed: 64,
            miners: MINERS as u32,
            block: Duration::from_millis(200),
            rounds: Some(1),
        };
        let network = Network::start(&folder, options);
        let profile = r3mes_config::NetworkProfile::load(network.profile()).unwrap();
        let http = r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap();
        let node = Kubo::new(http, profile.ipfs_api.clone());
        let target = profile.ipfs_api.socket_addrs(|| None).unwrap()[0];
        let line = Relay::start(target).await.unwrap();
        (Scene { folder, network, line }, node)
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn propose(&self, gateways: &[&Gateway]) -> Running {
        let gateways: Vec<&str> = gateways.iter().map(|gateway| gateway.url.as_str()).collect();
        let settings = [
            format!("network.ipfs_api=http://{}", self.line.address()),
            format!("ipfs.gateways={}", gateways.join(",")),
            format!("round.quorum={MINERS}"),
            "round.minimum_interval=0s".to_owned(),
        ];
        let mut arguments: Vec<String> = vec!["start".into(), "--network".into()];
        arguments.push(self.network.profile().display().to_string());
        arguments.extend(["--home".into(), self.home().display().to_string()]);
        settings.into_iter().for_each(|setting| arguments.extend(["--set".into(), setting]));
        Running::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    }

    /// The journal of a proposer that has begun.
    fn journal(&self, proposer: &mut Running) -> Journal {
        proposer.wait_for("a round is open", |line| line["event"] == "round-advanced");
        Journal::read(&self.home().join("journal.sqlite")).unwrap()
    }
}
