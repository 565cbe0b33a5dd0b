//! The engine's settings for a face: every key with its value, checked by the engine's own code.

use serde::{Deserialize, Serialize};
use specta::Type;

use r3mes_config::{ConfigError, DataDir, Problems, RawSettings, Settings};

use super::Session;
use crate::{ApiError, ErrorCode, Workspace};

/// One key of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SettingView {
    /// The dotted name, such as `round.quorum`.
    pub key: String,
    /// One sentence on what it means.
    pub about: String,
    /// Its value as text; absent where it is left out.
    pub value: Option<String>,
    /// The value that a new data folder has.
    pub standard: Option<String>,
    /// Whether it can be left out for good.
    pub optional: bool,
}

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// The file.
    pub path: String,
    /// Whether the file is there; the standard values hold where it is not.
    pub saved: bool,
    /// Every key, in the order of the file.
    pub keys: Vec<SettingView>,
    /// Whether a running engine still works by older ones, and takes these up when it is started again.
    pub needs_restart: bool,
}

/// A changed key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SettingChange {
    /// Which.
    pub key: String,
    /// What the operator typed; an empty text takes an optional key out.
    pub value: String,
}

/// What is wrong with one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SettingProblem {
    /// Which.
    pub key: String,
    /// What was expected and found, such as `must be at least 1, is 0`.
    pub text: String,
}

/// How a saving ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(tag = "kind", content = "value", rename_all = "camelCase")]
pub enum SaveOutcome {
    /// They are the settings now.
    Saved(SettingsView),
    /// Nothing was written.
    Problems(Vec<SettingProblem>),
}

/// The settings of a folder.
///
/// # Errors
/// When the file cannot be read or is not valid.
pub(crate) fn view(data: &DataDir, running: Option<&Settings>) -> Result<SettingsView, ApiError> {
    let saved = data.settings().exists();
    let settings = load(data)?.validate(data).map_err(|problems| invalid(data, problems))?;
    let standard = Settings::default();
    let keys = Settings::keys().into_iter().map(|description| {
        let key = description.name();
        Ok(SettingView {
            value: settings.get(&key)?,
            standard: standard.get(&key)?,
            about: description.about.to_owned(),
            optional: description.optional,
            key,
        })
    });
    Ok(SettingsView {
        path: data.settings().display().to_string(),
        saved,
        keys: keys.collect::<Result<_, ConfigError>>()?,
        needs_restart: running.is_some_and(|running| *running != settings),
    })
}

/// What is wrong with these changes taken together; nothing is written.
///
/// # Errors
/// When the file that is there cannot be read.
pub(crate) fn check(data: &DataDir, changes: &[SettingChange]) -> Result<Vec<SettingProblem>, ApiError> {
    Ok(match changed(data, changes)? {
        Ok(raw) => match raw.validate(data) {
            Ok(_) => Vec::new(),
            Err(problems) => listed(&problems),
        },
        Err(problems) => problems,
    })
}

/// Saves the changes if all is valid.
///
/// # Errors
/// When the file cannot be read or written.
pub(crate) fn save(
    data: &DataDir,
    changes: &[SettingChange],
) -> Result<Result<(), Vec<SettingProblem>>, ApiError> {
    let raw = match changed(data, changes)? {
        Ok(raw) => raw,
        Err(problems) => return Ok(Err(problems)),
    };
    match raw.save(data) {
        Ok(_) => Ok(Ok(())),
        Err(ConfigError::Invalid { problems, .. }) => Ok(Err(listed(&problems))),
        Err(error) => Err(error.into()),
    }
}

