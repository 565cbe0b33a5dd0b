//! The engine is killed, as by `kill -9`, at every transition of a round, while chain and miners run on
//! in a process of their own. Afterwards the chain and the books must look as if nothing had happened.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use r3mes_engine::Checkpoint;
use r3mes_tests::{ChainRecord, Network, NetworkOptions, Running, run, run_json};
use serde_json::Value;

const MINERS: u32 = 4;

#[test]
fn killed_at_every_transition_it_neither_loses_nor_doubles_anything() {
    let mut scene = Scene::new(5);
    for checkpoint in Checkpoint::COMMIT_REVEAL {
        scene.die_at(checkpoint);
    }
    // Without the knife it ends the round that the last deaths left behind, and one more.
    scene.finish_a_round();
    scene.finish_a_round();
    let (overview, found) = scene.close();
    assert_promises(&found, &overview);
    assert!(found.aggregations.len() >= 3, "the deaths should fall into several rounds: {overview:#?}");
    assert_eq!(found.expired(), 0, "a quick restart lets no commitment expire: {overview:#?}");
}

#[test]
fn killed_at_every_transition_of_a_direct_submission_it_submits_once() {
    let mut scene = Scene::with_settings(9, &["submission.strategy=direct"]);
    for checkpoint in Checkpoint::DIRECT {
        scene.die_at(checkpoint);
    }
    scene.finish_a_round();
    scene.finish_a_round();
    let (overview, found) = scene.close();
    assert_eq!(found.commitments.len(), 0, "a direct submission needs no commitment");
    assert_promises(&found, &overview);
    assert!(found.aggregations.len() >= 3, "the deaths should fall into several rounds: {overview:#?}");
}

#[test]
fn what_was_committed_and_could_not_be_revealed_in_time_is_committed_anew_after_its_deadline() {
    let mut scene = Scene::new(6);
    for checkpoint in [Checkpoint::Committed, Checkpoint::RevealSigned, Checkpoint::CommitSent] {
        scene.die_at(checkpoint);
        scene.let_blocks_pass(14);
    }
    scene.finish_a_round();
    scene.finish_a_round();
    let (overview, found) = scene.close();
    assert_promises(&found, &overview);
    assert!(found.expired() > 0, "no commitment expired: {overview:#?}");
    let states: Vec<&Value> =
        overview["rounds"].as_array().unwrap().iter().map(|round| &round["state"]).collect();
    assert!(states.contains(&&Value::from("expired")), "{states:?}");
}

#[test]
fn a_data_folder_belongs_to_one_chain() {
    let mut first = Scene::new(8);
    first.finish_a_round();
    let home = first.folder.path().join("home");
    let other = Scene::new(8);
    let profile = other.folder.path().join("localnet.toml");
    let arguments = ["start", "--network", profile.to_str().unwrap(), "--home", home.to_str().unwrap()];
    let refused = run(&arguments);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("its journal belongs to first block"), "{said}");
}

#[test]
fn a_commitment_of_the_same_key_on_another_machine_stops_the_engine() {
    let mut scene = Scene::new(7);
    scene.die_at(Checkpoint::Committed);
    let other = scene.folder.path().join("other-machine");
    let profile = scene.folder.path().join("localnet.toml");
    let arguments = ["start", "--network", profile.to_str().unwrap(), "--home", other.to_str().unwrap()];
    let stopped = run(&arguments);
    let said = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(1), "{said}");
    assert!(said.contains("commitment 0 of our address that this proposer did not make"), "{said}");
    assert!(said.contains("stop one of the two"), "{said}");
    // The first machine is not disturbed by what it made itself.
    scene.finish_a_round();
}

/// A local network in a process of its own, and the folder of the proposer that is to be killed.
struct Scene {
    folder: tempfile::TempDir,
    network: Network,
    runtime: tokio::runtime::Runtime,
    settings: &'static [&'static str],
}

impl Scene {
    fn new(seed: u64) -> Scene {
        Scene::with_settings(seed, &[])
    }

    fn with_settings(seed: u64, settings: &'static [&'static str]) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let block = Duration::from_millis(100);
        let options = NetworkOptions { seed, miners: MINERS, block, rounds: None };
        let network = Network::start(folder.path(), options);
        Scene { folder, network, runtime: tokio::runtime::Runtime::new().unwrap(), settings }
    }

    fn start(&self, environment: &[(&str, &str)]) -> ExitStatus {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let quorum = format!("round.quorum={MINERS}");
        let arguments = [
            "start",
            "--network",
            &path("localnet.toml"),
            "--home",
            &path("home"),
            "--rounds",
            "1",
            "--set",
            &quorum,
            "--set",
            "round.minimum_interval=0s",
            "--set",
            "round.maximum_wait=30s",
        ];
        let settings = self.settings.iter().flat_map(|setting| ["--set", setting]);
        let arguments: Vec<&str> = arguments.into_iter().chain(settings).collect();
        Running::start(&arguments, environment).wait()
    }

    /// Starts the engine, which must be killed when it passes the checkpoint.
    fn die_at(&mut self, checkpoint: Checkpoint) {
        let status = self.start(&[("R3MES_DIE_AT", checkpoint.name())]);
        assert_eq!(
            status.signal(),
            Some(9),
            "at {checkpoint} the engine ended with {status} instead of dying"
        );
    }

    /// Starts the engine until it has revealed a round.
    fn finish_a_round(&mut self) {
        let status = self.start(&[]);
        assert!(status.success(), "{status}");
    }

    fn let_blocks_pass(&self, blocks: i64) {
        self.runtime.block_on(self.network.let_blocks_pass(blocks)).unwrap();
    }

    /// What the proposer says of itself, and what the chain says of it.
    fn close(mut self) -> (Value, ChainRecord) {
        let home = self.folder.path().join("home");
        let overview =
            run_json(&["status", "--home", home.to_str().unwrap(), "--last", "100"], &[]).remove(0);
        let address = overview["address"].as_str().unwrap();
        let found = self.runtime.block_on(self.network.record(address)).unwrap();
        self.network.kill();
        (overview, found)
    }
}

/// One live commitment at a time, one aggregation a training round, and the books equal to what the chain
/// paid.
fn assert_promises(found: &ChainRecord, overview: &Value) {
    assert_eq!(found.broken_promises(), Vec::<String>::new());
    let earnings = &overview["earnings"];
    assert_eq!(earnings["earned"], found.received.to_string(), "the books differ from the rewards paid");
    assert_eq!(earnings["fees"], found.paid.to_string(), "the books differ from the fees paid");
    assert_eq!(
        overview["aggregations"],
        found.aggregations.len(),
        "the journal lost or invented an aggregation"
    );
}
