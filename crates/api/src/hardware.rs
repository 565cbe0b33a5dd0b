//! The machine under the proposer: live readings, and verdicts about them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use r3mes_chain::Rpc;
use r3mes_chain::http::Timeouts;
use r3mes_chain::proto::ResourceSpec;
use r3mes_config::{ConfigError, DataDir, NetworkProfile, Settings};
use r3mes_engine::Journal;
use r3mes_engine::journal::{Direction, Transfer};
use r3mes_hardware::{
    BlockClock, ClockSkew, Endpoint, GB, Level, Reading, Readings, Request, Requirements, TransferRate,
    TransferRates, Verdict, WriteProbe,
};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::workspace::default_root;
use crate::{ApiError, ErrorCode};

/// What to read of the machine.
#[derive(Clone, Debug)]
pub struct HardwareOptions {
    /// The data folder, which need not exist; the user's own where absent. Nothing in it is changed.
    pub home: Option<PathBuf>,
    /// A network profile to take the endpoints from; the settings' network where absent.
    pub network: Option<PathBuf>,
    /// When the readings end, finished or not. The bandwidth's probe is not counted.
    pub budget: Duration,
    /// How long to read memory with all cores; absent: not at all.
    pub bandwidth: Option<Duration>,
    /// Whether to measure the data folder by writing to it.
    pub write: bool,
}

impl Default for HardwareOptions {
    fn default() -> Self {
        let budget = Duration::from_millis(2500);
        HardwareOptions { home: None, network: None, budget, bandwidth: None, write: true }
    }
}

/// The machine at one moment, and whether it is enough.
#[derive(Clone, Debug, Serialize)]
pub struct HardwareReport {
    /// What was read, each with its time.
    pub readings: Readings,
    /// What is to be said of it, each with the time of its reading.
    pub verdicts: Vec<Verdict>,
    /// What the readings were held against.
    pub requirements: Requirements,
}

/// Reads the machine and judges it. Without a network, or in a folder that cannot be written, the
/// readings concerned say so, and the others are there.
///
/// # Errors
/// When the settings or the profile can be read and are not valid.
pub async fn hardware(options: &HardwareOptions) -> Result<HardwareReport, ApiError> {
    let begun = Instant::now();
    let data = DataDir::new(match &options.home {
        Some(home) => home.clone(),
        None => default_root()?,
    });
    let (network, unread) = network(&data, options.network.as_deref())?;
    let request = Request {
        folder: data.root().to_owned(),
        write: options.write.then(WriteProbe::default),
        endpoints: endpoints(&network),
        // What is left is for the chain, which is only asked when it was reached.
        budget: options.budget * 7 / 10,
    };
    let mut readings = read(request).await?;
    let left = options.budget.saturating_sub(begun.elapsed());
    readings.clock = Some(clock(&network, &readings, left).await);
    readings.transfers = Some(transfers(data.journal()).await);
    if let Some(time) = options.bandwidth {
        let probe = move || r3mes_hardware::read_bandwidth(time, OffsetDateTime::now_utc);
        readings.memory_bandwidth = Some(tokio::task::spawn_blocking(probe).await.map_err(panicked)?);
    }
    let requirements = Requirements::default();
    let mut verdicts = r3mes_hardware::judge(&readings, &requirements);
    verdicts.extend(unread);
    Ok(HardwareReport { readings, verdicts, requirements })
}

/// What this machine can give to the network, for a registration: the cores and the memory that this
/// process may use, and the free disk space at the data folder. What cannot be read is 0.
pub(crate) async fn resources(folder: &Path) -> ResourceSpec {
    let budget = Duration::from_secs(2);
    let request = Request { folder: folder.to_owned(), write: None, endpoints: Vec::new(), budget };
    match read(request).await {
        Ok(readings) => spec(&readings),
        Err(_) => ResourceSpec::default(),
    }
}

/// Transfers of each direction whose rate is told: enough to even out one that was slow, few enough to be of now.
const LATEST: usize = 20;

/// Transfers that are looked at, of both directions and however they ended.
pub(crate) const REMEMBERED: u32 = 1000;

