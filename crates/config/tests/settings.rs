//! Settings as an operator meets them: files, single keys, and what is said about slips.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use r3mes_aggregate::{Method, Tolerance};
use r3mes_config::{
    Check, ConfigError, DataDir, Decimal, LocalnetSeed, NetworkProfile, Policy, Profile, RawSettings,
    Settings,
};

fn folder() -> (tempfile::TempDir, DataDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    (folder, data)
}

fn problems(text: &str) -> Vec<String> {
    let (_folder, data) = folder();
    let problems = RawSettings::parse(text).unwrap().validate(&data).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

fn valid(text: &str) -> Settings {
    RawSettings::parse(text).unwrap().validate(&DataDir::new("nowhere")).unwrap()
}

#[test]
fn the_commented_default_file_says_the_defaults_and_every_key() {
    let text = Settings::default().to_text();
    assert_eq!(valid(&text), Settings::default());
    assert_eq!(valid("version = 1"), Settings::default());
    for key in Settings::keys() {
        let name = key.name();
        let last = name.rsplit('.').next().unwrap();
        let stands = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{last} = "));
        assert!(text.lines().any(stands), "{name} is not in the default file:\n{text}");
        assert!(text.contains(key.about), "{name} is not explained in the default file");
    }
}

#[test]
fn every_example_in_the_default_file_is_valid() {
    // A file with each commented-out key in force: what stands behind a # must not mislead.
    let text = Settings::default().to_text();
    let mut uncommented = String::new();
    for line in text.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_key = bare.split_once(" = ").is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        // `f` stands instead of `trim`, not beside it.
        if (is_key && !bare.starts_with("f = ")) || bare.starts_with('[') {
            uncommented.push_str(bare);
            uncommented.push('\n');
        }
    }
    let settings = valid(&uncommented);
    assert_eq!(settings.network.localnet, Some(LocalnetSeed("7".into())));
    assert_eq!(settings.aggregation.trim, Some(0.2));
    assert_eq!(settings.submission.max_fee, Some(20_000));
}

#[test]
fn all_problems_are_told_at_once_each_with_its_line() {
    let text = r#"version = 1

[network]
profile = "remes-1"
rpc = ["ftp://example.org", "http://127.0.0.1"]
coin_type = "abc"
gas_price = "0,025"
fee_denum = "stake"

[aggregation]
method = "mean"

[round]
quorum = 0
maximum_wait = 300
minimum_interval = "1 fortnight"

[verification]
gradient_hash = "ignore"

[limits]
max_gradient = "100 Mo"

[submission]
strategy = "at once"
max_fee = -1
"#;
    assert_eq!(
        problems(text),
        [
            "line 5: network.rpc: must be an http or https URL, is \"ftp://example.org\"",
            "line 6: network.coin_type: must be a whole number, is \"abc\"",
            "line 7: network.gas_price: must be a decimal number such as 0.025, is \"0,025\"",
            "line 8: network.fee_denum: is not a key, did you mean network.fee_denom?",
            "line 11: aggregation.method: unknown method \"mean\", expected one of average, weighted-average, \
             fedavg, median, trimmed-mean"
                .replace("average, weighted-average, fedavg, median, trimmed-mean", &Method::NAMES.join(", "))
                .as_str(),
            "line 14: round.quorum: must be at least 1, is 0",
            "line 15: round.maximum_wait: must be a length of time such as \"30s\" or \"5m\", is 300",
            "line 16: round.minimum_interval: must be a length of time such as \"30s\" or \"5m\", is \"1 fortnight\"",
            "line 19: verification.gradient_hash: must be \"exclude\" or \"report\", is \"ignore\"",
            "line 22: limits.max_gradient: must be a size such as \"100 MiB\", is \"100 Mo\"",
            "line 25: submission.strategy: must be \"commit-reveal\" or \"direct\", is \"at once\"",
            "line 26: submission.max_fee: must be a whole amount of at least 0, is -1",
        ]
    );
}

