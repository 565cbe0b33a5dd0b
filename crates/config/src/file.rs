//! Files read whole and written whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::document;
use crate::error::ConfigError;

/// Reads a document that exists.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
        _ => ConfigError::Read { path: path.to_owned(), source },
    })
}

/// Replaces a document: after a crash at any moment the old one or the new one stands there, whole.
///
/// A file that does not parse is somebody's work with a slip in it: it is reported, not replaced.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), ConfigError> {
    match read(path) {
        Ok(old) => document::leaves(&old)
            .map(drop)
            .map_err(|error| ConfigError::Syntax { path: path.to_owned(), error })?,
        Err(ConfigError::Missing { .. }) => {}
        Err(error) => return Err(error),
    }
    write_atomically(path, text.as_bytes())
        .map_err(|source| ConfigError::Write { path: path.to_owned(), source })
}

fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".").suffix(".new").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Makes a rename durable. Windows keeps folders itself and cannot open them as files.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
