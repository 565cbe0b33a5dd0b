//! Starting and stopping the engine, and bringing it back when it failed although it should work.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use r3mes_config::Settings;
use r3mes_engine::event::{EngineEvent, Numbered};
use r3mes_engine::journal::EntryKind;
use r3mes_engine::{Observer, Part, Running};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::engine::{
    AfterFailure, Desired, EngineState, HEALTHY_RUN, StartStep, Work, WorkKind, after_failure,
};
use super::preferences::NoticeKind;
use super::snapshot::{Change, Notice};
use super::troubles::{Concern, Trouble};
use super::{Session, lock, now, rfc3339};
use crate::{ApiError, ErrorCode, StartOptions};

/// The engine's task, and what reaches it.
#[derive(Debug, Default)]
pub(crate) struct Control {
    task: Mutex<Option<Task>>,
    /// Wakes a task that waits to try again.
    again: Notify,
    /// What the running engine works by.
    settings: Mutex<Option<Settings>>,
    /// What the running engine is looked at through.
    observer: Mutex<Observer>,
    /// What fails in the running engine; the reveal of a commitment stands for itself.
    troubles: Mutex<BTreeMap<Option<Part>, Trouble>>,
}

#[derive(Debug)]
struct Task {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl Session {
    /// Has the engine work, now and after a restart of the program.
    ///
    /// # Errors
    /// When something is missing that it cannot work without; the snapshot says the same beforehand.
    pub fn start(&self) -> Result<(), ApiError> {
        self.refresh_settings();
        if let Some(blocked) = self.inner.board.read(|snapshot| snapshot.engine.start_blocked.clone()) {
            return Err(blocked);
        }
        self.want(Desired::Running)?;
        self.resume(true);
        Ok(())
    }

    /// Has the engine come to its end, in order, and stay there until it is started again. It returns at
    /// once; the snapshot tells when it has ended.
    ///
    /// # Errors
    /// When that wish cannot be kept on disk. The engine stops all the same.
    pub fn stop(&self) -> Result<(), ApiError> {
        let kept = self.want(Desired::Stopped);
        if let Some(task) = &*lock(&self.inner.control.task) {
            task.stop.cancel();
            if !task.handle.is_finished() {
                self.enter(EngineState::Stopping, None);
            }
        }
        kept
    }

    /// What the operator wants of the engine.
    pub fn desired(&self) -> Desired {
        self.remembered().desired
    }

    /// Waits for the engine's end after asking for it; what the operator wants stays as it is.
    pub(crate) async fn halt(&self) {
        let task = lock(&self.inner.control.task).take();
        if let Some(task) = task {
            task.stop.cancel();
            let _ = task.handle.await;
        }
    }

    /// Starts the engine's task unless it runs; wakes it where it waits. `asked` says that somebody is there who has
    /// just asked for it.
    pub(crate) fn resume(&self, asked: bool) {
        let mut task = lock(&self.inner.control.task);
        match &*task {
            Some(running) if !running.handle.is_finished() && !running.stop.is_cancelled() => self.poke(),
            previous => {
                // One that is still coming to its end is waited for by its successor.
                let before = previous.is_some().then(|| task.take()).flatten();
                let stop = CancellationToken::new();
                let handle = tokio::spawn(work(self.clone(), stop.clone(), before, asked));
                *task = Some(Task { stop, handle });
            }
        }
    }

    /// Has an engine that waits to try again do so now.
    pub(crate) fn poke(&self) {
        self.inner.control.again.notify_waiters();
    }

    /// The settings that the running engine works by.
    pub(crate) fn running_settings(&self) -> Option<Settings> {
        lock(&self.inner.control.settings).clone()
    }

    /// The running engine to look at; one that shows nothing while none runs.
    pub(crate) fn observer(&self) -> Observer {
        lock(&self.inner.control.observer).clone()
    }

    fn want(&self, desired: Desired) -> Result<(), ApiError> {
        let kept = self.remember(|kept| kept.desired = desired);
        self.inner.board.engine(|engine| engine.desired = desired);
        kept.map(|_| ())
    }

