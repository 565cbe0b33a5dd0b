//! Gradients on their way in: listed from the chain, fetched from IPFS, judged, kept in the spool.

use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use r3mes_ipfs::{Cid, FetchError, FetchLimits};
use tokio::task::JoinSet;

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::home::temporary_in;
use crate::journal::GradientRow;
use crate::round::{Round, RoundId};
use crate::verification::{Announced, Check, Finding, Judgement, check_source, examine, gradient_limits};

/// Entries asked for in one listing.
const PAGE: u64 = 200;

/// The intake of one run: what is listed, and what is being fetched.
pub(crate) struct Intake {
    context: Arc<Context>,
    height: Option<i64>,
    fetching: HashSet<u64>,
    /// The round that was last told to be stalled, and how many gradients it had then.
    stalled: Option<(RoundId, usize)>,
    tasks: JoinSet<(u64, Result<(), EngineError>)>,
}

impl Intake {
    pub(crate) fn new(context: Arc<Context>) -> Intake {
        Intake { context, height: None, fetching: HashSet::new(), stalled: None, tasks: JoinSet::new() }
    }

    /// The height up to which the chain was read.
    pub(crate) fn height(&self) -> Option<i64> {
        self.height
    }

    /// Journals the gradients that were announced since the last listing.
    pub(crate) async fn list_new(&mut self, height: i64) -> Result<(), EngineError> {
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
        self.height = Some(height);
        Ok(())
    }

    /// Fetches and judges what of these gradients has not been judged, as far as places are free.
    pub(crate) fn judge(&mut self, gradients: &[GradientRow]) -> Result<(), EngineError> {
        while let Some(ended) = self.tasks.try_join_next() {
            match ended {
                Ok((id, result)) => self.ended(id, result),
                Err(error) => return Err(EngineError::Task(error.to_string())),
            }
        }
        let places = self.context.settings.limits.parallel_fetches as usize;
        for gradient in gradients {
            if self.fetching.len() >= places {
                break;
            }
            let id = gradient.record.id;
            if gradient.judgement.is_some() || self.fetching.contains(&id) {
                continue;
            }
            if !self.context.has_room()? {
                break;
            }
            if self.fetching.insert(id) {
                let (context, gradient) = (self.context.clone(), gradient.clone());
                self.tasks.spawn(async move { (id, context.judge(&gradient).await) });
            }
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

    /// Waits for a judgement or the next look at the chain, whichever comes first.
    pub(crate) async fn rest(&mut self, interval: Duration) {
        let pause = tokio::time::sleep(interval);
        if self.tasks.is_empty() {
            return pause.await;
        }
        tokio::select! {
            () = pause => {}
            ended = self.tasks.join_next() => {
                if let Some(Ok((id, result))) = ended {
                    self.ended(id, result);
                }
            }
        }
    }

    /// One gradient that could not be judged, such as for a full disk, is tried again; the others go on.
    fn ended(&mut self, id: u64, result: Result<(), EngineError>) {
        self.fetching.remove(&id);
        if let Err(error) = result {
            let message = format!("judge gradient {id}: {error}");
            self.context.announcer.announce(EngineEvent::Trouble { message });
        }
    }
}

impl Context {
    /// Fetches one gradient and judges it. Bytes that cannot be had now are tried again later.
    async fn judge(&self, gradient: &GradientRow) -> Result<(), EngineError> {
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
                let attempts = self.journal.record_failed_fetch(record.id, &failure)?;
                tracing::debug!(
                    gradient = record.id,
                    attempts,
                    failure,
                    "the gradient cannot be fetched yet"
                );
                // The next attempt waits a little longer each time, while its place stays taken.
                tokio::time::sleep(self.poll_interval() * attempts.min(20)).await;
                return Ok(());
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
        Ok(())
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
        let path = self.home.gradient(record.id);
        let folder = self.home.spool();
        let failed = |source| EngineError::Folder { path: folder.clone(), source };
        let temporary = temporary_in(&folder).map_err(failed)?;
        let mut file = tokio::fs::File::from_std(temporary.reopen().map_err(failed)?);
        let limits = self.fetch_limits();
        match r3mes_ipfs::fetch(&self.ipfs, &cid, &mut file, &limits).await {
            Ok(_) => {}
            Err(error) if error.is_transient() => return Ok(Fetched::NotNow(error.to_string())),
            // Not the gradient's fault, such as a full disk.
            Err(error) if !error.is_fault() => return Err(error.into()),
            Err(error) => {
                let expected = format!("content of {cid} within {} bytes", limits.max_file_bytes);
                let check =
                    if matches!(error, FetchError::Exceeds(_)) { Check::Size } else { Check::Content };
                return Ok(Fetched::Faulty(Finding::failed(check, error.to_string(), expected)));
            }
        }
        file.sync_all().await.map_err(failed)?;
        drop(file);
        temporary.persist(&path).map_err(|error| failed(error.error))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Fetched::Whole(cid))
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
