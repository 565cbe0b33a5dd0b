//! The engine as a state machine: what it is, what the operator wants, and why the two differ.

use serde::{Deserialize, Serialize};
use specta::Type;
use std::time::Duration;

use super::troubles::Trouble;
use crate::{ApiError, ErrorCode};

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum EngineState {
    /// It does nothing, as the operator wants it.
    #[default]
    Stopped,
    /// It is getting ready; while what it needs is away, it tries again.
    Starting,
    /// It works.
    Running,
    /// It comes to its end.
    Stopping,
    /// It stopped although it should work. It is started again after a while, or when the operator asks.
    StoppedWithError,
    /// It stopped, and starting it again would not help before something is changed.
    CannotRecover,
}

/// What the operator wants, kept over restarts and sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Desired {
    /// That it works.
    Running,
    /// That it does not.
    #[default]
    Stopped,
}

/// What is done on the way to a running engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum StartStep {
    /// The local network comes up.
    LocalNetwork,
    /// Settings are read and the key is unlocked.
    Key,
    /// The chain is reached and the account's standing read.
    Chain,
}

/// How the work goes, from what was really done lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// It does not run.
    #[default]
    Off,
    /// It runs, and nothing has shown yet that it works.
    Unproven,
    /// It runs, and did something that only a working engine does, not long ago.
    Good,
    /// It runs, and too long nothing has come in; the chain may be idle.
    Idle,
    /// Something fails and is tried again.
    Troubled,
}

/// The engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EngineView {
    /// What it does.
    pub state: EngineState,
    /// What the operator wants.
    pub desired: Desired,
    /// Since when it is in its state.
    pub since: String,
    /// What is being done, while it starts.
    pub step: Option<StartStep>,
    /// Why it stopped, or what it waits for.
    pub error: Option<ApiError>,
    /// When it is tried again, where that is.
    pub retry_at: Option<String>,
    /// Why it cannot be started; absent where it can.
    pub start_blocked: Option<ApiError>,
    /// Whether stopping would do something.
    pub can_stop: bool,
    /// How the work goes.
    pub health: Health,
    /// What fails and is tried again.
    pub troubles: Vec<Trouble>,
    /// What it did last.
    pub last_work: Option<Work>,
}

/// A thing done that only a working engine does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// What.
    pub kind: WorkKind,
    /// When.
    pub at: String,
}

/// Kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum WorkKind {
    /// It reached the chain and began.
    Started,
    /// A gradient was judged.
    Judged,
    /// A round came to its next state.
    Advanced,
}

/// What follows on an engine that ended although it should work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// It is started again after this time.
    Retry(Duration),
    /// It is not, before something is changed.
    Never,
}

/// Trouble that passes by itself is tried again, the longer the more often it came; what only the operator
/// can change is not.
pub(crate) fn after_failure(code: ErrorCode, failures: u32) -> AfterFailure {
    match code {
        ErrorCode::Network | ErrorCode::Engine | ErrorCode::KeychainLocked | ErrorCode::NoKeychain => {
            let seconds = 2_u64.saturating_pow(failures.clamp(1, 6)).min(MAXIMUM_WAIT.as_secs());
            AfterFailure::Retry(Duration::from_secs(seconds))
        }
        // An administrator may grant it at any time.
        ErrorCode::Standing => AfterFailure::Retry(MAXIMUM_WAIT),
        _ => AfterFailure::Never,
    }
}

/// So that a cause that is gone is noticed within ten seconds.
const MAXIMUM_WAIT: Duration = Duration::from_secs(8);

/// A run that lasted so long was a good one: what fails after it fails for the first time.
pub(crate) const HEALTHY_RUN: Duration = Duration::from_secs(60);

/// How the work goes. `quiet` is the time since the last work, `patience` how long nothing may come in.
pub(crate) fn health(
    state: EngineState,
    troubled: bool,
    quiet: Option<Duration>,
    patience: Duration,
) -> Health {
    match (state, troubled, quiet) {
        (EngineState::Running, true, _) => Health::Troubled,
        (EngineState::Running, false, None) => Health::Unproven,
        (EngineState::Running, false, Some(quiet)) if quiet <= patience => Health::Good,
        (EngineState::Running, false, Some(_)) => Health::Idle,
        _ => Health::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_tried_again_within_ten_seconds() {
        for code in [ErrorCode::Network, ErrorCode::Engine, ErrorCode::KeychainLocked, ErrorCode::Standing] {
            for failures in [0, 1, 2, 10, u32::MAX] {
                let AfterFailure::Retry(wait) = after_failure(code, failures) else { panic!("{code:?}") };
                assert!(wait >= Duration::from_secs(2) && wait < Duration::from_secs(10), "{wait:?}");
            }
        }
        for code in [ErrorCode::ForeignCommitment, ErrorCode::Settings, ErrorCode::Key, ErrorCode::KeyDiffers]
        {
            assert_eq!(after_failure(code, 1), AfterFailure::Never, "{code:?}");
        }
    }

    #[test]
    fn health_is_good_only_on_fresh_work() {
        let patience = Duration::from_secs(60);
        let running = |troubled, quiet: Option<u64>| {
            health(EngineState::Running, troubled, quiet.map(Duration::from_secs), patience)
        };
        assert_eq!(running(false, None), Health::Unproven);
        assert_eq!(running(false, Some(60)), Health::Good);
        assert_eq!(running(false, Some(61)), Health::Idle);
        assert_eq!(running(true, Some(0)), Health::Troubled);
        assert_eq!(health(EngineState::Stopping, false, Some(Duration::ZERO), patience), Health::Off);
    }
}