    fn enter(&self, state: EngineState, error: Option<ApiError>) {
        self.inner.board.engine(|engine| {
            if engine.state != state {
                engine.since = now();
            }
            engine.state = state;
            engine.error = error;
            engine.can_stop = !matches!(state, EngineState::Stopped | EngineState::CannotRecover);
            engine.retry_at = None;
            if state != EngineState::Starting {
                engine.step = None;
            }
        });
        if state != EngineState::Running {
            self.change_troubles(BTreeMap::clear);
        }
        self.refresh_health();
    }

    fn step(&self, step: StartStep) {
        self.inner.board.engine(|engine| engine.step = Some(step));
    }

    /// Brings everything up that the engine needs, and the engine.
    ///
    /// A keychain that is locked asks its owner to open it when a key is read. So it is read where somebody has just
    /// asked for the start, and else only once it is open.
    async fn bring_up(&self, asked: bool) -> Result<Running, ApiError> {
        if self.is_local() {
            self.step(StartStep::LocalNetwork);
            self.ensure_local_network().await?;
        }
        self.step(StartStep::Key);
        if !asked && self.keychain_is_locked().await {
            return Err(ApiError::new(ErrorCode::KeychainLocked, super::keys::LOCKED)
                .with_remedy(super::keys::UNLOCK));
        }
        let workspace = self.workspace()?;
        let settings = workspace.settings().clone();
        self.step(StartStep::Chain);
        let running = crate::start(&workspace, StartOptions::default()).await?;
        *lock(&self.inner.control.settings) = Some(settings);
        Ok(running)
    }

    /// One life of the engine. `Ok` when it ended because it was asked to.
    async fn live(&self, stop: &CancellationToken, asked: bool) -> Result<(), ApiError> {
        let mut running = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            up = self.bring_up(asked) => up?,
        };
        *lock(&self.inner.control.observer) = running.observer();
        self.enter(EngineState::Running, None);
        self.look_again();
        let mut events = running.events();
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    self.enter(EngineState::Stopping, None);
                    running.stop().await?;
                    return Ok(());
                }
                event = events.recv() => match event {
                    Ok(Numbered { event: EngineEvent::Stopped { .. }, .. }) | Err(RecvError::Closed) => break,
                    Ok(Numbered { event, at, .. }) => self.follow(event, at),
                    // The journal holds what was missed.
                    Err(RecvError::Lagged(_)) => {
                        self.change_troubles(BTreeMap::clear);
                        self.refresh_history();
                    }
                },
            }
        }
        running.ended().await?;
        Ok(())
    }

    /// Takes an event of the engine over into what is shown.
    fn follow(&self, event: EngineEvent, at: OffsetDateTime) {
        let at = rfc3339(at);
        match event {
            EngineEvent::Started { .. } => self.worked(WorkKind::Started, at),
            EngineEvent::GradientJudged { gradient_id, .. } => {
                self.worked(WorkKind::Judged, at);
                if let Some(row) = self.gradient_row(gradient_id) {
                    self.inner.board.put(Change::Judged(Box::new(row)));
                }
                self.refresh_round();
            }
            EngineEvent::RoundAdvanced { round, .. } => {
                self.worked(WorkKind::Advanced, at);
                if let Some(notice) = super::listing::notice(&round, &self.denoms().0) {
                    self.notify(notice);
                }
                self.refresh_history();
            }
            EngineEvent::RewardBooked { training_round_id, amount, denom } => {
                let earned = self.shown_amount(&amount, &denom);
                self.notify(Notice {
                    kind: NoticeKind::Reward,
                    training_round: Some(training_round_id.to_string()),
                    detail: format!("round {training_round_id} earned {earned}"),
                    amount: Some(amount),
                    denom: Some(denom),
                });
                self.refresh_history();
                self.look_again();
            }
            EngineEvent::Booked { kind: EntryKind::Slash, amount, denom, .. } => self.notify(Notice {
                kind: NoticeKind::Slash,
                training_round: None,
                detail: format!("the chain took {}", self.shown_amount(&amount, &denom)),
                amount: Some(amount),
                denom: Some(denom),
            }),
            EngineEvent::RoundStalled { reason, .. } => {
                tracing::info!("{reason}");
                self.refresh_round();
            }
            EngineEvent::Trouble(trouble) => {
                let concern = trouble.concern.into();
                let (message, remedy) = (trouble.message, trouble.remedy);
                self.trouble(Some(trouble.part), Trouble { concern, message, remedy, since: at });
            }
            EngineEvent::Recovered { part } => {
                let over = [Some(part), None];
                // A reveal that was at risk is made by the rounds' part.
                let over = if part == Part::Rounds { &over[..] } else { &over[..1] };
                self.change_troubles(|troubles| troubles.retain(|part, _| !over.contains(part)));
                self.look_again();
            }
            EngineEvent::RevealAtRisk { deadline_height, blocks_left, doing } => {
                let left = format!("{blocks_left} blocks are left until block {deadline_height}");
                let detail = format!("reveal the commitment yet: {left}; {doing}");
                self.notify(Notice {
                    kind: NoticeKind::RevealAtRisk,
                    training_round: None,
                    amount: None,
                    denom: None,
                    detail: detail.clone(),
                });
                let (concern, remedy) = (Concern::Engine, None);
                self.trouble(None, Trouble { concern, message: detail, remedy, since: at });
            }
            _ => {}
        }
    }

    /// Notes that the engine did something that only a working one does.
    fn worked(&self, kind: WorkKind, at: String) {
        self.inner.board.engine(|engine| {
            engine.last_work = Some(Work { kind, at });
        });
        self.refresh_health();
    }

    /// Notes what fails in a part of the engine; one that goes on keeps its beginning.
    fn trouble(&self, part: Option<Part>, trouble: Trouble) {
        self.change_troubles(|troubles| {
            let since = troubles.get(&part).map_or(trouble.since, |before| before.since.clone());
            troubles.insert(part, Trouble { since, ..trouble });
        });
        self.look_again();
    }

    fn change_troubles(&self, change: impl FnOnce(&mut BTreeMap<Option<Part>, Trouble>)) {
        let mut troubles = lock(&self.inner.control.troubles);
        change(&mut troubles);
        let shown = troubles.values().cloned().collect();
        self.inner.board.engine(|engine| engine.troubles = shown);
        drop(troubles);
        self.refresh_health();
    }

    pub(crate) fn notify(&self, notice: Notice) {
        self.inner.board.put(Change::Notice(notice));
    }
}

