use r3mes_api::{DisplayUnits, EngineEvent, RoundState, StartOptions, Workspace};

use super::keys::with_choice;
use super::localnet::stop_signal;
use super::{Failure, output};
use crate::arguments::{ProposerOptions, Start};

/// Runs the proposer until it is told to stop, or has revealed as many rounds as were asked for.
pub(crate) async fn run(command: Start, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let mut running = r3mes_api::start(&workspace, StartOptions { checkpoint: die_at()? }).await?;
    let (mut events, units) = (running.events(), workspace.units());
    let mut revealed = 0;
    let mut asked = std::pin::pin!(stop_signal());
    let mut in_order = true;
    loop {
        tokio::select! {
            stop = &mut asked => {
                stop?;
                if !in_order {
                    running.stop_at_once().await.map_err(r3mes_api::ApiError::from)?;
                    return if json { Ok(()) } else { output::line(farewell(&workspace)) };
                }
                // The first time it stops in order; a second signal ends it where it is.
                running.ask_to_stop();
                in_order = false;
                asked.set(stop_signal());
            }
            event = events.recv() => match event {
                Ok(event) => {
                    if json { output::json(&event)?; } else if let Some(line) = sentence(&event.event, &units) { output::line(line)?; }
                    match event.event {
                        EngineEvent::RewardBooked { .. } => revealed += 1,
                        EngineEvent::Stopped { .. } => break,
                        _ => {}
                    }
                    if command.rounds.is_some_and(|rounds| revealed >= rounds) { break }
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => break,
            }
        }
    }
    running.stop().await.map_err(r3mes_api::ApiError::from)?;
    if json { Ok(()) } else { output::line(farewell(&workspace)) }
}

/// What a person must know who stopped the proposer.
fn farewell(workspace: &Workspace) -> String {
    let committed = workspace
        .overview(1)
        .ok()
        .and_then(|overview| overview.rounds.into_iter().next())
        .filter(|round| round.state == RoundState::Committed);
    match committed {
        Some(round) => format!(
            "Stopped while round {} is committed: start again before block {}, or the commitment is lost.",
            round.round,
            round.deadline_height.unwrap_or_default()
        ),
        None => "Stopped.".into(),
    }
}

/// Opens the workspace that the options name.
pub(crate) fn workspace(options: &ProposerOptions) -> Result<Workspace, Failure> {
    let changes = options
        .set
        .iter()
        .map(|change| {
            change
                .split_once('=')
                .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                .ok_or_else(|| {
                    Failure::input(vec![format!(
                        "--set wants KEY=VALUE, such as round.quorum=12, not {change:?}"
                    )])
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Workspace::open(options.home.as_deref(), options.network.as_deref(), &changes)?)
}

/// What a person reads of an event.
fn sentence(event: &EngineEvent, units: &DisplayUnits) -> Option<String> {
    Some(match event {
        EngineEvent::Started { address, chain_id, height } => {
            format!("Proposing as {address} on {chain_id} from block {height} on. Stop with Ctrl-C.")
        }
        EngineEvent::GradientJudged { gradient_id, miner, usable, failed, .. } if !failed.is_empty() => {
            let checks: Vec<String> = failed.iter().map(ToString::to_string).collect();
            let verdict = if *usable { "odd" } else { "unusable" };
            format!("Gradient {gradient_id} of {miner} is {verdict}: {}.", checks.join(", "))
        }
        EngineEvent::RoundAdvanced { round, height } => {
            let reason = round.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("Block {height}: round {} is {}{reason}.", round.training_round_id, round.state)
        }
        EngineEvent::RoundStalled { training_round_id, reason } => {
            format!("Round {training_round_id} cannot close: {reason}.")
        }
        EngineEvent::RewardBooked { training_round_id, amount, denom } => {
            format!("Round {training_round_id} earned {}.", units.show(amount, denom))
        }
        EngineEvent::Booked { kind, amount, denom, height, .. } => {
            format!("Block {height}: {kind} of {}.", units.show(amount, denom))
        }
        EngineEvent::RevealAtRisk { deadline_height, blocks_left, doing } => format!(
            "The reveal is at risk: {blocks_left} blocks are left until its deadline, block {deadline_height}; {doing}."
        ),
        EngineEvent::EndpointChanged { endpoint } => {
            let trouble = endpoint.trouble.as_ref().map(|trouble| format!(": {}", trouble.message));
            let used = if endpoint.in_use { ", in use" } else { "" };
            let standing = format!("{:?}", endpoint.standing).to_lowercase();
            format!("Chain endpoint {} is {standing}{used}{}.", endpoint.name, trouble.unwrap_or_default())
        }
        EngineEvent::AggregationChanged { aggregation_id, proposer, status, pending } => format!(
            "Aggregation {aggregation_id} of {proposer} is {status}; {pending} of its gradients are pending."
        ),
        EngineEvent::Accused { kind, attributes, height } => {
            let said: Vec<String> = attributes.iter().map(|(key, value)| format!("{key} {value}")).collect();
            format!("Block {height}: the chain says {kind} of this proposer: {}.", said.join(", "))
        }
        EngineEvent::Stopping { deadline_height } => match deadline_height {
            Some(height) => format!(
                "Stopping once the commitment is revealed, by block {height} at the latest. Ctrl-C again stops at once."
            ),
            None => {
                "Stopping once the transaction that is on its way is decided. Ctrl-C again stops at once."
                    .into()
            }
        },
        EngineEvent::Listening { trouble: Some(trouble) } => {
            format!("No events from the chain for now, it is asked instead: failed to {trouble}")
        }
        EngineEvent::Trouble(trouble) => format!("Trouble, trying again: failed to {}", trouble.told()),
        EngineEvent::Recovered { .. } => "Trouble over, work goes on.".into(),
        EngineEvent::IpfsNode { version, trouble } => match (version, trouble) {
            (_, Some(trouble)) => format!("Trying again: failed to {trouble}."),
            (Some(version), None) => format!("The IPFS node is up (Kubo {version})."),
            (None, None) => return None,
        },
        EngineEvent::Listening { trouble: None }
        | EngineEvent::GradientJudged { .. }
        | EngineEvent::Stopped { .. } => return None,
    })
}

/// The checkpoint at which tests let this process kill itself, from `R3MES_DIE_AT`; release builds
/// do not look.
fn die_at() -> Result<Option<r3mes_api::Checkpoint>, Failure> {
    if !cfg!(debug_assertions) {
        return Ok(None);
    }
    match std::env::var("R3MES_DIE_AT") {
        Ok(name) => {
            name.parse().map(Some).map_err(|error| Failure::other(format!("read R3MES_DIE_AT: {error}")))
        }
        Err(_) => Ok(None),
    }
}
