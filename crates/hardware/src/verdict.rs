//! Readings held against requirements. Nothing here looks at the machine.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    ClockBound, ClockSkew, DiskSpace, EndpointReading, GB, Memory, Processor, Readings, Requirements,
    Threshold, WriteSpeed,
};

/// How a reading stands to its requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Enough.
    Pass,
    /// Enough, and less than is recommended.
    BelowRecommended,
    /// Not enough.
    Fail,
    /// There is no reading to judge.
    Unknown,
}

/// What is to be said of one requirement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What was judged, such as `memory` or an endpoint's name.
    pub subject: String,
    /// How it stands.
    pub level: Level,
    /// What was found, and what it was held against.
    pub reason: String,
    /// What mends it; absent where nothing needs to be.
    pub remedy: Option<String>,
    /// When the reading was taken, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One verdict for each requirement whose reading was asked for, in the order of the readings.
pub fn judge(readings: &Readings, requirements: &Requirements) -> Vec<Verdict> {
    let mut verdicts = vec![
        findings("cores", &readings.processor, |found| cores(found, requirements.cores)),
        findings("memory", &readings.memory, |found| memory(found, requirements.memory)),
        findings("free disk", &readings.disk, |found| free_disk(found, requirements.free_disk)),
    ];
    verdicts.extend(readings.disk_write.as_ref().map(|reading| {
        let judgment = writing(reading.as_result());
        judgment.about("data folder", reading.at)
    }));
    verdicts.extend(readings.endpoints.iter().map(|reading| {
        let judgment = reachability(reading);
        judgment.about(&reading.endpoint.name, reading.reach.at)
    }));
    verdicts.extend(
        readings
            .clock
            .as_ref()
            .map(|reading| findings("clock", reading, |found| clock(found, requirements.clock))),
    );
    verdicts
}

/// A verdict that does not know yet what it is about.
#[derive(Debug, PartialEq)]
struct Judgment {
    level: Level,
    reason: String,
    remedy: Option<String>,
}

impl Judgment {
    fn pass(reason: String) -> Judgment {
        Judgment { level: Level::Pass, reason, remedy: None }
    }

    fn with_remedy(level: Level, reason: String, remedy: impl Into<String>) -> Judgment {
        Judgment { level, reason, remedy: Some(remedy.into()) }
    }

    fn about(self, subject: &str, at: OffsetDateTime) -> Verdict {
        Verdict {
            subject: subject.to_owned(),
            level: self.level,
            reason: self.reason,
            remedy: self.remedy,
            at,
        }
    }
}

/// Judges a value; of what could not be read nothing is known.
fn findings<T>(subject: &str, reading: &crate::Reading<T>, judge: impl FnOnce(&T) -> Judgment) -> Verdict {
    let judgment = match reading.as_result() {
        Ok(value) => judge(value),
        Err(reason) => {
            Judgment { level: Level::Unknown, reason: format!("not read: {reason}"), remedy: None }
        }
    };
    judgment.about(subject, reading.at)
}

fn cores(found: &Processor, need: Threshold) -> Judgment {
    let usable = found.usable_cores;
    let limited = match usable < found.logical_cores {
        true => format!(" of {}", found.logical_cores),
        false => String::new(),
    };
    let remedy = match u64::from(found.logical_cores) >= need.recommended {
        true => "give this process more cores: its affinity or its container's quota holds some back",
        false => "use a machine with more cores, or aggregate fewer or smaller gradients in a round",
    };
    against(need, usable.into(), format!("{usable}{limited} cores"), |cores| cores.to_string(), remedy)
}

fn memory(found: &Memory, need: Threshold) -> Judgment {
    let usable = found.usable();
    let limited = match usable < found.total {
        true => format!(" of {} by the container's limit", gigabytes(found.total)),
        false => String::new(),
    };
    let remedy = match found.total >= need.recommended {
        true => "raise the container's memory limit",
        false => "add memory, or lower `limits.max_gradient` and `limits.parallel_fetches`",
    };
    against(need, usable, format!("{}{limited}", gigabytes(usable)), gigabytes, remedy)
}

fn free_disk(found: &DiskSpace, need: Threshold) -> Judgment {
    let measured = format!("{} of {} free", gigabytes(found.free), gigabytes(found.total));
    let remedy = "free some space, or put the data folder on a larger disk with `--home`";
    against(need, found.free, measured, gigabytes, remedy)
}

fn against(
    need: Threshold,
    found: u64,
    measured: String,
    unit: impl Fn(u64) -> String,
    remedy: &str,
) -> Judgment {
    if found < need.minimum {
        let reason = format!("{measured}, at least {} are needed", unit(need.minimum));
        Judgment::with_remedy(Level::Fail, reason, remedy)
    } else if found < need.recommended {
        let reason = format!("{measured}, {} are recommended", unit(need.recommended));
        Judgment::with_remedy(Level::BelowRecommended, reason, remedy)
    } else {
        Judgment::pass(measured)
    }
}

