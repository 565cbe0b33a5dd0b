//! What one verified block says: its own bytes of the file, and its children.

use bytes::Bytes;
use cid::Cid;

use super::error::{FetchError, MalformedDag};
use crate::{DAG_PB, IDENTITY, RAW, SHA2_256, dag_pb, unixfs};

/// A part of the file.
pub(super) struct Part {
    /// Bytes that the block holds itself; before its children's.
    pub(super) data: Bytes,
    /// Children with the bytes of file below each.
    pub(super) children: Vec<(Cid, u64)>,
    /// All of them together.
    pub(super) file_size: u64,
}

/// Refuses a CID that we could not verify or would not understand, before anything is fetched.
pub(super) fn check_cid(cid: &Cid) -> Result<(), FetchError> {
    let unsupported = |what| Err(FetchError::Unsupported { cid: cid.to_string(), what });
    match cid.codec() {
        RAW | DAG_PB => {}
        0x71 => return unsupported("of codec dag-cbor".into()),
        0x72 => return unsupported("of codec libp2p-key, a name and no content".into()),
        other => return unsupported(format!("of codec 0x{other:x}")),
    }
    match (cid.hash().code(), cid.hash().size()) {
        (SHA2_256, 32) | (IDENTITY, _) => Ok(()),
        (SHA2_256, size) => unsupported(format!("a SHA2-256 cut to {size} bytes")),
        (other, _) => unsupported(format!("of hash function 0x{other:x}")),
    }
}

/// Reads a block that has been checked against `cid`; `expected` is what the parent says it holds.
pub(super) fn read(cid: &Cid, block: &Bytes, expected: Option<u64>) -> Result<Part, FetchError> {
    let malformed = |detail| FetchError::Malformed { cid: cid.to_string(), detail };
    let part = if cid.codec() == RAW {
        Part { data: block.clone(), children: Vec::new(), file_size: block.len() as u64 }
    } else {
        let node = dag_pb::decode(block).map_err(|error| malformed(error.into()))?;
        let message = unixfs::decode(node.data).map_err(|error| malformed(error.into()))?;
        let what = match message.kind {
            unixfs::Kind::File | unixfs::Kind::Raw => None,
            unixfs::Kind::Directory => Some("a directory"),
            unixfs::Kind::HamtShard => Some("a sharded directory"),
            unixfs::Kind::Symlink => Some("a symbolic link"),
            unixfs::Kind::Metadata => Some("a metadata node"),
        };
        if let Some(what) = what {
            return Err(FetchError::Unsupported { cid: cid.to_string(), what: what.into() });
        }
        file_part(block, &node, &message).map_err(malformed)?
    };
    match expected {
        Some(expected) if expected != part.file_size => {
            Err(malformed(MalformedDag::BlockSize { held: part.file_size, expected }))
        }
        _ => Ok(part),
    }
}

fn file_part(
    block: &Bytes,
    node: &dag_pb::Node<'_>,
    message: &unixfs::Message<'_>,
) -> Result<Part, MalformedDag> {
    let (links, sizes) = (&node.links, &message.block_sizes);
    if links.len() != sizes.len() {
        return Err(MalformedDag::Pairing { links: links.len(), block_sizes: sizes.len() });
    }
    if let Some(index) = sizes.iter().position(|&size| size == 0) {
        return Err(MalformedDag::EmptyChild(index));
    }
    let sum = sizes
        .iter()
        .try_fold(message.data.len() as u64, |sum, &size| sum.checked_add(size))
        .ok_or(MalformedDag::Overflow)?;
    // proto2 leaves the field optional, and some importers left it out of leaves.
    match message.file_size {
        Some(claimed) if claimed != sum => return Err(MalformedDag::FileSize { claimed, sum }),
        _ => {}
    }
    let data = if message.data.is_empty() { Bytes::new() } else { block.slice_ref(message.data) };
    let children = links.iter().map(|link| link.cid).zip(sizes.iter().copied()).collect();
    Ok(Part { data, children, file_size: sum })
}
