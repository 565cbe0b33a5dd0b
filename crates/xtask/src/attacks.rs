//! `cargo xtask attacks`: every attack against every aggregation method.

use anyhow::Result;

use crate::setup;
use crate::step::Step;
use crate::tables;

/// Where the tables are kept.
const DOCUMENT: &str = "crates/aggregate/ATTACKS.md";

pub(crate) fn attacks(quick: bool) -> Result<()> {
    setup::for_build()?;
    // The development profile optimizes what counts here, and is built for the tests anyway.
    let mut command = vec!["run", "--package", "r3mes-localnet", "--example", "attacks", "--"];
    if quick {
        command.push("--quick");
        return Step::cargo("attack the aggregation methods", &command).run_or_fail();
    }
    tables::write(DOCUMENT, &Step::cargo("attack the aggregation methods", &command).output()?)
}
