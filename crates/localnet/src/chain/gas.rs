//! What work costs.
//!
//! | what | gas |
//! |---|---|
//! | each byte of the transaction | 10 |
//! | each secp256k1 signature | 1000 |
//! | the account's reads and writes | 40000 |
//! | each message | 15000 |
//! | each participant of a commit | 500 |
//! | each participant of a reveal or a direct submit | 3000 |
//!
//! The first two are the SDK's own figures; the others stand for its charges for reading and writing
//! the store and keep their order of size.

use super::error::{Refusal, sdk};

pub(crate) const TX_BYTE: u64 = 10;
pub(crate) const SIGNATURE: u64 = 1_000;
pub(crate) const ACCOUNT: u64 = 40_000;
pub(crate) const MESSAGE: u64 = 15_000;
pub(crate) const COMMIT_PARTICIPANT: u64 = 500;
pub(crate) const REVEAL_PARTICIPANT: u64 = 3_000;

/// Counts gas against a limit.
#[derive(Clone, Debug)]
pub(crate) struct GasMeter {
    limit: Option<u64>,
    wanted: u64,
    used: u64,
}

impl GasMeter {
    /// Stops at `wanted`.
    pub(crate) fn limited(wanted: u64) -> Self {
        GasMeter { limit: Some(wanted), wanted, used: 0 }
    }

    /// Counts and never stops, as in a simulation.
    pub(crate) fn unlimited(wanted: u64) -> Self {
        GasMeter { limit: None, wanted, used: 0 }
    }

    pub(crate) fn consume(&mut self, amount: u64, location: &str) -> Result<(), Refusal> {
        self.used = self.used.saturating_add(amount);
        match self.limit {
            Some(limit) if self.used > limit => Err(sdk::OUT_OF_GAS.because(format_args!(
                "out of gas in location: {location}; gasWanted: {}, gasUsed: {}",
                self.wanted, self.used
            ))),
            _ => Ok(()),
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    pub(crate) fn wanted(&self) -> u64 {
        self.wanted
    }
}
