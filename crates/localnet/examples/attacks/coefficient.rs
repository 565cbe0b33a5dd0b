//! The robustness coefficient on drawn vectors: kappa = norm(F - honest mean)^2 / variance of the honest.

use std::error::Error;

use r3mes_localnet::miners::attacks::{Forgery, RoundView};
use r3mes_localnet::miners::random::{normal, stream};
use rayon::prelude::*;

use crate::forgeries::Literature;
use crate::{combine, mean, method, name, squared_distance};

const N: usize = 25;
const F: usize = 5;
const D: usize = 2000;
const SEEDS: u64 = 10;

/// How the honest updates are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Honest {
    /// A common standard normal vector and a standard normal deviation of each.
    Iid,
    /// Four centres, each the common vector and a standard normal deviation; five updates about each, at as much again.
    Clusters,
}

fn draw(honest: Honest, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = stream(seed, "kappa", &[honest as u64]);
    let mut vector = || (0..D).map(|_| normal(&mut rng)).collect::<Vec<f64>>();
    let common = vector();
    let centres: Vec<Vec<f64>> = (0..4).map(|_| vector()).collect();
    (0..N - F)
        .map(|i| {
            let own = vector();
            let value = |c: usize| match honest {
                Honest::Iid => common[c] + own[c],
                Honest::Clusters => common[c] + centres[i % 4][c] + own[c],
            };
            (0..D).map(|c| value(c) as f32).collect()
        })
        .collect()
}

/// kappa of one round.
fn kappa(text: &str, honest: Honest, attack: &Literature, seed: u64) -> Result<f64, Box<dyn Error>> {
    let method = method(text, F)?;
    let rows = draw(honest, seed);
    let honest: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let centre = mean(&honest);
    let variance = honest.iter().map(|row| squared_distance(row, &centre)).sum::<f64>() / honest.len() as f64;
    let bad: Vec<Vec<f32>> = (0..F)
        .map(|i| {
            let view = RoundView { training_round_id: 1, own: honest[i], honest: &honest, byzantine: F };
            attack.forge(&view, &mut stream(seed, "kappa-forgery", &[i as u64]))
        })
        .collect();
    let mut all: Vec<&[f32]> = bad.iter().map(Vec::as_slice).collect();
    all.extend(&honest);
    Ok(squared_distance(&combine(&method, &all)?, &centre) / variance)
}

/// Prints the table: for each method the worst of the attacks that do not look at the rule, and the one that does.
pub(crate) fn table(methods: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("### Distance from the honest mean");
    println!(
        "kappa with N = {N}, f = {F}, d = {D}, mean of {SEEDS} seeds: the worst of the attacks that do not know the rule, which one that is, and the one that does.\n"
    );
    println!("| method | iid: worst | by | adaptive | four clusters: worst | by | adaptive |");
    println!("|---|---:|---|---:|---:|---|---:|");
    for text in methods {
        let mut cells = Vec::new();
        for honest in [Honest::Iid, Honest::Clusters] {
            let mut attacks = Literature::fixed();
            // There are no labels here.
            attacks.retain(|attack| !attack.flips_labels());
            attacks.push(Literature::Adaptive(method(text, F)?));
            let mut means: Vec<(f64, String)> = attacks
                .par_iter()
                .map(|attack| {
                    let total: f64 =
                        (1..=SEEDS).map(|seed| kappa(text, honest, attack, seed).unwrap_or(f64::NAN)).sum();
                    (total / SEEDS as f64, attack.name())
                })
                .collect();
            let adaptive = means.pop().ok_or("no attacks")?;
            let worst = means.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).ok_or("no attacks")?;
            cells.extend([shown(worst.0), worst.1, shown(adaptive.0)]);
        }
        println!("| {} | {} |", name(text), cells.join(" | "));
    }
    println!();
    Ok(())
}

fn shown(kappa: f64) -> String {
    if kappa < 100.0 { format!("{kappa:.3}") } else { format!("{kappa:.0e}") }
}
