//! The stack machine.

use std::collections::HashMap;
use std::io::Read;

use bytes::Bytes;

use super::construct::{self, Global};
use super::heap::{Heap, Object, Value};
use super::meter::{Meter, OVERHEAD};
use super::opcode;
use super::stream::Stream;
use crate::error::{Fault, Quoted, fault};
use crate::limits::Limits;

/// Bytes that a memo entry takes, the table's growth included.
const MEMO_ENTRY: usize = 96;
/// Bytes of a text argument: a module, a name or a number.
const LONGEST_LINE: usize = 256;

/// Runs a pickle to its end; gives all that it built, and its result.
pub(super) fn run<R: Read>(
    stream: Stream<R>,
    limits: &Limits,
    meter: &mut Meter,
) -> Result<(Heap, Value), Fault> {
    let mut machine = Machine {
        stream,
        heap: Heap::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        depth: limits.depth,
        meter,
    };
    machine.protocol()?;
    loop {
        let at = machine.stream.position();
        let opcode = machine.stream.byte()?;
        if opcode == opcode::STOP {
            break;
        }
        // Faults of the stream carry their own place.
        machine.step(opcode, at)?;
    }
    let result = machine.pop()?;
    machine.stream.expect_end()?;
    Ok((machine.heap, result))
}

struct Machine<'a, R> {
    stream: Stream<R>,
    heap: Heap,
    stack: Vec<Value>,
    /// Lengths that `stack` had at the marks still open.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    depth: usize,
    meter: &'a mut Meter,
}

