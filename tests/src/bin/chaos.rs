//! Runs one plan of chaos, given as JSON, and prints its figures: what `cargo xtask chaos` starts.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used)]

use std::process::ExitCode;

use r3mes_tests::chaos::{Plan, run};

#[tokio::main]
async fn main() -> ExitCode {
    let text = std::env::args().nth(1).unwrap_or_default();
    let plan: Plan = match serde_json::from_str(&text) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("error: failed to read the plan {text:?}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let figures = run(&plan, folder.path(), |line| println!("{line}")).await;
    println!("\n{figures}");
    if figures.broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("\nthe proposer's events, log and journal stay in {}", folder.keep().display());
    ExitCode::FAILURE
}
