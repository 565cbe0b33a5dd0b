//! `cargo xtask test`: the suites, and what each of them runs.
//!
//! Every cargo command builds the same set of packages with the same flags and profile. Only so do the
//! suites share what has been compiled; a `--package` here or a `RUSTFLAGS` there would build the
//! dependencies anew.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::desktop;
use crate::go;
use crate::hygiene;
use crate::setup;
use crate::step::{Outcome, Step, built, heading, in_ci, root};

/// A part of the tests that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Committed files, formatting, lints, documentation.
    Lint,
    /// Every crate's own tests.
    Unit,
    /// What crosses crates: the direction of imports, end to end, attacks, crashes.
    E2e,
    /// The same against nodes of other makers, which Go builds.
    Interop,
    /// The launcher: its web UI, its commands, and the real window clicked through.
    Desktop,
}

impl Suite {
    /// The names on the command line.
    #[cfg(test)]
    pub(crate) const NAMES: &[&str] = &["lint", "unit", "e2e", "interop", "desktop"];

    const fn alone(self) -> &'static str {
        match self {
            Suite::Lint => "cargo xtask test --suite lint",
            Suite::Unit => "cargo xtask test --suite unit",
            Suite::E2e => "cargo xtask test --suite e2e",
            Suite::Interop => "cargo xtask test --suite interop",
            Suite::Desktop => "cargo xtask test --suite desktop",
        }
    }
}

/// Runs a suite, or all of them. A step that fails does not keep the next ones from running, but for a
/// build: without it there is nothing to run.
pub(crate) fn test(suite: Option<Suite>) -> Result<()> {
    setup::for_build()?;
    let suites = match &suite {
        Some(suite) => std::slice::from_ref(suite),
        None => Suite::value_variants(),
    };
    if in_ci() && suites.contains(&Suite::Unit) {
        setup::for_tests()?;
    }
    if suites.contains(&Suite::Desktop) {
        setup::for_desktop()?;
        setup::for_desktop_tests()?;
    }
    let mut outcomes = Vec::new();
    if suites.contains(&Suite::Lint) {
        lint(&mut outcomes)?;
    }
    if suites.iter().any(|suite| *suite != Suite::Lint) {
        let build = Step::cargo("build everything", &whole(&["build"], &["--bins", "--tests"])).run()?;
        let built = build.passed;
        outcomes.push(build);
        if built {
            if suites.contains(&Suite::Unit) {
                unit(&mut outcomes)?;
            }
            if suites.contains(&Suite::E2e) {
                e2e(&mut outcomes)?;
            }
            if suites.contains(&Suite::Interop) {
                interop(&mut outcomes)?;
            }
            if suites.contains(&Suite::Desktop) {
                desktop::test(&mut outcomes)?;
            }
        }
    }
    summary(&outcomes)
}

