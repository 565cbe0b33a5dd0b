//! How far the set-up is. Nothing here is stored: each step is read off what is there.

use serde::Serialize;
use specta::Type;

/// The set-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SetupView {
    /// In order.
    pub steps: Vec<SetupStep>,
    /// The first step that is not done; absent where all are.
    pub next: Option<SetupStepKind>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SetupStep {
    /// Which.
    pub kind: SetupStepKind,
    /// Whether it is done.
    pub state: SetupState,
    /// What is missing, or what cannot be known now.
    pub reason: Option<String>,
}

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum SetupStepKind {
    /// A role was chosen.
    Role,
    /// The machine was looked at and does.
    System,
    /// A network is chosen.
    Network,
    /// There is a key.
    Keys,
    /// The account may register.
    Authorization,
    /// The parameters were looked through.
    Parameters,
    /// The account is registered.
    Register,
    /// The engine was started once.
    Ready,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum SetupState {
    /// Done.
    Done,
    /// To be done.
    Todo,
    /// To be done, and something before it is missing.
    Blocked,
    /// It cannot be known now.
    Unknown,
}

/// What the steps are read off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) role: bool,
    /// Whether the machine was looked at, and whether something failed then.
    pub(crate) system: Option<bool>,
    pub(crate) network: bool,
    pub(crate) key: bool,
    /// `None` where the chain has not said.
    pub(crate) authorized: Option<bool>,
    pub(crate) parameters: bool,
    /// `None` where the chain has not said.
    pub(crate) registered: Option<bool>,
    pub(crate) finished: bool,
}

/// The set-up by the facts.
pub(crate) fn setup(facts: &Facts) -> SetupView {
    let known = |fact: Option<bool>, needs: bool| match fact {
        Some(true) => SetupState::Done,
        _ if !needs => SetupState::Blocked,
        Some(false) => SetupState::Todo,
        None => SetupState::Unknown,
    };
    let plain = |done: bool| if done { SetupState::Done } else { SetupState::Todo };
    let states = [
        (SetupStepKind::Role, plain(facts.role), None),
        (
            SetupStepKind::System,
            plain(facts.system.is_some()),
            match facts.system {
                Some(false) => Some("a requirement is not met"),
                _ => None,
            },
        ),
        (SetupStepKind::Network, plain(facts.network), None),
        (SetupStepKind::Keys, plain(facts.key), None),
        (
            SetupStepKind::Authorization,
            known(facts.authorized.or(facts.registered.filter(|is| *is)), facts.network && facts.key),
            None,
        ),
        (SetupStepKind::Parameters, plain(facts.parameters), None),
        (
            SetupStepKind::Register,
            known(facts.registered, facts.key && facts.authorized != Some(false)),
            None,
        ),
        (SetupStepKind::Ready, plain(facts.finished), None),
    ];
    let steps: Vec<SetupStep> = states
        .into_iter()
        .map(|(kind, state, reason)| SetupStep { kind, state, reason: reason.map(str::to_owned) })
        .collect();
    let next = steps.iter().find(|step| step.state != SetupState::Done).map(|step| step.kind);
    SetupView { steps, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(facts: &Facts) -> Vec<SetupState> {
        setup(facts).steps.into_iter().map(|step| step.state).collect()
    }

    #[test]
    fn a_new_operator_begins_with_the_role() {
        let view = setup(&Facts::default());
        assert_eq!(view.next, Some(SetupStepKind::Role));
        assert_eq!(view.steps[4].state, SetupState::Blocked);
    }

    #[test]
    fn what_the_chain_does_not_say_is_unknown_and_not_undone() {
        let facts = Facts { role: true, system: Some(true), network: true, key: true, ..Facts::default() };
        let view = setup(&facts);
        assert_eq!(view.steps[4].state, SetupState::Unknown);
        assert_eq!(view.steps[6].state, SetupState::Unknown);
        assert_eq!(view.next, Some(SetupStepKind::Authorization));
    }

    #[test]
    fn who_is_registered_was_authorized() {
        let facts = Facts {
            role: true,
            system: Some(false),
            network: true,
            key: true,
            authorized: None,
            parameters: true,
            registered: Some(true),
            finished: true,
        };
        assert!(states(&facts).iter().all(|state| *state == SetupState::Done));
        assert_eq!(setup(&facts).next, None);
        assert_eq!(setup(&facts).steps[1].reason.as_deref(), Some("a requirement is not met"));
    }

    #[test]
    fn without_authorization_registering_waits() {
        let facts = Facts {
            network: true,
            key: true,
            authorized: Some(false),
            registered: Some(false),
            ..Facts::default()
        };
        assert_eq!(states(&facts)[4], SetupState::Todo);
        assert_eq!(states(&facts)[6], SetupState::Blocked);
    }
}