/// A folder that cannot be written is no gap in our knowledge: the proposer cannot keep its journal there.
fn writing(found: Result<&WriteSpeed, &str>) -> Judgment {
    match found {
        Ok(speed) => Judgment::pass(format!("written at {:.0} MB/s", speed.bytes_per_second / 1e6)),
        Err(reason) => Judgment::with_remedy(
            Level::Fail,
            format!("not written: {reason}"),
            "let this user write there, or choose another folder with `--home`",
        ),
    }
}

fn reachability(found: &EndpointReading) -> Judgment {
    let endpoint = &found.endpoint;
    match found.reach.as_result() {
        Ok(reach) => Judgment::pass(format!("{} reached in {:.1} ms", reach.address, reach.latency_ms)),
        Err(reason) => Judgment::with_remedy(
            if endpoint.required { Level::Fail } else { Level::BelowRecommended },
            format!("not reached: {reason}"),
            format!("check that {endpoint} is right in the network profile, and that it runs"),
        ),
    }
}

fn clock(found: &ClockSkew, bound: ClockBound) -> Judgment {
    let beyond = found.seconds.abs();
    let measured = if found.seconds < 0.0 {
        format!("{beyond:.1} s behind the newest block")
    } else if found.seconds > 0.0 {
        format!("{beyond:.1} s ahead of what the newest block's age of {:.1} s explains", found.block_age)
    } else {
        return Judgment::pass(format!("agrees with the newest block, {:.1} s old", found.block_age));
    };
    let remedy = match found.seconds < 0.0 {
        true => "let the system set its clock by NTP",
        false => "let the system set its clock by NTP; if it is right, the chain or its node stands still",
    };
    if beyond > bound.maximum.as_secs_f64() {
        let reason = format!("{measured}, at most {} s are allowed", bound.maximum.as_secs_f64());
        Judgment::with_remedy(Level::Fail, reason, remedy)
    } else if beyond > bound.recommended.as_secs_f64() {
        let reason = format!("{measured}, at most {} s are recommended", bound.recommended.as_secs_f64());
        Judgment::with_remedy(Level::BelowRecommended, reason, remedy)
    } else {
        Judgment::pass(measured)
    }
}

