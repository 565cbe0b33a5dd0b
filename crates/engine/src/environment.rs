//! Time, randomness and interruption, as parameters of the engine.

use std::fmt;
use std::sync::Arc;

use rand::TryRngCore;
use time::OffsetDateTime;

use crate::Checkpoint;

/// Reads the time of day.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// A source of bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the source fails; nothing may be signed then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String>;
}

/// What the engine takes from the machine around it.
#[derive(Clone)]
pub struct Environment {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Randomness for salts.
    pub entropy: Arc<dyn Entropy>,
    /// Told of every [`Checkpoint`] that a round passes.
    pub checkpoint: Arc<dyn Fn(Checkpoint) + Send + Sync>,
}

impl Environment {
    /// The system's clock and randomness; checkpoints pass unnoticed.
    pub fn system() -> Environment {
        Environment {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            checkpoint: Arc::new(|_| {}),
        }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(crate) fn pass(&self, checkpoint: Checkpoint) {
        (self.checkpoint)(checkpoint);
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), String> {
        rand::rngs::OsRng.try_fill_bytes(bytes).map_err(|error| error.to_string())
    }
}
