//! Set-up, run, test, bench and stress of the R3MES proposer: `cargo xtask ...`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod attacks;
mod bench;
mod chaos;
mod desktop;
mod go;
mod hygiene;
mod package;
mod run;
mod setup;
mod step;
mod suites;
mod tables;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::suites::Suite;

/// Set-up, run, test, bench and stress of the R3MES proposer.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Set up, build and run: the launcher where there is a display, else the demo in the terminal.
    Run {
        /// The demo in the terminal, without a window.
        #[arg(long)]
        headless: bool,
        /// Build with all optimizations.
        #[arg(long)]
        release: bool,
        /// Arguments for `r3mes-proposer demo` [default: 5 rounds, 12 miners of which 3 flip signs].
        #[arg(last = true, value_name = "DEMO ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Run all that must hold, as CI does.
    Test {
        /// Run one suite only.
        #[arg(long, value_enum)]
        suite: Option<Suite>,
    },
    /// Write the web UI's bindings from the commands of the desktop shell.
    Bindings,
    /// Draw every screen of the launcher in both themes.
    Screenshots,
    /// Build the launcher's packages, with the command line in them, and try what was built.
    Package {
        /// Without optimizations: quick and large, to try the packaging itself.
        #[arg(long)]
        debug: bool,
    },
    /// Measure the aggregation methods against the memory's bandwidth; the tables go into crates/aggregate/BENCH.md.
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        #[command(subcommand)]
        other: Option<OtherBench>,
        /// Print one JSON object a row, and leave the file as it is.
        #[arg(long)]
        json: bool,
        /// Compare with numpy, Flower and ByzFL, in a Python environment that is made for them.
        #[arg(long)]
        peers: bool,
        /// One round to measure instead of all, printed only.
        #[arg(last = true, value_name = "N D [DTYPE] [METHOD...]")]
        arguments: Vec<String>,
    },
    /// Put the proposer under stress: a local network behind proxies that make calls go wrong, and the
    /// program killed at random; first without kills, then with. Fails if any promise is broken.
    Chaos(chaos::Options),
    /// Try every attack on every aggregation method; the tables go into crates/aggregate/ATTACKS.md.
    Attacks {
        /// One seed instead of three, printed only.
        #[arg(long)]
        quick: bool,
    },
    /// Install what a build and its tests need and this machine lacks.
    Setup,
    /// Format all code.
    Fmt,
}

/// What else is measured.
#[derive(Debug, Subcommand)]
enum OtherBench {
    /// Measure the launcher: its start, what it costs at rest, a long history in its window, its scripts.
    Desktop {
        /// Print one JSON object a row.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Run { headless, release, arguments } => run::run(headless, release, &arguments),
        Task::Test { suite } => suites::test(suite),
        Task::Chaos(options) => chaos::chaos(&options),
        Task::Bench { other: Some(OtherBench::Desktop { json }), .. } => desktop::bench(json),
        Task::Bench { other: None, json, peers, arguments } => bench::bench(json, peers, &arguments),
        Task::Attacks { quick } => attacks::attacks(quick),
        Task::Bindings => desktop::bindings(),
        Task::Screenshots => desktop::screenshots(),
        Task::Package { debug } => package::package(debug),
        Task::Setup => setup::for_build()
            .and_then(|()| setup::for_tests())
            .map(|()| println!("all that a build and its tests need is here")),
        Task::Fmt => setup::for_lint().and_then(|()| {
            step::Step::cargo("format", &["fmt", "--all"]).alone("cargo xtask fmt").run_or_fail()
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    /// The documents promise commands; each of them must be there, and none be kept from the reader.
    #[test]
    fn documents_and_commands_agree() {
        let tasks: Vec<String> =
            Arguments::command().get_subcommands().map(|task| task.get_name().to_owned()).collect();
        let suites: Vec<&str> = Suite::NAMES.to_vec();
        let readme = std::fs::read_to_string(step::root().join("README.md")).unwrap();
        for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
            let text = std::fs::read_to_string(step::root().join(document)).unwrap();
            for task in words_after(&text, "cargo xtask ") {
                assert!(
                    tasks.contains(&task),
                    "{document} names `cargo xtask {task}`, which is none of {tasks:?}"
                );
            }
            for suite in words_after(&text, "--suite ") {
                let known = suites.contains(&suite.as_str()) || suite == "NAME";
                assert!(known, "{document} names the suite {suite}, which is none of {suites:?}");
            }
        }
        for task in &tasks {
            let promised = words_after(&readme, "cargo xtask ").contains(task);
            assert!(promised, "README.md does not name `cargo xtask {task}`");
        }
        let first_screen: String = readme.lines().take(30).collect::<Vec<_>>().join("\n");
        for command in ["cargo xtask run", "cargo xtask test"] {
            assert!(
                first_screen.contains(command),
                "README.md does not name `{command}` on its first screen"
            );
        }
    }

    fn words_after(text: &str, start: &str) -> Vec<String> {
        let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        text.split(start).skip(1).map(word).filter(|word: &String| !word.is_empty()).collect()
    }
}
