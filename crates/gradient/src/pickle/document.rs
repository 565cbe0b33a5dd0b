//! Tensors and metadata, read out of what a pickle built.

use std::collections::BTreeMap;

use bytes::Bytes;
use r3mes_aggregate::DType;

use super::array::Number;
use super::heap::{Heap, Object, Value};
use super::meter::{Meter, OVERHEAD};
use super::{construct, repr};
use crate::container::Kind;
use crate::error::{Fault, Quoted, fault};
use crate::gradient::Content;
use crate::limits::Limits;
use crate::tensor::{Tensor, Tensors};

/// Entries that a dict describing one tensor may have: `data`, `shape`, `dtype` and a few more.
const TENSOR_ENTRIES: usize = 64;

/// Reads `{"gradients": {...}, "metadata": {...}}`, or the same with `lora_params` for `gradients`.
pub(super) fn read(heap: &Heap, root: Value, limits: &Limits, meter: &mut Meter) -> Result<Content, Fault> {
    let Some(root) = heap.dict(root) else {
        return fault!("the root is no dict but a {}", heap.type_name(root));
    };
    if root.len() > limits.metadata_entries {
        return fault!("the root dict has {} entries; the limit is {}", root.len(), limits.metadata_entries);
    }
    let (kind, named) = match (find(heap, root, "gradients"), find(heap, root, "lora_params")) {
        (Some(gradients), None) => (Kind::Gradient, gradients),
        (None, Some(params)) => (Kind::Weights, params),
        (Some(_), Some(_)) => return fault!("the root dict has both `gradients` and `lora_params`"),
        (None, None) => return fault!("the root dict has neither `gradients` nor `lora_params`"),
    };
    let tensors = read_tensors(heap, kind, named, limits, meter)?;
    let metadata = read_metadata(heap, root, limits, meter)?;
    Ok(Content { kind, tensors, metadata, package: None })
}

/// The value of a text key; of several the last, as in Python.
fn find(heap: &Heap, entries: &[(Value, Value)], key: &str) -> Option<Value> {
    entries.iter().rev().find(|&&(k, _)| heap.text(k) == Some(key)).map(|&(_, value)| value)
}

fn read_tensors(
    heap: &Heap,
    kind: Kind,
    named: Value,
    limits: &Limits,
    meter: &mut Meter,
) -> Result<Vec<Tensor>, Fault> {
    let Some(entries) = heap.dict(named) else {
        return fault!("the tensors are no dict but a {}", heap.type_name(named));
    };
    if entries.len() > limits.tensors {
        return fault!("{} tensors; the limit is {}", entries.len(), limits.tensors);
    }
    let mut by_name = BTreeMap::new();
    for &(name, value) in entries {
        let Some(name) = heap.text(name) else {
            return fault!("a tensor's name is no str but a {}", heap.type_name(name));
        };
        if name.len() > limits.name_bytes {
            return fault!("a tensor's name has {} bytes; the limit is {}", name.len(), limits.name_bytes);
        }
        by_name.insert(name, value);
    }
    meter.charge(by_name.len() * 2 * size_of::<Tensor>())?;

    let mut tensors = Tensors::new(limits);
    for (name, value) in by_name {
        let mut reader = TensorReader { heap, kind, name, limits, meter: &mut *meter, tensors: &mut tensors };
        let tensor = reader.read(value).map_err(|fault| fault.of_tensor(name))?;
        tensors.push(tensor);
    }
    tensors.into_sorted()
}

struct TensorReader<'a, 'l> {
    heap: &'a Heap,
    kind: Kind,
    name: &'a str,
    limits: &'a Limits,
    meter: &'a mut Meter,
    tensors: &'a mut Tensors<'l>,
}

impl TensorReader<'_, '_> {
    /// Reads an array, a dict around an array, a dict of a sparse tensor, or (among weights) a number.
    fn read(&mut self, value: Value) -> Result<Tensor, Fault> {
        let heap = self.heap;
        if let Some(entries) = heap.dict(value) {
            return self.read_dict(entries);
        }
        if heap.array(value).is_some() {
            return self.read_dense(value, None, None);
        }
        match number(heap, value) {
            Some(_) if self.kind != Kind::Weights => fault!("is a bare number"),
            Some(_) => {
                let bytes = self.numbers(&[value], DType::F64)?;
                self.tensor(&[], DType::F64, bytes)
            }
            None => fault!("is no dict or array but a {}", heap.type_name(value)),
        }
    }

