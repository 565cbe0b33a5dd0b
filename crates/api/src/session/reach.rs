//! The network from outside the engine: endpoints, the chosen one's chain, the IPFS node. It is asked whether
//! or not the engine runs.

use std::time::{Duration, Instant};

use r3mes_chain::{EndpointStanding, EndpointStatus, Rpc};
use r3mes_config::{IpfsMode, NetworkProfile, Profile, RawSettings, Settings};
use r3mes_engine::journal::{Direction, Journal};
use r3mes_ipfs::Kubo;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::clock::{Block, ClockWatch};
use super::engine::EngineState;
use super::network::{
    EndpointProbe, EndpointState, EndpointView, IpfsProbe, IpfsView, NetworkChoice, NetworkView, ProfileView,
};
use super::snapshot::Change;
use super::troubles::{Concern, Found};
use super::{Session, lock, now, refused, rfc3339};
use crate::hardware::{REMEMBERED, transfer_rates};
use crate::{ApiError, ErrorCode, TransferRates};

/// How long an endpoint may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// Blocks behind the best known height at which an endpoint counts as lagging.
const LAG: i64 = 3;

/// What was found last, so that a state keeps its beginning.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    endpoints: Vec<EndpointView>,
    ipfs: Option<(bool, String)>,
    clock: ClockWatch,
}

/// What one endpoint answered.
struct Answer {
    url: Url,
    outcome: Result<(r3mes_chain::Status, Duration), String>,
}

impl Session {
    /// Asks every endpoint of the network, and the running engine how it finds them.
    pub(crate) async fn reach_network(&self) {
        let Some(settings) = self.settings_to_look_by() else { return };
        let network = settings.network;
        // Before its network runs, a local profile leads nowhere.
        if self.is_local() && self.inner.local.lock().await.is_none() {
            self.inner.board.looked(Concern::Chain, None);
            self.inner.board.looked(Concern::Clock, None);
            return self.inner.board.put(Change::Network(Box::new(quiet(&network))));
        }
        let asked = network.rpc.iter().cloned().map(|url| async move {
            let outcome = self.status(&url).await.map_err(|error| error.message);
            Answer { url, outcome }
        });
        let answers = futures::future::join_all(asked).await;
        let before = std::mem::take(&mut lock(&self.inner.reached).endpoints);
        let mut view = view(&network, &answers, &before);
        if let Some(found) = self.observer().endpoints() {
            as_the_engine_finds(&mut view.endpoints, &found, &before);
        }
        let seen = {
            let mut reached = lock(&self.inner.reached);
            reached.endpoints.clone_from(&view.endpoints);
            let now = (OffsetDateTime::now_utc(), Instant::now());
            reached.clock.look(now, newest_block(&network, &answers), network.block_time, self.is_local())
        };
        self.inner.board.looked(Concern::Chain, unreached(&view.endpoints).or(seen.chain));
        self.inner.board.looked(Concern::Clock, seen.clock);
        self.inner.board.put(Change::Network(Box::new(view)));
    }

