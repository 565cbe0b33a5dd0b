use r3mes_api::{Books, DisplayUnits, EarningsReport, Figure, LedgerLine, PeriodKind};

use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::{Earnings, Over};
use crate::table;

/// Prints every movement, or the sums by day or round, then the report; as JSON, an object a line and
/// the report last.
pub(crate) async fn run(command: Earnings, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let units = workspace.units();
    // The report first: it brings the books up to date.
    let report = workspace.earnings_report().await?;
    let lines = workspace.ledger_lines()?;
    if let Some(over) = command.by {
        let kind = match over {
            Over::Day => PeriodKind::Day,
            Over::Round => PeriodKind::Round,
        };
        let periods = r3mes_api::periods(&lines, kind);
        if json {
            periods.iter().try_for_each(output::json)?;
        } else {
            let row = |period: &r3mes_api::Period| {
                vec![
                    period.period.clone(),
                    units.list(&period.income),
                    units.list(&period.expense),
                    units.list(&period.net),
                ]
            };
            let heading = ["period", "income", "expense", "net"];
            output::line(table::render(&heading, &periods.iter().map(row).collect::<Vec<_>>()))?;
        }
    } else if json {
        lines.iter().try_for_each(output::json)?;
    } else {
        output::line(movements(&lines, &units))?;
    }
    if json { output::json(&report) } else { output::line(describe(&report, &units)) }
}

fn movements(lines: &[LedgerLine], units: &DisplayUnits) -> String {
    let row = |line: &LedgerLine| {
        let sign = if line.income { "" } else { "-" };
        vec![
            line.time(),
            line.kind.to_string(),
            format!("{sign}{}", units.figure(&line.amount, &line.denom)),
            units.unit(&line.denom),
            line.height.clone(),
            line.tx_hash.clone(),
        ]
    };
    let heading = ["booked (UTC)", "kind", "amount", "denom", "block", "transaction"];
    table::render(&heading, &lines.iter().map(row).collect::<Vec<_>>())
}

fn describe(report: &EarningsReport, units: &DisplayUnits) -> String {
    let figure = |name: &str, figure: &Figure| match &figure.unavailable {
        Some(reason) => format!("\n{name:<10} unknown: {reason}"),
        None => format!("\n{name:<10} {}", units.list(&figure.amounts)),
    };
    let mut text = format!(
        "\nearned {}, paid {} in fees; rewards are minted by the reveal itself and need no claim\n",
        units.show(&report.totals.earned, &report.totals.denom),
        units.show(&report.totals.fees, &report.totals.fee_denom)
    );
    text.push_str(&figure("estimated", &report.estimated));
    text.push_str(&figure("pending", &report.pending));
    text.push_str(&figure("paid", &report.paid));
    text.push_str(&figure("claimable", &report.claimable));
    if let Some(formula) = &report.formula {
        text.push_str(&format!("\n\nThe chain's reward formula, as it states it: {formula}"));
    }
    for line in &report.not_paid {
        text.push_str(&format!("\n  {line}"));
    }
    text.push_str("\n\n");
    text.push_str(&books(&report.books, units));
    text
}

fn books(books: &Books, units: &DisplayUnits) -> String {
    let mut text = match (books.agrees, &books.unavailable) {
        (Some(true), _) => format!("The books agree with the bank to the unit, at block {}.", books.height),
        (Some(false), _) => {
            let differing: Vec<String> = books
                .denoms
                .iter()
                .filter(|denom| denom.difference != "0")
                .map(|denom| units.show(&denom.difference, &denom.denom))
                .collect();
            format!(
                "The books DO NOT agree with the bank at block {}: the bank has {} beyond them.",
                books.height,
                differing.join(", ")
            )
        }
        (None, reason) => format!(
            "The books go up to block {} and were not compared with the bank: failed to {}",
            books.height,
            reason.as_deref().unwrap_or("reach it")
        ),
    };
    for gap in &books.gaps {
        text.push_str(&format!("\nNot seen: blocks {} to {}: {}.", gap.from, gap.to, gap.reason));
    }
    text
}
