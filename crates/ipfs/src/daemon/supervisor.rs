//! Starting the node, keeping it up, and telling how it is.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::binary::Binary;
use super::failure::DaemonError;
use super::guard::Guarded;
use super::log::{self, Log};
use super::repository::{self, DaemonSettings};
use crate::Kubo;

/// The waits before a node that ended is started again: the first, doubled each time up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// How long a first start is tried over what the last run's node still holds while it ends.
const PATIENCE: Duration = Duration::from_secs(15);

/// Unanswered questions after which a node counts as hung.
const SILENCE: u32 = 3;

/// Lines of the node that are kept for what they say about its end.
const LAST_LINES: usize = 40;

/// How the node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaemonState {
    /// It is being started.
    Starting,
    /// It answers.
    Ready(RunningDaemon),
    /// It is down and will be started again.
    Down {
        /// Why.
        failure: DaemonError,
        /// How often it has failed in a row.
        failures: u32,
    },
    /// We have stopped it.
    Stopped,
}

/// A node that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningDaemon {
    /// Its RPC.
    pub api: Url,
    /// Its gateway.
    pub gateway: Option<Url>,
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

/// A node of ours that is kept running. Dropped, it ends by itself, in order.
#[derive(Debug)]
pub struct KuboDaemon {
    state: watch::Receiver<DaemonState>,
    api: watch::Receiver<Option<Url>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl KuboDaemon {
    /// Starts the node and returns when it answers. From then on it is started again whenever it ends.
    ///
    /// # Errors
    /// What keeps it from starting: at once where somebody must change something, otherwise after some
    /// attempts.
    pub async fn start(settings: DaemonSettings, http: reqwest::Client) -> Result<KuboDaemon, DaemonError> {
        let (state, state_seen) = watch::channel(DaemonState::Starting);
        let (api, api_seen) = watch::channel(None);
        let stop = CancellationToken::new();
        let mut keeper = Keeper { settings, http, state, api, stop: stop.clone() };
        let first = keeper.first().await?;
        let task = tokio::spawn(async move { keeper.keep(first).await });
        Ok(KuboDaemon { state: state_seen, api: api_seen, stop, task })
    }

    /// How it is, now and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<DaemonState> {
        self.state.clone()
    }

    /// A client that finds the node wherever it listens after a restart.
    #[must_use]
    pub fn client(&self, http: reqwest::Client) -> Kubo {
        Kubo::following(http, self.api.clone())
    }

    /// Stops the node and returns when it has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // It can only have panicked, and the node ends then too.
        let _ = (&mut self.task).await;
    }
}

