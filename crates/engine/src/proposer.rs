//! The proposer at work: one loop that looks at the chain and the journal, and does what comes next.

use std::sync::Arc;
use std::time::Duration;

use r3mes_chain::{Chain, Status};
use r3mes_config::Settings;
use r3mes_ipfs::Kubo;
use r3mes_keys::AccountKey;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::event::{Announcer, EngineEvent, Numbered};
use crate::home::HomeLock;
use crate::intake::Intake;
use crate::journal::{Journal, LedgerEntry};
use crate::preparing::Preparing;
use crate::registration;
use crate::round::RoundState;
use crate::steps::Progress;
use crate::{EngineError, Environment, Home, identity};

/// How long the loop waits after trouble at first; doubled each time, up to the time of a block: whatever
/// is wrong, a deadline counted in blocks may be running.
const BACKOFF: Duration = Duration::from_millis(250);

/// How long a command that carries out an order waits for a node that does not answer.
const ORDER_PATIENCE: Duration = Duration::from_secs(120);

/// The clients that a proposer reaches the network through.
#[derive(Clone, Debug)]
pub struct Connections {
    /// The chain.
    pub chain: Chain,
    /// The IPFS node.
    pub ipfs: Kubo,
}

/// A proposer that is ready to start.
#[derive(Debug)]
pub struct Proposer {
    context: Context,
    lock: HomeLock,
}

impl Proposer {
    /// Takes the data folder and opens its journal. Nothing is sent yet.
    ///
    /// # Errors
    /// When the folder is in use, or its journal cannot be opened.
    pub fn open(
        settings: Settings,
        connections: Connections,
        key: AccountKey,
        home: Home,
        environment: Environment,
    ) -> Result<Proposer, EngineError> {
        let lock = home.lock()?;
        home.sweep(&lock)?;
        let journal = Journal::open(&home.journal())?;
        let address = key.address(&settings.network.bech32_prefix);
        let announcer = Announcer::new(environment.clone());
        let Connections { chain, ipfs } = connections;
        let preparing = Preparing::default();
        let context =
            Context { settings, chain, ipfs, key, address, home, journal, environment, announcer, preparing };
        Ok(Proposer { context, lock })
    }

    /// The account that proposes.
    pub fn address(&self) -> &str {
        &self.context.address
    }

    /// Carries out what the operator ordered and journaled, and brings the books up to date.
    ///
    /// # Errors
    /// When the node does not answer or serves another chain. Orders stay open then.
    pub async fn carry_out_orders(&self) -> Result<(), EngineError> {
        let begun = tokio::time::Instant::now();
        let mut backoff = BACKOFF;
        loop {
            let carried_out = async {
                self.context.settle_in().await?;
                self.context.carry_out_orders().await?;
                self.context.ledger().follow().await
            };
            match carried_out.await {
                Err(error) if error.is_transient() && begun.elapsed() < ORDER_PATIENCE => {
                    tracing::warn!(%error, "trying again");
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(self.context.settings.network.block_time.max(BACKOFF));
                }
                ended => return ended.map(drop),
            }
        }
    }

    /// Starts the work in the background.
    ///
    /// # Errors
    /// When the node does not answer now, serves another chain, or the account may not propose. Later
    /// trouble is waited out.
    pub async fn start(self) -> Result<Running, EngineError> {
        let Proposer { context, lock } = self;
        let status = context.settle_in().await?;
        registration::require(&context).await?;
        let context = Arc::new(context);
        let stop = CancellationToken::new();
        let events = context.announcer.subscribe();
        context.announcer.announce(EngineEvent::Started {
            address: context.address.clone(),
            chain_id: status.chain_id,
            height: status.height,
        });
        let task = tokio::spawn(run(context.clone(), stop.clone(), lock));
        Ok(Running { context, stop, task, events: Some(events) })
    }
}

/// A proposer at work. Dropping it stops the work, as a crash would: safely.
#[derive(Debug)]
pub struct Running {
    context: Arc<Context>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), EngineError>>,
    events: Option<broadcast::Receiver<Numbered>>,
}

