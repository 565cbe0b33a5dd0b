//! The pickle reader.
//!
//! A pickle is a program for a stack machine whose instructions import and call whatever they name. The
//! [machine](machine) here knows the few instructions and constructors that a dict of numpy arrays needs,
//! builds plain data from them, and refuses every other by its name; there is nothing in it that could
//! call anything. [document] then reads tensors and metadata out of that data.
//!
//! Bounds: the program arrives as a [stream], never held whole, of at most
//! [`Limits::decoded_bytes`](crate::Limits::decoded_bytes); all that it builds is paid for from one
//! [meter], whatever it claims; no step walks the data recursively without a bound.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use crate::error::Fault;
use crate::gradient::Content;
use crate::limits::Limits;

mod array;
mod construct;
mod document;
mod heap;
mod machine;
mod meter;
pub(crate) mod opcode;
pub(crate) mod repr;
mod stream;

use meter::Meter;
use stream::Stream;

/// Reads a pickle, gzipped or plain.
pub(crate) fn read(file: &Bytes, limits: &Limits) -> Result<Content, Fault> {
    if file.starts_with(&[0x1f, 0x8b]) {
        run(MultiGzDecoder::new(&file[..]), limits)
    } else {
        run(&file[..], limits)
    }
}

fn run(source: impl Read, limits: &Limits) -> Result<Content, Fault> {
    let mut meter = Meter::new(limits.memory_bytes);
    let stream = Stream::new(source, limits.decoded_bytes);
    let (heap, root) = machine::run(stream, limits, &mut meter)?;
    document::read(&heap, root, limits, &mut meter)
}
