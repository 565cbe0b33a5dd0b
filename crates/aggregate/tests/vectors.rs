//! Agreement with the vectors in `tests/vectors` at the project's root.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use r3mes_aggregate::{AggregateError, DType, Method, Options, Tolerance, Update, aggregate};

fn vectors(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

/// The tensors of a safetensors file in name order.
fn tensors(name: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(vectors(name)).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (header, data) = bytes[8..].split_at(header);
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).unwrap();
    let mut tensors = BTreeMap::new();
    for (name, value) in header {
        if name != "__metadata__" {
            assert_eq!(value["dtype"], "F32");
            let offset = |i: usize| value["data_offsets"][i].as_u64().unwrap() as usize;
            tensors.insert(name, data[offset(0)..offset(1)].to_vec());
        }
    }
    tensors
}

fn sample_counts() -> Vec<f64> {
    vec![300.0, 150.0, 250.0, 200.0, 180.0, 260.0]
}

fn check(method: Method, weights: &[f64], expected: &str) {
    let miners: Vec<_> = (0..6).map(|i| tensors(&format!("miner-{i}.safetensors"))).collect();
    let mut updates = Vec::new();
    // In an order of arrival that is not the order of ids.
    for i in [4, 0, 5, 1, 3, 2] {
        let mut update = Update::new(i as u64 + 1, weights[i]);
        for bytes in miners[i].values() {
            update.push(DType::F32, bytes);
        }
        updates.push(update);
    }
    let out = aggregate(&method, &updates, &Options::default()).unwrap();
    let expected: Vec<f32> = tensors(expected)
        .values()
        .flat_map(|b| b.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())))
        .collect();
    assert_eq!(out.len(), expected.len());
    for (c, (a, b)) in out.iter().zip(&expected).enumerate() {
        let ulp = (b.abs().next_up() - b.abs()).max(f32::from_bits(1));
        assert!((a - b).abs() <= ulp, "{method}: coordinate {c}: {a} is not {b}");
    }
}

#[test]
fn average() {
    check(Method::Average, &sample_counts(), "expected-mean.safetensors");
}

#[test]
fn weighted_average() {
    let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    check(Method::WeightedAverage, &weights, "expected-weighted-mean-1-6.safetensors");
}

#[test]
fn fedavg() {
    let method = Method::FedAvg { cap: Method::FEDAVG_CAP };
    check(method, &sample_counts(), "expected-fedavg-samples.safetensors");
}

#[test]
fn median() {
    check(Method::Median, &sample_counts(), "expected-median.safetensors");
}

#[test]
fn trimmed_mean() {
    for trim in [Tolerance::Ratio(0.2), Tolerance::Count(1)] {
        check(Method::TrimmedMean { trim }, &sample_counts(), "expected-trimmed-mean-0.2.safetensors");
    }
}

#[test]
fn non_finite_names_the_lowest_participant_then_coordinate() {
    let miners: Vec<_> = (0..8).map(|i| tensors(&format!("miner-{i}.safetensors"))).collect();
    let mut updates = Vec::new();
    for (i, miner) in miners.iter().enumerate() {
        let mut update = Update::new(i as u64 + 1, 1.0);
        for bytes in miner.values() {
            update.push(DType::F32, bytes);
        }
        updates.push(update);
    }
    let flat: Vec<f32> = miners[7]
        .values()
        .flat_map(|b| b.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())))
        .collect();
    let coordinate = flat.iter().position(|x| !x.is_finite()).unwrap();
    for name in Method::NAMES {
        let error = aggregate(&name.parse().unwrap(), &updates, &Options::default()).unwrap_err();
        assert_eq!(error, AggregateError::NonFinite { id: 8, coordinate }, "{name}");
    }
}