    /// Asks the IPFS node: the one that the running engine works with, else the one that the settings name. One of
    /// the engine's own is there only while the engine runs.
    pub(crate) async fn reach_ipfs(&self) {
        let Some(settings) = self.settings_to_look_by() else { return };
        let named = settings.network.ipfs_api;
        let used = self.observer().ipfs_node();
        let managed = used.as_ref().map_or(settings.ipfs.mode == IpfsMode::Managed, |(_, managed)| *managed);
        let url = used.as_ref().and_then(|(node, _)| node.url());
        let mut view = IpfsView {
            url: url.as_ref().or((!managed).then_some(&named)).map(plain).unwrap_or_default(),
            managed,
            ..IpfsView::default()
        };
        if let Some(journal) = self.journal() {
            view.fetch_bytes_per_second = speed(&journal, Direction::Fetch);
            view.upload_bytes_per_second = speed(&journal, Direction::Upload);
        }
        let is_away = self.is_local() && self.inner.local.lock().await.is_none();
        if used.is_none() && (settings.ipfs.mode != IpfsMode::External || is_away) {
            self.inner.board.looked(Concern::Ipfs, None);
            return self.inner.board.put(Change::Ipfs(Box::new(view)));
        }
        view.at = Some(now());
        match used.map_or_else(|| self.kubo(&named), |(node, _)| Ok(node)) {
            Ok(kubo) => {
                // Asked at once, so that a node that hangs is known for it after one wait.
                let (version, peers, stat) = tokio::join!(
                    tokio::time::timeout(PATIENCE, kubo.version()),
                    tokio::time::timeout(PATIENCE, kubo.peers()),
                    tokio::time::timeout(PATIENCE, kubo.repo_stat()),
                );
                match version {
                    Ok(Ok(version)) => {
                        view.reachable = true;
                        view.version = Some(version.version);
                    }
                    Ok(Err(error)) => view.error = Some(error.to_string()),
                    Err(_) => view.error = Some(too_slow()),
                }
                view.peers = peers.ok().and_then(Result::ok).map(|peers| peers.len() as u32);
                if let Ok(Ok(stat)) = stat {
                    view.repo_bytes = Some(stat.size.to_string());
                    view.repo_limit = Some(stat.storage_max.to_string());
                }
            }
            Err(error) => view.error = Some(error.message),
        }
        if let Some(rates) = self.transfer_rates().await {
            view.fetch_bytes_per_second = rates.fetch.map(|rate| rate.bytes_per_second);
            view.upload_bytes_per_second = rates.upload.map(|rate| rate.bytes_per_second);
        }
        let mut reached = lock(&self.inner.reached);
        let since = match reached.ipfs.take() {
            Some((reachable, since)) if reachable == view.reachable => since,
            _ => now(),
        };
        view.since = Some(since.clone());
        reached.ipfs = Some((view.reachable, since));
        drop(reached);
        let stops = self.inner.board.read(|snapshot| snapshot.engine.state == EngineState::Stopping);
        // A node of the engine's own ends with it.
        let found = if stops && view.managed { None } else { without_ipfs(&view) };
        self.inner.board.looked(Concern::Ipfs, found);
        self.inner.board.put(Change::Ipfs(Box::new(view)));
    }

    /// What the engine has seen of the way to and from IPFS; `None` where the journal cannot be read now.
    async fn transfer_rates(&self) -> Option<TransferRates> {
        let journal = self.journal()?;
        let read = move || journal.transfers(REMEMBERED).ok();
        let transfers = tokio::task::spawn_blocking(read).await.ok()??;
        Some(transfer_rates(&transfers))
    }

    /// Tests an RPC endpoint that is not chosen yet.
    ///
    /// # Errors
    /// When it is no URL or does not answer.
    pub async fn probe_endpoint(&self, url: &str) -> Result<EndpointProbe, ApiError> {
        let parsed = parse(url)?;
        let (status, latency) = self.status(&parsed).await?;
        let lag = OffsetDateTime::parse(&status.time, &Rfc3339)
            .map_or(0.0, |block| (OffsetDateTime::now_utc() - block).as_seconds_f64());
        Ok(EndpointProbe {
            url: url.to_owned(),
            chain_id: status.chain_id,
            height: status.height.to_string(),
            block_time: status.time,
            lag_seconds: lag,
            latency_ms: latency.as_secs_f64() * 1000.0,
            catching_up: status.catching_up,
            indexes_transactions: status.tx_index == "on",
            moniker: status.moniker,
        })
    }

    /// Tests an IPFS node that is not chosen yet.
    ///
    /// # Errors
    /// When it is no URL or does not answer.
    pub async fn probe_ipfs(&self, url: &str) -> Result<IpfsProbe, ApiError> {
        let kubo = self.kubo(&parse(url)?)?;
        let begun = Instant::now();
        let failed = |error: String| {
            ApiError::new(ErrorCode::Network, format!("reach the IPFS node {url}: {error}"))
                .with_remedy("check the address, and that the IPFS node runs")
        };
        let version = tokio::time::timeout(PATIENCE, kubo.version())
            .await
            .map_err(|_| failed(too_slow()))?
            .map_err(|error| failed(error.to_string()))?;
        let latency_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let peers = tokio::time::timeout(PATIENCE, kubo.peers()).await.ok().and_then(Result::ok);
        let peers = peers.map(|peers| peers.len() as u32);
        Ok(IpfsProbe { url: url.to_owned(), version: version.version, peers, latency_ms })
    }