fn changed(
    data: &DataDir,
    changes: &[SettingChange],
) -> Result<Result<RawSettings, Vec<SettingProblem>>, ApiError> {
    let mut raw = load(data)?;
    let mut problems = Vec::new();
    for SettingChange { key, value } in changes {
        match raw.set(key, value) {
            Ok(()) => {}
            Err(ConfigError::Value(problem)) => {
                problems.push(SettingProblem { key: problem.key, text: problem.text });
            }
            Err(error @ ConfigError::UnknownKey { .. }) => {
                problems.push(SettingProblem { key: key.clone(), text: error.to_string() });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(if problems.is_empty() { Ok(raw) } else { Err(problems) })
}

fn load(data: &DataDir) -> Result<RawSettings, ApiError> {
    match RawSettings::load(data) {
        Err(ConfigError::Missing { .. }) => crate::workspace::new_settings(),
        loaded => Ok(loaded?),
    }
}

fn listed(problems: &Problems) -> Vec<SettingProblem> {
    let problem = |problem: &r3mes_config::Problem| SettingProblem {
        key: problem.key.clone(),
        text: problem.text.clone(),
    };
    problems.iter().map(problem).collect()
}

fn invalid(data: &DataDir, problems: Problems) -> ApiError {
    ConfigError::Invalid { path: data.settings(), problems }.into()
}

/// Whether a folder can hold a proposer's data: it is really written to.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FolderProbe {
    /// The folder, whole.
    pub path: String,
    /// Whether a file was written there, synchronised, read back and removed.
    pub writable: bool,
    /// Whether a proposer has its data there already.
    pub in_use: bool,
    /// Bytes free on its file system.
    pub free_bytes: Option<String>,
    /// How fast it was written to.
    pub bytes_per_second: Option<f64>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// Probes a folder by writing to it.
pub(crate) fn probe(path: &std::path::Path) -> FolderProbe {
    let probe = r3mes_hardware::WriteProbe::default();
    let request = r3mes_hardware::Request {
        folder: path.to_owned(),
        write: Some(probe),
        endpoints: Vec::new(),
        budget: std::time::Duration::from_secs(3),
    };
    let readings = r3mes_hardware::read(&request, time::OffsetDateTime::now_utc);
    let written = readings.disk_write.as_ref().map(|reading| reading.as_result());
    let data = DataDir::new(path);
    FolderProbe {
        path: path.display().to_string(),
        writable: matches!(written, Some(Ok(_))),
        in_use: data.settings().exists() || data.journal().exists(),
        free_bytes: readings.disk.value().map(|disk| disk.free.to_string()),
        bytes_per_second: written.and_then(Result::ok).map(|speed| speed.bytes_per_second),
        error: written.and_then(Result::err).map(str::to_owned),
    }
}

/// The workspace of a folder, or what is wrong with its settings.
pub(crate) fn workspace(data: &DataDir) -> Result<Workspace, ApiError> {
    Workspace::open(Some(data.root()), None, &[])
        .map_err(|error| ApiError { code: ErrorCode::Settings, ..error })
}

impl Session {
    /// All settings of the network that is chosen.
    ///
    /// # Errors
    /// When the file cannot be read or is not valid.
    pub fn settings(&self) -> Result<SettingsView, ApiError> {
        view(&self.data(), self.running_settings().as_ref())
    }

    /// What is wrong with these changes taken together, by the engine's own code; nothing is written.
    ///
    /// # Errors
    /// When the file that is there cannot be read.
    pub fn check_settings(&self, changes: &[SettingChange]) -> Result<Vec<SettingProblem>, ApiError> {
        check(&self.data(), changes)
    }

    /// Saves the changes if all is valid. A running engine takes them up when it is started again.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn save_settings(&self, changes: &[SettingChange]) -> Result<SaveOutcome, ApiError> {
        match save(&self.data(), changes)? {
            Ok(()) => {
                self.refresh_settings();
                self.look_again();
                Ok(SaveOutcome::Saved(self.settings()?))
            }
            Err(problems) => Ok(SaveOutcome::Problems(problems)),
        }
    }

    /// Whether a folder can hold a proposer's data: it is really written to.
    ///
    /// # Errors
    /// When the work cannot be done at all.
    pub async fn probe_folder(&self, path: &std::path::Path) -> Result<FolderProbe, ApiError> {
        let path = path.to_owned();
        super::access::blocking(move || Ok(probe(&path))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, value: &str) -> SettingChange {
        SettingChange { key: key.into(), value: value.into() }
    }

    #[test]
    fn a_field_is_checked_by_the_engines_code_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        assert_eq!(check(&data, &[change("round.quorum", "12")]).unwrap(), []);
        let problems = check(&data, &[change("round.quorum", "none")]).unwrap();
        assert_eq!(problems[0].text, "must be a whole number, is \"none\"");
        let problems = check(&data, &[change("round.quorum", "0")]).unwrap();
        assert_eq!(
            (problems[0].key.as_str(), problems[0].text.as_str()),
            ("round.quorum", "must be at least 1, is 0")
        );
        assert!(!data.settings().exists());
    }

    #[test]
    fn what_is_saved_is_read_back_and_what_is_wrong_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        save(&data, &[change("round.quorum", "12"), change("aggregation.method", "krum")]).unwrap().unwrap();
        let wrong = save(&data, &[change("round.quorum", "13"), change("round.quorun", "1")]).unwrap();
        assert!(wrong.unwrap_err()[0].text.contains("did you mean round.quorum?"));
        let settings = view(&data, None).unwrap();
        let value =
            |key: &str| settings.keys.iter().find(|setting| setting.key == key).unwrap().value.clone();
        assert_eq!(value("round.quorum").as_deref(), Some("12"));
        assert_eq!(value("aggregation.method").as_deref(), Some("krum"));
        assert!(settings.saved);
    }

    #[test]
    fn a_folder_is_probed_by_writing() {
        let folder = tempfile::tempdir().unwrap();
        let found = probe(folder.path());
        assert!(found.writable && !found.in_use, "{found:?}");
        std::fs::write(folder.path().join("file"), "").unwrap();
        let found = probe(&folder.path().join("file/below"));
        assert!(!found.writable && found.error.is_some(), "{found:?}");
    }
}
