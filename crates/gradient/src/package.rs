//! The GradientPackage reader.
//!
//! The message's floats take almost all of a file, so its wire format is read here, borrowing them from
//! the file where they stand in one piece, instead of through generated types that would copy them.

use std::collections::BTreeMap;

use bytes::Bytes;
use r3mes_aggregate::DType;
use serde::{Deserialize, Serialize};

use crate::container::Kind;
use crate::error::{Fault, Quoted, fault};
use crate::gradient::Content;
use crate::limits::Limits;
use crate::tensor::{Tensor, Tensors};

mod wire;

use wire::{Field, Message, Value};

/// What a GradientPackage states beside tensors and metadata. All of it is the miner's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFields {
    /// The training round that the miner wrote.
    pub training_round_id: u64,
    /// The miner's address.
    pub miner_address: String,
    /// The `gradient_hash` that the miner computed.
    pub gradient_hash: String,
    /// Seconds since 1970.
    pub timestamp: i64,
}

/// Reads a GradientPackage. As protobuf asks: unknown fields are skipped, the last value of a field that
/// is not repeated counts, and packed numbers may come split or one by one.
pub(crate) fn read(file: &Bytes, limits: &Limits) -> Result<Content, Fault> {
    let mut tensors = Tensors::new(limits);
    let mut metadata = BTreeMap::new();
    let mut fields = PackageFields::default();
    let mut message = Message::new(file, 0);
    while let Some(field) = message.next()? {
        match field.number {
            1 => read_tensor(file, &field, limits, &mut tensors)?,
            2 => {
                let (key, value) = read_entry(&field)?;
                metadata.insert(key.to_owned(), value.to_owned());
                if metadata.len() > limits.metadata_entries {
                    return fault!("more than {} metadata entries", limits.metadata_entries);
                }
            }
            3 => fields.training_round_id = field.integer()?,
            4 => fields.miner_address = field.text()?.to_owned(),
            5 => fields.gradient_hash = field.text()?.to_owned(),
            6 => fields.timestamp = field.integer()?.cast_signed(),
            _ => {}
        }
    }
    Ok(Content { kind: Kind::Gradient, tensors: tensors.into_sorted()?, metadata, package: Some(fields) })
}

/// An entry of a `map<string,string>`.
fn read_entry<'a>(field: &Field<'a>) -> Result<(&'a str, &'a str), Fault> {
    let (bytes, at) = field.bytes()?;
    let (mut key, mut value) = ("", "");
    let mut message = Message::new(bytes, at);
    while let Some(field) = message.next()? {
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// Reads a GradientTensor.
///
/// Its dtype says what the values were before they went into the message, where all are float32. The
/// tensor stays F32: the wire has no other values, and narrowing them again would be a guess. (So the
/// int8 `gradient_hash` of a model in float16 can differ from the one its miner took before widening.)
fn read_tensor(
    file: &Bytes,
    field: &Field<'_>,
    limits: &Limits,
    tensors: &mut Tensors<'_>,
) -> Result<(), Fault> {
    let (bytes, at) = field.bytes()?;
    let (mut name, mut dtype) = ("", "");
    let mut shape = Vec::new();
    let mut floats = Floats::None;
    let mut message = Message::new(bytes, at);
    while let Some(field) = message.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(packed, start)) => {
                if packed.len() % 4 != 0 {
                    return fault!(
                        "byte {start}: {} bytes of packed floats, not a multiple of 4",
                        packed.len()
                    );
                }
                floats.push(packed);
            }
            (1, Value::Fixed32(float)) => floats.push(float),
            (1, _) => return field.wrong_type(),
            (2, Value::Bytes(packed, start)) => {
                let mut packed = Message::new(packed, start);
                while let Some(len) = packed.next_varint()? {
                    push_dimension(&mut shape, len, field.at, limits)?;
                }
            }
            (2, Value::Varint(len)) => push_dimension(&mut shape, len, field.at, limits)?,
            (2, _) => return field.wrong_type(),
            (3, _) => dtype = field.text()?,
            (4, _) => name = field.text()?,
            _ => {}
        }
    }
    if name.is_empty() {
        return fault!("byte {at}: a tensor has no name");
    }
    if !is_float(dtype) {
        return fault!("tensor {} has dtype {}, which is not a float", Quoted(name), Quoted(dtype));
    }
    let needed = tensors.admit(name, &shape, DType::F32).map_err(|fault| fault.of_tensor(name))?;
    if floats.len() != needed {
        return fault!(
            "tensor {} of shape {shape:?} needs {} values; its data has {}",
            Quoted(name),
            needed / 4,
            floats.len() / 4
        );
    }
    let bytes = match floats {
        Floats::None => Bytes::new(),
        Floats::OnePiece(piece) => file.slice_ref(piece),
        Floats::Joined(joined) => Bytes::from(joined),
    };
    tensors.push(Tensor { name: name.to_owned(), shape, dtype: DType::F32, bytes });
    Ok(())
}

fn push_dimension(shape: &mut Vec<u64>, len: u64, at: usize, limits: &Limits) -> Result<(), Fault> {
    if len.cast_signed() < 0 {
        return fault!("byte {at}: a shape with the length {}", len.cast_signed());
    }
    if shape.len() == limits.rank {
        return fault!("byte {at}: a shape of more than {} dimensions", limits.rank);
    }
    shape.push(len);
    Ok(())
}

/// Whether a declared dtype (`float32`, `torch.bfloat16`, ...) is a float; none declared counts as one.
fn is_float(dtype: &str) -> bool {
    let name = dtype.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    name.is_empty() || ["float", "bfloat", "half", "double"].iter().any(|float| name.starts_with(float))
}

/// A tensor's floats on the wire: a range of the file where they stand in one piece.
enum Floats<'a> {
    None,
    OnePiece(&'a [u8]),
    Joined(Vec<u8>),
}

impl<'a> Floats<'a> {
    fn push(&mut self, piece: &'a [u8]) {
        match self {
            Floats::None => *self = Floats::OnePiece(piece),
            Floats::OnePiece(first) => *self = Floats::Joined([*first, piece].concat()),
            Floats::Joined(joined) => joined.extend_from_slice(piece),
        }
    }

    fn len(&self) -> usize {
        match self {
            Floats::None => 0,
            Floats::OnePiece(piece) => piece.len(),
            Floats::Joined(joined) => joined.len(),
        }
    }
}
