//! The way of a newcomer on a local network, by the real program: a key of its own, a request that an
//! administrator verifies, the grant, the registration, a suspension and a slash; the status follows each
//! within two blocks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::fs;

use r3mes_tests::{Running, proposer, run, run_json};
use serde_json::Value;

const PASSPHRASE: [(&str, &str); 1] = [("R3MES_PASSPHRASE", "a passphrase for tests")];

struct Newcomer {
    folder: tempfile::TempDir,
    address: String,
    _network: Running,
}

impl Newcomer {
    fn new() -> Newcomer {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let profile = path("localnet.toml");
        let arguments =
            ["localnet", "--miners", "3", "--byzantine", "0", "--block-ms", "500", "--profile", &profile];
        let mut network = Running::start(&arguments, &[]);
        network.wait_for("the network is ready", |line| line["event"] == "ready");
        let home = path("home");
        let add = ["keys", "add", "main", "--store", "file", "--network", &profile, "--home", &home];
        let key = run_json(&add, &PASSPHRASE).remove(0);
        let address = key["key"]["address"].as_str().unwrap().to_owned();
        Newcomer { folder, address, _network: network }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let home = self.path("home");
        run_json(&[arguments, &["--home", &home, "--from", "main"]].concat(), &PASSPHRASE).remove(0)
    }

    /// Runs a command that must fail, and reads the JSON object of its error.
    fn fails(&self, arguments: &[&str]) -> Value {
        let ended = std::process::Command::new(proposer())
            .args(arguments)
            .args(["--home", &self.path("home"), "--from", "main", "--json"])
            .envs(PASSPHRASE)
            .output()
            .unwrap();
        assert!(!ended.status.success(), "{arguments:?} went well");
        serde_json::from_slice(&ended.stderr).expect("an error is one JSON object")
    }

    fn administer(&self, arguments: &[&str]) {
        let network = self.path("localnet.toml");
        let (operation, rest) = arguments.split_first().unwrap();
        run_json(&[&["localnet", operation, &self.address], rest, &["--network", &network]].concat(), &[]);
    }
}

fn height(value: &Value) -> i64 {
    value["height"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_newcomer_is_followed_from_the_request_to_a_slash() {
    let newcomer = Newcomer::new();
    assert_eq!(newcomer.json(&["authorization", "status"])["state"], "not-requested");
    assert_eq!(newcomer.fails(&["start"])["code"], "standing");

    let file = newcomer.path("request.json");
    let contact = ["--contact", "ops@example.org", "--statement", "eight cores, and patience"];
    newcomer.json(&[&["authorization", "request", "--output", &file][..], &contact].concat());
    let status = newcomer.json(&["authorization", "status"]);
    assert_eq!(status["state"], "requested");
    assert!(status["told"].as_str().unwrap().starts_with("requested on 20"), "{status}");

    // The administrator's own folder knows the network and nothing of the newcomer.
    let profile = newcomer.path("localnet.toml");
    let admin = newcomer.path("administrator");
    let verify = |file: &str| {
        run(&["authorization", "verify", file, "--network", &profile, "--home", &admin, "--json"])
    };
    let verified = verify(&file);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["request"]["address"], newcomer.address.as_str());
    let mut changed = fs::read(&file).unwrap();
    let at = changed.windows(3).position(|three| three == b"ops").unwrap();
    changed[at] = b'O';
    let forged = newcomer.path("forged.json");
    fs::write(&forged, changed).unwrap();
    let refused = verify(&forged);
    assert_eq!(refused.status.code(), Some(1));
    let refused: Value = serde_json::from_slice(&refused.stderr).unwrap();
    assert_eq!(refused["code"], "invalid");
    assert!(refused["message"].as_str().unwrap().contains("signature: "), "{refused}");

    // Each refusal says what to do.
    let refused = newcomer.fails(&["register", "--yes"]);
    assert_eq!(refused["code"], "standing", "{refused}");

    let home = newcomer.path("home");
    let watch = ["authorization", "status", "--watch", "--home", &home, "--from", "main"];
    let mut watch = Running::start(&watch, &PASSPHRASE);
    assert_eq!(watch.next_line().unwrap()["state"], "requested");
    // A line must tell the change, no later than two blocks after it.
    let mut follows = |state: &str, change: &dyn Fn()| {
        let before = height(&newcomer.json(&["authorization", "status"]));
        change();
        let after = height(&newcomer.json(&["authorization", "status"]));
        let told = watch.wait_for(state, |line| line["state"] == state);
        let seen = height(&told);
        assert!(
            (before..=after + 2).contains(&seen),
            "{state} at block {seen}, changed in {before}..={after}"
        );
    };
    follows("authorized", &|| newcomer.administer(&["grant"]));
    let refused = newcomer.fails(&["register", "--yes"]);
    assert_eq!(refused["code"], "insufficient-funds", "{refused}");
    assert!(refused["remedy"].as_str().unwrap().contains("50000remes"), "{refused}");
    newcomer.administer(&["fund"]);
    let preview = newcomer.json(&["register", "--dry-run"]);
    assert!(preview["refusal"].is_null(), "{preview}");
    let low = newcomer.json(&["register", "--dry-run", "--stake", "49999"]);
    assert_eq!(low["refusal"]["code"], "insufficient-stake", "{low}");
    follows("registered", &|| {
        let registered = newcomer.json(&["register", "--yes"]);
        assert_eq!(registered["registration"]["stake"], "50000remes", "{registered}");
        assert_eq!(registered["registration"]["resources"], preview["resources"], "{registered}");
        let fee = |of: &Value| of["fee"][0]["amount"].as_str().unwrap().parse::<i64>().unwrap();
        // A height or a sequence that is a digit longer costs a byte's gas.
        let (previewed, paid) = (fee(&preview), fee(&registered));
        assert!((previewed - paid).abs() <= previewed / 100, "{previewed} was previewed, {paid} paid");
    });
    assert_eq!(newcomer.json(&["register", "--yes"])["already"], true);
    let updated = newcomer.json(&["register", "--update", "--yes"]);
    assert_eq!(updated["registration"]["status"], "active", "{updated}");

    follows("suspended", &|| newcomer.administer(&["suspend"]));
    assert_eq!(newcomer.fails(&["start"])["code"], "standing");
    follows("registered", &|| newcomer.administer(&["reinstate"]));
    follows("slashed", &|| newcomer.administer(&["slash", "--amount", "1234"]));
    let status = newcomer.json(&["authorization", "status"]);
    assert_eq!(status["registration"]["slashing_events"], 1, "{status}");

    let lines = run_json(&["earnings", "--home", &home, "--from", "main"], &PASSPHRASE);
    let (report, lines) = lines.split_last().unwrap();
    assert_eq!(report["books"]["agrees"], true, "{report}");
    let slashes: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "slash").collect();
    assert_eq!(slashes.len(), 1, "{lines:?}");
    assert_eq!(slashes[0]["amount"], "1234");

    // With its own key it starts and earns.
    let mut engine = Running::start(
        &["start", "--home", &home, "--from", "main", "--set", "round.quorum=3", "--rounds", "1"],
        &PASSPHRASE,
    );
    engine.wait_for("a reward", |line| line["event"] == "reward-booked");
    assert!(engine.wait().success());
}
