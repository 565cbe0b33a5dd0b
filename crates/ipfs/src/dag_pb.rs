//! dag-pb: the protobuf encoding of a Merkle DAG's inner nodes.
//!
//! A node is links and data. The canonical form puts the links (field 2) before the data (field 1)
//! and writes each link's three fields, an empty name included: a CID is over bytes, so this order
//! is part of the format.

use cid::Cid;

use crate::wire::{Field, WireError, next_field, put_varint};

/// A link from a node to a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The child's CID.
    pub cid: Cid,
    /// Its name; empty within a file.
    pub name: String,
    /// Bytes of all blocks of the child's DAG, as the node's maker claims.
    pub total_size: u64,
}

/// A decoded node, its data borrowed from the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// Children in order.
    pub links: Vec<Link>,
    /// The payload: for a file, a UnixFS message.
    pub data: &'a [u8],
}

/// A block that is not a dag-pb node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl From<WireError> for DecodeError {
    fn from(error: WireError) -> Self {
        Self(error.to_string())
    }
}

/// The canonical encoding of a node with `links` and `data`.
#[must_use]
pub fn encode(links: &[Link], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(links.len() * 52 + data.len() + 8);
    let mut link_bytes = Vec::with_capacity(64);
    for link in links {
        link_bytes.clear();
        put_bytes(&mut link_bytes, 0x0a, &link.cid.to_bytes());
        put_bytes(&mut link_bytes, 0x12, link.name.as_bytes());
        link_bytes.push(0x18);
        put_varint(&mut link_bytes, link.total_size);
        put_bytes(&mut out, 0x12, &link_bytes);
    }
    put_bytes(&mut out, 0x0a, data);
    out
}

/// Reads a node. Fields unknown to dag-pb are refused, as are a second data field and a link without
/// a CID; the order of links and data is not insisted on, since old nodes wrote data first.
///
/// # Errors
/// When `block` is not such a node.
pub fn decode(block: &[u8]) -> Result<Node<'_>, DecodeError> {
    let mut input = block;
    let mut links = Vec::new();
    let mut data = None;
    while let Some(field) = next_field(&mut input)? {
        match field {
            Field::Bytes(2, bytes) => links.push(decode_link(bytes, links.len())?),
            Field::Bytes(1, bytes) if data.is_none() => data = Some(bytes),
            Field::Bytes(1, _) => return Err(DecodeError("a node has two data fields".into())),
            _ => return Err(DecodeError("a node has a field that dag-pb does not know".into())),
        }
    }
    Ok(Node { links, data: data.unwrap_or_default() })
}

fn decode_link(bytes: &[u8], index: usize) -> Result<Link, DecodeError> {
    let mut input = bytes;
    let (mut cid, mut name, mut total_size) = (None, None, None);
    while let Some(field) = next_field(&mut input)? {
        match field {
            Field::Bytes(1, bytes) if cid.is_none() => {
                let parsed = Cid::try_from(bytes)
                    .map_err(|error| DecodeError(format!("link {index} has no valid CID: {error}")))?;
                if parsed.encoded_len() != bytes.len() {
                    return Err(DecodeError(format!("link {index} has bytes after its CID")));
                }
                cid = Some(parsed);
            }
            Field::Bytes(2, bytes) if name.is_none() => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| DecodeError(format!("the name of link {index} is not UTF-8")))?;
                name = Some(text.to_owned());
            }
            Field::Varint(3, size) if total_size.is_none() => total_size = Some(size),
            _ => return Err(DecodeError(format!("link {index} has a field twice or one unknown to dag-pb"))),
        }
    }
    Ok(Link {
        cid: cid.ok_or_else(|| DecodeError(format!("link {index} has no CID")))?,
        name: name.unwrap_or_default(),
        total_size: total_size.unwrap_or_default(),
    })
}

fn put_bytes(out: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    out.push(key);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sha2_256_cid;
    use proptest::prelude::*;

    fn link() -> impl Strategy<Value = Link> {
        (any::<[u8; 8]>(), any::<bool>(), "[a-z]{0,5}", any::<u64>()).prop_map(
            |(seed, v0, name, total_size)| {
                let version = if v0 { cid::Version::V0 } else { cid::Version::V1 };
                Link { cid: sha2_256_cid(version, crate::DAG_PB, &[&seed]), name, total_size }
            },
        )
    }

    proptest! {
        #[test]
        fn nodes_come_back(links in proptest::collection::vec(link(), 0..20),
                           data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let block = encode(&links, &data);
            let node = decode(&block).unwrap();
            prop_assert_eq!(node.links, links);
            prop_assert_eq!(node.data, data.as_slice());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_node_cut_within_its_data_is_refused(links in proptest::collection::vec(link(), 0..4), cut in 1usize..6) {
            let block = encode(&links, b"data");
            prop_assert!(decode(&block[..block.len() - cut]).is_err());
        }
    }

    #[test]
    fn links_come_before_data_and_an_empty_name_is_written() {
        let cid = sha2_256_cid(cid::Version::V1, crate::RAW, &[b"x"]);
        let block = encode(&[Link { cid, name: String::new(), total_size: 1 }], &[7]);
        assert_eq!(block[0], 0x12);
        assert_eq!(&block[2..4], &[0x0a, 36]);
        assert_eq!(&block[40..], &[0x12, 0x00, 0x18, 0x01, 0x0a, 0x01, 0x07]);
    }

    #[test]
    fn refusals_name_the_link() {
        let error = decode(&[0x12, 0x02, 0x12, 0x00]).unwrap_err();
        assert_eq!(error.to_string(), "link 0 has no CID");
        assert_eq!(decode(&[0x0a, 0, 0x0a, 0]).unwrap_err().to_string(), "a node has two data fields");
        assert!(decode(&[0x20, 0x01]).is_err());
    }
}
