//! What is wrong now: what a look around found, and what the engine says itself, one trouble for each concern.

use std::collections::BTreeMap;

use serde::Serialize;
use specta::Type;

use super::engine::{EngineState, EngineView};
use crate::{ApiError, ErrorCode};

/// What something is wrong with, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Concern {
    /// The proposer itself.
    Engine,
    /// The chain, or the way to it.
    Chain,
    /// Room on the disk.
    Disk,
    /// The IPFS node, or the way to it.
    Ipfs,
    /// What the account owns or may.
    Account,
    /// This machine's clock.
    Clock,
    /// The key, or the keychain that it lies in.
    Keychain,
}

impl From<r3mes_engine::Concern> for Concern {
    fn from(concern: r3mes_engine::Concern) -> Concern {
        match concern {
            r3mes_engine::Concern::Chain => Concern::Chain,
            r3mes_engine::Concern::Ipfs => Concern::Ipfs,
            r3mes_engine::Concern::Disk => Concern::Disk,
            r3mes_engine::Concern::Account => Concern::Account,
            r3mes_engine::Concern::Engine => Concern::Engine,
        }
    }
}

/// Something that is wrong. It is over when it is no longer listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What it is with.
    pub concern: Concern,
    /// What failed, as a fragment that fits after "failed to".
    pub message: String,
    /// What to do about it, where that is known.
    pub remedy: Option<String>,
    /// Since when.
    pub since: String,
}

/// What a look found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) message: String,
    pub(crate) remedy: String,
}

/// What the looks found wrong, each with its beginning.
#[derive(Debug, Default)]
pub(crate) struct Looked(BTreeMap<Concern, Trouble>);

impl Looked {
    /// Takes over what a look found; nothing where all is well. A trouble that only changes its words keeps its
    /// beginning.
    pub(crate) fn take(&mut self, concern: Concern, found: Option<Found>, now: String) {
        let Some(Found { message, remedy }) = found else {
            self.0.remove(&concern);
            return;
        };
        let since = self.0.get(&concern).map_or(now, |before| before.since.clone());
        self.0.insert(concern, Trouble { concern, message, remedy: Some(remedy), since });
    }
}

/// Everything that is wrong, at most one of each concern. While the operator wants nothing to run, nothing around
/// it is missed.
pub(crate) fn troubles(engine: &EngineView, looked: &Looked) -> Vec<Trouble> {
    let mut found: BTreeMap<Concern, Trouble> = BTreeMap::new();
    let mut add = |trouble: &Trouble| {
        found.entry(trouble.concern).or_insert_with(|| trouble.clone());
    };
    if engine.state != EngineState::Stopped {
        looked.0.values().for_each(&mut add);
    }
    let explained = looked.0.contains_key(&Concern::Chain) || looked.0.contains_key(&Concern::Ipfs);
    match &engine.error {
        // A look says the same, or nobody waits for the network any more.
        Some(error)
            if error.code == ErrorCode::Network && (explained || engine.state == EngineState::Stopped) => {}
        Some(error) => add(&of_error(error, engine)),
        None => {}
    }
    engine.troubles.iter().for_each(add);
    found.into_values().collect()
}

fn of_error(error: &ApiError, engine: &EngineView) -> Trouble {
    let concern = match error.code {
        ErrorCode::KeychainLocked
        | ErrorCode::NoKeychain
        | ErrorCode::NoKeyEntry
        | ErrorCode::Key
        | ErrorCode::KeyDiffers
        | ErrorCode::Passphrase => Concern::Keychain,
        ErrorCode::Network => Concern::Chain,
        ErrorCode::Standing | ErrorCode::InsufficientFunds | ErrorCode::InsufficientStake => Concern::Account,
        _ => Concern::Engine,
    };
    let (message, remedy) = (error.message.clone(), error.remedy.clone());
    Trouble { concern, message, remedy, since: engine.since.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> EngineView {
        EngineView { state: EngineState::Running, ..EngineView::default() }
    }

    fn found(message: &str) -> Option<Found> {
        Some(Found { message: message.into(), remedy: "mend it".into() })
    }

    fn shown(engine: &EngineView, looked: &Looked) -> Vec<(Concern, String)> {
        troubles(engine, looked).into_iter().map(|one| (one.concern, one.message)).collect()
    }

    #[test]
    fn a_trouble_keeps_its_beginning_until_it_is_over() {
        let mut looked = Looked::default();
        let since = |looked: &Looked| troubles(&running(), looked).first().map(|one| one.since.clone());
        looked.take(Concern::Chain, found("reach a"), "1".into());
        looked.take(Concern::Chain, found("reach b"), "2".into());
        assert_eq!(since(&looked).as_deref(), Some("1"));
        looked.take(Concern::Chain, None, "3".into());
        assert_eq!(since(&looked), None);
        looked.take(Concern::Chain, found("reach a"), "4".into());
        assert_eq!(since(&looked).as_deref(), Some("4"));
    }

    #[test]
    fn each_concern_is_told_once_and_the_most_urgent_first() {
        let mut looked = Looked::default();
        looked.take(Concern::Ipfs, found("reach the node"), "1".into());
        looked.take(Concern::Chain, found("reach the chain"), "1".into());
        let said = |concern, message: &str| Trouble {
            concern,
            message: message.into(),
            remedy: None,
            since: "2".into(),
        };
        let engine = EngineView {
            troubles: vec![said(Concern::Chain, "send it"), said(Concern::Engine, "reveal it")],
            ..running()
        };
        let told = [
            (Concern::Engine, "reveal it"),
            (Concern::Chain, "reach the chain"),
            (Concern::Ipfs, "reach the node"),
        ];
        assert_eq!(shown(&engine, &looked), told.map(|(concern, message)| (concern, message.to_owned())));
    }

    #[test]
    fn an_engine_that_waits_for_the_chain_says_nothing_more_than_the_look() {
        let error = ApiError::new(ErrorCode::Network, "ask the node");
        let engine = EngineView { state: EngineState::Starting, error: Some(error), ..EngineView::default() };
        let mut looked = Looked::default();
        assert_eq!(shown(&engine, &looked), [(Concern::Chain, "ask the node".into())]);
        looked.take(Concern::Ipfs, found("reach the node"), "1".into());
        assert_eq!(shown(&engine, &looked), [(Concern::Ipfs, "reach the node".into())]);
    }

    #[test]
    fn a_stopped_engine_misses_nothing_around_it() {
        let mut looked = Looked::default();
        looked.take(Concern::Chain, found("reach the chain"), "1".into());
        let stopped = EngineView::default();
        assert_eq!(shown(&stopped, &looked), []);
        let error = ApiError::new(ErrorCode::KeychainLocked, "open the keychain");
        let engine = EngineView { state: EngineState::CannotRecover, error: Some(error), ..stopped };
        assert_eq!(shown(&engine, &Looked::default()), [(Concern::Keychain, "open the keychain".into())]);
    }
}
