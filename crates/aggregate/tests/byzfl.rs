//! Agreement with ByzFL 0.0.11 (`tests/vectors/aggregators.json`), to 1e-5 relative.
//!
//! Where we differ on purpose:
//! * Krum and Multi-Krum count N - f - 2 nearest others, as the paper does, ByzFL N - f - 1: compared with
//!   `neighbours` set to ByzFL's count. With N < 2f + 3 (the 3 x 3 example) ours is an error.
//! * The geometric median is run to convergence from the medoid; ByzFL's stands after 3 steps from the mean of all,
//!   smoothed by 0.1. Ours must have a sum of distances that is no greater.
//! * Centered clipping starts at the medoid; compared with `start=origin`, which is ByzFL's.
//! * Of two values equally far from the median MeaMed leaves out the upper one, whatever the order of participants; ByzFL the
//!   one that its partial sort happens to leave at the end. On 400,000 columns of normal values the two agree in every one;
//!   where values lie on a grid they differ in the columns with such a tie, and in no other. The same holds for Bulyan and
//!   Flower's.
//! * ByzFL's MoNNA trusts one named participant; we have nothing like it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use r3mes_aggregate::{AggregateError, DType, Method, Options, Update, aggregate};
use serde_json::Value;

struct Case {
    name: String,
    rows: Vec<Vec<f64>>,
    out: Value,
    f: usize,
}

fn vector(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(vector).collect()
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/aggregators.json");
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut cases = Vec::new();
    for (name, case) in all.as_object().unwrap() {
        let Some(out) = case.get("out").cloned() else { continue };
        let (rows, f) = if let Some(input) = case.get("input") {
            (rows(input), 1)
        } else {
            let mut rows = rows(&case["honest"]);
            rows.extend([vector(&case["byz"]), vector(&case["byz"])]);
            (rows, 2)
        };
        cases.push(Case { name: name.clone(), rows, out, f });
    }
    assert_eq!(cases.len(), 7);
    cases
}

fn run(rows: &[Vec<f64>], method: &str) -> Result<Vec<f64>, AggregateError> {
    let bytes: Vec<Vec<u8>> = rows.iter().map(|r| r.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let mut updates = Vec::new();
    for (i, bytes) in bytes.iter().enumerate() {
        let mut update = Update::new(i as u64, 1.0);
        update.push(DType::F64, bytes);
        updates.push(update);
    }
    let method: Method = method.parse().unwrap();
    Ok(aggregate(&method, &updates, &Options::default())?.into_iter().map(f64::from).collect())
}

#[track_caller]
fn check(case: &Case, method: &str, expected: &[f64]) {
    let found = run(&case.rows, method).unwrap();
    let scale = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    for (c, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 1e-5 * scale, "{}: {method}: coordinate {c}: {a} is not {b}", case.name);
    }
}

fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..rows[0].len()).map(|c| rows.iter().map(|r| r[c]).sum::<f64>() / rows.len() as f64).collect()
}

#[test]
fn rules_agree() {
    for case in cases() {
        let f = case.f;
        for (theirs, ours) in [
            ("Average", "average".to_owned()),
            ("Median", "median".to_owned()),
            ("TrMean", format!("trimmed-mean(f={f})")),
            ("Meamed", format!("meamed(f={f})")),
            ("MDA", format!("mda(f={f})")),
            (
                "CenteredClipping(m=0,L=1,tau=100)",
                "centered-clipping(tau=100,steps=1,start=origin)".to_owned(),
            ),
            ("CenteredClipping(m=0,L=3,tau=1.0)", "centered-clipping(tau=1,steps=3,start=origin)".to_owned()),
            ("NNM+TrMean", format!("nnm(f={f})+trimmed-mean(f={f})")),
        ] {
            check(&case, &ours, &vector(&case.out[theirs]));
        }
    }
}

#[test]
fn krum_agrees_with_byzfls_count_of_neighbours() {
    for case in cases() {
        let (n, f) = (case.rows.len(), case.f);
        let neighbours = n - f - 1;
        if n < 2 * f + 3 {
            let error = run(&case.rows, &format!("krum(f={f})")).unwrap_err();
            assert_eq!(error, AggregateError::TooFew { method: "krum", f, needed: 2 * f + 3, found: n });
            continue;
        }
        check(&case, &format!("krum(f={f},neighbours={neighbours})"), &vector(&case.out["Krum"]));
        check(&case, &format!("multi-krum(f={f},neighbours={neighbours})"), &vector(&case.out["MultiKrum"]));
    }
}

#[test]
fn pre_aggregations_agree_in_their_mean() {
    for case in cases() {
        let f = case.f;
        for (theirs, ours) in [
            ("NNM", format!("nnm(f={f})+average")),
            ("ARC", format!("arc(f={f})+average")),
            ("Clipping(2.0)", "norm-clipping(norm=2)+average".to_owned()),
        ] {
            check(&case, &ours, &mean(&rows(&case.out[theirs])));
        }
    }
}

#[test]
fn geometric_median_is_no_worse_than_theirs() {
    for case in cases() {
        let cost = |z: &[f64]| -> f64 {
            let distance = |r: &Vec<f64>| r.iter().zip(z).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            case.rows.iter().map(distance).sum()
        };
        let ours = cost(&run(&case.rows, "geometric-median").unwrap());
        let theirs = cost(&vector(&case.out["GeometricMedian(nu=0.1,T=3)"]));
        assert!(ours <= theirs * (1.0 + 1e-6), "{}: {ours} > {theirs}", case.name);
    }
}

#[test]
fn of_two_values_equally_far_from_the_median_the_upper_leaves() {
    // What ByzFL 0.0.11 answers to the same columns depends on the order of participants.
    for (column, theirs) in [([-1.0, 0.0, 1.0], -0.5), ([1.0, 0.0, -1.0], 0.5), ([0.0, -1.0, 1.0], -0.5)] {
        let rows: Vec<Vec<f64>> = column.iter().map(|x| vec![*x]).collect();
        let ours = run(&rows, "meamed(f=1)").unwrap();
        assert_eq!(ours, [-0.5]);
        assert_eq!(ours[0].abs(), f64::abs(theirs), "both keep the median and one value at a distance of 1");
    }
    let column = [3.0, 1.0, 2.0, 4.0, 5.0, 0.0, 6.0];
    let rows: Vec<Vec<f64>> = column.iter().map(|x| vec![*x]).collect();
    assert_eq!(run(&rows, "meamed(f=1)").unwrap(), [2.5]);
    assert_eq!(run(&rows, "meamed(f=3)").unwrap(), [2.5]);
}
