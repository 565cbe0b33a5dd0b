use r3mes_api::{DisplayUnits, Standing, VerifiedRequest, moment};
use serde_json::json;

use super::keys::with_choice;
use super::localnet::stop_signal;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::{Authorization, AuthorizationRequest, AuthorizationStatus, AuthorizationVerify};

/// Asks for authorization, checks a request, or tells where the account stands.
pub(crate) async fn run(command: Authorization, json: bool) -> Result<(), Failure> {
    match command {
        Authorization::Request(command) => request(&command, json).await,
        Authorization::Verify(command) => verify(&command, json),
        Authorization::Status(command) => status(&command, json).await,
    }
}

async fn request(command: &AuthorizationRequest, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let composed = workspace.compose_authorization(&command.contact, &command.statement).await?;
    if let Some(path) = &command.output {
        std::fs::write(path, format!("{}\n", composed.document))
            .map_err(|error| Failure::input(vec![format!("write {}: {error}", path.display())]))?;
    }
    let sent = match command.send {
        true => Some(workspace.send_authorization(&composed.document).await?),
        false => None,
    };
    if command.stdout {
        return output::line(&composed.document);
    }
    if json {
        return output::json(&json!({
            "request": composed.request,
            "document": composed.document,
            "file": command.output.as_ref().unwrap_or(&composed.kept),
            "sent": sent,
        }));
    }
    let file = command.output.as_ref().unwrap_or(&composed.kept);
    output::line(format!(
        "Request of {} for {}, signed.\nIt stands in {}.",
        composed.request.address,
        composed.request.chain_id,
        file.display()
    ))?;
    match sent {
        Some(sent) => output::line(format!("{} took it ({}).", sent.url, sent.status)),
        None => output::line("Hand it to an administrator of the network."),
    }
}

fn verify(command: &AuthorizationVerify, json: bool) -> Result<(), Failure> {
    let workspace = workspace(&command.proposer)?;
    let document = r3mes_api::read_document(&command.file)?;
    let verified = workspace.verify_authorization(&document)?;
    if json { output::json(&verified) } else { output::line(describe(&verified)) }
}

fn describe(verified: &VerifiedRequest) -> String {
    let request = &verified.request;
    format!(
        "The request holds: {}.\n\naddress    {}\nchain      {}\nrole       {}\nhardware   {}\ncontact    {}\nstatement  {}\ntime       {}",
        verified.checks.join(", "),
        request.address,
        request.chain_id,
        request.role,
        request.hardware.verdict,
        request.contact,
        request.statement,
        request.time
    )
}

async fn status(command: &AuthorizationStatus, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let units = workspace.units();
    let print = |standing: &Standing| {
        if json { output::json(standing) } else { output::line(told(standing, &units)) }
    };
    if !command.watch {
        return print(&workspace.standing().await?);
    }
    let mut watch = workspace.watch_standing();
    let mut asked = std::pin::pin!(stop_signal());
    loop {
        tokio::select! {
            stop = &mut asked => return stop,
            changed = watch.changed() => match changed {
                Ok(standing) => print(&standing)?,
                Err(error) if error.code == r3mes_api::ErrorCode::Network => {
                    tracing::warn!("{error}");
                    tokio::time::sleep(workspace.settings().network.block_time).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn told(standing: &Standing, units: &DisplayUnits) -> String {
    let mut text = format!("{}: {} (block {})", standing.address, standing.told, standing.height);
    if let Some(registration) = &standing.registration {
        text.push_str(&format!(
            "\n  stake {}, status {}, {} slashing events, registered in block {}",
            units.coins(&registration.stake),
            registration.status,
            registration.slashing_events,
            registration.registered_height
        ));
    }
    if let (Some(at), None) = (standing.requested_at, &standing.registration) {
        text.push_str(&format!("\n  requested on {}", moment(at)));
    }
    text.push_str(&format!("\n  owns {}", units.list(&standing.balances)));
    if let Some(next) = &standing.next {
        text.push_str(&format!("\n  what to do: {next}"));
    }
    text
}
