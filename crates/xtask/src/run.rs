//! `cargo xtask run`, from a fresh clone: the launcher where there is a display, else the demo.

use anyhow::Result;

use crate::desktop;
use crate::setup;
use crate::step::{Step, built, target};

const PROGRAM: &str = "r3mes-proposer";
const DEFAULTS: &[&str] = &["--rounds", "5", "--miners", "12", "--byzantine", "3", "--attack", "sign-flip"];

pub(crate) fn run(headless: bool, release: bool, arguments: &[String]) -> Result<()> {
    setup::for_build()?;
    if !headless && desktop::has_display() {
        return launcher(release);
    }
    if !headless {
        println!("there is no display: this is the demo in the terminal, as with --headless");
    }
    let mut build = vec!["build", "--package", PROGRAM];
    if release {
        build.push("--release");
    }
    Step::cargo("build the proposer", &build).run_or_fail()?;
    let arguments: Vec<&str> = match arguments.is_empty() {
        true => DEFAULTS.to_vec(),
        false => arguments.iter().map(String::as_str).collect(),
    };
    let program = built(PROGRAM, release)?;
    Step::new("run the demo", program, &[&["demo"], arguments.as_slice()].concat()).exec()
}

/// The launcher on a data folder of the target folder's, so that a real one is left alone.
fn launcher(release: bool) -> Result<()> {
    setup::for_desktop()?;
    let program = desktop::build_launcher(release)?;
    let home = target()?.join("launcher").display().to_string();
    Step::new("open the launcher", program, &["--home", &home]).exec()
}
