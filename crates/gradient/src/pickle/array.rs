//! numpy's dtypes and arrays, as data.

use bytes::Bytes;
use r3mes_aggregate::DType;

use super::meter::{Meter, OVERHEAD};
use crate::error::{Fault, Quoted, fault};
use crate::tensor::elements;

/// numpy's own limit.
const MOST_DIMENSIONS: usize = 64;

/// A numpy dtype of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumpyType {
    pub(super) kind: NumberKind,
    /// Bytes of a value: 1, 2, 4 or 8.
    pub(super) size: usize,
    pub(super) big_endian: bool,
}

/// numpy's letters for kinds of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    Bool,
    Signed,
    Unsigned,
    Float,
}

impl NumpyType {
    /// Reads a type string such as `f4` or `>i8`.
    pub(super) fn parse(text: &str) -> Result<NumpyType, Fault> {
        let (big_endian, name) = match text.as_bytes() {
            [b'>', ..] => (true, &text[1..]),
            [b'<' | b'=' | b'|', ..] => (false, &text[1..]),
            _ => (false, text),
        };
        let (kind, size) = match name {
            "b1" => (NumberKind::Bool, 1),
            "i1" => (NumberKind::Signed, 1),
            "i2" => (NumberKind::Signed, 2),
            "i4" => (NumberKind::Signed, 4),
            "i8" => (NumberKind::Signed, 8),
            "u1" => (NumberKind::Unsigned, 1),
            "u2" => (NumberKind::Unsigned, 2),
            "u4" => (NumberKind::Unsigned, 4),
            "u8" => (NumberKind::Unsigned, 8),
            "f2" => (NumberKind::Float, 2),
            "f4" => (NumberKind::Float, 4),
            "f8" => (NumberKind::Float, 8),
            _ => return fault!("numpy dtype {} is not one of real numbers up to 64 bits", Quoted(text)),
        };
        Ok(NumpyType { kind, size, big_endian })
    }

    /// Sets the byte order from numpy's sign for it.
    pub(super) fn set_byte_order(&mut self, sign: &str) -> Result<(), Fault> {
        self.big_endian = match sign {
            ">" => true,
            "<" | "=" | "|" => false,
            _ => return fault!("numpy byte order {}", Quoted(sign)),
        };
        Ok(())
    }

    /// The float format, if it is one.
    pub(super) fn float(self) -> Option<DType> {
        match (self.kind, self.size) {
            (NumberKind::Float, 8) => Some(DType::F64),
            (NumberKind::Float, 4) => Some(DType::F32),
            (NumberKind::Float, 2) => Some(DType::F16),
            _ => None,
        }
    }

    /// numpy's name, for errors.
    pub(super) fn name(self) -> String {
        match self.kind {
            NumberKind::Bool => "bool".to_owned(),
            NumberKind::Signed => format!("int{}", 8 * self.size),
            NumberKind::Unsigned => format!("uint{}", 8 * self.size),
            NumberKind::Float => format!("float{}", 8 * self.size),
        }
    }
}

/// A number of an array or list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Kept apart because it prints with fewer digits.
    Float32(f32),
}

/// A numpy array over a buffer that it may share.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) dtype: NumpyType,
    pub(super) shape: Vec<u64>,
    /// For each axis, how many values apart its neighbours lie in `data`.
    strides: Vec<usize>,
    /// Exactly the values, in the order and byte order that the pickle has them.
    data: Bytes,
}

/// In which order an array's buffer runs through its axes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order<'a> {
    /// The last axis fastest.
    C,
    /// The first axis fastest.
    Fortran,
    /// C order in the shape given; then axis `i` of the array is axis `axes[i]` of that shape.
    Transposed(&'a [u64]),
}

