use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cid::Cid;

use crate::source::{BlockSource, SourceError, block_matches};
use crate::wire::{put_varint, varint};

/// The largest section that is read back: a block and its CID.
const MAX_SECTION: u64 = (4 << 20) + 128;

/// The blocks that have come of one file so far, kept on disk in the order of their arrival, so that none
/// is fetched a second time after a failure or a restart.
///
/// The file is a CAR (version 1, <https://ipld.io/specs/transport/car/carv1/>): once whole, a node can
/// import it. Nothing in it is trusted when it is read again.
#[derive(Debug)]
pub struct PartialFile {
    path: PathBuf,
    kept: Mutex<Kept>,
    reused: AtomicU64,
    received: AtomicU64,
}

/// Where each block's bytes begin, and how many they are.
type Places = HashMap<Cid, (u64, usize)>;

#[derive(Debug)]
struct Kept {
    file: File,
    blocks: Places,
    end: u64,
}

impl PartialFile {
    /// Opens what has come of the file that `root` names; begins anew where nothing has, or where the file
    /// at `path` is about something else. A section that was cut off by a crash is dropped.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn open(path: &Path, root: &Cid) -> io::Result<PartialFile> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let header = header(root);
        let mut found = vec![0; header.len()];
        let begun = file.read_exact(&mut found).is_ok() && found == header;
        let (blocks, end) = match begun {
            true => scan(&file, header.len() as u64)?,
            false => {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&header)?;
                (Places::new(), header.len() as u64)
            }
        };
        file.set_len(end)?;
        let kept = Mutex::new(Kept { file, blocks, end });
        Ok(PartialFile {
            path: path.to_owned(),
            kept,
            reused: AtomicU64::new(0),
            received: AtomicU64::new(0),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Blocks that did not have to be fetched again.
    #[must_use]
    pub fn reused(&self) -> u64 {
        self.reused.load(Ordering::Relaxed)
    }

    /// Bytes of the blocks that came since it was opened.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Removes it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// A block that is kept and still what its CID names.
    fn get(&self, cid: &Cid) -> io::Result<Option<Bytes>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((offset, length)) = kept.blocks.get(cid).copied() else { return Ok(None) };
        let mut block = vec![0; length];
        kept.file.seek(SeekFrom::Start(offset))?;
        kept.file.read_exact(&mut block)?;
        if !block_matches(cid, &block) {
            kept.blocks.remove(cid);
            return Ok(None);
        }
        Ok(Some(block.into()))
    }

    fn put(&self, cid: &Cid, block: &[u8]) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.blocks.contains_key(cid) {
            return Ok(());
        }
        let name = cid.to_bytes();
        let mut section = Vec::with_capacity(block.len() + name.len() + 5);
        put_varint(&mut section, (name.len() + block.len()) as u64);
        section.extend_from_slice(&name);
        let before = section.len() as u64;
        section.extend_from_slice(block);
        let end = kept.end;
        kept.file.seek(SeekFrom::Start(end))?;
        kept.file.write_all(&section)?;
        kept.blocks.insert(*cid, (end + before, block.len()));
        kept.end = end + section.len() as u64;
        Ok(())
    }
}

/// A source whose blocks are kept, and not asked for again.
#[derive(Debug)]
pub struct Resumed<'a, S> {
    kept: &'a PartialFile,
    source: &'a S,
}

impl<'a, S> Resumed<'a, S> {
    /// `source` behind what `kept` holds.
    pub const fn new(kept: &'a PartialFile, source: &'a S) -> Self {
        Self { kept, source }
    }
}

impl<S: BlockSource> BlockSource for Resumed<'_, S> {
    async fn block(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        // A disk that fails or is full is not the source's fault: what cannot be kept is asked for again. Whoever
        // writes the file to the same disk meets it as what it is.
        if let Some(block) = self.kept.get(cid).unwrap_or_default() {
            self.kept.reused.fetch_add(1, Ordering::Relaxed);
            return Ok(block);
        }
        let block = self.source.block(cid, max_bytes).await?;
        self.kept.received.fetch_add(block.len() as u64, Ordering::Relaxed);
        // What is wrong is not worth keeping; whoever asked finds that out for itself.
        if block_matches(cid, &block) {
            let _ = self.kept.put(cid, &block);
        }
        Ok(block)
    }
}

/// The blocks of a file from `start` on, and where the last whole section ends.
fn scan(file: &File, start: u64) -> io::Result<(Places, u64)> {
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(start))?;
    let (mut blocks, mut end) = (Places::new(), start);
    while let Some((cid, head, block)) = section(&mut reader)? {
        let next = end + head as u64 + block;
        if next > length {
            break;
        }
        blocks.insert(cid, (end + head as u64, block as usize));
        reader.seek_relative(block as i64)?;
        end = next;
    }
    Ok((blocks, end))
}

