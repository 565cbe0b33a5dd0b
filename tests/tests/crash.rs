//! The engine is killed, as by `kill -9`, at every transition of a round, while chain and miners run on
//! in a process of their own. Afterwards the chain and the books must look as if nothing had happened.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use r3mes_chain::http::Timeouts;
use r3mes_chain::{Chain, ChainSpec, Rpc};
use r3mes_engine::Checkpoint;
use r3mes_tests::{Running, run_json};

const MINERS: &str = "4";

#[test]
fn killed_at_every_transition_it_neither_loses_nor_doubles_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (profile, home) = (path("localnet.toml"), path("home"));
    let mut network = Running::start(
        &["localnet", "--profile", &profile, "--miners", MINERS, "--byzantine", "0", "--seed", "5", "--block-ms", "100"],
        &[],
    );
    let ready = network.wait_for("the network is ready", |line| line["event"] == "ready");
    let quorum = format!("round.quorum={MINERS}");
    let start = [
        "start", "--network", &profile, "--home", &home, "--rounds", "1", "--set", &quorum,
        "--set", "round.minimum_interval=0s", "--set", "round.maximum_wait=30s",
    ];
    for checkpoint in Checkpoint::ALL {
        let status = Running::start(&start, &[("R3MES_DIE_AT", checkpoint.name())]).wait();
        assert_eq!(status.signal(), Some(9), "at {checkpoint} the engine ended with {status} instead of dying");
    }
    // Without the knife it ends the round that the last deaths left behind, and one more.
    for _ in 0..2 {
        let status = Running::start(&start, &[]).wait();
        assert!(status.success(), "{status}");
    }
    let overview = run_json(&["status", "--home", &home, "--last", "100"], &[]).remove(0);
    let rpc = ready["rpc_url"].as_str().unwrap().to_owned();
    let chain_id = ready["chain_id"].as_str().unwrap().to_owned();
    let address = overview["address"].as_str().unwrap().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = runtime.block_on(look(&rpc, chain_id, &address));
    network.kill();

    found.assert_one_live_commitment_at_a_time();
    found.assert_one_aggregation_a_training_round();
    let rewards: u128 = found.aggregations.iter().map(|aggregation| 500 + 10 * aggregation.participants).sum();
    assert_eq!(overview["earnings"]["earned"], rewards.to_string(), "the books do not say what the chain paid");
    assert_eq!(overview["aggregations"], found.aggregations.len(), "the journal lost or invented an aggregation");
    assert_eq!(found.received, rewards, "the chain paid something else than it records");
    let rounds = overview["rounds"].as_array().unwrap();
    assert!(rounds.len() >= 3, "the deaths should fall into several rounds: {rounds:#?}");
}

/// What the chain holds of one proposer.
struct Found {
    commitments: Vec<FoundCommitment>,
    aggregations: Vec<FoundAggregation>,
    /// What reveals paid to the proposer.
    received: u128,
}

struct FoundCommitment {
    id: u64,
    committed: i64,
    /// The block after which it binds nobody.
    over: i64,
}

struct FoundAggregation {
    training_round_id: u64,
    participants: u128,
}

impl Found {
    fn assert_one_live_commitment_at_a_time(&self) {
        for pair in self.commitments.windows(2) {
            let [first, second] = pair else { continue };
            assert!(
                second.committed > first.over || second.committed == first.over,
                "commitment {} (block {}) was made while {} was live until block {}",
                second.id,
                second.committed,
                first.id,
                first.over
            );
        }
        assert!(!self.commitments.is_empty());
    }

    fn assert_one_aggregation_a_training_round(&self) {
        let mut rounds: Vec<u64> = self.aggregations.iter().map(|found| found.training_round_id).collect();
        let all = rounds.len();
        rounds.dedup();
        assert_eq!(rounds.len(), all, "a training round was revealed twice: {rounds:?}");
        assert!(all >= 3, "only {all} rounds were revealed");
    }
}

async fn look(rpc: &str, chain_id: String, address: &str) -> Found {
    let spec = ChainSpec {
        chain_id,
        prefix: "remes".into(),
        fee_denom: "stake".into(),
        gas_price: "0.025".parse().unwrap(),
        gas_adjustment: "1.5".parse().unwrap(),
    };
    let timeouts = Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(30) };
    let chain = Chain::new(Rpc::new(r3mes_chain::http::client(timeouts).unwrap(), rpc.parse().unwrap()), spec);
    let mut aggregations = Vec::new();
    let mut revealed = Vec::new();
    while let Some(record) = chain.aggregation(aggregations.len() as u64).await.unwrap() {
        assert_eq!(record.proposer, address);
        revealed.push(record.submitted_at_height);
        aggregations.push(FoundAggregation {
            training_round_id: record.training_round_id,
            participants: record.participant_gradient_ids.len() as u128,
        });
    }
    let mut commitments = Vec::new();
    while let Some(record) = chain.commitment(commitments.len() as u64).await.unwrap() {
        assert_eq!(record.proposer, address);
        let over = match record.status.as_str() {
            "revealed" => revealed[record.revealed_aggregation_id as usize],
            _ => record.reveal_deadline_height,
        };
        commitments.push(FoundCommitment { id: record.commitment_id, committed: record.committed_at_height, over });
    }
    let genesis = r3mes_localnet::Role::Proposer.balance().0;
    let received = chain.balance(address, "remes").await.unwrap() - genesis;
    Found { commitments, aggregations, received }
}
