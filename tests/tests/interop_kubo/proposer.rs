//! The whole proposer, as a program, on nodes of Kubo: another's, and one of its own.

use std::fs;
use std::path::Path;

use r3mes_config::NetworkProfile;
use r3mes_engine::Journal;
use r3mes_engine::journal::{Direction, Transfer};
use r3mes_ipfs::{Cid, CidSettings, Kubo};
use r3mes_tests::Running;
use serde_json::Value;

use crate::node::{Node, bytes, http, is_alive, program, signal, start, until};

/// What stands in the proposer's environment, and must in no child's.
const SECRETS: [(&str, &str); 2] = [
    ("R3MES_PASSPHRASE", "correct horse battery staple"),
    ("R3MES_KEY_SECRET", "legal winner thank year wave sausage worth useful legal winner thank yellow"),
];

/// A local network whose miners upload to `miners`, and where a proposer of it lives.
struct Scene {
    folder: tempfile::TempDir,
    _network: Running,
}

impl Scene {
    fn new(miners: &Node, seed: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("localnet.toml");
        let api = miners.running().api;
        let options = [
            "--miners",
            "4",
            "--byzantine",
            "0",
            "--block-ms",
            "200",
            "--seed",
            seed,
            "--ipfs-api",
            api.as_str(),
        ];
        let localnet = ["localnet", "--profile", profile.to_str().unwrap()];
        let mut network = Running::start(&[&localnet[..], &options].concat(), &[]);
        network.wait_for("the network is ready", |line| line["event"] == "ready");
        Scene { folder, _network: network }
    }

    fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    /// Starts the proposer, with some settings on top of those that four miners need.
    fn propose(&self, settings: &[String]) -> Running {
        let (profile, home) = (self.folder.path().join("localnet.toml"), self.home());
        let mut arguments: Vec<String> =
            ["start", "--network", profile.to_str().unwrap(), "--home"].map(str::to_owned).into();
        arguments.push(home.display().to_string());
        let common = ["round.quorum=4", "round.minimum_participants=3", "round.minimum_interval=0s"];
        for setting in common.into_iter().map(str::to_owned).chain(settings.iter().cloned()) {
            arguments.extend(["--set".to_owned(), setting]);
        }
        Running::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &SECRETS)
    }

    fn journal(&self) -> Journal {
        Journal::read(&self.home().join("journal.sqlite")).unwrap()
    }

    /// The proposer's own node, which must be up.
    fn node(&self) -> Kubo {
        let address = fs::read_to_string(self.home().join("ipfs/repo/api")).unwrap();
        let port = address.trim().rsplit('/').next().unwrap();
        Kubo::new(http(), format!("http://127.0.0.1:{port}").parse().unwrap())
    }

    async fn height(&self) -> i64 {
        let profile = NetworkProfile::load(&self.folder.path().join("localnet.toml")).unwrap();
        r3mes_chain::Rpc::new(http(), profile.rpc[0].clone()).status().await.unwrap().height
    }
}

fn wait_for_rewards(proposer: &mut Running, rounds: usize) {
    for round in 0..rounds {
        proposer.wait_for(&format!("reward {round}"), |line| line["event"] == "reward-booked");
    }
}

/// The processes that work on a repository, by their environment: the node, and who guards it.
fn processes_of(repository: &Path) -> Vec<u32> {
    let wanted = format!("IPFS_PATH={}", repository.display());
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let environment = fs::read(entry.path().join("environ")).ok()?;
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()).then_some(pid)
    });
    processes.filter(|pid| is_alive(*pid)).collect()
}

