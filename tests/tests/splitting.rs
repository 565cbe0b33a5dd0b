//! A round that is too large for one transaction's gas goes onto the chain in parts: every gradient in
//! exactly one of them, each part rewarded, and the books equal to the chain.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use r3mes_chain::http::{Timeouts, client};
use r3mes_localnet::{Account, Role};
use r3mes_tests::{Network, NetworkOptions, Running, TransactionKind, run_json};
use serde_json::{Value, json};

const SEED: u64 = 41;
const MINERS: u32 = 12;

/// Half of the miners' gradients take a reveal, with its reserve, to about this much gas; nothing else on the
/// local chain comes near it.
const MAX_BLOCK_GAS: &str = "150000";

#[test]
fn a_round_beyond_a_blocks_gas_is_revealed_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        NetworkOptions { seed: SEED, miners: MINERS, block: Duration::from_millis(100), rounds: Some(1) };
    let network = Network::start_with(folder.path(), options, &["--max-block-gas", MAX_BLOCK_GAS]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let home = folder.path().join("home");
    let home = home.to_str().unwrap();
    let places = ["--network", network.profile().to_str().unwrap(), "--home", home];
    let policy = ["--set", "round.quorum=12", "--set", "round.minimum_interval=0s"];
    // What is left behind the first part is below the quorum, and is not waited with for long.
    let wait = ["--set", "round.minimum_participants=2", "--set", "round.maximum_wait=4s"];
    let mut proposer = Running::start(&[&["start"], &places[..], &policy, &wait].concat(), &[]);

    let mut revealed = BTreeSet::new();
    let mut parts = Vec::new();
    while revealed.len() < MINERS as usize {
        let line = proposer.wait_for("a part is revealed", |line| line["round"]["state"] == "revealed");
        let round = &line["round"];
        let participants = round["selection"]["participants"].as_array().unwrap();
        let ids = participants.iter().map(|participant| participant["gradient_id"].as_u64().unwrap());
        for id in ids.clone() {
            assert!(revealed.insert(id), "gradient {id} is in two parts: {line}");
        }
        parts.push(ids.count());
        // The miners' trainer takes the first part for the whole. A network that waits for the rest stays
        // with its model.
        runtime.block_on(stay_with(&network, round));
    }
    assert!(parts.len() >= 2 && parts.iter().all(|part| *part < MINERS as usize), "{parts:?}");
    assert!(*parts.iter().max().unwrap() >= 2, "a part is as large as fits: {parts:?}");
    let process = proposer.id().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
    assert!(proposer.wait().success());

    let address = Account::derive(SEED, Role::Proposer, "remes").unwrap().address;
    let record = runtime.block_on(network.record(&address)).unwrap();
    let on_chain: Vec<usize> = record.aggregations.iter().map(|of| of.participants as usize).collect();
    assert_eq!(on_chain, parts);
    assert_eq!(record.commitments.len(), parts.len(), "no commitment is lost: {:?}", record.commitments);
    let reveals = record.transactions.iter().filter(|of| matches!(of.kind, TransactionKind::Reveal(_)));
    assert!(reveals.clone().all(|of| of.code == 0) && reveals.count() == parts.len(), "{record:?}");
    let due: u128 = parts.iter().map(|part| 500 + 10 * *part as u128).sum();
    assert_eq!(record.received, due, "each part is rewarded");
    let report = run_json(&["earnings", "--home", home], &[]).pop().unwrap();
    assert_eq!(report["books"]["agrees"], true, "{report:#}");
    let sums = report["by_kind"].as_array().unwrap();
    let rewards = sums.iter().find(|sum| sum["kind"] == "reward").unwrap();
    assert_eq!(rewards["amount"], due.to_string(), "{report:#}");
}

/// Waits until the trainer has moved on from the model version of `round`, if it has not done so before, and
/// brings that version back.
async fn stay_with(network: &Network, round: &Value) {
    let version = round["model_version"].as_str().unwrap();
    loop {
        let state = network.chain().model_state().await.unwrap().unwrap();
        let first = round["aggregation"]["id"] == 0;
        if state.model_version != version || !first {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let url = network.chain().rpc().url().join("localnet/set-global-model").unwrap();
    let fields = json!({
        "model_ipfs_hash": "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
        "model_version": version,
        "training_round_id": round["training_round_id"],
    });
    let sent = client(Timeouts::default()).unwrap().post(url).body(fields.to_string()).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
}
