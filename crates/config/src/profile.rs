//! Profiles by name, and profiles in files.

use std::path::{Component, Path};

use crate::data_dir::DataDir;
use crate::document::{self, Leaf};
use crate::error::{ConfigError, Problems};
use crate::file;
use crate::format::{Format, check_version};
use crate::network::NetworkProfile;
use crate::network_keys::NETWORK_KEYS;
use crate::render::render_profile;

/// A network profile that settings name instead of spelling it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    name: String,
    values: NetworkProfile,
}

impl Profile {
    /// The chain ids that R3MES networks have been seen with. Each is a profile with the defaults of
    /// [`NetworkProfile`], reached through a node on this machine.
    pub const BUILTIN: [&str; 3] = ["remes-1", "remes-test", "remes-mainnet-1"];

    /// A built-in profile.
    pub fn builtin(name: &str) -> Option<Self> {
        Self::BUILTIN.contains(&name).then(|| Profile {
            name: name.to_owned(),
            values: NetworkProfile { name: name.to_owned(), chain_id: name.to_owned(), ..Default::default() },
        })
    }

    /// The profile `name`: a file inside the data folder if it ends in `.toml`, else a built-in one, else
    /// `networks/NAME.toml` of the data folder.
    pub fn find(name: &str, data: &DataDir) -> Result<Self, ConfigError> {
        if let Some(profile) = Self::builtin(name) {
            return Ok(profile);
        }
        let path = match name.ends_with(".toml") {
            true => data.root().join(name),
            false => data.networks().join(format!("{name}.toml")),
        };
        Ok(Profile { name: name.to_owned(), values: NetworkProfile::load(&path)? })
    }

    /// The name as it stands in the settings.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The profile's values.
    pub fn values(&self) -> &NetworkProfile {
        &self.values
    }
}

impl Default for Profile {
    fn default() -> Self {
        let values = NetworkProfile::default();
        Profile { name: values.name.clone(), values }
    }
}

/// Whether a name stays inside the data folder, which must hold no absolute path.
pub(crate) fn check_profile_name(name: &str) -> Result<(), String> {
    let stays = !name.is_empty()
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
        && !name.contains(['\\', ':']);
    match stays {
        true if name.ends_with(".toml") || !name.contains('/') => Ok(()),
        true => Err(format!("must be a name or a path that ends in .toml, is {name:?}")),
        false => Err(format!("must be a name or a path inside the data folder, is {name:?}")),
    }
}

impl NetworkProfile {
    /// Reads a profile's file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let leaves = document::leaves(&file::read(path)?)
            .map_err(|error| ConfigError::Syntax { path: path.to_owned(), error })?;
        Self::from_leaves(leaves).map_err(|problems| ConfigError::Invalid { path: path.to_owned(), problems })
    }

    /// Writes a profile's file with a comment on each key, unless one stands there that does not parse.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        file::replace(path, &self.to_text())
    }

    /// The profile as a commented file.
    pub fn to_text(&self) -> String {
        render_profile(self)
    }

    fn from_leaves(leaves: Vec<Leaf>) -> Result<Self, Problems> {
        let mut profile = NetworkProfile::default();
        let mut problems = Problems::default();
        let leaves = check_version(Format::Network, leaves)?;
        for leaf in &leaves {
            profile.take(leaf, "", &mut problems);
        }
        require_endpoints(&leaves, "", &mut problems);
        problems.or(profile)
    }

    /// Takes a leaf's value over, or a problem with it. `section` is what the leaf's key begins with.
    pub(crate) fn take(&mut self, leaf: &Leaf, section: &str, problems: &mut Problems) {
        let name = leaf.key.strip_prefix(section).unwrap_or(&leaf.key);
        let Some(key) = NETWORK_KEYS.iter().find(|key| key.name == name) else {
            let nearest = crate::key::nearest(name, NETWORK_KEYS.iter().map(|key| key.name))
                .map(|nearest| format!("{section}{nearest}"));
            problems.push(&leaf.key, Some(leaf.line), not_a_key(nearest.as_deref()));
            return;
        };
        if let Err(text) = leaf.value.clone().and_then(|value| (key.write)(self, &value)) {
            problems.push(&leaf.key, Some(leaf.line), text);
        }
    }
}

/// What no profile can have a default for.
pub(crate) fn require_endpoints(leaves: &[Leaf], section: &str, problems: &mut Problems) {
    for name in ["chain_id", "rpc"] {
        let key = format!("{section}{name}");
        if !leaves.iter().any(|leaf| leaf.key == key) {
            problems.push(key, None, "is missing");
        }
    }
}

pub(crate) fn not_a_key(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("is not a key, did you mean {nearest}?"),
        None => "is not a key".to_owned(),
    }
}
