//! F16 to f32.
#![allow(unsafe_code)]

use half::f16;

use crate::lanes::{Isa, Kernel, Lanes};

/// Converts little-endian F16 values, as many as `out` holds. Exact, so it may differ between instruction sets in nothing
/// but the payload of a NaN.
pub(crate) fn convert(isa: Isa, bytes: &[u8], out: &mut [f32]) {
    assert!(bytes.len() == 2 * out.len());
    if cfg!(target_endian = "little") {
        isa.run(Convert { bytes, out });
    } else {
        remainder(bytes, out);
    }
}

/// Asks for the `len` bytes that follow `bytes` to be brought into the cache.
pub(crate) fn prefetch_after(isa: Isa, bytes: &[u8], len: usize) {
    isa.run(After { end: bytes.as_ptr().wrapping_add(bytes.len()), len });
}

struct After {
    end: *const u8,
    len: usize,
}

impl Kernel for After {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        for offset in (0..self.len).step_by(64) {
            // SAFETY: a prefetch needs no valid pointer.
            unsafe { V::prefetch(self.end.wrapping_add(offset).cast()) };
        }
    }
}

struct Convert<'a> {
    bytes: &'a [u8],
    out: &'a mut [f32],
}

impl Kernel for Convert<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let whole = self.out.len() / V::WIDTH * V::WIDTH;
        for c in (0..whole).step_by(V::WIDTH) {
            // SAFETY: both hold out.len() values.
            unsafe {
                V::load_f16(self.bytes.as_ptr().cast::<u16>().add(c)).store(self.out.as_mut_ptr().add(c))
            };
        }
        remainder(&self.bytes[2 * whole..], &mut self.out[whole..]);
    }
}

fn remainder(bytes: &[u8], out: &mut [f32]) {
    for (x, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *x = f16::from_le_bytes(*b).to_f32();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_converted_exactly_at_any_alignment() {
        let mut bytes = vec![0u8];
        bytes.extend((0..=u16::MAX).flat_map(u16::to_le_bytes));
        for isa in Isa::available() {
            let mut out = vec![1.0f32; 1 << 16];
            convert(isa, &bytes[1..], &mut out);
            for (bits, x) in (0..=u16::MAX).zip(out) {
                let expected = f16::from_bits(bits).to_f32();
                assert!(x.to_bits() == expected.to_bits() || (x.is_nan() && expected.is_nan()), "{bits:x}");
            }
        }
    }
}
