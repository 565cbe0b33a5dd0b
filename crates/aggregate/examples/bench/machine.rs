//! What the figures were measured on.

use std::fs;

/// One line: processor, vector extensions, caches, threads, memory, system.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |key: &str| {
        let line = cpu.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = of("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let flags = of("flags").unwrap_or_default();
    let vectors: Vec<&str> =
        [("avx2", "AVX2"), ("f16c", "F16C"), ("avx512f", "AVX-512 F"), ("avx512dq", "DQ")]
            .into_iter()
            .filter(|(flag, _)| flags.split(' ').any(|f| f == *flag))
            .map(|(_, name)| name)
            .collect();
    let forced = match std::env::var("R3MES_VECTORS").as_deref() {
        Ok(only @ ("avx512" | "avx2" | "portable")) => format!("; only {only} used"),
        _ => String::new(),
    };
    let cache = |index: u32| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        fs::read_to_string(path).map_or_else(|_| "?".to_owned(), |size| size.trim().to_owned())
    };
    let gibibytes = memory("MemTotal:")
        .map_or_else(|| "?".to_owned(), |bytes| format!("{:.0}", bytes as f64 / f64::from(1 << 30)));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{model} ({}{forced}), caches {}, {}, {}, {} threads, {gibibytes} GiB, {} {}",
        vectors.join(", "),
        cache(0),
        cache(2),
        cache(3),
        rayon::current_num_threads(),
        std::env::consts::OS,
        release.split('-').next().unwrap_or_default().trim(),
    )
}

/// Bytes of memory that can be had without swapping, where the system tells (Linux).
pub(crate) fn available() -> Option<u64> {
    memory("MemAvailable:")
}

fn memory(key: &str) -> Option<u64> {
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}