/// The CID of the next section, the bytes before its block, and the block's; none where it is cut off or
/// makes no sense.
fn section(reader: &mut impl Read) -> io::Result<Option<(Cid, usize, u64)>> {
    let mut length = Vec::new();
    loop {
        let mut byte = [0];
        match reader.read_exact(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        length.push(byte[0]);
        if byte[0] & 0x80 == 0 {
            break;
        }
        if length.len() > 9 {
            return Ok(None);
        }
    }
    let Ok(section) = varint(&mut length.as_slice()) else { return Ok(None) };
    if section > MAX_SECTION {
        return Ok(None);
    }
    // Every CID that is put in is at most this long; a shorter section is cut at its end.
    let mut counted = Counted { reader, bytes: 0 };
    match Cid::read_bytes(&mut counted) {
        Ok(cid) if counted.bytes as u64 <= section => {
            Ok(Some((cid, length.len() + counted.bytes, section - counted.bytes as u64)))
        }
        _ => Ok(None),
    }
}

struct Counted<'a, R> {
    reader: &'a mut R,
    bytes: usize,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        self.bytes += read;
        Ok(read)
    }
}

/// The header of a CAR with one root: its length, and `{"roots": [root], "version": 1}` in DAG-CBOR.
fn header(root: &Cid) -> Vec<u8> {
    let cid = root.to_bytes();
    let mut map = vec![0xa2, 0x65];
    map.extend_from_slice(b"roots");
    map.extend_from_slice(&[0x81, 0xd8, 0x2a]);
    match u8::try_from(cid.len() + 1) {
        Ok(length) => map.extend_from_slice(&[0x58, length]),
        Err(_) => map.extend_from_slice(&[&[0x59][..], &((cid.len() + 1) as u16).to_be_bytes()].concat()),
    }
    map.push(0);
    map.extend_from_slice(&cid);
    map.push(0x67);
    map.extend_from_slice(b"version");
    map.push(1);
    let mut header = Vec::with_capacity(map.len() + 1);
    put_varint(&mut header, map.len() as u64);
    header.extend_from_slice(&map);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CidSettings;
    use crate::hasher::cid_of_bytes;

    fn block(seed: u8, length: usize) -> (Cid, Vec<u8>) {
        let bytes = vec![seed; length];
        (cid_of_bytes(&bytes, &CidSettings::v1()), bytes)
    }

    #[test]
    fn what_has_come_is_there_after_a_restart_and_a_cut_section_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partial");
        let (root, _) = block(9, 1);
        let blocks = [block(1, 100), block(2, 70_000), block(3, 0)];
        let partial = PartialFile::open(&path, &root).unwrap();
        for (cid, bytes) in &blocks {
            partial.put(cid, bytes).unwrap();
            partial.put(cid, bytes).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        drop(partial);
        for length in 0..whole.len() {
            // All lengths around the sections' ends, and some in between.
            if length > 300 && length % 911 != 0 && whole.len() - length > 120 {
                continue;
            }
            std::fs::write(&path, &whole[..length]).unwrap();
            let partial = PartialFile::open(&path, &root).unwrap();
            let kept = blocks
                .iter()
                .take_while(|(cid, bytes)| partial.get(cid).unwrap().is_some_and(|kept| kept == *bytes));
            let kept = kept.count();
            for (cid, _) in &blocks[kept..] {
                assert_eq!(partial.get(cid).unwrap(), None);
            }
            for (cid, bytes) in &blocks {
                partial.put(cid, bytes).unwrap();
            }
            drop(partial);
            assert_eq!(std::fs::read(&path).unwrap(), whole, "after a cut at {length}");
        }
    }

    #[test]
    fn a_block_that_has_changed_on_disk_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partial");
        let (cid, bytes) = block(1, 100);
        PartialFile::open(&path, &cid).unwrap().put(&cid, &bytes).unwrap();
        let mut changed = std::fs::read(&path).unwrap();
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&path, changed).unwrap();
        let partial = PartialFile::open(&path, &cid).unwrap();
        assert_eq!(partial.get(&cid).unwrap(), None);
        partial.put(&cid, &bytes).unwrap();
        assert_eq!(partial.get(&cid).unwrap().unwrap(), bytes);
    }

    #[test]
    fn what_was_kept_of_another_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partial");
        let ((first, bytes), (second, _)) = (block(1, 100), block(2, 100));
        PartialFile::open(&path, &first).unwrap().put(&first, &bytes).unwrap();
        let partial = PartialFile::open(&path, &second).unwrap();
        assert_eq!(partial.get(&first).unwrap(), None);
    }
}
