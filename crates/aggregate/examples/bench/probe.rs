//! Time and memory.

use std::fs;
use std::time::Instant;

/// Seconds of wall time.
pub(crate) fn seconds(job: impl FnOnce()) -> f64 {
    let start = Instant::now();
    job();
    start.elapsed().as_secs_f64()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// By how many bytes the resident memory grew at most while the job ran, where the system tells (Linux).
pub(crate) fn extra_bytes<T>(job: impl FnOnce() -> T) -> (Option<u64>, T) {
    // Makes the peak start again from what is resident now.
    let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = status("VmRSS:");
    let result = job();
    let peak = status("VmHWM:");
    (before.zip(peak).filter(|_| reset).map(|(before, peak)| peak.saturating_sub(before)), result)
}

fn status(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}
