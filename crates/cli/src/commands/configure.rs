use std::io::{BufRead, Write};

use r3mes_api::{ApiError, ErrorCode, Question, Reach, Workspace};
use serde_json::json;

use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Configure;
use crate::table;

/// The exit code where the settings were written and something that they name was not reached.
const UNREACHED: u8 = 4;

/// Changes the settings by prompts, or takes those of `--set`, and reaches what they name.
pub(crate) async fn run(command: Configure, json: bool) -> Result<(), Failure> {
    let by_prompts = command.proposer.set.is_empty();
    let mut workspace = workspace(&command.proposer)?;
    if by_prompts {
        let input = std::io::stdin().lock();
        ask(&mut workspace, input)?;
    }
    let reach = match command.no_check {
        true => None,
        false => Some(workspace.reach().await?),
    };
    let file = workspace.root().join("settings.toml");
    if json {
        output::json(&json!({ "settings": file, "reach": reach }))?;
    } else {
        output::line(format!("The settings stand in {}.", file.display()))?;
        if let Some(reach) = &reach {
            output::line(format!("\n{}", endpoints(reach)))?;
        }
    }
    match reach {
        Some(reach) if !reach.usable => Err(unreached(&reach)),
        _ => Ok(()),
    }
}

/// Asks for one key after the other. An answer that is wrong is told at once, and asked for again.
#[expect(clippy::print_stderr, reason = "questions to a person")]
fn ask(workspace: &mut Workspace, mut input: impl BufRead) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::other(format!("read an answer: {error}"));
    let mut draft = workspace.draft()?;
    let mut subject = "";
    'questions: for Question { subject: of, key, about, value, optional } in draft.questions() {
        if of != subject {
            eprintln!("\n{of}");
            subject = of;
        }
        loop {
            let shown = value.as_deref().unwrap_or("none");
            let out = if optional && value.is_some() { ", - for none" } else { "" };
            eprint!("  {about}\n  {key} [{shown}{out}]: ");
            std::io::stderr().flush().map_err(failed)?;
            let mut answer = String::new();
            if input.read_line(&mut answer).map_err(failed)? == 0 {
                eprintln!();
                break 'questions;
            }
            let answer = match answer.trim() {
                "" => break,
                "-" if optional => "",
                answer => answer,
            };
            match draft.answer(&key, answer) {
                Ok(()) => break,
                Err(error) => eprintln!("  not taken: {error}"),
            }
        }
    }
    draft.save()?;
    Ok(())
}

/// What was reached, and what was not.
pub(crate) fn endpoints(reach: &Reach) -> String {
    let mut rows: Vec<Vec<String>> = reach
        .endpoints
        .iter()
        .map(|found| {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            vec![
                "chain".to_owned(),
                found.url.clone(),
                text(&found.chain_id),
                text(&found.height),
                found.lag_blocks.map_or(String::new(), |lag| lag.to_string()),
                found.latency_ms.map_or(String::new(), |ms| format!("{ms} ms")),
                found.problem.clone().unwrap_or_else(|| "reached".to_owned()),
            ]
        })
        .collect();
    let ipfs = &reach.ipfs;
    rows.push(vec![
        "IPFS".to_owned(),
        ipfs.url.clone(),
        ipfs.version.clone().unwrap_or_default(),
        String::new(),
        String::new(),
        ipfs.latency_ms.map_or(String::new(), |ms| format!("{ms} ms")),
        ipfs.problem.clone().unwrap_or_else(|| "reached".to_owned()),
    ]);
    table::render(&["what", "endpoint", "is", "height", "lag", "latency", "found"], &rows)
}

fn unreached(reach: &Reach) -> Failure {
    let problems = reach.endpoints.iter().map(|found| (&found.url, &found.problem, &found.remedy)).chain([(
        &reach.ipfs.url,
        &reach.ipfs.problem,
        &reach.ipfs.remedy,
    )]);
    let problems: Vec<_> = problems
        .filter_map(|(url, problem, remedy)| Some((url, problem.as_ref()?, remedy.as_deref()?)))
        .collect();
    let text: Vec<String> = problems.iter().map(|(url, problem, _)| format!("{url} {problem}")).collect();
    let mut remedies: Vec<&str> = problems.iter().map(|(_, _, remedy)| *remedy).collect();
    remedies.dedup();
    let text = format!("reach what the settings name (they are written): {}", text.join("; "));
    let remedy = format!("{}; --no-check leaves this out", remedies.join("; "));
    Failure::from(ApiError::new(ErrorCode::Network, text).with_remedy(remedy)).with_exit(UNREACHED)
}
