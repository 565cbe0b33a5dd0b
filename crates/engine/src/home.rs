//! The folder in which one proposer keeps everything.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use r3mes_config::DataDir;

use crate::EngineError;

/// What the names of half-written files begin with.
const TEMPORARY: &str = ".partial-";

/// A new file beside `folder`'s others that no reader takes for a finished one.
pub(crate) fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)
}

/// The folder of one proposer: journal, spool, aggregates, evidence.
///
/// Nothing inside it is named by an absolute path, so the folder may be moved while nobody runs.
#[derive(Clone, Debug)]
pub struct Home {
    data: DataDir,
}

impl Home {
    /// Opens the folder, creating it and its parts.
    ///
    /// # Errors
    /// When a folder cannot be created.
    pub fn open(data: DataDir) -> Result<Home, EngineError> {
        let home = Home { data };
        for folder in [home.root().to_owned(), home.spool(), home.aggregates(), home.evidence()] {
            fs::create_dir_all(&folder).map_err(|source| EngineError::Folder { path: folder, source })?;
        }
        Ok(home)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        self.data.root()
    }

    /// The journal's database.
    pub fn journal(&self) -> PathBuf {
        self.data.journal()
    }

    /// Fetched gradients.
    pub fn spool(&self) -> PathBuf {
        self.data.spool()
    }

    /// Aggregates, one file a round.
    pub fn aggregates(&self) -> PathBuf {
        self.root().join("aggregates")
    }

    /// Evidence of exclusions, one file a gradient.
    pub fn evidence(&self) -> PathBuf {
        self.data.evidence()
    }

    /// Where the file of one gradient is spooled.
    pub fn gradient(&self, gradient_id: u64) -> PathBuf {
        self.spool().join(format!("gradient-{gradient_id}"))
    }

    /// What has come so far of a gradient that is being fetched, in any run.
    pub(crate) fn download(&self, gradient_id: u64) -> PathBuf {
        self.spool().join(format!("download-{gradient_id}.car"))
    }

    /// The folder of an IPFS node of our own.
    pub fn ipfs(&self) -> PathBuf {
        self.data.ipfs()
    }

    /// The gradients in the spool, whole or still coming.
    pub(crate) fn spooled(&self) -> Result<Vec<Spooled>, EngineError> {
        let gradient_of = |name: &str| {
            let download = || name.strip_prefix("download-")?.strip_suffix(".car");
            name.strip_prefix("gradient-").or_else(download)?.parse::<u64>().ok()
        };
        let files = files_in(&self.spool())?.into_iter();
        let spooled = files.filter_map(|(path, metadata)| {
            let gradient_id = gradient_of(path.file_name()?.to_str()?)?;
            Some(Spooled { gradient_id, bytes: metadata.len(), modified: metadata.modified().ok(), path })
        });
        Ok(spooled.collect())
    }

    /// The aggregates' files, with their ages.
    pub(crate) fn aggregate_files(&self) -> Result<Vec<(PathBuf, Duration)>, EngineError> {
        let files = files_in(&self.aggregates())?.into_iter();
        let whole = files.filter(|(path, _)| path.extension().is_some_and(|e| e == "safetensors"));
        Ok(whole.map(|(path, metadata)| (path, age(metadata.modified().ok()))).collect())
    }

    /// Where the aggregate of one round stands.
    pub fn aggregate(&self, round: i64) -> PathBuf {
        self.aggregates().join(format!("round-{round}.safetensors"))
    }

    /// Removes what a killed process left half-written. Only who holds the lock may call it.
    pub(crate) fn sweep(&self, _lock: &HomeLock) -> Result<(), EngineError> {
        for folder in [self.spool(), self.aggregates(), self.evidence()] {
            let failed = |source| EngineError::Folder { path: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                    fs::remove_file(entry.path()).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the folder for this process until the lock is dropped.
    ///
    /// # Errors
    /// [`EngineError::AlreadyRunning`] when another process holds it.
    pub(crate) fn lock(&self) -> Result<HomeLock, EngineError> {
        let path = self.root().join("lock");
        let failed = |source| EngineError::Folder { path: path.clone(), source };
        let file = File::create(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(EngineError::AlreadyRunning { path: self.root().to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Whether a process holds the folder now.
    pub fn in_use(&self) -> bool {
        // A shared lock, so that two who look do not take each other for an engine.
        File::open(self.root().join("lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// A file of the spool.
#[derive(Debug)]
pub(crate) struct Spooled {
    pub(crate) gradient_id: u64,
    pub(crate) bytes: u64,
    modified: Option<SystemTime>,
    path: PathBuf,
}

impl Spooled {
    /// Since it was written.
    pub(crate) fn age(&self) -> Duration {
        age(self.modified)
    }

    /// Removes it; that it is gone already is as good.
    pub(crate) fn remove(self) -> Result<(), EngineError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(EngineError::Folder { path: self.path, source })
            }
            _ => Ok(()),
        }
    }
}

fn age(modified: Option<SystemTime>) -> Duration {
    modified.and_then(|at| at.elapsed().ok()).unwrap_or_default()
}

fn files_in(folder: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, EngineError> {
    let failed = |source| EngineError::Folder { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A fetch in another task may have renamed its file meanwhile.
        if let Ok(metadata) = entry.metadata() {
            files.push((entry.path(), metadata));
        }
    }
    Ok(files)
}

/// Held while an engine runs; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct HomeLock {
    _file: File,
}

/// Writes `bytes` to `path` so that after a crash the file is either whole or not there.
pub(crate) fn write_durably(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A bare file name has an empty parent.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = temporary_in(folder)?;
    write(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_engine_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(DataDir::new(folder.path().join("home"))).unwrap();
        assert!(!home.in_use());
        let lock = home.lock().unwrap();
        assert!(home.in_use());
        let refused = home.lock().unwrap_err();
        assert!(refused.to_string().contains("another proposer"), "{refused}");
        drop(lock);
        home.lock().unwrap();
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(DataDir::new(folder.path())).unwrap();
        temporary_in(&home.spool()).unwrap().keep().unwrap();
        fs::write(home.gradient(7), b"whole").unwrap();
        home.sweep(&home.lock().unwrap()).unwrap();
        assert!(home.gradient(7).exists());
        assert_eq!(fs::read_dir(home.spool()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_durably(&path, |file| io::Write::write_all(file, b"old")).unwrap();
        write_durably(&path, |_| Err(io::Error::other("disk full"))).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
