use r3mes_api::{DisplayUnits, PayoutAmount, PayoutPreview, Receipt};
use serde_json::json;

use super::confirm::confirm;
use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Payout;

/// Moves rewards to a cold address, once that has been seen and confirmed.
pub(crate) async fn run(command: Payout, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let units = workspace.units();
    if !command.confirmation.dry_run
        && let Some(receipt) = workspace.resume_payout().await?
    {
        return print(&receipt, true, (&units, json));
    }
    let amount = match command.amount {
        Some(units) => PayoutAmount::Units(units),
        None => PayoutAmount::AllAboveReserve,
    };
    let preview = workspace.payout_preview(amount, command.to.as_deref()).await?;
    if command.confirmation.dry_run {
        return if json { output::json(&preview) } else { output::line(describe(&preview, &units)) };
    }
    if !json {
        output::line(describe(&preview, &units))?;
    }
    if let Some(refusal) = preview.refusal {
        return Err(refusal.into());
    }
    confirm("pay out", command.confirmation.yes)?;
    let receipt = workspace.payout(&preview).await?;
    print(&receipt, false, (&units, json))
}

fn print(receipt: &Receipt, resumed: bool, (units, json): (&DisplayUnits, bool)) -> Result<(), Failure> {
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
        units.list(&receipt.fee)
    ))
}

fn describe(preview: &PayoutPreview, units: &DisplayUnits) -> String {
    let mut text = format!(
        "Payout from {}\n\nto       {}\namount   {}\nbalance  {}\nreserve  {}\nleft     {}",
        preview.from,
        preview.to,
        units.show_amount(&preview.amount),
        units.show_amount(&preview.balance),
        units.show_amount(&preview.reserve),
        units.show_amount(&preview.left)
    );
    if let Some(gas) = &preview.gas {
        text.push_str(&format!("\nfee      {} ({gas} gas)", units.list(&preview.fee)));
    }
    text
}
