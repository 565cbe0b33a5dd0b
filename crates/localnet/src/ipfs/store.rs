use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use r3mes_ipfs::{
    BlockSource, Cid, CidSettings, DAG_PB, DagBuilder, FetchError, FetchLimits, SourceError, block_matches,
    dag_pb, fetch_bytes,
};

/// Blocks and pins, in memory or in a folder. Clones share them.
///
/// As in Kubo, blocks are kept by their multihash: the same bytes under CIDs of two versions are one block.
#[derive(Clone, Debug)]
pub struct BlockStore {
    state: Arc<Mutex<State>>,
}

/// What the store could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A block is not there.
    #[error("block was not found locally (offline): ipld: could not find {0}")]
    NotFound(Cid),
    /// A DAG cannot be walked.
    #[error("cannot read node {cid}: {detail}")]
    BadNode {
        /// The node.
        cid: Cid,
        /// What is wrong with it.
        detail: String,
    },
    /// A block does not match the CID it was put under.
    #[error("the block does not match {0}")]
    Mismatch(Cid),
    /// The folder failed.
    #[error("cannot use the block folder: {0}")]
    Folder(#[from] io::Error),
}

/// A multihash in its binary form.
type Key = Vec<u8>;

#[derive(Debug, Default)]
struct State {
    folder: Option<PathBuf>,
    blocks: HashMap<Key, Held>,
    /// Recursively pinned roots by their CIDs' text, as they were named.
    pins: BTreeMap<String, Cid>,
    /// What is served in place of a block.
    substitutes: HashMap<Key, Bytes>,
}

#[derive(Debug)]
enum Held {
    Memory(Bytes),
    File { size: u64 },
}

const PINS: &str = "pins";

impl BlockStore {
    /// An empty store in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { state: Arc::default() }
    }

    /// The store in `folder`, made if it is not there; what it held before is held again.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn in_folder(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let mut state = State { folder: Some(folder.to_owned()), ..State::default() };
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if let Some(key) = entry.file_name().to_str().and_then(|name| hex::decode(name).ok()) {
                state.blocks.insert(key, Held::File { size: entry.metadata()?.len() });
            }
        }
        match std::fs::read_to_string(folder.join(PINS)) {
            Ok(text) => {
                for cid in text.lines().filter_map(|line| Cid::try_from(line).ok()) {
                    state.pins.insert(cid.to_string(), cid);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self { state: Arc::new(Mutex::new(state)) })
    }

    /// Adds and pins a file; returns its CID.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn add_file(&self, bytes: &[u8], settings: &CidSettings) -> Result<Cid, StoreError> {
        let mut outcome = Ok(());
        let mut builder = DagBuilder::new(*settings, |cid: &Cid, block: &[u8]| {
            if outcome.is_ok() {
                outcome = self.put_unchecked(cid, Bytes::copy_from_slice(block));
            }
        });
        builder.update(bytes);
        let (cid, _) = builder.finish();
        outcome?;
        self.pin(&cid)?;
        Ok(cid)
    }

    /// A file's bytes, verified block by block.
    ///
    /// # Errors
    /// As [`r3mes_ipfs::fetch`].
    pub async fn read_file(&self, cid: &Cid) -> Result<Vec<u8>, FetchError> {
        fetch_bytes(self, cid, &FetchLimits { retries: 0, ..FetchLimits::default() }).await
    }

    /// Keeps a block under its CID.
    ///
    /// # Errors
    /// When the bytes do not match the CID, or the folder cannot be written.
    pub fn put(&self, cid: &Cid, block: Bytes) -> Result<(), StoreError> {
        if !block_matches(cid, &block) {
            return Err(StoreError::Mismatch(*cid));
        }
        self.put_unchecked(cid, block)
    }

    pub(super) fn put_unchecked(&self, cid: &Cid, block: Bytes) -> Result<(), StoreError> {
        let mut state = self.lock();
        let key = cid.hash().to_bytes();
        if state.blocks.contains_key(&key) {
            return Ok(());
        }
        let held = match &state.folder {
            None => Held::Memory(block),
            Some(folder) => {
                let name = hex::encode(&key);
                write_whole(folder, &name, &block)?;
                Held::File { size: block.len() as u64 }
            }
        };
        state.blocks.insert(key, held);
        Ok(())
    }

    /// A block's bytes, or what [`substitute`](Self::substitute) put in their place.
    ///
    /// # Errors
    /// When the block is not there, or its file cannot be read.
    pub fn block(&self, cid: &Cid) -> Result<Bytes, StoreError> {
        self.lock().block(cid)
    }

    /// A block's size in bytes, if it is there.
    #[must_use]
    pub fn size(&self, cid: &Cid) -> Option<u64> {
        self.lock().blocks.get(&cid.hash().to_bytes()).map(Held::size)
    }

    /// How many blocks there are, and their bytes together.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let state = self.lock();
        (state.blocks.len() as u64, state.blocks.values().map(Held::size).sum())
    }

    /// Pins the DAG below `root`.
    ///
    /// # Errors
    /// When a block of it is missing or cannot be read.
    pub fn pin(&self, root: &Cid) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.reach(root, &mut BTreeSet::new(), true)?;
        state.pins.insert(root.to_string(), *root);
        state.save_pins()
    }

    /// Takes a pin away; says whether there was one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn unpin(&self, root: &Cid) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let before = state.pins.len();
        state.pins.retain(|_, pinned| pinned.hash() != root.hash());
        let removed = state.pins.len() < before;
        state.save_pins()?;
        Ok(removed)
    }

    /// The pinned roots, in the order of their text.
    #[must_use]
    pub fn pins(&self) -> Vec<Cid> {
        self.lock().pins.values().copied().collect()
    }

    /// Whether a pin reaches the block, as its root or below it.
    ///
    /// # Errors
    /// When a pinned DAG cannot be read.
    pub fn is_reached_by_a_pin(&self, cid: &Cid) -> Result<bool, StoreError> {
        Ok(self.lock().live()?.contains(&cid.hash().to_bytes()))
    }

    /// Removes every block that no pin reaches; returns their multihashes as raw CIDs, as Kubo does.
    ///
    /// # Errors
    /// When a pinned DAG cannot be read, or a file cannot be removed.
    pub fn collect_garbage(&self) -> Result<Vec<Cid>, StoreError> {
        let mut state = self.lock();
        let live = state.live()?;
        let mut dead: Vec<Key> = state.blocks.keys().filter(|key| !live.contains(*key)).cloned().collect();
        dead.sort();
        for key in &dead {
            state.remove(key)?;
        }
        Ok(dead.iter().filter_map(raw_cid).collect())
    }

    /// Loses a block, pinned or not: as a node does whose disk failed.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub fn lose(&self, cid: &Cid) -> Result<(), StoreError> {
        self.lock().remove(&cid.hash().to_bytes())
    }

    /// Serves `bytes` whenever the block of `cid` is asked for: as a node does that lies.
    pub fn substitute(&self, cid: &Cid, bytes: Bytes) {
        self.lock().substitutes.insert(cid.hash().to_bytes(), bytes);
    }

    /// Serves the block of `cid` with its last bit flipped.
    ///
    /// # Errors
    /// When the block is not there.
    pub fn corrupt(&self, cid: &Cid) -> Result<(), StoreError> {
        let mut bytes = self.block(cid)?.to_vec();
        match bytes.last_mut() {
            Some(last) => *last ^= 1,
            None => bytes.push(0),
        }
        self.substitute(cid, bytes.into());
        Ok(())
    }

    /// Serves every block as it is again.
    pub fn heal(&self) {
        self.lock().substitutes.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlockSource for BlockStore {
    async fn block(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        match Self::block(self, cid) {
            Ok(block) if block.len() as u64 > max_bytes => {
                Err(SourceError::TooLarge { cid: cid.to_string(), max_bytes })
            }
            Ok(block) => Ok(block),
            Err(error @ StoreError::NotFound(_)) => {
                Err(SourceError::NotFound { cid: cid.to_string(), detail: error.to_string() })
            }
            Err(error) => Err(SourceError::Failed(error.to_string())),
        }
    }
}

impl Held {
    const fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { size } => *size,
        }
    }
}