    /// The networks that can be chosen by name: the built-in ones, and those of the data folder.
    pub fn profiles(&self) -> Vec<ProfileView> {
        let data = r3mes_config::DataDir::new(&self.inner.root);
        let chosen = match self.is_local() {
            true => None,
            false => {
                data.settings().exists().then(|| self.settings_now().ok()).flatten().map(|s| s.network.name)
            }
        };
        let view = |profile: &NetworkProfile, built_in| ProfileView {
            name: profile.name.clone(),
            chain_id: profile.chain_id.clone(),
            rpc: profile.rpc.iter().map(plain).collect(),
            built_in,
            chosen: chosen.as_ref() == Some(&profile.name),
        };
        let built_in = Profile::BUILTIN
            .into_iter()
            .filter_map(Profile::builtin)
            .map(|profile| view(profile.values(), true));
        let files = std::fs::read_dir(data.networks()).into_iter().flatten().flatten();
        let found = files.filter_map(|entry| NetworkProfile::load(&entry.path()).ok());
        built_in.chain(found.map(|profile| view(&profile, false))).collect()
    }

    /// Takes up a network profile from a file, and chooses it.
    ///
    /// # Errors
    /// When the file is no valid profile, or the settings cannot be written.
    pub async fn add_profile(&self, path: &std::path::Path) -> Result<(), ApiError> {
        self.must_be_stopped("change the network")?;
        self.remember(|kept| kept.local_network = false)?;
        crate::Workspace::open(Some(&self.inner.root), Some(path), &[])?;
        self.network_changed().await;
        Ok(())
    }

    /// Chooses the network to work on.
    ///
    /// # Errors
    /// When the engine runs, an endpoint does not answer or serves another chain than the rest, or the
    /// settings cannot be written.
    pub async fn choose_network(&self, choice: NetworkChoice) -> Result<(), ApiError> {
        self.must_be_stopped("change the network")?;
        match choice {
            NetworkChoice::Local => {
                self.remember(|kept| kept.local_network = true)?;
                self.ensure_local_network().await?;
            }
            NetworkChoice::Profile { name } => {
                self.change_network(&[("network.profile", name)])?;
            }
            NetworkChoice::Endpoints { rpc, ipfs } => {
                let mut chain_id: Option<String> = None;
                for url in &rpc {
                    let found = self.probe_endpoint(url).await?.chain_id;
                    match &chain_id {
                        Some(first) if *first != found => {
                            return Err(refused(format!(
                                "use these endpoints together: one serves {first}, {url} serves {found}"
                            ))
                            .with_remedy("name endpoints of one chain only"));
                        }
                        _ => chain_id = Some(found),
                    }
                }
                let chain_id = chain_id.ok_or_else(|| refused("use no endpoint at all: name one"))?;
                let profile = match Profile::BUILTIN.contains(&chain_id.as_str()) {
                    true => chain_id.clone(),
                    false => Profile::BUILTIN[0].to_owned(),
                };
                let mut changes = vec![
                    ("network.profile", profile),
                    ("network.chain_id", chain_id),
                    ("network.rpc", rpc.join(",")),
                ];
                changes.extend(ipfs.map(|url| ("network.ipfs_api", url)));
                self.change_network(&changes)?;
            }
        }
        self.network_changed().await;
        Ok(())
    }

    fn change_network(&self, changes: &[(&str, String)]) -> Result<(), ApiError> {
        let data = r3mes_config::DataDir::new(&self.inner.root);
        let mut raw = match RawSettings::load(&data) {
            Err(r3mes_config::ConfigError::Missing { .. }) => crate::workspace::new_settings()?,
            loaded => loaded?,
        };
        // What stood on top of the former network would stand on top of this one.
        for key in ["network.chain_id", "network.rpc", "network.ipfs_api"] {
            raw.set(key, "")?;
        }
        for (key, value) in changes {
            raw.set(key, value)?;
        }
        raw.save(&data)?;
        self.remember(|kept| kept.local_network = false)?;
        Ok(())
    }

    async fn network_changed(&self) {
        self.forget_journal();
        *lock(&self.inner.reached) = Reached::default();
        self.refresh_settings();
        self.refresh_history();
        self.look_again();
        self.reach_network().await;
    }

