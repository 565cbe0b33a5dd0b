//! From an account to a registered proposer, and where it stands on that way.

use std::time::Duration;

use r3mes_chain::proto::NodeStatus;

use super::engine::Desired;
use super::books::not_yet;
use super::machine::VerdictLevel;
use super::preferences::{NodeRole, Preferences};
use super::setup::{Facts, setup};
use super::snapshot::Change;
use super::standing::{
    AuthorizationRequest, RegistrationPreview, RegistrationReceipt, ResourcesView, StandingState, StandingView,
};
use super::{Session, now, refused};
use crate::{ApiError, ErrorCode};

impl Session {
    /// Composes and signs a request for authorization.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub async fn request_authorization(
        &self,
        contact: &str,
        statement: &str,
        access: Option<&str>,
    ) -> Result<AuthorizationRequest, ApiError> {
        self.authorize(access)?;
        let _ = (contact, statement);
        Err(not_yet("compose the request"))
    }

    /// Sends a composed request to the network's administrator, where its profile names one.
    ///
    /// # Errors
    /// When there is no address to send it to, or what is there does not take it.
    pub async fn send_authorization(&self, text: &str) -> Result<(), ApiError> {
        let _ = text;
        Err(not_yet("send the request"))
    }

    /// What a registration would be now.
    ///
    /// # Errors
    /// When the key cannot be used, or the chain does not answer.
    pub async fn registration_preview(&self, stake: Option<&str>) -> Result<RegistrationPreview, ApiError> {
        let stake = self.stake(stake)?;
        let workspace = self.workspace()?;
        let address = workspace.address()?;
        let network = workspace.settings().network.clone();
        let chain = workspace.connect()?.chain;
        let failed = |error: r3mes_chain::ChainError| ApiError::from(r3mes_engine::EngineError::from(error));
        let stake_balance = chain.balance(&address, &network.stake_denom).await.map_err(failed)?;
        let fee_balance = chain.balance(&address, &network.fee_denom).await.map_err(failed)?;
        let authorized = chain.is_authorized(&address).await.map_err(failed)?;
        let stake = stake.unwrap_or(network.minimum_stake);
        let found = crate::hardware::resources(workspace.root()).await;
        let refused = match () {
            () if !authorized => Some(
                ApiError::new(ErrorCode::Standing, "register: the account is not authorized as a proposer")
                    .with_remedy("ask the network's administrators for authorization"),
            ),
            () if stake < network.minimum_stake => Some(refused(format!(
                "register: the stake must be at least {} {}",
                network.minimum_stake, network.stake_denom
            ))),
            () if stake_balance < stake => Some(
                refused(format!(
                    "register: the account has {stake_balance} {}, and the stake is {stake}",
                    network.stake_denom
                ))
                .with_remedy("send it more coins first"),
            ),
            () => None,
        };
        Ok(RegistrationPreview {
            address,
            stake: stake.to_string(),
            stake_denom: network.stake_denom,
            minimum_stake: network.minimum_stake.to_string(),
            stake_balance: stake_balance.to_string(),
            fee_balance: fee_balance.to_string(),
            fee_denom: network.fee_denom,
            fee: None,
            gas: None,
            resources: ResourcesView {
                cpu_cores: found.cpu_cores,
                memory_gb: found.memory_gb,
                storage_gb: found.storage_gb,
                gpu_count: found.gpu_count,
            },
            refused,
        })
    }

    /// Registers the account, and reads back what the chain stored.
    ///
    /// # Errors
    /// When the account is not authorized or cannot pay, or the chain refuses.
    pub async fn register(
        &self,
        stake: Option<&str>,
        access: Option<&str>,
    ) -> Result<RegistrationReceipt, ApiError> {
        self.authorize(access)?;
        let stake = self.stake(stake)?;
        self.must_be_stopped("register")?;
        let workspace = self.workspace()?;
        let registered = crate::register(&workspace, stake).await?;
        self.look_again();
        Ok(RegistrationReceipt {
            stake: registered.stake,
            tx_hash: registered.tx_hash,
            height: registered.height.map(|height| height.to_string()),
        })
    }

    fn stake(&self, stake: Option<&str>) -> Result<Option<u128>, ApiError> {
        let typed = stake.map(str::trim).filter(|stake| !stake.is_empty());
        typed
            .map(|stake| stake.parse().map_err(|_| refused(format!("use the stake {stake:?}: it is no whole amount"))))
            .transpose()
    }

    /// Takes the preferences over.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn set_preferences(&self, preferences: Preferences) -> Result<Preferences, ApiError> {
        let kept = self.remember(|kept| kept.preferences = preferences)?;
        self.inner.board.put(Change::Preferences(Box::new(kept.preferences.clone())));
        self.refresh_setup();
        Ok(kept.preferences)
    }

    /// Asks the chain where the account stands.
    pub(crate) async fn reach_standing(&self) {
        let before = self.inner.board.read(|snapshot| snapshot.standing.clone());
        let workspace = match self.workspace() {
            Ok(workspace) => workspace,
            Err(_) => return,
        };
        let Ok(address) = workspace.address() else {
            self.inner.board.put(Change::Standing(Box::default()));
            return self.refresh_setup();
        };
        let fresh = StandingView { address: Some(address.clone()), ..StandingView::default() };
        if self.is_local() && self.inner.local.lock().await.is_none() {
            self.inner.board.put(Change::Standing(Box::new(fresh)));
            return self.refresh_setup();
        }
        let network = workspace.settings().network.clone();
        let asked = async {
            let chain = workspace.connect()?.chain;
            let failed = |error: r3mes_chain::ChainError| ApiError::new(ErrorCode::Network, error.to_string());
            let registration = chain.registration(&address).await.map_err(failed)?;
            let authorized = chain.is_authorized(&address).await.map_err(failed)?;
            let balances = chain.balances(&address).await.map_err(failed)?;
            Ok::<_, ApiError>((registration, authorized, balances))
        };
        let answer = tokio::time::timeout(Duration::from_secs(5), asked)
            .await
            .unwrap_or_else(|_| Err(ApiError::new(ErrorCode::Network, "the chain did not answer in time")));
        let view = match answer {
            Ok((registration, authorized, balances)) => {
                let balance = |denom: &str| {
                    let coin = balances.0.iter().find(|coin| coin.denom == denom);
                    Some(coin.map_or(0, |coin| coin.amount).to_string())
                };
                StandingView {
                    state: match (&registration, authorized) {
                        (Some(node), _) => match node.status() {
                            NodeStatus::Suspended => StandingState::Suspended,
                            NodeStatus::Inactive => StandingState::Inactive,
                            _ => StandingState::Registered,
                        },
                        (None, true) => StandingState::Authorized,
                        (None, false) if before.requested_at.is_some() => StandingState::Requested,
                        (None, false) => StandingState::NotRequested,
                    },
                    stake: registration.as_ref().map(|node| node.stake.clone()),
                    registered_height: registration.as_ref().map(|node| node.registered_at_height.to_string()),
                    slashing_events: registration.as_ref().map(|node| node.slashing_events.to_string()),
                    reward_balance: balance(&network.reward_denom),
                    stake_balance: balance(&network.stake_denom),
                    fee_balance: balance(&network.fee_denom),
                    requested_at: before.requested_at.clone(),
                    at: Some(now()),
                    ..fresh
                }
            }
            // What was known stays, with its age.
            Err(error) if before.address == fresh.address => StandingView { error: Some(error.message), ..before },
            Err(error) => StandingView { error: Some(error.message), ..fresh },
        };
        self.inner.board.put(Change::Standing(Box::new(view)));
        self.refresh_setup();
    }

    /// Reads the settings and keys into the snapshot: what keeps the engine from starting, and the set-up.
    pub(crate) fn refresh_settings(&self) {
        let workspace = self.workspace();
        if let Ok(workspace) = &workspace {
            self.refresh_keys(workspace);
        }
        let has_key = workspace.as_ref().is_ok_and(|workspace| workspace.address().is_ok());
        let settings = workspace.as_ref().map(|workspace| workspace.settings());
        // The local network comes up with the engine, and brings its settings along.
        let blocked = match self.is_local() && !self.data().settings().exists() {
            true => None,
            false => super::control::start_blocked(settings, has_key),
        };
        self.inner.board.engine(|engine| engine.start_blocked = blocked);
        let application = self.inner.board.read(|snapshot| snapshot.application.clone());
        let local_network = self.is_local();
        if let Ok(settings) = settings {
            let known = self.inner.board.read(|snapshot| snapshot.network.chain_id.clone());
            if known != settings.network.chain_id || local_network != application.local_network {
                let quiet = super::reach::quiet(&settings.network);
                self.inner.board.put(Change::Network(Box::new(quiet)));
            }
        }
        self.inner.board.put(Change::Application(super::ApplicationView { local_network, ..application }));
        self.refresh_setup();
    }

    /// Reads the set-up off what is there.
    pub(crate) fn refresh_setup(&self) {
        let chosen = self.is_local() || self.data().settings().exists();
        let facts = self.inner.board.read(|snapshot| {
            let standing = &snapshot.standing;
            let known = standing.at.is_some();
            let machine = &snapshot.machine;
            Facts {
                role: snapshot.preferences.role == Some(NodeRole::Proposer),
                system: machine
                    .at
                    .is_some()
                    .then(|| !machine.verdicts.iter().any(|verdict| verdict.level == VerdictLevel::Fail)),
                network: chosen,
                key: standing.address.is_some() || !snapshot.keys.is_empty(),
                authorized: known.then_some(standing.state.is_authorized()),
                parameters: snapshot.preferences.parameters_seen,
                registered: known.then_some(standing.state.is_registered()),
                finished: snapshot.preferences.setup_finished || snapshot.engine.desired == Desired::Running,
            }
        });
        self.inner.board.put(Change::Setup(setup(&facts)));
    }
}
