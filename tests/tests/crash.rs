//! The engine is killed, as by `kill -9`, at every transition of a round, while chain and miners run on
//! in a process of their own. Afterwards the chain and the books must look as if nothing had happened.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use r3mes_chain::http::Timeouts;
use r3mes_chain::{Chain, ChainSpec, Rpc};
use r3mes_engine::Checkpoint;
use r3mes_tests::{Running, run, run_json};
use serde_json::Value;

const MINERS: &str = "4";

#[test]
fn killed_at_every_transition_it_neither_loses_nor_doubles_anything() {
    let mut scene = Scene::new("5");
    for checkpoint in Checkpoint::ALL {
        scene.die_at(checkpoint);
    }
    // Without the knife it ends the round that the last deaths left behind, and one more.
    scene.finish_a_round();
    scene.finish_a_round();
    let (overview, found) = scene.close();
    found.assert_one_live_commitment_at_a_time();
    found.assert_books(&overview);
    assert!(found.aggregations.len() >= 3, "the deaths should fall into several rounds: {overview:#?}");
    let expired = found.commitments.len() - found.aggregations.len();
    assert_eq!(expired, 0, "a quick restart lets no commitment expire: {overview:#?}");
}

#[test]
fn what_was_committed_and_could_not_be_revealed_in_time_is_committed_anew_after_its_deadline() {
    let mut scene = Scene::new("6");
    for checkpoint in [Checkpoint::Committed, Checkpoint::RevealSigned, Checkpoint::CommitSent] {
        scene.die_at(checkpoint);
        scene.let_blocks_pass(14);
    }
    scene.finish_a_round();
    scene.finish_a_round();
    let (overview, found) = scene.close();
    found.assert_one_live_commitment_at_a_time();
    found.assert_books(&overview);
    assert!(found.commitments.len() > found.aggregations.len(), "no commitment expired: {overview:#?}");
    let states: Vec<&Value> =
        overview["rounds"].as_array().unwrap().iter().map(|round| &round["state"]).collect();
    assert!(states.contains(&&Value::from("expired")), "{states:?}");
}

#[test]
fn a_data_folder_belongs_to_one_chain() {
    let mut first = Scene::new("8");
    first.finish_a_round();
    let home = first.folder.path().join("home");
    let other = Scene::new("8");
    let profile = other.folder.path().join("localnet.toml");
    let arguments = ["start", "--network", profile.to_str().unwrap(), "--home", home.to_str().unwrap()];
    let refused = run(&arguments);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("its journal belongs to first block"), "{said}");
}

#[test]
fn a_commitment_of_the_same_key_on_another_machine_stops_the_engine() {
    let mut scene = Scene::new("7");
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
    network: Running,
    chain: Chain,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(seed: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("localnet.toml");
        let mut network = Running::start(
            &[
                "localnet",
                "--profile",
                profile.to_str().unwrap(),
                "--miners",
                MINERS,
                "--byzantine",
                "0",
                "--seed",
                seed,
                "--block-ms",
                "100",
            ],
            &[],
        );
        let ready = network.wait_for("the network is ready", |line| line["event"] == "ready");
        let spec = ChainSpec {
            chain_id: ready["chain_id"].as_str().unwrap().to_owned(),
            prefix: "remes".into(),
            fee_denom: "stake".into(),
            gas_price: "0.025".parse().unwrap(),
            gas_adjustment: "1.5".parse().unwrap(),
        };
        let timeouts = Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(30) };
        let http = r3mes_chain::http::client(timeouts).unwrap();
        let chain = Chain::new(Rpc::new(http, ready["rpc_url"].as_str().unwrap().parse().unwrap()), spec);
        Scene { folder, network, chain, runtime: tokio::runtime::Runtime::new().unwrap() }
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
        self.runtime.block_on(async {
            let until = self.chain.status().await.unwrap().height + blocks;
            while self.chain.status().await.unwrap().height < until {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    /// What the proposer says of itself, and what the chain says of it.
    fn close(mut self) -> (Value, Found) {
        let home = self.folder.path().join("home");
        let overview =
            run_json(&["status", "--home", home.to_str().unwrap(), "--last", "100"], &[]).remove(0);
        let found = self.runtime.block_on(look(&self.chain, overview["address"].as_str().unwrap()));
        self.network.kill();
        (overview, found)
    }
}

/// What the chain holds of one proposer.
struct Found {
    commitments: Vec<FoundCommitment>,
    aggregations: Vec<FoundAggregation>,
    /// What came to the proposer in the reward denom since genesis.
    received: u128,
    /// What left it in the fee denom since genesis.
    paid: u128,
}

struct FoundCommitment {
    id: u64,
    committed: i64,
    /// The last block in which it binds.
    over: i64,
    revealed: bool,
}

struct FoundAggregation {
    training_round_id: u64,
    participants: u128,
}

impl Found {
    fn assert_one_live_commitment_at_a_time(&self) {
        assert!(!self.commitments.is_empty());
        for pair in self.commitments.windows(2) {
            let [first, second] = pair else { continue };
            // Within one block the reveal stands before the next commitment.
            assert!(
                second.committed > first.over || (first.revealed && second.committed == first.over),
                "commitment {} (block {}) was made while {} was live until block {}",
                second.id,
                second.committed,
                first.id,
                first.over
            );
        }
    }

    /// One aggregation a training round, and the books equal to what the chain paid.
    fn assert_books(&self, overview: &Value) {
        let mut rounds: Vec<u64> = self.aggregations.iter().map(|found| found.training_round_id).collect();
        rounds.sort_unstable();
        rounds.dedup();
        assert_eq!(rounds.len(), self.aggregations.len(), "a training round was revealed twice");
        let rewards: u128 = self.aggregations.iter().map(|found| 500 + 10 * found.participants).sum();
        assert_eq!(
            overview["earnings"]["earned"],
            rewards.to_string(),
            "the books differ from the chain's records"
        );
        assert_eq!(
            overview["aggregations"],
            self.aggregations.len(),
            "the journal lost or invented an aggregation"
        );
        assert_eq!(self.received, rewards, "the chain paid something else than it records");
        assert_eq!(
            overview["earnings"]["fees"],
            self.paid.to_string(),
            "the books differ from the fees paid"
        );
    }
}

async fn look(chain: &Chain, address: &str) -> Found {
    let mut aggregations = Vec::new();
    let mut reveal_heights = Vec::new();
    while let Some(record) = chain.aggregation(aggregations.len() as u64).await.unwrap() {
        assert_eq!(record.proposer, address);
        reveal_heights.push(record.submitted_at_height);
        aggregations.push(FoundAggregation {
            training_round_id: record.training_round_id,
            participants: record.participant_gradient_ids.len() as u128,
        });
    }
    let mut commitments = Vec::new();
    while let Some(record) = chain.commitment(commitments.len() as u64).await.unwrap() {
        assert_eq!(record.proposer, address);
        let revealed = record.status == "revealed";
        let over = match revealed {
            true => reveal_heights[record.revealed_aggregation_id as usize],
            false => record.reveal_deadline_height,
        };
        let (id, committed) = (record.commitment_id, record.committed_at_height);
        commitments.push(FoundCommitment { id, committed, over, revealed });
    }
    let (reward, fee) = r3mes_localnet::Role::Proposer.balance();
    let received = chain.balance(address, "remes").await.unwrap() - reward;
    let paid = fee - chain.balance(address, "stake").await.unwrap();
    Found { commitments, aggregations, received, paid }
}
