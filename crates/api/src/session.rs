//! One face's session with a proposer: a data folder, the engine on it, and everything that a window shows.
//!
//! A [`Session`] starts and stops the engine as the operator wants it, watches the chain and the IPFS node
//! whether or not the engine runs, and keeps a numbered [`Snapshot`] of all that. It knows no window: it goes
//! on when the last one is closed, and tells a new one everything.

mod access;
mod board;
mod books;
mod clock;
mod control;
mod doctor;
mod drafts;
mod earnings;
mod engine;
mod history;
mod keys;
mod listing;
mod local;
mod logs;
mod machine;
mod network;
mod onboarding;
mod payouts;
mod preferences;
mod reach;
mod redaction;
mod settings;
mod setup;
mod snapshot;
mod standing;
mod troubles;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use r3mes_chain::http::Timeouts;
use r3mes_config::{DataDir, Settings};
use r3mes_engine::Journal;
use r3mes_hardware::LoadMeter;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{broadcast, watch as watched};
use tokio_util::sync::CancellationToken;

pub use doctor::{DoctorCheck, DoctorCheckKind};
pub use earnings::{
    ClaimPreview, ClaimReceipt, CoinView, DayEarnings, EarningsView, Figure, FigureSource, LedgerPage,
    LedgerRow,
};
pub use engine::{Desired, EngineState, EngineView, Health, StartStep, Work, WorkKind};
pub use history::{
    Deadline, DeadlineKind, ExportFormat, Exported, FindingOutcome, FindingView, GradientDetail,
    GradientPage, GradientPoint, GradientQuery, GradientRow, MinerDetail, MinerPage, MinerQuery, MinerRow,
    ReputationPoint, RoundPage, RoundStage, RoundStep, RoundView, SubmissionPage, SubmissionQuery,
    SubmissionRow, VerdictKind,
};
pub use keys::{BackupView, ImportSource, KeyDraft, KeyRow, KeyStore, KeychainState, WordAnswer, WordCount};
pub use logs::{LogBuffer, LogLevel, LogLine, LogPage, LogQuery};
pub use machine::{LoadView, MachineView, VerdictLevel, VerdictView};
pub use network::{
    EndpointProbe, EndpointState, EndpointView, IpfsProbe, IpfsView, NetworkChoice, NetworkView, ProfileView,
};
pub use payouts::{PayoutPreview, PayoutProblems, PayoutReceipt};
pub use preferences::{NodeRole, NoticeKind, Preferences, Theme};
pub use redaction::redact;
pub use settings::{FolderProbe, SaveOutcome, SettingChange, SettingProblem, SettingView, SettingsView};
pub use setup::{SetupState, SetupStep, SetupStepKind, SetupView};
pub use snapshot::{
    ApplicationView, Change, CrashView, Delta, Deltas, Metric, Metrics, Notice, RunPhase, Snapshot,
};
pub use standing::{
    AuthorizationRequest, RegistrationPreview, RegistrationReceipt, ResourcesView, StandingState,
    StandingView,
};
pub use troubles::{Concern, Trouble};

use crate::{ApiError, ErrorCode, LocalNetwork, Workspace};
use access::Access;
use board::Board;
use control::Control;
use drafts::Drafts;
use preferences::Remembered;
use reach::Reached;

/// What a session is opened with.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The data folder; the user's own where absent.
    pub root: Option<PathBuf>,
    /// The program's version.
    pub version: String,
    /// The log that its program writes.
    pub logs: LogBuffer,
    /// What the system says of the operator's language, such as `tr-TR`.
    pub locale: Option<String>,
    /// Whether there is a tray to hide in.
    pub tray: bool,
}

/// A proposer as a face has it. Cloning it gives another hand on the same one.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    logs: LogBuffer,
    board: Board,
    remembered: Mutex<Result<Remembered, ApiError>>,
    control: Control,
    access: Access,
    drafts: Drafts,
    reached: Mutex<Reached>,
    local: tokio::sync::Mutex<Option<LocalNetwork>>,
    journal: Mutex<Option<(PathBuf, Arc<Journal>)>>,
    closing: CancellationToken,
    /// Counts how often the watch was to look at once.
    looking: watched::Sender<u64>,
    /// Taken while the keychain is asked how it is.
    asking_keychain: Arc<tokio::sync::Mutex<()>>,
    /// Whether it said last that it is locked.
    keychain_locked: Arc<Mutex<Option<bool>>>,
    /// For looks from outside the engine.
    http: OnceLock<reqwest::Client>,
    meter: Mutex<LoadMeter>,
    /// The payout that was shown last and not sent.
    payout: Mutex<Option<crate::PayoutPreview>>,
}

impl Session {
    /// Opens the data folder. Nothing is written, and nothing runs before [`Session::run`].
    ///
    /// # Errors
    /// When this user has no folder for data.
    pub fn open(options: SessionOptions) -> Result<Session, ApiError> {
        let root = Workspace::data_of(options.root.as_deref())?.root().to_owned();
        let remembered = Remembered::load(&root.join(PREFERENCES));
        let kept = remembered.as_ref().cloned().unwrap_or_default();
        let application = ApplicationView {
            version: options.version,
            data_folder: root.display().to_string(),
            started_at: rfc3339(OffsetDateTime::now_utc()),
            local_network: kept.local_network,
            access_protected: kept.access.is_some(),
            locale: options.locale,
            tray: options.tray,
            last_crash: None,
            preferences_error: remembered.as_ref().err().cloned(),
        };
        let engine = EngineView { desired: kept.desired, since: now(), ..EngineView::default() };
        let snapshot = Snapshot {
            seq: 0,
            at: now(),
            application,
            setup: SetupView::default(),
            engine,
            network: NetworkView::default(),
            standing: StandingView::default(),
            keys: Vec::new(),
            round: None,
            rounds: Vec::new(),
            metrics: Metrics::default(),
            earnings: EarningsView::default(),
            machine: MachineView::default(),
            ipfs: IpfsView::default(),
            preferences: kept.preferences,
            troubles: Vec::new(),
        };
        let session = Session {
            inner: Arc::new(Inner {
                root,
                logs: options.logs,
                board: Board::new(snapshot),
                remembered: Mutex::new(remembered),
                control: Control::default(),
                access: Access::default(),
                drafts: Drafts::default(),
                reached: Mutex::default(),
                local: tokio::sync::Mutex::new(None),
                journal: Mutex::new(None),
                closing: CancellationToken::new(),
                looking: watched::Sender::new(0),
                asking_keychain: Arc::default(),
                keychain_locked: Arc::default(),
                http: OnceLock::new(),
                meter: Mutex::default(),
                payout: Mutex::default(),
            }),
        };
        session.refresh_settings();
        session.refresh_history();
        Ok(session)
    }