    fn read_dict(&mut self, entries: &[(Value, Value)]) -> Result<Tensor, Fault> {
        if entries.len() > TENSOR_ENTRIES {
            return fault!("a dict of {} entries; the limit is {TENSOR_ENTRIES}", entries.len());
        }
        let entry = |key| find(self.heap, entries, key);
        let dtype = match entry("dtype") {
            None | Some(Value::None) => None,
            Some(dtype) => self.heap.text(dtype),
        };
        match (entry("data"), entry("indices"), entry("values"), entry("shape")) {
            (Some(data), None, None, shape) => self.read_dense(data, shape, dtype),
            (None, Some(indices), Some(values), Some(shape)) => {
                self.read_sparse(indices, values, shape, dtype)
            }
            _ => fault!("a dict with neither `data` nor all of `indices`, `values` and `shape`"),
        }
    }

    /// The values and their own shape; the declared shape, where there is one, must have as many.
    ///
    /// An array's dtype is the tensor's, whatever dtype is declared: that says what the model was in.
    fn read_dense(
        &mut self,
        data: Value,
        shape: Option<Value>,
        declared: Option<&str>,
    ) -> Result<Tensor, Fault> {
        let heap = self.heap;
        let (dtype, own_shape) = self.dtype_and_shape(data, declared)?;
        let shape = match shape {
            None | Some(Value::None) => own_shape,
            Some(shape) => {
                let shape = construct::lengths(heap, shape)?;
                if crate::tensor::elements(&shape) != crate::tensor::elements(&own_shape) {
                    return fault!("shape {shape:?} declared for data of shape {own_shape:?}");
                }
                shape
            }
        };
        self.tensors.admit(self.name, &shape, dtype)?;
        let bytes = self.values(data, dtype)?;
        self.tensor(&shape, dtype, bytes)
    }

    /// Spreads a sparse tensor's values out: `indices` are places in the flattened tensor, each once.
    fn read_sparse(
        &mut self,
        indices: Value,
        values: Value,
        shape: Value,
        declared: Option<&str>,
    ) -> Result<Tensor, Fault> {
        let heap = self.heap;
        let shape = construct::lengths(heap, shape)?;
        let (dtype, values_shape) = self.dtype_and_shape(values, declared)?;
        let count = match (heap.array(indices), heap.items(indices)) {
            (Some(array), _) if array.shape.len() == 1 => array.shape[0],
            (Some(array), _) => {
                return fault!("`indices` of shape {:?}, expected one dimension", array.shape);
            }
            (None, Some(items)) => items.len() as u64,
            (None, None) => return fault!("`indices` are no array but a {}", heap.type_name(indices)),
        };
        if values_shape != [count] {
            return fault!("{count} indices for values of shape {values_shape:?}");
        }
        let size = dtype.size();
        let len = self.tensors.admit(self.name, &shape, dtype)?;
        let elements = len / size;
        if count > elements as u64 {
            return fault!("{count} indices into {elements} values");
        }
        let values = self.values(values, dtype)?;
        // The set of places taken costs a bit for each value.
        self.meter.charge(len + elements.div_ceil(8) + 2 * OVERHEAD)?;
        let mut dense = vec![0; len];
        let mut taken = vec![0u8; elements.div_ceil(8)];
        for (i, value) in values.chunks_exact(size).enumerate() {
            let index = match (heap.array(indices), heap.items(indices)) {
                (Some(array), _) => array.number(i),
                (None, items) => items.and_then(|items| number(heap, *items.get(i)?)),
            };
            let place = match index {
                Some(Number::Int(index)) => usize::try_from(index).ok().filter(|&place| place < elements),
                _ => return fault!("index {i} is no whole number"),
            };
            let Some(place) = place else {
                return fault!("index {i} lies outside the {elements} values of shape {shape:?}");
            };
            if taken[place / 8] & (1 << (place % 8)) != 0 {
                return fault!("place {place} occurs twice in `indices`");
            }
            taken[place / 8] |= 1 << (place % 8);
            dense[place * size..(place + 1) * size].copy_from_slice(value);
        }
        self.tensor(&shape, dtype, Bytes::from(dense))
    }

    /// The dtype and shape of an array, or of a flat list of numbers: F64, unless another is declared.
    fn dtype_and_shape(&self, data: Value, declared: Option<&str>) -> Result<(DType, Vec<u64>), Fault> {
        if let Some(array) = self.heap.array(data) {
            return match array.dtype.float() {
                Some(dtype) => Ok((dtype, array.shape.clone())),
                None => fault!("values of dtype {}, expected a float", array.dtype.name()),
            };
        }
        match self.heap.items(data) {
            Some(items) => {
                let dtype = match declared {
                    None => DType::F64,
                    Some(name) => match declared_dtype(name) {
                        Some(dtype) => dtype,
                        None => return fault!("declares dtype {}, expected a float", Quoted(name)),
                    },
                };
                Ok((dtype, vec![items.len() as u64]))
            }
            None => fault!("values that are no array but a {}", self.heap.type_name(data)),
        }
    }

