use std::fmt;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Which calls go wrong. What happens to a call follows from the seed and the call's number alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// Where all chance comes from.
    pub seed: u64,
    /// The share of calls that go wrong, 0 to 1.
    pub rate: f64,
    /// The longest delay of a call.
    pub longest_delay: Duration,
}

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The connection ends without an answer. `acted`: the node got the call, only its answer is lost.
    Drop {
        /// Whether the node got the call.
        acted: bool,
    },
    /// The node got the call, its answer never comes, and the connection stays open.
    Silence,
    /// The call waits before it goes on to the node.
    Delay(Duration),
    /// The answer ends after a share of its bytes. `broken`: the connection breaks there, and the client
    /// can see it; otherwise the short answer looks whole.
    Truncate {
        /// The share of its bytes that come, below 1.
        kept: f64,
        /// Whether the connection breaks.
        broken: bool,
    },
    /// The node gets the call twice; the second answer comes.
    Duplicate,
    /// The status is 500. `acted`: the node got the call all the same.
    Status500 {
        /// Whether the node got the call.
        acted: bool,
    },
}

/// A fault's name, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// [`Fault::Drop`] and [`Fault::Silence`].
    Drop,
    /// [`Fault::Delay`].
    Delay,
    /// [`Fault::Truncate`].
    Truncate,
    /// [`Fault::Duplicate`].
    Duplicate,
    /// [`Fault::Status500`].
    Status500,
}

impl Faults {
    /// None at all: what comes in goes on.
    pub const NONE: Faults = Faults { seed: 0, rate: 0.0, longest_delay: Duration::ZERO };

    /// What happens to the call of this number.
    pub fn of_call(&self, number: u64) -> Option<Fault> {
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        chance.set_stream(number);
        if share(&mut chance) >= self.rate {
            return None;
        }
        let coin = chance.next_u32() % 2 == 0;
        Some(match chance.next_u32() % 5 {
            // A lost packet is mostly noticed; one time in four nobody says a word.
            0 if chance.next_u32() % 4 == 0 => Fault::Silence,
            0 => Fault::Drop { acted: coin },
            1 => Fault::Delay(self.longest_delay.mul_f64(share(&mut chance))),
            2 => Fault::Truncate { kept: share(&mut chance), broken: coin },
            3 => Fault::Duplicate,
            _ => Fault::Status500 { acted: coin },
        })
    }
}

/// A number from 0 to below 1.
fn share(chance: &mut ChaCha8Rng) -> f64 {
    f64::from(chance.next_u32()) / (f64::from(u32::MAX) + 1.0)
}

impl Fault {
    /// Its name.
    pub fn kind(&self) -> FaultKind {
        match self {
            Fault::Drop { .. } | Fault::Silence => FaultKind::Drop,
            Fault::Delay(_) => FaultKind::Delay,
            Fault::Truncate { .. } => FaultKind::Truncate,
            Fault::Duplicate => FaultKind::Duplicate,
            Fault::Status500 { .. } => FaultKind::Status500,
        }
    }
}

impl FaultKind {
    /// All of them.
    pub const ALL: [FaultKind; 5] =
        [FaultKind::Drop, FaultKind::Delay, FaultKind::Truncate, FaultKind::Duplicate, FaultKind::Status500];
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::Drop => "dropped",
            FaultKind::Delay => "delayed",
            FaultKind::Truncate => "truncated",
            FaultKind::Duplicate => "duplicated",
            FaultKind::Status500 => "answered 500",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIFTH: Faults = Faults { seed: 7, rate: 0.2, longest_delay: Duration::from_secs(2) };

    #[test]
    fn what_happens_follows_from_seed_and_number() {
        let draw = |faults: Faults| (0..200).map(|number| faults.of_call(number)).collect::<Vec<_>>();
        assert_eq!(draw(FIFTH), draw(FIFTH));
        assert_ne!(draw(FIFTH), draw(Faults { seed: 8, ..FIFTH }));
        assert_eq!(draw(Faults::NONE), vec![None; 200]);
    }

    #[test]
    fn a_fifth_goes_wrong_in_every_way() {
        let faults: Vec<Fault> = (0..10_000).filter_map(|number| FIFTH.of_call(number)).collect();
        assert!((1800..2200).contains(&faults.len()), "{} of 10000", faults.len());
        for kind in FaultKind::ALL {
            let count = faults.iter().filter(|fault| fault.kind() == kind).count();
            assert!(count > 250, "{kind}: {count}");
        }
        assert!(faults.contains(&Fault::Drop { acted: true }) && faults.contains(&Fault::Silence));
        assert!(faults.iter().all(|fault| !matches!(fault, Fault::Delay(d) if *d >= FIFTH.longest_delay)));
        assert!(faults.iter().all(|fault| !matches!(fault, Fault::Truncate { kept, .. } if *kept >= 1.0)));
    }
}
