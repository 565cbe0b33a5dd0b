//! The safetensors reader: an 8-byte length, a JSON header, and tensors as ranges of what follows.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use r3mes_aggregate::DType;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::container::Kind;
use crate::error::{Fault, Quoted, fault};
use crate::gradient::Content;
use crate::limits::Limits;
use crate::tensor::{Tensor, Tensors};

/// The key of a header that holds text instead of a tensor.
const METADATA: &str = "__metadata__";

/// Reads a safetensors file. The tensors are ranges of it: nothing is copied.
pub(crate) fn read(file: &Bytes, limits: &Limits) -> Result<Content, Fault> {
    let Some((len, rest)) = file.split_first_chunk::<8>() else {
        return fault!("the file has {} bytes, too few for a header", file.len());
    };
    let header_len = u64::from_le_bytes(*len);
    if header_len > rest.len() as u64 {
        return fault!("the header claims {header_len} bytes; {} follow", rest.len());
    }
    if header_len > limits.header_bytes {
        return fault!("the header has {header_len} bytes; the limit is {}", limits.header_bytes);
    }
    let data_start = 8 + header_len as usize;
    let header = Header::parse(&file[8..data_start], limits)?;
    let data = file.slice(data_start..);
    header.check_ranges(data.len() as u64)?;

    let mut tensors = Tensors::new(limits);
    for entry in header.tensors {
        let needed = tensors.admit(&entry.name, &entry.shape, entry.dtype);
        let needed = needed.map_err(|fault| fault.of_tensor(&entry.name))? as u64;
        let (start, end) = entry.range;
        if end - start != needed {
            return fault!(
                "tensor {} of shape {:?} and dtype {} needs {needed} bytes; data_offsets give it {}",
                Quoted(&entry.name),
                entry.shape,
                entry.dtype,
                end - start
            );
        }
        let bytes = data.slice(start as usize..end as usize);
        tensors.push(Tensor { name: entry.name, shape: entry.shape, dtype: entry.dtype, bytes });
    }
    Ok(Content {
        kind: Kind::Gradient,
        tensors: tensors.into_sorted()?,
        metadata: header.metadata,
        package: None,
    })
}

struct Header {
    tensors: Vec<Entry>,
    metadata: BTreeMap<String, String>,
}

struct Entry {
    name: String,
    dtype: DType,
    shape: Vec<u64>,
    /// First byte and the one after the last, counted from the end of the header.
    range: (u64, u64),
}

impl Header {
    fn parse(json: &[u8], limits: &Limits) -> Result<Header, Fault> {
        let mut json = serde_json::Deserializer::from_slice(json);
        let header = HeaderSeed { limits }.deserialize(&mut json);
        match header.and_then(|header| json.end().map(|()| header)) {
            Ok(header) => Ok(header),
            Err(error) => fault!("header: {}", one_line(&error.to_string())),
        }
    }

    /// The tensors must tile the data: in range, without gap, overlap or rest.
    fn check_ranges(&self, data_len: u64) -> Result<(), Fault> {
        let mut in_order: Vec<&Entry> = self.tensors.iter().collect();
        in_order.sort_by_key(|entry| entry.range);
        let mut expected = 0;
        for entry in in_order {
            let (start, end) = entry.range;
            let name = Quoted(&entry.name);
            if start > end || end > data_len {
                return fault!(
                    "data_offsets [{start}, {end}] of tensor {name} leave the {data_len} bytes of data"
                );
            }
            if start != expected {
                let what = if start < expected {
                    "overlaps the tensor before it"
                } else {
                    "leaves a gap after the one before it"
                };
                return fault!("tensor {name} begins at {start} and {what}, which ends at {expected}");
            }
            expected = end;
        }
        if expected != data_len {
            return fault!("the tensors end at {expected}, but there are {data_len} bytes of data");
        }
        Ok(())
    }
}

/// serde_json's messages quote foreign text, which may be long and have line breaks.
fn one_line(message: &str) -> String {
    const LONGEST: usize = 240;
    message.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Reads the header's object key by key, so that the limits hold while it is read.
struct HeaderSeed<'a> {
    limits: &'a Limits,
}

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = Header;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut tensors = Vec::new();
        let mut metadata = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                if metadata.is_some() {
                    return Err(A::Error::custom(format_args!("`{METADATA}` occurs twice")));
                }
                metadata = Some(map.next_value_seed(MetadataSeed { limits: self.limits })?);
                continue;
            }
            if tensors.len() >= self.limits.tensors {
                return Err(A::Error::custom(format_args!("more than {} tensors", self.limits.tensors)));
            }
            let raw = map.next_value::<RawEntry>()?;
            let dtype = match raw.dtype.as_str() {
                "F64" => DType::F64,
                "F32" => DType::F32,
                "F16" => DType::F16,
                "BF16" => DType::BF16,
                other => {
                    return Err(A::Error::custom(format_args!(
                        "tensor {} has dtype {}, expected F64, F32, F16 or BF16",
                        Quoted(&name),
                        Quoted(other)
                    )));
                }
            };
            tensors.push(Entry { name, dtype, shape: raw.shape.0, range: raw.data_offsets });
        }
        Ok(Header { tensors, metadata: metadata.unwrap_or_default() })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    dtype: String,
    shape: Shape,
    data_offsets: (u64, u64),
}

/// The lengths of a tensor's dimensions, few whatever the header says.
struct Shape(Vec<u64>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_seq(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of lengths")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        /// Beyond what any [`Limits`] will sensibly ask for; those are checked with the tensor's name.
        const MOST: usize = 256;
        let mut shape = Vec::new();
        while let Some(len) = seq.next_element()? {
            if shape.len() == MOST {
                return Err(A::Error::custom(format_args!("a shape of more than {MOST} dimensions")));
            }
            shape.push(len);
        }
        Ok(Shape(shape))
    }
}

struct MetadataSeed<'a> {
    limits: &'a Limits,
}

impl<'de> DeserializeSeed<'de> for MetadataSeed<'_> {
    type Value = BTreeMap<String, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed<'_> {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut metadata = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if metadata.len() >= self.limits.metadata_entries {
                let limit = self.limits.metadata_entries;
                return Err(A::Error::custom(format_args!("more than {limit} metadata entries")));
            }
            if metadata.contains_key(&key) {
                return Err(A::Error::custom(format_args!("metadata key {} occurs twice", Quoted(&key))));
            }
            metadata.insert(key, value);
        }
        Ok(metadata)
    }
}