/// The process that is Kubo itself.
fn kubo_among(processes: &[u32]) -> u32 {
    let is_kubo = |pid: &&u32| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("ipfs\0daemon"))
            && fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("ipfs"))
    };
    *processes.iter().find(is_kubo).expect("Kubo runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_go_by_on_another_ones_node() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = start(&program, folder.path(), Vec::new()).await;
    let scene = Scene::new(&node, "31");
    let mut proposer = scene.propose(&["ipfs.mode=external".to_owned()]);
    wait_for_rewards(&mut proposer, 3);
    proposer.kill();
    let journal = scene.journal();
    let transfers = journal.transfers(1000).unwrap();
    // A round may close on its quorum before a late gradient is fetched.
    let done = |direction| {
        let went = |transfer: &&Transfer| transfer.failure.is_none() && transfer.direction == direction;
        transfers.iter().filter(went).count()
    };
    assert!(done(Direction::Upload) >= 3 && done(Direction::Fetch) >= 3 * 3, "{transfers:?}");
    assert!(transfers.iter().all(|transfer| transfer.failure.is_some() || transfer.bytes > 0));
    // The miners have pinned their own files on this node: those pins are not ours to take away.
    let pins = journal.pins().unwrap();
    assert!(pins.iter().all(|pin| pin.kind.to_string() == "aggregate"), "{pins:?}");
    assert!(pins.len() >= 3, "{pins:?}");
    drop(scene);
    node.daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_its_own_lives_and_dies_with_the_proposer() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let miners = start(&program, folder.path(), Vec::new()).await;
    let scene = Scene::new(&miners, "32");
    let settings = managed(&program, &miners).await;
    let mut proposer = scene.propose(&settings);
    // Gradients come from the miners' node to ours, and the aggregate goes back, by the network's own protocol:
    // without it the miners would not train on.
    wait_for_rewards(&mut proposer, 2);
    let repository = scene.home().join("ipfs/repo");
    let before = kubo_among(&processes_of(&repository));
    for pid in processes_of(&repository) {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains("R3MES_"), "process {pid} is told what is ours");
        for (name, secret) in SECRETS {
            assert!(!environment.contains(secret), "process {pid} is told {name}");
        }
    }

    // The node is killed: it comes back, and the rounds go on.
    signal("KILL", before);
    proposer.wait_for("the node is down", |line| line["event"] == "ipfs-node" && !line["trouble"].is_null());
    let up = |line: &Value| line["event"] == "ipfs-node" && !line["version"].is_null();
    proposer.wait_for("the node is up again", up);
    wait_for_rewards(&mut proposer, 1);
    let after = processes_of(&repository);
    assert_ne!(kubo_among(&after), before);

    // The proposer is killed: nothing of its node stays behind.
    proposer.kill();
    until("every process of the node has ended", async || processes_of(&repository).is_empty()).await;
    assert!(after.iter().all(|pid| !is_alive(*pid)));

    // It starts again on the same repository, and stops in order with it.
    let pinned = scene.journal().pins().unwrap();
    assert!(pinned.iter().any(|pin| pin.kind.to_string() == "aggregate"), "{pinned:?}");
    let mut proposer = scene.propose(&settings);
    wait_for_rewards(&mut proposer, 1);
    proposer.kill();
    until("every process of the node has ended", async || processes_of(&repository).is_empty()).await;
    assert!(miners.kubo.add(bytes(10), &CidSettings::v1()).await.is_ok(), "the miners' node is left alone");
    drop(scene);
    miners.daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_dispute_any_more_is_unpinned_and_collected() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let miners = start(&program, folder.path(), Vec::new()).await;
    let scene = Scene::new(&miners, "33");
    let mut proposer = scene.propose(&managed(&program, &miners).await);
    let revealed = proposer.wait_for("a round is revealed", |line| line["round"]["state"] == "revealed");
    let ours = scene.node();
    let (round, journal) = (&revealed["round"], scene.journal());
    let deadline = round["aggregation"]["challenge_deadline_height"].as_i64().unwrap();
    let inputs: Vec<Cid> = round["selection"]["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|participant| journal.gradient(participant["gradient_id"].as_u64().unwrap()).unwrap().unwrap())
        .map(|gradient| gradient.record.ipfs_hash.parse().unwrap())
        .collect();
    assert!(inputs.len() >= 3, "{revealed}");

    // A round's inputs are pinned before it is committed, and stay for as long as it can be challenged.
    assert_eq!(held(&ours, &inputs).await, inputs.len());
    let mut collected = false;
    while !collected {
        let (kept, height) = (kept(&ours, &inputs).await, scene.height().await);
        assert!(kept == inputs.len() || height > deadline, "{kept} are left at {height}, before {deadline}");
        collected = held(&ours, &inputs).await == 0;
        proposer.next_line().expect("the proposer goes on");
    }
    assert_eq!(kept(&ours, &inputs).await, 0);
    let newest = scene.journal().pins().unwrap().into_iter().rfind(|pin| pin.kind.to_string() == "aggregate");
    let newest: Cid = newest.expect("an aggregate is pinned").cid.parse().unwrap();
    assert!(ours.pin(&newest).await.unwrap().is_some(), "what the network trains on stays");
    proposer.kill();
    drop(scene);
    miners.daemon.stop().await;
}

/// How many of these a node has pinned.
async fn kept(node: &Kubo, cids: &[Cid]) -> usize {
    let mut kept = 0;
    for cid in cids {
        kept += usize::from(node.pin(cid).await.unwrap().is_some());
    }
    kept
}

/// How many of these roots a node holds itself. It names what it holds by the hash alone, as raw blocks.
async fn held(node: &Kubo, cids: &[Cid]) -> usize {
    let call = node.url().unwrap().join("api/v0/refs/local").unwrap();
    let local = http().post(call).send().await.unwrap().text().await.unwrap();
    cids.iter().filter(|cid| local.contains(&Cid::new_v1(0x55, *cid.hash()).to_string())).count()
}

/// The settings of a node of its own that knows the miners' one, and of a proposer that lets go of what nobody
/// can dispute any more.
async fn managed(program: &Path, miners: &Node) -> Vec<String> {
    let peers: Vec<String> =
        miners.addresses().await.into_iter().filter(|address| address.contains("/tcp/")).collect();
    vec![
        "ipfs.mode=managed".to_owned(),
        format!("ipfs.kubo_binary={}", program.display()),
        "ipfs.listen=127.0.0.1".to_owned(),
        "ipfs.bootstrap=".to_owned(),
        format!("ipfs.peers={}", peers.join(",")),
        "limits.keep_gradients=0s".to_owned(),
        "network.challenge_period_blocks=1".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_its_own_stands_in_where_the_profiles_one_does_not_answer() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let miners = start(&program, folder.path(), Vec::new()).await;
    let scene = Scene::new(&miners, "34");
    let mut settings = managed(&program, &miners).await;
    settings[0] = "ipfs.mode=auto".to_owned();
    let repository = scene.home().join("ipfs/repo");

    let mut proposer = scene.propose(&settings);
    wait_for_rewards(&mut proposer, 1);
    assert!(!repository.exists(), "the profile's node answers, and is enough");
    proposer.kill();

    settings.push("network.ipfs_api=http://127.0.0.1:1".to_owned());
    let mut proposer = scene.propose(&settings);
    wait_for_rewards(&mut proposer, 1);
    assert!(is_alive(kubo_among(&processes_of(&repository))));
    proposer.kill();
    until("every process of the node has ended", async || processes_of(&repository).is_empty()).await;
    drop(scene);
    miners.daemon.stop().await;
}