    /// The values in C order, little-endian.
    fn values(&mut self, data: Value, dtype: DType) -> Result<Bytes, Fault> {
        match (self.heap.array(data), self.heap.items(data)) {
            (Some(array), _) => array.to_c_order(self.meter),
            (None, Some(items)) => self.numbers(items, dtype),
            (None, None) => fault!("values that are no array but a {}", self.heap.type_name(data)),
        }
    }

    fn numbers(&mut self, items: &[Value], dtype: DType) -> Result<Bytes, Fault> {
        self.meter.charge(items.len() * dtype.size() + OVERHEAD)?;
        let mut bytes = Vec::with_capacity(items.len() * dtype.size());
        for &item in items {
            let value = match number(self.heap, item) {
                Some(Number::Float(value)) => value,
                Some(Number::Float32(value)) => f64::from(value),
                // Exact up to 2^53; a gradient with greater whole numbers is no gradient.
                Some(Number::Int(value)) if value.unsigned_abs() <= 1 << 53 => value as f64,
                _ => return fault!("a {} among the values", self.heap.type_name(item)),
            };
            match dtype {
                DType::F64 => bytes.extend(value.to_le_bytes()),
                DType::F32 => bytes.extend((value as f32).to_le_bytes()),
                DType::F16 => bytes.extend(half::f16::from_f64(value).to_le_bytes()),
                DType::BF16 => bytes.extend(half::bf16::from_f64(value).to_le_bytes()),
            }
        }
        Ok(Bytes::from(bytes))
    }

    fn tensor(&mut self, shape: &[u64], dtype: DType, bytes: Bytes) -> Result<Tensor, Fault> {
        debug_assert!(shape.len() <= self.limits.rank);
        self.meter.charge(self.name.len() + 8 * shape.len() + 4 * OVERHEAD)?;
        Ok(Tensor { name: self.name.to_owned(), shape: shape.to_vec(), dtype, bytes })
    }
}

/// A number: Python's own, or numpy's scalar.
fn number(heap: &Heap, value: Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(Number::Bool(value)),
        Value::Int(int) => Some(Number::Int(i128::from(int))),
        Value::Float(float) => Some(Number::Float(float)),
        Value::None => None,
        Value::Object(id) => match heap.get(id) {
            Object::Long(int) => Some(Number::Int(**int)),
            Object::Array(Some(array)) if array.shape.is_empty() => array.number(0),
            _ => None,
        },
    }
}

fn declared_dtype(name: &str) -> Option<DType> {
    match name.rsplit('.').next()? {
        "float64" | "double" => Some(DType::F64),
        "float32" | "float" => Some(DType::F32),
        "float16" | "half" => Some(DType::F16),
        "bfloat16" => Some(DType::BF16),
        _ => None,
    }
}

/// The entries of `metadata`, and what the root dict itself states in text or numbers.
fn read_metadata(
    heap: &Heap,
    root: &[(Value, Value)],
    limits: &Limits,
    meter: &mut Meter,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut metadata = BTreeMap::new();
    let mut insert = |key: Value, value: Value| {
        // Text may be shared by many entries: each copy is paid for before it is made.
        let len = |value| heap.text(value).map_or(0, str::len);
        meter.charge(len(key) + len(value) + 8 * OVERHEAD)?;
        let (key, value) = (repr::metadata_value(heap, key), repr::metadata_value(heap, value));
        meter.charge(key.capacity() + value.capacity())?;
        metadata.insert(key, value);
        Ok(())
    };
    for &(key, value) in root {
        let scalar = number(heap, value).is_some() || heap.text(value).is_some();
        if scalar && heap.text(key).is_some() {
            insert(key, value)?;
        }
    }
    match find(heap, root, "metadata") {
        None | Some(Value::None) => {}
        Some(entries) => {
            let Some(entries) = heap.dict(entries) else {
                return fault!("`metadata` is no dict but a {}", heap.type_name(entries));
            };
            if entries.len() > limits.metadata_entries {
                return fault!("more than {} metadata entries", limits.metadata_entries);
            }
            for &(key, value) in entries {
                insert(key, value)?;
            }
        }
    }
    Ok(metadata)
}
