//! Every robust method keeps its result near the honest updates, whatever a tolerable number of others sends.
#![allow(clippy::unwrap_used)]

use r3mes_aggregate::{DType, Method, Options, Tolerance, Update, aggregate};

const N: usize = 15;
const F: usize = 3;
const D: usize = 3000;

/// Honest updates: a common direction and noise of their own.
fn honest() -> Vec<Vec<f32>> {
    let mut state = 99u64;
    let mut next = || {
        let mut sum = 0.0;
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (state >> 40) as f32 / (1 << 24) as f32 - 0.5;
        }
        sum
    };
    let common: Vec<f32> = (0..D).map(|_| next()).collect();
    (0..N - F).map(|_| common.iter().map(|c| c + next()).collect()).collect()
}

fn mean(rows: &[Vec<f32>]) -> Vec<f64> {
    (0..D).map(|c| rows.iter().map(|r| f64::from(r[c])).sum::<f64>() / rows.len() as f64).collect()
}

fn distance(a: &[f64], b: impl Iterator<Item = f64>) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

fn attacks(honest: &[Vec<f32>]) -> Vec<(String, Vec<Vec<f32>>)> {
    let mean = mean(honest);
    let deviation: Vec<f64> = (0..D)
        .map(|c| {
            (honest.iter().map(|r| (f64::from(r[c]) - mean[c]).powi(2)).sum::<f64>() / (N - F) as f64).sqrt()
        })
        .collect();
    let all = |name: String, row: Vec<f32>| (name, vec![row; F]);
    let scaled = |factor: f64| mean.iter().map(|m| (m * factor) as f32).collect::<Vec<_>>();
    let mut attacks: Vec<(String, Vec<Vec<f32>>)> =
        [0.0, -1.0, -10.0, 1e3, -1e6, 1e10, -1e20, 1e30, -1e37, 1e-30]
            .map(|factor| all(format!("mean times {factor:e}"), scaled(factor)))
            .into();
    for z in [1.0, 1.5, 3.0] {
        let row = mean.iter().zip(&deviation).map(|(m, s)| (m - z * s) as f32).collect();
        attacks.push(all(format!("a little is enough, z = {z}"), row));
    }
    attacks.push(all("mimic".to_owned(), honest[0].clone()));
    attacks.push(all("greatest".to_owned(), vec![f32::MAX; D]));
    attacks.push(all("one coordinate".to_owned(), (0..D).map(|c| if c == 7 { 1e25 } else { 0.1 }).collect()));
    let apart = (0..F).map(|i| scaled([1e30, -1e15, 1e8][i])).collect();
    attacks.push(("each at another scale".to_owned(), apart));
    let opposed = (0..F).map(|i| scaled([1e30, -1e30, 1e30][i])).collect();
    attacks.push(("opposed".to_owned(), opposed));
    attacks
}

#[test]
fn the_result_stays_near_the_honest_mean() {
    let honest = honest();
    let mean = mean(&honest);
    let radius =
        honest.iter().map(|row| distance(&mean, row.iter().map(|x| f64::from(*x)))).fold(0.0, f64::max);
    let mut failures = Vec::new();
    for text in [
        "median",
        "trimmed-mean",
        "meamed",
        "krum",
        "multi-krum",
        "bulyan",
        "mda",
        "geometric-median",
        "centered-clipping",
        "caf",
        "nnm+median",
        "nnm+trimmed-mean",
        "nnm+geometric-median",
        "nnm+krum",
        "arc+nnm+trimmed-mean",
        "arc+nnm+median",
        "arc+krum",
        "arc+geometric-median",
        "norm-clipping+trimmed-mean",
        "norm-clipping+geometric-median",
        "norm-filter+sign-filter+norm-clipping+trimmed-mean",
        "sign-filter+median",
        "norm-filter+caf",
        // Trusts one of the honest. Without a reference it is as weak as its medoid, which a few zeros can become.
        "fltrust(reference=3)",
        "norm-clipping+fltrust(reference=3)",
    ] {
        let method = text.parse::<Method>().unwrap().with_tolerance(Tolerance::Count(F));
        for (attack, bad) in attacks(&honest) {
            let bytes: Vec<Vec<u8>> =
                bad.iter().chain(&honest).map(|r| r.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
            let mut updates = Vec::new();
            for (i, bytes) in bytes.iter().enumerate() {
                let mut update = Update::new(i as u64, 1.0);
                update.push(DType::F32, bytes);
                updates.push(update);
            }
            let out = aggregate(&method, &updates, &Options::default()).unwrap();
            let off = distance(&mean, out.iter().map(|x| f64::from(*x))) / radius;
            // Krum chooses one update, perhaps one that is a little further out than the honest ones.
            let bound = if text.ends_with("krum") { 1.6 } else { 0.8 };
            if off.partial_cmp(&bound) != Some(std::cmp::Ordering::Less) {
                failures.push(format!("{method} under {attack}: {off:.3} radii from the honest mean"));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
