//! The file system of the data folder: its size, and how fast it takes what must be durable.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Room on a file system, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiskSpace {
    /// The folder that was asked about, or the nearest above it that exists.
    pub folder: PathBuf,
    /// All of the file system.
    pub total: u64,
    /// What this user may still write.
    pub free: u64,
}

/// How durable writing is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteProbe {
    /// At most so many bytes are written.
    pub bytes: u64,
    /// No further step is begun after this time.
    pub time: Duration,
}

impl Default for WriteProbe {
    fn default() -> Self {
        WriteProbe { bytes: 64 << 20, time: Duration::from_millis(600) }
    }
}

/// How fast a folder takes what must be durable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WriteSpeed {
    /// The folder in which was written.
    pub folder: PathBuf,
    /// Bytes written and synced.
    pub bytes: u64,
    /// How long that took, in seconds.
    pub seconds: f64,
    /// Bytes a second.
    pub bytes_per_second: f64,
}

/// Each step is synced by itself, so that a slow disk oversteps the probe's time by one of them at most.
const STEP: usize = 4 << 20;

/// A disk with less room than this many probes is left alone.
const SPARE: u64 = 4;

/// The room on a folder's file system; the folder need not exist.
///
/// # Errors
/// When the file system does not tell.
pub fn space(folder: &Path) -> Result<DiskSpace, String> {
    let folder = nearest(folder);
    let failed = |error: io::Error| format!("ask the file system of {}: {error}", folder.display());
    Ok(DiskSpace {
        total: fs4::total_space(&folder).map_err(failed)?,
        free: fs4::available_space(&folder).map_err(failed)?,
        folder,
    })
}

/// Writes a file without a name, or one that is removed at once, so that nothing stays behind.
pub(crate) fn write_speed(folder: &Path, probe: WriteProbe) -> Result<WriteSpeed, String> {
    let folder = nearest(folder);
    if let Ok(free) = fs4::available_space(&folder)
        && free / SPARE < probe.bytes
    {
        return Err(format!("write in {}: only {free} bytes are free", folder.display()));
    }
    let failed = |error: io::Error| format!("write in {}: {}", folder.display(), plain(&error));
    let mut file = tempfile::tempfile_in(&folder).map_err(failed)?;
    let step = noise(STEP);
    let begun = Instant::now();
    let mut bytes = 0;
    while bytes < probe.bytes && (bytes == 0 || begun.elapsed() < probe.time) {
        let length = (probe.bytes - bytes).min(STEP as u64);
        file.write_all(&step[..length as usize]).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        bytes += length;
    }
    let seconds = begun.elapsed().as_secs_f64().max(1e-9);
    Ok(WriteSpeed { folder, bytes, seconds, bytes_per_second: bytes as f64 / seconds })
}

/// The folder, or the nearest above it that exists: where a data folder would be created.
fn nearest(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.ancestors().find(|folder| folder.exists()).unwrap_or(&absolute).to_owned()
}

/// What the system said, without the path of the temporary file that it was about.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "no file can be created there".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the user's quota is used up".to_owned(),
        kind => kind.to_string(),
    }
}

/// Bytes that no file system can compress (xorshift64).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_bounded_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = STEP as u64 + 1000;
        let probe = WriteProbe { bytes, time: Duration::from_secs(60) };
        let speed = write_speed(folder.path(), probe).unwrap();
        assert_eq!(speed.bytes, bytes);
        assert!(speed.bytes_per_second > 0.0 && speed.bytes_per_second.is_finite());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_time_one_step_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let probe = WriteProbe { bytes: 1 << 30, time: Duration::ZERO };
        assert_eq!(write_speed(folder.path(), probe).unwrap().bytes, STEP as u64);
    }

    #[test]
    fn a_full_disk_is_not_filled_further() {
        let folder = tempfile::tempdir().unwrap();
        let probe = WriteProbe { bytes: u64::MAX, time: Duration::ZERO };
        let reason = write_speed(folder.path(), probe).unwrap_err();
        assert!(reason.contains("bytes are free"), "{reason}");
    }

    #[test]
    fn a_folder_that_will_be_created_is_measured_where_that_happens() {
        let folder = tempfile::tempdir().unwrap();
        let future = folder.path().join("not/yet");
        assert_eq!(space(&future).unwrap().folder, folder.path());
        assert!(!future.exists());
    }

    #[test]
    fn noise_does_not_repeat() {
        let bytes = noise(1 << 16);
        let words: std::collections::BTreeSet<_> = bytes.chunks_exact(8).collect();
        assert_eq!(words.len(), 1 << 13);
    }
}
