//! Gradients on their way in: listed from the chain, fetched from IPFS, judged, kept in the spool.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use r3mes_ipfs::{Cid, FetchError, FetchLimits, PartialFile, Resumed};
use time::OffsetDateTime;
use tokio::task::{self, JoinError, JoinSet};

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::home::temporary_in;
use crate::journal::{Direction, GradientRow, PinKind};
use crate::retention::unpinned;
use crate::round::{Round, RoundId};
use crate::trouble::{Part, Trouble};
use crate::verification::{Announced, Check, Finding, Judgement, check_source, examine, gradient_limits};

/// Entries asked for in one listing.
const PAGE: u64 = 200;

/// The first wait before a gradient is tried again, doubled with each attempt up to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// How long nothing is fetched once IPFS was found to be away.
const AWAY: Duration = Duration::from_secs(2);

/// The intake of one run: what is listed, and what is being fetched.
pub(crate) struct Intake {
    context: Arc<Context>,
    height: Option<i64>,
    /// Since when this run can have fetched anything.
    started: OffsetDateTime,
    tasks: JoinSet<Result<Fetching, EngineError>>,
    fetching: HashMap<task::Id, u64>,
    /// What could not be had: how often, and not before when it is tried again.
    waiting: HashMap<u64, (u32, Instant)>,
    /// Training rounds that could not close, and until when others go before them.
    set_aside: HashMap<u64, Instant>,
    /// The round that was last told to be stalled, and how many gradients it had then.
    stalled: Option<(RoundId, usize)>,
    /// Gradients whose last attempt failed over something of our own.
    failing: HashSet<u64>,
    /// Whether the spool has no room.
    is_full: bool,
    /// Until when IPFS is taken to be away.
    away: Option<Instant>,
}

/// How the attempt to judge a gradient ended.
pub(crate) enum Fetching {
    /// The journal holds its judgement.
    Judged,
    /// Its bytes cannot be had now.
    NotNow,
    /// Nothing can be had now: our side of IPFS is away.
    Away(Trouble),
}

impl Intake {
    pub(crate) fn new(context: Arc<Context>) -> Intake {
        let started = context.environment.now();
        context.age(started);
        Intake {
            started,
            context,
            height: None,
            tasks: JoinSet::new(),
            fetching: HashMap::new(),
            waiting: HashMap::new(),
            set_aside: HashMap::new(),
            stalled: None,
            failing: HashSet::new(),
            is_full: false,
            away: None,
        }
    }

    /// Lets other training rounds go before this one for as long as a round may wait.
    pub(crate) fn set_aside(&mut self, training_round_id: u64) {
        let until = Instant::now() + self.context.settings.round.maximum_wait;
        if !self.is_set_aside(training_round_id) {
            self.set_aside.insert(training_round_id, until);
        }
    }

    /// Whether other training rounds go before this one.
    pub(crate) fn is_set_aside(&self, training_round_id: u64) -> bool {
        self.set_aside.get(&training_round_id).is_some_and(|until| Instant::now() < *until)
    }

    /// Since when this run can have fetched anything.
    pub(crate) fn started(&self) -> OffsetDateTime {
        self.started
    }

    /// The height up to which the chain was read.
    pub(crate) fn height(&self) -> Option<i64> {
        self.height
    }

    /// Journals the gradients that were announced since the last listing.
    pub(crate) async fn list_new(&mut self) -> Result<(), EngineError> {
        let Context { chain, journal, environment, .. } = &*self.context;
        let mut listed = journal.cursor("gradients-listed")?;
        loop {
            let page = chain.gradients(listed, PAGE).await?;
            if !page.is_empty() {
                listed += page.len() as u64;
                journal.record_gradients(&page, listed, environment.now())?;
            }
            if (page.len() as u64) < PAGE {
                break;
            }
        }
        Ok(())
    }

    /// Notes that everything up to a height was read.
    pub(crate) fn has_read(&mut self, height: i64) {
        self.height = Some(height);
    }

    /// Fetches and judges what of these gradients has not been judged, as far as places are free: first
    /// what has failed least often, so that bytes that nobody has keep nobody else waiting.
    pub(crate) fn judge(&mut self, gradients: &[GradientRow]) -> Result<(), EngineError> {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
        if gradients.iter().all(|gradient| gradient.judgement.is_some()) {
            self.has_nothing_to_do();
        }
        let places = self.context.settings.limits.parallel_fetches as usize;
        let now = Instant::now();
        if self.away.is_some_and(|until| now < until) {
            return Ok(());
        }
        let mut candidates: Vec<&GradientRow> = gradients
            .iter()
            .filter(|gradient| gradient.judgement.is_none())
            .filter(|gradient| !self.fetching.values().any(|id| *id == gradient.record.id))
            .filter(|gradient| self.waiting.get(&gradient.record.id).is_none_or(|(_, until)| *until <= now))
            .collect();
        candidates.sort_by_key(|gradient| (gradient.attempts, gradient.record.id));
        for gradient in candidates.into_iter().take(places.saturating_sub(self.fetching.len())) {
            let lack = self.context.lacks_room(self.height.unwrap_or_default())?;
            self.is_full = lack.is_some();
            if let Some(lack) = lack {
                self.context.announcer.announce(EngineEvent::Trouble(lack));
                break;
            }
            let (context, gradient, id) = (self.context.clone(), gradient.clone(), gradient.record.id);
            let started = self.tasks.spawn(async move { context.judge(&gradient).await });
            self.fetching.insert(started.id(), id);
        }
        Ok(())
    }