/// The engine's task: it lives, and is brought back, until it is asked to stop or cannot go on.
async fn work(session: Session, stop: CancellationToken, before: Option<Task>, mut asked: bool) {
    if let Some(before) = before {
        let _ = before.handle.await;
    }
    let mut failures = 0;
    let mut last = None;
    loop {
        session.enter(EngineState::Starting, last.take());
        let began = Instant::now();
        let ended = session.live(&stop, asked).await;
        *lock(&session.inner.control.settings) = None;
        session.refresh_history();
        let error = match ended {
            Ok(()) => return session.enter(EngineState::Stopped, None),
            Err(error) => error,
        };
        tracing::error!(code = ?error.code, "the engine stopped: failed to {error}");
        if stop.is_cancelled() {
            return session.enter(EngineState::Stopped, Some(error));
        }
        let had_run = session.inner.board.read(|snapshot| snapshot.engine.state == EngineState::Running);
        failures = if began.elapsed() >= HEALTHY_RUN { 1 } else { failures + 1 };
        if had_run || failures == 1 {
            session.notify(stopped(&error));
        }
        match after_failure(error.code, failures) {
            AfterFailure::Never => return session.enter(EngineState::CannotRecover, Some(error)),
            AfterFailure::Retry(wait) => {
                let state = if had_run { EngineState::StoppedWithError } else { EngineState::Starting };
                last = Some(error.clone());
                session.enter(state, Some(error));
                let retry_at = OffsetDateTime::now_utc() + wait;
                session.inner.board.engine(|engine| engine.retry_at = Some(rfc3339(retry_at)));
                tokio::select! {
                    () = stop.cancelled() => return session.enter(EngineState::Stopped, None),
                    () = session.inner.control.again.notified() => asked = true,
                    () = tokio::time::sleep(wait) => asked = false,
                }
            }
        }
    }
}

fn stopped(error: &ApiError) -> Notice {
    Notice {
        kind: NoticeKind::EngineStopped,
        training_round: None,
        amount: None,
        denom: None,
        detail: format!("the proposer stopped: failed to {error}"),
    }
}