/// The rates that the engine has seen, read off its journal, in which nothing is changed.
async fn transfers(journal: PathBuf) -> Reading<TransferRates> {
    let look = move || match journal.exists() {
        false => Ok(TransferRates::default()),
        true => Journal::look(&journal)
            .and_then(|journal| journal.transfers(REMEMBERED))
            .map(|transfers| transfer_rates(&transfers))
            .map_err(|error| error.to_string()),
    };
    let outcome = tokio::task::spawn_blocking(look).await;
    let outcome = outcome.unwrap_or_else(|error| Err(format!("read the journal: {error}")));
    Reading::new(outcome, OffsetDateTime::now_utc())
}

/// The rates of the latest transfers that ended well; `transfers` are the newest first.
pub(crate) fn transfer_rates(transfers: &[Transfer]) -> TransferRates {
    let rate = |direction| {
        let ended = transfers.iter().filter(|one| one.direction == direction && one.failure.is_none());
        // What was there from an earlier attempt says nothing of the way.
        let ended = ended.filter(|one| one.bytes > 0).take(LATEST);
        TransferRate::of(ended.map(|one| (one.bytes, one.seconds, one.at)))
    };
    TransferRates { fetch: rate(Direction::Fetch), upload: rate(Direction::Upload) }
}

fn spec(readings: &Readings) -> ResourceSpec {
    let gigabytes = |bytes: u64| u32::try_from(bytes / GB).unwrap_or(u32::MAX);
    ResourceSpec {
        cpu_cores: readings.processor.value().map_or(0, |processor| processor.usable_cores),
        memory_gb: readings.memory.value().map_or(0, |memory| gigabytes(memory.usable())),
        storage_gb: readings.disk.value().map_or(0, |disk| gigabytes(disk.free)),
        ..ResourceSpec::default()
    }
}

async fn read(request: Request) -> Result<Readings, ApiError> {
    let probes = move || r3mes_hardware::read(&request, OffsetDateTime::now_utc);
    tokio::task::spawn_blocking(probes).await.map_err(panicked)
}

fn panicked(error: tokio::task::JoinError) -> ApiError {
    ApiError::new(ErrorCode::Engine, format!("read the hardware: {error}"))
}

