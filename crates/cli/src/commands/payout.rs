use r3mes_api::{PayoutAmount, PayoutPreview, Receipt};
use serde_json::json;

use super::claim_rewards::listed;
use super::confirm::confirm;
use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Payout;

/// Moves rewards to a cold address, once that has been seen and confirmed.
pub(crate) async fn run(command: Payout, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    if !command.confirmation.dry_run
        && let Some(receipt) = workspace.resume_payout().await?
    {
        return print(&receipt, true, json);
    }
    let amount = match command.amount {
        Some(units) => PayoutAmount::Units(units),
        None => PayoutAmount::AllAboveReserve,
    };
    let preview = workspace.payout_preview(amount, command.to.as_deref()).await?;
    if command.confirmation.dry_run {
        return if json { output::json(&preview) } else { output::line(describe(&preview)) };
    }
    if !json {
        output::line(describe(&preview))?;
    }
    if let Some(refusal) = preview.refusal {
        return Err(refusal.into());
    }
    confirm("pay out", command.confirmation.yes)?;
    let receipt = workspace.payout(&preview).await?;
    print(&receipt, false, json)
}

fn print(receipt: &Receipt, resumed: bool, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&json!({ "resumed": resumed, "payout": receipt }));
    }
    if resumed {
        output::line("A payout that was confirmed before has come to its end.")?;
    }
    output::line(format!(
        "Paid out in block {} (transaction {}), for a fee of {}.",
        receipt.height,
        receipt.tx_hash,
        listed(&receipt.fee)
    ))
}

fn describe(preview: &PayoutPreview) -> String {
    let mut text = format!(
        "Payout from {}\n\nto       {}\namount   {}\nbalance  {}\nreserve  {}\nleft     {}",
        preview.from, preview.to, preview.amount, preview.balance, preview.reserve, preview.left
    );
    if let Some(gas) = &preview.gas {
        text.push_str(&format!("\nfee      {} ({gas} gas)", listed(&preview.fee)));
    }
    text
}
