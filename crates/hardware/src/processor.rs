use serde::Serialize;
use sysinfo::{CpuRefreshKind, System};

/// The machine's processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Processor {
    /// What it calls itself; empty where it does not say.
    pub model: String,
    /// Physical cores, where the system tells.
    pub physical_cores: Option<u32>,
    /// Logical cores, each thread of a core counted.
    pub logical_cores: u32,
    /// Logical cores that this process may use: affinity and a container's quota may leave fewer.
    pub usable_cores: u32,
    /// The widest vector instructions that it knows.
    pub simd: Simd,
}

/// A level of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Simd {
    /// AVX-512 Foundation: 512 bits.
    Avx512f,
    /// AVX2: 256 bits.
    Avx2,
    /// AVX: 256 bits, floating point only.
    Avx,
    /// SSE2: 128 bits.
    Sse2,
    /// Neon: 128 bits.
    Neon,
    /// None that we know of.
    None,
}

impl Simd {
    /// The level as processors and `/proc/cpuinfo` name it.
    pub fn name(self) -> &'static str {
        match self {
            Simd::Avx512f => "avx512f",
            Simd::Avx2 => "avx2",
            Simd::Avx => "avx",
            Simd::Sse2 => "sse2",
            Simd::Neon => "neon",
            Simd::None => "none",
        }
    }
}

pub(crate) fn read() -> Result<Processor, String> {
    let system = System::new().map(|mut system| {
        system.refresh_cpu_list(CpuRefreshKind::nothing());
        system
    });
    let listed = system.as_ref().map_or(&[][..], System::cpus);
    let usable = std::thread::available_parallelism().map(|cores| cores.get());
    // Where the system's list cannot be read, what this process may use is the best there is.
    let logical = match (listed.len(), &usable) {
        (0, Ok(usable)) => *usable,
        (0, Err(error)) => return Err(format!("count the cores: {error}")),
        (cores, _) => cores,
    };
    Ok(Processor {
        model: listed.first().map_or(String::new(), |cpu| cpu.brand().trim().to_owned()),
        physical_cores: System::physical_core_count().ok().filter(|cores| *cores > 0).map(count),
        logical_cores: count(logical),
        usable_cores: count(usable.unwrap_or(logical)),
        simd: simd(),
    })
}

fn count(cores: usize) -> u32 {
    u32::try_from(cores).unwrap_or(u32::MAX)
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn simd() -> Simd {
    if is_x86_feature_detected!("avx512f") {
        Simd::Avx512f
    } else if is_x86_feature_detected!("avx2") {
        Simd::Avx2
    } else if is_x86_feature_detected!("avx") {
        Simd::Avx
    } else if is_x86_feature_detected!("sse2") {
        Simd::Sse2
    } else {
        Simd::None
    }
}

#[cfg(target_arch = "aarch64")]
fn simd() -> Simd {
    if std::arch::is_aarch64_feature_detected!("neon") { Simd::Neon } else { Simd::None }
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
fn simd() -> Simd {
    Simd::None
}
