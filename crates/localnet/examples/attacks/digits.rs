//! Final accuracies of the federated digits under attack.

use std::error::Error;

use r3mes_aggregate::Method;
use r3mes_localnet::miners::attacks::Forgery;
use r3mes_localnet::miners::model::TrainingSettings;
use r3mes_localnet::miners::simulation::{Federation, run};
use rayon::prelude::*;

use crate::forgeries::Literature;
use crate::{combine, method, name};

const MINERS: usize = 15;
const ROUNDS: u64 = 10;
const SEEDS: [u64; 3] = [7, 11, 23];
/// A fifth, a third, and the most that is below a half.
const BYZANTINE: [usize; 3] = [3, 5, 7];

/// How the miners' mixtures of digits differ: the concentration of the Dirichlet distribution.
const SPREADS: [(&str, f64); 2] = [("IID", 1e4), ("non-IID (Dirichlet 1)", 1.0)];

pub(crate) fn tables(methods: &[&str], quick: bool) -> Result<(), Box<dyn Error>> {
    for (name, skew) in SPREADS {
        for byzantine in BYZANTINE {
            table(methods, name, skew, byzantine, if quick { &SEEDS[..1] } else { &SEEDS })?;
        }
    }
    Ok(())
}

fn table(
    methods: &[&str],
    spread: &str,
    skew: f64,
    byzantine: usize,
    seeds: &[u64],
) -> Result<(), Box<dyn Error>> {
    println!("### Digits, {spread}, {byzantine} of {MINERS} attack");
    println!(
        "Accuracy in per cent on held-back rows after {ROUNDS} rounds, mean of {} seeds. *None*: the same rule and f, nobody attacks.\n",
        seeds.len()
    );
    let names: Vec<String> = Literature::fixed().iter().map(Literature::name).collect();
    println!("| method | none | {} | adaptive | worst loss |", names.join(" | "));
    println!("|---|{}", "---:|".repeat(names.len() + 3));
    for text in methods {
        let method = method(text, byzantine)?;
        let mut attacks: Vec<Option<Literature>> = vec![None];
        attacks.extend(Literature::fixed().into_iter().map(Some));
        attacks.push(Some(Literature::Adaptive(method.clone())));
        eprintln!("{spread}: {method}");
        let runs: Vec<(usize, u64)> =
            (0..attacks.len()).flat_map(|a| seeds.iter().map(move |seed| (a, *seed))).collect();
        let accuracies: Vec<Option<f64>> = runs
            .par_iter()
            .map(|(a, seed)| accuracy(&method, attacks[*a].as_ref(), *seed, skew, byzantine))
            .collect();
        let means: Option<Vec<f64>> = accuracies
            .chunks(seeds.len())
            .map(|some| some.iter().copied().sum::<Option<f64>>().map(|sum| 100.0 * sum / some.len() as f64))
            .collect();
        let Some(means) = means else {
            println!("| {} | needs more miners |{}", name(text), " |".repeat(names.len() + 2));
            continue;
        };
        let least = means[1..].iter().copied().fold(f64::INFINITY, f64::min);
        let cells: Vec<String> = means.iter().map(|mean| format!("{mean:.1}")).collect();
        println!("| {} | {} | {:.1} |", name(text), cells.join(" | "), means[0] - least);
    }
    println!();
    Ok(())
}

/// The accuracy after the last round, 0..=1; none where the rule refuses so few miners.
fn accuracy(
    method: &Method,
    attack: Option<&Literature>,
    seed: u64,
    skew: f64,
    byzantine: usize,
) -> Option<f64> {
    let settings = TrainingSettings { label_skew: skew, ..TrainingSettings::default() };
    let bad = if attack.is_some() { byzantine } else { 0 };
    let federation = Federation::new(seed, MINERS, bad, settings).ok()?;
    let enough = vec![0.0; 4];
    combine(method, &[enough.as_slice(); MINERS]).ok()?;
    let accuracies = run(&federation, attack.map(|a| a as &dyn Forgery), ROUNDS, |updates| {
        let rows: Vec<&[f32]> = updates.iter().map(|update| update.values.as_slice()).collect();
        combine(method, &rows).unwrap_or_default()
    });
    accuracies.last().copied()
}
