//! The node's repository: made once, told before each start what the settings say.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::binary::{Binary, command};
use super::failure::DaemonError;

/// The port that IPFS nodes use among each other where nothing else is said.
const USUAL_SWARM_PORT: u16 = 4001;

/// What a node of ours is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// The folder that is its own: repository, logs, and `bin/ipfs` where one is put there.
    pub folder: PathBuf,
    /// The program; absent: the one in the folder, or else on the PATH.
    pub binary: Option<PathBuf>,
    /// Addresses on which it listens for peers.
    pub listen: Vec<IpAddr>,
    /// The port for peers; absent: chosen once, and kept while it is free.
    pub swarm_port: Option<u16>,
    /// How it finds the network.
    pub bootstrap: Bootstrap,
    /// Peers that it stays connected to, as multiaddresses that end in `/p2p/ID`.
    pub peers: Vec<String>,
    /// Bytes above which it collects what is not pinned.
    pub storage_max: u64,
    /// How often it is asked whether it is well.
    pub health_interval: Duration,
    /// How long it may take to start.
    pub start_timeout: Duration,
}

/// How a node finds the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// The public network, as Kubo does by itself.
    Public,
    /// These peers and what they know; none at all for a network of one's own.
    Peers(Vec<String>),
}

impl DaemonSettings {
    /// A node of the public network in `folder`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        DaemonSettings {
            folder: folder.into(),
            binary: None,
            listen: vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            swarm_port: None,
            bootstrap: Bootstrap::Public,
            peers: Vec::new(),
            storage_max: 100 << 30,
            health_interval: Duration::from_secs(15),
            start_timeout: Duration::from_secs(60),
        }
    }

    /// A node that listens on this machine alone and knows nobody but `peers`.
    #[must_use]
    pub fn isolated(folder: impl Into<PathBuf>, peers: Vec<String>) -> Self {
        DaemonSettings {
            listen: vec![Ipv4Addr::LOCALHOST.into()],
            bootstrap: Bootstrap::Peers(Vec::new()),
            peers,
            ..Self::new(folder)
        }
    }
}

/// Where the repository of the node in `folder` is.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("repo")
}

/// Makes the repository unless it is there, and writes what the settings say into its configuration.
pub(super) async fn prepare(settings: &DaemonSettings, binary: &Binary) -> Result<(), DaemonError> {
    let folder = &settings.folder;
    let repository = path(folder);
    fs::create_dir_all(&repository).map_err(|error| refused(folder, &error))?;
    if !repository.join("config").exists() {
        initialise(folder, binary).await?;
    }
    configure(settings, &repository)
}

async fn initialise(folder: &Path, binary: &Binary) -> Result<(), DaemonError> {
    let output = command(&binary.path)
        .args(["init", "--empty-repo", "--profile", "server"])
        .env("IPFS_PATH", path(folder))
        .env("IPFS_TELEMETRY", "off")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| refused(folder, &error))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(DaemonError::of_output(&said, &output.status.to_string(), folder))
        }
    }
}

fn configure(settings: &DaemonSettings, repository: &Path) -> Result<(), DaemonError> {
    let file = repository.join("config");
    let unreadable =
        |detail: String| DaemonError::Configuration { repository: repository.to_owned(), detail };
    let text = fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
    let before: Value = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if !before.is_object() {
        return Err(unreadable("it is no JSON object".into()));
    }
    let port = swarm_port(settings, &before);
    // Kubo itself is content with one address of several, and would be hard to reach at the others.
    if let Some(ip) = settings.listen.iter().find(|ip| port != 0 && !is_free(**ip, port)) {
        return Err(DaemonError::PortTaken { address: SocketAddr::from((*ip, port)).to_string() });
    }
    let after = configured(before.clone(), settings, port).map_err(unreadable)?;
    if after == before {
        return Ok(());
    }
    replace(&file, &after).map_err(|error| refused(&settings.folder, &error))
}

/// The configuration with everything in it that is ours to say; the rest stays the operator's.
fn configured(mut config: Value, settings: &DaemonSettings, port: u16) -> Result<Value, String> {
    let swarm: Vec<String> = settings.listen.iter().flat_map(|ip| swarm_addresses(*ip, port)).collect();
    let peers = settings.peers.iter().map(|peer| peering(peer)).collect::<Result<Vec<Value>, String>>()?;
    let mut set = |path: &[&str], value: Value| {
        let place = path.iter().fold(&mut config, |place, key| {
            if !place.is_object() {
                *place = json!({});
            }
            &mut place[*key]
        });
        *place = value;
    };
    // Both are for this machine alone, and on ports that nobody has to agree on.
    set(&["Addresses", "API"], json!("/ip4/127.0.0.1/tcp/0"));
    set(&["Addresses", "Gateway"], json!("/ip4/127.0.0.1/tcp/0"));
    set(&["Gateway", "NoFetch"], json!(true));
    set(&["Addresses", "Swarm"], json!(swarm));
    set(&["Datastore", "StorageMax"], json!(format!("{}B", settings.storage_max)));
    set(&["Discovery", "MDNS", "Enabled"], json!(false));
    set(&["Peering", "Peers"], json!(peers));
    let public = settings.bootstrap == Bootstrap::Public;
    set(&["AutoConf", "Enabled"], json!(public));
    if let Bootstrap::Peers(known) = &settings.bootstrap {
        // Nothing of the public network is asked, and private addresses may be dialled.
        set(&["Bootstrap"], json!(known));
        set(&["Routing", "Type"], json!("dht"));
        set(&["Routing", "DelegatedRouters"], json!([]));
        set(&["Ipns", "DelegatedPublishers"], json!([]));
        set(&["DNS", "Resolvers"], json!({}));
        set(&["AutoTLS", "Enabled"], json!(false));
        set(&["Swarm", "AddrFilters"], json!([]));
        set(&["Addresses", "NoAnnounce"], json!([]));
    }
    Ok(config)
}

