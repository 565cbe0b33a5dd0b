//! The formats in which values lie in memory, and their conversion to f32.
#![allow(unsafe_code)]

use half::{bf16, f16};

use crate::DType;
use crate::lanes::{Isa, Kernel, Lanes};

/// A format that the kernels read as it lies in memory.
pub(crate) trait Format {
    /// Bytes of a value.
    const SIZE: usize;

    /// The values from number `c` on.
    ///
    /// # Safety
    /// As [`Lanes`]; `row` holds `c + WIDTH` values, little-endian as the machine, at any alignment.
    unsafe fn load<V: Lanes>(row: *const u8, c: usize) -> V;
}

pub(crate) struct F32;
pub(crate) struct F16;
pub(crate) struct Bf16;
pub(crate) struct F64;

impl Format for F32 {
    const SIZE: usize = 4;

    #[inline(always)]
    unsafe fn load<V: Lanes>(row: *const u8, c: usize) -> V {
        // SAFETY: the caller's.
        unsafe { V::load(row.cast::<f32>().add(c)) }
    }
}

impl Format for F16 {
    const SIZE: usize = 2;

    #[inline(always)]
    unsafe fn load<V: Lanes>(row: *const u8, c: usize) -> V {
        // SAFETY: the caller's.
        unsafe { V::load_f16(row.cast::<u16>().add(c)) }
    }
}

impl Format for Bf16 {
    const SIZE: usize = 2;

    #[inline(always)]
    unsafe fn load<V: Lanes>(row: *const u8, c: usize) -> V {
        // SAFETY: the caller's.
        unsafe { V::load_bf16(row.cast::<u16>().add(c)) }
    }
}

impl Format for F64 {
    const SIZE: usize = 8;

    #[inline(always)]
    unsafe fn load<V: Lanes>(row: *const u8, c: usize) -> V {
        // SAFETY: the caller's.
        unsafe { V::load_f64(row.cast::<f64>().add(c)) }
    }
}

/// Writes little-endian values, as many as `out` holds, as f32: rounded to nearest even, which only F64 needs.
///
/// Instruction sets may differ in nothing but the payload of a NaN.
pub(crate) fn convert(isa: Isa, dtype: DType, bytes: &[u8], out: &mut [f32]) {
    assert!(bytes.len() == dtype.size() * out.len());
    if cfg!(target_endian = "little") {
        isa.run(Convert { dtype, bytes, out });
    } else {
        remainder(dtype, bytes, out);
    }
}

struct Convert<'a> {
    dtype: DType,
    bytes: &'a [u8],
    out: &'a mut [f32],
}

impl Kernel for Convert<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Convert { dtype, bytes, out } = self;
        let whole = out.len() / V::WIDTH * V::WIDTH;
        // SAFETY: both hold out.len() values; `load` reads them at any alignment.
        unsafe {
            match dtype {
                DType::F32 => convert_as::<V, F32>(bytes, &mut out[..whole]),
                DType::F16 => convert_as::<V, F16>(bytes, &mut out[..whole]),
                DType::BF16 => convert_as::<V, Bf16>(bytes, &mut out[..whole]),
                DType::F64 => convert_as::<V, F64>(bytes, &mut out[..whole]),
            }
        }
        remainder(dtype, &bytes[dtype.size() * whole..], &mut out[whole..]);
    }
}

#[inline(always)]
unsafe fn convert_as<V: Lanes, F: Format>(bytes: &[u8], out: &mut [f32]) {
    for c in (0..out.len()).step_by(V::WIDTH) {
        // SAFETY: the caller's.
        unsafe { F::load::<V>(bytes.as_ptr(), c).store(out.as_mut_ptr().add(c)) };
    }
}

fn remainder(dtype: DType, bytes: &[u8], out: &mut [f32]) {
    match dtype {
        DType::F32 => fill(out, bytes, f32::from_le_bytes),
        DType::F64 => fill(out, bytes, |b| f64::from_le_bytes(b) as f32),
        DType::F16 => fill(out, bytes, |b| f16::from_le_bytes(b).to_f32()),
        DType::BF16 => fill(out, bytes, |b| bf16::from_le_bytes(b).to_f32()),
    }
}

fn fill<const W: usize>(out: &mut [f32], bytes: &[u8], value: impl Fn([u8; W]) -> f32) {
    for (o, v) in out.iter_mut().zip(bytes.as_chunks::<W>().0) {
        *o = value(*v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Converts `bytes` from an odd address on every instruction set.
    fn check(dtype: DType, bytes: &[u8], expected: impl Fn(usize) -> f32) {
        let shifted: Vec<u8> = [0].iter().chain(bytes).copied().collect();
        for isa in Isa::available() {
            let mut out = vec![1.0f32; bytes.len() / dtype.size()];
            convert(isa, dtype, &shifted[1..], &mut out);
            for (i, x) in out.into_iter().enumerate() {
                let expected = expected(i);
                let same = x.to_bits() == expected.to_bits() || (x.is_nan() && expected.is_nan());
                assert!(same, "{dtype} value {i} on {isa:?}: {x:e} is not {expected:e}");
            }
        }
    }

    #[test]
    fn every_value_of_two_bytes_is_converted_exactly_at_any_alignment() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        check(DType::F16, &bytes, |i| f16::from_bits(i as u16).to_f32());
        check(DType::BF16, &bytes, |i| bf16::from_bits(i as u16).to_f32());
    }

    #[test]
    fn doubles_are_rounded_to_nearest_even() {
        let mut values: Vec<f64> =
            [0.0, -0.0, 1.0 + 2f64.powi(-24), 1.0 + 3.0 * 2f64.powi(-24), 1e-45, 1e-46, 3.5e38]
                .into_iter()
                .chain((0..1000).map(|i| f64::from(i).sin() * 10f64.powi(i % 80 - 46)))
                .collect();
        values.push(f64::NAN);
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        check(DType::F64, &bytes, |i| values[i] as f32);
    }
}
