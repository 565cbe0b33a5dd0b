//! The little of protobuf's wire format that dag-pb and UnixFS need, read without copying.

use std::fmt;

/// One field: its number and its value.
pub(crate) enum Field<'a> {
    Varint(u64, u64),
    Bytes(u64, &'a [u8]),
    /// A fixed32 or fixed64, which neither format gives a meaning that we use.
    Fixed,
}

/// Bytes that are not protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    Truncated,
    Varint,
    WireType(u64),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the protobuf ends in the middle of a field"),
            Self::Varint => f.write_str("a protobuf varint is longer than 64 bits"),
            Self::WireType(found) => write!(f, "protobuf wire type {found} is not in use"),
        }
    }
}

/// Splits the first field off `input`; none at its end.
pub(crate) fn next_field<'a>(input: &mut &'a [u8]) -> Result<Option<Field<'a>>, WireError> {
    if input.is_empty() {
        return Ok(None);
    }
    let key = varint(input)?;
    let number = key >> 3;
    Ok(Some(match key & 7 {
        0 => Field::Varint(number, varint(input)?),
        1 => take(input, 8).map(|_| Field::Fixed)?,
        2 => {
            let length = varint(input)?;
            let length = usize::try_from(length).map_err(|_| WireError::Truncated)?;
            Field::Bytes(number, take(input, length)?)
        }
        5 => take(input, 4).map(|_| Field::Fixed)?,
        other => return Err(WireError::WireType(other)),
    }))
}

pub(crate) fn varint(input: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take(input, 1)?[0];
        if shift == 63 && byte > 1 {
            return Err(WireError::Varint);
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Varint)
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) const fn varint_len(value: u64) -> usize {
    let bits = 64 - value.leading_zeros() as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], WireError> {
    let (head, tail) = input.split_at_checked(length).ok_or(WireError::Truncated)?;
    *input = tail;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_come_back(value in any::<u64>()) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            let mut rest = bytes.as_slice();
            prop_assert_eq!(varint(&mut rest), Ok(value));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = bytes.as_slice();
            while let Ok(Some(_)) = next_field(&mut rest) {}
        }
    }

    #[test]
    fn a_varint_of_more_than_64_bits_is_refused() {
        assert_eq!(varint(&mut [0xff; 11].as_slice()), Err(WireError::Varint));
        assert_eq!(varint(&mut [0x80].as_slice()), Err(WireError::Truncated));
    }
}
