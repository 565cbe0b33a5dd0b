//! The keys of the settings, apart from those below `network`.

use std::time::Duration;

use r3mes_aggregate::Method;

use crate::key::{Key, put};
use crate::settings::{IpfsSettings, Settings};
use crate::value::{Kind, Value};
use crate::verification::Policy;

const SECOND: Duration = Duration::from_secs(1);

type SettingsKey = Key<Settings>;

fn text(text: &impl ToString) -> Option<Value> {
    Some(Value::Text(text.to_string()))
}

fn duration(duration: Duration) -> Option<Value> {
    Some(Value::duration_text(duration))
}

/// A list, left out where it is empty.
fn list(items: &[impl ToString]) -> Option<Value> {
    (!items.is_empty()).then(|| Value::List(items.iter().map(ToString::to_string).collect()))
}

fn multiaddress(text: &str) -> Option<String> {
    let (address, id) = text.rsplit_once("/p2p/")?;
    let well_formed = address.starts_with('/') && !id.is_empty() && !id.contains('/');
    (well_formed && !text.contains(char::is_whitespace)).then(|| text.to_owned())
}

fn share(value: &Value) -> Result<Option<f64>, String> {
    value.number("from 0 to 1", |n| (0.0..=1.0).contains(&n)).map(Some)
}

/// The method's name alone where other keys hold its parameters, else with them.
fn method_text(settings: &Settings) -> String {
    let aggregation = &settings.aggregation;
    let whole = aggregation.method.to_string();
    let name = whole.split('(').next().unwrap_or(&whole);
    match name.parse::<Method>() {
        Ok(bare) if aggregation.refined(bare.clone()) == aggregation.method => name.to_owned(),
        _ => whole,
    }
}

macro_rules! policy {
    ($name:ident, $about:literal) => {
        SettingsKey::new(
            concat!("verification.", stringify!($name)),
            Kind::Text,
            $about,
            |s| text(&s.verification.$name),
            |s, v| put(&mut s.verification.$name, v.parse::<Policy>()),
        )
    };
}

