//! What every step of the work needs at hand.

use std::time::Duration;

use r3mes_chain::Chain;
use r3mes_config::Settings;
use r3mes_ipfs::Kubo;
use r3mes_keys::AccountKey;

use crate::event::Announcer;
use crate::journal::Journal;
use crate::preparing::Preparing;
use crate::{Checkpoint, Environment, Home, Ledger};

/// What every step needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) chain: Chain,
    pub(crate) ipfs: Kubo,
    pub(crate) key: AccountKey,
    pub(crate) address: String,
    pub(crate) home: Home,
    pub(crate) journal: Journal,
    pub(crate) environment: Environment,
    pub(crate) announcer: Announcer,
    pub(crate) preparing: Preparing,
}

impl Context {
    /// How often the chain is asked for news.
    pub(crate) fn poll_interval(&self) -> Duration {
        (self.settings.network.block_time / 4).clamp(Duration::from_millis(20), Duration::from_secs(2))
    }

    /// The account's books.
    pub(crate) fn ledger(&self) -> Ledger<'_> {
        Ledger {
            journal: &self.journal,
            chain: &self.chain,
            address: &self.address,
            clock: self.environment.clock.clone(),
        }
    }

    pub(crate) fn pass(&self, checkpoint: Checkpoint) {
        self.environment.pass(checkpoint);
    }
}
