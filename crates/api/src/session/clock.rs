//! This machine's clock, held against the chain's and against the time that has passed.

use std::time::{Duration, Instant};

use r3mes_hardware::BlockClock;
use time::OffsetDateTime;

use super::troubles::Found;

/// What the chain's best endpoint says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) height: i64,
    pub(crate) time: OffsetDateTime,
}

/// What is wrong with chain and clock, seen from the newest block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) chain: Option<Found>,
    pub(crate) clock: Option<Found>,
}

/// Watches blocks and clock from look to look.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch {
    /// The newest height, since when it is known, and whether another one came before it.
    newest: Option<(i64, Instant, bool)>,
    /// When the clock was right for the last time, by itself and by the time that passes.
    right: Option<(OffsetDateTime, Instant)>,
    /// Since when the clock is off by itself.
    off: Option<Instant>,
}

/// How far the clock may be off. The chain takes no part in it: messages carry no time.
const BOUND: Duration = Duration::from_secs(10);

/// A step of the clock that is no drift.
const STEP: Duration = Duration::from_secs(5);

/// Blocks that may be late together.
const LATE_BLOCKS: u32 = 5;

/// The least time for which a chain stands still.
const STILL: Duration = Duration::from_secs(8);

/// After this time a network that lives by this very clock is taken to have come to terms with it.
const SETTLED: Duration = Duration::from_secs(60);

impl ClockWatch {
    /// Looks at the newest block. `interval` is the usual time between two; `local` says that the chain lives by
    /// this machine's clock, and proves nothing about it.
    pub(crate) fn look(
        &mut self,
        (now, instant): (OffsetDateTime, Instant),
        block: Option<Block>,
        interval: Duration,
        local: bool,
    ) -> Seen {
        let stands = block.and_then(|block| self.stands_still(block, instant, interval));
        // How old the block was when it was seen first says how the clock stands; how long none has come does not.
        let proof =
            block.filter(|_| !local && stands.is_none()).and_then(|block| self.seen_for(block, instant));
        let clock = match proof {
            Some((block, seen_for)) => {
                let asked_at = now - seen_for;
                let skew = BlockClock { block_time: block.time, asked_at, interval }.skew().seconds;
                let wrong = off_the_chain(skew);
                if wrong.is_none() {
                    self.is_right(now, instant);
                }
                wrong
            }
            None => self.jumped(now, instant, local),
        };
        let chain = stands.map(|height| Found {
            message: format!("see a new block: the chain has stood at height {height}"),
            remedy: "wait for the chain, or ask on the network's channels; work goes on by itself with the next block"
                .to_owned(),
        });
        let clock = clock.map(|reason| Found {
            message: format!("rely on the clock: {reason}"),
            remedy: "have the system set its clock (for example `timedatectl set-ntp true`); what waits for a time goes on by itself"
                .to_owned(),
        });
        Seen { chain, clock }
    }

    /// A block with the time since which it is known, where it is the newest one and came while we looked.
    fn seen_for(&self, block: Block, instant: Instant) -> Option<(Block, Duration)> {
        let (height, since, moved) = self.newest?;
        (moved && height == block.height).then(|| (block, instant.saturating_duration_since(since)))
    }

    fn is_right(&mut self, now: OffsetDateTime, instant: Instant) {
        self.right = Some((now, instant));
        self.off = None;
    }

    /// The height at which the chain stands still, where it does.
    fn stands_still(&mut self, block: Block, instant: Instant, interval: Duration) -> Option<i64> {
        match self.newest {
            Some((height, since, _)) if height == block.height => {
                let patience = (interval * LATE_BLOCKS).max(STILL);
                (instant.saturating_duration_since(since) > patience).then_some(height)
            }
            // An endpoint that is behind proves nothing.
            Some((height, ..)) if height > block.height => None,
            before => {
                self.newest = Some((block.height, instant, before.is_some()));
                None
            }
        }
    }

    /// By how much the clock went at once, against the time that passed.
    fn jumped(&mut self, now: OffsetDateTime, instant: Instant, local: bool) -> Option<String> {
        let Some((right, since)) = self.right else {
            self.is_right(now, instant);
            return None;
        };
        let passed = instant.saturating_duration_since(since);
        let jump = (now - right - passed).whole_seconds();
        if jump.unsigned_abs() < STEP.as_secs() {
            self.off = None;
            return None;
        }
        let off = *self.off.get_or_insert(instant);
        if local && instant.saturating_duration_since(off) >= SETTLED {
            self.is_right(now, instant);
            return None;
        }
        let seconds = about(jump.unsigned_abs());
        Some(match jump > 0 {
            true => format!("this clock was put forward by {seconds} s, or the machine slept"),
            false => format!("this clock was put back by {seconds} s"),
        })
    }
}