impl Running {
    /// The events, from the start for the first caller and from now on for later ones.
    pub fn events(&mut self) -> broadcast::Receiver<Numbered> {
        self.events.take().unwrap_or_else(|| self.context.announcer.subscribe())
    }

    /// The journal that this proposer writes.
    pub fn journal(&self) -> &Journal {
        &self.context.journal
    }

    /// The account that proposes.
    pub fn address(&self) -> &str {
        &self.context.address
    }

    /// Asks the work to stop, and waits until it has.
    ///
    /// # Errors
    /// What stopped it before it was asked.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.stop.cancel();
        self.ended().await
    }

    /// Waits until the work ends of itself, which only an error makes it do.
    ///
    /// # Errors
    /// What stopped it.
    pub async fn ended(mut self) -> Result<(), EngineError> {
        match (&mut self.task).await {
            Ok(ended) => ended,
            Err(error) => Err(EngineError::Task(error.to_string())),
        }
    }

    /// Whether the work has ended.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn run(context: Arc<Context>, stop: CancellationToken, lock: HomeLock) -> Result<(), EngineError> {
    // Dropping a step halfway is what a crash does, and every step is made for that.
    let ended = tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = work(&context) => ended,
        ended = keep_books(&context) => ended,
    };
    let error = ended.as_ref().err().map(ToString::to_string);
    context.announcer.announce(EngineEvent::Stopped { error });
    drop(lock);
    ended
}

async fn work(context: &Arc<Context>) -> Result<(), EngineError> {
    let mut intake = Intake::new(context.clone());
    let mut backoff = BACKOFF;
    loop {
        match step(context, &mut intake).await {
            Ok(Progress::Done) => backoff = BACKOFF,
            Ok(Progress::Waiting) => {
                backoff = BACKOFF;
                intake.rest(context.poll_interval()).await;
            }
            Err(error) if error.is_transient() => {
                context.announcer.announce(EngineEvent::Trouble { message: error.to_string() });
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(context.settings.network.block_time.max(BACKOFF));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Keeps the books beside the work, which never waits for them.
async fn keep_books(context: &Context) -> Result<(), EngineError> {
    loop {
        match context.ledger().follow().await {
            Ok(entries) => entries.into_iter().for_each(|entry| context.announcer.announce(booked(entry))),
            Err(EngineError::Journal(error)) => return Err(error.into()),
            // Whatever a node answers here, the rounds go on; `earnings` says how far the books are.
            Err(error) => tracing::warn!(%error, "the books are behind"),
        }
        tokio::time::sleep(context.settings.network.block_time.max(BACKOFF)).await;
    }
}

fn booked(entry: LedgerEntry) -> EngineEvent {
    EngineEvent::Booked {
        kind: entry.kind,
        amount: entry.amount.to_string(),
        denom: entry.denom,
        height: entry.height,
        tx_hash: entry.tx_hash,
    }
}

async fn step(context: &Context, intake: &mut Intake) -> Result<Progress, EngineError> {
    let height = context.chain.status().await?.height;
    if intake.height() != Some(height) {
        context.refuse_foreign_commitments(height).await?;
        intake.list_new(height).await?;
        context.watch_revealed(height).await?;
    }
    let round = context.journal.open_rounds()?.into_iter().next();
    // A commitment has a deadline: what was ordered waits until it is revealed.
    if round.as_ref().is_none_or(|round| round.state != RoundState::Committed) {
        let ordered = async {
            context.order_payout(height).await?;
            context.carry_out_orders().await
        };
        match ordered.await {
            Err(error) if error.is_transient() => {
                context.announcer.announce(EngineEvent::Trouble { message: error.to_string() });
            }
            carried_out => carried_out?,
        }
    }
    match round {
        Some(round) => context.advance(round, height, intake).await,
        None => context.open_round(height, intake).await,
    }
}

impl Context {
    /// Binds the journal to the chain and the account, and begins the books. Answers the node's status.
    async fn settle_in(&self) -> Result<Status, EngineError> {
        let network = &self.settings.network;
        let status = identity::bind(&self.journal, &self.home, network, &self.chain, &self.address).await?;
        self.ledger().open().await?;
        Ok(status)
    }
}
