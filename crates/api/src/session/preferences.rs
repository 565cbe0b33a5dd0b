//! What the operator prefers of the desktop; kept in `preferences.json` of the data folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use specta::Type;

use super::engine::Desired;
use crate::{ApiError, ErrorCode};

/// Preferences of the desktop. What the engine works by stands in the settings instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase", default)]
pub struct Preferences {
    /// The role that was chosen; absent before it was.
    pub role: Option<NodeRole>,
    /// What the operator is told of while the window is hidden.
    pub notifications: Vec<NoticeKind>,
    /// Whether the launcher starts with the desktop, minimised.
    pub autostart: bool,
    /// Whether closing the window leaves the launcher in the tray, where there is one.
    pub close_to_tray: bool,
    /// Light or dark.
    pub theme: Theme,
    /// `en` or `tr`; that of the system where absent.
    pub language: Option<String>,
    /// Whether the parameters of the set-up were looked through.
    pub parameters_seen: bool,
    /// Whether the operator was told of the words of the key, and confirmed them.
    pub setup_finished: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Preferences {
            role: None,
            notifications: NoticeKind::ALL.to_vec(),
            autostart: false,
            close_to_tray: true,
            theme: Theme::System,
            language: None,
            parameters_seen: false,
            setup_finished: false,
        }
    }
}

/// The roles of an R3MES network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum NodeRole {
    /// Trains, and sends gradients.
    Miner,
    /// Answers with the trained model.
    Serving,
    /// Makes blocks and recomputes challenged aggregates.
    Validator,
    /// Aggregates gradients: what this launcher runs.
    Proposer,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What an operator can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum NoticeKind {
    /// A round was revealed.
    RoundRevealed,
    /// A reward was booked.
    Reward,
    /// Our aggregation is challenged.
    Challenge,
    /// Our stake was cut.
    Slash,
    /// A reveal may miss its deadline.
    RevealAtRisk,
    /// The disk is nearly full.
    DiskLow,
    /// The engine stopped although it should work.
    EngineStopped,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [NoticeKind; 7] = [
        NoticeKind::RoundRevealed,
        NoticeKind::Reward,
        NoticeKind::Challenge,
        NoticeKind::Slash,
        NoticeKind::RevealAtRisk,
        NoticeKind::DiskLow,
        NoticeKind::EngineStopped,
    ];
}

/// All that the file holds: the preferences and what goes with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Remembered {
    /// Version of the file's form.
    pub(crate) version: u32,
    pub(crate) preferences: Preferences,
    /// What the operator wants of the engine.
    pub(crate) desired: Desired,
    /// Whether the local network was chosen.
    pub(crate) local_network: bool,
    /// The access passphrase as an argon2id string; absent where none is asked for.
    pub(crate) access: Option<String>,
}

/// The version that this program writes.
const VERSION: u32 = 1;

impl Remembered {
    /// Reads the file; one that is not there is a new one.
    ///
    /// # Errors
    /// When it cannot be read, does not parse, or was written by a newer program; it is left alone.
    pub(crate) fn load(path: &Path) -> Result<Remembered, ApiError> {
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::new(ErrorCode::Settings, format!("read {}: {error}", path.display()))
                .with_remedy("correct the file, or move it away to begin with the standard preferences")
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Remembered { version: VERSION, ..Remembered::default() });
            }
            Err(error) => return Err(failed(&error)),
        };
        let remembered: Remembered = serde_json::from_str(&text).map_err(|error| failed(&error))?;
        match remembered.version {
            VERSION => Ok(remembered),
            other => Err(failed(&format!("its version is {other}, and this release reads {VERSION}"))),
        }
    }

    /// Replaces the file as a whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<(), ApiError> {
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::new(ErrorCode::Settings, format!("write {}: {error}", path.display()))
        };
        let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
        fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(&error))?;
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
        file.as_file().sync_all().map_err(|error| failed(&error))?;
        file.persist(path).map_err(|error| failed(&error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_parse_is_told_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preferences.json");
        for (text, part) in [("{", "EOF"), (r#"{"version":2}"#, "its version is 2")] {
            fs::write(&path, text).unwrap();
            let error = Remembered::load(&path).unwrap_err();
            assert!(error.message.contains(part), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn they_come_back_and_keys_that_a_file_lacks_have_their_standard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/preferences.json");
        let mut kept = Remembered::load(&path).unwrap();
        assert!(!path.exists());
        kept.desired = Desired::Running;
        kept.preferences.theme = Theme::Dark;
        kept.save(&path).unwrap();
        assert_eq!(Remembered::load(&path).unwrap(), kept);
        fs::write(&path, r#"{"version":1,"preferences":{"theme":"light"}}"#).unwrap();
        let sparse = Remembered::load(&path).unwrap();
        assert_eq!(sparse.preferences, Preferences { theme: Theme::Light, ..Preferences::default() });
    }
}
