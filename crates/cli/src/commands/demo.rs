use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use r3mes_api::demo::{self, DemoOptions, DemoProgress, DemoRound, DemoSummary};

use super::localnet::network_options;
use super::{Failure, output};
use crate::arguments::Demo;
use crate::table;

/// Runs the demo: progress while it works, a row a round, the earnings at the end.
pub(crate) async fn run(command: Demo, json: bool) -> Result<(), Failure> {
    let options = DemoOptions {
        rounds: command.rounds,
        network: network_options(&command.network)?,
        method: command.method.clone(),
        home: command.home.clone(),
    };
    let mut display = Display::new(json, command.rounds);
    let work = demo::run(options, |progress| display.show(progress));
    let summary = tokio::select! {
        summary = work => summary.map_err(Failure::from)?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Failure::other(format!("listen for Ctrl-C: {error}")))?;
            return Err(Failure::other("the demo was interrupted"));
        }
    };
    display.finish(&summary)
}

/// What a person or a machine sees of the demo.
struct Display {
    json: bool,
    bar: ProgressBar,
    rounds: Vec<DemoRound>,
    failed: Option<Failure>,
}

impl Display {
    fn new(json: bool, rounds: u32) -> Display {
        let bar = if json || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(rounds.into())
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} rounds {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Display { json, bar, rounds: Vec::new(), failed: None }
    }

    fn show(&mut self, progress: DemoProgress) {
        let shown = match progress {
            DemoProgress::Network { rpc_url, ipfs_url, miners, byzantine, attack } if !self.json => {
                let attackers = if byzantine == 0 {
                    "none attacks".to_owned()
                } else {
                    format!("{byzantine} attack by {attack}")
                };
                self.print(format!(
                    "Local network: chain at {rpc_url}, IPFS at {ipfs_url}, {miners} miners of which {attackers}."
                ))
            }
            DemoProgress::Step(text) => {
                self.bar.set_message(text);
                Ok(())
            }
            DemoProgress::Round(round) => {
                self.bar.inc(1);
                let shown = if self.json {
                    output::json(&round)
                } else {
                    self.print(format!(
                        "Round {}: {} gradients, {} excluded, accuracy {:.1} %, reward {}.",
                        round.round,
                        round.received,
                        round.excluded.len(),
                        round.accuracy * 100.0,
                        round.reward
                    ))
                };
                self.rounds.push(round);
                shown
            }
            DemoProgress::Network { .. } => Ok(()),
        };
        if let Err(failure) = shown {
            self.failed.get_or_insert(failure);
        }
    }

    fn print(&self, line: String) -> Result<(), Failure> {
        self.bar.suspend(|| output::line(line))
    }

    fn finish(mut self, summary: &DemoSummary) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        if self.json {
            return output::json(summary);
        }
        let heading =
            ["round", "received", "excluded", "method", "commit", "reveal", "reward", "accuracy", "CID"];
        let rows: Vec<Vec<String>> = self
            .rounds
            .iter()
            .map(|round| {
                vec![
                    round.round.to_string(),
                    round.received.to_string(),
                    round.excluded.len().to_string(),
                    round.method.clone(),
                    round.commit_height.to_string(),
                    round.reveal_height.to_string(),
                    round.reward.clone(),
                    format!("{:.1} %", round.accuracy * 100.0),
                    round.cid.clone(),
                ]
            })
            .collect();
        output::line(format!("\n{}", table::render(&heading, &rows)))?;
        for round in &self.rounds {
            for exclusion in &round.excluded {
                output::line(format!(
                    "Round {}: gradient {} of {} excluded: {}",
                    round.round, exclusion.gradient_id, exclusion.miner, exclusion.reason
                ))?;
            }
        }
        let method = self.rounds.first().map_or("", |round| round.method.as_str());
        output::line(format!(
            "\n{} aggregations by {method}, {} gradients excluded. Accuracy on held-back rows: {:.1} % -> {:.1} %.\n\
             Earned {} {}, paid {} {} in fees.",
            summary.aggregations,
            summary.excluded,
            summary.accuracy_first * 100.0,
            summary.accuracy_last * 100.0,
            summary.earned,
            summary.denom,
            summary.fees,
            summary.fee_denom
        ))
    }
}
