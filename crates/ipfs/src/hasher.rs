use std::io::{self, Read};

use cid::Cid;

use crate::layout::{Layout, leaf, leaves};
use crate::settings::CidSettings;

/// Computes a file's CID while its bytes go by.
///
/// Memory is bounded by one chunk and one unfinished node a level of the DAG. Whole chunks are
/// hashed where they lie, over rayon's threads when [`update`](Self::update) is given several at
/// once: so feed it large slices where there are any.
#[derive(Clone, Debug)]
pub struct CidHasher {
    layout: Layout,
    /// The beginning of a chunk whose end has not come yet; always shorter than a chunk.
    pending: Vec<u8>,
}

impl CidHasher {
    /// A hasher for a file imported with `settings`.
    #[must_use]
    pub const fn new(settings: CidSettings) -> Self {
        Self { layout: Layout::new(settings), pending: Vec::new() }
    }

    /// Takes the file's next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let settings = *self.layout.settings();
        let size = settings.chunk_size();
        if !self.pending.is_empty() {
            let missing = size - self.pending.len();
            let (head, tail) = bytes.split_at(missing.min(bytes.len()));
            self.pending.extend_from_slice(head);
            bytes = tail;
            if self.pending.len() < size {
                return;
            }
            self.layout.push_leaf(leaf(&settings, &self.pending), &mut ignore);
            self.pending.clear();
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % size);
        for leaf in leaves(&settings, whole) {
            self.layout.push_leaf(leaf, &mut ignore);
        }
        self.pending.extend_from_slice(rest);
    }

    /// The CID of all bytes taken.
    #[must_use]
    pub fn finish(mut self) -> Cid {
        let settings = *self.layout.settings();
        let last = leaf(&settings, &self.pending);
        if !self.pending.is_empty() || self.layout.is_empty() {
            self.layout.push_leaf(last, &mut ignore);
        }
        self.layout.finish(&mut ignore).map_or(last.cid, |root| root.cid)
    }
}

/// The CID of a file that is in memory (or mapped), over all of rayon's threads.
#[must_use]
pub fn cid_of_bytes(bytes: &[u8], settings: &CidSettings) -> Cid {
    let mut hasher = CidHasher::new(*settings);
    hasher.update(bytes);
    hasher.finish()
}

/// The CID of what `reader` yields up to its end, and how many bytes that were; a few MiB in memory.
///
/// # Errors
/// What reading failed with.
pub fn cid_of_reader(mut reader: impl Read, settings: &CidSettings) -> io::Result<(Cid, u64)> {
    let mut hasher = CidHasher::new(*settings);
    // Whole chunks, several at once, so that each read is hashed where it lies by all threads.
    let chunks = (4 * 1024 * 1024 / settings.chunk_size()).max(1);
    let mut buffer = vec![0; chunks * settings.chunk_size()];
    let mut total = 0;
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        hasher.update(&buffer[..filled]);
        total += filled as u64;
        if filled < buffer.len() {
            return Ok((hasher.finish(), total));
        }
    }
}

fn ignore(_: &Cid, _: &[u8]) {}