/// So that words do not change with every look.
fn about(seconds: u64) -> u64 {
    if seconds < 100 { seconds } else { (seconds + 5) / 10 * 10 }
}

fn off_the_chain(skew: f64) -> Option<String> {
    let seconds = about(skew.abs().round() as u64);
    let bound = BOUND.as_secs_f64();
    match skew {
        skew if skew > bound => Some(format!("it is {seconds} s ahead of the chain's")),
        skew if skew < -bound => Some(format!("it is {seconds} s behind the chain's")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(2);

    /// A clock that can be set, beside time that passes.
    struct Scene {
        watch: ClockWatch,
        began: Instant,
        passed: Duration,
        set: i64,
        local: bool,
    }

    impl Scene {
        fn new(local: bool) -> Scene {
            let watch = ClockWatch::default();
            Scene { watch, began: Instant::now(), passed: Duration::ZERO, set: 0, local }
        }

        /// What is seen after some seconds, with a block that was made just then by a right clock.
        fn after(&mut self, seconds: u64, height: Option<i64>) -> (Option<String>, Option<String>) {
            self.passed += Duration::from_secs(seconds);
            let time = OffsetDateTime::UNIX_EPOCH + self.passed;
            let now = time + time::Duration::seconds(self.set);
            let time = if self.local { now } else { time };
            let block = height.map(|height| Block { height, time });
            let seen = self.watch.look((now, self.began + self.passed), block, INTERVAL, self.local);
            (seen.chain.map(|found| found.message), seen.clock.map(|found| found.message))
        }
    }

    #[test]
    fn a_clock_is_wrong_while_it_differs_from_a_chain_that_moves() {
        let mut scene = Scene::new(false);
        assert_eq!(scene.after(0, Some(1)), (None, None));
        assert_eq!(scene.after(2, Some(2)), (None, None));
        scene.set = 3600;
        let ahead = "rely on the clock: it is 3600 s ahead of the chain's";
        assert_eq!(scene.after(2, Some(3)).1.as_deref(), Some(ahead));
        scene.set = -60;
        let behind = "rely on the clock: it is 60 s behind the chain's";
        assert_eq!(scene.after(2, Some(4)).1.as_deref(), Some(behind));
        scene.set = 0;
        assert_eq!(scene.after(2, Some(5)), (None, None));
    }

    #[test]
    fn without_a_chain_a_jump_shows_against_the_time_that_passed() {
        let mut scene = Scene::new(false);
        assert_eq!(scene.after(0, None), (None, None));
        scene.set = 100;
        let forward = "rely on the clock: this clock was put forward by 100 s, or the machine slept";
        assert_eq!(scene.after(5, None).1.as_deref(), Some(forward));
        assert_eq!(scene.after(500, None).1.as_deref(), Some(forward));
        scene.set = 0;
        assert_eq!(scene.after(5, None), (None, None));
    }

    #[test]
    fn a_local_network_comes_to_terms_with_a_clock_that_was_set() {
        let mut scene = Scene::new(true);
        assert_eq!(scene.after(0, Some(1)), (None, None));
        scene.set = -100;
        let back = "rely on the clock: this clock was put back by 100 s";
        assert_eq!(scene.after(2, Some(2)).1.as_deref(), Some(back));
        assert_eq!(scene.after(61, Some(3)), (None, None));
        assert_eq!(scene.after(2, Some(4)), (None, None));
    }

    #[test]
    fn a_chain_that_stands_still_is_no_wrong_clock() {
        let mut scene = Scene::new(false);
        scene.after(0, Some(1));
        scene.after(2, Some(2));
        let still = "see a new block: the chain has stood at height 2";
        assert_eq!(scene.after(11, Some(2)), (Some(still.to_owned()), None));
        assert_eq!(scene.after(100, Some(2)), (Some(still.to_owned()), None));
        assert_eq!(scene.after(2, Some(3)), (None, None));
    }

    #[test]
    fn an_endpoint_that_is_behind_and_a_late_block_prove_nothing() {
        let mut scene = Scene::new(false);
        scene.after(0, Some(8));
        scene.after(2, Some(9));
        let seen = scene.watch.look(
            (OffsetDateTime::UNIX_EPOCH + scene.passed, scene.began + scene.passed),
            Some(Block { height: 3, time: OffsetDateTime::UNIX_EPOCH - Duration::from_secs(900) }),
            INTERVAL,
            false,
        );
        assert_eq!(seen, Seen::default());
        let last = scene.passed;
        for _ in 0..9 {
            scene.passed += Duration::from_secs(1);
            let at = (OffsetDateTime::UNIX_EPOCH + scene.passed, scene.began + scene.passed);
            let block = Block { height: 9, time: OffsetDateTime::UNIX_EPOCH + last };
            assert_eq!(scene.watch.look(at, Some(block), Duration::from_millis(500), false).clock, None);
        }
    }
}
