//! One data folder with its settings: where every operation begins.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use r3mes_chain::http::Timeouts;
use r3mes_chain::{Chain, Rpc, RpcLimits};
use r3mes_config::{ConfigError, DataDir, NetworkProfile, RawSettings, Settings};
use r3mes_engine::{Connections, Home};
use r3mes_ipfs::Kubo;

use crate::keys::Secrets;
use crate::{ApiError, DisplayUnits, ErrorCode};

/// A data folder and the valid settings in it.
#[derive(Clone, Debug)]
pub struct Workspace {
    data: DataDir,
    settings: Settings,
    /// The key that was asked for in the place of the settings' one.
    from: Option<String>,
    secrets: Option<Arc<dyn Secrets>>,
}

impl Workspace {
    /// Opens the data folder, taking up a network profile and changed settings on the way. Both are
    /// written back when they are valid as a whole; a settings file that does not parse is left alone.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is not valid.
    pub fn open(
        root: Option<&Path>,
        network: Option<&Path>,
        changes: &[(String, String)],
    ) -> Result<Workspace, ApiError> {
        let data = Self::data_of(root)?;
        let (mut raw, new) = match RawSettings::load(&data) {
            Ok(raw) => (raw, false),
            Err(ConfigError::Missing { .. }) => (new_settings()?, true),
            Err(error) => return Err(error.into()),
        };
        if let Some(path) = network {
            let profile = NetworkProfile::load(path)?;
            profile.save(&data.networks().join(format!("{}.toml", profile.name)))?;
            raw.set("network.profile", &profile.name)?;
            if new && profile.localnet.is_some() {
                // Miners of a local network announce within moments of each other.
                raw.set("round.minimum_interval", "0s")?;
            }
        }
        for (key, value) in changes {
            raw.set(key, value)?;
        }
        // Who only looks leaves no trace.
        let settings = if network.is_none() && changes.is_empty() {
            let invalid = |problems| ConfigError::Invalid { path: data.settings(), problems };
            raw.validate(&data).map_err(invalid)?
        } else {
            raw.save(&data)?
        };
        Ok(Workspace { data, settings, from: None, secrets: None })
    }

    /// A folder with these settings, which are written there.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn create(
        root: &Path,
        profile: &NetworkProfile,
        changes: &[(&str, String)],
    ) -> Result<Workspace, ApiError> {
        let data = DataDir::new(root);
        if data.settings().exists() || data.journal().exists() {
            let message = format!("use {} for a demo: it is the data folder of a proposer", root.display());
            return Err(
                ApiError::new(ErrorCode::Request, message).with_remedy("name a new folder with --home")
            );
        }
        profile.save(&data.networks().join(format!("{}.toml", profile.name)))?;
        let mut raw = new_settings()?;
        raw.set("network.profile", &profile.name)?;
        for (key, value) in changes {
            raw.set(key, value)?;
        }
        let settings = raw.save(&data)?;
        Ok(Workspace { data, settings, from: None, secrets: None })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.data.root()
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How amounts are shown on the settings' network.
    pub fn units(&self) -> DisplayUnits {
        DisplayUnits::of(&self.settings.network)
    }

    /// The same with a way to ask for passphrases.
    #[must_use]
    pub fn with_secrets(self, secrets: Arc<dyn Secrets>) -> Workspace {
        Workspace { secrets: Some(secrets), ..self }
    }

    /// The same with another key than the settings' one.
    #[must_use]
    pub fn with_key(self, name: impl Into<String>) -> Workspace {
        Workspace { from: Some(name.into()), ..self }
    }

    pub(crate) fn from(&self) -> Option<&String> {
        self.from.as_ref()
    }

    pub(crate) fn secrets(&self) -> Result<&dyn Secrets, ApiError> {
        self.secrets
            .as_deref()
            .ok_or_else(|| ApiError::new(ErrorCode::Passphrase, "ask for a passphrase: there is no way to"))
    }

    pub(crate) fn data(&self) -> &DataDir {
        &self.data
    }

    pub(crate) fn data_of(root: Option<&Path>) -> Result<DataDir, ApiError> {
        Ok(DataDir::new(match root {
            Some(root) => root.to_owned(),
            None => default_root()?,
        }))
    }

    /// Changes one key of the settings.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), ApiError> {
        let mut raw = match RawSettings::load(&self.data) {
            Err(ConfigError::Missing { .. }) => new_settings()?,
            loaded => loaded?,
        };
        raw.set(key, value)?;
        self.settings = raw.save(&self.data)?;
        Ok(())
    }

    pub(crate) fn take(&mut self, settings: Settings) {
        self.settings = settings;
    }

    pub(crate) fn home(&self) -> Result<Home, ApiError> {
        Ok(Home::open(self.data.clone())?)
    }

    /// The clients that the settings name. Nothing is sent yet.
    pub(crate) fn connect(&self) -> Result<Connections, ApiError> {
        let network = &self.settings.network;
        let http = r3mes_chain::http::client(Timeouts::default())
            .map_err(|error| ApiError::new(ErrorCode::Network, format!("make an HTTP client: {error}")))?;
        let rpc = Rpc::pool(&http, network.rpc.clone(), &network.chain_id)
            .map_err(|error| ApiError::new(ErrorCode::Settings, error.to_string()))?;
        // Silence must leave room for a second attempt within a few blocks.
        let timeout = (network.block_time * 3).clamp(Duration::from_secs(2), Duration::from_secs(15));
        let rpc = rpc.with_limits(RpcLimits { timeout, ..RpcLimits::default() });
        let spec = crate::localnet::spec(network)?;
        Ok(Connections { chain: Chain::new(rpc, spec), ipfs: Kubo::new(http, network.ipfs_api.clone()) })
    }
}

/// A new settings file, with every key explained.
pub(crate) fn new_settings() -> Result<RawSettings, ApiError> {
    RawSettings::parse(Settings::default().to_text())
        .map_err(|error| ApiError::new(ErrorCode::Settings, error.to_string()))
}

pub(crate) fn default_root() -> Result<PathBuf, ApiError> {
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/share")));
    data.map(|data| data.join("r3mes-proposer")).ok_or_else(|| {
        ApiError::new(ErrorCode::Request, "find a data folder: this user has no home; give one with --home")
    })
}
