//! The constructors that a pickle may name, each as a function from data to data.

use bytes::Bytes;

use super::array::{Array, NumpyType, Order};
use super::heap::{Heap, Object, Value};
use super::meter::{Meter, OVERHEAD};
use crate::error::{Fault, Quoted, fault};

/// A name that a pickle may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `numpy.core.numeric._frombuffer(buffer, dtype, shape, order)`: an array at protocol 5.
    FromBuffer,
    /// `numpy.core.multiarray._reconstruct(ndarray, (0,), b"b")`: an array to be filled by its state.
    Reconstruct,
    /// `numpy.core.multiarray.scalar(dtype, bytes)`.
    Scalar,
    /// `numpy.ndarray`: only as an argument of `_reconstruct`.
    NdArray,
    /// `numpy.dtype(text, align, copy)`.
    DType,
    /// `_codecs.encode(text, "latin1")`: how protocol 2 writes bytes.
    Encode,
    /// `bytes()`: how protocol 2 writes no bytes at all.
    Bytes,
    /// `collections.OrderedDict()`.
    OrderedDict,
}

impl Global {
    /// The global of that name, if it is one of the few.
    pub(super) fn find(module: &str, name: &str) -> Option<Global> {
        Some(match (module, name) {
            // numpy 2 moved its core.
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Global::FromBuffer,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Global::Reconstruct,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Global::Scalar,
            ("numpy", "ndarray") => Global::NdArray,
            ("numpy", "dtype") => Global::DType,
            ("_codecs", "encode") => Global::Encode,
            ("__builtin__" | "builtins", "bytes") => Global::Bytes,
            ("collections", "OrderedDict") => Global::OrderedDict,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Global::FromBuffer => "_frombuffer",
            Global::Reconstruct => "_reconstruct",
            Global::Scalar => "scalar",
            Global::NdArray => "numpy.ndarray",
            Global::DType => "numpy.dtype",
            Global::Encode => "_codecs.encode",
            Global::Bytes => "bytes",
            Global::OrderedDict => "OrderedDict",
        }
    }
}

/// `callable(*arguments)`.
pub(super) fn call(
    heap: &mut Heap,
    callable: Value,
    arguments: Value,
    meter: &mut Meter,
) -> Result<Value, Fault> {
    let Some(&Object::Global(global)) = heap.object(callable) else {
        return fault!("calls a {}", heap.type_name(callable));
    };
    let Some(arguments) = heap.tuple(arguments) else {
        return fault!("{}: arguments that are no tuple but a {}", global.name(), heap.type_name(arguments));
    };
    match (global, arguments) {
        (Global::FromBuffer, &[buffer, dtype, shape, order]) => {
            from_buffer(heap, buffer, dtype, shape, order, None, meter)
        }
        (Global::FromBuffer, &[buffer, dtype, shape, order, axes]) => {
            from_buffer(heap, buffer, dtype, shape, order, Some(axes), meter)
        }
        (Global::Reconstruct, &[class, _, _]) => {
            if !matches!(heap.object(class), Some(Object::Global(Global::NdArray))) {
                return fault!("_reconstruct: of a class that is not numpy.ndarray");
            }
            heap.add(Object::Array(None), meter)
        }
        (Global::Scalar, &[dtype, value]) => {
            let (dtype, data) = (numpy_type(heap, dtype)?, data(heap, value)?);
            let array = Array::new(dtype, &[], Order::C, data)?;
            heap.add_array(array, meter)
        }
        (Global::DType, &[name, ..]) => {
            let Some(name) = heap.text(name) else {
                return fault!("numpy.dtype: of a {}, not of a name", heap.type_name(name));
            };
            let dtype = NumpyType::parse(name)?;
            heap.add(Object::NumpyType(dtype), meter)
        }
        (Global::Encode, &[text, encoding]) => {
            let (Some(text), Some(encoding)) = (heap.text(text), heap.text(encoding)) else {
                return fault!("_codecs.encode: arguments that are not text");
            };
            let bytes = encode_latin1(text, encoding, meter)?;
            heap.add(Object::Data(bytes), meter)
        }
        (Global::Bytes, &[]) => heap.add(Object::Data(Bytes::new()), meter),
        (Global::OrderedDict, &[]) => heap.add(Object::Dict(Vec::new()), meter),
        (Global::OrderedDict, &[items]) => {
            let entries = pairs(heap, items, meter)?;
            heap.add(Object::Dict(entries), meter)
        }
        (global, arguments) => {
            fault!("{}: cannot be called with {} arguments", global.name(), arguments.len())
        }
    }
}

/// `object.__setstate__(state)`, for the two kinds of object that numpy pickles with a state.
pub(super) fn set_state(
    heap: &mut Heap,
    object: Value,
    state: Value,
    meter: &mut Meter,
) -> Result<(), Fault> {
    let Value::Object(id) = object else { return fault!("sets the state of a {}", heap.type_name(object)) };
    let Some(state) = heap.tuple(state) else {
        return fault!("a state that is no tuple but a {}", heap.type_name(state));
    };
    match (heap.get(id), state) {
        // (version, byte order, sub-array, names, fields, size, alignment, flags)
        (
            &Object::NumpyType(mut dtype),
            &[Value::Int(3 | 4), order, Value::None, Value::None, Value::None, ..],
        ) => {
            let Some(order) = heap.text(order) else { return fault!("a numpy byte order that is not text") };
            dtype.set_byte_order(order)?;
            *heap.get_mut(id) = Object::NumpyType(dtype);
        }
        (Object::NumpyType(_), _) => {
            return fault!("a state that numpy.dtype of plain numbers does not have");
        }
        // (version, shape, dtype, whether Fortran, data)
        (Object::Array(None), &[Value::Int(1), shape, dtype, fortran, values]) => {
            let shape = lengths(heap, shape)?;
            let order = match fortran {
                Value::Bool(false) | Value::Int(0) => Order::C,
                Value::Bool(true) | Value::Int(1) => Order::Fortran,
                other => return fault!("an array's order is a {}", heap.type_name(other)),
            };
            let array = Array::new(numpy_type(heap, dtype)?, &shape, order, data(heap, values)?)?;
            meter.charge(size_of::<Array>() + array.description_bytes() + 3 * OVERHEAD)?;
            *heap.get_mut(id) = Object::Array(Some(Box::new(array)));
        }
        (Object::Array(None), _) => return fault!("a state that numpy.ndarray does not have"),
        (other, _) => return fault!("sets the state of a {}", other.type_name()),
    }
    Ok(())
}

fn from_buffer(
    heap: &mut Heap,
    buffer: Value,
    dtype: Value,
    shape: Value,
    order: Value,
    axes: Option<Value>,
    meter: &mut Meter,
) -> Result<Value, Fault> {
    let data = data(heap, buffer)?;
    let dtype = numpy_type(heap, dtype)?;
    let shape = lengths(heap, shape)?;
    let permutation;
    let order = match (heap.text(order), axes) {
        (Some("C"), None | Some(Value::None)) => Order::C,
        (Some("F"), None | Some(Value::None)) => Order::Fortran,
        (Some("K"), Some(axes)) => {
            permutation = lengths(heap, axes)?;
            Order::Transposed(&permutation)
        }
        (Some(other), _) => return fault!("_frombuffer: order {}", Quoted(other)),
        (None, _) => return fault!("_frombuffer: an order that is not text"),
    };
    let array = Array::new(dtype, &shape, order, data)?;
    heap.add_array(array, meter)
}

/// The lengths in a shape: a list or tuple of whole numbers.
pub(super) fn lengths(heap: &Heap, shape: Value) -> Result<Vec<u64>, Fault> {
    /// Beyond numpy's limit; what is this long is refused where the tensor's name is known.
    const MOST: usize = 256;
    let Some(items) = heap.items(shape) else {
        return fault!("a shape that is no list or tuple but a {}", heap.type_name(shape));
    };
    if items.len() > MOST {
        return fault!("a shape of {} dimensions", items.len());
    }
    items
        .iter()
        .map(|&len| match len {
            Value::Int(len) if len >= 0 => Ok(len.cast_unsigned()),
            Value::Int(len) => fault!("a shape with the length {len}"),
            other => fault!("a shape with a {} for a length", heap.type_name(other)),
        })
        .collect()
}

fn numpy_type(heap: &Heap, dtype: Value) -> Result<NumpyType, Fault> {
    match heap.object(dtype) {
        Some(Object::NumpyType(dtype)) => Ok(*dtype),
        _ => fault!("a dtype that is no numpy.dtype but a {}", heap.type_name(dtype)),
    }
}

fn data(heap: &Heap, data: Value) -> Result<Bytes, Fault> {
    match heap.object(data) {
        Some(Object::Data(bytes)) => Ok(bytes.clone()),
        _ => fault!("data that are no bytes but a {}", heap.type_name(data)),
    }
}

fn encode_latin1(text: &str, encoding: &str, meter: &mut Meter) -> Result<Bytes, Fault> {
    if !["latin1", "latin-1", "iso-8859-1"].contains(&encoding) {
        return fault!("_codecs.encode: encoding {}, expected `latin1`", Quoted(encoding));
    }
    let len = text.chars().count();
    meter.charge(len + OVERHEAD)?;
    let mut bytes = Vec::with_capacity(len);
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) => bytes.push(byte),
            Err(_) => return fault!("_codecs.encode: {} is not in latin1", Quoted(&c.to_string())),
        }
    }
    Ok(Bytes::from(bytes))
}

/// The entries of a list of pairs.
fn pairs(heap: &Heap, items: Value, meter: &mut Meter) -> Result<Vec<(Value, Value)>, Fault> {
    let Some(items) = heap.items(items) else {
        return fault!("OrderedDict: of a {}, not of a list", heap.type_name(items));
    };
    let mut entries = Vec::new();
    for &item in items {
        match heap.items(item) {
            Some(&[key, value]) => meter.push(&mut entries, (key, value))?,
            _ => return fault!("OrderedDict: an item that is no pair"),
        }
    }
    Ok(entries)
}
