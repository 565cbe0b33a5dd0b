use r3mes_api::{DisplayUnits, RegistrationPreview, RegistrationReceipt};
use serde_json::json;

use super::confirm::confirm;
use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Register;

/// Registers the account as a proposer, or states its resources anew, once that was seen and confirmed.
pub(crate) async fn run(command: Register, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let units = workspace.units();
    if !command.confirmation.dry_run
        && let Some(receipt) = workspace.resume_registration(command.update).await?
    {
        return print(&receipt, command.update, (&units, json));
    }
    let preview = workspace.registration_preview(command.stake, command.update).await?;
    if command.confirmation.dry_run {
        return if json { output::json(&preview) } else { output::line(describe(&preview, &units)) };
    }
    if let (Some(registration), false) = (&preview.registration, command.update) {
        if json {
            return output::json(&json!({ "already": true, "registration": registration }));
        }
        let stake = units.coins(&registration.stake);
        return output::line(format!("Registered already, with a stake of {stake}."));
    }
    if !json {
        output::line(describe(&preview, &units))?;
    }
    if let Some(refusal) = preview.refusal {
        return Err(refusal.into());
    }
    confirm(if command.update { "update the registration" } else { "register" }, command.confirmation.yes)?;
    let receipt = workspace.register(&preview).await?;
    print(&receipt, command.update, (&units, json))
}

fn print(
    receipt: &RegistrationReceipt,
    update: bool,
    (units, json): (&DisplayUnits, bool),
) -> Result<(), Failure> {
    if json {
        return output::json(receipt);
    }
    let (what, transaction) = (if update { "Updated" } else { "Registered" }, &receipt.receipt);
    output::line(format!(
        "{what} in block {} (transaction {}), for a fee of {}. The chain holds: stake {}, {} cores, {} GB of memory, {} GB of disk, {}.",
        transaction.height,
        transaction.tx_hash,
        units.list(&transaction.fee),
        units.coins(&receipt.registration.stake),
        receipt.registration.resources.cpu_cores,
        receipt.registration.resources.memory_gb,
        receipt.registration.resources.storage_gb,
        receipt.registration.status
    ))
}

fn describe(preview: &RegistrationPreview, units: &DisplayUnits) -> String {
    let what = if preview.update { "Update of the registration" } else { "Registration" };
    let resources = &preview.resources;
    let mut text = format!(
        "{what} of {}\n\nresources  {} cores, {} GB of memory, {} GB of free disk\nstake      {} (minimum {}, balance {})\nsigned     {}",
        preview.address,
        resources.cpu_cores,
        resources.memory_gb,
        resources.storage_gb,
        units.show_amount(&preview.stake),
        units.show_amount(&preview.minimum_stake),
        units.show_amount(&preview.balance),
        preview.message
    );
    if let Some(gas) = &preview.gas {
        text.push_str(&format!("\nfee        {} ({gas} gas)", units.list(&preview.fee)));
    }
    text
}