    /// Begins to watch, and starts the engine if the operator wanted it to run. Call it once, inside a
    /// runtime.
    pub fn run(&self) {
        tokio::spawn(watch::watch(self.clone()));
        if self.desired() == Desired::Running {
            self.resume(false);
        }
    }

    /// Notes how the last run of the program ended, if that was badly.
    pub fn note_crash(&self, crash: Option<CrashView>) {
        let application = self.inner.board.read(|snapshot| snapshot.application.clone());
        self.inner.board.put(Change::Application(ApplicationView { last_crash: crash, ..application }));
    }

    /// Everything at once.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.board.snapshot()
    }

    /// The deltas after a number.
    pub fn deltas(&self, after: u32) -> Deltas {
        self.inner.board.since(after)
    }

    /// Every delta from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Delta> {
        self.inner.board.subscribe()
    }

    /// The log.
    pub fn logs(&self) -> &LogBuffer {
        &self.inner.logs
    }

    /// Ends everything in order: the engine, then the local network. What the operator wants stays as it is.
    /// `patience` bounds it; an engine that takes longer is left to its journal.
    pub async fn close(&self, patience: Duration) {
        self.inner.closing.cancel();
        if tokio::time::timeout(patience, self.halt()).await.is_err() {
            tracing::warn!("the engine did not come to its end in time; its journal knows how to go on");
        }
        let local = self.inner.local.lock().await.take();
        if let Some(local) = local
            && tokio::time::timeout(patience, local.shutdown()).await.is_err()
        {
            tracing::warn!("the local network did not end in time");
        }
    }

    /// The data folder that is worked on: that of the local network has one of its own inside.
    fn data(&self) -> DataDir {
        match self.is_local() {
            true => DataDir::new(self.local_root()),
            false => DataDir::new(&self.inner.root),
        }
    }

    /// The client that everything is asked through from outside the engine: it keeps its connections, and making one
    /// reads the system's certificates.
    fn http(&self) -> Result<reqwest::Client, ApiError> {
        if let Some(http) = self.inner.http.get() {
            return Ok(http.clone());
        }
        let http = r3mes_chain::http::client(Timeouts::default())?;
        Ok(self.inner.http.get_or_init(|| http).clone())
    }

    fn local_root(&self) -> PathBuf {
        self.inner.root.join("local-network")
    }

    fn is_local(&self) -> bool {
        self.remembered().local_network
    }

    /// The workspace by the settings as they are now, with the key that they name on a local network too.
    fn workspace(&self) -> Result<Workspace, ApiError> {
        let workspace = settings::workspace(&self.data())?.with_secrets(self.inner.access.secrets());
        let settings = workspace.settings();
        Ok(match (&settings.network.localnet, settings.account.key.clone()) {
            (Some(_), Some(key)) => workspace.with_key(key),
            _ => workspace,
        })
    }

    /// The settings as they are now.
    fn settings_now(&self) -> Result<Settings, ApiError> {
        Ok(settings::workspace(&self.data())?.settings().clone())
    }

    /// The journal, for reading; `None` before a proposer has run.
    fn journal(&self) -> Option<Arc<Journal>> {
        let path = self.data().journal();
        let mut kept = lock(&self.inner.journal);
        if !path.exists() {
            *kept = None;
            return None;
        }
        match &*kept {
            Some((of, journal)) if *of == path => Some(journal.clone()),
            _ => {
                let journal = Arc::new(Journal::read(&path).ok()?);
                *kept = Some((path, journal.clone()));
                Some(journal)
            }
        }
    }

    /// Lets go of the journal, before its file is taken away.
    fn forget_journal(&self) {
        *lock(&self.inner.journal) = None;
    }

    fn remembered(&self) -> Remembered {
        lock(&self.inner.remembered).as_ref().cloned().unwrap_or_default()
    }

    /// Changes what is remembered, on disk first.
    fn remember(&self, change: impl FnOnce(&mut Remembered)) -> Result<Remembered, ApiError> {
        let mut kept = lock(&self.inner.remembered);
        let mut next = kept.as_ref().map_err(Clone::clone)?.clone();
        change(&mut next);
        next.save(&self.inner.root.join(PREFERENCES))?;
        *kept = Ok(next.clone());
        Ok(next)
    }
}

const PREFERENCES: &str = "preferences.json";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is whole at each moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// RFC 3339 in UTC, to the millisecond.
fn rfc3339(at: OffsetDateTime) -> String {
    let milliseconds = at.millisecond();
    let at = at.replace_millisecond(milliseconds).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_default()
}

fn now() -> String {
    rfc3339(OffsetDateTime::now_utc())
}

/// What this program cannot do for a face, with the reason.
fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Request, message)
}

/// A path for people and for going back in.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
