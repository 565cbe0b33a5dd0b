use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

/// The newest block's time, as the chain stated it when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockClock {
    /// The block's own time.
    pub block_time: OffsetDateTime,
    /// This machine's time when the answer came.
    pub asked_at: OffsetDateTime,
    /// The network's usual time from one block to the next.
    pub interval: Duration,
}

/// How far this machine's clock is from the chain's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClockSkew {
    /// Seconds by which this clock is ahead (positive) or behind (negative), beyond what a block's age
    /// explains; 0 when it may well be exact.
    pub seconds: f64,
    /// Seconds from the newest block's time to this clock.
    pub block_age: f64,
}

/// A block carries the time at which its predecessor was voted for, so the newest one is up to two
/// intervals old, and only what goes beyond is told from a right clock.
const INTERVALS: u32 = 2;

/// Time for voting, gossip and the answer itself.
const GRACE: Duration = Duration::from_secs(1);

impl BlockClock {
    /// The skew that the block's time shows. A chain that stands still looks like a clock that is ahead.
    pub fn skew(&self) -> ClockSkew {
        let age = (self.asked_at - self.block_time).as_seconds_f64();
        let explained = (self.interval * INTERVALS + GRACE).as_secs_f64();
        let seconds = if age < 0.0 { age } else { (age - explained).max(0.0) };
        ClockSkew { seconds, block_age: age }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_blocks_age_cannot_explain_is_skew() {
        let asked_at = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        let skew = |age: i64| {
            let block_time = asked_at - time::Duration::milliseconds(age);
            BlockClock { block_time, asked_at, interval: Duration::from_secs(5) }.skew().seconds
        };
        assert_eq!(skew(0), 0.0);
        assert_eq!(skew(11_000), 0.0);
        assert_eq!(skew(13_500), 2.5);
        assert_eq!(skew(-1_500), -1.5);
    }
}
