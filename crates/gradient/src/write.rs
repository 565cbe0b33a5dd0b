//! Tensors to containers. What is written follows from the arguments alone, byte for byte.

use crate::error::{Quoted, WriteError};
use crate::tensor::{TensorView, elements};

mod package;
mod pickle;
mod safetensors;

pub use package::write_package;
pub use pickle::write_pickle;
pub use safetensors::write_safetensors;

/// The tensors in name order, each name once, each with as many bytes as its shape asks for.
fn in_name_order<'a>(tensors: &[TensorView<'a>]) -> Result<Vec<TensorView<'a>>, WriteError> {
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
    match tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(WriteError::Invalid(format!("two tensors are named {}", Quoted(pair[0].name)))),
        None => Ok(tensors),
    }
}
