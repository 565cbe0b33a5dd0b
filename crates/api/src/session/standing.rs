//! What the account is on the chain, and what makes it more.

use serde::Serialize;
use specta::Type;

/// The account and its standing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct StandingView {
    /// The account; absent before there is a key.
    pub address: Option<String>,
    /// How it stands.
    pub state: StandingState,
    /// The stake that it registered with, as coins.
    pub stake: Option<String>,
    /// The block of its registration.
    pub registered_height: Option<String>,
    /// How often it was slashed.
    pub slashing_events: Option<String>,
    /// Its balance in the reward denom, in whole units.
    pub reward_balance: Option<String>,
    /// Its balance in the stake denom, in whole units.
    pub stake_balance: Option<String>,
    /// Its balance in the fee denom, in whole units.
    pub fee_balance: Option<String>,
    /// When a request for authorization was signed last.
    pub requested_at: Option<String>,
    /// Why the standing is not known.
    pub error: Option<String>,
    /// When the chain was asked last.
    pub at: Option<String>,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum StandingState {
    /// The chain has not been asked, or does not answer.
    #[default]
    Unknown,
    /// It may not propose, and no request was signed here.
    NotRequested,
    /// It may not propose, and a request was signed here.
    Requested,
    /// It may register.
    Authorized,
    /// It may propose.
    Registered,
    /// It is registered and not active.
    Inactive,
    /// It may not propose for now.
    Suspended,
    /// It is registered, and its authorization was taken away.
    Revoked,
    /// It is registered, and was punished.
    Slashed,
}

impl From<crate::StandingState> for StandingState {
    fn from(state: crate::StandingState) -> StandingState {
        match state {
            crate::StandingState::NotRequested => StandingState::NotRequested,
            crate::StandingState::Requested => StandingState::Requested,
            crate::StandingState::Authorized => StandingState::Authorized,
            crate::StandingState::Registered => StandingState::Registered,
            crate::StandingState::Revoked => StandingState::Revoked,
            crate::StandingState::Inactive => StandingState::Inactive,
            crate::StandingState::Suspended => StandingState::Suspended,
            crate::StandingState::Slashed => StandingState::Slashed,
        }
    }
}

impl StandingState {
    /// Whether the account may register, or has.
    pub(crate) fn is_authorized(self) -> bool {
        self == StandingState::Authorized || self.is_registered()
    }

    /// Whether the account is registered, active or not.
    pub(crate) fn is_registered(self) -> bool {
        use StandingState::{Inactive, Registered, Revoked, Slashed, Suspended};
        matches!(self, Registered | Inactive | Suspended | Revoked | Slashed)
    }
}

/// A signed request for authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationRequest {
    /// The document, to be saved, copied or sent as it is.
    pub text: String,
    /// The account that asks.
    pub address: String,
    /// A name for its file.
    pub file_name: String,
    /// When it was signed.
    pub at: String,
}

/// What a registration would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationPreview {
    /// The account.
    pub address: String,
    /// The stake in whole units.
    pub stake: String,
    /// Its denom.
    pub stake_denom: String,
    /// The least that the network takes.
    pub minimum_stake: String,
    /// What the account has of the stake's denom.
    pub stake_balance: String,
    /// What the account has of the fee's denom.
    pub fee_balance: Option<String>,
    /// The fee's denom.
    pub fee_denom: String,
    /// The fee by a simulation; absent where the chain refused to simulate.
    pub fee: Option<String>,
    /// Gas by a simulation.
    pub gas: Option<String>,
    /// The resources that it states, as this machine was read.
    pub resources: ResourcesView,
    /// Why it cannot be signed now.
    pub refused: Option<crate::ApiError>,
}

/// What a registration says of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesView {
    /// Cores.
    pub cpu_cores: u32,
    /// Gigabytes of memory.
    pub memory_gb: u32,
    /// Gigabytes of free disk space.
    pub storage_gb: u32,
    /// Graphics cards.
    pub gpu_count: u32,
}

/// How a registration ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationReceipt {
    /// The stake, as coins.
    pub stake: String,
    /// The transaction.
    pub tx_hash: String,
    /// Its block.
    pub height: String,
}