    /// Tells, once for each number of gradients, that a round cannot close with them.
    pub(crate) fn stall(&mut self, round: &Round, gradients: usize, reason: String) {
        if self.stalled.replace((round.id, gradients)) != Some((round.id, gradients)) {
            let training_round_id = round.training_round_id;
            self.context.announcer.announce(EngineEvent::RoundStalled { training_round_id, reason });
        }
    }

    /// Waits for a judgement or the end of the pause, whichever comes first.
    pub(crate) async fn rest(&mut self, pause: impl Future<Output = ()>) {
        if self.tasks.is_empty() {
            return pause.await;
        }
        tokio::select! {
            () = pause => {}
            ended = self.tasks.join_next_with_id() => {
                if let Some(ended) = ended {
                    self.ended(ended);
                }
            }
        }
    }

    /// An attempt went as far as others allowed.
    fn is_well(&mut self) {
        self.away = None;
        if !self.is_full && self.failing.is_empty() {
            self.context.announcer.is_well(Part::Intake);
        }
    }

    /// Whatever was missing is not missed while there is nothing to fetch.
    pub(crate) fn has_nothing_to_do(&mut self) {
        if self.tasks.is_empty() {
            self.failing.clear();
            self.is_full = false;
            self.is_well();
        }
    }

    /// One gradient that could not be judged, such as for a full disk, is tried again; the others go on.
    fn ended(&mut self, ended: Result<(task::Id, Result<Fetching, EngineError>), JoinError>) {
        let (task, outcome) = match ended {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => (error.id(), Err(EngineError::Task(error.to_string()))),
        };
        let Some(id) = self.fetching.remove(&task) else { return };
        self.failing.remove(&id);
        match outcome {
            Ok(Fetching::Judged) => {
                self.is_well();
                self.waiting.remove(&id);
                return;
            }
            Ok(Fetching::NotNow) => self.is_well(),
            Ok(Fetching::Away(trouble)) => {
                self.away = Some(Instant::now() + AWAY);
                self.context.announcer.announce(EngineEvent::Trouble(trouble));
                return;
            }
            Err(error) => {
                tracing::warn!(gradient = id, %error, "not judged yet");
                self.failing.insert(id);
                let trouble = Trouble::of(Part::Intake, &error).while_doing("judge a gradient");
                self.context.announcer.announce(EngineEvent::Trouble(trouble));
            }
        }
        let attempts = self.waiting.get(&id).map_or(0, |(attempts, _)| *attempts);
        let pause = RETRY.0.saturating_mul(1 << attempts.min(10)).min(RETRY.1);
        self.waiting.insert(id, (attempts + 1, Instant::now() + pause));
    }
}

impl Context {
    /// Fetches one gradient and judges it. Bytes that cannot be had now are tried again later.
    async fn judge(&self, gradient: &GradientRow) -> Result<Fetching, EngineError> {
        let record = &gradient.record;
        let mut judgement = Judgement { findings: check_source(self, record).await?, facts: None };
        match self.fetch(gradient).await? {
            Fetched::Whole(cid) => {
                judgement.findings.push(Finding::new(
                    Check::Content,
                    true,
                    format!("every block matches its CID, down from {cid}"),
                    "content that matches the announced CID",
                ));
                let path = self.home.gradient(record.id);
                let announced = Announced {
                    gradient_hash: record.gradient_hash.clone(),
                    claimed_loss: record.claimed_loss.clone(),
                };
                let (limits, quality) =
                    (gradient_limits(&self.settings.limits), self.settings.quality.clone());
                let read = tokio::task::spawn_blocking(move || examine(&path, &announced, &limits, &quality))
                    .await
                    .map_err(|error| EngineError::Task(error.to_string()))?;
                let examined = read.map_err(|error| EngineError::Folder {
                    path: self.home.gradient(record.id),
                    source: std::io::Error::other(error),
                })?;
                judgement.findings.extend(examined.findings);
                judgement.facts = examined.facts;
            }
            Fetched::Faulty(finding) => judgement.findings.push(finding),
            Fetched::NotNow(failure) => {
                // What nobody could have brought says nothing about this gradient.
                if let Some(trouble) = self.ipfs_is_away().await {
                    return Ok(Fetching::Away(trouble));
                }
                let attempts = self.journal.record_failed_fetch(record.id, &failure)?;
                tracing::debug!(
                    gradient = record.id,
                    attempts,
                    failure,
                    "the gradient cannot be fetched yet"
                );
                return Ok(Fetching::NotNow);
            }
        }
        self.journal.record_judgement(record.id, &judgement)?;
        self.announcer.announce(EngineEvent::GradientJudged {
            gradient_id: record.id,
            miner: record.miner.clone(),
            training_round_id: record.training_round_id,
            usable: judgement.is_usable(),
            failed: judgement.failures().map(|finding| finding.check).collect(),
        });
        Ok(Fetching::Judged)
    }

