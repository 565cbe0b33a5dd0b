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
    let arguments = Arguments::parse();
    logging::start(arguments.verbose, arguments.json);
    let json = arguments.json;
    let ended = match arguments.command {
        Command::Inspect(command) => commands::inspect::run(&command, json),
        Command::Aggregate(command) => commands::aggregate::run(&command, json),
        Command::Keys(command) => commands::keys::run(command, json),
        Command::Demo(command) => block_on(commands::demo::run(command, json)),
        Command::Localnet(command) => block_on(commands::localnet::run(command, json)),
        Command::Register(command) => block_on(commands::register::run(command, json)),
        Command::Start(command) => block_on(commands::start::run(command, json)),
        Command::Hardware(command) => block_on(commands::hardware::run(command, json)),
        Command::Status(command) => commands::status::run(&command, json),
        Command::ListAggregations(command) => commands::status::list(&command, json),
        Command::Earnings(command) => commands::earnings::run(&command, json),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            failure.exit_code()
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("start the runtime: {error}")))?
        .block_on(work)
}
