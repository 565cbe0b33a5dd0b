//! `cargo xtask chaos`: what the proposer is worth on a network that fails.

use anyhow::Result;
use clap::Args;

use crate::setup;
use crate::step::{Step, built};

/// How much stress.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rounds that must be revealed in each of the two runs.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// How often the proposer is killed in the second run; 0 leaves that run out.
    #[arg(long, default_value_t = 30)]
    kills: u64,
    /// Where all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of calls that go wrong.
    #[arg(long, default_value_t = 0.2, value_parser = share)]
    rate: f64,
    /// Milliseconds between two blocks.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    block_ms: u64,
    /// Miners, all of them honest.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    miners: u32,
}

pub(crate) fn chaos(options: &Options) -> Result<()> {
    setup::for_build()?;
    let packages = ["--package", "r3mes-proposer", "--package", "r3mes-tests"];
    Step::cargo("build the proposer and its tormentor", &[&["build", "--bins"], &packages[..]].concat())
        .run_or_fail()?;
    run(options, "fail the network's calls", 0)?;
    if options.kills > 0 {
        run(options, "fail the network's calls and kill the proposer", options.kills)?;
    }
    Ok(())
}

fn run(options: &Options, heading: &str, kills: u64) -> Result<()> {
    let Options { rounds, seed, rate, block_ms, miners, .. } = options;
    let plan = format!(
        r#"{{"rounds":{rounds},"kills":{kills},"seed":{seed},"rate":{rate},"block_ms":{block_ms},"miners":{miners}}}"#
    );
    Step::new(heading, built("chaos", false)?, &[&plan])
        .env("R3MES_PROPOSER", built("r3mes-proposer", false)?)
        .run_or_fail()
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to below 1".to_owned()),
    }
}
