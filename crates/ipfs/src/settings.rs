use cid::Version;

/// The parameters that, together with a file's bytes, decide its CID: balanced layout, fixed-size
/// chunks, SHA2-256 throughout.
///
/// The default is what R3MES nodes use: version 1, raw leaves, chunks of 262,144 bytes, 174 links a
/// node. [`CidSettings::v0`] is Kubo's legacy import: the same shape with dag-pb leaves and `Qm...` CIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CidSettings {
    version: Version,
    raw_leaves: bool,
    chunk_size: usize,
    max_links: usize,
}

/// Import parameters outside of what nodes accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Chunks must hold something and fit, with their wrapping, into a block.
    #[error("a chunk of {0} bytes: expected 1 to {max}", max = CidSettings::MAX_CHUNK_SIZE)]
    ChunkSize(usize),
    /// A node with fewer than two links would never converge to one root, and one with too many would
    /// not fit into a block.
    #[error("{0} links a node: expected 2 to {max}", max = CidSettings::MAX_LINKS)]
    MaxLinks(usize),
}

impl CidSettings {
    /// The largest chunk: what leaves room for the wrapping in a block of 2 MiB.
    pub const MAX_CHUNK_SIZE: usize = 2 * 1024 * 1024 - 256;
    /// The largest node width.
    pub const MAX_LINKS: usize = 8192;

    /// Settings of one's own.
    ///
    /// # Errors
    /// When `chunk_size` (in bytes) or `max_links` is outside of what fits into a block.
    pub const fn new(
        version: Version,
        raw_leaves: bool,
        chunk_size: usize,
        max_links: usize,
    ) -> Result<Self, SettingsError> {
        if chunk_size == 0 || chunk_size > Self::MAX_CHUNK_SIZE {
            return Err(SettingsError::ChunkSize(chunk_size));
        }
        if max_links < 2 || max_links > Self::MAX_LINKS {
            return Err(SettingsError::MaxLinks(max_links));
        }
        Ok(Self { version, raw_leaves, chunk_size, max_links })
    }

    /// CIDv1 with raw leaves: `bafk...` for a file of one block, `bafy...` for a larger one.
    #[must_use]
    pub const fn v1() -> Self {
        Self { version: Version::V1, raw_leaves: true, chunk_size: 262_144, max_links: 174 }
    }

    /// CIDv0 with dag-pb leaves: `Qm...`.
    #[must_use]
    pub const fn v0() -> Self {
        Self { version: Version::V0, raw_leaves: false, chunk_size: 262_144, max_links: 174 }
    }

    /// The version of dag-pb nodes' CIDs; raw leaves always have version 1.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whether leaves are bare bytes rather than wrapped in dag-pb.
    #[must_use]
    pub const fn raw_leaves(&self) -> bool {
        self.raw_leaves
    }

    /// Bytes of file in each leaf but the last.
    #[must_use]
    pub const fn chunk_size(&self) -> usize {
        self.chunk_size
    }

    /// Links in each node but the last of a level.
    #[must_use]
    pub const fn max_links(&self) -> usize {
        self.max_links
    }
}

impl Default for CidSettings {
    fn default() -> Self {
        Self::v1()
    }
}
