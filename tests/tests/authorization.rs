//! The way of a newcomer on a local network, by the real program: a key of its own, a request that an
//! administrator verifies, the grant, the registration, a suspension and a slash; the status follows each
//! within two blocks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::fs;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
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

#[test]
fn an_administrators_address_takes_the_request_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (profile, home, admin) = (path("network.toml"), path("home"), path("administrator"));
    r3mes_config::NetworkProfile::default().save(profile.as_ref()).unwrap();
    let add = ["keys", "add", "main", "--store", "file", "--network", &profile, "--home", &home];
    let address = run_json(&add, &PASSPHRASE).remove(0)["key"]["address"].as_str().unwrap().to_owned();
    let request = |url: &str| {
        std::process::Command::new(proposer())
            .args(["authorization", "request", "--contact", "ops@example.org", "--send", "--json"])
            .args(["--home", &home, "--from", "main", "--set", &format!("network.admin_url={url}")])
            .envs(PASSPHRASE)
            .output()
            .unwrap()
    };
    let refused = |url: &str| -> (String, String) {
        let ended = request(url);
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let error: Value = serde_json::from_slice(&ended.stderr).expect("an error is one JSON object");
        assert_eq!(error["code"], "network", "{error}");
        let remedy = error["remedy"].as_str().unwrap().to_owned();
        assert!(remedy.contains("authorization-request.json to an administrator"), "{remedy}");
        (error["message"].as_str().unwrap().to_owned(), remedy)
    };

    let receiver = Receiver::start();
    let ended = request(&receiver.url("requests"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&told["sent"]["status"], &told["sent"]["answer"]), (&202.into(), &"noted".into()));
    let received = path("received.json");
    fs::write(&received, receiver.taken()).unwrap();
    let verify = ["authorization", "verify", &received, "--network", &profile, "--home", &admin];
    assert_eq!(run_json(&verify, &[]).remove(0)["request"]["address"], address.as_str());

    let (message, remedy) = refused(&receiver.url("broken"));
    assert!(message.contains("it answered 500 Internal Server Error: the desk is closed"), "{message}");
    assert!(remedy.starts_with("try again later, or "), "{remedy}");
    let (message, remedy) = refused(&receiver.url("elsewhere"));
    assert!(message.contains("it answered 404 Not Found"), "{message}");
    assert!(remedy.contains("check network.admin_url"), "{remedy}");
    let gone = receiver.url("requests");
    drop(receiver);
    let (message, remedy) = refused(&gone);
    assert!(message.contains(&gone) && message.to_lowercase().contains("connection refused"), "{message}");
    assert!(remedy.contains("check network.admin_url"), "{remedy}");
}

/// Where an administrator takes requests: it keeps the last one. Dropped, it is gone.
struct Receiver {
    address: std::net::SocketAddr,
    taken: Arc<Mutex<String>>,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    fn start() -> Receiver {
        let taken = Arc::new(Mutex::new(String::new()));
        let kept = taken.clone();
        let take = async move |document: String| {
            *kept.lock().unwrap() = document;
            (StatusCode::ACCEPTED, "noted")
        };
        let broken = async || (StatusCode::INTERNAL_SERVER_ERROR, "the desk is closed");
        let router = Router::new().route("/requests", post(take)).route("/broken", post(broken));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Receiver { address, taken, _runtime: runtime }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn taken(&self) -> String {
        self.taken.lock().unwrap().clone()
    }
}
