use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

/// What a run is to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Rounds to be revealed.
    pub rounds: u64,
    /// How often the proposer is killed, spread over the rounds.
    pub kills: u64,
    /// All chance follows from it: the network, the faults, the kills.
    pub seed: u64,
    /// The share of calls that go wrong, 0 to 1.
    pub rate: f64,
    /// Milliseconds between two blocks.
    pub block_ms: u64,
    /// Miners, all of them honest.
    pub miners: u32,
}

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kill {
    /// It is due a while after so many reveals.
    pub(super) after_reveals: u64,
    /// The while.
    pub(super) delay: Duration,
    /// How long the proposer stays down.
    pub(super) downtime: Duration,
}

impl Plan {
    pub(super) fn block(&self) -> Duration {
        Duration::from_millis(self.block_ms)
    }

    /// The kills in their order. A round takes some five blocks, and the delays span it; one downtime in
    /// eight is longer than a commitment lives, so that some expire.
    pub(super) fn kills(&self) -> Vec<Kill> {
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        let mut up_to = |blocks: u32| {
            let share = f64::from(chance.next_u32()) / f64::from(u32::MAX);
            self.block().mul_f64(f64::from(blocks) * share)
        };
        (0..self.kills)
            .map(|number| Kill {
                after_reveals: number * self.rounds / self.kills,
                delay: up_to(6),
                downtime: if number % 8 == 7 { self.block() * 12 } else { up_to(2) },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_spread_over_the_rounds_and_follow_from_the_seed() {
        let plan = Plan { rounds: 50, kills: 30, seed: 3, rate: 0.2, block_ms: 1000, miners: 4 };
        let kills = plan.kills();
        assert_eq!(kills, plan.kills());
        assert_ne!(kills, Plan { seed: 4, ..plan }.kills());
        let after: Vec<u64> = kills.iter().map(|kill| kill.after_reveals).collect();
        assert_eq!((kills.len(), after[0], after[29]), (30, 0, 48));
        assert!(kills.iter().all(|kill| kill.delay <= Duration::from_secs(6)));
    }
}
