//! Setting the proposer up: prompts answered through a pipe, `--set` without prompts, and what is named
//! really reached.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use r3mes_tests::{Running, proposer, run};
use serde_json::Value;

/// Runs `configure` with answers on standard input.
fn answered(arguments: &[&str], answers: &str) -> Output {
    let mut child = Command::new(proposer())
        .arg("configure")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn prompts_are_answered_through_a_pipe_and_wrong_answers_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home").to_str().unwrap().to_owned();
    // RPC, IPFS: kept. Method: a wrong one, then another. Trim: too much, then a fifth. The input ends.
    let answers = "\n\nmedain\ntrimmed-mean\n0.7\n0.2\n";
    let ended = answered(&["--home", &home, "--no-check"], answers);
    let asked = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{asked}");
    assert_eq!(asked.matches("not taken: ").count(), 2, "{asked}");
    assert!(asked.contains("aggregation.method [arc+caf]: "), "the value as it stands is shown: {asked}");
    assert!(asked.contains("aggregation.trim: must be from 0 up to but not including 0.5"), "{asked}");
    let written = std::fs::read_to_string(format!("{home}/settings.toml")).unwrap();
    assert!(written.contains("\nmethod = \"trimmed-mean\"") && written.contains("\ntrim = 0.2"), "{written}");

    // A later run shows what stands, and `-` leaves an optional key out.
    let again = answered(&["--home", &home, "--no-check"], "\n\nmedian\n-\n");
    let asked = String::from_utf8(again.stderr).unwrap();
    assert!(asked.contains("aggregation.method [trimmed-mean]: "), "{asked}");
    let written = std::fs::read_to_string(format!("{home}/settings.toml")).unwrap();
    assert!(written.contains("\nmethod = \"median\"") && !written.contains("\ntrim = "), "{written}");
}

#[test]
fn what_is_named_is_reached_and_what_is_not_has_an_exit_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (profile, home) = (path("localnet.toml"), path("home"));
    let network = ["localnet", "--miners", "1", "--byzantine", "0", "--profile", &profile];
    let mut network = Running::start(&network, &[]);
    let ready = network.wait_for("the network is ready", |line| line["event"] == "ready");
    let rpc = ready["rpc_url"].as_str().unwrap();

    let set = |value: &str| {
        let rpc = format!("network.rpc={value}");
        let places = ["--network", &profile, "--home", &home, "--json"];
        run(&[&["configure", "--set", &rpc][..], &places].concat())
    };
    // A port of ours that nobody listens on any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = set(&format!("{rpc},http://{closed}"));
    assert!(ended.status.success(), "one endpoint is enough: {}", String::from_utf8_lossy(&ended.stderr));
    let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let endpoints = told["reach"]["endpoints"].as_array().unwrap();
    assert_eq!(endpoints[0]["chain_id"], ready["chain_id"], "{told}");
    assert_eq!(endpoints[0]["lag_blocks"], 0, "{told}");
    assert!(endpoints[0]["latency_ms"].is_u64() && endpoints[0]["height"].is_string(), "{told}");
    assert!(endpoints[1]["problem"].is_string() && endpoints[1]["remedy"].is_string(), "{told}");
    assert!(told["reach"]["ipfs"]["version"].is_string(), "{told}");

    let ended = set(&format!("http://{closed}"));
    assert_eq!(ended.status.code(), Some(4), "{}", String::from_utf8_lossy(&ended.stdout));
    let error: Value = serde_json::from_slice(&ended.stderr).unwrap();
    assert_eq!(error["code"], "network", "{error}");
    assert!(error["message"].as_str().unwrap().contains("they are written"), "{error}");
    let ended = run(&["configure", "--home", &home, "--set", "round.quorum=0", "--json"]);
    assert_eq!(ended.status.code(), Some(2));
    let error: Value = serde_json::from_slice(&ended.stderr).unwrap();
    assert_eq!(error["code"], "settings", "{error}");
    let written = std::fs::read_to_string(format!("{home}/settings.toml")).unwrap();
    assert!(written.contains(&closed.to_string()) && !written.contains("quorum = 0"), "{written}");
}