impl Array {
    pub(super) fn new(
        dtype: NumpyType,
        shape: &[u64],
        order: Order<'_>,
        data: Bytes,
    ) -> Result<Array, Fault> {
        if shape.len() > MOST_DIMENSIONS {
            return fault!("an array of {} dimensions; numpy has at most {MOST_DIMENSIONS}", shape.len());
        }
        let needed = elements(shape).and_then(|n| n.checked_mul(dtype.size as u64));
        if needed != Some(data.len() as u64) {
            return fault!(
                "an array of shape {shape:?} and dtype {} cannot have {} bytes of data",
                dtype.name(),
                data.len()
            );
        }
        let (shape, strides) = match order {
            Order::C => (shape.to_vec(), c_strides(shape)),
            Order::Fortran => {
                let reversed: Vec<u64> = shape.iter().rev().copied().collect();
                let mut strides = c_strides(&reversed);
                strides.reverse();
                (shape.to_vec(), strides)
            }
            Order::Transposed(axes) => {
                let mut in_order = axes.to_vec();
                in_order.sort_unstable();
                if !in_order.iter().copied().eq(0..shape.len() as u64) {
                    return fault!("axes {axes:?} do not permute {} dimensions", shape.len());
                }
                let strides = c_strides(shape);
                axes.iter().map(|&axis| (shape[axis as usize], strides[axis as usize])).unzip()
            }
        };
        Ok(Array { dtype, shape, strides, data })
    }

    /// Bytes that shape and strides take.
    pub(super) fn description_bytes(&self) -> usize {
        8 * (self.shape.capacity() + self.strides.capacity())
    }

    /// The values in C order, little-endian: the buffer itself where it is so already.
    pub(super) fn to_c_order(&self, meter: &mut Meter) -> Result<Bytes, Fault> {
        let size = self.dtype.size;
        let swap = self.dtype.big_endian && size > 1;
        if !swap && self.is_c_order() {
            return Ok(self.data.clone());
        }
        meter.charge(self.data.len() + OVERHEAD)?;
        let mut target = Vec::with_capacity(self.data.len());
        match size {
            1 => self.copy::<1>(&mut target, swap),
            2 => self.copy::<2>(&mut target, swap),
            4 => self.copy::<4>(&mut target, swap),
            _ => self.copy::<8>(&mut target, swap),
        }
        Ok(Bytes::from(target))
    }

    fn is_c_order(&self) -> bool {
        let expected = c_strides(&self.shape);
        let mut axes = self.shape.iter().zip(&self.strides).zip(&expected);
        // The stride of an axis with one value or none is never used.
        self.data.is_empty() || axes.all(|((&len, stride), expected)| len <= 1 || stride == expected)
    }

    fn copy<const N: usize>(&self, target: &mut Vec<u8>, swap: bool) {
        let (values, _) = self.data.as_chunks::<N>();
        let mut push = |value: &[u8; N]| {
            let mut value = *value;
            if swap {
                value.reverse();
            }
            target.extend_from_slice(&value);
        };
        // Axes of length 1 move nothing; without them every step of the odometer below at least doubles.
        let axes = self.shape.iter().zip(&self.strides).filter(|&(&len, _)| len > 1);
        let axes: Vec<(usize, usize)> = axes.map(|(&len, &stride)| (len as usize, stride)).collect();
        let Some((&(row_len, row_stride), outer)) = axes.split_last() else {
            values.iter().for_each(push);
            return;
        };
        let mut index = vec![0; outer.len()];
        let mut start = 0;
        for _ in 0..values.len() / row_len {
            (0..row_len).for_each(|i| push(&values[start + i * row_stride]));
            for (index, &(len, stride)) in index.iter_mut().zip(outer).rev() {
                *index += 1;
                start += stride;
                if *index < len {
                    break;
                }
                start -= stride * len;
                *index = 0;
            }
        }
    }

    /// The value at place `i` of the buffer: of an array with one axis, its value at `i`.
    pub(super) fn number(&self, i: usize) -> Option<Number> {
        let size = self.dtype.size;
        let mut value = [0; 8];
        let stored = self.data.get(i * size..(i + 1) * size)?;
        value[..size].copy_from_slice(stored);
        if self.dtype.big_endian {
            value[..size].reverse();
        }
        let bits = u64::from_le_bytes(value);
        Some(match (self.dtype.kind, size) {
            (NumberKind::Bool, _) => Number::Bool(bits != 0),
            (NumberKind::Unsigned, _) => Number::Int(i128::from(bits)),
            (NumberKind::Signed, _) => {
                let unused = 64 - 8 * size as u32;
                Number::Int(i128::from((bits << unused).cast_signed() >> unused))
            }
            (NumberKind::Float, 2) => Number::Float32(half::f16::from_bits(bits as u16).to_f32()),
            (NumberKind::Float, 4) => Number::Float32(f32::from_bits(bits as u32)),
            (NumberKind::Float, _) => Number::Float(f64::from_bits(bits)),
        })
    }
}

