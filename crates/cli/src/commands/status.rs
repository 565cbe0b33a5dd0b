use r3mes_api::Overview;

use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Status;
use crate::table;

/// Shows what the proposer of a folder has done and is doing.
pub(crate) async fn run(command: Status, json: bool) -> Result<(), Failure> {
    let overview = workspace(&command.proposer)?.overview(command.last)?;
    if json { output::json(&overview) } else { output::line(describe(&overview)) }
}

fn describe(overview: &Overview) -> String {
    let rows: Vec<Vec<String>> = overview
        .rounds
        .iter()
        .map(|round| {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            vec![
                round.round.to_string(),
                round.state.to_string(),
                round.participants.to_string(),
                round.excluded.to_string(),
                text(&round.commit_height),
                text(&round.reveal_height),
                text(&round.reward),
                round.cid.clone().or(round.reason.clone()).unwrap_or_default(),
            ]
        })
        .collect();
    let heading = ["round", "state", "participants", "excluded", "commit", "reveal", "reward", "CID"];
    format!(
        "{} on {}: {}\n{} gradients received, {} judged, {} aggregations\nearned {} {}, paid {} {} in fees\n\n{}",
        overview.address,
        overview.chain_id,
        if overview.running { "running" } else { "not running" },
        overview.gradients_received,
        overview.gradients_judged,
        overview.aggregations,
        overview.earnings.earned,
        overview.earnings.denom,
        overview.earnings.fees,
        overview.earnings.fee_denom,
        table::render(&heading, &rows)
    )
}
