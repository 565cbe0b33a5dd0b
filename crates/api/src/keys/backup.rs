use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use r3mes_config::{DataDir, NetworkProfile, RawSettings, Settings};
use r3mes_keys::{Backup, Cost, Enrolment, StoreKind};
use serde::Serialize;
use time::OffsetDateTime;

use super::{KeyView, PassphraseFor, Secrets};
use crate::disk::write_new;
use crate::error_keys::of_backup;
use crate::{ApiError, ErrorCode, Workspace};

/// What went into a backup.
#[derive(Clone, Debug, Serialize)]
pub struct BackupSummary {
    /// The file.
    pub file: PathBuf,
    /// Names of the keys.
    pub keys: Vec<String>,
    /// Settings and network profiles.
    pub files: Vec<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// What came out of a backup.
#[derive(Clone, Debug, Serialize)]
pub struct RestoreSummary {
    /// The keys.
    pub keys: Vec<KeyView>,
    /// Settings and network profiles that were written; those that stood there already were left.
    pub files: Vec<String>,
    /// When the backup was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

const SETTINGS: &str = "settings.toml";

impl Workspace {
    /// Writes all keys, the settings and the network profiles into one file that a passphrase closes,
    /// opens it again to see that it holds them, and notes its date with each key.
    ///
    /// # Errors
    /// When a key cannot be read, or the file stands there already or cannot be written.
    pub fn back_up(&self, file: &Path) -> Result<BackupSummary, ApiError> {
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::new(ErrorCode::File, format!("write the backup {}: {error}", file.display()))
        };
        if file.exists() {
            return Err(failed(&"a file of this name is there already"));
        }
        let ring = self.keyring();
        let mut keys = Vec::new();
        for record in ring.list()? {
            let store = self.store(record.store, false)?;
            let key = ring.unlock(&record.name, store.as_ref())?;
            keys.push((record, key));
        }
        let backup = Backup { created_at: OffsetDateTime::now_utc(), keys, files: self.documents()? };
        let passphrase = self.secrets()?.passphrase(PassphraseFor::Backup, true)?;
        let sealed =
            backup.seal(&passphrase, Cost::STANDARD, &mut rand::rng()).map_err(|error| failed(&error))?;
        write_new(file, &sealed).map_err(|error| failed(&error))?;
        let written = fs::read(file).map_err(|error| failed(&error))?;
        Backup::open(&written, &passphrase).map_err(|error| of_backup(file, &error))?;
        for (record, _) in &backup.keys {
            ring.mark_backup(&record.name, backup.created_at)?;
        }
        Ok(BackupSummary {
            file: file.to_owned(),
            keys: backup.keys.iter().map(|(record, _)| record.name.to_string()).collect(),
            files: backup.files.into_iter().map(|(path, _)| path).collect(),
            created_at: backup.created_at,
        })
    }

    /// Brings keys and settings back from a backup. Everything in it is checked before anything is
    /// written. Settings and profiles that stand in the folder already stay as they are.
    ///
    /// # Errors
    /// When the backup does not open or does not hold together, a name is another key's, or a store does
    /// not keep a key.
    pub fn restore(
        root: Option<&Path>,
        file: &Path,
        store: Option<StoreKind>,
        secrets: Arc<dyn Secrets>,
    ) -> Result<RestoreSummary, ApiError> {
        let bytes = fs::read(file).map_err(|error| {
            ApiError::new(ErrorCode::File, format!("read the backup {}: {error}", file.display()))
        })?;
        let passphrase = secrets.passphrase(PassphraseFor::Backup, false)?;
        let backup = Backup::open(&bytes, &passphrase).map_err(|error| of_backup(file, &error))?;
        let documents = Documents::check(&backup.files)?;
        let data = Workspace::data_of(root)?;
        backup.check(&r3mes_keys::Keyring::new(data.keys()))?;

        let files = documents.write(&data)?;
        let workspace = Workspace::open(Some(data.root()), None, &[])?.with_secrets(secrets);
        let ring = workspace.keyring();
        let mut keys = Vec::new();
        for (record, key) in &backup.keys {
            let there = ring.list()?.into_iter().find(|there| there.name == record.name);
            let kind = store.unwrap_or(there.map_or(record.store, |there| there.store));
            let place = workspace.store(kind, true)?;
            let prefix = record.address.rsplit_once('1').map_or("", |(prefix, _)| prefix);
            let path = record.path.as_deref();
            let enrolment = Enrolment { name: &record.name, prefix, path, now: record.created_at };
            let enrolled = ring.enrol(key, place.as_ref(), &enrolment, &mut rand::rng())?;
            if enrolled.last_backup < Some(backup.created_at) {
                ring.mark_backup(&record.name, backup.created_at)?;
            }
            keys.push(workspace.key_named(record.name.as_str())?);
        }
        Ok(RestoreSummary { keys, files, created_at: backup.created_at })
    }

