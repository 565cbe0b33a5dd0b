//! The vectors of real miners, through the command line.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use r3mes_gradient::{Gradient, Limits};
use r3mes_tests::{run, run_json, vectors};
use serde_json::Value;

fn manifest() -> Value {
    serde_json::from_slice(&std::fs::read(vectors().join("manifest.json")).unwrap()).unwrap()
}

fn vector(name: &str) -> String {
    vectors().join(name).to_str().unwrap().to_owned()
}

#[test]
fn inspect_agrees_with_the_manifest() {
    let (mut inspected, mut hashed) = (0, 0);
    for (index, miner) in manifest()["miners"].as_array().unwrap().iter().enumerate() {
        for (ending, container) in
            [("safetensors", "safetensors"), ("pb", "gradient-package"), ("pkl.gz", "pickle")]
        {
            let name = format!("miner-{index}.{ending}");
            let found = run_json(&["inspect", &vector(&name)], &[]).remove(0);
            assert_eq!(found["container"], container, "{name}");
            // The manifest states neither hash nor norm of the miner that sends NaN and infinity.
            for hash in ["gradient_hash_int8", "gradient_hash_float32"] {
                assert!(
                    miner[hash].is_null() || found[hash] == miner[hash],
                    "{name}: {hash} is {}",
                    found[hash]
                );
            }
            let (norm, expected) = (found["l2_norm"].as_f64(), miner["l2_norm"].as_f64());
            if let Some(expected) = expected {
                let norm = norm.unwrap();
                assert!(
                    (norm - expected).abs() <= 1e-6 * expected.max(1.0),
                    "{name}: {norm}, expected {expected}"
                );
            }
            let bad = if miner["kind"] == "non-finite" { 2 } else { 0 };
            assert_eq!(found["non_finite"], bad, "{name}");
            let tensors = found["tensors"].as_array().unwrap();
            for (tensor, expected) in tensors.iter().zip(miner["tensors"].as_array().unwrap()) {
                assert_eq!(
                    (&tensor["name"], &tensor["shape"]),
                    (&expected["name"], &expected["shape"]),
                    "{name}"
                );
            }
            inspected += 1;
            hashed += usize::from(!miner["gradient_hash_int8"].is_null());
        }
    }
    let weights = run_json(&["inspect", &vector("lora-state.pkl.gz")], &[]).remove(0);
    assert_eq!(weights["kind"], "weights");
    assert_eq!((inspected, hashed), (24, 21));
}

