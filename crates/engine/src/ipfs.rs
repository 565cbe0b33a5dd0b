//! IPFS as the engine meets it: a node of its own or another's, gateways behind it, and what passes through.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use r3mes_config::{IpfsMode, Settings};
use r3mes_ipfs::{
    Bootstrap, DaemonSettings, DaemonState, Gateway, GatewayHealth, Kubo, KuboDaemon, Progress, Sources,
};
use serde::Serialize;
use tokio::sync::watch;
use url::Url;

use crate::event::EngineEvent;
use crate::journal::{Direction, Transfer};
use crate::{EngineError, Environment, Home, Journal};

/// The node, the gateways, and the transfers that go on.
#[derive(Debug)]
pub(crate) struct Ipfs {
    sources: Sources,
    daemon: Mutex<Option<KuboDaemon>>,
    state: Option<watch::Receiver<DaemonState>>,
    transfers: Transfers,
}

/// How IPFS is.
#[derive(Clone, Debug, Serialize)]
pub struct IpfsHealth {
    /// Whether the node is one of our own.
    pub managed: bool,
    /// Where its RPC is; none while it is down.
    pub url: Option<Url>,
    /// Its version.
    pub version: Option<String>,
    /// Peers that it is connected to.
    pub peers: Option<usize>,
    /// Bytes in its repository.
    pub repository_bytes: Option<u64>,
    /// Why it does not answer.
    pub error: Option<String>,
    /// The gateways behind it.
    pub gateways: Vec<GatewayHealth>,
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TransferInProgress {
    /// Which way.
    pub direction: Direction,
    /// The root.
    pub cid: String,
    /// The gradient, if it is one.
    pub gradient_id: Option<u64>,
    /// Bytes done.
    pub bytes: u64,
    /// Bytes in all; 0 until that is known.
    pub of: u64,
    /// Seconds since it began.
    pub seconds: f64,
}

impl Ipfs {
    pub(crate) fn new(node: Kubo, settings: &Settings) -> Ipfs {
        let gateways = settings.ipfs.gateways.iter();
        let gateways = gateways.map(|url| Gateway::new(node.http().clone(), url.clone())).collect();
        Ipfs {
            sources: Sources::new(node, gateways),
            daemon: Mutex::new(None),
            state: None,
            transfers: Transfers::default(),
        }
    }

    /// Starts a node of our own, where the settings say so.
    pub(crate) async fn start(&mut self, settings: &Settings, home: &Home) -> Result<(), EngineError> {
        let wanted = match settings.ipfs.mode {
            IpfsMode::External => false,
            IpfsMode::Managed => true,
            IpfsMode::Auto => self.node().version().await.is_err(),
        };
        if !wanted {
            return Ok(());
        }
        let http = self.node().http().clone();
        let daemon = KuboDaemon::start(daemon_settings(settings, home), http.clone()).await?;
        self.sources.set_node(daemon.client(http));
        self.state = Some(daemon.state());
        *locked(&self.daemon) = Some(daemon);
        Ok(())
    }

    /// Stops a node of our own and returns when it has ended.
    pub(crate) async fn stop(&self) {
        let daemon = locked(&self.daemon).take();
        if let Some(daemon) = daemon {
            daemon.stop().await;
        }
    }

    pub(crate) fn node(&self) -> &Kubo {
        self.sources.node()
    }

    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.state.is_some()
    }

    /// Waits until a node of our own comes up or goes down, and says so; for ever without one.
    pub(crate) async fn next_change(&self, state: &mut Option<watch::Receiver<DaemonState>>) -> EngineEvent {
        loop {
            let Some(seen) = state else { return std::future::pending().await };
            if seen.changed().await.is_err() {
                *state = None;
                continue;
            }
            let now = seen.borrow_and_update().clone();
            if let Some(event) = event_of(&now) {
                return event;
            }
        }
    }

    /// The state of a node of our own, from what it is now on.
    pub(crate) fn daemon_state(&self) -> Option<watch::Receiver<DaemonState>> {
        self.state.clone()
    }

    /// Asks the node how it is.
    pub(crate) async fn health(&self) -> IpfsHealth {
        let node = self.node();
        let (version, peers, repository) = tokio::join!(node.version(), node.peers(), node.repo_stat());
        IpfsHealth {
            managed: self.is_managed(),
            url: node.url(),
            error: version.as_ref().err().map(ToString::to_string),
            version: version.ok().map(|version| version.version),
            peers: peers.ok().map(|peers| peers.len()),
            repository_bytes: repository.ok().map(|repository| repository.size),
            gateways: self.sources.gateways(),
        }
    }