#[test]
fn rules_between_keys_name_the_key_to_change() {
    assert_eq!(
        problems("version = 1\nround.quorum = 2"),
        ["line 2: round.quorum: must be at least round.minimum_participants, 3, is 2"]
    );
    assert_eq!(
        problems(
            "version = 1\naggregation = { method = \"trimmed-mean\", f = 2 }\nround.minimum_participants = 4"
        ),
        ["line 3: round.minimum_participants: must be more than 4, twice aggregation.f, is 4"]
    );
    assert_eq!(
        problems("version = 1\naggregation = { trim = 0.1, f = 2 }"),
        ["line 2: aggregation.f: must not stand beside aggregation.trim"]
    );
    assert_eq!(
        problems("version = 1\naggregation = { method = \"trimmed-mean(f=1)\", trim = 0.1 }"),
        ["line 2: aggregation.method: must be trimmed-mean alone beside aggregation.trim, f or fedavg_cap, \
          is trimmed-mean(f=1)"]
    );
    assert_eq!(
        problems("version = 1\nlimits.spool_quota = \"1 MiB\""),
        ["line 2: limits.spool_quota: must be at least limits.max_gradient, 100 MiB, is 1 MiB"]
    );
}

#[test]
fn the_method_carries_its_parameters() {
    let method = |text: &str| valid(&format!("version = 1\n[aggregation]\n{text}")).aggregation.method;
    assert_eq!(method("method = \"median\"\ntrim = 0.1"), Method::Median);
    assert_eq!(
        method("method = \"trimmed-mean\"\ntrim = 0.1"),
        Method::TrimmedMean { trim: Tolerance::Ratio(0.1) }
    );
    assert_eq!(method("method = \"trimmed-mean\"\nf = 1"), Method::TrimmedMean { trim: Tolerance::Count(1) });
    assert_eq!(method("method = \"trimmed-mean(f=1)\""), Method::TrimmedMean { trim: Tolerance::Count(1) });
    assert_eq!(method("method = \"fedavg\"\nfedavg_cap = 5"), Method::FedAvg { cap: 5.0 });
}

#[test]
fn the_network_is_a_name_a_path_or_a_table() {
    let (_folder, data) = folder();
    let read = |text: &str| {
        let raw = RawSettings::parse(format!("version = 1\n{text}")).unwrap();
        raw.validate(&data).map_err(|problems| problems.to_string())
    };
    assert_eq!(read("network = \"remes-test\"").unwrap().network.chain_id, "remes-test");

    let mine =
        NetworkProfile { chain_id: "mine-1".into(), gas_price: Decimal::new(7, 2), ..Default::default() };
    mine.save(&data.networks().join("mine.toml")).unwrap();
    for name in ["mine", "networks/mine.toml"] {
        let settings = read(&format!("[network]\nprofile = \"{name}\"\ncoin_type = 118")).unwrap();
        assert_eq!(settings.network, NetworkProfile { coin_type: 118, ..mine.clone() });
        assert_eq!(settings.profile.unwrap().values(), &mine);
    }

    let whole = read("[network]\nchain_id = \"x-1\"\nrpc = [\"http://127.0.0.1:1\"]").unwrap();
    assert_eq!((whole.profile, whole.network.chain_id.as_str()), (None, "x-1"));
    assert_eq!(
        read("[network]\ncoin_type = 118").unwrap_err(),
        "network.chain_id: is missing; network.rpc: is missing"
    );
    assert_eq!(
        read("network = \"remes-2\"").unwrap_err(),
        "line 2: network: names no profile: \"remes-2\" is neither one of remes-1, remes-test, remes-mainnet-1 \
         nor a file in the data folder"
    );
    for outside in ["/etc/mine.toml", "../mine.toml", "C:\\\\mine.toml"] {
        let error = read(&format!("network = \"{outside}\"")).unwrap_err();
        assert!(error.contains("must be a name or a path inside the data folder"), "{error}");
    }
    assert!(read("network.rpc = []\nnetwork.chain_id = \"x\"").unwrap_err().contains("at least one URL"));
}

#[test]
fn a_broken_profile_is_told_with_its_file_and_line() {
    let (_folder, data) = folder();
    fs::create_dir_all(data.networks()).unwrap();
    fs::write(
        data.networks().join("odd.toml"),
        "version = 1\nchain_id = \"odd-1\"\nrpc = [\"http://127.0.0.1:1\"]\nbech32_prefix = \"Remes\"\n",
    )
    .unwrap();
    let raw = RawSettings::parse("version = 1\nnetwork = \"odd\"").unwrap();
    let text = raw.validate(&data).unwrap_err().to_string();
    assert!(
        text.starts_with("line 2: network: names a profile that cannot be used, failed to use "),
        "{text}"
    );
    assert!(
        text.ends_with(
            "odd.toml: line 4: bech32_prefix: must be up to 32 lower-case letters or digits, is \"Remes\""
        ),
        "{text}"
    );
}

