use std::time::Duration;

use r3mes_api::{HardwareOptions, HardwareReport, Level, Reading, Readings, TransferRate, TransferRates};

use super::{Failure, output};
use crate::arguments::Hardware;
use crate::table;

/// How long the bandwidth is measured.
const BANDWIDTH: Duration = Duration::from_secs(2);

/// The exit code where a reading is below what a proposer needs.
const NOT_ENOUGH: u8 = 3;

/// Reads the machine and judges it. A machine that is not enough is told by the exit code too.
pub(crate) async fn run(command: Hardware, json: bool) -> Result<(), Failure> {
    let options = HardwareOptions {
        home: command.home,
        network: command.network,
        budget: Duration::from_millis(command.budget_ms),
        bandwidth: command.bandwidth.then_some(BANDWIDTH),
        write: true,
    };
    let report = r3mes_api::hardware(&options).await?;
    if json {
        output::json(&report)?
    } else {
        output::line(describe(&report))?
    }
    let failing: Vec<&str> = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.level == Level::Fail)
        .map(|verdict| verdict.subject.as_str())
        .collect();
    match failing.as_slice() {
        [] => Ok(()),
        failing => {
            let text = format!("find this machine enough for a proposer: {}", failing.join(", "));
            Err(Failure::other(text).with_exit(NOT_ENOUGH))
        }
    }
}

fn describe(report: &HardwareReport) -> String {
    let verdicts: Vec<Vec<String>> = report
        .verdicts
        .iter()
        .map(|verdict| {
            let level = match verdict.level {
                Level::Pass => "pass",
                Level::BelowRecommended => "below recommended",
                Level::Fail => "FAIL",
                Level::Unknown => "unknown",
            };
            vec![verdict.subject.clone(), level.to_owned(), verdict.reason.clone()]
        })
        .collect();
    let remedies: String = report
        .verdicts
        .iter()
        .filter_map(|verdict| Some(format!("\n  {}: {}", verdict.subject, verdict.remedy.as_ref()?)))
        .collect();
    format!(
        "{}\n\n{}{}{remedies}",
        machine(&report.readings),
        table::render(&["what", "verdict", "found"], &verdicts),
        if remedies.is_empty() { "" } else { "\n\nWhat to do" },
    )
}

fn machine(readings: &Readings) -> String {
    let processor = told(&readings.processor, |found| {
        let physical = found.physical_cores.map_or("unknown".to_owned(), |cores| cores.to_string());
        format!(
            "{}: {physical} physical and {} logical cores, {} usable, {}",
            found.model,
            found.logical_cores,
            found.usable_cores,
            found.simd.name()
        )
    });
    let memory = told(&readings.memory, |found| {
        let limit = found.cgroup_limit.map_or(String::new(), |limit| format!(", limited to {}", gb(limit)));
        format!("{}, {} available{limit}", gb(found.total), gb(found.available))
    });
    let disk = told(&readings.disk, |found| {
        format!("{}, {} free at {}", gb(found.total), gb(found.free), found.folder.display())
    });
    let mut text = format!("processor  {processor}\nmemory     {memory}\ndisk       {disk}");
    if let Some(reading) = &readings.memory_bandwidth {
        let bandwidth = told(reading, |found| {
            format!("memory read at {:.1} GB/s by {} threads", found.bytes_per_second / 1e9, found.threads)
        });
        text.push_str(&format!("\nbandwidth  {bandwidth}"));
    }
    if let Some(reading) = &readings.transfers {
        text.push_str(&format!("\ntransfers  {}", told(reading, transfers)));
    }
    text
}

/// What really passed to and from IPFS.
fn transfers(rates: &TransferRates) -> String {
    let told = |rate: &Option<TransferRate>, done: &str| match rate {
        Some(rate) => {
            let (speed, bytes) = (amount(rate.bytes_per_second), amount(rate.bytes as f64));
            format!("{done} at {speed}/s ({bytes}, files: {})", rate.files)
        }
        None => format!("nothing {done} yet"),
    };
    format!("{}; {}", told(&rates.fetch, "fetched"), told(&rates.upload, "uploaded"))
}

/// Bytes in the unit that leaves figures before the point.
fn amount(bytes: f64) -> String {
    let (scale, unit) = if bytes < 1e6 { (1e3, "kB") } else { (1e6, "MB") };
    format!("{:.1} {unit}", bytes / scale)
}

/// A reading's value in words, or why there is none.
fn told<T>(reading: &Reading<T>, words: impl FnOnce(&T) -> String) -> String {
    match reading.as_result() {
        Ok(value) => words(value),
        Err(reason) => format!("not read: {reason}"),
    }
}

/// Rounded down, as the verdicts do.
fn gb(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_are_told_with_what_they_rest_on() {
        let newest = std::time::SystemTime::UNIX_EPOCH.into();
        let fetch = TransferRate::of([(30_000_000, 2.0, newest), (10_000_000, 2.0, newest)]);
        let rates = TransferRates { fetch, upload: None };
        assert_eq!(transfers(&rates), "fetched at 10.0 MB/s (40.0 MB, files: 2); nothing uploaded yet");
        let rates = TransferRates { fetch: None, upload: TransferRate::of([(11_184, 0.5, newest)]) };
        assert_eq!(transfers(&rates), "nothing fetched yet; uploaded at 22.4 kB/s (11.2 kB, files: 1)");
    }
}
