//! Where the account stands on the chain, from the first request to a slash.

use std::time::Duration;

use r3mes_chain::proto::{NodeRegistration, NodeStatus, ResourceSpec};
use serde::Serialize;
use time::OffsetDateTime;

use crate::amount::{Amount, amounts};
use crate::moment::moment;
use crate::{ApiError, Workspace};

/// Where an account stands as a proposer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandingState {
    /// Nobody asked for authorization from this data folder.
    NotRequested,
    /// It was asked for, and the chain does not know of it yet.
    Requested,
    /// The chain lets the account register.
    Authorized,
    /// The account is a proposer node.
    Registered,
    /// It is registered, and its authorization was taken away: the chain refuses its aggregations.
    Revoked,
    /// It is registered and not active.
    Inactive,
    /// It is registered and suspended.
    Suspended,
    /// It is registered and was punished.
    Slashed,
}

/// What a registration says. Numbers as the chain holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistrationView {
    /// The stake, as coins.
    pub stake: String,
    /// The chain's own status: active, inactive, slashed or suspended.
    pub status: String,
    /// The block of the registration, decimal.
    pub registered_height: String,
    /// How often the node was punished.
    pub slashing_events: u64,
    /// What the node states that it has.
    pub resources: Resources,
}

/// What a node states that it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Cores.
    pub cpu_cores: u32,
    /// Memory in gigabytes.
    pub memory_gb: u32,
    /// GPUs; a proposer needs none.
    pub gpu_count: u32,
    /// Their memory in gigabytes.
    pub gpu_memory_gb: u32,
    /// Free disk space in gigabytes.
    pub storage_gb: u32,
    /// Transfer rate in megabits a second; 0 where none was measured.
    pub network_bandwidth_mbps: u32,
}

/// The account on the chain at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The account.
    pub address: String,
    /// Where it stands.
    pub state: StandingState,
    /// The same in a sentence.
    pub told: String,
    /// What comes next, where there is something to do.
    pub next: Option<String>,
    /// When authorization was asked for from this data folder.
    #[serde(with = "time::serde::rfc3339::option")]
    pub requested_at: Option<OffsetDateTime>,
    /// Whether the chain lets the account propose (`apa_`).
    pub authorized: bool,
    /// What the chain holds of it.
    pub registration: Option<RegistrationView>,
    /// What it owns.
    pub balances: Vec<Amount>,
    /// The block at which the chain was asked, decimal.
    pub height: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl Workspace {
    /// Asks the chain where the account stands.
    ///
    /// # Errors
    /// When no key is chosen, or the network does not answer.
    pub async fn standing(&self) -> Result<Standing, ApiError> {
        let address = self.address()?;
        let chain = self.connect()?.chain;
        let height = chain.status().await?.height;
        let authorized = chain.is_authorized(&address).await?;
        let registration = chain.registration(&address).await?;
        let balances = amounts(&chain.balances(&address).await?);
        let requested_at = self.requested_at(&address);
        let state = state(authorized, registration.as_ref(), requested_at.is_some());
        let registration = registration.as_ref().map(RegistrationView::from);
        Ok(Standing {
            told: told(state, requested_at, registration.as_ref()),
            next: next(state),
            address,
            state,
            requested_at,
            authorized,
            registration,
            balances,
            height: height.to_string(),
            at: OffsetDateTime::now_utc(),
        })
    }

    /// Follows where the account stands.
    pub fn watch_standing(&self) -> StandingWatch<'_> {
        StandingWatch { workspace: self, last: None }
    }
}

/// Follows where an account stands, asking twice a block.
#[derive(Debug)]
pub struct StandingWatch<'a> {
    workspace: &'a Workspace,
    last: Option<Standing>,
}

impl StandingWatch<'_> {
    /// The standing of now for the first call; afterwards it returns when something has changed.
    ///
    /// # Errors
    /// As [`Workspace::standing`]; the next call asks again.
    pub async fn changed(&mut self) -> Result<Standing, ApiError> {
        let pause = (self.workspace.settings().network.block_time / 2).max(Duration::from_millis(20));
        loop {
            if self.last.is_some() {
                tokio::time::sleep(pause).await;
            }
            let now = self.workspace.standing().await?;
            let same = self.last.as_ref().is_some_and(|last| {
                (last.state, last.authorized, &last.registration, last.requested_at)
                    == (now.state, now.authorized, &now.registration, now.requested_at)
            });
            if !same {
                self.last = Some(now.clone());
                return Ok(now);
            }
        }
    }
}