/// Rounded down to a tenth, so that nothing short of a threshold reads as the threshold.
fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / (GB / 10);
    match tenths % 10 {
        0 => format!("{} GB", tenths / 10),
        tenth => format!("{}.{tenth} GB", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::{Endpoint, Found, Reach, Reading, Simd};

    fn need() -> Requirements {
        Requirements::default()
    }

    fn processor(usable: u32, logical: u32) -> Processor {
        Processor {
            model: String::new(),
            physical_cores: None,
            logical_cores: logical,
            usable_cores: usable,
            simd: Simd::None,
        }
    }

    #[test]
    fn cores_are_judged_by_what_may_be_used() {
        let table = [
            (3, 3, Level::Fail, "3 cores, at least 4 are needed"),
            (4, 4, Level::BelowRecommended, "4 cores, 8 are recommended"),
            (7, 7, Level::BelowRecommended, "7 cores, 8 are recommended"),
            (8, 8, Level::Pass, "8 cores"),
            (64, 64, Level::Pass, "64 cores"),
            (2, 16, Level::Fail, "2 of 16 cores, at least 4 are needed"),
        ];
        for (usable, logical, level, reason) in table {
            let judgment = cores(&processor(usable, logical), need().cores);
            assert_eq!((judgment.level, judgment.reason.as_str()), (level, reason));
            assert_eq!(judgment.remedy.is_none(), level == Level::Pass, "{reason}");
        }
        let quota = cores(&processor(2, 16), need().cores).remedy.unwrap();
        assert!(quota.contains("quota"), "{quota}");
        let small = cores(&processor(2, 2), need().cores).remedy.unwrap();
        assert!(small.contains("machine with more cores"), "{small}");
    }

    #[test]
    fn memory_is_judged_by_the_containers_limit() {
        let judged = |total, cgroup_limit| {
            memory(&Memory { total, available: total, cgroup_limit, cgroup_used: None }, need().memory)
        };
        let table = [
            (16 * GB - 1, None, Level::Fail, "15.9 GB, at least 16 GB are needed"),
            (16 * GB, None, Level::BelowRecommended, "16 GB, 32 GB are recommended"),
            (32 * GB - 1, None, Level::BelowRecommended, "31.9 GB, 32 GB are recommended"),
            (32 * GB, None, Level::Pass, "32 GB"),
            (
                64 * GB,
                Some(8 * GB),
                Level::Fail,
                "8 GB of 64 GB by the container's limit, at least 16 GB are needed",
            ),
            (64 * GB, Some(128 * GB), Level::Pass, "64 GB"),
        ];
        for (total, limit, level, reason) in table {
            let judgment = judged(total, limit);
            assert_eq!((judgment.level, judgment.reason.as_str()), (level, reason));
            assert_eq!(judgment.remedy.is_none(), level == Level::Pass, "{reason}");
        }
        assert_eq!(judged(64 * GB, Some(GB)).remedy.unwrap(), "raise the container's memory limit");
    }

    #[test]
    fn disk_is_judged_by_what_is_free() {
        let judged = |free| {
            free_disk(&DiskSpace { folder: PathBuf::from("data"), total: 500 * GB, free }, need().free_disk)
        };
        assert_eq!(judged(100 * GB), Judgment::pass("100 GB of 500 GB free".into()));
        let judgment = judged(100 * GB - 1);
        assert_eq!(judgment.level, Level::Fail);
        assert_eq!(judgment.reason, "99.9 GB of 500 GB free, at least 100 GB are needed");
        assert!(judgment.remedy.unwrap().contains("--home"));
    }

    #[test]
    fn a_folder_that_cannot_be_written_fails() {
        let judgment = writing(Err("write in data: permission denied"));
        assert_eq!(judgment.level, Level::Fail);
        assert_eq!(judgment.reason, "not written: write in data: permission denied");
        let folder = PathBuf::from("data");
        let speed = WriteSpeed { folder, bytes: 1, seconds: 1.0, bytes_per_second: 123e6 };
        assert_eq!(writing(Ok(&speed)), Judgment::pass("written at 123 MB/s".into()));
    }

    #[test]
    fn an_endpoint_fails_only_where_it_is_required() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let judged = |required, outcome| {
            let endpoint = Endpoint { name: "IPFS".into(), host: "node".into(), port: 5001, required };
            reachability(&EndpointReading { endpoint, reach: Reading::new(outcome, at) })
        };
        let refused = || Err("10.0.0.1:5001 refused the connection".to_owned());
        let judgment = judged(true, refused());
        assert_eq!(judgment.level, Level::Fail);
        assert_eq!(judgment.reason, "not reached: 10.0.0.1:5001 refused the connection");
        assert!(judgment.remedy.unwrap().contains("node:5001"));
        assert_eq!(judged(false, refused()).level, Level::BelowRecommended);
        let endpoint = Endpoint { name: "IPFS".into(), host: "::1".into(), port: 5001, required: true };
        assert_eq!(endpoint.to_string(), "[::1]:5001");
        let reach = Reach { address: "10.0.0.1:5001".parse().unwrap(), latency_ms: 12.34 };
        assert_eq!(judged(true, Ok(reach)), Judgment::pass("10.0.0.1:5001 reached in 12.3 ms".into()));
    }

    #[test]
    fn the_clock_may_be_off_by_its_bound_in_either_direction() {
        let judged = |seconds| clock(&ClockSkew { seconds, block_age: 4.0 }, need().clock).level;
        let table = [
            (0.0, Level::Pass),
            (2.0, Level::Pass),
            (-2.0, Level::Pass),
            (2.1, Level::BelowRecommended),
            (-10.0, Level::BelowRecommended),
            (10.1, Level::Fail),
            (-10.1, Level::Fail),
        ];
        for (seconds, level) in table {
            assert_eq!(judged(seconds), level, "{seconds} s");
        }
        let behind = clock(&ClockSkew { seconds: -30.0, block_age: -30.0 }, need().clock);
        assert_eq!(behind.reason, "30.0 s behind the newest block, at most 10 s are allowed");
        let ahead = clock(&ClockSkew { seconds: 60.0, block_age: 71.0 }, need().clock);
        assert!(ahead.remedy.unwrap().contains("stands still"));
        let bound = ClockBound { maximum: Duration::from_secs(100), recommended: Duration::from_secs(100) };
        assert_eq!(clock(&ClockSkew { seconds: 60.0, block_age: 71.0 }, bound).level, Level::Pass);
    }

    #[test]
    fn every_reading_has_its_verdict_with_its_time() {
        let at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let reason = "the system does not tell";
        let mut readings = Readings {
            processor: Reading::new(Ok(processor(8, 8)), at),
            memory: Reading { found: Found::Unavailable(reason.into()), at },
            disk: Reading::new(Err(reason.into()), at),
            disk_write: None,
            endpoints: Vec::new(),
            clock: None,
            memory_bandwidth: None,
            transfers: None,
        };
        let verdicts = judge(&readings, &need());
        let levels: Vec<_> =
            verdicts.iter().map(|verdict| (verdict.subject.as_str(), verdict.level)).collect();
        assert_eq!(
            levels,
            [("cores", Level::Pass), ("memory", Level::Unknown), ("free disk", Level::Unknown)]
        );
        assert!(verdicts.iter().all(|verdict| verdict.at == at));
        assert_eq!(verdicts[1].reason, "not read: the system does not tell");

        let endpoint = Endpoint { name: "chain RPC".into(), host: "node".into(), port: 1, required: true };
        let reach = Reading::new(Err(reason.into()), at);
        readings.endpoints = vec![EndpointReading { endpoint, reach }];
        readings.disk_write = Some(Reading::new(Err(reason.into()), at));
        readings.clock = Some(Reading::new(Ok(ClockSkew { seconds: 0.0, block_age: 1.0 }), at));
        let subjects: Vec<_> = judge(&readings, &need()).into_iter().map(|verdict| verdict.subject).collect();
        assert_eq!(subjects, ["cores", "memory", "free disk", "data folder", "chain RPC", "clock"]);
    }
}
