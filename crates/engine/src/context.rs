//! What every step of the work needs at hand.

use std::time::Duration;

use r3mes_chain::Chain;
use r3mes_config::Settings;
use r3mes_keys::AccountKey;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::ages::Ages;
use crate::event::{Announcer, EngineEvent};
use crate::ipfs::Ipfs;
use crate::journal::Journal;
use crate::preparing::Preparing;
use crate::{Checkpoint, Environment, Home, Ledger};

/// What every step needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) chain: Chain,
    pub(crate) ipfs: Ipfs,
    pub(crate) key: AccountKey,
    pub(crate) address: String,
    pub(crate) home: Home,
    pub(crate) journal: Journal,
    pub(crate) environment: Environment,
    pub(crate) announcer: Announcer,
    pub(crate) preparing: Preparing,
    pub(crate) ages: Ages,
    /// Counts what the chain's websocket brought.
    pub(crate) news: watch::Sender<u64>,
}

impl Context {
    /// How long ago a journaled time was. Asked at that time, it is right whatever becomes of the clock.
    pub(crate) fn age(&self, at: OffsetDateTime) -> Duration {
        self.ages.of(at, self.environment.now())
    }

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

    /// Waits until the chain has something new to say, at most for `longest`: events come over a websocket,
    /// and what it misses is asked for.
    pub(crate) fn next_news(&self, longest: Duration) -> impl Future<Output = ()> + use<> {
        let mut news = self.news.subscribe();
        async move {
            // Nobody left to tell of anything, or nothing to tell in that time: the pause is over either way.
            let _ = tokio::time::timeout(longest, news.changed()).await;
        }
    }

    /// Tells the operator that a reveal may not be in time, and what is done about it.
    pub(crate) fn reveal_at_risk(&self, deadline_height: i64, height: i64, doing: String) {
        let blocks_left = (deadline_height - height).max(0);
        self.announcer.announce(EngineEvent::RevealAtRisk { deadline_height, blocks_left, doing });
    }

    pub(crate) fn pass(&self, checkpoint: Checkpoint) {
        self.environment.pass(checkpoint);
    }
}