/// A cargo command over all packages. The desktop shell is among them where its libraries are: whoever only
/// works on the engine needs none.
fn whole<'a>(command: &[&'a str], arguments: &[&'a str]) -> Vec<&'a str> {
    let packages: &[&str] = match desktop::can_build() {
        true => &["--workspace"],
        false => &["--workspace", "--exclude", "r3mes-launcher"],
    };
    [command, packages, arguments].concat()
}

fn lint(outcomes: &mut Vec<Outcome>) -> Result<()> {
    outcomes.push(hygiene()?);
    if setup::can_lint()? {
        outcomes.push(Step::cargo("check the formatting", &["fmt", "--all", "--check"]).run()?);
        let clippy = whole(&["clippy"], &["--all-targets", "--", "-D", "warnings"]);
        outcomes.push(Step::cargo("lint", &clippy).run()?);
    }
    let doc = Step::cargo("build the documentation", &whole(&["doc"], &["--no-deps"]));
    outcomes.push(doc.env("RUSTDOCFLAGS", "-D warnings").run()?);
    Ok(())
}

fn unit(outcomes: &mut Vec<Outcome>) -> Result<()> {
    let mut command = whole(&["test"], &["--no-fail-fast", "--lib", "--bins"]);
    let names = crate_tests()?;
    command.extend(names.iter().flat_map(|name| ["--test", name]));
    outcomes.push(Step::cargo("test each crate", &command).alone(Suite::Unit.alone()).run()?);
    let doc = whole(&["test"], &["--no-fail-fast", "--doc"]);
    outcomes.push(Step::cargo("test the examples in the documentation", &doc).run()?);
    Ok(())
}

fn e2e(outcomes: &mut Vec<Outcome>) -> Result<()> {
    let names = crossing_tests(|name| !is_interop(name))?;
    outcomes.push(crossing("test what crosses crates", &names, Suite::E2e)?.run()?);
    Ok(())
}

fn interop(outcomes: &mut Vec<Outcome>) -> Result<()> {
    if !go::can_build(go::TOOLS)? {
        return Ok(());
    }
    let names = crossing_tests(is_interop)?;
    let mut step = crossing("test against other makers' nodes", &names, Suite::Interop)?;
    for tool in go::TOOLS {
        let build = tool.build()?;
        let built = build.passed;
        outcomes.push(build);
        if !built {
            return Ok(());
        }
        step = step.env(tool.variable, tool.path()?);
    }
    outcomes.push(step.run()?);
    Ok(())
}

/// A step that runs test programs which start the real program.
fn crossing(heading: &str, names: &[String], suite: Suite) -> Result<Step> {
    let mut command = whole(&["test"], &["--no-fail-fast"]);
    command.extend(names.iter().flat_map(|name| ["--test", name]));
    let step = Step::cargo(heading, &command).env("R3MES_PROPOSER", built("r3mes-proposer", false)?);
    Ok(step.alone(suite.alone()))
}

fn hygiene() -> Result<Outcome> {
    let name = "check the committed files";
    heading(name);
    let start = Instant::now();
    let findings = hygiene::findings()?;
    for finding in &findings {
        println!("    {finding}");
    }
    let duration = start.elapsed();
    let word = if findings.is_empty() { "done" } else { "failed" };
    println!("    {word} in {:.1} s", duration.as_secs_f64());
    let alone = Suite::Lint.alone().to_owned();
    Ok(Outcome { heading: name.to_owned(), duration, passed: findings.is_empty(), alone })
}

/// Names of the crates' test programs.
fn crate_tests() -> Result<Vec<String>> {
    let mut names = Vec::new();
    let crates = root().join("crates");
    for folder in fs::read_dir(&crates).with_context(|| format!("failed to list {}", crates.display()))? {
        names.extend(test_programs(&folder?.path())?);
    }
    if desktop::can_build() {
        names.extend(test_programs(&root().join("src-tauri"))?);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Names of the test programs that cross crates.
fn crossing_tests(wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut names = test_programs(&root().join("tests"))?;
    names.retain(|name| wanted(name));
    names.sort();
    Ok(names)
}

/// Whether a test program needs nodes that Go builds.
fn is_interop(name: &str) -> bool {
    name.starts_with("interop_")
}

/// Names of a package's test programs: `tests/NAME.rs` and `tests/NAME/main.rs`.
fn test_programs(package: &Path) -> Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(package.join("tests")) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_test = path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").is_file();
        if let (true, Some(name)) = (is_test, path.file_stem()) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn summary(outcomes: &[Outcome]) -> Result<()> {
    heading("summary");
    for Outcome { heading, duration, passed, .. } in outcomes {
        let word = if *passed { "passed" } else { "FAILED" };
        println!("    {word}  {:>7.1} s  {heading}", duration.as_secs_f64());
    }
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.passed).collect();
    for Outcome { heading, alone, .. } in &failed {
        println!("    to repeat \"{heading}\" alone: {alone}");
    }
    match failed.as_slice() {
        [] => Ok(()),
        [one] => bail!("the step \"{}\" failed", one.heading),
        more => bail!("{} of {} steps failed", more.len(), outcomes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_named_as_documented() {
        let names: Vec<String> = Suite::value_variants()
            .iter()
            .filter_map(|suite| Some(suite.to_possible_value()?.get_name().to_owned()))
            .collect();
        assert_eq!(names, Suite::NAMES);
        for (suite, name) in Suite::value_variants().iter().zip(Suite::NAMES) {
            assert!(suite.alone().ends_with(&format!("--suite {name}")));
        }
    }

    #[test]
    fn test_programs_are_found() {
        assert!(crate_tests().unwrap().contains(&"settings".to_owned()));
        assert!(crossing_tests(|name| !is_interop(name)).unwrap().contains(&"imports".to_owned()));
        assert!(crossing_tests(is_interop).unwrap().contains(&"interop_kubo".to_owned()));
    }

    #[test]
    fn a_failed_step_fails_the_whole_and_is_named() {
        let outcome = |heading: &str, passed| Outcome {
            heading: heading.to_owned(),
            duration: std::time::Duration::ZERO,
            passed,
            alone: String::new(),
        };
        assert!(summary(&[outcome("a", true)]).is_ok());
        let one = summary(&[outcome("a", true), outcome("b", false)]).unwrap_err();
        assert_eq!(one.to_string(), "the step \"b\" failed");
        let two = summary(&[outcome("a", false), outcome("b", false)]).unwrap_err();
        assert_eq!(two.to_string(), "2 of 2 steps failed");
    }
}
