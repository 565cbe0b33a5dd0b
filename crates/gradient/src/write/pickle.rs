use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use flate2::{Compression, GzBuilder};
use r3mes_aggregate::DType;

use super::in_name_order;
use crate::container::Kind;
use crate::error::{Quoted, WriteError};
use crate::pickle::{opcode, repr};
use crate::tensor::TensorView;

/// Writes a gzipped pickle of protocol 5, as a miner's Python with numpy 1 does: a dict of numpy arrays
/// under `gradients` (or `lora_params`, for weights) in name order, and `metadata` in key order.
///
/// Metadata that reads as a number just as Python writes it becomes a number, all other stays text; so
/// reading gives back the same metadata. The gzip header carries no time and no name.
///
/// # Errors
/// [`WriteError::Invalid`] for a BF16 tensor, which numpy does not have, a name that occurs twice, and for
/// a tensor whose shape does not fit its bytes.
pub fn write_pickle(
    w: impl Write,
    kind: Kind,
    tensors: &[TensorView<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), WriteError> {
    let tensors = in_name_order(tensors)?;
    for tensor in &tensors {
        if tensor.dtype == DType::BF16 {
            let name = Quoted(tensor.name);
            return Err(WriteError::Invalid(format!("numpy has no dtype for BF16 tensor {name}")));
        }
    }
    let gzip = GzBuilder::new().operating_system(255).write(w, Compression::default());
    let mut pickler = Pickler { w: gzip, frame: Vec::new(), memo: HashMap::new(), memoized: 0 };
    pickler.document(kind, &tensors, metadata)?;
    Ok(pickler.w.finish()?.flush()?)
}

/// Python's pickler for the few types at hand: its opcodes, its memo, its frames.
struct Pickler<W> {
    w: W,
    frame: Vec<u8>,
    /// Places of what Python finds again because it is the same object.
    memo: HashMap<Shared, u32>,
    memoized: u32,
}

/// What occurs more than once as the same object: interned text, functions, types, dtypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Shared {
    Text(&'static str),
    Global(&'static str, &'static str),
    DType(DType),
}

/// Bytes of a frame from which on it is closed, and of data that stay outside of frames.
const FRAME_TARGET: usize = 64 * 1024;

impl<W: Write> Pickler<W> {
    fn document(
        &mut self,
        kind: Kind,
        tensors: &[TensorView<'_>],
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), WriteError> {
        self.w.write_all(&[opcode::PROTO, 5])?;
        self.empty(opcode::EMPTY_DICT);
        self.op(opcode::MARK);
        self.text(match kind {
            Kind::Gradient => "gradients",
            Kind::Weights => "lora_params",
        });
        self.dict(tensors.iter(), |pickler, tensor| {
            pickler.text(tensor.name);
            pickler.tensor(tensor)
        })?;
        self.text("metadata");
        self.dict(metadata.iter(), |pickler, (key, value)| {
            pickler.text(key);
            pickler.metadata_value(value);
            Ok(())
        })?;
        self.op(opcode::SETITEMS);
        self.op(opcode::STOP);
        self.end_frame()
    }

    /// A dict whose items `save` writes, in Python's batches.
    fn dict<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut save: impl FnMut(&mut Self, T) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        const BATCH: usize = 1000;
        self.empty(opcode::EMPTY_DICT);
        let mut items = items.peekable();
        while let Some(first) = items.next() {
            if items.peek().is_none() {
                save(self, first)?;
                self.op(opcode::SETITEM);
                break;
            }
            self.op(opcode::MARK);
            save(self, first)?;
            for item in items.by_ref().take(BATCH - 1) {
                save(self, item)?;
            }
            self.op(opcode::SETITEMS);
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: &TensorView<'_>) -> Result<(), WriteError> {
        self.empty(opcode::EMPTY_DICT);
        self.op(opcode::MARK);
        self.shared_text("data");
        self.array(tensor)?;
        self.shared_text("shape");
        self.shape_list(tensor.shape);
        // A name as torch prints it; numpy's letters for the same dtype stand in the array.
        self.shared_text("dtype");
        self.text(match tensor.dtype {
            DType::F64 => "torch.float64",
            DType::F16 => "torch.float16",
            DType::F32 | DType::BF16 => "torch.float32",
        });
        self.op(opcode::SETITEMS);
        if self.frame.len() >= FRAME_TARGET {
            self.end_frame()?;
        }
        Ok(())
    }

    /// `_frombuffer(bytearray, dtype, shape, "C")`.
    fn array(&mut self, tensor: &TensorView<'_>) -> Result<(), WriteError> {
        self.global("numpy.core.numeric", "_frombuffer");
        self.op(opcode::MARK);
        self.op(opcode::BYTEARRAY8);
        self.frame.extend((tensor.bytes.len() as u64).to_le_bytes());
        if tensor.bytes.len() >= FRAME_TARGET {
            // Python closes the frame before the opcode, and lets this one stand outside with its data.
            let op_at = self.frame.len() - 9;
            let op = self.frame.split_off(op_at);
            self.end_frame()?;
            self.w.write_all(&op)?;
            self.w.write_all(tensor.bytes)?;
        } else {
            self.frame.extend(tensor.bytes);
        }
        self.memoize();
        self.dtype(tensor.dtype);
        self.shape_tuple(tensor.shape);
        self.shared_text("C");
        self.op(opcode::TUPLE);
        self.memoize();
        self.op(opcode::REDUCE);
        self.memoize();
        Ok(())
    }

    /// `dtype("f4", False, True)` and its state.
    fn dtype(&mut self, dtype: DType) {
        if self.recall(Shared::DType(dtype)) {
            return;
        }
        self.global("numpy", "dtype");
        self.text(match dtype {
            DType::F64 => "f8",
            DType::F16 => "f2",
            DType::F32 | DType::BF16 => "f4",
        });
        self.op(opcode::NEWFALSE);
        self.op(opcode::NEWTRUE);
        self.op(opcode::TUPLE3);
        self.memoize();
        self.op(opcode::REDUCE);
        self.remember(Shared::DType(dtype));
        self.op(opcode::MARK);
        self.int(3);
        self.shared_text("<");
        self.frame.extend([opcode::NONE; 3]);
        self.int(-1);
        self.int(-1);
        self.int(0);
        self.op(opcode::TUPLE);
        self.memoize();
        self.op(opcode::BUILD);
    }

    fn global(&mut self, module: &'static str, name: &'static str) {
        if self.recall(Shared::Global(module, name)) {
            return;
        }
        self.text(module);
        // The attribute's name is interned, and `dtype` is a key of every tensor too.
        self.shared_text(name);
        self.op(opcode::STACK_GLOBAL);
        self.remember(Shared::Global(module, name));
    }

    fn shape_tuple(&mut self, shape: &[u64]) {
        match shape.len() {
            0 => return self.op(opcode::EMPTY_TUPLE),
            1..=3 => {}
            _ => self.op(opcode::MARK),
        }
        shape.iter().for_each(|&len| self.int(i128::from(len)));
        self.op(match shape.len() {
            1 => opcode::TUPLE1,
            2 => opcode::TUPLE2,
            3 => opcode::TUPLE3,
            _ => opcode::TUPLE,
        });
        self.memoize();
    }

    fn shape_list(&mut self, shape: &[u64]) {
        self.empty(opcode::EMPTY_LIST);
        match shape {
            [] => {}
            [len] => {
                self.int(i128::from(*len));
                self.op(opcode::APPEND);
            }
            _ => {
                self.op(opcode::MARK);
                shape.iter().for_each(|&len| self.int(i128::from(len)));
                self.op(opcode::APPENDS);
            }
        }
    }

    fn metadata_value(&mut self, value: &str) {
        if let Ok(int) = value.parse::<i64>()
            && int.to_string() == value
        {
            self.int(i128::from(int));
        } else if let Ok(float) = value.parse::<f64>()
            && repr::float(float) == value
        {
            self.op(opcode::BINFLOAT);
            self.frame.extend(float.to_be_bytes());
        } else {
            self.text(value);
        }
    }

    fn int(&mut self, int: i128) {
        if let Ok(int) = u8::try_from(int) {
            self.frame.extend([opcode::BININT1, int]);
        } else if let Ok(int) = u16::try_from(int) {
            self.op(opcode::BININT2);
            self.frame.extend(int.to_le_bytes());
        } else if let Ok(int) = i32::try_from(int) {
            self.op(opcode::BININT);
            self.frame.extend(int.to_le_bytes());
        } else {
            // The fewest bytes of two's complement that hold it.
            let bytes = int.to_le_bytes();
            let len = (1..16).find(|&len| {
                let unused = 128 - 8 * len;
                (int << unused) >> unused == int
            });
            let len = len.unwrap_or(16) as usize;
            self.frame.extend([opcode::LONG1, len as u8]);
            self.frame.extend(&bytes[..len]);
        }
    }

    fn text(&mut self, text: &str) {
        match (u8::try_from(text.len()), u32::try_from(text.len())) {
            (Ok(len), _) => self.frame.extend([opcode::SHORT_BINUNICODE, len]),
            (_, Ok(len)) => {
                self.op(opcode::BINUNICODE);
                self.frame.extend(len.to_le_bytes());
            }
            _ => {
                self.op(opcode::BINUNICODE8);
                self.frame.extend((text.len() as u64).to_le_bytes());
            }
        }
        self.frame.extend(text.as_bytes());
        self.memoize();
    }

    fn shared_text(&mut self, text: &'static str) {
        if !self.recall(Shared::Text(text)) {
            self.text(text);
            self.memo.insert(Shared::Text(text), self.memoized - 1);
        }
    }

    /// Fetches from the memo what is there.
    fn recall(&mut self, shared: Shared) -> bool {
        let Some(&place) = self.memo.get(&shared) else { return false };
        match u8::try_from(place) {
            Ok(place) => self.frame.extend([opcode::BINGET, place]),
            Err(_) => {
                self.op(opcode::LONG_BINGET);
                self.frame.extend(place.to_le_bytes());
            }
        }
        true
    }

    fn remember(&mut self, shared: Shared) {
        self.memo.insert(shared, self.memoized);
        self.memoize();
    }

    fn memoize(&mut self) {
        self.memoized += 1;
        self.op(opcode::MEMOIZE);
    }

    fn empty(&mut self, opcode: u8) {
        self.op(opcode);
        self.memoize();
    }

    fn op(&mut self, opcode: u8) {
        self.frame.push(opcode);
    }

    fn end_frame(&mut self) -> Result<(), WriteError> {
        /// Below this many bytes a frame is not worth its header.
        const LEAST: usize = 4;
        if self.frame.len() >= LEAST {
            self.w.write_all(&[opcode::FRAME])?;
            self.w.write_all(&(self.frame.len() as u64).to_le_bytes())?;
        }
        self.w.write_all(&self.frame)?;
        self.frame.clear();
        Ok(())
    }
}
