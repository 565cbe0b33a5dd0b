//! The desktop launcher of the R3MES proposer.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![allow(clippy::print_stderr, reason = "without a window there is nowhere else to say it")]

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // The environment is given to a process and not changed in one: where it must differ, this program runs
    // itself once more. The end of the first is the end of the second.
    let variables = r3mes_launcher::environment();
    if !variables.is_empty()
        && let Ok(this) = std::env::current_exe()
    {
        let mut command = Command::new(this);
        command.args(std::env::args_os().skip(1)).envs(variables);
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            let error = command.exec();
            eprintln!("error: failed to set the renderer up for this graphics driver: {error}");
        }
    }
    match r3mes_launcher::run(r3mes_launcher::Start::of_this_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: failed to start the launcher: {error}");
            ExitCode::FAILURE
        }
    }
}
