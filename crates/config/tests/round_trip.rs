//! What is saved is what is loaded, for any valid settings.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use r3mes_aggregate::Method;
use r3mes_config::{
    AccountSettings, AggregationSettings, ByteSize, DataDir, Decimal, IpfsMode, IpfsSettings, LimitSettings,
    LocalnetSeed, NetworkProfile, PayoutRule, PayoutSettings, Policy, Profile, QualitySettings, RawSettings,
    RoundSettings, Settings, SubmissionSettings, SubmissionStrategy, VerificationSettings, WeightSource,
};
use url::Url;

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9\"'\\\\#=\\[\\]._é-]{1,20}"
}

fn denom() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9/:._-]{2,20}"
}

fn url() -> impl Strategy<Value = Url> {
    "https?://[a-z]{1,10}(\\.[a-z]{2,5})?(:[1-9][0-9]{3})?(/[a-z0-9,%=?]{0,8}){0,2}"
        .prop_filter_map("a URL", |text| Url::parse(&text).ok())
}

fn urls() -> impl Strategy<Value = Vec<Url>> {
    prop::collection::vec(url(), 1..4).prop_map(|mut urls| {
        urls.sort();
        urls.dedup();
        urls
    })
}

fn duration() -> impl Strategy<Value = Duration> {
    (0u64..400 * 86_400, 0u32..1_000_000_000)
        .prop_map(|(s, ns)| Duration::new(s, ns) + Duration::from_millis(1))
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (0..u64::MAX, 0u32..=18).prop_map(|(number, scale)| Decimal::new(number.into(), scale))
}

fn factor() -> impl Strategy<Value = Decimal> {
    (1_000u32..9_999_999).prop_map(|thousandths| Decimal::new(thousandths.into(), 3))
}

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![1.0001..1e6, Just(f64::MAX), Just(2.0)]
}

fn profile() -> impl Strategy<Value = NetworkProfile> {
    let names = (name(), name(), "[a-z0-9]{1,32}", denom(), denom(), denom());
    let chain = (urls(), url(), decimal(), factor(), duration(), any::<u128>());
    let numbers = (0u32..1 << 31, 0u8..=30, 1..u64::MAX / 2, 1..u64::MAX / 2);
    let extra = (option::of(url()), option::of(url()), option::of(url()), option::of(name()));
    (names, chain, numbers, extra).prop_map(|(names, chain, numbers, extra)| NetworkProfile {
        name: names.0,
        chain_id: names.1,
        bech32_prefix: names.2,
        reward_denom: names.3,
        stake_denom: names.4,
        fee_denom: names.5,
        rpc: chain.0,
        ipfs_api: chain.1,
        gas_price: chain.2,
        gas_adjustment: chain.3,
        block_time: chain.4,
        minimum_stake: chain.5,
        coin_type: numbers.0,
        reward_display_exponent: numbers.1,
        reveal_window_blocks: numbers.2,
        challenge_period_blocks: numbers.3,
        dashboard_url: extra.0,
        explorer_url: extra.1,
        admin_url: extra.2,
        localnet: extra.3.map(LocalnetSeed),
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Exclude), Just(Policy::Report)]
}

