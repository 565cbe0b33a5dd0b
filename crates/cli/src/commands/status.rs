use r3mes_api::{DisplayUnits, Overview, RoundSummary, StatusReport, moment};

use super::configure::endpoints;
use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Status;
use crate::table;

/// Shows what the proposer of a folder has done and is doing, and where it stands on the chain.
pub(crate) async fn run(command: Status, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let report = workspace.status(command.last).await?;
    if json {
        return output::json(&report);
    }
    let units = workspace.units();
    output::line(describe(&report.overview, &on_the_chain(&report, &units), &units))
}

/// Standing, balance, what the open round waits for, endpoints.
fn on_the_chain(report: &StatusReport, units: &DisplayUnits) -> String {
    let mut text = match (&report.standing, &report.unavailable) {
        (Some(standing), _) => {
            let next = standing.next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
            format!(
                "{} at block {}, owns {}{next}",
                standing.told,
                standing.height,
                units.list(&standing.balances)
            )
        }
        (None, reason) => {
            format!("standing unknown: failed to {}", reason.as_deref().unwrap_or("reach the chain"))
        }
    };
    let open = report.overview.rounds.iter().find(|round| round.state.is_open());
    if let Some(round) = open {
        text.push_str(&format!("\nround {} is {}", round.round, round.state));
        if let Some(deadline) = &round.deadline_height {
            text.push_str(&format!(", to be revealed by block {deadline}"));
        }
    }
    format!("{text}\n\n{}", endpoints(&report.reach))
}

/// Lists the rounds alone.
pub(crate) fn list(command: &Status, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let overview = workspace.overview(command.last)?;
    if json {
        return overview.rounds.iter().try_for_each(output::json);
    }
    output::line(rounds(&overview, &workspace.units()))
}

fn describe(overview: &Overview, on_the_chain: &str, units: &DisplayUnits) -> String {
    format!(
        "{} on {}: {}{}\n{} gradients received, {} judged, {} aggregations\nearned {}, paid {} in fees\n{on_the_chain}\n\n{}",
        overview.address,
        overview.chain_id,
        if overview.running { "running" } else { "not running" },
        backup(overview),
        overview.gradients_received,
        overview.gradients_judged,
        overview.aggregations,
        units.show(&overview.earnings.earned, &overview.earnings.denom),
        units.show(&overview.earnings.fees, &overview.earnings.fee_denom),
        rounds(overview, units)
    )
}

fn rounds(overview: &Overview, units: &DisplayUnits) -> String {
    let denom = &overview.earnings.denom;
    let row = |round: &RoundSummary| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            round.round.to_string(),
            round.state.to_string(),
            round.participants.to_string(),
            round.excluded.to_string(),
            text(&round.commit_height),
            text(&round.reveal_height),
            round.reward.as_ref().map_or(String::new(), |reward| units.figure(reward, denom)),
            round.reason.clone().or(round.cid.clone()).unwrap_or_default(),
        ]
    };
    let reward = format!("reward ({})", units.unit(denom));
    let heading =
        ["round", "state", "participants", "excluded", "commit", "reveal", &reward, "CID or reason"];
    table::render(&heading, &overview.rounds.iter().map(row).collect::<Vec<_>>())
}

/// When the account's key was backed up last: a reminder where it never was.
fn backup(overview: &Overview) -> String {
    match (&overview.key, overview.last_backup) {
        (Some(name), Some(at)) => format!(", key {name} last backed up {}", moment(at)),
        (Some(name), None) => format!(", key {name} is in no backup (`r3mes-proposer keys backup FILE`)"),
        (None, _) => String::new(),
    }
}
