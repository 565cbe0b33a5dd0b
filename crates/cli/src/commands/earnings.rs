use r3mes_api::LedgerLine;

use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Earnings;
use crate::table;

/// Prints every movement and the sums; as JSON, a line a movement and the sums last.
pub(crate) fn run(command: &Earnings, json: bool) -> Result<(), Failure> {
    let (sums, lines) = workspace(&command.proposer)?.earnings()?;
    if json {
        lines.iter().try_for_each(output::json)?;
        return output::json(&sums);
    }
    let row = |line: &LedgerLine| {
        vec![
            line.time(),
            line.kind.to_string(),
            line.amount.clone(),
            line.denom.clone(),
            line.height.clone(),
            line.tx_hash.clone(),
        ]
    };
    let heading = ["booked (UTC)", "kind", "amount", "denom", "block", "transaction"];
    output::line(table::render(&heading, &lines.iter().map(row).collect::<Vec<_>>()))?;
    output::line(format!(
        "\nearned {} {}, paid {} {} in fees; rewards are minted by the reveal itself and need no claim",
        sums.earned, sums.denom, sums.fees, sums.fee_denom
    ))
}