    /// The settings as they are, or, where they cannot be read now, those that the engine runs by.
    fn settings_to_look_by(&self) -> Option<Settings> {
        self.settings_now().ok().or_else(|| self.running_settings())
    }

    async fn status(&self, url: &Url) -> Result<(r3mes_chain::Status, Duration), ApiError> {
        let failed = |error: String| {
            ApiError::new(ErrorCode::Network, format!("reach {}: {error}", plain(url)))
                .with_remedy("check the address, and that the node runs")
        };
        let http = self.http()?;
        let begun = Instant::now();
        let status = tokio::time::timeout(PATIENCE, Rpc::new(http, url.clone()).status())
            .await
            .map_err(|_| failed(too_slow()))?
            .map_err(|error| failed(error.to_string()))?;
        Ok((status, begun.elapsed()))
    }

    fn kubo(&self, url: &Url) -> Result<Kubo, ApiError> {
        Ok(Kubo::new(self.http()?, url.clone()))
    }

    pub(crate) fn must_be_stopped(&self, what: &str) -> Result<(), ApiError> {
        match self.inner.board.read(|snapshot| snapshot.engine.can_stop) {
            true => Err(refused(format!("{what}: the engine is running")).with_remedy("stop it first")),
            false => Ok(()),
        }
    }
}

/// Files of which the speed is told.
const LATEST: usize = 20;

/// Bytes a second of the latest files that passed one way; none where none did.
fn speed(journal: &Journal, direction: Direction) -> Option<f64> {
    let passed = journal.transfers(1000).ok()?;
    let latest =
        passed.iter().filter(|file| file.direction == direction && file.failure.is_none()).take(LATEST);
    let (bytes, seconds) =
        latest.fold((0, 0.0), |(bytes, seconds), file| (bytes + file.bytes, seconds + file.seconds));
    (seconds > 0.0).then(|| bytes as f64 / seconds)
}

/// Puts over what was just heard from outside how the running engine finds the same endpoints, in the same order:
/// which it uses, and what is wrong with one that it does not.
fn as_the_engine_finds(endpoints: &mut [EndpointView], found: &[EndpointStatus], before: &[EndpointView]) {
    if endpoints.len() != found.len() {
        return;
    }
    for (view, found) in endpoints.iter_mut().zip(found) {
        view.in_use = found.in_use;
        let state = match found.standing {
            EndpointStanding::Unknown | EndpointStanding::Well => continue,
            EndpointStanding::Lagging => EndpointState::Lagging,
            EndpointStanding::CatchingUp => EndpointState::CatchingUp,
            EndpointStanding::Failing => EndpointState::Unreachable,
            EndpointStanding::WrongChain => EndpointState::WrongChain,
        };
        // What cannot even be reached from here is worse than what the engine heard a while ago.
        if view.state == EndpointState::Unreachable || view.state == state {
            continue;
        }
        view.state = state;
        view.lag = found.lag.and_then(|lag| u32::try_from(lag).ok()).or(view.lag);
        if let Some(trouble) = &found.trouble {
            view.error = Some(trouble.message.clone());
        }
        let earlier = before.iter().find(|earlier| earlier.url == view.url && earlier.state == state);
        view.since = match (earlier, &found.trouble) {
            (Some(earlier), _) => earlier.since.clone(),
            (None, Some(trouble)) => rfc3339(trouble.since.into()),
            (None, None) => now(),
        };
    }
}

/// The view of answers that came in together.
fn view(network: &NetworkProfile, answers: &[Answer], before: &[EndpointView]) -> NetworkView {
    let right = |answer: &&Answer| {
        answer.outcome.as_ref().is_ok_and(|(status, _)| status.chain_id == network.chain_id)
    };
    let best = answers
        .iter()
        .filter(right)
        .filter_map(|answer| answer.outcome.as_ref().ok())
        .max_by_key(|(status, _)| status.height);
    let height = best.map(|(status, _)| status.height);
    let mut endpoints: Vec<EndpointView> =
        answers.iter().map(|answer| endpoint(network, answer, height, before)).collect();
    if let Some(used) = endpoints.iter_mut().find(|endpoint| endpoint.state == EndpointState::Good) {
        used.in_use = true;
    }
    NetworkView {
        height: height.map(|height| height.to_string()),
        block_time: best.map(|(status, _)| status.time.clone()),
        endpoints,
        at: Some(now()),
        ..quiet(network)
    }
}

