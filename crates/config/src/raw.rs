use crate::data_dir::DataDir;
use crate::document::{self, Leaf};
use crate::error::{ConfigError, Problem, Problems, SyntaxError};
use crate::file;
use crate::format::{Format, check_version};
use crate::key::{Key, nearest};
use crate::network::NetworkProfile;
use crate::network_keys::NETWORK_KEYS;
use crate::profile::{Profile, check_profile_name, not_a_key, require_endpoints};
use crate::render::{PROFILE_ABOUT, render_settings};
use crate::settings::Settings;
use crate::settings_keys::SETTINGS_KEYS;
use crate::validity;
use crate::value::{Kind, Value};

/// The settings as a text that nobody has vouched for.
///
/// It can be changed key by key, with comments and all other keys left as they stand, and becomes
/// [`Settings`] by [`RawSettings::validate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawSettings {
    text: String,
}

/// A key of the settings, for faces that list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    section: &'static str,
    name: &'static str,
    /// One sentence on what the key means.
    pub about: &'static str,
    /// Whether the key can be left out for good, and not only for its default.
    pub optional: bool,
}

impl KeyDescription {
    /// The dotted name, as [`Settings::get`] and [`RawSettings::set`] take it.
    pub fn name(&self) -> String {
        format!("{}{}", self.section, self.name)
    }
}

const NETWORK: &str = "network.";
const PROFILE: &str = "network.profile";

impl RawSettings {
    /// Takes a text that is a TOML document, whatever it says.
    pub fn parse(text: impl Into<String>) -> Result<Self, SyntaxError> {
        let text = text.into();
        document::leaves(&text)?;
        Ok(RawSettings { text })
    }

    /// Reads the data folder's settings.
    pub fn load(data: &DataDir) -> Result<Self, ConfigError> {
        let path = data.settings();
        Self::parse(file::read(&path)?).map_err(|error| ConfigError::Syntax { path, error })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Sets a key to what a person typed; lists are separated by commas, and an empty text takes an
    /// optional key out. Whether the whole is valid shows in [`RawSettings::validate`].
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        let (kind, optional) = kind_of(key)?;
        let value = match text.trim() {
            "" if optional => None,
            _ => Some(
                Value::from_text(kind, text)
                    .map_err(|text| ConfigError::Value(Problem { key: key.to_owned(), line: None, text }))?,
            ),
        };
        self.put(key, value.as_ref());
        Ok(())
    }

    /// The valid settings, or everything that is wrong. Profiles named by file are read from the data folder.
    pub fn validate(&self, data: &DataDir) -> Result<Settings, Problems> {
        let leaves = document::leaves(&self.text).unwrap_or_default();
        let mut problems = Problems::default();
        let leaves = check_version(Format::Settings, leaves)?;
        let mut settings = Settings::default();
        settings.profile = find_profile(&leaves, data, &mut problems);
        settings.network = match &settings.profile {
            Some(profile) => profile.values().clone(),
            None => NetworkProfile::default(),
        };
        for leaf in &leaves {
            take(&mut settings, leaf, &mut problems);
        }
        validity::check(&mut settings, &leaves, &mut problems);
        problems.or(settings)
    }

    /// Validates the settings and, if they are valid, makes them the data folder's.
    pub fn save(&self, data: &DataDir) -> Result<Settings, ConfigError> {
        let path = data.settings();
        match self.validate(data) {
            Ok(settings) => file::replace(&path, &self.text).map(|()| settings),
            Err(problems) => Err(ConfigError::Invalid { path, problems }),
        }
    }

    fn put(&mut self, key: &str, value: Option<&Value>) {
        // Where nothing is said of the network the default profile is meant, and stays meant.
        if key.starts_with(NETWORK) && key != PROFILE && value.is_some() && !self.mentions_network() {
            self.put(PROFILE, Some(&Value::Text(Profile::default().name().to_owned())));
        }
        // The text has been parsed before, so an edit of it finds a document.
        if let Ok(text) = document::edit(&self.text, key, value) {
            self.text = text;
        }
    }

    fn mentions_network(&self) -> bool {
        let leaves = document::leaves(&self.text).unwrap_or_default();
        leaves.iter().any(|leaf| leaf.key == "network" || leaf.key.starts_with(NETWORK))
    }
}

impl Settings {
    /// Reads and validates the data folder's settings.
    pub fn load(data: &DataDir) -> Result<Self, ConfigError> {
        RawSettings::load(data)?
            .validate(data)
            .map_err(|problems| ConfigError::Invalid { path: data.settings(), problems })
    }

    /// Writes the settings into the data folder. Comments in a file that is there stay, and so do its
    /// keys with the values that they have in `self`; a file that does not parse is an error and stays.
    pub fn save(&self, data: &DataDir) -> Result<(), ConfigError> {
        let path = data.settings();
        let raw = match RawSettings::load(data) {
            Ok(old) => match old.validate(data) {
                Ok(before) => old.updated(&before, self),
                Err(_) => self.to_raw(),
            },
            Err(ConfigError::Missing { .. }) => self.to_raw(),
            Err(error) => return Err(error),
        };
        match raw.validate(data) {
            Ok(read_back) if read_back == *self => file::replace(&path, &raw.text),
            Ok(_) => {
                let mut problems = Problems::default();
                problems.push(PROFILE, None, "sets what these settings leave out, or has changed since");
                Err(ConfigError::Invalid { path, problems })
            }
            Err(problems) => Err(ConfigError::Invalid { path, problems }),
        }
    }

