use bytes::Bytes;
use r3mes_aggregate::DType;

use crate::error::{Fault, Quoted, fault};
use crate::limits::Limits;

/// A named tensor, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorView<'a> {
    /// The parameter's name.
    pub name: &'a str,
    /// The length of each dimension; empty for a scalar.
    pub shape: &'a [u64],
    /// The format of the values.
    pub dtype: DType,
    /// The values, little-endian, in C order (the last dimension runs fastest). No alignment is promised.
    pub bytes: &'a [u8],
}

impl TensorView<'_> {
    /// Number of values.
    pub fn elements(&self) -> u64 {
        (self.bytes.len() / self.dtype.size()) as u64
    }
}

/// A tensor as a range of its backing: the mapped file, or memory of its own.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    pub(crate) bytes: Bytes,
}

impl Tensor {
    pub(crate) fn view(&self) -> TensorView<'_> {
        TensorView { name: &self.name, shape: &self.shape, dtype: self.dtype, bytes: &self.bytes }
    }
}

/// Number of values of a shape, or `None` where 64 bits do not hold it.
pub(crate) fn elements(shape: &[u64]) -> Option<u64> {
    // A zero anywhere makes the tensor empty, however large the other lengths.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1u64, |product, &len| product.checked_mul(len))
}

/// Collects a file's tensors under the [`Limits`] that hold for every container.
#[derive(Debug)]
pub(crate) struct Tensors<'a> {
    limits: &'a Limits,
    bytes: u64,
    tensors: Vec<Tensor>,
}

impl<'a> Tensors<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Tensors { limits, bytes: 0, tensors: Vec::new() }
    }

    /// Asks for room before the values are built: checks name, rank and size, and returns the bytes that
    /// the tensor will have.
    pub(crate) fn admit(&mut self, name: &str, shape: &[u64], dtype: DType) -> Result<usize, Fault> {
        let limits = self.limits;
        if self.tensors.len() >= limits.tensors {
            return fault!("more than {} tensors", limits.tensors);
        }
        if name.len() > limits.name_bytes {
            return fault!("its name has {} bytes; the limit is {}", name.len(), limits.name_bytes);
        }
        if shape.len() > limits.rank {
            return fault!("{} dimensions; the limit is {}", shape.len(), limits.rank);
        }
        let bytes = elements(shape).and_then(|n| n.checked_mul(dtype.size() as u64));
        let total = bytes.and_then(|bytes| self.bytes.checked_add(bytes));
        match (bytes, total) {
            (Some(bytes), Some(total)) if total <= limits.tensor_bytes => {
                self.bytes = total;
                Ok(bytes as usize)
            }
            _ => fault!("shape {shape:?} of {dtype} takes the tensors beyond {} bytes", limits.tensor_bytes),
        }
    }

    /// Adds an admitted tensor.
    pub(crate) fn push(&mut self, tensor: Tensor) {
        self.tensors.push(tensor);
    }

    /// All tensors in name order. A name that occurs twice is a fault.
    pub(crate) fn into_sorted(mut self) -> Result<Vec<Tensor>, Fault> {
        if self.tensors.is_empty() {
            return fault!("no tensors");
        }
        self.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = self.tensors.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return fault!("two tensors are named {}", Quoted(&pair[0].name));
        }
        Ok(self.tensors)
    }
}
