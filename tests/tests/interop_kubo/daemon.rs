//! The managed node's life: it comes back when it is killed, and ends when we do.

use std::time::Duration;

use r3mes_ipfs::{CidSettings, DaemonState, KuboDaemon};

use crate::node::{bytes, http, is_alive, program, settings, signal, start, until};

#[tokio::test]
async fn a_node_that_is_killed_comes_back_with_what_it_had() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = start(&program, folder.path(), Vec::new()).await;
    let before = node.running();
    let cid = node.kubo.add(bytes(1000), &CidSettings::v1()).await.unwrap().cid;

    signal("KILL", before.pid);
    let mut state = node.daemon.state();
    let down = state.wait_for(|state| matches!(state, DaemonState::Down { .. })).await.unwrap().clone();
    let DaemonState::Down { failure, failures } = down else { panic!("{down:?}") };
    assert_eq!(failures, 1);
    assert!(failure.to_string().contains("killed by signal 9"), "{failure}");
    state.wait_for(|state| matches!(state, DaemonState::Ready(_))).await.unwrap();
    let after = node.running();
    assert_ne!(after.pid, before.pid);
    assert!(!is_alive(before.pid));
    // The client has followed it to wherever it listens now.
    assert_eq!(node.kubo.url(), Some(after.api));
    assert!(node.kubo.pin(&cid).await.unwrap().is_some());
    node.daemon.stop().await;
    assert!(!is_alive(after.pid));
    assert!(!node.kubo.block_get(&cid, 1 << 20).await.unwrap_err().to_string().is_empty());
}

#[tokio::test]
async fn a_node_that_hangs_is_started_again() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = start(&program, folder.path(), Vec::new()).await;
    let before = node.running();
    signal("STOP", before.pid);
    let mut state = node.daemon.state();
    let is_next = |state: &DaemonState| matches!(state, DaemonState::Ready(up) if up.pid != before.pid);
    let come_back = tokio::time::timeout(Duration::from_secs(60), state.wait_for(is_next)).await;
    come_back.expect("it comes back").unwrap();
    assert!(!is_alive(before.pid));
    node.daemon.stop().await;
}

#[tokio::test]
async fn a_node_that_nobody_holds_any_more_ends_and_makes_way_for_the_next() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let node = start(&program, folder.path(), Vec::new()).await;
    let before = node.running();
    drop(node);
    // Its successor finds the repository locked until the first has ended, and waits.
    let next = KuboDaemon::start(settings(&program, folder.path(), Vec::new()), http()).await.unwrap();
    until("the first has ended", async || !is_alive(before.pid)).await;
    next.stop().await;
}