fn aggregation() -> impl Strategy<Value = AggregationSettings> {
    let bare = |method: &str| AggregationSettings { method: method.parse().unwrap(), ..Default::default() };
    let method = prop::sample::select(Method::NAMES.to_vec());
    prop_oneof![
        method.prop_map(bare),
        (0.0..0.4999).prop_map(move |ratio: f64| AggregationSettings {
            trim: Some(ratio),
            ..bare(&format!("trimmed-mean(ratio={ratio})"))
        }),
        (0.0..0.4999).prop_map(move |ratio: f64| bare(&format!("trimmed-mean(ratio={ratio})"))),
        Just(AggregationSettings { f: Some(1), ..bare("trimmed-mean(f=1)") }),
        prop::sample::select(vec![WeightSource::Samples, WeightSource::Reputation, WeightSource::Combined])
            .prop_map(move |weights| AggregationSettings {
                weights: Some(weights),
                ..bare("weighted-median")
            }),
        (1.0..1e6).prop_map(move |cap: f64| AggregationSettings {
            fedavg_cap: Some(cap),
            trim: Some(0.1),
            ..bare(&format!("fedavg(cap={cap})"))
        }),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let network = prop_oneof![
        profile().prop_map(|network| (None, network)),
        Just((Some(Profile::default()), NetworkProfile::default())),
        profile().prop_map(|mut network| {
            let base = Profile::builtin("remes-test").unwrap();
            network.gas_price = base.values().gas_price;
            (Some(base), network)
        }),
    ];
    let round =
        (3u32..9, 0u32..u32::MAX - 9, duration(), duration()).prop_map(|(minimum, more, wait, interval)| {
            RoundSettings {
                quorum: minimum + more,
                minimum_participants: minimum,
                maximum_wait: wait,
                minimum_interval: interval,
            }
        });
    let verification = prop::array::uniform8(policy()).prop_map(|p| VerificationSettings {
        source: p[0],
        registration: p[1],
        gradient_hash: p[2],
        claimed_loss: p[3],
        duplicate: p[4],
        norm: p[5],
        zeros: p[6],
        trust_score: p[7],
    });
    let share = || option::of(0.0..=1.0);
    let quality = (option::of(positive()), option::of(positive()), share(), share()).prop_map(
        |(max_norm, max_norm_ratio, max_zero_share, min_trust_score)| QualitySettings {
            max_norm,
            max_norm_ratio,
            max_zero_share,
            min_trust_score,
        },
    );
    let limits =
        (1..1u64 << 40, 1..u32::MAX, duration(), 0..1u64 << 50).prop_map(|(size, fetches, timeout, more)| {
            LimitSettings {
                max_gradient: ByteSize::bytes(size),
                parallel_fetches: fetches,
                fetch_timeout: timeout,
                spool_quota: ByteSize::bytes(size + more),
                ipfs_quota: ByteSize::bytes(size),
                keep_gradients: timeout,
                keep_aggregates: timeout * 2,
            }
        });
    let payout = (option::of("[a-z0-9]{38}"), option::of(any::<u128>()), 1..u128::MAX, duration());
    let multiaddress = || "/ip4/10\\.0\\.0\\.[1-9]/tcp/4001/p2p/12D3[A-Za-z]{1,9}";
    let peers = || prop::collection::vec(multiaddress(), 0..3);
    let bootstrap = prop_oneof![Just(vec![IpfsSettings::PUBLIC.to_owned()]), peers()];
    let mode = prop::sample::select(vec![IpfsMode::External, IpfsMode::Managed, IpfsMode::Auto]);
    let program = option::of("[a-z/ ]{0,9}[a-z]".prop_map(PathBuf::from));
    let gateways = prop_oneof![Just(Vec::new()), urls()];
    let listen = prop::collection::vec(any::<std::net::IpAddr>(), 0..3);
    let ipfs = (mode, program, gateways, listen, option::of(1u16..), bootstrap, peers()).prop_map(
        |(mode, kubo_binary, gateways, listen, swarm_port, bootstrap, peers)| IpfsSettings {
            mode,
            kubo_binary,
            gateways,
            listen,
            swarm_port,
            bootstrap,
            peers,
        },
    );
    let limits = (limits, ipfs);
    let strategy = prop_oneof![Just(SubmissionStrategy::CommitReveal), Just(SubmissionStrategy::Direct)];
    let rest = (option::of("[a-z][a-z0-9-]{0,9}"), (option::of(any::<u128>()), strategy), payout);
    (network, aggregation(), round, verification, quality, limits, rest).prop_map(
        |(
            (profile, network),
            aggregation,
            round,
            verification,
            quality,
            (limits, ipfs),
            (key, (max_fee, strategy), payout),
        )| {
            Settings {
                profile,
                payout: payout_settings(payout, &network),
                network,
                account: AccountSettings { key },
                aggregation,
                round,
                verification,
                quality,
                ipfs,
                limits,
                submission: SubmissionSettings { strategy, max_fee },
            }
        },
    )
}

/// The rule needs an address, and the address is one of the network.
fn payout_settings(
    (address, reserve, threshold, interval): (Option<String>, Option<u128>, u128, Duration),
    network: &NetworkProfile,
) -> PayoutSettings {
    let rule = if address.is_some() { PayoutRule::AboveReserve } else { PayoutRule::Off };
    let address = address.map(|address| format!("{}1{address}", network.bech32_prefix));
    PayoutSettings { address, reserve, rule, threshold, interval: interval + Duration::from_secs(1) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settings_survive_a_save(settings in settings()) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        settings.save(&data).unwrap();
        prop_assert_eq!(Settings::load(&data).unwrap(), settings);
    }

    #[test]
    fn settings_survive_a_save_over_others(before in settings(), after in settings()) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        before.save(&data).unwrap();
        after.save(&data).unwrap();
        prop_assert_eq!(Settings::load(&data).unwrap(), after);
    }

    #[test]
    fn profiles_survive_a_save(profile in profile()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        profile.save(&path).unwrap();
        prop_assert_eq!(NetworkProfile::load(&path).unwrap(), profile);
    }

    #[test]
    fn decimals_are_exact(number in any::<u64>(), scale in 0u32..=18, gas in any::<u32>()) {
        let decimal = Decimal::new(number.into(), scale);
        prop_assert_eq!(decimal.to_string().parse::<Decimal>().unwrap(), decimal);
        let exact = u128::from(number) * u128::from(gas);
        prop_assert_eq!(decimal.mul_ceil(gas.into()), Some(exact.div_ceil(10u128.pow(scale))));
    }

    #[test]
    fn no_text_makes_validation_panic(text in "(version = 1\n)?([a-z_.\\[\\]=\" 0-9\n-]{0,80})") {
        if let Ok(raw) = RawSettings::parse(text) {
            let _ = raw.validate(&DataDir::new("nowhere"));
        }
    }
}
