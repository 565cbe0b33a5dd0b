//! `cargo xtask bench`: how fast the aggregation is on this machine, beside others' if wanted.

use std::path::PathBuf;

use anyhow::Result;

use crate::setup;
use crate::step::{Step, root};
use crate::tables;

/// Where the tables are kept.
const DOCUMENT: &str = "crates/aggregate/BENCH.md";

/// What `--peers` compares with. ByzFL's numpy path needs none of its own dependencies but these.
const PEERS: &[&str] = &["numpy==2.4.6", "scipy==1.17.1", "flwr==1.42.0"];
const BYZFL: &str = "byzfl==0.0.11";

pub(crate) fn bench(json: bool, peers: bool, arguments: &[String]) -> Result<()> {
    setup::for_build()?;
    let mut command = vec!["run", "--release", "--package", "r3mes-aggregate", "--example", "bench", "--"];
    let python;
    if json {
        command.push("--json");
    }
    if peers {
        python = environment()?.display().to_string();
        command.extend(["--peers", &python]);
    }
    command.extend(arguments.iter().map(String::as_str));
    let step = Step::cargo("measure the aggregation methods", &command);
    if !json && arguments.is_empty() {
        return tables::write(DOCUMENT, &step.output()?);
    }
    print!("{}", step.output()?);
    Ok(())
}

/// The interpreter of a Python environment of our own with the peers in it, made where it is missing.
fn environment() -> Result<PathBuf> {
    let folder = root().join("target").join("bench-peers");
    let python = folder.join("bin").join("python");
    let shown = folder.display().to_string();
    let complete = folder.join("complete");
    if !complete.exists() {
        Step::new("make a Python environment", "python3", &["-m", "venv", "--clear", &shown]).output()?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        Step::new("install numpy, SciPy and Flower", &python, &[&pip, PEERS].concat()).output()?;
        Step::new("install ByzFL", &python, &[&pip[..], &["--no-deps", BYZFL]].concat()).output()?;
        std::fs::write(complete, "")?;
    }
    Ok(python)
}
