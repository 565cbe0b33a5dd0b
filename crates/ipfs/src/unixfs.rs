//! UnixFS: what a dag-pb node of a file says about itself.

use crate::wire::{Field, WireError, next_field, put_varint, varint, varint_len};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of a file: a leaf.
    Raw,
    /// A directory.
    Directory,
    /// A file, or a part of one.
    File,
    /// Metadata about another node.
    Metadata,
    /// A symbolic link.
    Symlink,
    /// A part of a sharded directory.
    HamtShard,
}

/// A decoded UnixFS message, its data borrowed from the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What the node is.
    pub kind: Kind,
    /// File bytes held by the node itself; they come before its children's.
    pub data: &'a [u8],
    /// File bytes of the node and all below it, as claimed.
    pub file_size: Option<u64>,
    /// File bytes below each link, as claimed.
    pub block_sizes: Vec<u64>,
}

/// Bytes that are not a UnixFS message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl From<WireError> for DecodeError {
    fn from(error: WireError) -> Self {
        Self(error.to_string())
    }
}

/// The message of an inner node of a file whose children hold `block_sizes` bytes each.
#[must_use]
pub fn encode_inner(block_sizes: &[u64]) -> Vec<u8> {
    let mut out = vec![0x08, 0x02, 0x18];
    put_varint(&mut out, block_sizes.iter().sum());
    for &size in block_sizes {
        out.push(0x20);
        put_varint(&mut out, size);
    }
    out
}

/// What surrounds `length` file bytes in a leaf wrapped in UnixFS and dag-pb: the block is prefix,
/// bytes, suffix. Kubo gives leaves the type File; an empty leaf has no data field.
#[must_use]
pub fn leaf_wrapping(length: usize) -> (Vec<u8>, Vec<u8>) {
    let length = length as u64;
    let mut suffix = vec![0x18];
    put_varint(&mut suffix, length);
    let data_field = if length == 0 { 0 } else { 1 + varint_len(length) as u64 + length };
    let mut prefix = vec![0x0a];
    put_varint(&mut prefix, 2 + data_field + suffix.len() as u64);
    prefix.extend([0x08, 0x02]);
    if length > 0 {
        prefix.push(0x12);
        put_varint(&mut prefix, length);
    }
    (prefix, suffix)
}

/// Reads a message. Mode, time and unknown fields are passed over; packed and unpacked block sizes
/// are both read.
///
/// # Errors
/// When `bytes` are not protobuf, or name no known kind.
pub fn decode(bytes: &[u8]) -> Result<Message<'_>, DecodeError> {
    let mut input = bytes;
    let mut kind = None;
    let mut message = Message { kind: Kind::File, data: &[], file_size: None, block_sizes: Vec::new() };
    while let Some(field) = next_field(&mut input)? {
        match field {
            Field::Varint(1, value) => kind = Some(kind_of(value)?),
            Field::Bytes(2, data) => message.data = data,
            Field::Varint(3, size) => message.file_size = Some(size),
            Field::Varint(4, size) => message.block_sizes.push(size),
            Field::Bytes(4, mut packed) => {
                while !packed.is_empty() {
                    message.block_sizes.push(varint(&mut packed)?);
                }
            }
            _ => {}
        }
    }
    message.kind = kind.ok_or_else(|| DecodeError("a UnixFS message has no type".into()))?;
    Ok(message)
}

fn kind_of(value: u64) -> Result<Kind, DecodeError> {
    Ok(match value {
        0 => Kind::Raw,
        1 => Kind::Directory,
        2 => Kind::File,
        3 => Kind::Metadata,
        4 => Kind::Symlink,
        5 => Kind::HamtShard,
        other => return Err(DecodeError(format!("UnixFS type {other} is unknown"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag_pb;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inner_nodes_come_back(sizes in proptest::collection::vec(0u64..1 << 40, 0..50)) {
            let bytes = encode_inner(&sizes);
            let message = decode(&bytes).unwrap();
            prop_assert_eq!(message.file_size, Some(sizes.iter().sum()));
            prop_assert_eq!(message.block_sizes, sizes);
            prop_assert_eq!(message.kind, Kind::File);
        }

        #[test]
        fn leaves_come_back(data in proptest::collection::vec(any::<u8>(), 0..40_000)) {
            let (prefix, suffix) = leaf_wrapping(data.len());
            let block = [&prefix[..], &data, &suffix].concat();
            let node = dag_pb::decode(&block).unwrap();
            let message = decode(node.data).unwrap();
            prop_assert_eq!(message.data, data.as_slice());
            prop_assert_eq!(message.file_size, Some(data.len() as u64));
            prop_assert!(node.links.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn packed_block_sizes_are_read() {
        let message = decode(&[0x08, 0x02, 0x22, 0x03, 0x01, 0x80, 0x01]).unwrap();
        assert_eq!(message.block_sizes, [1, 128]);
    }

    #[test]
    fn a_message_without_a_type_is_refused() {
        assert_eq!(decode(&[0x18, 0x00]).unwrap_err().to_string(), "a UnixFS message has no type");
        assert_eq!(decode(&[0x08, 0x09]).unwrap_err().to_string(), "UnixFS type 9 is unknown");
    }
}
