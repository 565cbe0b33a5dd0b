//! `r3mes-proposer`: the command line and daemon of the R3MES proposer.

mod arguments;
mod commands;
mod logging;
mod secrets;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::commands::Failure;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    logging::start(arguments.verbose, arguments.json);
    let json = arguments.json;
    let ended = match arguments.command {
        Command::Inspect(command) => commands::inspect::run(&command, json),
        Command::Aggregate(command) => commands::aggregate::run(&command, json),
        Command::Keys(command) => commands::keys::run(command, json),
        Command::Demo(command) => block_on(commands::demo::run(command, json)),
        Command::Localnet(command) => block_on(commands::localnet::run(command, json)),
        Command::Configure(command) => block_on(commands::configure::run(command, json)),
        Command::Authorization(command) => block_on(commands::authorization::run(command, json)),
        Command::Register(command) => block_on(commands::register::run(command, json)),
        Command::Start(command) => block_on(commands::start::run(command, json)),
        Command::Hardware(command) => block_on(commands::hardware::run(command, json)),
        Command::Status(command) => block_on(commands::status::run(command, json)),
        Command::ListAggregations(command) => commands::status::list(&command, json),
        Command::Earnings(command) => block_on(commands::earnings::run(command, json)),
        Command::Payout(command) => block_on(commands::payout::run(command, json)),
        Command::ClaimRewards(command) => block_on(commands::claim_rewards::run(command, json)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(json);
            failure.exit_code()
        }
    }
}

/// Help and version are answers; what is wrong on the command line is an error like any other.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let failure = Failure::input(vec![line.trim_start_matches("error: ").to_owned()]);
        failure.report(true);
        return failure.exit_code();
    }
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("start the runtime: {error}")))?
        .block_on(work)
}