impl Drop for KuboDaemon {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A node that has come up, and its log.
struct Up {
    node: Guarded,
    log: Log,
    last: VecDeque<String>,
    client: Kubo,
}

struct Keeper {
    settings: DaemonSettings,
    http: reqwest::Client,
    state: watch::Sender<DaemonState>,
    api: watch::Sender<Option<Url>>,
    stop: CancellationToken,
}

impl Keeper {
    async fn first(&mut self) -> Result<Up, DaemonError> {
        let (began, mut wait) = (Instant::now(), BACKOFF.0);
        loop {
            let failure = match self.start().await {
                Ok(up) => return Ok(up),
                Err(failure) => failure,
            };
            let again =
                matches!(failure, DaemonError::RepositoryLocked { .. } | DaemonError::PortTaken { .. });
            if !again || began.elapsed() >= PATIENCE {
                return Err(failure);
            }
            tracing::info!(%failure, "starting Kubo again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// Keeps the node up until it is stopped.
    async fn keep(&mut self, first: Up) {
        let mut up = Some(first);
        let mut failures = 0;
        loop {
            let failure = match up.take() {
                Some(mut running) => {
                    let since = Instant::now();
                    let failure = tokio::select! {
                        failure = self.watch(&mut running) => failure,
                        () = self.stop.cancelled() => return self.end(running).await,
                    };
                    if since.elapsed() > pause(failures) {
                        failures = 0;
                    }
                    failure
                }
                None => match self.start_unless_stopped().await {
                    Some(Ok(running)) => {
                        up = Some(running);
                        continue;
                    }
                    Some(Err(failure)) => failure,
                    None => break,
                },
            };
            failures += 1;
            tracing::warn!(%failure, failures, "Kubo is down");
            self.api.send_replace(None);
            self.state.send_replace(DaemonState::Down { failure, failures });
            tokio::select! {
                () = tokio::time::sleep(pause(failures)) => {}
                () = self.stop.cancelled() => break,
            }
        }
        self.state.send_replace(DaemonState::Stopped);
    }

    async fn start_unless_stopped(&mut self) -> Option<Result<Up, DaemonError>> {
        let stop = self.stop.clone();
        tokio::select! {
            started = self.start() => Some(started),
            () = stop.cancelled() => None,
        }
    }

    async fn end(&mut self, up: Up) {
        let Up { mut node, mut log, mut last, .. } = up;
        self.api.send_replace(None);
        node.stop(|line| keep_line(&mut log, &mut last, line)).await;
        self.state.send_replace(DaemonState::Stopped);
    }

    /// Brings the node up once.
    async fn start(&mut self) -> Result<Up, DaemonError> {
        let settings = &self.settings;
        let binary = Binary::find(settings).await?;
        repository::prepare(settings, &binary).await?;
        let path = log::path(&settings.folder);
        let mut log = Log::open(&path).map_err(|error| repository::refused(&settings.folder, &error))?;
        let mut node = Guarded::start(&binary, &settings.folder)?;
        let mut last = VecDeque::new();
        let mut said = Said::default();
        let came_up = async {
            while let Some(line) = node.lines.recv().await {
                keep_line(&mut log, &mut last, &line);
                if said.hears(&line) {
                    return true;
                }
            }
            false
        };
        match tokio::time::timeout(settings.start_timeout, came_up).await {
            Ok(true) => {}
            Ok(false) => {
                let status = node.ended().await;
                return Err(DaemonError::of_output(&joined(&last), &status, &settings.folder));
            }
            Err(_) => return Err(DaemonError::NotReady { after: settings.start_timeout, log: path }),
        }
        let Some(api) = said.api else {
            return Err(DaemonError::NotReady { after: Duration::ZERO, log: path });
        };
        self.api.send_replace(Some(api.clone()));
        let client = Kubo::new(self.http.clone(), api.clone());
        let ready = RunningDaemon { api, gateway: said.gateway, pid: said.pid, version: binary.version };
        self.state.send_replace(DaemonState::Ready(ready));
        Ok(Up { node, log, last, client })
    }

    /// Waits until the node has ended, or answers no more.
    async fn watch(&self, up: &mut Up) -> DaemonError {
        let Up { node, log, last, client } = up;
        let interval = self.settings.health_interval;
        let mut next = Instant::now() + interval;
        let mut silent = 0;
        loop {
            tokio::select! {
                line = node.lines.recv() => match line {
                    Some(line) => keep_line(log, last, &line),
                    None => {
                        let status = node.ended().await;
                        return DaemonError::of_output(&joined(last), &status, &self.settings.folder);
                    }
                },
                answered = question(client, next, interval) => {
                    silent = if answered { 0 } else { silent + 1 };
                    if silent >= SILENCE {
                        node.stop(|line| keep_line(log, last, line)).await;
                        return DaemonError::Hung { log: log::path(&self.settings.folder) };
                    }
                    next = Instant::now() + interval;
                }
            }
        }
    }
}

/// Whether the node answers, asked at `next`.
async fn question(client: &Kubo, next: Instant, patience: Duration) -> bool {
    tokio::time::sleep_until(next).await;
    matches!(tokio::time::timeout(patience, client.version()).await, Ok(Ok(_)))
}

fn pause(failures: u32) -> Duration {
    BACKOFF.0.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF.1)
}

fn keep_line(log: &mut Log, last: &mut VecDeque<String>, line: &str) {
    // A log that cannot be written, such as on a full disk, is no reason to stop the node.
    if let Err(error) = log.line(line) {
        tracing::debug!(%error, "Kubo's log cannot be written");
    }
    last.push_back(line.to_owned());
    if last.len() > LAST_LINES {
        last.pop_front();
    }
}

fn joined(lines: &VecDeque<String>) -> String {
    lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// What the node says about itself while it comes up.
#[derive(Debug, Default)]
struct Said {
    pid: u32,
    api: Option<Url>,
    gateway: Option<Url>,
}

impl Said {
    /// Takes a line in; whether the node is ready.
    fn hears(&mut self, line: &str) -> bool {
        if let Some(pid) = line.strip_prefix("pid ") {
            self.pid = pid.parse().unwrap_or_default();
        } else if let Some(address) = line.strip_prefix("RPC API server listening on ") {
            self.api = self.api.take().or_else(|| loopback(address));
        } else if let Some(address) = line.strip_prefix("Gateway server listening on ") {
            self.gateway = self.gateway.take().or_else(|| loopback(address));
        }
        line == "Daemon is ready"
    }
}

/// `http://127.0.0.1:PORT` for `/ip4/127.0.0.1/tcp/PORT`.
fn loopback(address: &str) -> Option<Url> {
    let port = address.strip_prefix("/ip4/127.0.0.1/tcp/")?;
    Url::parse(&format!("http://127.0.0.1:{}", port.trim())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_where_it_listens() {
        let mut said = Said::default();
        for line in [
            "pid 4711",
            "Initializing daemon...",
            "Swarm listening on 127.0.0.1:45209 (TCP)",
            "RPC API server listening on /ip4/127.0.0.1/tcp/41647",
            "Gateway server listening on /ip4/127.0.0.1/tcp/42057",
        ] {
            assert!(!said.hears(line), "{line}");
        }
        assert!(said.hears("Daemon is ready"));
        assert_eq!(said.pid, 4711);
        assert_eq!(said.api.unwrap().as_str(), "http://127.0.0.1:41647/");
        assert_eq!(said.gateway.unwrap().as_str(), "http://127.0.0.1:42057/");
    }

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let waits: Vec<u64> = [1, 2, 3, 9, 40].map(|failures| pause(failures).as_millis() as u64).into();
        assert_eq!(waits, [250, 500, 1000, 60_000, 60_000]);
    }
}
