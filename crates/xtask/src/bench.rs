//! `cargo xtask bench`: how fast the aggregation is on this machine.

use anyhow::Result;

use crate::setup;
use crate::step::Step;

pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    setup::for_build()?;
    let mut command = vec!["run", "--release", "--package", "r3mes-aggregate", "--example", "speed", "--"];
    command.extend(arguments.iter().map(String::as_str));
    Step::cargo("measure the aggregation methods", &command).run_or_fail()
}