    /// Settings and network profiles with their paths inside the data folder.
    fn documents(&self) -> Result<Vec<(String, String)>, ApiError> {
        let read = |path: &Path| {
            fs::read_to_string(path).map_err(|error| {
                ApiError::new(ErrorCode::Settings, format!("read {}: {error}", path.display()))
            })
        };
        let mut documents = vec![(SETTINGS.to_owned(), read(&self.data().settings())?)];
        let mut names: Vec<String> = fs::read_dir(self.data().networks())
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_profile_name(name))
            .collect();
        names.sort();
        for name in names {
            let text = read(&self.data().networks().join(&name))?;
            documents.push((format!("networks/{name}"), text));
        }
        Ok(documents)
    }
}

/// A backup's settings and profiles, valid together.
struct Documents {
    settings: Option<RawSettings>,
    profiles: Vec<(String, NetworkProfile)>,
}

impl Documents {
    fn check(files: &[(String, String)]) -> Result<Documents, ApiError> {
        let failed = |detail: String| {
            ApiError::new(ErrorCode::File, format!("use the settings in the backup: {detail}"))
        };
        let trial = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let data = DataDir::new(trial.path());
        fs::create_dir_all(data.networks()).map_err(|error| failed(error.to_string()))?;
        let (mut settings, mut profiles) = (None, Vec::new());
        for (path, text) in files {
            match path.strip_prefix("networks/") {
                Some(name) if is_profile_name(name) => {
                    let place = data.networks().join(name);
                    fs::write(&place, text).map_err(|error| failed(error.to_string()))?;
                    let profile =
                        NetworkProfile::load(&place).map_err(|_| failed(format!("{path} is not valid")))?;
                    profiles.push((name.to_owned(), profile));
                }
                None if path == SETTINGS => {
                    settings = Some(
                        RawSettings::parse(text.as_str())
                            .map_err(|error| failed(format!("{path}: {error}")))?,
                    );
                }
                _ => return Err(failed(format!("{path:?} has no place in a data folder"))),
            }
        }
        if let Some(settings) = &settings {
            let _: Settings = settings
                .validate(&data)
                .map_err(|problems| failed(format!("{SETTINGS}: {problems}").replace('\n', "; ")))?;
        }
        Ok(Documents { settings, profiles })
    }

    /// Writes what does not stand there yet, and says what that was.
    fn write(&self, data: &DataDir) -> Result<Vec<String>, ApiError> {
        let mut written = Vec::new();
        for (name, profile) in &self.profiles {
            let path = data.networks().join(name);
            if !path.exists() {
                profile.save(&path)?;
                written.push(format!("networks/{name}"));
            }
        }
        if let Some(settings) = &self.settings
            && !data.settings().exists()
        {
            settings.save(data)?;
            written.push(SETTINGS.to_owned());
        }
        Ok(written)
    }
}

fn is_profile_name(name: &str) -> bool {
    name.ends_with(".toml") && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}
