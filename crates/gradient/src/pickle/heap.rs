//! The data that a pickle builds.
//!
//! Objects live in one arena and refer to each other by index. So a pickle may share them, nest them as
//! deep as it likes, or tie them into a ring, and dropping them all still takes one flat loop.

use bytes::Bytes;

use super::array::{Array, NumpyType};
use super::construct::Global;
use super::meter::{Meter, OVERHEAD};
use crate::error::Fault;

/// A value: a scalar, or a reference to an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Object(ObjectId),
}

/// An object's place in its [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ObjectId(u32);

/// What a value can refer to.
#[derive(Debug)]
pub(super) enum Object {
    Text(Box<str>),
    /// `bytes` or `bytearray`.
    Data(Bytes),
    /// A whole number beyond 64 bits.
    Long(Box<i128>),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    /// In insertion order. A key may occur again: the later counts.
    Dict(Vec<(Value, Value)>),
    Global(Global),
    NumpyType(NumpyType),
    /// `None` between `_reconstruct` and the state that fills it.
    Array(Option<Box<Array>>),
}

impl Object {
    /// What Python calls its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Object::Text(_) => "str",
            Object::Data(_) => "bytes",
            Object::Long(_) => "int",
            Object::Tuple(_) => "tuple",
            Object::List(_) => "list",
            Object::Dict(_) => "dict",
            Object::Global(_) => "constructor",
            Object::NumpyType(_) => "numpy.dtype",
            Object::Array(_) => "numpy.ndarray",
        }
    }
}

/// The arena.
#[derive(Debug, Default)]
pub(super) struct Heap {
    objects: Vec<Object>,
}

impl Heap {
    /// Adds an object. Its own allocations must be paid for already.
    pub(super) fn add(&mut self, object: Object, meter: &mut Meter) -> Result<Value, Fault> {
        // The meter runs out long before 2^32 objects.
        let id = ObjectId(self.objects.len() as u32);
        meter.push(&mut self.objects, object)?;
        Ok(Value::Object(id))
    }

    /// Adds an array and pays for its description.
    pub(super) fn add_array(&mut self, array: Array, meter: &mut Meter) -> Result<Value, Fault> {
        meter.charge(size_of::<Array>() + array.description_bytes() + 3 * OVERHEAD)?;
        self.add(Object::Array(Some(Box::new(array))), meter)
    }

    pub(super) fn get(&self, id: ObjectId) -> &Object {
        &self.objects[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: ObjectId) -> &mut Object {
        &mut self.objects[id.0 as usize]
    }

    pub(super) fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(id) => Some(self.get(id)),
            _ => None,
        }
    }

    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match self.object(value)? {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub(super) fn items(&self, value: Value) -> Option<&[Value]> {
        match self.object(value)? {
            Object::List(items) | Object::Tuple(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn tuple(&self, value: Value) -> Option<&[Value]> {
        match self.object(value)? {
            Object::Tuple(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match self.object(value)? {
            Object::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn array(&self, value: Value) -> Option<&Array> {
        match self.object(value)? {
            Object::Array(array) => array.as_deref(),
            _ => None,
        }
    }

    /// What Python calls a value's type.
    pub(super) fn type_name(&self, value: Value) -> &'static str {
        match value {
            Value::None => "None",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Object(id) => self.get(id).type_name(),
        }
    }
}
