//! The short form of `cargo xtask chaos`: the real program through proxies that make a fifth of its calls
//! go wrong, and killed at random.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use r3mes_tests::chaos::{Plan, run};

#[tokio::test(flavor = "multi_thread")]
async fn through_lying_proxies_and_kills_every_promise_is_kept() {
    let plan = Plan { rounds: 10, kills: 5, seed: 11, rate: 0.2, block_ms: 1000, miners: 4 };
    let folder = tempfile::tempdir().unwrap();
    let figures = run(&plan, folder.path(), |line| eprintln!("{line}")).await;
    assert!(figures.broken.is_empty(), "{figures}");
    assert_eq!((figures.rounds as u64, figures.kills), (plan.rounds, plan.kills), "{figures}");
    let all = figures.all_calls();
    assert_eq!(all.faults.len(), 5, "not every kind of fault happened: {figures}");
}
