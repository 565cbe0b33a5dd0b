use std::path::Path;
use std::time::{Duration, Instant};

use r3mes_config::NetworkProfile;
use r3mes_localnet::{Account, Role};
use serde_json::Value;

use super::Figures;
use super::engine::Engine;
use super::plan::{Kill, Plan};
use crate::network::{Network, NetworkOptions};
use crate::proxy::{Faults, Proxy};
use crate::{ChainRecord, run_json};

/// How long no reveal may come before the proposer counts as stuck. IPFS calls that nobody answers are held
/// for a minute, and commitments may expire more than once in a row, but never for ever.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs a plan in `folder`, telling its progress line by line.
///
/// # Panics
/// When the network does not start, or does not answer on its own port.
pub async fn run(plan: &Plan, folder: &Path, mut tell: impl FnMut(String)) -> Figures {
    let started = Instant::now();
    let options = NetworkOptions {
        seed: plan.seed,
        miners: plan.miners,
        block: plan.block(),
        rounds: Some(plan.rounds),
    };
    let network = Network::start(folder, options);
    let address = Account::derive(plan.seed, Role::Proposer, "remes").unwrap().address;
    let (rpc, ipfs) = lie_between(plan, &network).await;
    let mut engine = Engine::new(arguments(plan, folder), folder.to_owned());
    let mut broken = Vec::new();
    let kills = go_on_until_revealed(plan, &network, folder, &mut engine, &mut broken, &mut tell).await;
    if engine.ended().is_none() {
        let status = engine.terminate().await;
        if !status.success() {
            broken.push(format!("asked to stop, it ended with {status}"));
        }
    }
    let record = network.record(&address).await.unwrap();
    broken.extend(record.broken_promises());
    let overview = overview(folder);
    broken.extend(differences(plan, &overview, &record));
    if !broken.is_empty() {
        tell(format!("the proposer's last words:\n{}", engine.last_words()));
        let troubles: Vec<String> = engine.told().troubles.into();
        tell(format!("its last troubles, newest first:\n{}", troubles.join("\n")));
    }
    let earnings = |name: &str| overview["earnings"][name].as_str().unwrap_or("?").to_owned();
    Figures {
        rounds: record.aggregations.len(),
        commitments: record.commitments.len(),
        expired: record.expired(),
        kills,
        troubles: engine.told().events.get("trouble").copied().unwrap_or_default(),
        refused: record.transactions.iter().filter(|transaction| transaction.code != 0).count(),
        rpc: rpc.tally(),
        ipfs: ipfs.tally(),
        rewards: record.rewards(),
        received: record.received,
        booked_rewards: earnings("earned"),
        paid: record.paid,
        booked_fees: earnings("fees"),
        duration: started.elapsed(),
        broken,
    }
}

/// Puts a proxy before each of the network's nodes, and their addresses into the profile.
async fn lie_between(plan: &Plan, network: &Network) -> (Proxy, Proxy) {
    let mut profile = NetworkProfile::load(network.profile()).unwrap();
    // A delay as long as three blocks is within what a commitment's ten allow.
    let faults = Faults { seed: plan.seed, rate: plan.rate, longest_delay: plan.block() * 3 };
    let rpc = Proxy::start(network.chain().rpc().url().clone(), faults).await.unwrap();
    let other = Faults { seed: !plan.seed, ..faults };
    let ipfs = Proxy::start(profile.ipfs_api.clone(), other).await.unwrap();
    profile.rpc = vec![rpc.url()];
    profile.ipfs_api = ipfs.url();
    profile.save(network.profile()).unwrap();
    (rpc, ipfs)
}

fn arguments(plan: &Plan, folder: &Path) -> Vec<String> {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let network = path("localnet.toml");
    let home = path("home");
    let quorum = format!("round.quorum={}", plan.miners);
    let minimum = format!("round.minimum_participants={}", plan.miners);
    let rest = ["round.minimum_interval=0s", "round.maximum_wait=10m", "limits.fetch_timeout=15s"];
    let settings = [quorum, minimum].into_iter().chain(rest.map(str::to_owned));
    let mut arguments = vec!["start".to_owned(), "--network".into(), network, "--home".into(), home];
    arguments.extend(settings.flat_map(|setting| ["--set".to_owned(), setting]));
    arguments
}

/// Kills and restarts the engine by the plan until every round is revealed, on the chain and in its own
/// journal. Answers how often it was killed; what goes wrong ends it and is added to `broken`.
async fn go_on_until_revealed(
    plan: &Plan,
    network: &Network,
    folder: &Path,
    engine: &mut Engine,
    broken: &mut Vec<String>,
    tell: &mut impl FnMut(String),
) -> u64 {
    let started = Instant::now();
    let mut kills = plan.kills().into_iter().peekable();
    let mut killed = 0;
    let mut due: Option<(Instant, Kill)> = None;
    let (mut revealed, mut last_reveal) = (0, Instant::now());
    engine.start();
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if let Some(status) = engine.ended() {
            broken.push(format!("the proposer ended of itself, with {status}"));
            return killed;
        }
        while network.chain().aggregation(revealed).await.unwrap().is_some() {
            revealed += 1;
            last_reveal = Instant::now();
            let seconds = started.elapsed().as_secs_f64();
            tell(format!("{seconds:>6.0} s  {revealed} of {} rounds revealed, {killed} kills", plan.rounds));
        }
        if due.is_none()
            && let Some(kill) = kills.next_if(|kill| kill.after_reveals <= revealed)
        {
            due = Some((Instant::now() + kill.delay, kill));
        }
        if let Some((_, kill)) = due.take_if(|(at, _)| *at <= Instant::now()) {
            engine.kill();
            killed += 1;
            tokio::time::sleep(kill.downtime).await;
            engine.start();
        }
        if revealed >= plan.rounds && due.is_none() && kills.peek().is_none() && knows_all(plan, folder) {
            return killed;
        }
        if last_reveal.elapsed() > PATIENCE {
            broken.push(format!("stuck: no reveal for {} s after {revealed} of them", PATIENCE.as_secs()));
            return killed;
        }
    }
}

/// Whether the journal holds every round as revealed.
fn knows_all(plan: &Plan, folder: &Path) -> bool {
    overview(folder)["aggregations"] == plan.rounds
}

fn overview(folder: &Path) -> Value {
    let home = folder.join("home");
    run_json(&["status", "--home", home.to_str().unwrap(), "--last", "1000"], &[]).remove(0)
}

/// In what the proposer's books differ from the chain.
fn differences(plan: &Plan, overview: &Value, record: &ChainRecord) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, booked: &Value, chain: Value| {
        if *booked != chain {
            differences.push(format!("{what}: {booked} in the journal, {chain} on the chain"));
        }
    };
    let earnings = &overview["earnings"];
    compare("rewards", &earnings["earned"], record.received.to_string().into());
    compare("fees", &earnings["fees"], record.paid.to_string().into());
    compare("aggregations", &overview["aggregations"], record.aggregations.len().into());
    for aggregation in &record.aggregations {
        if aggregation.participants != u128::from(plan.miners) {
            differences.push(format!(
                "round {} has {} participants, {} honest miners sent gradients",
                aggregation.training_round_id, aggregation.participants, plan.miners
            ));
        }
    }
    differences
}
