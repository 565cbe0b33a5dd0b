//! The vectors of `tests/vectors`: real updates, written by real miners' serializers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use r3mes_gradient::{Container, DType, Gradient, Kind, Limits, Summary, TensorView, write_pickle};
use serde_json::Value;

const CONTAINERS: [(&str, Container); 3] = [
    ("safetensors", Container::Safetensors),
    ("pb", Container::GradientPackage),
    ("pkl.gz", Container::Pickle),
];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name)
}

fn open(name: &str) -> Gradient {
    Gradient::open(&path(name), &Limits::default()).unwrap()
}

fn manifest() -> Value {
    serde_json::from_slice(&std::fs::read(path("manifest.json")).unwrap()).unwrap()
}

#[test]
fn every_container_of_every_miner_agrees_with_the_manifest() {
    let manifest = manifest();
    let miners = manifest["miners"].as_array().unwrap();
    assert_eq!(miners.len(), 8);
    for (i, miner) in miners.iter().enumerate() {
        for (extension, container) in CONTAINERS {
            let file = format!("miner-{i}.{extension}");
            let gradient = open(&file);
            assert_eq!(gradient.container(), container, "{file}");
            assert_eq!(gradient.kind(), Kind::Gradient, "{file}");

            let layout = gradient.layout();
            let expected = miner["tensors"].as_array().unwrap();
            assert_eq!(layout.tensors().len(), expected.len(), "{file}");
            for (tensor, expected) in layout.tensors().iter().zip(expected) {
                assert_eq!(tensor.name, expected["name"].as_str().unwrap(), "{file}");
                assert_eq!(serde_json::json!(tensor.shape), expected["shape"], "{file}");
                assert_eq!((tensor.dtype, expected["dtype"].as_str().unwrap()), (DType::F32, "float32"));
            }

            let summary = gradient.summary();
            match miner["gradient_hash_int8"].as_str() {
                Some(hash) => {
                    assert_eq!(summary.hash_int8, hash, "{file}");
                    assert_eq!(
                        summary.hash_float32,
                        miner["gradient_hash_float32"].as_str().unwrap(),
                        "{file}"
                    );
                    let norm = miner["l2_norm"].as_f64().unwrap();
                    assert!(
                        (summary.statistics.l2_norm - norm).abs() <= 1e-6,
                        "{file}: {}",
                        summary.statistics.l2_norm
                    );
                    assert_eq!(summary.statistics.non_finite, 0, "{file}");
                }
                // Miner 7 sends one NaN and one infinity.
                None => assert_eq!(summary.statistics.non_finite, 2, "{file}"),
            }
            assert_eq!(summary.statistics.overflow, 0, "{file}");
            assert_eq!(summary.statistics.elements, 1320, "{file}");

            // The safetensors files carry no metadata; the others no sample count.
            assert_eq!(gradient.sample_count(), None, "{file}");
            if container != Container::Safetensors {
                let loss: f64 = gradient.metadata()["loss"].parse().unwrap();
                // serde_json's reading of a float may be off by a unit in the last place.
                assert!((loss - miner["loss"].as_f64().unwrap()).abs() < 1e-15, "{file}: {loss}");
                assert_eq!(gradient.metadata()["training_step"], "300", "{file}");
            }
        }
    }
}

#[test]
fn the_containers_of_one_miner_hold_the_same_bits() {
    for i in 0..8 {
        let [a, b, c] = CONTAINERS.map(|(extension, _)| open(&format!("miner-{i}.{extension}")));
        assert!(a.tensors().eq(b.tensors()) && a.tensors().eq(c.tensors()), "miner {i}");
        assert_eq!(b.metadata(), c.metadata(), "miner {i}");
        // NaN and infinity too.
        assert_eq!(a.summary(), b.summary(), "miner {i}");
        assert_eq!(a.summary(), c.summary(), "miner {i}");
    }
}

#[test]
fn a_package_tells_what_its_miner_states() {
    let fields = open("miner-0.pb").package_fields().cloned().unwrap();
    assert_eq!(fields.training_round_id, 7);
    assert_eq!(fields.gradient_hash, open("miner-0.pb").hash_int8());
    assert_eq!(fields.timestamp, 1_795_415_461);
    assert_eq!(open("miner-0.safetensors").package_fields(), None);
}

#[test]
fn lora_state_is_weights_and_a_bare_number_is_a_scalar() {
    let weights = open("lora-state.pkl.gz");
    assert_eq!(weights.kind(), Kind::Weights);
    assert_eq!(weights.metadata()["kind"], "lora_state");
    let alpha = weights.tensors().find(|tensor| tensor.name == "layers.0.lora_alpha").unwrap();
    assert_eq!((alpha.shape, alpha.dtype, alpha.bytes), (&[][..], DType::F64, &16f64.to_le_bytes()[..]));
    // Beside it stand the tensors of miner 0.
    let others: Vec<TensorView<'_>> = weights.tensors().filter(|t| t.name != "layers.0.lora_alpha").collect();
    let miner = open("miner-0.safetensors");
    assert!(miner.tensors().eq(others.iter().copied()));
}

#[test]
fn per_tensor_statistics_add_up() {
    let Summary { statistics, tensors, .. } = open("miner-6.pkl.gz").summary();
    assert_eq!(tensors.len(), 4);
    assert_eq!(tensors.iter().map(|t| t.statistics.elements).sum::<u64>(), statistics.elements);
    let squares: f64 = tensors.iter().map(|t| t.statistics.l2_norm.powi(2)).sum();
    assert!((squares.sqrt() - statistics.l2_norm).abs() < 1e-9);
    let max = tensors.iter().map(|t| t.statistics.max).fold(f64::MIN, f64::max);
    assert_eq!(max, statistics.max);
}

#[test]
fn our_pickle_is_a_miners_pickle() {
    let unzipped = |bytes: &[u8]| {
        let mut pickle = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut pickle).unwrap();
        pickle
    };
    for i in 0..8 {
        let file = std::fs::read(path(&format!("miner-{i}.pkl.gz"))).unwrap();
        let gradient = Gradient::from_vec(file.clone(), &Limits::default()).unwrap();
        let tensors: Vec<TensorView<'_>> = gradient.tensors().collect();
        let mut written = Vec::new();
        write_pickle(&mut written, Kind::Gradient, &tensors, gradient.metadata()).unwrap();

        let (theirs, ours) = (unzipped(&file), unzipped(&written));
        // The metadata's keys stand in another order; all before them is equal, frame header included.
        let metadata = theirs.windows(8).position(|window| window == b"metadata").unwrap();
        assert_eq!(theirs.len(), ours.len(), "miner {i}");
        assert_eq!(theirs[..metadata + 8], ours[..metadata + 8], "miner {i}");

        let again = Gradient::from_vec(written, &Limits::default()).unwrap();
        assert!(again.tensors().eq(gradient.tensors()));
        assert_eq!(again.metadata(), gradient.metadata());
    }
}

#[test]
fn expected_aggregates_are_readable() {
    let names = ["mean", "median", "trimmed-mean-0.2", "weighted-mean-1-6", "fedavg-samples"];
    for name in names {
        let aggregate = open(&format!("expected-{name}.safetensors"));
        assert_eq!(aggregate.layout(), open("miner-0.safetensors").layout());
        assert_eq!(aggregate.metadata(), &BTreeMap::new());
    }
}
