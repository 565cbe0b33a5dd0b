//! What is known to go wrong with a node of ours, and what mends it.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the node does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DaemonError {
    /// There is no program.
    #[error(
        "start Kubo: there is no {looked_for}; install Kubo (https://docs.ipfs.tech/install), name the program in ipfs.kubo_binary, or set ipfs.mode to external"
    )]
    BinaryMissing {
        /// What was looked for, and where.
        looked_for: String,
    },
    /// What is there cannot be run, or is no Kubo.
    #[error("start Kubo: {} is no Kubo that runs here: {detail}; name another program in ipfs.kubo_binary", path.display())]
    NotKubo {
        /// The program.
        path: PathBuf,
        /// What it said, or why it did not start.
        detail: String,
    },
    /// The program is older than what we rely on.
    #[error("start Kubo: {} is version {found}, needed is {least} or newer; update it", path.display())]
    TooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        found: String,
        /// What is needed.
        least: &'static str,
    },
    /// Another program listens where the node should.
    #[error(
        "start Kubo: another program listens on {address}; stop it, or set ipfs.swarm_port to a free port"
    )]
    PortTaken {
        /// Address and port, as the node wrote them.
        address: String,
    },
    /// Another node works on the repository.
    #[error("start Kubo: another process uses the repository {}; stop it (`ipfs shutdown`), or set ipfs.mode to external and use that node", repository.display())]
    RepositoryLocked {
        /// The repository.
        repository: PathBuf,
    },
    /// A newer Kubo has written the repository.
    #[error("start Kubo: the repository {} was written by a newer Kubo (format {found}, this one knows {known}); update the program", repository.display())]
    RepositoryNewer {
        /// The repository.
        repository: PathBuf,
        /// Its format.
        found: String,
        /// The newest format that the program knows.
        known: String,
    },
    /// The repository is of an older format, and could not be brought to the new one.
    #[error("start Kubo: the repository {} could not be brought to this Kubo's format: {detail}; run `ipfs repo migrate` on it", repository.display())]
    Migration {
        /// The repository.
        repository: PathBuf,
        /// The node's words.
        detail: String,
    },
    /// The repository's settings cannot be read.
    #[error("start Kubo: the configuration of the repository {} cannot be read: {detail}; mend it, or move the repository away for a new one", repository.display())]
    Configuration {
        /// The repository.
        repository: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Parts of the repository are missing or broken.
    #[error("start Kubo: the repository {} is damaged: {detail}; move it away for a new one, or restore it", repository.display())]
    RepositoryDamaged {
        /// The repository.
        repository: PathBuf,
        /// The node's words.
        detail: String,
    },
    /// The disk is full.
    #[error("run Kubo: there is no space left for the repository {}; free some, or lower limits.ipfs_quota", repository.display())]
    DiskFull {
        /// The repository.
        repository: PathBuf,
    },
    /// The system does not let us.
    #[error("run Kubo: {detail}; give this user access to {}", folder.display())]
    Forbidden {
        /// The node's folder.
        folder: PathBuf,
        /// What was refused.
        detail: String,
    },
    /// The node was given its time and did not come up.
    #[error("start Kubo: it was not ready after {} s; its log is {}", after.as_secs_f32(), log.display())]
    NotReady {
        /// The time.
        after: Duration,
        /// Where to read on.
        log: PathBuf,
    },
    /// The node runs and answers nothing.
    #[error("reach Kubo: it runs and does not answer; it is started again. Its log is {}", log.display())]
    Hung {
        /// Where to read on.
        log: PathBuf,
    },
    /// The node ended, and not for a reason that we know.
    #[error("run Kubo: it ended ({status}): {detail}; its log is {}", log.display())]
    Ended {
        /// How.
        status: String,
        /// Its last words.
        detail: String,
        /// Where to read on.
        log: PathBuf,
    },
    /// There is no way here to bind the node's life to ours.
    #[error(
        "start Kubo: a managed node needs a Unix system; start Kubo yourself and set ipfs.mode to external"
    )]
    Unsupported,
}