/// The network by the given profile, or by the settings, or the one that a new folder begins with.
/// Nothing is written. Settings that this user may not read are a verdict: the machine can be read without.
fn network(data: &DataDir, profile: Option<&Path>) -> Result<(NetworkProfile, Option<Verdict>), ApiError> {
    if let Some(path) = profile {
        return Ok((NetworkProfile::load(path)?, None));
    }
    match Settings::load(data) {
        Ok(settings) => Ok((settings.network, None)),
        Err(ConfigError::Missing { .. }) => Ok((Settings::default().network, None)),
        Err(error @ ConfigError::Read { .. }) => {
            let network = Settings::default().network;
            let verdict = Verdict {
                subject: "settings".to_owned(),
                level: Level::Fail,
                reason: format!("cannot {error}; the endpoints are those of {}", network.name),
                remedy: Some("let this user read them, or choose another folder with `--home`".to_owned()),
                at: OffsetDateTime::now_utc(),
            };
            Ok((network, Some(verdict)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Everything that the network's profile names. Only the first RPC endpoint and IPFS are needed.
fn endpoints(network: &NetworkProfile) -> Vec<Endpoint> {
    let rpc = network.rpc.iter().enumerate().map(|(index, url)| match index {
        0 => (CHAIN_RPC.to_owned(), url, true),
        _ => (format!("{CHAIN_RPC} {}", index + 1), url, false),
    });
    let optional = [
        ("dashboard", &network.dashboard_url),
        ("explorer", &network.explorer_url),
        ("administrator", &network.admin_url),
    ];
    let optional =
        optional.into_iter().filter_map(|(name, url)| Some((name.to_owned(), url.as_ref()?, false)));
    rpc.chain([("IPFS".to_owned(), &network.ipfs_api, true)])
        .chain(optional)
        .map(|(name, url, required)| Endpoint {
            name,
            host: url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            required,
        })
        .collect()
}

const CHAIN_RPC: &str = "chain RPC";

/// The clock against the newest block of the first RPC endpoint that was reached. One that was not is
/// not asked: looking up its name could outlast any budget.
async fn clock(network: &NetworkProfile, readings: &Readings, timeout: Duration) -> Reading<ClockSkew> {
    let reached =
        network.rpc.iter().zip(&readings.endpoints).find(|(_, found)| found.reach.value().is_some());
    let skew = async {
        let Some((url, _)) = reached else {
            return Err("no RPC endpoint of the chain was reached".to_owned());
        };
        let http = r3mes_chain::http::client(Timeouts::default()).map_err(|error| error.to_string())?;
        let rpc = Rpc::new(http, url.clone());
        let status = tokio::time::timeout(timeout, rpc.status())
            .await
            .map_err(|_| format!("the chain did not answer within {} ms", timeout.as_millis()))?
            .map_err(|error| error.to_string())?;
        let asked_at = OffsetDateTime::now_utc();
        if status.catching_up {
            return Err("the node is catching up, its newest block is an old one".to_owned());
        }
        let block_time = OffsetDateTime::parse(&status.time, &Rfc3339)
            .map_err(|_| format!("the newest block's time is no time: {:?}", status.time))?;
        Ok(BlockClock { block_time, asked_at, interval: network.block_time }.skew())
    };
    let outcome = skew.await;
    Reading::new(outcome, OffsetDateTime::now_utc())
}

#[cfg(test)]
mod tests {
    use r3mes_hardware::{DiskSpace, Memory, Processor, Simd};

    use super::*;

    fn closed() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn every_endpoint_of_the_profile_is_named() {
        let mut network = NetworkProfile::default();
        network.rpc.push("https://rpc.example".parse().unwrap());
        network.rpc.push("http://[::1]:26657".parse().unwrap());
        network.dashboard_url = Some("https://dashboard.example/r3mes".parse().unwrap());
        let found: Vec<_> = endpoints(&network)
            .into_iter()
            .map(|found| (found.name, format!("{}:{}", found.host, found.port), found.required))
            .collect();
        let expected = [
            ("chain RPC", "127.0.0.1:26657", true),
            ("chain RPC 2", "rpc.example:443", false),
            ("chain RPC 3", "::1:26657", false),
            ("IPFS", "127.0.0.1:5001", true),
            ("dashboard", "dashboard.example:443", false),
        ];
        assert_eq!(found, expected.map(|(name, at, required)| (name.to_owned(), at.to_owned(), required)));
    }

    #[test]
    fn rates_are_of_the_latest_transfers_that_ended_well() {
        let one = |direction, bytes, seconds, failure: Option<&str>| Transfer {
            direction,
            cid: "bafy".into(),
            bytes,
            seconds,
            from_gateways: 0,
            failure: failure.map(str::to_owned),
            at: OffsetDateTime::UNIX_EPOCH,
        };
        let mut transfers = vec![
            one(Direction::Fetch, 900, 1.0, Some("nobody there")),
            one(Direction::Fetch, 0, 1.0, None),
            one(Direction::Upload, 700, 2.0, None),
        ];
        transfers.extend((0..LATEST).map(|_| one(Direction::Fetch, 50, 0.5, None)));
        transfers.push(one(Direction::Fetch, 1_000_000, 1.0, None));
        let rates = transfer_rates(&transfers);
        assert_eq!(rates.fetch.unwrap().bytes_per_second, 100.0);
        assert_eq!(rates.upload.unwrap().bytes_per_second, 350.0);
        assert_eq!(transfer_rates(&[]), TransferRates::default());
    }

    #[tokio::test]
    async fn without_a_journal_nothing_has_passed_and_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let reading = transfers(path.clone()).await;
        assert_eq!(reading.value(), Some(&TransferRates::default()));
        assert!(!path.exists());
        std::fs::write(&path, "no database").unwrap();
        let reading = transfers(path.clone()).await;
        assert!(reading.as_result().is_err_and(|reason| reason.contains("journal")), "{reading:?}");
    }

    #[test]
    fn a_registration_states_what_was_read_and_nothing_else() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let processor = Processor {
            model: "a processor".into(),
            physical_cores: Some(8),
            logical_cores: 16,
            usable_cores: 12,
            simd: Simd::Avx2,
        };
        let memory =
            Memory { total: 64 * GB, available: GB, cgroup_limit: Some(33 * GB - 1), cgroup_used: None };
        let disk = DiskSpace { folder: "data".into(), total: 900 * GB, free: 250 * GB + 1 };
        let mut readings = Readings {
            processor: Reading::new(Ok(processor), at),
            memory: Reading::new(Ok(memory), at),
            disk: Reading::new(Ok(disk), at),
            disk_write: None,
            endpoints: Vec::new(),
            clock: None,
            memory_bandwidth: None,
            transfers: None,
        };
        let expected = ResourceSpec { cpu_cores: 12, memory_gb: 32, storage_gb: 250, ..Default::default() };
        assert_eq!(spec(&readings), expected);
        readings.disk = Reading::new(Err("permission denied".into()), at);
        assert_eq!(spec(&readings), ResourceSpec { storage_gb: 0, ..expected });
    }

    #[tokio::test]
    async fn without_a_network_or_a_folder_the_rest_is_read_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let profile = NetworkProfile {
            rpc: vec![format!("http://127.0.0.1:{}", closed()).parse().unwrap()],
            ipfs_api: format!("http://127.0.0.1:{}", closed()).parse().unwrap(),
            ..NetworkProfile::default()
        };
        let network = folder.path().join("network.toml");
        profile.save(&network).unwrap();
        let options = HardwareOptions {
            home: Some(home.clone()),
            network: Some(network),
            budget: Duration::from_secs(120),
            ..HardwareOptions::default()
        };
        let report = hardware(&options).await.unwrap();
        assert!(!home.exists());
        assert!(report.readings.memory.value().is_some());
        let level = |subject: &str| {
            report.verdicts.iter().find(|verdict| verdict.subject == subject).map(|verdict| verdict.level)
        };
        assert_eq!(level("chain RPC"), Some(Level::Fail));
        assert_eq!(level("IPFS"), Some(Level::Fail));
        assert_eq!(level("clock"), Some(Level::Unknown));
        assert_eq!(level("data folder"), Some(Level::Pass));
    }

    #[test]
    fn settings_that_cannot_be_read_are_a_verdict_and_invalid_ones_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        // A folder in the file's place: a permission would not stop every user.
        std::fs::create_dir(data.settings()).unwrap();
        let (found, verdict) = network(&data, None).unwrap();
        assert_eq!(found, Settings::default().network);
        let verdict = verdict.unwrap();
        assert_eq!((verdict.subject.as_str(), verdict.level), ("settings", Level::Fail));
        assert!(verdict.reason.starts_with("cannot read "), "{}", verdict.reason);

        std::fs::remove_dir(data.settings()).unwrap();
        std::fs::write(data.settings(), "version = 1\nround.quorum = 0\n").unwrap();
        assert_eq!(network(&data, None).unwrap_err().code, ErrorCode::Settings);
    }

    #[tokio::test]
    async fn a_local_networks_endpoints_and_clock_pass() {
        let folder = tempfile::tempdir().unwrap();
        let local = crate::LocalNetworkOptions { miners: 1, byzantine: 0, ..Default::default() };
        let local = crate::LocalNetwork::start(&local).await.unwrap();
        let network = folder.path().join("network.toml");
        local.profile().save(&network).unwrap();
        let options = HardwareOptions {
            home: Some(folder.path().join("home")),
            network: Some(network),
            budget: Duration::from_secs(120),
            ..HardwareOptions::default()
        };
        let report = hardware(&options).await.unwrap();
        local.shutdown().await;
        for subject in ["chain RPC", "IPFS"] {
            let verdict = report.verdicts.iter().find(|verdict| verdict.subject == subject).unwrap();
            assert_eq!(verdict.level, Level::Pass, "{}", verdict.reason);
        }
        let skew = report.readings.clock.unwrap();
        assert!(skew.value().is_some_and(|skew| skew.seconds <= 0.0 || skew.block_age > 1.0), "{skew:?}");
    }
}
