use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use half::{bf16, f16};
use r3mes_aggregate::DType;

use super::in_name_order;
use crate::error::{Quoted, WriteError};
use crate::package::PackageFields;
use crate::tensor::TensorView;

/// Writes a GradientPackage: tensors in name order, metadata in key order, fields that are 0 or empty left
/// out.
///
/// The message has float32 values only. F16 and BF16 tensors are widened, under their own dtype's name;
/// read again, they are F32.
///
/// # Errors
/// [`WriteError::Invalid`] for an F64 tensor, a name that is empty or occurs twice, and for a tensor whose
/// shape does not fit its bytes.
pub fn write_package(
    mut w: impl Write,
    tensors: &[TensorView<'_>],
    metadata: &BTreeMap<String, String>,
    fields: &PackageFields,
) -> Result<(), WriteError> {
    for tensor in in_name_order(tensors)? {
        let dtype = match tensor.dtype {
            DType::F32 => "float32",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F64 => {
                let name = Quoted(tensor.name);
                return Err(WriteError::Invalid(format!("a GradientPackage cannot hold F64 tensor {name}")));
            }
        };
        if tensor.name.is_empty() {
            return Err(WriteError::Invalid(
                "a GradientPackage cannot hold a tensor without a name".to_owned(),
            ));
        }
        let data = float32(&tensor);
        let mut head = Vec::new();
        if !data.is_empty() {
            tag(1, Wire::Bytes, &mut head);
            varint(data.len() as u64, &mut head);
        }
        let mut tail = Vec::new();
        let mut shape = Vec::new();
        tensor.shape.iter().for_each(|&len| varint(len, &mut shape));
        bytes_field(2, &shape, &mut tail);
        bytes_field(3, dtype.as_bytes(), &mut tail);
        bytes_field(4, tensor.name.as_bytes(), &mut tail);

        let mut field = Vec::new();
        tag(1, Wire::Bytes, &mut field);
        varint((head.len() + data.len() + tail.len()) as u64, &mut field);
        w.write_all(&field)?;
        w.write_all(&head)?;
        w.write_all(&data)?;
        w.write_all(&tail)?;
    }

    let mut rest = Vec::new();
    for (key, value) in metadata {
        let mut entry = Vec::new();
        bytes_field(1, key.as_bytes(), &mut entry);
        bytes_field(2, value.as_bytes(), &mut entry);
        tag(2, Wire::Bytes, &mut rest);
        varint(entry.len() as u64, &mut rest);
        rest.extend(entry);
    }
    integer_field(3, fields.training_round_id, &mut rest);
    bytes_field(4, fields.miner_address.as_bytes(), &mut rest);
    bytes_field(5, fields.gradient_hash.as_bytes(), &mut rest);
    integer_field(6, fields.timestamp.cast_unsigned(), &mut rest);
    w.write_all(&rest)?;
    Ok(w.flush()?)
}

fn float32<'a>(tensor: &TensorView<'a>) -> Cow<'a, [u8]> {
    let widened = |widen: fn(u16) -> f32| {
        let halves = tensor.bytes.as_chunks().0.iter();
        halves.flat_map(|half| widen(u16::from_le_bytes(*half)).to_le_bytes()).collect()
    };
    match tensor.dtype {
        DType::F16 => widened(|bits| f16::from_bits(bits).to_f32()),
        DType::BF16 => widened(|bits| bf16::from_bits(bits).to_f32()),
        DType::F32 | DType::F64 => Cow::Borrowed(tensor.bytes),
    }
}

#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Bytes = 2,
}

fn tag(field: u32, wire: Wire, out: &mut Vec<u8>) {
    varint(u64::from(field << 3 | wire as u32), out);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn integer_field(field: u32, number: u64, out: &mut Vec<u8>) {
    if number != 0 {
        tag(field, Wire::Varint, out);
        varint(number, out);
    }
}

fn bytes_field(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        tag(field, Wire::Bytes, out);
        varint(bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    }
}