/// Every key of the settings below a section of their own, in the order in which they are written.
pub(crate) const SETTINGS_KEYS: &[SettingsKey] = &[
    SettingsKey::new(
        "account.key",
        Kind::Text,
        "Name of the key that signs, one of `r3mes-proposer keys list`. A local network needs none.",
        |s| s.account.key.clone().map(Value::Text),
        |s, v| put(&mut s.account.key, v.name().map(Some)),
    )
    .optional("main", |s| s.account.key = None),
    SettingsKey::new(
        "aggregation.method",
        Kind::Text,
        "The method by its name, such as median or trimmed-mean. A wrong name is answered with all that there are.",
        |s| text(&method_text(s)),
        |s, v| put(&mut s.aggregation.method, v.parse()),
    ),
    SettingsKey::new(
        "aggregation.trim",
        Kind::Number,
        "Share of the gradients to reckon with as Byzantine: trimmed-mean cuts so many from each end.",
        |s| s.aggregation.trim.map(Value::Number),
        |s, v| {
            let ratio = v.number("from 0 up to but not including 0.5", |n| (0.0..0.5).contains(&n));
            put(&mut s.aggregation.trim, ratio.map(Some))
        },
    )
    .optional("0.2", |s| s.aggregation.trim = None),
    SettingsKey::new(
        "aggregation.f",
        Kind::Integer,
        "The same as a fixed number of gradients, instead of trim.",
        |s| s.aggregation.f.map(|f| Value::Integer(f.into())),
        |s, v| put(&mut s.aggregation.f, v.integer(0).map(Some)),
    )
    .optional("2", |s| s.aggregation.f = None),
    SettingsKey::new(
        "aggregation.fedavg_cap",
        Kind::Number,
        "What fedavg believes at most of a reported sample count, as a multiple of the median count.",
        |s| s.aggregation.fedavg_cap.map(Value::Number),
        |s, v| put(&mut s.aggregation.fedavg_cap, v.number("at least 1", |n| n >= 1.0).map(Some)),
    )
    .optional("3.0", |s| s.aggregation.fedavg_cap = None),
    SettingsKey::new(
        "aggregation.weights",
        Kind::Text,
        "What weighted methods weigh by: samples, reputation, or combined, which is samples times reputation times quality.",
        |s| s.aggregation.weights.map(|weights| Value::Text(weights.to_string())),
        |s, v| put(&mut s.aggregation.weights, v.parse().map(Some)),
    )
    .optional("combined", |s| s.aggregation.weights = None),
    SettingsKey::new(
        "round.quorum",
        Kind::Integer,
        "Gradients that close a round at once.",
        |s| Some(Value::Integer(s.round.quorum.into())),
        |s, v| put(&mut s.round.quorum, v.integer(1)),
    ),
    SettingsKey::new(
        "round.minimum_participants",
        Kind::Integer,
        "Gradients without which a round is not submitted, however long it waited.",
        |s| Some(Value::Integer(s.round.minimum_participants.into())),
        |s, v| put(&mut s.round.minimum_participants, v.integer(1)),
    ),
    SettingsKey::new(
        "round.maximum_wait",
        Kind::Text,
        "Longest wait after a round's first gradient before it closes without its quorum.",
        |s| duration(s.round.maximum_wait),
        |s, v| put(&mut s.round.maximum_wait, v.duration(SECOND / 1000)),
    ),
    SettingsKey::new(
        "round.minimum_interval",
        Kind::Text,
        "Shortest time between two submissions; \"0s\" for none.",
        |s| duration(s.round.minimum_interval),
        |s, v| put(&mut s.round.minimum_interval, v.duration(Duration::ZERO)),
    ),
    policy!(source, "The transaction that carried the gradient says something else than the chain's record."),
    policy!(registration, "The miner has no registration. Its gradient is valid on chain all the same."),
    policy!(gradient_hash, "The announced gradient_hash is not the file's. Not a proof of fraud."),
    policy!(claimed_loss, "The loss that the miner claims cannot be."),
    policy!(duplicate, "The same bytes were announced before in this round."),
    policy!(norm, "The norm is above a limit of [quality]."),
    policy!(zeros, "More values are zero than [quality] allows."),
    policy!(trust_score, "The miner's trust score is below the limit of [quality]."),
    SettingsKey::new(
        "quality.max_norm",
        Kind::Number,
        "Largest L2 norm of a gradient.",
        |s| s.quality.max_norm.map(Value::Number),
        |s, v| put(&mut s.quality.max_norm, v.number("above 0", |n| n > 0.0).map(Some)),
    )
    .optional("100.0", |s| s.quality.max_norm = None),
    SettingsKey::new(
        "quality.max_norm_ratio",
        Kind::Number,
        "Largest L2 norm as a multiple of the round's median norm.",
        |s| s.quality.max_norm_ratio.map(Value::Number),
        |s, v| put(&mut s.quality.max_norm_ratio, v.number("above 1", |n| n > 1.0).map(Some)),
    )
    .optional("10.0", |s| s.quality.max_norm_ratio = None),
    SettingsKey::new(
        "quality.max_zero_share",
        Kind::Number,
        "Largest share of values that are zero.",
        |s| s.quality.max_zero_share.map(Value::Number),
        |s, v| put(&mut s.quality.max_zero_share, share(v)),
    )
    .optional("0.99", |s| s.quality.max_zero_share = None),
    SettingsKey::new(
        "quality.min_trust_score",
        Kind::Number,
        "Smallest trust score on chain.",
        |s| s.quality.min_trust_score.map(Value::Number),
        |s, v| put(&mut s.quality.min_trust_score, share(v)),
    )
    .optional("0.2", |s| s.quality.min_trust_score = None),
    SettingsKey::new(
        "ipfs.mode",
        Kind::Text,
        "Whose node: \"external\" is the one at network.ipfs_api, \"managed\" one of our own that starts and stops with the engine, \"auto\" the first if it answers, else the second.",
        |s| text(&s.ipfs.mode),
        |s, v| put(&mut s.ipfs.mode, v.parse()),
    ),
    SettingsKey::new(
        "ipfs.kubo_binary",
        Kind::Text,
        "The Kubo program of a managed node. Left out: ipfs/bin/ipfs of the data folder, or else on the PATH.",
        |s| s.ipfs.kubo_binary.as_ref().map(|path| Value::Text(path.display().to_string())),
        |s, v| put(&mut s.ipfs.kubo_binary, v.path().map(Some)),
    )
    .optional("/usr/local/bin/ipfs", |s| s.ipfs.kubo_binary = None),
    SettingsKey::new(
        "ipfs.gateways",
        Kind::List,
        "Gateways that are asked for what the node does not find. Every block is checked, so they need no trust.",
        |s| list(&s.ipfs.gateways),
        |s, v| put(&mut s.ipfs.gateways, v.urls()),
    )
    .optional("https://trustless-gateway.link", |s| s.ipfs.gateways.clear()),
    SettingsKey::new(
        "ipfs.listen",
        Kind::List,
        "Addresses on which a managed node listens for peers.",
        |s| Some(Value::List(s.ipfs.listen.iter().map(ToString::to_string).collect())),
        |s, v| put(&mut s.ipfs.listen, v.list_of("an IP address", |text| text.parse().ok())),
    ),
    SettingsKey::new(
        "ipfs.swarm_port",
        Kind::Integer,
        "Port on which a managed node listens for peers. Left out: 4001 or a free one, chosen once.",
        |s| s.ipfs.swarm_port.map(|port| Value::Integer(port.into())),
        |s, v| put(&mut s.ipfs.swarm_port, v.integer(1).map(Some)),
    )
    .optional("4001", |s| s.ipfs.swarm_port = None),
    SettingsKey::new(
        "ipfs.bootstrap",
        Kind::List,
        "Peers through which a managed node finds the network; \"public\" for the public network, [] for one of your own.",
        |s| Some(Value::List(s.ipfs.bootstrap.clone())),
        |s, v| {
            let peer = |text: &str| (text == IpfsSettings::PUBLIC).then(|| text.to_owned()).or_else(|| multiaddress(text));
            put(&mut s.ipfs.bootstrap, v.list_of("\"public\" or a multiaddress that ends in /p2p/ID", peer))
        },
    ),
    SettingsKey::new(
        "ipfs.peers",
        Kind::List,
        "Peers that a managed node stays connected to.",
        |s| list(&s.ipfs.peers),
        |s, v| put(&mut s.ipfs.peers, v.list_of("a multiaddress that ends in /p2p/ID", multiaddress)),
    )
    .optional("/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWExample", |s| s.ipfs.peers.clear()),
    SettingsKey::new(
        "limits.max_gradient",
        Kind::Text,
        "Largest gradient file. The network holds miners to 100 MiB.",
        |s| text(&s.limits.max_gradient),
        |s, v| put(&mut s.limits.max_gradient, size(v)),
    ),
    SettingsKey::new(
        "limits.parallel_fetches",
        Kind::Integer,
        "Gradients fetched at the same time.",
        |s| Some(Value::Integer(s.limits.parallel_fetches.into())),
        |s, v| put(&mut s.limits.parallel_fetches, v.integer(1)),
    ),
    SettingsKey::new(
        "limits.fetch_timeout",
        Kind::Text,
        "Longest time for the fetch of one gradient.",
        |s| duration(s.limits.fetch_timeout),
        |s, v| put(&mut s.limits.fetch_timeout, v.duration(SECOND / 1000)),
    ),
    SettingsKey::new(
        "limits.spool_quota",
        Kind::Text,
        "Disk space for gradients and aggregates that are worked on.",
        |s| text(&s.limits.spool_quota),
        |s, v| put(&mut s.limits.spool_quota, size(v)),
    ),
    SettingsKey::new(
        "limits.ipfs_quota",
        Kind::Text,
        "Disk space on the IPFS node for what we keep pinned. Above it the oldest goes that nobody can dispute.",
        |s| text(&s.limits.ipfs_quota),
        |s, v| put(&mut s.limits.ipfs_quota, size(v)),
    ),
    SettingsKey::new(
        "limits.keep_gradients",
        Kind::Text,
        "How long inputs are kept; in any case until nobody can dispute the aggregate made of them.",
        |s| duration(s.limits.keep_gradients),
        |s, v| put(&mut s.limits.keep_gradients, v.duration(Duration::ZERO)),
    ),
    SettingsKey::new(
        "limits.keep_aggregates",
        Kind::Text,
        "How long aggregates are kept; in any case until nobody can dispute them, and the newest for good.",
        |s| duration(s.limits.keep_aggregates),
        |s, v| put(&mut s.limits.keep_aggregates, v.duration(Duration::ZERO)),
    ),
    SettingsKey::new(
        "submission.strategy",
        Kind::Text,
        "How an aggregate reaches the chain: commit-reveal, or direct in one transaction.",
        |s| text(&s.submission.strategy),
        |s, v| put(&mut s.submission.strategy, v.parse()),
    ),
    SettingsKey::new(
        "submission.max_fee",
        Kind::Amount,
        "Largest fee of one transaction, in the network's fee denom.",
        |s| s.submission.max_fee.map(Value::amount_of),
        |s, v| put(&mut s.submission.max_fee, v.amount().map(Some)),
    )
    .optional("20000", |s| s.submission.max_fee = None),
    SettingsKey::new(
        "payout.address",
        Kind::Text,
        "The cold address that rewards are moved to.",
        |s| s.payout.address.clone().map(Value::Text),
        |s, v| put(&mut s.payout.address, v.name().map(Some)),
    )
    .optional("remes1...", |s| s.payout.address = None),
    SettingsKey::new(
        "payout.reserve",
        Kind::Amount,
        "What always stays, in the reward denom; without it the network's minimum stake.",
        |s| s.payout.reserve.map(Value::amount_of),
        |s, v| put(&mut s.payout.reserve, v.amount().map(Some)),
    )
    .optional("50000", |s| s.payout.reserve = None),
    SettingsKey::new(
        "payout.rule",
        Kind::Text,
        "Whether the running engine pays out by itself: off, or above-reserve.",
        |s| text(&s.payout.rule),
        |s, v| put(&mut s.payout.rule, v.parse()),
    ),
    SettingsKey::new(
        "payout.threshold",
        Kind::Amount,
        "What must stand above the reserve before the rule moves it, in the reward denom.",
        |s| Some(Value::amount_of(s.payout.threshold)),
        |s, v| match v.amount()? {
            0 => Err("must be at least 1, is 0".to_owned()),
            threshold => put(&mut s.payout.threshold, Ok(threshold)),
        },
    ),
    SettingsKey::new(
        "payout.interval",
        Kind::Text,
        "Shortest time between two payouts by the rule.",
        |s| duration(s.payout.interval),
        |s, v| put(&mut s.payout.interval, v.duration(SECOND)),
    ),
];

fn size(value: &Value) -> Result<crate::ByteSize, String> {
    let size: crate::ByteSize = value.parse()?;
    match size.get() {
        0 => Err("must be at least 1 B, is 0 B".to_owned()),
        _ => Ok(size),
    }
}
