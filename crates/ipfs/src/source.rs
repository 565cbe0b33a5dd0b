use std::future::Future;

use bytes::Bytes;
use cid::{Cid, Version};
use multihash::Multihash;
use sha2::{Digest, Sha256};

use crate::{IDENTITY, SHA2_256};

/// Anything that can be asked for a block by its CID: a Kubo node, a gateway, another peer.
///
/// A source is not trusted: whoever asks checks the bytes against the CID ([`block_matches`]).
pub trait BlockSource: Sync {
    /// The bytes that the source has for `cid`, refused once they exceed `max_bytes`.
    fn block(&self, cid: &Cid, max_bytes: u64) -> impl Future<Output = Result<Bytes, SourceError>> + Send;
}

/// Why a source gave no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The source says that neither it nor anyone it asked has the block.
    #[error("block {cid} was not found: {detail}")]
    NotFound {
        /// The block.
        cid: String,
        /// The source's own words.
        detail: String,
    },
    /// Nobody answered at the source's address.
    #[error("{0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("{0}")]
    Timeout(String),
    /// The block's bytes exceed what was asked for at most.
    #[error("block {cid} is larger than {max_bytes} bytes")]
    TooLarge {
        /// The block.
        cid: String,
        /// The bound.
        max_bytes: u64,
    },
    /// The bytes given for the block are not what its CID names.
    #[error("block {cid} does not match its CID: the {size} bytes that {from} gave hash to {found}")]
    Corrupt {
        /// The block.
        cid: String,
        /// The bytes given.
        size: usize,
        /// The CID, of the same version and codec, that they have.
        found: String,
        /// Who gave them.
        from: String,
    },
    /// The source answered with an error of another kind.
    #[error("{0}")]
    Failed(String),
}

/// Whether `block` is what `cid` names: its SHA2-256, or its very bytes for an identity CID. Any other
/// hash is `false`: it cannot be checked here.
#[must_use]
pub fn block_matches(cid: &Cid, block: &[u8]) -> bool {
    match cid.hash().code() {
        SHA2_256 => *cid.hash().digest() == Sha256::digest(block)[..],
        IDENTITY => cid.hash().digest() == block,
        _ => false,
    }
}

/// The block, if it is what `cid` names.
pub(crate) fn verified(cid: &Cid, block: Bytes, from: &str) -> Result<Bytes, SourceError> {
    if block_matches(cid, &block) {
        return Ok(block);
    }
    Err(SourceError::Corrupt {
        cid: cid.to_string(),
        size: block.len(),
        found: sha2_256_cid(cid.version(), cid.codec(), &[&block]).to_string(),
        from: from.to_owned(),
    })
}

/// Whether the CID holds its content itself.
#[must_use]
pub fn is_identity(cid: &Cid) -> bool {
    cid.hash().code() == IDENTITY
}

/// The CID, of `version` where `codec` allows it, of the block that `parts` make when put together.
#[allow(clippy::expect_used, reason = "a SHA2-256 digest fits a multihash, and such a multihash a CIDv0")]
pub(crate) fn sha2_256_cid(version: Version, codec: u64, parts: &[&[u8]]) -> Cid {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let hash = Multihash::wrap(SHA2_256, &digest.finalize()).expect("32 bytes fit into 64");
    match version {
        Version::V0 if codec == crate::DAG_PB => Cid::new_v0(hash).expect("a 32-byte SHA2-256"),
        _ => Cid::new_v1(codec, hash),
    }
}