/// What is known of a network without asking it.
pub(crate) fn quiet(network: &NetworkProfile) -> NetworkView {
    let text = |url: &Option<Url>| url.as_ref().map(ToString::to_string);
    NetworkView {
        name: network.name.clone(),
        chain_id: network.chain_id.clone(),
        local: network.localnet.is_some(),
        height: None,
        block_time: None,
        block_seconds: network.block_time.as_secs_f64(),
        endpoints: Vec::new(),
        reward_denom: network.reward_denom.clone(),
        reward_exponent: network.reward_display_exponent,
        stake_denom: network.stake_denom.clone(),
        fee_denom: network.fee_denom.clone(),
        minimum_stake: network.minimum_stake.to_string(),
        dashboard_url: text(&network.dashboard_url),
        explorer_url: text(&network.explorer_url),
        admin_url: text(&network.admin_url),
        at: None,
    }
}

fn endpoint(
    network: &NetworkProfile,
    answer: &Answer,
    best: Option<i64>,
    before: &[EndpointView],
) -> EndpointView {
    let url = plain(&answer.url);
    let mut view = EndpointView {
        url: url.clone(),
        state: EndpointState::Unreachable,
        in_use: false,
        chain_id: None,
        height: None,
        lag: None,
        latency_ms: None,
        error: None,
        since: now(),
    };
    match &answer.outcome {
        Ok((status, latency)) => {
            let lag = best.map_or(0, |best| (best - status.height).max(0));
            view.chain_id = Some(status.chain_id.clone());
            view.height = Some(status.height.to_string());
            view.lag = u32::try_from(lag).ok();
            view.latency_ms = Some(latency.as_secs_f64() * 1000.0);
            view.state = match () {
                () if status.chain_id != network.chain_id => {
                    view.lag = None;
                    view.error = Some(format!("it serves {}, not {}", status.chain_id, network.chain_id));
                    EndpointState::WrongChain
                }
                () if status.catching_up => EndpointState::CatchingUp,
                () if lag > LAG => EndpointState::Lagging,
                () => EndpointState::Good,
            };
        }
        Err(error) => view.error = Some(error.clone()),
    }
    if let Some(before) = before.iter().find(|before| before.url == url && before.state == view.state) {
        view.since.clone_from(&before.since);
    }
    view
}

/// Why no endpoint leads to the chain, where none does.
fn unreached(endpoints: &[EndpointView]) -> Option<Found> {
    let first = endpoints.first()?;
    if endpoints.iter().any(|endpoint| matches!(endpoint.state, EndpointState::Good | EndpointState::Lagging))
    {
        return None;
    }
    let reason = match (first.state, &first.error) {
        (_, Some(error)) => error.strip_prefix(&format!("reach {}: ", first.url)).unwrap_or(error).to_owned(),
        (EndpointState::CatchingUp, None) => "it is catching up".to_owned(),
        (_, None) => "it gives no blocks".to_owned(),
    };
    Some(Found {
        message: format!("reach the chain at {}: {reason}", first.url),
        remedy: "check the network connection and the RPC addresses; work goes on by itself when an endpoint answers"
            .to_owned(),
    })
}

/// The newest block of the right chain, from nodes that say themselves that they are up to date.
fn newest_block(network: &NetworkProfile, answers: &[Answer]) -> Option<Block> {
    let answered = answers.iter().filter_map(|answer| Some(&answer.outcome.as_ref().ok()?.0));
    let right = answered.filter(|status| status.chain_id == network.chain_id && !status.catching_up);
    let newest = right.max_by_key(|status| status.height)?;
    Some(Block { height: newest.height, time: OffsetDateTime::parse(&newest.time, &Rfc3339).ok()? })
}

/// Why there is no IPFS node, where there is none.
fn without_ipfs(view: &IpfsView) -> Option<Found> {
    if view.reachable {
        return None;
    }
    let error = view.error.clone().unwrap_or_else(too_slow);
    Some(match view.managed {
        true => Found {
            message: format!("reach the IPFS node of its own: {error}"),
            remedy: "it is started again by itself; look at the log if it does not come up".to_owned(),
        },
        false => Found {
            message: format!("reach the IPFS node {}: {error}", view.url),
            remedy: "start the IPFS node, or correct its address; fetching goes on by itself when it answers"
                .to_owned(),
        },
    })
}

