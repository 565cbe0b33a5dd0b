use std::time::Duration;

use serde::Serialize;

use crate::GB;

/// What a proposer needs; the defaults are those of the R3MES network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Requirements {
    /// Logical cores that the process may use: 4, better 8.
    pub cores: Threshold,
    /// Bytes of memory that the process may use: 16 GB, better 32 GB.
    pub memory: Threshold,
    /// Free bytes on the data folder's file system: 100 GB.
    pub free_disk: Threshold,
    /// How wrong the clock may be: 10 s, better not above 2 s.
    pub clock: ClockBound,
}

/// A smallest and a recommended amount. The same amount twice means that more is not recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Threshold {
    /// What is below fails.
    pub minimum: u64,
    /// What is below is said to be.
    pub recommended: u64,
}

/// Bounds on how far the clock may be off, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockBound {
    /// What is beyond fails.
    pub maximum: Duration,
    /// What is beyond is said to be.
    pub recommended: Duration,
}

impl Default for Requirements {
    fn default() -> Self {
        Requirements {
            cores: Threshold { minimum: 4, recommended: 8 },
            memory: Threshold { minimum: 16 * GB, recommended: 32 * GB },
            free_disk: Threshold { minimum: 100 * GB, recommended: 100 * GB },
            clock: ClockBound { maximum: Duration::from_secs(10), recommended: Duration::from_secs(2) },
        }
    }
}
