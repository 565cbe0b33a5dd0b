//! From an account to a registered proposer, and where it stands on that way.

use std::time::Duration;

use r3mes_config::NetworkProfile;

use super::engine::Desired;
use super::machine::VerdictLevel;
use super::preferences::{NodeRole, Preferences};
use super::setup::{Facts, setup};
use super::snapshot::Change;
use super::standing::{
    AuthorizationRequest, RegistrationPreview, RegistrationReceipt, ResourcesView, StandingView,
};
use super::{Session, refused, rfc3339};
use crate::{ApiError, ErrorCode};

/// How long the chain may take to say where the account stands.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let composed = self.workspace()?.compose_authorization(contact, statement).await?;
        self.look_again();
        Ok(AuthorizationRequest {
            text: composed.document,
            file_name: format!("authorization-{}.json", composed.request.address),
            address: composed.request.address,
            at: composed.request.time,
        })
    }

    /// Sends a composed request to the network's administrator, where its profile names one. Returns what was
    /// answered.
    ///
    /// # Errors
    /// When there is no address to send it to, or what is there does not take it.
    pub async fn send_authorization(&self, text: &str) -> Result<String, ApiError> {
        Ok(self.workspace()?.send_authorization(text).await?.answer)
    }

    /// What a registration would be now.
    ///
    /// # Errors
    /// When no key is chosen, or the chain does not answer.
    pub async fn registration_preview(&self, stake: Option<&str>) -> Result<RegistrationPreview, ApiError> {
        let preview = self.workspace()?.registration_preview(whole(stake)?, false).await?;
        let fee = preview.fee.into_iter().next();
        let (fee_balance, fee_denom) = self
            .inner
            .board
            .read(|snapshot| (snapshot.standing.fee_balance.clone(), snapshot.network.fee_denom.clone()));
        Ok(RegistrationPreview {
            address: preview.address,
            stake: preview.stake.amount,
            stake_denom: preview.stake.denom,
            minimum_stake: preview.minimum_stake.amount,
            stake_balance: preview.balance.amount,
            fee_balance,
            fee_denom,
            fee: fee.map(|fee| fee.amount),
            gas: preview.gas,
            resources: ResourcesView {
                cpu_cores: preview.resources.cpu_cores,
                memory_gb: preview.resources.memory_gb,
                storage_gb: preview.resources.storage_gb,
                gpu_count: preview.resources.gpu_count,
            },
            refused: preview.refusal,
        })
    }

    /// Registers the account, and reads back what the chain stored. A registration that was confirmed before
    /// and did not come to its end is brought there first.
    ///
    /// # Errors
    /// When the account is not authorized or cannot pay, or the chain refuses.
    pub async fn register(
        &self,
        stake: Option<&str>,
        access: Option<&str>,
    ) -> Result<RegistrationReceipt, ApiError> {
        self.authorize(access)?;
        let workspace = self.workspace()?;
        let registered = match workspace.resume_registration(false).await? {
            Some(registered) => registered,
            None => workspace.register(&workspace.registration_preview(whole(stake)?, false).await?).await?,
        };
        self.reach_standing().await;
        Ok(RegistrationReceipt {
            stake: registered.registration.stake,
            tx_hash: registered.receipt.tx_hash,
            height: registered.receipt.height,
        })
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
        let Ok(workspace) = self.workspace() else { return };
        let Ok(address) = workspace.address() else {
            self.inner.board.put(Change::Standing(Box::default()));
            return self.refresh_setup();
        };
        let fresh = StandingView { address: Some(address), ..StandingView::default() };
        if self.is_local() && self.inner.local.lock().await.is_none() {
            self.inner.board.put(Change::Standing(Box::new(fresh)));
            return self.refresh_setup();
        }
        let answer = tokio::time::timeout(PATIENCE, workspace.standing())
            .await
            .unwrap_or_else(|_| Err(ApiError::new(ErrorCode::Network, "the chain did not answer in time")));
        let view = match answer {
            Ok(standing) => told(standing, &workspace.settings().network),
            // What was known stays, with its age.
            Err(error) if before.address == fresh.address => {
                StandingView { error: Some(error.message), ..before }
            }
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

fn told(standing: crate::Standing, network: &NetworkProfile) -> StandingView {
    let balance = |denom: &str| {
        let found = standing.balances.iter().find(|amount| amount.denom == denom);
        Some(found.map_or("0".to_owned(), |amount| amount.amount.clone()))
    };
    StandingView {
        state: standing.state.into(),
        stake: standing.registration.as_ref().map(|node| node.stake.clone()),
        registered_height: standing.registration.as_ref().map(|node| node.registered_height.clone()),
        slashing_events: standing.registration.as_ref().map(|node| node.slashing_events.to_string()),
        reward_balance: balance(&network.reward_denom),
        stake_balance: balance(&network.stake_denom),
        fee_balance: balance(&network.fee_denom),
        requested_at: standing.requested_at.map(rfc3339),
        error: None,
        at: Some(rfc3339(standing.at)),
        address: Some(standing.address),
    }
}

/// A whole amount that was typed; nothing typed is none.
fn whole(stake: Option<&str>) -> Result<Option<u128>, ApiError> {
    let typed = stake.map(str::trim).filter(|stake| !stake.is_empty());
    typed
        .map(|stake| {
            stake.parse().map_err(|_| refused(format!("use the stake {stake:?}: it is no whole amount")))
        })
        .transpose()
}
