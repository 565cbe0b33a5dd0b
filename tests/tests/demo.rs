//! The whole job on a local network, as `r3mes-proposer demo` runs it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use r3mes_tests::run_json;
use serde_json::{Value, json};

/// What must be the same in two runs of one seed; heights and hashes of transactions may differ.
fn reproducible(lines: &[Value]) -> Vec<Value> {
    lines
        .iter()
        .filter(|line| line.get("cid").is_some())
        .map(|line| {
            json!([line["round"], line["cid"], line["merkle_root"], line["accuracy"], line["excluded"]])
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let arguments = ["demo", "--seed", "7", "--rounds", "3", "--block-ms", "100"];
    let first = reproducible(&run_json(&arguments, &[]));
    assert_eq!(first.len(), 3);
    assert_eq!(first, reproducible(&run_json(&arguments, &[])));
    assert_eq!(first, reproducible(&run_json(&arguments, &[("RAYON_NUM_THREADS", "1")])));
    let other = ["demo", "--seed", "8", "--rounds", "3", "--block-ms", "100"];
    assert_ne!(first, reproducible(&run_json(&other, &[])), "the seed has no effect");
}

#[test]
fn the_median_withstands_what_ruins_the_average() {
    let accuracy = |method: &str, byzantine: &str| {
        let arguments = [
            "demo",
            "--seed",
            "7",
            "--rounds",
            "10",
            "--block-ms",
            "100",
            "--method",
            method,
            "--byzantine",
            byzantine,
            "--attack",
            "sign-flip",
        ];
        run_json(&arguments, &[]).last().unwrap()["accuracy_last"].as_f64().unwrap()
    };
    let (median, median_attacked) = (accuracy("median", "0"), accuracy("median", "3"));
    let (average, average_attacked) = (accuracy("average", "0"), accuracy("average", "3"));
    assert!((median - median_attacked).abs() <= 0.03, "median: {median} alone, {median_attacked} attacked");
    assert!(average_attacked <= average - 0.10, "average: {average} alone, {average_attacked} attacked");
}

#[test]
fn every_attack_ends_in_its_finding() {
    for (attack, check) in [
        ("nan", Some("finite")),
        ("malformed", Some("format")),
        ("wrong-cid", Some("content")),
        ("unregistered", None),
        ("scaled-noise", None),
    ] {
        let arguments = [
            "demo",
            "--rounds",
            "1",
            "--miners",
            "6",
            "--byzantine",
            "2",
            "--block-ms",
            "100",
            "--attack",
            attack,
        ];
        let lines = run_json(&arguments, &[]);
        let excluded = lines[0]["excluded"].as_array().unwrap();
        match check {
            Some(check) => {
                assert_eq!(excluded.len(), 2, "{attack}: {excluded:?}");
                assert!(
                    excluded
                        .iter()
                        .all(|exclusion| exclusion["checks"].as_array().unwrap().contains(&json!(check))),
                    "{attack}: {excluded:?}"
                );
            }
            // Odd, but no proof of fraud: included, with a finding.
            None => assert!(excluded.is_empty(), "{attack}: {excluded:?}"),
        }
        let participants = 6 - excluded.len() as u64;
        assert_eq!(lines[0]["reward"], (500 + 10 * participants).to_string(), "{attack}");
        assert_eq!(lines[1]["earned"], lines[0]["reward"], "{attack}");
    }
}
