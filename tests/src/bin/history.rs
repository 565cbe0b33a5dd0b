//! Fills a data folder's journal with a made-up history: what `cargo xtask bench desktop` opens in the window.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use r3mes_config::{DataDir, NetworkProfile};
use r3mes_engine::Journal;
use r3mes_engine::journal::Sample;
use time::OffsetDateTime;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [home, profile, rounds, gradients] = arguments.as_slice() else {
        eprintln!("usage: history DATA-FOLDER NETWORK-PROFILE ROUNDS GRADIENTS-OF-EACH");
        return ExitCode::FAILURE;
    };
    match fill(Path::new(home), Path::new(profile), rounds, gradients) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: failed to write a history into {home}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fill(home: &Path, profile: &Path, rounds: &str, gradients: &str) -> Result<(), Box<dyn Error>> {
    let network = NetworkProfile::load(profile)?;
    let sample = Sample {
        rounds: rounds.parse()?,
        gradients: gradients.parse()?,
        until: OffsetDateTime::now_utc(),
        reward_denom: network.reward_denom,
        fee_denom: network.fee_denom,
    };
    Journal::open(&DataDir::new(home).journal())?.write_sample(&sample)?;
    println!("{} rounds with {} gradients each", sample.rounds, sample.gradients);
    Ok(())
}
