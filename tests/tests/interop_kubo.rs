//! Against a real Kubo.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use r3mes_ipfs::{CidSettings, cid_of_bytes};
use r3mes_tests::go_tool;

fn kubo(program: &Path, repository: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("IPFS_PATH", repository).env("IPFS_TELEMETRY", "off");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn its_importer_gives_files_the_cids_that_we_compute() {
    let Some(program) = go_tool("R3MES_KUBO", "kubo", "ipfs") else { return };
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repo");
    kubo(&program, &repository, &["init", "--empty-repo"]);
    for size in [0_usize, 1, 262_143, 262_144, 262_145] {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + at / 251) as u8).collect();
        let file = folder.path().join("file");
        fs::write(&file, &bytes).unwrap();
        for (version, settings) in [("0", CidSettings::v0()), ("1", CidSettings::v1())] {
            let version = format!("--cid-version={version}");
            let file = file.display().to_string();
            let add = ["add", "--quieter", "--only-hash", &version, "--chunker=size-262144", &file];
            assert_eq!(kubo(&program, &repository, &add), cid_of_bytes(&bytes, &settings).to_string());
        }
    }
}
