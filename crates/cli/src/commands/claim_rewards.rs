use r3mes_api::{ClaimPreview, ClaimReceipt, DisplayUnits};
use serde_json::json;

use super::confirm::confirm;
use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::ClaimRewards;
use crate::table;

/// Withdraws delegation rewards and commission in one transaction, once it has been seen and confirmed.
pub(crate) async fn run(command: ClaimRewards, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let units = workspace.units();
    if !command.confirmation.dry_run
        && let Some(receipt) = workspace.resume_claim().await?
    {
        return print(&receipt, true, (&units, json));
    }
    let preview = workspace.claim_preview().await?;
    if command.confirmation.dry_run {
        return if json { output::json(&preview) } else { output::line(describe(&preview, &units)) };
    }
    if !json {
        output::line(describe(&preview, &units))?;
    }
    if let Some(refusal) = preview.refusal {
        return Err(refusal.into());
    }
    confirm("claim", command.confirmation.yes)?;
    let receipt = workspace.claim(&preview).await?;
    print(&receipt, false, (&units, json))
}

fn print(claimed: &ClaimReceipt, resumed: bool, (units, json): (&DisplayUnits, bool)) -> Result<(), Failure> {
    let receipt = &claimed.receipt;
    if json {
        return output::json(&json!({ "resumed": resumed, "claim": claimed }));
    }
    if resumed {
        output::line("A claim that was confirmed before has come to its end.")?;
    }
    output::line(format!(
        "Claimed {} in block {} (transaction {}), for a fee of {}. Left to claim: {}.",
        units.list(&receipt.received),
        receipt.height,
        receipt.tx_hash,
        units.list(&receipt.fee),
        units.list(&claimed.claimable)
    ))
}

fn describe(preview: &ClaimPreview, units: &DisplayUnits) -> String {
    let mut rows: Vec<Vec<String>> = preview
        .validators
        .iter()
        .map(|entry| vec![entry.validator.clone(), units.list(&entry.amounts)])
        .collect();
    if !preview.commission.is_empty() {
        rows.push(vec!["commission as an operator".to_owned(), units.list(&preview.commission)]);
    }
    if rows.is_empty() {
        return format!("Nothing waits for {}.", preview.address);
    }
    let mut text = format!(
        "Claim of {}, in one transaction\n\n{}\n\ntotal  {}",
        preview.address,
        table::render(&["from", "amount"], &rows),
        units.list(&preview.total)
    );
    if let Some(gas) = &preview.gas {
        text.push_str(&format!(
            "\nfee    {} ({gas} gas)\nnet    {}",
            units.list(&preview.fee),
            units.list(&preview.net)
        ));
    }
    text
}
