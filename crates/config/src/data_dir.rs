use std::path::{Path, PathBuf};

/// The layout of the folder in which one proposer keeps everything it writes.
///
/// Nothing inside the folder holds an absolute path: it can be moved, or restored elsewhere, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The data folder at `root`. Nothing is created.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        DataDir { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings, `settings.toml`.
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.toml")
    }

    /// Network profiles, one `NAME.toml` each.
    pub fn networks(&self) -> PathBuf {
        self.root.join("networks")
    }

    /// The journal of rounds and the history, an SQLite database.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.sqlite")
    }

    /// Gradients and aggregates while they are worked on.
    pub fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// Evidence bundles of excluded gradients.
    pub fn evidence(&self) -> PathBuf {
        self.root.join("evidence")
    }

    /// A managed IPFS node: its repository, its logs, and `bin/ipfs` where one is put there.
    pub fn ipfs(&self) -> PathBuf {
        self.root.join("ipfs")
    }

    /// Passphrase-encrypted keys.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }
}
