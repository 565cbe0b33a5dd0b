use r3mes_api::{Amount, ClaimPreview, ClaimReceipt};
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
    if !command.confirmation.dry_run
        && let Some(receipt) = workspace.resume_claim().await?
    {
        return print(&receipt, true, json);
    }
    let preview = workspace.claim_preview().await?;
    if command.confirmation.dry_run {
        return if json { output::json(&preview) } else { output::line(describe(&preview)) };
    }
    if !json {
        output::line(describe(&preview))?;
    }
    if let Some(refusal) = preview.refusal {
        return Err(refusal.into());
    }
    confirm("claim", command.confirmation.yes)?;
    let receipt = workspace.claim(&preview).await?;
    print(&receipt, false, json)
}

fn print(claimed: &ClaimReceipt, resumed: bool, json: bool) -> Result<(), Failure> {
    let receipt = &claimed.receipt;
    if json {
        return output::json(&json!({ "resumed": resumed, "claim": claimed }));
    }
    if resumed {
        output::line("A claim that was confirmed before has come to its end.")?;
    }
    output::line(format!(
        "Claimed {} in block {} (transaction {}), for a fee of {}. Left to claim: {}.",
        listed(&receipt.received),
        receipt.height,
        receipt.tx_hash,
        listed(&receipt.fee),
        listed(&claimed.claimable)
    ))
}

fn describe(preview: &ClaimPreview) -> String {
    let mut rows: Vec<Vec<String>> = preview
        .validators
        .iter()
        .map(|entry| vec![entry.validator.clone(), listed(&entry.amounts)])
        .collect();
    if !preview.commission.is_empty() {
        rows.push(vec!["commission as an operator".to_owned(), listed(&preview.commission)]);
    }
    if rows.is_empty() {
        return format!("Nothing waits for {}.", preview.address);
    }
    let mut text = format!(
        "Claim of {}, in one transaction\n\n{}\n\ntotal  {}",
        preview.address,
        table::render(&["from", "amount"], &rows),
        listed(&preview.total)
    );
    if let Some(gas) = &preview.gas {
        text.push_str(&format!(
            "\nfee    {} ({gas} gas)\nnet    {}",
            listed(&preview.fee),
            listed(&preview.net)
        ));
    }
    text
}

/// Amounts in one line.
pub(crate) fn listed(amounts: &[Amount]) -> String {
    match amounts {
        [] => "nothing".to_owned(),
        amounts => amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
