use std::io;
use std::time::Duration;

use crate::source::SourceError;

/// Why a file was not fetched.
///
/// Two kinds matter to whoever judges the file's maker: what time may mend
/// ([`is_transient`](Self::is_transient)), and what is proven by the blocks themselves
/// ([`is_fault`](Self::is_fault)).
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The source gave no block, also when asked again.
    #[error("{error} (asked {attempts} times)")]
    Source {
        /// The last answer.
        error: SourceError,
        /// How often the block was asked for.
        attempts: u32,
    },
    /// The file as a whole took too long.
    #[error("the file was not complete after {} s: {bytes} bytes came", .after.as_secs_f32())]
    Deadline {
        /// The time it was given.
        after: Duration,
        /// Verified bytes until then.
        bytes: u64,
    },
    /// The same wrong bytes came for a block again and again: no accident of the way, which would make them
    /// different ones. Behind [`crate::Sources`] they are the node's, or those of several sources.
    #[error("block {cid} does not match its CID: asked {times} times, its {size} bytes hash to {found}")]
    WrongBlock {
        /// The CID asked for.
        cid: String,
        /// The bytes given.
        size: usize,
        /// The CID, of the same version and codec, that these bytes have.
        found: String,
        /// How often they were given in a row.
        times: u32,
    },
    /// A block is what its CID names, but no sound part of a file.
    #[error("block {cid} is malformed: {detail}")]
    Malformed {
        /// The block.
        cid: String,
        /// What is wrong with it.
        detail: MalformedDag,
    },
    /// The CID names something that is not a file as we know it.
    #[error("{cid} is {what}, expected a UnixFS file over SHA2-256")]
    Unsupported {
        /// The CID.
        cid: String,
        /// What it is.
        what: String,
    },
    /// The file exceeds a bound of [`crate::FetchLimits`].
    #[error("{0}")]
    Exceeds(Refusal),
    /// The bytes could not be written where they should go.
    #[error("cannot write the fetched bytes: {0}")]
    Write(#[from] io::Error),
}

/// What a block of a file can have wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedDag {
    /// Not a dag-pb node.
    #[error("{0}")]
    Node(#[from] crate::dag_pb::DecodeError),
    /// A dag-pb node without a UnixFS message.
    #[error("{0}")]
    Message(#[from] crate::unixfs::DecodeError),
    /// Links and block sizes do not pair up.
    #[error("it has {links} links and {block_sizes} block sizes")]
    Pairing {
        /// How many links.
        links: usize,
        /// How many block sizes.
        block_sizes: usize,
    },
    /// The node's own claim about its bytes does not add up.
    #[error("it claims {claimed} bytes of file, its data and block sizes make {sum}")]
    FileSize {
        /// Its `filesize`.
        claimed: u64,
        /// What its parts make.
        sum: u64,
    },
    /// The parts make more than 64 bits can say.
    #[error("its block sizes overflow 64 bits")]
    Overflow,
    /// A node holds other than what its parent says.
    #[error("it holds {held} bytes of file, its parent says {expected}")]
    BlockSize {
        /// Bytes held.
        held: u64,
        /// Bytes that the parent's block size names.
        expected: u64,
    },
    /// A child without a byte: no importer makes one, and a DAG of such could be walked forever.
    #[error("link {0} is to a child that holds no bytes")]
    EmptyChild(usize),
}

/// A bound that a file exceeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The whole file.
    #[error("the file claims {claimed} bytes, more than the {max} allowed")]
    FileBytes {
        /// Bytes that its root claims.
        claimed: u64,
        /// The bound.
        max: u64,
    },
    /// Its blocks, repeated ones counted each time.
    #[error("the file has more than the {max} blocks allowed")]
    Blocks {
        /// The bound.
        max: u64,
    },
    /// Its depth.
    #[error("the file's DAG is deeper than the {max} levels allowed")]
    Depth {
        /// The bound.
        max: u32,
    },
    /// One block.
    #[error("block {cid} is larger than the {max} bytes allowed")]
    BlockBytes {
        /// The block.
        cid: String,
        /// The bound.
        max: u64,
    },
}

impl FetchError {
    /// Whether time or another source may mend it.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Source { .. } | Self::Deadline { .. })
    }

    /// Whether it counts against what was announced: what verified blocks prove, and wrong bytes that are the
    /// same each time. Wrong bytes once are the fault of the way they came.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::WrongBlock { .. } | Self::Malformed { .. } | Self::Unsupported { .. } | Self::Exceeds(_)
        )
    }
}
