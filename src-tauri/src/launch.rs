//! Where the data folder is, remembered outside of it; and what the environment asks for.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use r3mes_api::{ApiError, ErrorCode};
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager, Runtime};

/// The argument by which the desktop starts the launcher at login.
pub(crate) const STARTUP: &str = "--startup";

/// The data folder, for tests and for operators with more than one: it goes before what is remembered.
const HOME: &str = "R3MES_HOME";

/// What this start was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Whether the desktop started it at login.
    pub by_desktop: bool,
    /// The data folder; the remembered one, or the user's own, where absent.
    pub home: Option<PathBuf>,
}

impl Start {
    /// Out of the command line and the environment.
    pub fn of(arguments: impl Iterator<Item = String>, home: Option<PathBuf>) -> Start {
        let mut start = Start { by_desktop: false, home: home.filter(|home| !home.as_os_str().is_empty()) };
        let mut arguments = arguments.skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                STARTUP => start.by_desktop = true,
                "--home" => start.home = arguments.next().map(PathBuf::from).or(start.home),
                _ => {}
            }
        }
        start
    }

    /// Of this process.
    pub fn of_this_process() -> Start {
        Start::of(std::env::args(), std::env::var_os(HOME).map(PathBuf::from))
    }
}

/// The launcher's own file in the user's configuration: only the way to the data folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pointer {
    data_folder: Option<PathBuf>,
}

/// The data folder that was chosen; `None` for the user's own.
pub(crate) fn remembered_folder<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
    let text = fs::read_to_string(pointer(app).ok()?).ok()?;
    match serde_json::from_str::<Pointer>(&text) {
        Ok(pointer) => pointer.data_folder,
        Err(error) => {
            tracing::warn!("the way to the data folder cannot be read, the standard one is used: {error}");
            None
        }
    }
}

/// Remembers the data folder for the next start.
pub(crate) fn remember_folder<R: Runtime>(app: &AppHandle<R>, folder: &Path) -> Result<(), ApiError> {
    let path = pointer(app)?;
    let failed = |error: &dyn std::fmt::Display| {
        ApiError::new(ErrorCode::File, format!("remember the data folder in {}: {error}", path.display()))
    };
    let text = serde_json::to_string(&Pointer { data_folder: Some(folder.to_owned()) })
        .map_err(|error| failed(&error))?;
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| failed(&error))?;
    // Written beside it and moved over, so that it is whole at any moment.
    let beside = path.with_extension("new");
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, &path)).map_err(|error| failed(&error))
}

fn pointer<R: Runtime>(app: &AppHandle<R>) -> Result<PathBuf, ApiError> {
    let folder = app.path().app_config_dir().map_err(|error| {
        ApiError::new(ErrorCode::File, format!("find the folder of the user's configuration: {error}"))
    })?;
    Ok(folder.join("launcher.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(arguments: &[&str], home: Option<&str>) -> Start {
        let arguments = ["r3mes-launcher"].iter().chain(arguments).map(|text| (*text).to_owned());
        Start::of(arguments, home.map(PathBuf::from))
    }

    #[test]
    fn the_command_line_goes_before_the_environment() {
        assert_eq!(start(&[], None), Start::default());
        assert_eq!(start(&[], Some("")).home, None);
        assert_eq!(start(&[], Some("a")).home, Some("a".into()));
        assert_eq!(start(&["--home", "b"], Some("a")).home, Some("b".into()));
        assert!(start(&["--startup"], None).by_desktop);
    }
}