/// The TCP and QUIC addresses of one interface.
fn swarm_addresses(ip: IpAddr, port: u16) -> [String; 2] {
    let family = if ip.is_ipv4() { "ip4" } else { "ip6" };
    [format!("/{family}/{ip}/tcp/{port}"), format!("/{family}/{ip}/udp/{port}/quic-v1")]
}

/// `/ip4/10.0.0.1/tcp/4001/p2p/ID` as Kubo writes a peer to stay connected to.
fn peering(peer: &str) -> Result<Value, String> {
    match peer.rsplit_once("/p2p/") {
        Some((address, id)) if address.starts_with('/') && !id.is_empty() && !id.contains('/') => {
            Ok(json!({ "ID": id, "Addrs": [address] }))
        }
        _ => Err(format!("ipfs.peers: {peer:?} is no multiaddress that ends in /p2p/ID")),
    }
}

/// The port that the settings name; else the one that the repository has, the usual one, or any that is free.
fn swarm_port(settings: &DaemonSettings, config: &Value) -> u16 {
    if let Some(port) = settings.swarm_port {
        return port;
    }
    let ip = settings.listen.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let kept = config["Addresses"]["Swarm"][0].as_str().and_then(|address| address.rsplit('/').next());
    let kept = kept.and_then(|port| port.parse().ok()).filter(|port| *port != 0);
    kept.into_iter().chain([USUAL_SWARM_PORT]).find(|port| is_free(ip, *port)).unwrap_or_else(|| {
        // Kubo takes the same number for TCP and QUIC only when it is told one.
        TcpListener::bind((ip, 0)).and_then(|socket| socket.local_addr()).map_or(0, |address| address.port())
    })
}

fn is_free(ip: IpAddr, port: u16) -> bool {
    let address = SocketAddr::from((ip, port));
    let in_use = |error: io::Error| error.kind() == io::ErrorKind::AddrInUse;
    // Other errors, such as on a machine without IPv6, say nothing about the port.
    !TcpListener::bind(address).is_err_and(in_use) && !UdpSocket::bind(address).is_err_and(in_use)
}

/// Replaces the configuration whole. It holds the node's key: nobody else may read it.
fn replace(file: &Path, config: &Value) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(serde_json::to_string_pretty(config)?.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}

/// What an operation on the node's folder failed with.
pub(super) fn refused(folder: &Path, error: &io::Error) -> DaemonError {
    match error.kind() {
        io::ErrorKind::StorageFull => DaemonError::DiskFull { repository: path(folder) },
        _ => DaemonError::Forbidden { folder: folder.to_owned(), detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isolated_node_asks_nobody_outside() {
        let settings = DaemonSettings::isolated("node", vec!["/ip4/127.0.0.1/tcp/1/p2p/12D3Koo".into()]);
        let before = json!({ "Bootstrap": ["auto"], "Swarm": { "AddrFilters": ["/ip4/10.0.0.0/ipcidr/8"] },
            "Identity": { "PeerID": "x" }, "Peering": { "Peers": null } });
        let after = configured(before, &settings, 4001).unwrap();
        assert_eq!(after["Bootstrap"], json!([]));
        assert_eq!(after["AutoConf"]["Enabled"], json!(false));
        assert_eq!(after["Swarm"]["AddrFilters"], json!([]));
        assert_eq!(
            after["Addresses"]["Swarm"],
            json!(["/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/udp/4001/quic-v1"])
        );
        assert_eq!(
            after["Peering"]["Peers"],
            json!([{ "ID": "12D3Koo", "Addrs": ["/ip4/127.0.0.1/tcp/1"] }])
        );
        assert_eq!(after["Identity"]["PeerID"], json!("x"), "what is not ours stays");
    }

    #[test]
    fn a_public_node_keeps_the_filters_of_a_server() {
        let before = json!({ "Bootstrap": ["auto"], "Swarm": { "AddrFilters": ["/ip4/10.0.0.0/ipcidr/8"] } });
        let after = configured(before, &DaemonSettings::new("node"), 4001).unwrap();
        assert_eq!(after["Bootstrap"], json!(["auto"]));
        assert_eq!(after["Swarm"]["AddrFilters"], json!(["/ip4/10.0.0.0/ipcidr/8"]));
        assert_eq!(after["Addresses"]["API"], json!("/ip4/127.0.0.1/tcp/0"));
    }

    #[test]
    fn a_peer_without_an_id_is_refused() {
        assert!(peering("/ip4/10.0.0.1/tcp/4001").is_err());
        assert!(peering("10.0.0.1/p2p/Qm").is_err());
        assert!(peering("/ip4/10.0.0.1/tcp/4001/p2p/").is_err());
    }

    #[test]
    fn a_port_that_is_taken_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let config = json!({ "Addresses": { "Swarm": [format!("/ip4/127.0.0.1/tcp/{port}")] } });
        let mut settings = DaemonSettings::isolated("node", Vec::new());
        assert_ne!(swarm_port(&settings, &config), port);
        settings.swarm_port = Some(port);
        assert_eq!(swarm_port(&settings, &config), port, "what the settings name is taken or refused");
        settings.swarm_port = None;
        drop(taken);
        assert_eq!(swarm_port(&settings, &config), port);
    }
}
