//! What the machine and this process do, between one look and the next.

use std::time::Instant;

use sysinfo::{
    MemoryRefreshKind, Networks, Pid, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid,
};

/// The load since the last look. Shares are 0 to 1, sizes in bytes, speeds in bytes a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Share of all cores in use.
    pub cpu: f64,
    /// Share of one core that this process used; above 1 for several.
    pub process_cpu: f64,
    /// Memory in use.
    pub memory_used: u64,
    /// All memory.
    pub memory_total: u64,
    /// Memory that this process holds.
    pub process_memory: u64,
    /// What came in over all interfaces.
    pub received_per_second: f64,
    /// What went out over them.
    pub sent_per_second: f64,
}

/// Keeps what the last look saw. It costs nothing while nobody looks.
#[derive(Debug, Default)]
pub struct LoadMeter {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    system: System,
    networks: Networks,
    process: Pid,
    at: Instant,
}

impl LoadMeter {
    /// The load since the last call. The first has nothing to compare with: its shares and speeds are 0.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn read(&mut self) -> Result<Load, String> {
        let first = self.seen.is_none();
        let seen = match &mut self.seen {
            Some(seen) => seen,
            none => none.insert(Seen::begin()?),
        };
        let seconds = seen.at.elapsed().as_secs_f64();
        seen.look();
        let process = seen.system.process(seen.process);
        let received: u64 = seen.networks.values().map(|network| network.received()).sum();
        let sent: u64 = seen.networks.values().map(|network| network.transmitted()).sum();
        let per_second = |bytes: u64| if first || seconds <= 0.0 { 0.0 } else { bytes as f64 / seconds };
        let share = |percent: f32| if first { 0.0 } else { f64::from(percent) / 100.0 };
        Ok(Load {
            cpu: share(seen.system.global_cpu_usage()),
            process_cpu: share(process.map_or(0.0, sysinfo::Process::cpu_usage)),
            memory_used: seen.system.used_memory(),
            memory_total: seen.system.total_memory(),
            process_memory: process.map_or(0, sysinfo::Process::memory),
            received_per_second: per_second(received),
            sent_per_second: per_second(sent),
        })
    }
}

impl Seen {
    fn begin() -> Result<Seen, String> {
        let system = System::new().map_err(|error| error.to_string())?;
        let networks = Networks::new_with_refreshed_list().map_err(|error| error.to_string())?;
        let process = get_current_pid().map_err(|error| error.to_string())?;
        let mut seen = Seen { system, networks, process, at: Instant::now() };
        seen.look();
        Ok(seen)
    }

    fn look(&mut self) {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.process]), false, what);
        self.networks.refresh(true);
        self.at = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_its_own_load() {
        let mut meter = LoadMeter::default();
        let first = meter.read().unwrap();
        assert_eq!((first.cpu, first.process_cpu, first.sent_per_second), (0.0, 0.0, 0.0));
        assert!(first.process_memory > 0 && first.memory_total > first.process_memory);
        // Work until the system's coarse clock has noticed it.
        let begun = Instant::now();
        let worked = loop {
            let mut sum = 0_u64;
            for number in 0..20_000_000_u64 {
                sum = std::hint::black_box(sum.wrapping_add(number));
            }
            let load = meter.read().unwrap();
            if load.process_cpu > 0.0 || begun.elapsed().as_secs() > 60 {
                break load;
            }
        };
        assert!(worked.process_cpu > 0.0, "{worked:?}");
        assert!((0.0..=1.0).contains(&worked.cpu), "{worked:?}");
    }
}