#[test]
fn what_does_not_parse_is_reported_and_never_overwritten() {
    let (_folder, data) = folder();
    let broken = "version = 1\n[round]\nquorum = = 3 # my work of hours\n";
    fs::write(data.settings(), broken).unwrap();
    let error = Settings::load(&data).unwrap_err().to_string();
    assert!(error.starts_with("parse ") && error.contains("settings.toml: line 3, column 10: "), "{error}");
    for error in [
        Settings::default().save(&data).unwrap_err(),
        RawSettings::parse("version = 1").unwrap().save(&data).unwrap_err(),
        NetworkProfile::default().save(&data.settings()).unwrap_err(),
    ] {
        assert!(matches!(error, ConfigError::Syntax { .. }), "{error}");
    }
    assert_eq!(fs::read_to_string(data.settings()).unwrap(), broken);
}

#[test]
fn invalid_settings_are_not_written() {
    let (_folder, data) = folder();
    Settings::default().save(&data).unwrap();
    let before = fs::read_to_string(data.settings()).unwrap();
    let mut raw = RawSettings::load(&data).unwrap();
    raw.set("round.quorum", "0").unwrap();
    let error = raw.save(&data).unwrap_err().to_string();
    assert!(error.ends_with("round.quorum: must be at least 1, is 0"), "{error}");
    let wrong = Settings {
        round: r3mes_config::RoundSettings { quorum: 1, ..Default::default() },
        ..Default::default()
    };
    assert!(matches!(wrong.save(&data).unwrap_err(), ConfigError::Invalid { .. }));
    assert_eq!(fs::read_to_string(data.settings()).unwrap(), before);
}

#[test]
fn setting_a_key_leaves_comments_and_the_rest_alone() {
    let (_folder, data) = folder();
    let text = "version = 1\nnetwork = \"remes-1\" # home\n\n[round]\n# ten of us\nquorum = 10 # all\n";
    let mut raw = RawSettings::parse(text).unwrap();
    raw.set("round.quorum", "12").unwrap();
    raw.set("round.maximum_wait", "90s").unwrap();
    raw.set("network.rpc", "http://127.0.0.1:1, http://127.0.0.1:2").unwrap();
    raw.set("quality.max_norm", "3.5").unwrap();
    raw.set("submission.max_fee", "340282366920938463463374607431768211455").unwrap();
    let settings = raw.save(&data).unwrap();
    let saved = fs::read_to_string(data.settings()).unwrap();
    assert!(saved.contains("# ten of us\nquorum = 12 # all\n"), "{saved}");
    assert_eq!(settings, Settings::load(&data).unwrap());
    assert_eq!(settings.profile, Some(Profile::default()));
    assert_eq!(settings.network.rpc.len(), 2);
    assert_eq!(settings.round.maximum_wait, Duration::from_secs(90));
    assert_eq!(settings.get("round.maximum_wait").unwrap().unwrap(), "1m 30s");
    assert_eq!(settings.get("network.rpc").unwrap().unwrap(), "http://127.0.0.1:1/,http://127.0.0.1:2/");
    assert_eq!(settings.submission.max_fee, Some(u128::MAX));
    assert_eq!(settings.quality.max_norm, Some(3.5));

    raw.set("quality.max_norm", "").unwrap();
    assert_eq!(raw.validate(&data).unwrap().get("quality.max_norm").unwrap(), None);
    assert_eq!(
        raw.set("round.quorom", "1").unwrap_err().to_string(),
        "find key round.quorom: there is none, did you mean round.quorum?"
    );
    assert_eq!(
        raw.set("limits.quorum", "1").unwrap_err().to_string(),
        "find key limits.quorum: there is none, did you mean round.quorum?"
    );
    assert_eq!(
        raw.set("round.quorum", "many").unwrap_err().to_string(),
        "set round.quorum: must be a whole number, is \"many\""
    );
    assert_eq!(Settings::default().get("xyzzy").unwrap_err().to_string(), "find key xyzzy: there is none");
}

#[test]
fn every_key_can_be_got_and_set_to_what_was_got() {
    let (_folder, data) = folder();
    let settings = Settings::default();
    let mut raw = RawSettings::parse("version = 1").unwrap();
    for key in Settings::keys() {
        if let Some(text) = settings.get(&key.name()).unwrap() {
            raw.set(&key.name(), &text).unwrap();
        }
    }
    assert_eq!(raw.validate(&data).unwrap(), settings);
}

