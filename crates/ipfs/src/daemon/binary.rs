//! Finding the program.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::failure::DaemonError;
use super::repository::DaemonSettings;

/// The oldest Kubo that is told every parameter on which a CID depends, `max-file-links` among them.
const LEAST: (u32, u32) = (0, 35);
const LEAST_TEXT: &str = "0.35";

/// Our own variables, among which may be passphrases and keys: none of a child's business, and what a child has
/// in its environment can be read for as long as it runs.
const OURS: &str = "R3MES_";

/// A child that sees nothing of them.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let ours = env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with(OURS));
    ours.for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// A Kubo program that has said its version.
#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub(super) path: PathBuf,
    pub(super) version: String,
}

impl Binary {
    /// The program that the settings name, else one in the node's own folder, else the first on the PATH.
    pub(super) async fn find(settings: &DaemonSettings) -> Result<Binary, DaemonError> {
        let path = locate(settings)?;
        let not_kubo = |detail: String| DaemonError::NotKubo { path: path.clone(), detail };
        let output = command(&path)
            .args(["version", "--number"])
            // Where a repository is in use the program would ask that node for its version.
            .env("IPFS_PATH", settings.folder.join("none"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| not_kubo(error.to_string()))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match parsed(&version) {
            Some(found) if found < LEAST => {
                Err(DaemonError::TooOld { path, found: version, least: LEAST_TEXT })
            }
            Some(_) => Ok(Binary { path, version }),
            None => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.lines().next().unwrap_or(&version);
                Err(not_kubo(format!("it does not tell its version ({said:?})")))
            }
        }
    }
}

fn locate(settings: &DaemonSettings) -> Result<PathBuf, DaemonError> {
    let missing = |looked_for: String| DaemonError::BinaryMissing { looked_for };
    if let Some(path) = &settings.binary {
        return match path.is_file() {
            true => Ok(path.clone()),
            false => Err(missing(path.display().to_string())),
        };
    }
    let name = format!("ipfs{}", env::consts::EXE_SUFFIX);
    let own = settings.folder.join("bin").join(&name);
    let on_path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&on_path).map(|folder| folder.join(&name));
    [own.clone()]
        .into_iter()
        .chain(on_path)
        .find(|path: &PathBuf| Path::is_file(path))
        .ok_or_else(|| missing(format!("program `ipfs` at {} nor on the PATH", own.display())))
}

/// Major and minor version.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}
