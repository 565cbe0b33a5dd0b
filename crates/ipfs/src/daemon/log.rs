//! The node's log: what it says, line by line, in a file that is turned over when it has grown.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes after which a new file is begun.
const MAX_BYTES: u64 = 4 << 20;
/// Old files that are kept.
const KEPT: u32 = 3;

/// Where the log of the node in `folder` is.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("logs").join("kubo.log")
}

/// An open log.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
    max_bytes: u64,
}

impl Log {
    /// Opens the log for more, creating its folder.
    pub(super) fn open(path: &Path) -> io::Result<Log> {
        Self::with_limit(path, MAX_BYTES)
    }

    fn with_limit(path: &Path, max_bytes: u64) -> io::Result<Log> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Log { path: path.to_owned(), file, bytes, max_bytes })
    }

    /// Appends a line.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        if self.bytes >= self.max_bytes {
            self.turn()?;
        }
        self.bytes += line.len() as u64 + 1;
        self.file.write_all(format!("{line}\n").as_bytes())
    }

    /// `kubo.log` becomes `kubo.log.1`, that `kubo.log.2`, and the oldest is gone.
    fn turn(&mut self) -> io::Result<()> {
        let old = |number: u32| PathBuf::from(format!("{}.{number}", self.path.display()));
        for number in (1..KEPT).rev() {
            match fs::rename(old(number), old(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, old(1))?;
        *self = Self::with_limit(&self.path, self.max_bytes)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_is_turned_over_and_the_oldest_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        let mut log = Log::with_limit(&path, 10).unwrap();
        for number in 0..20 {
            log.line(&format!("line {number:02}")).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["kubo.log", "kubo.log.1", "kubo.log.2", "kubo.log.3"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "line 18\nline 19\n");
        drop(log);
        let log = Log::with_limit(&path, 10).unwrap();
        assert_eq!(log.bytes, 16, "an old log is gone on with");
    }
}