#[test]
fn aggregate_gives_the_expected_files_from_any_container() {
    let cases: [(&str, &[&str], &str); 5] = [
        ("average", &[], "expected-mean"),
        ("weighted-average", &["--weights", "1,2,3,4,5,6"], "expected-weighted-mean-1-6"),
        ("fedavg", &["--weights", "300,150,250,200,180,260"], "expected-fedavg-samples"),
        ("median", &[], "expected-median"),
        ("trimmed-mean", &["--trim", "0.2"], "expected-trimmed-mean-0.2"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (method, options, expected) in cases {
        let mut cids = Vec::new();
        for endings in [
            ["safetensors"; 6],
            ["pb"; 6],
            ["pkl.gz"; 6],
            ["pb", "pkl.gz", "safetensors", "pb", "pb", "pkl.gz"],
        ] {
            let files: Vec<String> = endings
                .iter()
                .enumerate()
                .map(|(miner, ending)| vector(&format!("miner-{miner}.{ending}")))
                .collect();
            let output = folder.path().join("aggregate.safetensors");
            let mut arguments = vec!["aggregate", "--method", method, "--output", output.to_str().unwrap()];
            arguments.extend(options);
            arguments.extend(files.iter().map(String::as_str));
            cids.push(run_json(&arguments, &[]).remove(0)["cid"].as_str().unwrap().to_owned());
            assert_within_one_ulp(&output, &vectors().join(format!("{expected}.safetensors")));
        }
        cids.dedup();
        assert_eq!(cids.len(), 1, "{method}: the container of the inputs changed the aggregate");
    }
}

#[test]
fn samples_reputation_and_quality_weigh_by_their_product() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("aggregate.safetensors");
    let files: Vec<String> = (0..4).map(|miner| vector(&format!("miner-{miner}.pb"))).collect();
    let cid = |method: &str, weights: &[&str]| {
        let mut arguments = vec!["aggregate", "--method", method, "--output", output.to_str().unwrap()];
        arguments.extend(weights);
        arguments.extend(files.iter().map(String::as_str));
        run_json(&arguments, &[]).remove(0)["cid"].as_str().unwrap().to_owned()
    };
    // The median count is 100, so the last one counts as 300.
    let parts = ["--samples", "100,50,100,9000", "--reputation", "1,1,0.5,0.25", "--quality", "1,0.5,1,0.5"];
    for method in ["weighted-average", "weighted-median", "weighted-trimmed-mean"] {
        let product = cid(method, &["--weights", "100,25,50,37.5"]);
        assert_eq!(cid(method, &parts), product, "{method}");
        assert_ne!(cid(method, &["--weights", "1,1,1,1"]), product, "{method}: the weights change nothing");
    }
    let average = |weights: &[&str]| cid("weighted-average", weights);
    assert_ne!(average(&parts), average(&parts[..4]), "the quality changes nothing");
    let refused = run(&[
        "aggregate",
        "--method",
        "weighted-average",
        "--reputation",
        "1,2",
        "-o",
        "out",
        &files[0],
        &files[1],
    ]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("reputation"), "{said}");
}

#[test]
fn a_share_to_trim_is_refused_where_nothing_is_trimmed() {
    let refused =
        run(&["aggregate", "--method", "median", "--trim", "0.2", "-o", "out", &vector("miner-0.pb")]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("median trims nothing"), "{said}");
}

#[test]
fn a_bare_file_name_is_written_into_the_current_folder() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = (0..3).map(|miner| vector(&format!("miner-{miner}.pb"))).collect();
    let written = std::process::Command::new(r3mes_tests::proposer())
        .args(["aggregate", "--method", "median", "--output", "aggregate.safetensors"])
        .args(&files)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    assert!(folder.path().join("aggregate.safetensors").exists());
}

#[test]
fn federated_averaging_invents_no_sample_counts() {
    // The vectors' metadata carry none.
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("aggregate.safetensors");
    let refused = run(&[
        "aggregate",
        "--method",
        "fedavg",
        "--output",
        output.to_str().unwrap(),
        &vector("miner-0.pb"),
    ]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("no sample count") && said.contains("--weights"), "{said}");
    assert!(!output.exists());
}

fn assert_within_one_ulp(found: &Path, expected: &Path) {
    let open = |path: &Path| Gradient::open(path, &Limits::default()).unwrap();
    let (found, expected) = (open(found), open(expected));
    assert_eq!(found.layout(), expected.layout());
    for (a, b) in found.tensors().zip(expected.tensors()) {
        for (a, b) in a.bytes.chunks_exact(4).zip(b.bytes.chunks_exact(4)) {
            let (a, b) =
                (f32::from_le_bytes(a.try_into().unwrap()), f32::from_le_bytes(b.try_into().unwrap()));
            let near = a == b || a.next_up() == b || a.next_down() == b;
            assert!(near, "{a:e} is more than one ulp from {b:e}");
        }
    }
}

#[test]
fn what_is_no_gradient_is_refused_in_one_line_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let os_system = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00echo\x85R.";
    let eval = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.";
    let package = std::fs::read(vectors().join("miner-0.pb")).unwrap();
    let cases = [
        (file("os-system.pkl", os_system), "os.system"),
        (file("eval.pkl", eval), "eval"),
        (file("empty", b""), "empty"),
        (file("short.pb", &package[..package.len() / 2]), "malformed"),
        (file("words", b"no gradient at all"), "not a gradient"),
        (folder.path().to_str().unwrap().to_owned(), "directory"),
    ];
    for (path, word) in cases {
        let output = run(&["inspect", &path]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{path}: {said}");
        assert_eq!(said.lines().count(), 1, "{path}: {said}");
        assert!(said.contains(word), "{path}: {said:?} does not say {word:?}");
    }
}
