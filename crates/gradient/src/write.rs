use std::collections::BTreeMap;
use std::io::Write;

use r3mes_aggregate::DType;
use serde_json::{Map, Value, json};

use crate::container::Kind;
use crate::error::{Quoted, WriteError};
use crate::package::PackageFields;
use crate::tensor::{TensorView, elements};

/// Writes a safetensors file.
///
/// The bytes follow from the arguments alone: tensors go in order of falling dtype size, then of name (so
/// that each is aligned), metadata in key order, and the header is padded with blanks to 8 bytes.
///
/// # Errors
/// [`WriteError::Invalid`] for a name that occurs twice or is `__metadata__`, and for a tensor whose shape
/// does not fit its bytes.
pub fn write_safetensors(
    mut w: impl Write,
    tensors: &[TensorView<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), WriteError> {
    let mut in_order = checked(tensors)?;
    in_order.sort_by_key(|tensor| std::cmp::Reverse(tensor.dtype.size()));

    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    let _ = &mut header;
    let mut text = String::from("{");
    let mut offset = 0;
    let entry = |key: &str, value: Value| format!("{}:{value}", Value::from(key));
    let mut entries = Vec::new();
    if !metadata.is_empty() {
        entries.push(entry("__metadata__", json!(metadata)));
    }
    for tensor in &in_order {
        if tensor.name == "__metadata__" {
            return Err(WriteError::Invalid("a tensor cannot be named `__metadata__`".to_owned()));
        }
        let end = offset + tensor.bytes.len();
        let dtype = tensor.dtype.to_string();
        entries.push(format!(
            "{}:{{\"dtype\":\"{dtype}\",\"shape\":{},\"data_offsets\":[{offset},{end}]}}",
            Value::from(tensor.name),
            json!(tensor.shape)
        ));
        offset = end;
    }
    text.push_str(&entries.join(","));
    text.push('}');
    while text.len() % 8 != 0 {
        text.push(' ');
    }
    w.write_all(&(text.len() as u64).to_le_bytes())?;
    w.write_all(text.as_bytes())?;
    for tensor in in_order {
        w.write_all(tensor.bytes)?;
    }
    Ok(w.flush()?)
}

/// Writes a GradientPackage.
pub fn write_package(
    mut w: impl Write,
    tensors: &[TensorView<'_>],
    metadata: &BTreeMap<String, String>,
    fields: &PackageFields,
) -> Result<(), WriteError> {
    let _ = (&mut w, checked(tensors)?, metadata, fields, DType::F32);
    Err(WriteError::Invalid("this container cannot be written yet".to_owned()))
}

/// Writes a gzipped pickle of protocol 5.
pub fn write_pickle(
    mut w: impl Write,
    kind: Kind,
    tensors: &[TensorView<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), WriteError> {
    let _ = (&mut w, checked(tensors)?, metadata, kind);
    Err(WriteError::Invalid("this container cannot be written yet".to_owned()))
}

/// The tensors in name order, each name once, each with as many bytes as its shape asks for.
fn checked<'a>(tensors: &[TensorView<'a>]) -> Result<Vec<TensorView<'a>>, WriteError> {
    let mut tensors = tensors.to_vec();
    tensors.sort_by(|a, b| a.name.cmp(b.name));
    for tensor in &tensors {
        let needed = elements(tensor.shape).and_then(|n| n.checked_mul(tensor.dtype.size() as u64));
        if needed != Some(tensor.bytes.len() as u64) {
            return Err(WriteError::Invalid(format!(
                "tensor {} of shape {:?} and dtype {} has {} bytes",
                Quoted(tensor.name),
                tensor.shape,
                tensor.dtype,
                tensor.bytes.len()
            )));
        }
    }
    if let Some(pair) = tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(WriteError::Invalid(format!("two tensors are named {}", Quoted(pair[0].name))));
    }
    Ok(tensors)
}