    pub(crate) fn transfers(&self) -> &Transfers {
        &self.transfers
    }
}

fn daemon_settings(settings: &Settings, home: &Home) -> DaemonSettings {
    let ipfs = &settings.ipfs;
    let bootstrap = match ipfs.is_public() {
        true => Bootstrap::Public,
        false => Bootstrap::Peers(ipfs.bootstrap.clone()),
    };
    DaemonSettings {
        binary: ipfs.kubo_binary.clone(),
        listen: ipfs.listen.clone(),
        swarm_port: ipfs.swarm_port,
        bootstrap,
        peers: ipfs.peers.clone(),
        storage_max: settings.limits.ipfs_quota.get(),
        ..DaemonSettings::new(home.ipfs())
    }
}

fn event_of(state: &DaemonState) -> Option<EngineEvent> {
    match state {
        DaemonState::Starting | DaemonState::Stopped => None,
        DaemonState::Ready(running) => {
            Some(EngineEvent::IpfsNode { version: Some(running.version.clone()), trouble: None })
        }
        DaemonState::Down { failure, .. } => {
            Some(EngineEvent::IpfsNode { version: None, trouble: Some(failure.to_string()) })
        }
    }
}

/// The files on their way.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    open: Arc<Mutex<BTreeMap<u64, Open>>>,
}

#[derive(Debug)]
struct Open {
    direction: Direction,
    cid: String,
    gradient_id: Option<u64>,
    progress: Progress,
    began: Instant,
}

impl Transfers {
    /// Those that go on now, in the order in which they began.
    pub(crate) fn open(&self) -> Vec<TransferInProgress> {
        let shown = |open: &Open| TransferInProgress {
            direction: open.direction,
            cid: open.cid.clone(),
            gradient_id: open.gradient_id,
            bytes: open.progress.bytes,
            of: open.progress.of,
            seconds: open.began.elapsed().as_secs_f64(),
        };
        locked(&self.open).values().map(shown).collect()
    }

    /// Begins one; dropped, it is no longer on its way.
    pub(crate) fn begin(&self, direction: Direction, cid: String, gradient_id: Option<u64>) -> Ongoing {
        let began = Instant::now();
        let progress = Progress { bytes: 0, of: 0 };
        let mut open = locked(&self.open);
        let key = open.last_key_value().map_or(0, |(key, _)| key + 1);
        open.insert(key, Open { direction, cid, gradient_id, progress, began });
        Ongoing { open: self.open.clone(), key }
    }
}

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Ongoing {
    open: Arc<Mutex<BTreeMap<u64, Open>>>,
    key: u64,
}

impl Ongoing {
    /// Takes in how far it is, from wherever that is known.
    pub(crate) fn listener(&self) -> impl FnMut(Progress) + Send + use<> {
        let (open, key) = (self.open.clone(), self.key);
        move |progress| {
            if let Some(open) = locked(&open).get_mut(&key) {
                open.progress = progress;
            }
        }
    }

    /// Remembers how it ended. A journal that cannot be written is no reason to give up what has come.
    pub(crate) fn end(
        self,
        bytes: u64,
        from_gateways: u64,
        failure: Option<String>,
        (journal, environment): (&Journal, &Environment),
    ) {
        let Some(open) = locked(&self.open).remove(&self.key) else { return };
        let transfer = Transfer {
            direction: open.direction,
            cid: open.cid,
            bytes,
            seconds: open.began.elapsed().as_secs_f64(),
            from_gateways,
            failure,
            at: environment.now(),
        };
        if let Err(error) = journal.record_transfer(&transfer) {
            tracing::warn!(%error, "a transfer is not remembered");
        }
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        locked(&self.open).remove(&self.key);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_on_its_way_until_it_ends_or_is_given_up() {
        let transfers = Transfers::default();
        let fetch = transfers.begin(Direction::Fetch, "bafy1".into(), Some(7));
        let upload = transfers.begin(Direction::Upload, "bafy2".into(), None);
        fetch.listener()(Progress { bytes: 3, of: 10 });
        let open = transfers.open();
        assert_eq!(open.iter().map(|open| open.cid.as_str()).collect::<Vec<_>>(), ["bafy1", "bafy2"]);
        assert_eq!((open[0].bytes, open[0].of, open[0].gradient_id), (3, 10, Some(7)));
        drop(fetch);
        assert_eq!(transfers.open().len(), 1);

        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        upload.end(10, 0, None, (&journal, &Environment::system()));
        assert!(transfers.open().is_empty());
        let remembered = journal.transfers(10).unwrap();
        assert_eq!((remembered.len(), remembered[0].bytes, &*remembered[0].cid), (1, 10, "bafy2"));
    }
}
