//! What the machine has, read live, and whether that is enough for a proposer.
//!
//! [`read`] takes all readings of a [`Request`] within its time budget. Every probe may fail by itself,
//! without a network or without permissions: a [`Reading`] is a value or the reason why there is none.
//! [`judge`] holds readings against [`Requirements`]; it is a function of plain values, as are the
//! verdicts below it.
//!
//! Sizes are in bytes, speeds in bytes a second, and a gigabyte has 10^9 bytes.

mod bandwidth;
mod cgroup;
mod clock;
mod disk;
mod endpoint;
mod load;
mod memory;
mod processor;
mod reading;
mod readings;
mod requirements;
mod transfers;
mod verdict;

pub use bandwidth::{Bandwidth, read_bandwidth};
pub use clock::{BlockClock, ClockSkew};
pub use disk::{DiskSpace, WriteProbe, WriteSpeed, space};
pub use endpoint::{Endpoint, EndpointReading, Reach};
pub use load::{Load, LoadMeter};
pub use memory::Memory;
pub use processor::{Processor, Simd};
pub use reading::{Clock, Found, Reading};
pub use readings::{Readings, Request, read};
pub use requirements::{ClockBound, Requirements, Threshold};
pub use transfers::{TransferRate, TransferRates};
pub use verdict::{Level, Verdict, judge};

/// Bytes of a gigabyte.
pub const GB: u64 = 1_000_000_000;