impl DaemonError {
    /// Whether it may pass without anybody changing anything: the last run's node may still be ending, a
    /// disk may be freed, a crash may be the only one.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::PortTaken { .. }
                | Self::RepositoryLocked { .. }
                | Self::DiskFull { .. }
                | Self::NotReady { .. }
                | Self::Hung { .. }
                | Self::Ended { .. }
        )
    }

    /// What the node's last words mean.
    pub(super) fn of_output(said: &str, status: &str, folder: &Path) -> DaemonError {
        let repository = super::repository::path(folder);
        let detail = last_words(said);
        if said.contains("address already in use") {
            return DaemonError::PortTaken { address: taken_address(said) };
        }
        if said.contains("someone else has the lock") || said.contains("is locked") {
            return DaemonError::RepositoryLocked { repository };
        }
        if let Some((known, found)) = versions(said) {
            return DaemonError::RepositoryNewer { repository, found, known };
        }
        if said.contains("no space left on device") {
            return DaemonError::DiskFull { repository };
        }
        if said.contains("permission denied") || said.contains("read-only file system") {
            return DaemonError::Forbidden { folder: folder.to_owned(), detail };
        }
        if said.contains("migration") {
            return DaemonError::Migration { repository, detail };
        }
        if ["error loading plugins: ", "invalid character", "failure to decode config"]
            .iter()
            .any(|text| said.contains(text))
        {
            return DaemonError::Configuration { repository, detail };
        }
        if ["datastore_spec", "no such file or directory", "corrupted", "no IPFS repo found"]
            .iter()
            .any(|text| said.contains(text))
        {
            return DaemonError::RepositoryDamaged { repository, detail };
        }
        DaemonError::Ended { status: status.to_owned(), detail, log: super::log::path(folder) }
    }
}

/// The line that says what went wrong: the one that begins with `Error:`, or else the last.
fn last_words(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().rfind(|line| line.starts_with("Error:")).or_else(|| lines().next_back());
    let text = error.unwrap_or("it said nothing").trim_start_matches("Error:").trim();
    text.chars().take(300).collect()
}

/// `127.0.0.1:4001` out of `listen tcp4 127.0.0.1:4001: bind: address already in use`.
fn taken_address(said: &str) -> String {
    let before = said.split(": bind: address already in use").next().unwrap_or_default();
    before.split_whitespace().next_back().unwrap_or("its port").to_owned()
}

/// What the program knows and what the repository has, out of
/// `Your programs version (18) is lower than your repos (99).`
fn versions(said: &str) -> Option<(String, String)> {
    let (_, rest) = said.split_once("programs version (")?;
    let (known, rest) = rest.split_once(')')?;
    let (_, rest) = rest.split_once("repos (")?;
    let (found, _) = rest.split_once(')')?;
    Some((known.to_owned(), found.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str) -> DaemonError {
        DaemonError::of_output(said, "exit status: 1", Path::new("node"))
    }

    /// Texts of Kubo 0.40.1.
    #[test]
    fn known_words_have_a_meaning() {
        let repository = PathBuf::from("node/repo");
        assert_eq!(
            of(
                "Error: serveHTTPApi: manet.Listen(/ip4/127.0.0.1/tcp/5001) failed: listen tcp4 127.0.0.1:5001: bind: address already in use"
            ),
            DaemonError::PortTaken { address: "127.0.0.1:5001".into() }
        );
        assert_eq!(
            of(
                "Error: constructing the node (see log for full detail): failed to listen on any addresses: [listen tcp4 0.0.0.0:4001: bind: address already in use]"
            ),
            DaemonError::PortTaken { address: "0.0.0.0:4001".into() }
        );
        assert_eq!(
            of("Error: lock node/repo/repo.lock: someone else has the lock"),
            DaemonError::RepositoryLocked { repository: repository.clone() }
        );
        assert_eq!(
            of(
                "Error: Your programs version (18) is lower than your repos (99).\nPlease update ipfs to a version that supports the existing repo, or run\na migration in reverse.\n"
            ),
            DaemonError::RepositoryNewer {
                repository: repository.clone(),
                found: "99".into(),
                known: "18".into()
            }
        );
        assert_eq!(
            of("Error: write node/repo/datastore/000002.ldb: no space left on device"),
            DaemonError::DiskFull { repository: repository.clone() }
        );
        assert_eq!(
            of(
                "Error: error loading plugins: invalid character 'n' looking for beginning of object key string"
            ),
            DaemonError::Configuration {
                repository: repository.clone(),
                detail:
                    "error loading plugins: invalid character 'n' looking for beginning of object key string"
                        .into()
            }
        );
        assert_eq!(
            of("Error: open node/repo/datastore_spec: no such file or directory"),
            DaemonError::RepositoryDamaged {
                repository,
                detail: "open node/repo/datastore_spec: no such file or directory".into()
            }
        );
    }

    #[test]
    fn unknown_words_are_passed_on() {
        let error = of("Initializing daemon...\n\nError: the moon is full\n");
        assert_eq!(
            error.to_string(),
            "run Kubo: it ended (exit status: 1): the moon is full; its log is node/logs/kubo.log"
        );
        assert!(error.is_transient());
        assert!(of("").to_string().contains("it said nothing"));
    }
}