fn too_slow() -> String {
    format!("there was no answer within {} s", PATIENCE.as_secs())
}

fn parse(url: &str) -> Result<Url, ApiError> {
    let parsed =
        Url::parse(url.trim()).map_err(|error| refused(format!("use {url:?}: it is no URL ({error})")))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => Ok(parsed),
        _ => Err(refused(format!("use {url:?}: it must be an http or https URL"))),
    }
}

/// A URL without credentials and without the slash that parsing adds.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(url: &str, chain_id: &str, height: i64) -> Answer {
        let status =
            r3mes_chain::Status { chain_id: chain_id.into(), height, ..r3mes_chain::Status::default() };
        Answer { url: url.parse().unwrap(), outcome: Ok((status, Duration::from_millis(5))) }
    }

    #[test]
    fn the_first_good_endpoint_is_the_one_in_use() {
        let network = NetworkProfile::default();
        let answers = [
            Answer { url: "http://user:word@a:1".parse().unwrap(), outcome: Err("refused".into()) },
            answer("http://b:1", "other-1", 900),
            answer("http://c:1", "remes-1", 90),
            answer("http://d:1", "remes-1", 100),
        ];
        let view = view(&network, &answers, &[]);
        let states: Vec<EndpointState> = view.endpoints.iter().map(|endpoint| endpoint.state).collect();
        use EndpointState::{Good, Lagging, Unreachable, WrongChain};
        assert_eq!(states, [Unreachable, WrongChain, Lagging, Good]);
        assert_eq!(view.height.as_deref(), Some("100"));
        assert_eq!(view.endpoints[2].lag, Some(10));
        assert!(view.endpoints[3].in_use && !view.endpoints[1].in_use);
        assert_eq!(view.endpoints[0].url, "http://a:1");
        assert_eq!(view.endpoints[1].error.as_deref(), Some("it serves other-1, not remes-1"));
    }

    #[test]
    fn the_running_engine_says_which_endpoint_it_uses_and_what_is_wrong_with_another() {
        let network = NetworkProfile::default();
        let answers = [answer("http://a:1", "remes-1", 7), answer("http://b:1", "remes-1", 7)];
        let mut endpoints = view(&network, &answers, &[]).endpoints;
        assert!(endpoints[0].in_use);
        let status = |name: &str, in_use, standing| EndpointStatus {
            name: name.into(),
            preferred: false,
            in_use,
            standing,
            height: Some(7),
            lag: None,
            latency_ms: Some(3),
            heard_at: None,
            trouble: None,
        };
        let trouble = r3mes_chain::EndpointTrouble {
            message: "no answer within 5 s".into(),
            since: OffsetDateTime::UNIX_EPOCH.into(),
        };
        let failing =
            EndpointStatus { trouble: Some(trouble), ..status("a:1", false, EndpointStanding::Failing) };
        let found = [failing, status("b:1", true, EndpointStanding::Well)];
        as_the_engine_finds(&mut endpoints, &found, &[]);
        assert!(!endpoints[0].in_use && endpoints[1].in_use);
        assert_eq!(endpoints[0].state, EndpointState::Unreachable);
        assert_eq!(endpoints[0].error.as_deref(), Some("no answer within 5 s"));
        assert_eq!(endpoints[0].since, "1970-01-01T00:00:00Z");
        assert_eq!(endpoints[1].state, EndpointState::Good);

        let mut others = view(&network, &answers[..1], &[]).endpoints;
        as_the_engine_finds(&mut others, &found, &[]);
        assert!(others[0].in_use, "another list of endpoints says nothing of these");
    }

    #[test]
    fn a_state_keeps_its_beginning() {
        let network = NetworkProfile::default();
        let mut before = view(&network, &[answer("http://a:1", "remes-1", 5)], &[]).endpoints;
        before[0].since = "the beginning".into();
        let after = view(&network, &[answer("http://a:1", "remes-1", 6)], &before).endpoints;
        assert_eq!(after[0].since, "the beginning");
        let after = view(&network, &[answer("http://a:1", "remes-2", 6)], &before).endpoints;
        assert_ne!(after[0].since, "the beginning");
    }
}
