//! `cargo xtask run`: the demo, from a fresh clone.

use anyhow::Result;

use crate::setup;
use crate::step::{Step, built};

const PROGRAM: &str = "r3mes-proposer";
const DEFAULTS: &[&str] = &["--rounds", "5", "--miners", "12", "--byzantine", "3", "--attack", "sign-flip"];

pub(crate) fn run(headless: bool, release: bool, arguments: &[String]) -> Result<()> {
    setup::for_build()?;
    if !headless {
        println!("there is no window yet: this is the demo in the terminal, as with --headless");
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
