use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::in_name_order;
use crate::error::WriteError;
use crate::tensor::TensorView;

/// Writes a safetensors file.
///
/// Tensors go in order of falling dtype size, then of name, so that each is aligned; metadata goes in
/// key order; the header is padded with blanks to 8 bytes.
///
/// # Errors
/// [`WriteError::Invalid`] for a name that occurs twice or is `__metadata__`, and for a tensor whose shape
/// does not fit its bytes.
pub fn write_safetensors(
    mut w: impl Write,
    tensors: &[TensorView<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), WriteError> {
    const METADATA: &str = "__metadata__";
    let mut tensors = in_name_order(tensors)?;
    tensors.sort_by_key(|tensor| Reverse(tensor.dtype.size()));
    if tensors.iter().any(|tensor| tensor.name == METADATA) {
        return Err(WriteError::Invalid(format!("a tensor cannot be named `{METADATA}`")));
    }

    // Written entry by entry, because a JSON object would bring the tensors into another order.
    let mut entries = Vec::with_capacity(tensors.len() + 1);
    if !metadata.is_empty() {
        entries.push(format!("\"{METADATA}\":{}", json!(metadata)));
    }
    let mut offset = 0;
    for tensor in &tensors {
        let end = offset + tensor.bytes.len();
        entries.push(format!(
            r#"{}:{{"dtype":"{}","shape":{},"data_offsets":[{offset},{end}]}}"#,
            Value::from(tensor.name),
            tensor.dtype,
            json!(tensor.shape)
        ));
        offset = end;
    }
    let mut header = format!("{{{}}}", entries.join(","));
    let padded = header.len().next_multiple_of(8);
    header.extend(std::iter::repeat_n(' ', padded - header.len()));

    w.write_all(&(header.len() as u64).to_le_bytes())?;
    w.write_all(header.as_bytes())?;
    for tensor in tensors {
        w.write_all(tensor.bytes)?;
    }
    Ok(w.flush()?)
}
