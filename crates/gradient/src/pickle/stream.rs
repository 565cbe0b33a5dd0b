use std::io::{ErrorKind, Read};

use super::meter::{Meter, OVERHEAD};
use crate::error::{Fault, fault};

const BUFFER: usize = 64 * 1024;
/// What is allocated at once for a length that is only claimed.
const FIRST_STEP: usize = 64 * 1024;

/// The bytes of a pickle as they come out of the decompressor: counted, and never more than a limit.
#[derive(Debug)]
pub(super) struct Stream<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes taken out of `buffer` so far.
    taken: u64,
    limit: u64,
}

impl<R: Read> Stream<R> {
    pub(super) fn new(source: R, limit: u64) -> Stream<R> {
        Stream { source, buffer: vec![0; BUFFER].into(), start: 0, end: 0, taken: 0, limit }
    }

    /// Offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.taken
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    /// The next `claimed` bytes. Memory grows as they arrive.
    pub(super) fn bytes(&mut self, claimed: u64, meter: &mut Meter) -> Result<Vec<u8>, Fault> {
        let at = self.taken;
        let len = match usize::try_from(claimed) {
            Ok(len) if claimed <= self.limit.saturating_sub(self.taken) => len,
            _ => {
                return fault!(
                    "byte {at}: claims {claimed} bytes, beyond the {} that it may have",
                    self.limit
                );
            }
        };
        let mut bytes = Vec::new();
        if len > 0 {
            meter.charge(OVERHEAD)?;
        }
        while bytes.len() < len {
            let filled = bytes.len();
            let step = filled.max(FIRST_STEP).min(len - filled);
            meter.charge(step)?;
            bytes.reserve_exact(step);
            bytes.resize(filled + step, 0);
            self.fill(&mut bytes[filled..])?;
        }
        Ok(bytes)
    }

    /// A line of at most `longest` bytes, without its end: how text opcodes carry their argument.
    pub(super) fn line(&mut self, longest: usize, meter: &mut Meter) -> Result<String, Fault> {
        let at = self.taken;
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                _ if line.len() == longest => {
                    return fault!("byte {at}: a line of more than {longest} bytes");
                }
                byte => line.push(byte),
            }
        }
        meter.charge(line.capacity())?;
        match String::from_utf8(line) {
            Ok(line) => Ok(line),
            Err(_) => fault!("byte {at}: a line that is not UTF-8"),
        }
    }

    /// Asks that nothing follows. At the end the decompressor has checked its checksum.
    pub(super) fn expect_end(&mut self) -> Result<(), Fault> {
        if self.start == self.end && !self.refill()? {
            return Ok(());
        }
        fault!("byte {}: bytes follow the end of the pickle", self.taken)
    }

    fn fill(&mut self, mut target: &mut [u8]) -> Result<(), Fault> {
        if self.limit - self.taken < target.len() as u64 {
            return fault!("has more than {} bytes", self.limit);
        }
        while !target.is_empty() {
            if self.start == self.end && !self.refill()? {
                return fault!("byte {}: cut short", self.taken);
            }
            let available = &self.buffer[self.start..self.end];
            let len = available.len().min(target.len());
            let (now, later) = target.split_at_mut(len);
            now.copy_from_slice(&available[..len]);
            target = later;
            self.start += len;
            self.taken += len as u64;
        }
        Ok(())
    }

    /// Whether there was more.
    fn refill(&mut self) -> Result<bool, Fault> {
        loop {
            match self.source.read(&mut self.buffer) {
                Ok(len) => {
                    (self.start, self.end) = (0, len);
                    return Ok(len > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return fault!("byte {}: the gzip stream is cut short", self.taken);
                }
                Err(error) => return fault!("byte {}: gzip: {error}", self.taken),
            }
        }
    }
}
