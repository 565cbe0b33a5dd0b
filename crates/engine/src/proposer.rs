//! The proposer at work: one loop that looks at the chain and the journal, and does what comes next.

use std::sync::{Arc, Weak};
use std::time::Duration;

use r3mes_chain::{Chain, EndpointStatus, Status};
use r3mes_config::Settings;
use r3mes_ipfs::Kubo;
use r3mes_keys::AccountKey;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ages::Ages;
use crate::context::Context;
use crate::event::{Announcer, EngineEvent, Numbered};
use crate::home::HomeLock;
use crate::intake::Intake;
use crate::ipfs::{Ipfs, IpfsHealth, TransferInProgress};
use crate::journal::{Journal, LedgerEntry, Purpose};
use crate::preparing::Preparing;
use crate::registration;
use crate::round::{Round, RoundState};
use crate::steps::Progress;
use crate::trouble::{Part, Trouble};
use crate::{EngineError, Environment, Home, identity};

/// How often a call is made again at the start before its trouble is believed: nobody waits for it then.
const START_ATTEMPTS: u32 = 6;

/// What a last reveal may take beyond three times its blocks' usual time.
const LAST_BLOCKS: Duration = Duration::from_secs(30);

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
        let ipfs = Ipfs::new(ipfs, &settings);
        let (preparing, news) = (Preparing::default(), watch::Sender::new(0));
        let context = Context {
            settings,
            chain,
            ipfs,
            key,
            address,
            home,
            journal,
            environment,
            announcer,
            preparing,
            ages: Ages::default(),
            news,
        };
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
        let Proposer { mut context, lock } = self;
        let status = patiently(|| context.settle_in()).await?;
        patiently(|| registration::require(&context)).await?;
        context.ipfs.start(&context.settings, &context.home).await?;
        let context = Arc::new(context);
        let stop = Stop::default();
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

/// Makes a call again that fails for a reason that may pass.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, EngineError>
where
    F: Future<Output = Result<T, EngineError>>,
{
    let mut attempt = 1;
    loop {
        match call().await {
            Err(error) if error.is_transient() && attempt < START_ATTEMPTS => {
                tracing::debug!(%error, attempt, "once more");
                tokio::time::sleep(BACKOFF * attempt).await;
                attempt += 1;
            }
            ended => return ended,
        }
    }
}

/// How the work is ended: in order, or at once.
#[derive(Clone, Debug, Default)]
struct Stop {
    in_order: CancellationToken,
    at_once: CancellationToken,
}

/// A proposer at work. Dropping it stops the work, as a crash would: safely.
#[derive(Debug)]
pub struct Running {
    context: Arc<Context>,
    stop: Stop,
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

    /// How each endpoint of the chain stands.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        self.context.chain.endpoints()
    }

    /// Something to look at this proposer through, which does not keep it alive.
    pub fn observer(&self) -> Observer {
        Observer { context: Arc::downgrade(&self.context) }
    }

    /// Asks the work to stop in order: a live commitment is revealed first, which takes no longer than the
    /// blocks until its deadline. It does not wait for that.
    pub fn ask_to_stop(&self) {
        self.stop.in_order.cancel();
    }

    /// How IPFS is: the node is asked.
    pub async fn ipfs(&self) -> IpfsHealth {
        self.context.ipfs.health().await
    }

    /// The files that are on their way from or to IPFS now.
    pub fn transfers(&self) -> Vec<TransferInProgress> {
        self.context.ipfs.transfers().open()
    }

    /// Asks the work to stop in order, and waits until it has.
    ///
    /// # Errors
    /// What stopped it before it was asked.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.ask_to_stop();
        self.ended().await
    }

    /// Stops the work where it is, and waits until it has. A live commitment stays unrevealed until the
    /// next start.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn stop_at_once(self) -> Result<(), EngineError> {
        self.stop.at_once.cancel();
        self.ended().await
    }

    /// Waits until the work ends of itself, which only an error makes it do.
    ///
    /// # Errors
    /// What stopped it.
    pub async fn ended(mut self) -> Result<(), EngineError> {
        self.until_ended().await
    }

    /// As [`Running::ended`], leaving the proposer at hand. It must not be waited for again afterwards.
    ///
    /// # Errors
    /// What stopped it.
    pub async fn until_ended(&mut self) -> Result<(), EngineError> {
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

/// Looks at a running proposer from elsewhere. It keeps nothing of it: neither the work nor the data folder's lock.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    context: Weak<Context>,
}

impl Observer {
    /// How each endpoint of the chain stands, in the order of the network's list; none once the proposer has ended.
    pub fn endpoints(&self) -> Option<Vec<EndpointStatus>> {
        Some(self.context.upgrade()?.chain.endpoints())
    }

