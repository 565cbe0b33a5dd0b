//! The readings against what the system itself says.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use r3mes_hardware::{Clock, Endpoint, Level, Request, Requirements, WriteProbe, judge, read};
use time::OffsetDateTime;

const CLOCK: Clock = OffsetDateTime::now_utc;

/// Long enough that no loaded machine uses it up.
const PLENTY: Duration = Duration::from_secs(120);

fn request(folder: &Path) -> Request {
    Request { folder: folder.to_owned(), write: None, endpoints: Vec::new(), budget: PLENTY }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::process::Command;

    use super::*;

    /// The processors of `/proc/cpuinfo`, each a table of its lines.
    fn cpuinfo() -> Vec<BTreeMap<String, String>> {
        let text = fs::read_to_string("/proc/cpuinfo").unwrap();
        let line = |line: &str| {
            line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        };
        let blocks =
            text.split("\n\n").map(|block| block.lines().filter_map(line).collect::<BTreeMap<_, _>>());
        blocks.filter(|block| block.contains_key("processor")).collect()
    }

    fn meminfo(name: &str) -> u64 {
        let text = fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    fn df(folder: &Path, column: &str) -> u64 {
        let output =
            Command::new("df").args(["-B1", &format!("--output={column}")]).arg(folder).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }

    #[test]
    fn the_cores_are_those_of_cpuinfo() {
        let readings = read(&request(Path::new("/")), CLOCK);
        let found = readings.processor.value().unwrap();
        let processors = cpuinfo();
        assert_eq!(found.logical_cores as usize, processors.len());
        assert!((1..=found.logical_cores).contains(&found.usable_cores));
        let places: BTreeSet<_> = processors
            .iter()
            .filter_map(|block| Some((block.get("physical id")?, block.get("core id")?)))
            .collect();
        if !places.is_empty() {
            assert_eq!(found.physical_cores, Some(places.len() as u32));
        }
        if let Some(flags) = processors[0].get("flags") {
            let flags: BTreeSet<_> = flags.split_whitespace().collect();
            let widest = ["avx512f", "avx2", "avx", "sse2"].into_iter().find(|level| flags.contains(level));
            assert_eq!(found.simd.name(), widest.unwrap_or("none"));
        }
    }

    #[test]
    fn the_memory_is_that_of_meminfo() {
        let before = meminfo("MemAvailable");
        let readings = read(&request(Path::new("/")), CLOCK);
        let after = meminfo("MemAvailable");
        let found = readings.memory.value().unwrap();
        assert_eq!(found.total, meminfo("MemTotal"));
        assert!(found.usable() <= found.total && found.usable_now() <= found.available);
        // Others allocate and free while this runs.
        let slack = found.total / 8;
        let range = before.min(after).saturating_sub(slack)..=before.max(after) + slack;
        assert!(range.contains(&found.available), "{} is not in {range:?}", found.available);
    }

    #[test]
    fn the_disk_is_that_of_df() {
        let folder = tempfile::tempdir().unwrap();
        let before = df(folder.path(), "avail");
        let readings = read(&request(folder.path()), CLOCK);
        let after = df(folder.path(), "avail");
        let found = readings.disk.value().unwrap();
        assert_eq!(found.total, df(folder.path(), "size"));
        // Others write and remove while this runs.
        let slack = found.total / 16;
        let range = before.min(after).saturating_sub(slack)..=before.max(after) + slack;
        assert!(range.contains(&found.free), "{} is not in {range:?}", found.free);
    }

    /// Not even root may create a file in `/proc`.
    #[test]
    fn a_folder_without_write_permission_fails_alone() {
        let readings =
            read(&Request { write: Some(WriteProbe::default()), ..request(Path::new("/proc")) }, CLOCK);
        let reason = readings.disk_write.as_ref().unwrap().as_result().unwrap_err();
        assert!(reason.starts_with("write in /proc: "), "{reason}");
        assert!(readings.processor.value().is_some() && readings.memory.value().is_some());
        let verdicts = judge(&readings, &Requirements::default());
        let folder = verdicts.iter().find(|verdict| verdict.subject == "data folder").unwrap();
        assert_eq!(folder.level, Level::Fail);
        assert!(folder.remedy.is_some());
    }
}

#[test]
fn writing_is_measured_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let probe = WriteProbe { bytes: 1 << 20, ..WriteProbe::default() };
    let readings = read(&Request { write: Some(probe), ..request(folder.path()) }, CLOCK);
    assert_eq!(readings.disk_write.unwrap().value().unwrap().bytes, 1 << 20);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_closed_port_is_unreachable_and_an_open_one_is_reached() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = |name: &str, port| Endpoint {
        name: name.to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        required: true,
    };
    let endpoints = vec![endpoint("chain RPC", closed), endpoint("IPFS", open.local_addr().unwrap().port())];
    let readings = read(&Request { endpoints, ..request(Path::new(".")) }, CLOCK);
    assert_eq!(
        readings.endpoints[0].reach.as_result(),
        Err(format!("127.0.0.1:{closed} refused the connection").as_str())
    );
    assert_eq!(readings.endpoints[1].reach.value().unwrap().address, open.local_addr().unwrap());
}

#[test]
fn a_budget_of_nothing_still_gives_every_reading() {
    let endpoints =
        vec![Endpoint { name: "chain RPC".into(), host: "127.0.0.1".into(), port: 9, required: true }];
    let write = Some(WriteProbe { bytes: 1, ..WriteProbe::default() });
    let readings =
        read(&Request { endpoints, write, budget: Duration::ZERO, ..request(Path::new(".")) }, CLOCK);
    assert_eq!(judge(&readings, &Requirements::default()).len(), 5);
}

#[test]
fn readings_are_json_with_their_times() {
    let clock: Clock = || OffsetDateTime::UNIX_EPOCH;
    let json = serde_json::to_value(read(&request(Path::new("/")), clock)).unwrap();
    assert_eq!(json["memory"]["at"], "1970-01-01T00:00:00Z");
    assert!(json["memory"]["value"]["total"].is_u64());
    assert!(json["processor"]["value"]["simd"].is_string());
    let failed = r3mes_hardware::Reading::<u8>::new(Err("no permission".into()), clock());
    let json = serde_json::to_value(failed).unwrap();
    assert_eq!(json, serde_json::json!({ "unavailable": "no permission", "at": "1970-01-01T00:00:00Z" }));
}
