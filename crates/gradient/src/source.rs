//! Where a file's bytes come from: a memory map, or a buffer of the caller's.
#![allow(unsafe_code)]

use std::fs::{File, FileType};
use std::path::Path;

use bytes::Bytes;
use memmap2::Mmap;

use crate::error::ReadError;
use crate::limits::Limits;

/// Maps a regular file of at most [`Limits::file_bytes`].
pub(crate) fn map(path: &Path, limits: &Limits) -> Result<Bytes, ReadError> {
    // Asked before opening, because opening a pipe waits for its other end.
    regular(std::fs::metadata(path)?.file_type())?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    regular(metadata.file_type())?;
    check_len(metadata.len(), limits)?;
    // SAFETY: the map is read-only and private to this process. Should another process truncate the
    // file while it is mapped, the kernel raises SIGBUS, and should one rewrite it, the tensors change
    // under their hash; so `Gradient::open` asks its callers for files that nobody else writes to.
    // Reads go through `&[u8]` only and no invariant beyond the bounds checked here rests on the
    // content: lengths and offsets are copied out of the map before they are used.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}

/// Takes a buffer of at most [`Limits::file_bytes`].
pub(crate) fn take(bytes: Vec<u8>, limits: &Limits) -> Result<Bytes, ReadError> {
    check_len(bytes.len() as u64, limits)?;
    Ok(Bytes::from(bytes))
}

fn check_len(found: u64, limits: &Limits) -> Result<(), ReadError> {
    match found {
        0 => Err(ReadError::Empty),
        _ if found > limits.file_bytes => Err(ReadError::TooLarge { found, limit: limits.file_bytes }),
        _ => Ok(()),
    }
}

fn regular(file_type: FileType) -> Result<(), ReadError> {
    if file_type.is_file() {
        return Ok(());
    }
    Err(ReadError::NotAFile(if file_type.is_dir() { "a directory" } else { "a pipe, socket or device" }))
}
