//! What a face shows, at one moment and as it changes.
//!
//! A [`Snapshot`] holds everything that is small and always shown. Each [`Delta`] puts one part of it in
//! its new form and has the next number, so that a window that was reloaded or made anew is right at once:
//! it takes the snapshot, then the deltas from there on. A number that is missing means a new snapshot.

use serde::{Deserialize, Serialize};
use specta::Type;

use super::earnings::EarningsView;
use super::engine::EngineView;
use super::history::{GradientRow, RoundView};
use super::keys::KeyRow;
use super::machine::MachineView;
use super::network::{IpfsView, NetworkView};
use super::preferences::{NoticeKind, Preferences};
use super::setup::SetupView;
use super::standing::StandingView;
use super::troubles::Trouble;
use crate::ApiError;

/// All that a face needs to be right at once. Times are RFC 3339 in UTC; amounts, heights and ids are
/// decimal strings.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The number of the last delta that is in it.
    pub seq: u32,
    /// When it was taken.
    pub at: String,
    /// The program and its data folder.
    pub application: ApplicationView,
    /// How far the set-up is, computed from what is there.
    pub setup: SetupView,
    /// The engine.
    pub engine: EngineView,
    /// The chain and the endpoints that lead to it.
    pub network: NetworkView,
    /// What the account is on the chain.
    pub standing: StandingView,
    /// The account's keys.
    pub keys: Vec<KeyRow>,
    /// The round in progress.
    pub round: Option<RoundView>,
    /// The newest rounds first, at most [`Snapshot::ROUNDS`].
    pub rounds: Vec<RoundView>,
    /// The five key figures.
    pub metrics: Metrics,
    /// What is earned.
    pub earnings: EarningsView,
    /// This machine.
    pub machine: MachineView,
    /// The IPFS node.
    pub ipfs: IpfsView,
    /// What the operator prefers of the desktop.
    pub preferences: Preferences,
    /// What is wrong, at most one of each concern, the most urgent first.
    pub troubles: Vec<Trouble>,
}

impl Snapshot {
    /// Rounds in a snapshot; older ones are asked for page by page.
    pub const ROUNDS: u32 = 20;
}

/// One numbered change.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Delta {
    /// Counts up by one.
    pub seq: u32,
    /// When it happened.
    pub at: String,
    /// The change.
    pub change: Change,
}

/// A part of the snapshot in its new form, or something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(tag = "part", content = "value", rename_all = "camelCase")]
pub enum Change {
    /// The program's view of itself.
    Application(ApplicationView),
    /// The set-up.
    Setup(SetupView),
    /// The engine.
    Engine(Box<EngineView>),
    /// The network.
    Network(Box<NetworkView>),
    /// The account's standing.
    Standing(Box<StandingView>),
    /// The keys.
    Keys(Vec<KeyRow>),
    /// The round in progress; none when nothing is.
    Round(Option<Box<RoundView>>),
    /// The newest rounds.
    Rounds(Vec<RoundView>),
    /// The key figures.
    Metrics(Box<Metrics>),
    /// The earnings.
    Earnings(Box<EarningsView>),
    /// This machine.
    Machine(Box<MachineView>),
    /// The IPFS node.
    Ipfs(Box<IpfsView>),
    /// The preferences.
    Preferences(Box<Preferences>),
    /// What is wrong.
    Troubles(Vec<Trouble>),
    /// A gradient was judged; no part of the snapshot.
    Judged(Box<GradientRow>),
    /// Something that the operator may want to be told of; no part of the snapshot.
    Notice(Notice),
}

/// The deltas after a number.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase")]
pub enum Deltas {
    /// In order, without a gap.
    Next(Vec<Delta>),
    /// Too much has happened since: take a new snapshot.
    Gap,
}

/// The program itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationView {
    /// Its version.
    pub version: String,
    /// The data folder that it works on.
    pub data_folder: String,
    /// When this run of the program began.
    pub started_at: String,
    /// Whether it works on the local network that runs inside it, rather than on a real one.
    pub local_network: bool,
    /// Whether actions that sign or change keys ask for the access passphrase.
    pub access_protected: bool,
    /// What the system says of the operator's language, such as `tr-TR`.
    pub locale: Option<String>,
    /// Whether there is a tray to hide in.
    pub tray: bool,
    /// What went wrong at the end of the last run, if it did not end as it should.
    pub last_crash: Option<CrashView>,
    /// Why the preferences could not be read. They are left alone, and the standard ones hold.
    pub preferences_error: Option<ApiError>,
}

/// How the last run ended when nobody asked it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CrashView {
    /// What the program was doing.
    pub phase: RunPhase,
    /// When it began to.
    pub at: String,
    /// The report's file name in the data folder, where there is one.
    pub report: Option<String>,
}

/// What a run of the program is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum RunPhase {
    /// It comes up.
    Starting,
    /// It is up.
    Running,
    /// It ends.
    Quitting,
}

/// Something that the operator may want to be told of, even while the window is hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Which of the kinds that can be chosen.
    pub kind: NoticeKind,
    /// The training round concerned.
    pub training_round: Option<String>,
    /// An amount, in whole units.
    pub amount: Option<String>,
    /// Its denom.
    pub denom: Option<String>,
    /// One line for people, in English.
    pub detail: String,
}

/// The five key figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Gradients that the chain announced; the trend counts them by round.
    pub gradients: Metric,
    /// Aggregations revealed and not reverted; the trend counts them by hour.
    pub aggregations: Metric,
    /// Share of the rounds with a commitment that ended in a reveal which stands, 0 to 1; the trend by round.
    pub success_rate: Metric,
    /// Share of the judged gradients without a failed check, 0 to 1; the trend by round.
    pub quality: Metric,
    /// Rewards in whole units of the reward denom; the trend by round.
    pub earnings: Metric,
}

/// One figure with its past.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// The figure as decimal text; absent where nothing was measured yet.
    pub value: Option<String>,
    /// Its unit: a denom, or nothing.
    pub unit: Option<String>,
    /// The past, oldest first.
    pub trend: Vec<f64>,
    /// When the newest thing happened that the figure counts.
    pub at: Option<String>,
}