impl State {
    fn block(&self, cid: &Cid) -> Result<Bytes, StoreError> {
        let key = cid.hash().to_bytes();
        match self.substitutes.get(&key) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.true_block(cid, &key),
        }
    }

    fn true_block(&self, cid: &Cid, key: &Key) -> Result<Bytes, StoreError> {
        if r3mes_ipfs::is_identity(cid) {
            return Ok(Bytes::copy_from_slice(cid.hash().digest()));
        }
        match (self.blocks.get(key), &self.folder) {
            (Some(Held::Memory(bytes)), _) => Ok(bytes.clone()),
            (Some(Held::File { .. }), Some(folder)) => {
                Ok(std::fs::read(folder.join(hex::encode(key)))?.into())
            }
            _ => Err(StoreError::NotFound(*cid)),
        }
    }

    /// All multihashes at and below `root`.
    fn reach(&self, root: &Cid, reached: &mut BTreeSet<Key>, with_leaves: bool) -> Result<(), StoreError> {
        let mut pending = vec![*root];
        while let Some(cid) = pending.pop() {
            let key = cid.hash().to_bytes();
            if with_leaves && !r3mes_ipfs::is_identity(&cid) && !self.blocks.contains_key(&key) {
                return Err(StoreError::NotFound(cid));
            }
            if !reached.insert(key.clone()) || cid.codec() != DAG_PB {
                continue;
            }
            let block = self.true_block(&cid, &key)?;
            let node = dag_pb::decode(&block)
                .map_err(|error| StoreError::BadNode { cid, detail: error.to_string() })?;
            pending.extend(node.links.iter().map(|link| link.cid));
        }
        Ok(())
    }

    fn live(&self) -> Result<BTreeSet<Key>, StoreError> {
        let mut live = BTreeSet::new();
        for root in self.pins.values() {
            self.reach(root, &mut live, false)?;
        }
        Ok(live)
    }

    fn remove(&mut self, key: &Key) -> Result<(), StoreError> {
        if let (Some(Held::File { .. }), Some(folder)) = (self.blocks.get(key), &self.folder) {
            std::fs::remove_file(folder.join(hex::encode(key)))?;
        }
        self.blocks.remove(key);
        Ok(())
    }

    fn save_pins(&self) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let text: String = self.pins.keys().map(|cid| format!("{cid}\n")).collect();
        Ok(write_whole(folder, PINS, text.as_bytes())?)
    }
}

fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let partial = folder.join(format!("{name}.partial"));
    std::fs::write(&partial, bytes)?;
    std::fs::rename(partial, folder.join(name))
}

/// Kubo names collected blocks by their multihash alone, as CIDs of raw blocks.
fn raw_cid(key: &Key) -> Option<Cid> {
    let mut bytes = vec![0x01, r3mes_ipfs::RAW as u8];
    bytes.extend_from_slice(key);
    Cid::try_from(bytes.as_slice()).ok()
}
