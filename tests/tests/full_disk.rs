//! A full disk, and a full spool: the operator is told with a remedy, no gradient is blamed, and the work goes
//! on by itself when there is room.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use r3mes_tests::{Network, NetworkOptions, Running, run_json};
use serde_json::Value;

/// The operator is told within this time.
const SOON: Duration = Duration::from_secs(10);

const MINERS: u32 = 4;

#[test]
fn a_full_disk_is_told_and_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path().join("disk")) else {
        return eprintln!("skipped: a small disk can be mounted by root alone");
    };
    let network = network(folder.path(), 61);
    let home = disk.path.join("home");
    let mut proposer = propose(&network, &home, &[]);
    proposer.wait_for("a reward", |line| line["event"] == "reward-booked");

    let ballast = disk.fill();
    let full = Instant::now();
    let trouble = proposer.wait_for("the operator is told", |line| remedy(line).contains("free space on"));
    assert!(full.elapsed() < SOON, "told after {:?}: {trouble}", full.elapsed());
    std::fs::remove_file(ballast).unwrap();
    for _ in 0..2 {
        proposer.wait_for("a reward with room again", |line| line["event"] == "reward-booked");
    }
    proposer.kill();
    assert_nobody_is_blamed(&home);
}

#[test]
fn a_full_spool_is_told_and_emptied_when_its_files_are_no_longer_needed() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path(), 62);
    let home = folder.path().join("home");
    assert!(propose(&network, &home, &["--rounds", "1"]).wait().success());
    let kept =
        std::fs::read_dir(home.join("spool")).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    let kept: Vec<u64> = kept.collect();
    // Room for those that are there, who can be disputed yet, and for no other one.
    let quota = format!("limits.spool_quota={}", (1 << 20) + kept.iter().sum::<u64>() - 1);
    let limits = ["--set", "limits.max_gradient=1MiB", "--set", &quota];
    let period = ["--set", "network.challenge_period_blocks=1"];
    let mut proposer = propose(&network, &home, &[&limits[..], &period].concat());
    let full = Instant::now();
    let trouble =
        proposer.wait_for("the operator is told", |line| remedy(line).contains("raise limits.spool_quota"));
    assert!(full.elapsed() < SOON, "told after {:?}: {trouble}", full.elapsed());
    let again = Cell::new(0);
    proposer.wait_for("a reward when they cannot be disputed any more", |line| {
        again.set(again.get() + u32::from(message(line) == message(&trouble)));
        line["event"] == "reward-booked"
    });
    assert_eq!(again.get(), 0, "the same trouble is told again and again");
    proposer.kill();
    assert_nobody_is_blamed(&home);
}

fn network(folder: &Path, seed: u64) -> Network {
    let block = Duration::from_millis(100);
    Network::start(folder, NetworkOptions { seed, miners: MINERS, block, rounds: None })
}

fn propose(network: &Network, home: &Path, more: &[&str]) -> Running {
    let places = ["--network", network.profile().to_str().unwrap(), "--home", home.to_str().unwrap()];
    let policy = ["--set", "round.quorum=4", "--set", "round.minimum_interval=0s"];
    Running::start(&[&["start"], &places[..], &policy, more].concat(), &[])
}

fn message(line: &Value) -> &str {
    line["message"].as_str().filter(|_| line["event"] == "trouble").unwrap_or_default()
}

fn remedy(line: &Value) -> &str {
    line["remedy"].as_str().filter(|_| line["event"] == "trouble").unwrap_or_default()
}

/// Every round took all of its miners' gradients, and the books are the chain's.
fn assert_nobody_is_blamed(home: &Path) {
    let home = home.to_str().unwrap();
    let overview = run_json(&["status", "--home", home, "--last", "100"], &[]).remove(0);
    for round in overview["rounds"].as_array().unwrap() {
        assert_eq!(round["excluded"], 0, "{round:#}");
    }
    let report = run_json(&["earnings", "--home", home], &[]).pop().unwrap();
    assert_eq!(report["books"]["agrees"], true, "{report:#}");
}

/// A disk of a few megabytes, mounted until it is dropped.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(path: PathBuf) -> Option<Disk> {
        std::fs::create_dir(&path).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(&path).output();
        mount.ok()?.status.success().then_some(Disk { path })
    }

    /// Takes every free byte, and names the file that holds them.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("ballast");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 16, 1 << 12] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}