/// What keeps the engine from being started, by what is on this machine.
pub(crate) fn start_blocked(settings: Result<&Settings, &ApiError>, has_key: bool) -> Option<ApiError> {
    match settings {
        Err(error) => Some(error.clone()),
        Ok(settings) if settings.network.localnet.is_none() && !has_key => Some(
            ApiError::new(ErrorCode::Key, "start the proposer: there is no key yet")
                .with_remedy("make, import or restore one"),
        ),
        Ok(_) => None,
    }
}

/// How long a network may be quiet before a running engine no longer counts as proven: some blocks, and
/// never less than a minute.
pub(crate) fn patience(block_time: Duration) -> Duration {
    (block_time * 20).max(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use r3mes_engine::round::{Round, RoundState};

    use super::*;
    use crate::session::SessionOptions;

    #[test]
    fn without_a_key_only_a_local_network_can_be_started() {
        let mut settings = Settings::default();
        let blocked = start_blocked(Ok(&settings), false).unwrap();
        assert_eq!(blocked.code, ErrorCode::Key);
        assert_eq!(start_blocked(Ok(&settings), true), None);
        settings.network.localnet = Some(r3mes_config::LocalnetSeed("1".into()));
        assert_eq!(start_blocked(Ok(&settings), false), None);
        let error = ApiError::new(ErrorCode::Settings, "parse settings.toml");
        assert_eq!(start_blocked(Err(&error), true), Some(error));
    }

    /// What the operator would be told of these.
    fn told(session: &Session, happens: impl FnOnce(&Session)) -> Vec<(NoticeKind, String)> {
        let mut deltas = session.subscribe();
        happens(session);
        let mut notices = Vec::new();
        while let Ok(delta) = deltas.try_recv() {
            if let Change::Notice(notice) = delta.change {
                notices.push((notice.kind, notice.detail));
            }
        }
        notices
    }

    fn round(state: RoundState) -> EngineEvent {
        let round = Round {
            id: 1,
            state,
            training_round_id: 7,
            model_version: "v1".into(),
            opened_at: OffsetDateTime::UNIX_EPOCH,
            opened_height: 1,
            selection: None,
            aggregate: None,
            commitment: None,
            aggregation: None,
            reason: None,
        };
        EngineEvent::RoundAdvanced { round: Box::new(round), height: 9 }
    }

    #[test]
    fn the_operator_is_told_of_each_kind_of_thing_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Some(folder.path().to_owned());
        let session = Session::open(SessionOptions { root, ..SessionOptions::default() }).unwrap();
        let coin = || ("5000".to_owned(), "remes".to_owned());
        let (amount, denom) = coin();
        let reward = EngineEvent::RewardBooked { training_round_id: 7, amount, denom };
        let (amount, denom) = coin();
        let (kind, tx_hash) = (EntryKind::Slash, "AB".into());
        let slash = EngineEvent::Booked { kind, amount, denom, height: 9, tx_hash };
        let risk = EngineEvent::RevealAtRisk { deadline_height: 20, blocks_left: 2, doing: "again".into() };
        for (event, kind, words) in [
            (round(RoundState::Revealed), NoticeKind::RoundRevealed, "round 7 was revealed"),
            (round(RoundState::Challenged), NoticeKind::Challenge, "round 7 is challenged"),
            (round(RoundState::Reverted), NoticeKind::Slash, "round 7 was reverted"),
            (reward, NoticeKind::Reward, "round 7 earned 5000 remes"),
            (slash, NoticeKind::Slash, "the chain took 5000 remes"),
            (risk, NoticeKind::RevealAtRisk, "2 blocks are left until block 20"),
        ] {
            let notices = told(&session, |session| session.follow(event, OffsetDateTime::UNIX_EPOCH));
            assert_eq!(notices.len(), 1, "{notices:?}");
            assert_eq!(notices[0].0, kind);
            assert!(notices[0].1.contains(words), "{notices:?}");
        }
        let quiet = told(&session, |session| {
            session.follow(round(RoundState::Aggregating), OffsetDateTime::UNIX_EPOCH);
        });
        assert_eq!(quiet, []);
        let error = ApiError::new(ErrorCode::Network, "reach the chain");
        assert_eq!(stopped(&error).kind, NoticeKind::EngineStopped);
        assert!(stopped(&error).detail.contains("reach the chain"));
    }
}