impl<R: Read> Machine<'_, R> {
    fn protocol(&mut self) -> Result<(), Fault> {
        let first = self.stream.byte()?;
        if first != opcode::PROTO {
            return fault!("begins with byte {first:#04x}, not with a pickle of protocol 2 to 5");
        }
        match self.stream.byte()? {
            2..=5 => Ok(()),
            other => fault!("pickle protocol {other}, expected 2 to 5"),
        }
    }

    fn step(&mut self, opcode: u8, at: u64) -> Result<(), Fault> {
        match opcode {
            // A frame only announces how many bytes belong together.
            opcode::FRAME => {
                self.stream.array::<8>()?;
            }
            opcode::MARK => {
                if self.marks.len() == self.depth {
                    return fault!("byte {at}: more than {} marks open at once", self.depth);
                }
                self.marks.push(self.stack.len());
            }
            opcode::POP => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            opcode::POP_MARK => {
                let mark = self.pop_mark()?;
                self.stack.truncate(mark);
            }
            opcode::DUP => {
                let top = self.top()?;
                self.push(top)?;
            }

            opcode::NONE => self.push(Value::None)?,
            opcode::NEWTRUE => self.push(Value::Bool(true))?,
            opcode::NEWFALSE => self.push(Value::Bool(false))?,
            opcode::BININT => {
                let int = i32::from_le_bytes(self.stream.array()?);
                self.push(Value::Int(i64::from(int)))?;
            }
            opcode::BININT1 => {
                let int = self.stream.byte()?;
                self.push(Value::Int(i64::from(int)))?;
            }
            opcode::BININT2 => {
                let int = u16::from_le_bytes(self.stream.array()?);
                self.push(Value::Int(i64::from(int)))?;
            }
            opcode::LONG1 => {
                let len = self.stream.byte()?;
                self.long(u64::from(len), at)?;
            }
            opcode::LONG4 => {
                let len = u32::from_le_bytes(self.stream.array()?);
                self.long(u64::from(len), at)?;
            }
            opcode::BINFLOAT => {
                let float = f64::from_be_bytes(self.stream.array()?);
                self.push(Value::Float(float))?;
            }

            opcode::SHORT_BINUNICODE | opcode::SHORT_BINSTRING => {
                let len = self.stream.byte()?;
                self.text(u64::from(len), at)?;
            }
            opcode::BINUNICODE | opcode::BINSTRING => {
                let len = u32::from_le_bytes(self.stream.array()?);
                self.text(u64::from(len), at)?;
            }
            opcode::BINUNICODE8 => {
                let len = u64::from_le_bytes(self.stream.array()?);
                self.text(len, at)?;
            }
            opcode::SHORT_BINBYTES => {
                let len = self.stream.byte()?;
                self.data(u64::from(len))?;
            }
            opcode::BINBYTES => {
                let len = u32::from_le_bytes(self.stream.array()?);
                self.data(u64::from(len))?;
            }
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => {
                let len = u64::from_le_bytes(self.stream.array()?);
                self.data(len)?;
            }

            opcode::EMPTY_TUPLE => self.new_object(Object::Tuple(Vec::new()))?,
            opcode::TUPLE1 => self.tuple(1)?,
            opcode::TUPLE2 => self.tuple(2)?,
            opcode::TUPLE3 => self.tuple(3)?,
            opcode::TUPLE => {
                let mark = self.pop_mark()?;
                self.tuple(self.stack.len() - mark)?;
            }
            opcode::EMPTY_LIST => self.new_object(Object::List(Vec::new()))?,
            opcode::APPEND => {
                self.require(2)?;
                self.append(self.stack.len() - 1, at)?;
            }
            opcode::APPENDS => {
                let mark = self.pop_mark()?;
                self.append(mark, at)?;
            }
            opcode::EMPTY_DICT => self.new_object(Object::Dict(Vec::new()))?,
            opcode::SETITEM => {
                self.require(3)?;
                self.set_items(self.stack.len() - 2, at)?;
            }
            opcode::SETITEMS => {
                let mark = self.pop_mark()?;
                self.set_items(mark, at)?;
            }

            opcode::MEMOIZE => {
                let index = self.memo.len() as u32;
                self.put(index)?;
            }
            opcode::BINPUT => {
                let index = self.stream.byte()?;
                self.put(u32::from(index))?;
            }
            opcode::LONG_BINPUT => {
                let index = u32::from_le_bytes(self.stream.array()?);
                self.put(index)?;
            }
            opcode::PUT => {
                let index = self.memo_index(at)?;
                self.put(index)?;
            }
            opcode::BINGET => {
                let index = self.stream.byte()?;
                self.get(u32::from(index), at)?;
            }
            opcode::LONG_BINGET => {
                let index = u32::from_le_bytes(self.stream.array()?);
                self.get(index, at)?;
            }
            opcode::GET => {
                let index = self.memo_index(at)?;
                self.get(index, at)?;
            }

            opcode::GLOBAL => {
                let module = self.stream.line(LONGEST_LINE, self.meter)?;
                let name = self.stream.line(LONGEST_LINE, self.meter)?;
                self.global(&module, &name, at)?;
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.heap.text(module), self.heap.text(name)) else {
                    return fault!("byte {at}: STACK_GLOBAL whose module and name are not text");
                };
                let global = Global::find(module, name).ok_or_else(|| refusal(module, name, at))?;
                self.new_object(Object::Global(global))?;
            }
            opcode::REDUCE => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                let result = construct::call(&mut self.heap, callable, arguments, self.meter);
                self.push(result.map_err(|fault| placed(fault, at))?)?;
            }
            opcode::BUILD => {
                let state = self.pop()?;
                let object = self.top()?;
                construct::set_state(&mut self.heap, object, state, self.meter)
                    .map_err(|fault| placed(fault, at))?;
            }

            other => match opcode::name(other) {
                Some(name) => return fault!("byte {at}: refuses the opcode {name}"),
                None => return fault!("byte {at}: {other:#04x} is no opcode"),
            },
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), Fault> {
        self.meter.push(&mut self.stack, value)
    }

    fn new_object(&mut self, object: Object) -> Result<(), Fault> {
        let value = self.heap.add(object, self.meter)?;
        self.push(value)
    }

    fn top(&self) -> Result<Value, Fault> {
        self.require(1)?;
        Ok(self.stack[self.stack.len() - 1])
    }

    fn pop(&mut self) -> Result<Value, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<usize, Fault> {
        match self.marks.pop() {
            Some(mark) => Ok(mark),
            None => fault!("byte {}: no mark is open", self.stream.position()),
        }
    }

    /// Asks for values above the last mark.
    fn require(&self, values: usize) -> Result<(), Fault> {
        let base = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() < base + values {
            return fault!("byte {}: the stack has too few values", self.stream.position());
        }
        Ok(())
    }

    /// Takes the topmost values into a vector of their own.
    fn take(&mut self, values: usize) -> Result<Vec<Value>, Fault> {
        self.require(values)?;
        if values > 0 {
            self.meter.charge(values * size_of::<Value>() + OVERHEAD)?;
        }
        Ok(self.stack.split_off(self.stack.len() - values))
    }

    fn tuple(&mut self, values: usize) -> Result<(), Fault> {
        let items = self.take(values)?;
        self.new_object(Object::Tuple(items))
    }

    /// Moves the values from place `from` of the stack on into the list below them.
    fn append(&mut self, from: usize, at: u64) -> Result<(), Fault> {
        let Some(Object::List(list)) = object_below(&self.stack, &self.marks, &mut self.heap, from) else {
            return fault!("byte {at}: appends to what is no list");
        };
        for &item in &self.stack[from..] {
            self.meter.push(list, item)?;
        }
        self.stack.truncate(from);
        Ok(())
    }

    /// Moves the keys and values from place `from` of the stack on into the dict below them.
    fn set_items(&mut self, from: usize, at: u64) -> Result<(), Fault> {
        let (pairs, rest) = self.stack[from..].as_chunks::<2>();
        if !rest.is_empty() {
            return fault!("byte {at}: a dict's key without a value");
        }
        let Some(Object::Dict(dict)) = object_below(&self.stack, &self.marks, &mut self.heap, from) else {
            return fault!("byte {at}: sets items of what is no dict");
        };
        for &[key, value] in pairs {
            self.meter.push(dict, (key, value))?;
        }
        self.stack.truncate(from);
        Ok(())
    }

    fn text(&mut self, len: u64, at: u64) -> Result<(), Fault> {
        match String::from_utf8(self.stream.bytes(len, self.meter)?) {
            Ok(text) => self.new_object(Object::Text(text.into())),
            Err(_) => fault!("byte {at}: text that is not UTF-8"),
        }
    }

    fn data(&mut self, len: u64) -> Result<(), Fault> {
        let bytes = self.stream.bytes(len, self.meter)?;
        self.new_object(Object::Data(Bytes::from(bytes)))
    }

    fn long(&mut self, len: u64, at: u64) -> Result<(), Fault> {
        if len > 16 {
            return fault!("byte {at}: a whole number of {len} bytes; the limit is 16");
        }
        let bytes = self.stream.bytes(len, self.meter)?;
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = if negative { [0xff; 16] } else { [0; 16] };
        wide[..bytes.len()].copy_from_slice(&bytes);
        let int = i128::from_le_bytes(wide);
        match i64::try_from(int) {
            Ok(int) => self.push(Value::Int(int)),
            Err(_) => {
                self.meter.charge(size_of::<i128>() + OVERHEAD)?;
                self.new_object(Object::Long(Box::new(int)))
            }
        }
    }

    fn put(&mut self, index: u32) -> Result<(), Fault> {
        let top = self.top()?;
        if self.memo.insert(index, top).is_none() {
            self.meter.charge(MEMO_ENTRY)?;
        }
        Ok(())
    }

    fn get(&mut self, index: u32, at: u64) -> Result<(), Fault> {
        match self.memo.get(&index) {
            Some(&value) => self.push(value),
            None => fault!("byte {at}: the memo has no entry {index}"),
        }
    }

    fn memo_index(&mut self, at: u64) -> Result<u32, Fault> {
        let line = self.stream.line(LONGEST_LINE, self.meter)?;
        match line.parse() {
            Ok(index) => Ok(index),
            Err(_) => fault!("byte {at}: {} is no place in the memo", Quoted(&line)),
        }
    }

    fn global(&mut self, module: &str, name: &str, at: u64) -> Result<(), Fault> {
        let global = Global::find(module, name).ok_or_else(|| refusal(module, name, at))?;
        self.new_object(Object::Global(global))
    }
}

/// The object under place `from` of the stack, if it lies above the last mark.
fn object_below<'h>(
    stack: &[Value],
    marks: &[usize],
    heap: &'h mut Heap,
    from: usize,
) -> Option<&'h mut Object> {
    let base = marks.last().copied().unwrap_or(0);
    match stack[base..from].last()? {
        Value::Object(id) => Some(heap.get_mut(*id)),
        _ => None,
    }
}

fn refusal(module: &str, name: &str, at: u64) -> Fault {
    let module: String = module.chars().take(60).collect();
    Fault(format!("byte {at}: refuses {}", Quoted(&format!("{module}.{name}"))))
}

fn placed(fault: Fault, at: u64) -> Fault {
    Fault(format!("byte {at}: {}", fault.0))
}