    /// Brings the gradient's bytes into the spool, each block checked against its CID.
    async fn fetch(&self, gradient: &GradientRow) -> Result<Fetched, EngineError> {
        let record = &gradient.record;
        let cid: Cid = match record.ipfs_hash.trim().parse() {
            Ok(cid) => cid,
            Err(error) => {
                let finding =
                    Finding::failed(Check::Content, format!("{:?} ({error})", record.ipfs_hash), "a CID");
                return Ok(Fetched::Faulty(finding));
            }
        };
        let folder = self.home.spool();
        let failed = |source| EngineError::Folder { path: folder.clone(), source };
        let kept = PartialFile::open(&self.home.download(record.id), &cid).map_err(failed)?;
        let temporary = temporary_in(&folder).map_err(failed)?;
        let mut file = tokio::fs::File::from_std(temporary.reopen().map_err(failed)?);
        let limits = self.fetch_limits();
        let sources = self.ipfs.sources().for_file();
        let source = Resumed::new(&kept, &sources);
        let transfer = self.ipfs.transfers().begin(Direction::Fetch, cid.to_string(), Some(record.id));
        let mut progress = transfer.listener();
        let fetched = r3mes_ipfs::fetch_with(&source, &cid, &mut file, &limits, &mut progress).await;
        let failure = fetched.as_ref().err().map(ToString::to_string);
        let from_gateways = sources.blocks_from_gateways();
        transfer.end(kept.received(), from_gateways, failure, (&self.journal, &self.environment));
        match fetched {
            Ok(_) => {}
            // What has come stays for the next attempt.
            Err(error) if error.is_transient() => return Ok(Fetched::NotNow(error.to_string())),
            // Not the gradient's fault, such as a full disk.
            Err(error) if !error.is_fault() => return Err(error.into()),
            Err(error) => {
                kept.remove().map_err(failed)?;
                let expected = format!("content of {cid} within {} bytes", limits.max_file_bytes);
                let check =
                    if matches!(error, FetchError::Exceeds(_)) { Check::Size } else { Check::Content };
                return Ok(Fetched::Faulty(Finding::failed(check, error.to_string(), expected)));
            }
        }
        file.sync_all().await.map_err(failed)?;
        drop(file);
        temporary.persist(self.home.gradient(record.id)).map_err(|error| failed(error.error))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        if from_gateways > 0 {
            self.hand_to_node(&cid, &kept).await?;
        }
        kept.remove().map_err(failed)?;
        Ok(Fetched::Whole(cid))
    }

    /// Gives our node what it did not find itself, so that it can pin and serve it. The spool has the bytes:
    /// nothing waits for a node that does not take them.
    async fn hand_to_node(&self, cid: &Cid, kept: &PartialFile) -> Result<(), EngineError> {
        let bytes = kept.received();
        let imported = async {
            if self.will_pin(cid, PinKind::Gradient, bytes).await? {
                self.ipfs.node().import(kept.path()).await?;
            }
            Ok::<_, EngineError>(())
        };
        let failure = match tokio::time::timeout(self.settings.limits.fetch_timeout, imported).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(EngineError::Ipfs(error))) => error.to_string(),
            Ok(Err(error)) => return Err(error),
            Err(_) => "no answer in limits.fetch_timeout".to_owned(),
        };
        let message = format!("give {cid} to the IPFS node: {failure}");
        self.announcer.announce(EngineEvent::Trouble(unpinned(message)));
        Ok(())
    }

    /// Why nothing at all can be fetched now: the node does not answer, and no gateway stands in for it.
    async fn ipfs_is_away(&self) -> Option<Trouble> {
        if self.ipfs.sources().gateways().iter().any(|gateway| gateway.paused_s.is_none()) {
            return None;
        }
        let error = EngineError::from(self.ipfs.node().version().await.err()?);
        Some(Trouble::of(Part::Intake, &error).while_doing("fetch gradients"))
    }

    fn fetch_limits(&self) -> FetchLimits {
        FetchLimits {
            max_file_bytes: self.settings.limits.max_gradient.get(),
            timeout: self.settings.limits.fetch_timeout,
            ..FetchLimits::default()
        }
    }
}

/// How a fetch ended.
enum Fetched {
    /// The whole content of the CID stands in the spool.
    Whole(Cid),
    /// What is there is provably not what was announced.
    Faulty(Finding),
    /// It could not be had this time.
    NotNow(String),
}
