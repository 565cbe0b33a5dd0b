//! The protobuf wire format, as far as GradientPackage needs it: borrowed fields, one after another.

use crate::error::{Fault, fault};

/// A message's bytes, read field by field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    rest: &'a [u8],
    /// Offset of `rest` in the file, for errors.
    at: usize,
}

/// A field: its number, its value, and the offset of its tag in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) at: usize,
    pub(super) value: Value<'a>,
}

/// A field's value by wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64,
    /// Text, a message, or packed numbers, with the offset of the first byte in the file.
    Bytes(&'a [u8], usize),
    Fixed32(&'a [u8]),
}

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Message<'a> {
        Message { rest: bytes, at }
    }

    /// The next field, or `None` at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Fault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let number = match u32::try_from(tag >> 3) {
            Ok(number @ 1..=0x1fff_ffff) => number,
            _ => return fault!("byte {at}: a tag of {tag:#x} names no field"),
        };
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.take(8, number, at)?;
                Value::Fixed64
            }
            2 => {
                let len = self.varint()?;
                let start = self.at;
                Value::Bytes(self.take(len, number, at)?, start)
            }
            5 => Value::Fixed32(self.take(4, number, at)?),
            other => return fault!("byte {at}: field {number} has wire type {other}, which is not in use"),
        };
        Ok(Some(Field { number, at, value }))
    }

    /// The next varint of packed numbers, or `None` at their end.
    pub(super) fn next_varint(&mut self) -> Result<Option<u64>, Fault> {
        if self.rest.is_empty() { Ok(None) } else { self.varint().map(Some) }
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0u64;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for the one bit that is left of 64.
            if i == 9 && byte > 1 {
                return fault!("byte {}: a varint of more than 64 bits", self.at);
            }
            number |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[i + 1..];
                self.at += i + 1;
                return Ok(number);
            }
        }
        fault!("byte {}: the message is cut short in a varint", self.at)
    }

    fn take(&mut self, len: u64, number: u32, field_at: usize) -> Result<&'a [u8], Fault> {
        match usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len)) {
            Some((taken, rest)) => {
                self.rest = rest;
                self.at += taken.len();
                Ok(taken)
            }
            None => fault!(
                "byte {field_at}: field {number} claims {len} bytes; {} follow: the message is cut short",
                self.rest.len()
            ),
        }
    }
}

impl<'a> Field<'a> {
    /// The value of a string field.
    pub(super) fn text(&self) -> Result<&'a str, Fault> {
        let (bytes, start) = self.bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => fault!("byte {}: text that is not UTF-8", start + error.valid_up_to()),
        }
    }

    /// The value of a message or string field, with its offset in the file.
    pub(super) fn bytes(&self) -> Result<(&'a [u8], usize), Fault> {
        match self.value {
            Value::Bytes(bytes, start) => Ok((bytes, start)),
            _ => self.wrong_type(),
        }
    }

    /// The value of an integer field.
    pub(super) fn integer(&self) -> Result<u64, Fault> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => self.wrong_type(),
        }
    }

    pub(super) fn wrong_type<T>(&self) -> Result<T, Fault> {
        let found = match self.value {
            Value::Varint(_) => "a varint",
            Value::Fixed64 => "8 bytes",
            Value::Bytes(..) => "counted bytes",
            Value::Fixed32(_) => "4 bytes",
        };
        fault!("byte {}: field {} holds {found}, not what the message defines", self.at, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(bytes: &[u8]) -> Result<Option<Field<'_>>, Fault> {
        Message::new(bytes, 100).next()
    }

    #[test]
    fn varints() {
        let longest = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert_eq!(only(longest).unwrap().unwrap().integer().unwrap(), u64::MAX);
        let overlong = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
        assert_eq!(only(overlong).unwrap_err().0, "byte 101: a varint of more than 64 bits");
        assert_eq!(only(b"\x08\x80").unwrap_err().0, "byte 101: the message is cut short in a varint");
    }

    #[test]
    fn tags_and_lengths_that_lie() {
        assert_eq!(only(b"\x00\x00").unwrap_err().0, "byte 100: a tag of 0x0 names no field");
        assert_eq!(only(b"\x0b").unwrap_err().0, "byte 100: field 1 has wire type 3, which is not in use");
        assert_eq!(
            only(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01abc").unwrap_err().0,
            "byte 100: field 1 claims 18446744073709551615 bytes; 3 follow: the message is cut short"
        );
        assert_eq!(
            only(b"\x0d\x00\x00").unwrap_err().0,
            "byte 100: field 1 claims 4 bytes; 2 follow: the message is cut short"
        );
        assert_eq!(
            only(b"\x0a\x02a\xff").unwrap().unwrap().text().unwrap_err().0,
            "byte 103: text that is not UTF-8"
        );
    }
}
