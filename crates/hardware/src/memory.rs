use std::path::Path;

use serde::Serialize;
use sysinfo::{MemoryRefreshKind, System};

use crate::cgroup;

/// The machine's memory, and what a container leaves of it. In bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What can be had without swapping.
    pub available: u64,
    /// What the control group of this process may use, where that is less than the total.
    pub cgroup_limit: Option<u64>,
    /// What the control group uses already, where it is limited.
    pub cgroup_used: Option<u64>,
}

impl Memory {
    /// What this process can count on in all: the total, or the control group's limit.
    pub fn usable(&self) -> u64 {
        self.cgroup_limit.map_or(self.total, |limit| limit.min(self.total))
    }

    /// What this process can still have.
    pub fn usable_now(&self) -> u64 {
        let left = self
            .cgroup_limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.cgroup_used.unwrap_or_default()));
        left.min(self.available)
    }
}

pub(crate) fn read() -> Result<Memory, String> {
    let mut system = System::new().map_err(|error| format!("read the memory's size: {error}"))?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let total = system.total_memory();
    if total == 0 {
        return Err("read the memory's size: the system does not tell".to_owned());
    }
    let group = cgroup::memory(Path::new("/")).filter(|group| group.limit < total);
    Ok(Memory {
        total,
        available: system.available_memory(),
        cgroup_limit: group.as_ref().map(|group| group.limit),
        cgroup_used: group.and_then(|group| group.used),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_group_takes_from_the_machine_and_never_adds() {
        let free = Memory { total: 32, available: 20, cgroup_limit: None, cgroup_used: None };
        assert_eq!((free.usable(), free.usable_now()), (32, 20));
        let limited = Memory { cgroup_limit: Some(16), cgroup_used: Some(10), ..free.clone() };
        assert_eq!((limited.usable(), limited.usable_now()), (16, 6));
        let generous = Memory { cgroup_limit: Some(64), cgroup_used: Some(1), ..free.clone() };
        assert_eq!((generous.usable(), generous.usable_now()), (32, 20));
        let overdrawn = Memory { cgroup_limit: Some(8), cgroup_used: Some(9), ..free };
        assert_eq!(overdrawn.usable_now(), 0);
    }
}