/// How many values apart neighbours lie on each axis in C order. For an empty shape the numbers mean
/// nothing, and are not used.
fn c_strides(shape: &[u64]) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = 1usize;
    for (axis, &len) in shape.iter().enumerate().rev() {
        strides[axis] = stride;
        stride = stride.wrapping_mul(len as usize);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[u16]) -> Bytes {
        values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn c_order(shape: &[u64], order: Order<'_>, data: &[u16]) -> (Vec<u64>, Vec<u16>) {
        let array = Array::new(NumpyType::parse("u2").unwrap(), shape, order, bytes(data)).unwrap();
        let values = array.to_c_order(&mut Meter::new(1 << 20)).unwrap();
        let values = values.as_chunks().0.iter().map(|v| u16::from_le_bytes(*v)).collect();
        (array.shape, values)
    }

    #[test]
    fn fortran_order() {
        // numpy.arange(6).reshape(2, 3): [[0, 1, 2], [3, 4, 5]].
        let (shape, values) = c_order(&[2, 3], Order::Fortran, &[0, 3, 1, 4, 2, 5]);
        assert_eq!((shape, values), (vec![2, 3], vec![0, 1, 2, 3, 4, 5]));
        // numpy.arange(12).reshape(2, 3, 2).ravel(order="F").
        let stored = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
        assert_eq!(c_order(&[2, 3, 2], Order::Fortran, &stored).1, (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn any_permutation_of_axes() {
        // numpy.arange(12).reshape(2, 3, 2).transpose(2, 0, 1).
        let (shape, values) = c_order(&[2, 3, 2], Order::Transposed(&[2, 0, 1]), &Vec::from_iter(0..12));
        assert_eq!(shape, [2, 2, 3]);
        assert_eq!(values, [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
        let twice = Order::Transposed(&[0, 0, 1]);
        let error = Array::new(NumpyType::parse("u2").unwrap(), &[2, 3, 2], twice, bytes(&[0; 12]));
        assert_eq!(error.unwrap_err().0, "axes [0, 0, 1] do not permute 3 dimensions");
    }

    #[test]
    fn c_order_and_single_axes_share_the_buffer() {
        let dtype = NumpyType::parse("<f4").unwrap();
        for (shape, order) in [
            (&[2u64, 3][..], Order::C),
            (&[6], Order::Fortran),
            (&[6, 1], Order::Fortran),
            (&[1, 6, 1], Order::Fortran),
        ] {
            let data = Bytes::from(vec![7; 24]);
            let array = Array::new(dtype, shape, order, data.clone()).unwrap();
            assert_eq!(array.to_c_order(&mut Meter::new(0)).unwrap().as_ptr(), data.as_ptr());
        }
    }

    #[test]
    fn big_endian_is_swapped_and_scalars_are_read() {
        let dtype = NumpyType::parse(">i4").unwrap();
        let array =
            Array::new(dtype, &[2], Order::C, vec![0xff, 0xff, 0xff, 0xfe, 0, 0, 1, 0].into()).unwrap();
        assert_eq!(array.number(0), Some(Number::Int(-2)));
        assert_eq!(array.number(1), Some(Number::Int(256)));
        assert_eq!(array.number(2), None);
        let little = array.to_c_order(&mut Meter::new(1 << 10)).unwrap();
        assert_eq!(&little[..], [0xfe, 0xff, 0xff, 0xff, 0, 1, 0, 0]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let dtype = NumpyType::parse("f8").unwrap();
        let error = Array::new(dtype, &[u64::MAX, 4], Order::C, Bytes::new()).unwrap_err();
        assert_eq!(
            error.0,
            "an array of shape [18446744073709551615, 4] and dtype float64 cannot have 0 bytes of data"
        );
        assert!(NumpyType::parse("O8").unwrap_err().0.contains("`O8`"));
        // A zero among the lengths makes the array empty, whatever the others.
        let empty = Array::new(dtype, &[u64::MAX, 0, u64::MAX], Order::Fortran, Bytes::new()).unwrap();
        assert!(empty.to_c_order(&mut Meter::new(0)).unwrap().is_empty());
    }
}
