//! Every attack against every method: `cargo xtask attacks`.
//!
//! First on drawn vectors, where the distance from the honest mean can be measured (the robustness coefficient kappa), then
//! on the digits that the local network's miners train on. `--drawn` and `--digits` make one part alone, `--quick` runs one
//! seed of the digits, and methods that are named as arguments are run instead of [`METHODS`].
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod coefficient;
mod digits;
mod forgeries;

use std::error::Error;

use r3mes_aggregate::{AggregateError, Method, Options, Tolerance, Update, aggregate};

/// The recommended default, which the tables hold to its promises.
pub(crate) const DEFAULT: &str = Method::RECOMMENDED;

pub(crate) const METHODS: &[&str] = &[
    "average",
    "median",
    "trimmed-mean",
    "meamed",
    "krum",
    "multi-krum",
    "bulyan",
    "geometric-median",
    "centered-clipping",
    "fltrust",
    "norm-clipping+average",
    "norm-filter+sign-filter+norm-clipping+average",
    "nnm+median",
    "nnm+trimmed-mean",
    "nnm+geometric-median",
    "caf",
    "arc+nnm+median",
    "arc+nnm+trimmed-mean",
    DEFAULT,
];

fn main() -> Result<(), Box<dyn Error>> {
    let (options, named): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let has = |option: &str| options.iter().any(|given| given == option);
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let methods = if named.is_empty() { METHODS } else { &named };
    if !has("--digits") {
        coefficient::table(methods)?;
    }
    if !has("--drawn") {
        digits::tables(methods, has("--quick"))?;
    }
    Ok(())
}

/// `text` made to withstand `f`, but the default, which proposers use without knowing f, as it is.
pub(crate) fn method(text: &str, f: usize) -> Result<Method, Box<dyn Error>> {
    let method = text.parse::<Method>()?;
    Ok(if text == DEFAULT { method } else { method.with_tolerance(Tolerance::Count(f)) })
}

/// The method in a table; the default in bold.
pub(crate) fn name(text: &str) -> String {
    if text == DEFAULT { format!("**`{text}`**") } else { format!("`{text}`") }
}

/// Aggregates rows of equal weight.
pub(crate) fn combine(method: &Method, rows: &[&[f32]]) -> Result<Vec<f32>, AggregateError> {
    let updates: Vec<Update<'_>> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut update = Update::new(i as u64, 1.0);
            update.push_values(row);
            update
        })
        .collect();
    aggregate(method, &updates, &Options::default())
}

/// The mean of rows.
pub(crate) fn mean(rows: &[&[f32]]) -> Vec<f64> {
    let mut sums = vec![0.0; rows.first().map_or(0, |row| row.len())];
    for row in rows {
        sums.iter_mut().zip(*row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    sums.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
    sums
}

/// The squared distance.
pub(crate) fn squared_distance(a: &[f32], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (f64::from(*x) - y).powi(2)).sum()
}