    /// The settings as a commented file. That of [`Settings::default`] documents every key.
    pub fn to_text(&self) -> String {
        render_settings(self)
    }

    /// A key's value as text; `None` where an optional key is left out.
    pub fn get(&self, key: &str) -> Result<Option<String>, ConfigError> {
        if key == PROFILE {
            return Ok(self.profile.as_ref().map(|profile| profile.name().to_owned()));
        }
        let value = match (network_key(key), settings_key(key)) {
            (Some(key), _) => (key.read)(&self.network),
            (None, Some(key)) => (key.read)(self),
            (None, None) => return Err(unknown(key)),
        };
        Ok(value.map(|value| value.to_text()))
    }

    /// Every key there is, in the order of the commented file.
    pub fn keys() -> Vec<KeyDescription> {
        let profile = KeyDescription { section: "", name: PROFILE, about: PROFILE_ABOUT, optional: true };
        let network = NETWORK_KEYS.iter().map(|key| describe(NETWORK, key));
        let settings = SETTINGS_KEYS.iter().map(|key| describe("", key));
        std::iter::once(profile).chain(network).chain(settings).collect()
    }

    fn to_raw(&self) -> RawSettings {
        RawSettings { text: self.to_text() }
    }
}

impl RawSettings {
    /// The text with all keys changed in which `after` differs from `before`.
    fn updated(&self, before: &Settings, after: &Settings) -> RawSettings {
        let mut raw = self.clone();
        if before.profile != after.profile {
            return after.to_raw();
        }
        for key in NETWORK_KEYS {
            let value = (key.read)(&after.network);
            if (key.read)(&before.network) != value {
                raw.put(&format!("{NETWORK}{}", key.name), value.as_ref());
            }
        }
        for key in SETTINGS_KEYS {
            let value = (key.read)(after);
            if (key.read)(before) != value {
                raw.put(key.name, value.as_ref());
            }
        }
        raw
    }
}

fn describe<T>(section: &'static str, key: &Key<T>) -> KeyDescription {
    KeyDescription { section, name: key.name, about: key.about, optional: key.clear.is_some() }
}

fn network_key(key: &str) -> Option<&'static Key<NetworkProfile>> {
    let name = key.strip_prefix(NETWORK)?;
    NETWORK_KEYS.iter().find(|key| key.name == name)
}

fn settings_key(key: &str) -> Option<&'static Key<Settings>> {
    SETTINGS_KEYS.iter().find(|known| known.name == key)
}

fn kind_of(key: &str) -> Result<(Kind, bool), ConfigError> {
    match (network_key(key), settings_key(key)) {
        _ if key == PROFILE => Ok((Kind::Text, true)),
        (Some(key), _) => Ok((key.kind, true)),
        (None, Some(key)) => Ok((key.kind, key.clear.is_some())),
        (None, None) => Err(unknown(key)),
    }
}

fn nearest_key(key: &str) -> Option<String> {
    let names: Vec<String> = Settings::keys().iter().map(KeyDescription::name).collect();
    nearest(key, names.iter().map(String::as_str)).map(str::to_owned)
}

fn unknown(key: &str) -> ConfigError {
    ConfigError::UnknownKey { key: key.to_owned(), nearest: nearest_key(key) }
}

/// The profile that the document names; none where it spells the network out.
fn find_profile(leaves: &[Leaf], data: &DataDir, problems: &mut Problems) -> Option<Profile> {
    let Some(leaf) = leaves.iter().find(|leaf| leaf.key == PROFILE || leaf.key == "network") else {
        if leaves.iter().any(|leaf| leaf.key.starts_with(NETWORK)) {
            require_endpoints(leaves, NETWORK, problems);
            return None;
        }
        return Some(Profile::default());
    };
    let found = leaf.value.clone().and_then(|value| {
        let name = value.name()?;
        check_profile_name(&name)?;
        Profile::find(&name, data).map_err(|error| match error {
            ConfigError::Missing { .. } => {
                let known = Profile::BUILTIN.join(", ");
                format!("names no profile: {name:?} is neither one of {known} nor a file in the data folder")
            }
            error => format!("names a profile that cannot be used, failed to {error}"),
        })
    });
    match found {
        Ok(profile) => Some(profile),
        Err(text) => {
            problems.push(&leaf.key, Some(leaf.line), text);
            None
        }
    }
}

/// Takes a leaf's value over, or a problem with it.
fn take(settings: &mut Settings, leaf: &Leaf, problems: &mut Problems) {
    let key = leaf.key.as_str();
    if key == PROFILE || key == "network" {
        return; // find_profile has judged it
    }
    if is_section(key) {
        // An empty section says nothing, and nothing is wrong with that.
        if leaf.value.is_ok() {
            problems.push(key, Some(leaf.line), format!("must be a section, [{key}], is a value"));
        }
        return;
    }
    if key.starts_with(NETWORK) {
        return settings.network.take(leaf, NETWORK, problems);
    }
    let Some(known) = settings_key(key) else {
        return problems.push(key, Some(leaf.line), not_a_key(nearest_key(key).as_deref()));
    };
    if let Err(text) = leaf.value.clone().and_then(|value| (known.write)(settings, &value)) {
        problems.push(key, Some(leaf.line), text);
    }
}

fn is_section(key: &str) -> bool {
    Settings::keys()
        .iter()
        .any(|known| known.name().strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}