fn state(authorized: bool, registration: Option<&NodeRegistration>, requested: bool) -> StandingState {
    match registration {
        None if authorized => StandingState::Authorized,
        None if requested => StandingState::Requested,
        None => StandingState::NotRequested,
        Some(node) => match node.status() {
            NodeStatus::Suspended => StandingState::Suspended,
            NodeStatus::Slashed => StandingState::Slashed,
            NodeStatus::Inactive => StandingState::Inactive,
            // The chain may leave the status active after a punishment: the count tells.
            NodeStatus::Active | NodeStatus::Unspecified if node.slashing_events > 0 => {
                StandingState::Slashed
            }
            NodeStatus::Active | NodeStatus::Unspecified if !authorized => StandingState::Revoked,
            NodeStatus::Active | NodeStatus::Unspecified => StandingState::Registered,
        },
    }
}

fn told(
    state: StandingState,
    requested_at: Option<OffsetDateTime>,
    registration: Option<&RegistrationView>,
) -> String {
    let events = registration.map_or(0, |registration| registration.slashing_events);
    match state {
        StandingState::NotRequested => "not requested".to_owned(),
        StandingState::Requested => match requested_at {
            Some(at) => format!("requested on {}", moment(at)),
            None => "requested".to_owned(),
        },
        StandingState::Authorized => "authorized".to_owned(),
        StandingState::Registered => "registered".to_owned(),
        StandingState::Revoked => "registered, and its authorization was taken away".to_owned(),
        StandingState::Inactive => "registered and inactive".to_owned(),
        StandingState::Suspended => "suspended".to_owned(),
        StandingState::Slashed => format!("slashed ({events} slashing events)"),
    }
}

fn next(state: StandingState) -> Option<String> {
    let text = match state {
        StandingState::NotRequested => "ask for authorization: `r3mes-proposer authorization request`",
        StandingState::Requested => "wait for the administrators; `authorization status --watch` follows it",
        StandingState::Authorized => "register: `r3mes-proposer register`",
        StandingState::Registered => return None,
        StandingState::Revoked => "ask the network's administrators why",
        StandingState::Inactive => "state the node's resources anew: `r3mes-proposer register --update`",
        StandingState::Suspended => "ask the network's administrators why, and appeal if it is wrong",
        StandingState::Slashed => "look at the slash in `r3mes-proposer earnings`, and appeal if it is wrong",
    };
    Some(text.to_owned())
}

impl From<&NodeRegistration> for RegistrationView {
    fn from(node: &NodeRegistration) -> RegistrationView {
        let status = match node.status() {
            NodeStatus::Unspecified => "unspecified",
            NodeStatus::Active => "active",
            NodeStatus::Inactive => "inactive",
            NodeStatus::Slashed => "slashed",
            NodeStatus::Suspended => "suspended",
        };
        RegistrationView {
            stake: node.stake.clone(),
            status: status.to_owned(),
            registered_height: node.registered_at_height.to_string(),
            slashing_events: node.slashing_events,
            resources: node.resources.map(Resources::from).unwrap_or_default(),
        }
    }
}

impl From<ResourceSpec> for Resources {
    fn from(spec: ResourceSpec) -> Resources {
        Resources {
            cpu_cores: spec.cpu_cores,
            memory_gb: spec.memory_gb,
            gpu_count: spec.gpu_count,
            gpu_memory_gb: spec.gpu_memory_gb,
            storage_gb: spec.storage_gb,
            network_bandwidth_mbps: spec.network_bandwidth_mbps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_follows_from_what_the_chain_holds() {
        let node = |status: NodeStatus, slashing_events| NodeRegistration {
            status: status.into(),
            slashing_events,
            ..NodeRegistration::default()
        };
        let active = node(NodeStatus::Active, 0);
        let cases = [
            (state(false, None, false), StandingState::NotRequested),
            (state(false, None, true), StandingState::Requested),
            (state(true, None, false), StandingState::Authorized),
            (state(true, Some(&active), true), StandingState::Registered),
            (state(false, Some(&active), true), StandingState::Revoked),
            (state(true, Some(&node(NodeStatus::Active, 1)), true), StandingState::Slashed),
            (state(true, Some(&node(NodeStatus::Slashed, 0)), true), StandingState::Slashed),
            (state(true, Some(&node(NodeStatus::Suspended, 1)), true), StandingState::Suspended),
            (state(true, Some(&node(NodeStatus::Inactive, 0)), true), StandingState::Inactive),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
            assert_eq!(next(found).is_none(), found == StandingState::Registered);
        }
    }
}
