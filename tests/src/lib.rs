//! What the tests that cross crates share: the real program, run to its end or as a child that goes on; a
//! local network and what its chain holds of a proposer; a network of Cosmos SDK nodes; a proxy that lies; and
//! the runs of `cargo xtask chaos`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

pub mod chaos;
pub mod cosmos;
pub mod proxy;

mod go_tool;
mod network;
mod proposer;
mod record;
mod running;

pub use go_tool::go_tool;
pub use network::{Network, NetworkOptions};
pub use proposer::proposer;
pub use record::{AggregationRecord, ChainRecord, CommitmentRecord, TransactionKind, TransactionRecord};
pub use running::Running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The folder of gradient vectors.
pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Runs the program to its end.
///
/// # Panics
/// When it does not start.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(proposer()).args(arguments).output().expect("the program starts")
}

/// Runs the program with `--json`, which must succeed, and reads its output: one value a line.
///
/// # Panics
/// When it fails, or a line is no JSON.
pub fn run_json(arguments: &[&str], environment: &[(&str, &str)]) -> Vec<Value> {
    let output = Command::new(proposer())
        .args(arguments)
        .arg("--json")
        .envs(environment.iter().copied())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} ended with {}: {said}", output.status);
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    printed.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}