#[test]
fn saving_writes_only_what_changed_and_keeps_comments() {
    let (_folder, data) = folder();
    fs::write(data.settings(), "version = 1\n# quiet here\nround.quorum = 4\n").unwrap();
    let mut settings = Settings::load(&data).unwrap();
    settings.round.quorum = 5;
    settings.verification.registration = Policy::Exclude;
    settings.network.fee_denom = "remes".into();
    settings.save(&data).unwrap();
    assert_eq!(Settings::load(&data).unwrap(), settings);
    let text = fs::read_to_string(data.settings()).unwrap();
    assert!(text.contains("# quiet here\nround.quorum = 5\n"), "{text}");
    assert!(!text.contains("maximum_wait"), "{text}");
}

#[test]
fn unknown_sections_and_misplaced_values() {
    assert_eq!(
        problems("version = 1\nround = 3\n[agregation]\nmethod = \"median\"\n[nothing]\n"),
        [
            "line 2: round: must be a section, [round], is a value",
            "line 4: agregation.method: is not a key, did you mean aggregation.method?",
            "line 5: nothing: is not a key",
        ]
    );
    assert_eq!(valid("version = 1\n[round]\n"), Settings::default());
}

#[test]
fn versions_that_we_do_not_know() {
    assert_eq!(problems("round.quorum = 0"), ["version: is missing, must be 1"]);
    assert_eq!(
        problems("version = 2\nround.quorum = 0"),
        ["line 1: version: must be at most 1, is 2: written by a newer release"]
    );
    assert_eq!(problems("version = 0"), ["line 1: version: must be at least 1, is 0"]);
    assert_eq!(problems("version = \"1\""), ["line 1: version: must be a whole number"]);
}

/// Every version of a stored format has its file here, written by the release that had it, and reads
/// today as what it meant then.
#[test]
fn stored_formats_of_every_version_are_read() {
    let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let current: usize = Settings::default()
        .to_text()
        .lines()
        .find_map(|line| line.strip_prefix("version = "))
        .unwrap()
        .parse()
        .unwrap();
    for version in 1..=current {
        let text = fs::read_to_string(formats.join(format!("settings-v{version}.toml"))).unwrap();
        let settings = valid(&text);
        assert_eq!(settings.network.chain_id, "remes-test", "version {version}");
        assert_eq!(settings.network.localnet, Some(LocalnetSeed("forty-two".into())), "version {version}");
        assert_eq!(settings.aggregation.method.to_string(), "trimmed-mean(ratio=0.25)", "version {version}");
        assert_eq!(settings.round.maximum_wait, Duration::from_secs(3690), "version {version}");
        assert_eq!(settings.verification.policy(Check::Registration), Policy::Exclude, "version {version}");
        assert_eq!(settings.quality.max_norm_ratio, Some(8.0), "version {version}");
        assert_eq!(settings.limits.max_gradient.get(), 50 << 20, "version {version}");
        assert_eq!(settings.submission.max_fee, Some(12_345), "version {version}");
    }
    let profile = NetworkProfile::load(&formats.join("network-v1.toml")).unwrap();
    assert_eq!(profile.bech32_prefix, "cosmos");
    assert_eq!(profile.derivation_path(), "m/44'/118'/0'/0/0");
    assert_eq!(profile.fee(200_000), Some(5_001));
}

#[test]
fn what_cannot_be_aggregated_is_excluded_whatever_the_settings_say() {
    let lenient = Settings::default().verification;
    for check in Check::ALL {
        if check.is_fatal() {
            assert_eq!(lenient.policy(check), Policy::Exclude, "{check}");
        }
    }
    assert_eq!(lenient.policy(Check::GradientHash), Policy::Report);
    assert_eq!(lenient.policy(Check::Registration), Policy::Report);
}

#[test]
fn a_missing_file_is_its_own_error() {
    let (_folder, data) = folder();
    assert!(matches!(Settings::load(&data), Err(ConfigError::Missing { .. })));
}

#[cfg(unix)]
#[test]
fn nothing_is_left_beside_the_settings() {
    let (folder, data) = folder();
    Settings::default().save(&data).unwrap();
    Settings::default().save(&data).unwrap();
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["settings.toml"]);
}
