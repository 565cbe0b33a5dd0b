use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use r3mes_chain::http::Timeouts;
use r3mes_chain::{Chain, ChainSpec, Rpc};
use url::Url;

/// How long a node may take to answer after its start, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(120);

/// A node of the network. It is killed when dropped.
#[derive(Debug)]
pub struct Node {
    program: PathBuf,
    home: PathBuf,
    ports: Ports,
    /// `ID@ADDRESS` of the node that it follows.
    peer: Option<String>,
    child: Option<Child>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    rpc: u16,
    p2p: u16,
    grpc: u16,
}

impl Node {
    pub(super) fn new(program: &Path, home: PathBuf, peer: Option<String>) -> Node {
        let ports = Ports { rpc: free_port(), p2p: free_port(), grpc: free_port() };
        Node { program: program.to_owned(), home, ports, peer, child: None }
    }

    /// Starts it on its data, wherever they stand, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start(&mut self) {
        assert!(self.child.is_none(), "the node runs");
        let Ports { rpc, p2p, grpc } = self.ports;
        let at = |port: u16| format!("tcp://127.0.0.1:{port}");
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let child = Command::new(&self.program)
            .args(["start", "--log_format", "plain", "--log_no_color", "--minimum-gas-prices", "0.025stake"])
            .args(["--rpc.laddr", &at(rpc), "--p2p.laddr", &at(p2p), "--rpc.pprof_laddr", ""])
            .args(["--grpc.address", &format!("127.0.0.1:{grpc}"), "--grpc-web.enable=false"])
            .args(["--p2p.persistent_peers", self.peer.as_deref().unwrap_or_default()])
            .arg("--home")
            .arg(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("the node starts");
        self.child = Some(child);
        let (chain, started) = (self.chain(), Instant::now());
        // The first block is told a moment before the application can be asked about it.
        while !(chain.status().await.is_ok_and(|status| status.height > 0)
            && chain.node_config().await.is_ok())
        {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            let waited = started.elapsed() > START;
            assert!(ended.is_none() && !waited, "the node does not answer: {ended:?}\n{}", self.last_words());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Its RPC endpoint, which stays the same over restarts.
    pub fn url(&self) -> Url {
        format!("http://127.0.0.1:{}/", self.ports.rpc).parse().unwrap()
    }

    /// Where other nodes reach it.
    pub fn peer_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.p2p).into()
    }

    /// The chain through this node alone.
    pub fn chain(&self) -> Chain {
        Chain::new(Rpc::new(http(), self.url()), spec())
    }

    /// Its id among nodes.
    pub(super) fn id(&self) -> String {
        let shown = run(&self.program, &self.home, &["comet", "show-node-id"], "");
        shown.trim().to_owned()
    }

    fn log(&self) -> PathBuf {
        self.home.join("node.log")
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs one of the node's commands to its end and answers what it printed.
pub(super) fn run(program: &Path, home: &Path, arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .arg("--home")
        .arg(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the node's program starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} ended with {}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

pub(super) fn http() -> reqwest::Client {
    let timeouts = Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(30) };
    r3mes_chain::http::client(timeouts).unwrap()
}

pub(super) fn spec() -> ChainSpec {
    ChainSpec {
        chain_id: super::CHAIN_ID.into(),
        prefix: "cosmos".into(),
        fee_denom: super::DENOM.into(),
        gas_price: "0.025".parse().unwrap(),
        gas_adjustment: "1.5".parse().unwrap(),
    }
}

/// A port that nobody listens on, below those that the system gives to outgoing connections, and that no
/// other test of this process was given. The node says so if another process takes it first.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id() as u16 % 1_000 * 10;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
