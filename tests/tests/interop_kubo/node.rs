//! Nodes for the tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use r3mes_ipfs::{DaemonSettings, DaemonState, Kubo, KuboDaemon, RunningDaemon};
use r3mes_tests::go_tool;
use reqwest::Client;

/// The Kubo that was built for the tests, or none where there is no Go.
pub fn program() -> Option<PathBuf> {
    go_tool("R3MES_KUBO", "kubo", "ipfs")
}

pub fn http() -> Client {
    r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap()
}

/// What a node of a test is like: on loopback, on free ports, asked often how it is.
pub fn settings(program: &Path, folder: &Path, peers: Vec<String>) -> DaemonSettings {
    DaemonSettings {
        binary: Some(program.to_owned()),
        health_interval: Duration::from_millis(500),
        ..DaemonSettings::isolated(folder, peers)
    }
}

/// A running node and a client of it.
pub struct Node {
    pub daemon: KuboDaemon,
    pub kubo: Kubo,
}

pub async fn start(program: &Path, folder: &Path, peers: Vec<String>) -> Node {
    let daemon = KuboDaemon::start(settings(program, folder, peers), http()).await.unwrap();
    let kubo = daemon.client(http());
    Node { daemon, kubo }
}

impl Node {
    /// What is known of the node, which must be up.
    pub fn running(&self) -> RunningDaemon {
        match self.daemon.state().borrow().clone() {
            DaemonState::Ready(running) => running,
            other => panic!("the node is {other:?}"),
        }
    }

    /// Its addresses for peers, as multiaddresses.
    pub async fn addresses(&self) -> Vec<String> {
        self.kubo.id().await.unwrap().addresses
    }
}

/// Bytes that look like a gradient's: no two chunks are alike.
pub fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Whether a process is there, and no zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
}

/// Sends a signal, by its name.
pub fn signal(name: &str, pid: u32) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.unwrap().success(), "kill -{name} {pid}");
}

/// Waits until `holds`, and fails after a minute.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
