//! Two proposers on one network, and challenges: each round ends in the right state, and the books of each
//! proposer equal the chain.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use r3mes_chain::http::{Timeouts, client};
use r3mes_engine::Checkpoint;
use r3mes_localnet::{Account, Role};
use r3mes_tests::{Network, NetworkOptions, Running, run_json};
use serde_json::{Value, json};

#[test]
fn a_round_lost_to_a_second_proposer_is_superseded_and_its_fee_is_booked() {
    // A second a block: the loser must come back before its deadline, ten blocks later.
    let scene = Scene::new(21, Duration::from_secs(1));
    scene.die_at(Role::SecondProposer, Checkpoint::AggregatePublished);
    scene.die_at(Role::Proposer, Checkpoint::Committed);
    assert!(scene.start(Role::SecondProposer, &["--rounds", "1"], &[]).wait().success());
    let mut loser = scene.start(Role::Proposer, &["--rounds", "1"], &[]);
    let lost = loser.wait_for("the round is lost", |line| line["round"]["state"] == "superseded");
    assert!(lost["round"]["reason"].as_str().unwrap().contains("no longer pending"), "{lost}");
    assert!(loser.wait().success(), "and the next round goes on");
    for role in [Role::Proposer, Role::SecondProposer] {
        let overview = scene.assert_books(role);
        assert_eq!(overview["aggregations"], 1, "{overview:#}");
    }
}

#[test]
fn two_proposers_at_once_leave_both_books_equal_to_the_chain() {
    let scene = Scene::new(22, Duration::from_millis(300));
    let second = scene.start(Role::SecondProposer, &[], &[]);
    let first = scene.start(Role::Proposer, &[], &[]);
    scene.wait_for_aggregations(4);
    for running in [first, second] {
        assert!(scene.stop(running), "a proposer that is asked to stop ends in order");
    }
    let found = [Role::Proposer, Role::SecondProposer].map(|role| scene.assert_books(role));
    let count = |overview: &Value| overview["aggregations"].as_u64().unwrap();
    assert!(found.iter().map(count).sum::<u64>() >= 4, "{found:#?}");
    for overview in &found {
        let states = overview["rounds"].as_array().unwrap().iter().map(|round| &round["state"]);
        assert!(
            !states.clone().any(|state| state == "committed"),
            "nothing is left unrevealed: {overview:#}"
        );
    }
}

#[test]
fn a_challenge_lost_and_one_won_are_noticed_and_booked() {
    let scene = Scene::new(23, Duration::from_millis(300));
    let mut running = scene.start(Role::Proposer, &[], &[]);
    for _ in 0..2 {
        running.wait_for("a round is revealed", |line| line["round"]["state"] == "revealed");
    }
    let challenger = Account::derive(scene.seed, Role::Admin, "remes").unwrap().address;
    let mut judge = |aggregation_id: u64, guilty: bool, state: &str| {
        let opened = scene.administer(
            "challenge",
            json!({ "aggregation_id": aggregation_id, "challenger": challenger, "reason": "differs" }),
        );
        let challenge_id: u64 = opened["challenge_id"].as_str().unwrap().parse().unwrap();
        let is = |line: &Value, state: &str| {
            line["event"] == "round-advanced"
                && line["round"]["state"] == state
                && line["round"]["aggregation"]["id"] == aggregation_id
        };
        running.wait_for("the challenge is noticed", |line| is(line, "challenged"));
        scene.administer("resolve-challenge", json!({ "challenge_id": challenge_id, "guilty": guilty }));
        running.wait_for("the verdict is noticed", |line| is(line, state));
    };
    judge(0, true, "reverted");
    judge(1, false, "revealed");
    assert!(scene.stop(running));
    let home = scene.home(Role::Proposer);
    let report = run_json(&["earnings", "--home", home.to_str().unwrap()], &[]).pop().unwrap();
    assert_eq!(report["books"]["agrees"], true, "{report:#}");
}

/// A local network, and a data folder for each of two proposers.
struct Scene {
    seed: u64,
    folder: tempfile::TempDir,
    network: Network,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(seed: u64, block: Duration) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::start(folder.path(), NetworkOptions { seed, miners: 4, block, rounds: None });
        Scene { seed, folder, network, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn home(&self, role: Role) -> PathBuf {
        self.folder.path().join(role.name())
    }

    fn start(&self, role: Role, more: &[&str], environment: &[(&str, &str)]) -> Running {
        let home = self.home(role);
        let mut arguments = vec!["start", "--home", home.to_str().unwrap()];
        arguments.extend(["--network", self.network.profile().to_str().unwrap()]);
        arguments.extend(["--set", "round.quorum=4", "--set", "round.minimum_interval=0s"]);
        if role == Role::SecondProposer {
            arguments.extend(["--from", "second-proposer"]);
        }
        arguments.extend(more);
        Running::start(&arguments, environment)
    }

    fn die_at(&self, role: Role, checkpoint: Checkpoint) {
        let status = self.start(role, &[], &[("R3MES_DIE_AT", checkpoint.name())]).wait();
        assert!(!status.success(), "{role:?} ended with {status} instead of dying at {checkpoint}");
    }

    /// Asks it to stop as Ctrl-C does, and tells whether it ended well.
    fn stop(&self, running: Running) -> bool {
        let process = running.id().to_string();
        assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
        running.wait().success()
    }

    fn wait_for_aggregations(&self, count: u64) {
        self.runtime.block_on(async {
            while self.network.chain().aggregation(count - 1).await.unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }

    fn administer(&self, operation: &str, fields: Value) -> Value {
        self.runtime.block_on(async {
            let url = self.network.chain().rpc().url().join(&format!("localnet/{operation}")).unwrap();
            let sent = client(Timeouts::default()).unwrap().post(url).body(fields.to_string()).send().await;
            let answer = sent.unwrap().text().await.unwrap();
            serde_json::from_str(&answer).unwrap()
        })
    }

    /// What a proposer says of itself, whose rewards and fees must be what its balances say.
    fn assert_books(&self, role: Role) -> Value {
        let home = self.home(role);
        let mut arguments = vec!["status", "--home", home.to_str().unwrap(), "--last", "100"];
        if role == Role::SecondProposer {
            arguments.extend(["--from", "second-proposer"]);
        }
        let overview = run_json(&arguments, &[]).remove(0);
        let address = Account::derive(self.seed, role, "remes").unwrap().address;
        assert_eq!(overview["address"], address.as_str());
        let (reward, fee) = role.balance();
        let balance = |denom| self.runtime.block_on(self.network.chain().balance(&address, denom)).unwrap();
        let earned = (balance("remes") - reward).to_string();
        let paid = (fee - balance("stake")).to_string();
        assert_eq!(overview["earnings"]["earned"], earned, "{role:?}: rewards differ: {overview:#}");
        assert_eq!(overview["earnings"]["fees"], paid, "{role:?}: fees differ: {overview:#}");
        overview
    }
}