    /// The IPFS node that it works with, and whether that is one of its own; none once the proposer has ended.
    pub fn ipfs_node(&self) -> Option<(Kubo, bool)> {
        let context = self.context.upgrade()?;
        Some((context.ipfs.node().clone(), context.ipfs.is_managed()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.at_once.cancel();
    }
}

async fn run(context: Arc<Context>, stop: Stop, lock: HomeLock) -> Result<(), EngineError> {
    // Dropping a step halfway is what a crash does, and every step is made for that.
    let ended = tokio::select! {
        biased;
        () = stop.at_once.cancelled() => Ok(()),
        () = context.keep_company() => Ok(()),
        () = context.keep_house() => Ok(()),
        () = context.keep_scores() => Ok(()),
        ended = keep_books(&context) => ended,
        ended = work_until(&context, &stop.in_order) => ended,
    };
    context.ipfs.stop().await;
    let error = ended.as_ref().err().map(ToString::to_string);
    context.announcer.announce(EngineEvent::Stopped { error });
    drop(lock);
    ended
}

async fn work_until(context: &Arc<Context>, stop: &CancellationToken) -> Result<(), EngineError> {
    let mut intake = Intake::new(context.clone());
    tokio::select! {
        biased;
        ended = work(context, &mut intake, |_| true) => return ended,
        () = stop.cancelled() => {}
    }
    // What binds us is ended first. It ends by itself: revealed, taken by another, or past its deadline.
    let network = &context.settings.network;
    let longest = network.block_time * 3 * network.reveal_window_blocks as u32 + LAST_BLOCKS;
    let Some(binding) = context.binding_round()? else { return Ok(()) };
    let deadline_height = binding
        .commitment
        .and_then(|commitment| commitment.included)
        .map(|included| included.deadline_height);
    context.announcer.announce(EngineEvent::Stopping { deadline_height });
    let binds = |context: &Context| context.binding_round().is_ok_and(|round| round.is_some());
    match tokio::time::timeout(longest, work(context, &mut intake, binds)).await {
        Ok(ended) => ended,
        // The chain stands still; the next start goes on.
        Err(_) => Ok(()),
    }
}

/// Does what comes next, for as long as `goes_on` says so.
async fn work(
    context: &Context,
    intake: &mut Intake,
    goes_on: impl Fn(&Context) -> bool,
) -> Result<(), EngineError> {
    let mut backoff = BACKOFF;
    while goes_on(context) {
        match step(context, intake).await {
            Ok(progress) => {
                backoff = BACKOFF;
                context.announcer.is_well(Part::Rounds);
                if progress == Progress::Waiting {
                    intake.rest(context.next_news(context.poll_interval())).await;
                }
            }
            Err(error) if error.is_transient() => {
                context.warn_of_deadline(intake.height(), &error)?;
                context.announcer.announce(EngineEvent::Trouble(Trouble::of(Part::Rounds, &error)));
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(context.settings.network.block_time.max(BACKOFF));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Keeps the books beside the work, which never waits for them.
async fn keep_books(context: &Context) -> Result<(), EngineError> {
    loop {
        match context.ledger().follow().await {
            Ok(entries) => entries.into_iter().for_each(|entry| context.announcer.announce(booked(entry))),
            Err(error @ EngineError::Journal(_)) if !error.is_disk_full() => return Err(error),
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
    // A reveal has a deadline, and goes before all that has none.
    if let Some(round) = context.binding_round()? {
        return context.advance(round, height, intake).await;
    }
    if intake.height() != Some(height) {
        context.refuse_foreign_commitments(height).await?;
        context.read_blocks(height).await?;
        intake.list_new().await?;
        context.watch_revealed(height).await?;
        intake.has_read(height);
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
                context.announcer.announce(EngineEvent::Trouble(Trouble::of(Part::Orders, &error)));
            }
            carried_out => {
                carried_out?;
                context.announcer.is_well(Part::Orders);
            }
        }
    }
    match round {
        Some(round) => context.advance(round, height, intake).await,
        None => context.open_round(height, intake).await,
    }
}

impl Context {
    /// The open round that the chain may hold us to: committed, or with a transaction on its way.
    fn binding_round(&self) -> Result<Option<Round>, EngineError> {
        let Some(round) = self.journal.open_rounds()?.into_iter().next() else { return Ok(None) };
        let is_on_its_way = |purpose| -> Result<bool, EngineError> {
            let sent = self.journal.transactions(Some(round.id), None, purpose)?;
            Ok(sent.last().is_some_and(|last| last.sent && last.settlement.is_none()))
        };
        let binds = round.state == RoundState::Committed
            || round.state == RoundState::Publishing
                && (is_on_its_way(Purpose::Commit)? || is_on_its_way(Purpose::Submit)?);
        Ok(binds.then_some(round))
    }

    /// Trouble while a commitment waits for its reveal is told with the blocks that are left, as far as the clock
    /// tells them.
    fn warn_of_deadline(&self, height: Option<i64>, error: &EngineError) -> Result<(), EngineError> {
        let Some(round) = self.binding_round()? else { return Ok(()) };
        let Some(included) = round.commitment.and_then(|commitment| commitment.included) else {
            return Ok(());
        };
        let committed = self.journal.last_entered(RoundState::Committed)?;
        let since = committed.map_or(0.0, |at| self.age(at).as_secs_f64());
        let passed = since / self.settings.network.block_time.as_secs_f64();
        let height = height.unwrap_or(0).max(included.height + passed as i64);
        self.reveal_at_risk(included.deadline_height, height, format!("it is tried again: {error}"));
        Ok(())
    }

    /// Binds the journal to the chain and the account, and begins the books. Answers the node's status.
    async fn settle_in(&self) -> Result<Status, EngineError> {
        let network = &self.settings.network;
        let status = identity::bind(&self.journal, &self.home, network, &self.chain, &self.address).await?;
        self.ledger().open().await?;
        Ok(status)
    }
}
