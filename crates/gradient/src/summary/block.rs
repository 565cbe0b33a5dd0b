//! The kernels: a block of values as float32 and as int8, and its sums. Written so that the compiler
//! turns each loop into vector code for the baseline target: no branches, no calls.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use r3mes_aggregate::DType;

use super::Sums;

/// Values in a block. The order of summation depends on it: see [`Statistics`](super::Statistics).
pub(super) const BLOCK: usize = 4096;
const LANES: usize = 16;

/// Up to [`BLOCK`] values of one tensor in the two forms that are hashed.
pub(super) struct Block {
    len: usize,
    float32: Box<[f32; BLOCK]>,
    float32_bytes: Box<[u8; 4 * BLOCK]>,
    int8: Box<[u8; BLOCK]>,
    halves: Box<[f16; BLOCK]>,
}

impl Block {
    pub(super) fn new() -> Block {
        Block {
            len: 0,
            float32: Box::new([0.0; BLOCK]),
            float32_bytes: Box::new([0; 4 * BLOCK]),
            int8: Box::new([0; BLOCK]),
            halves: Box::new([f16::ZERO; BLOCK]),
        }
    }

    /// Takes up to [`BLOCK`] little-endian values; gives the number of finite ones that float32 cannot
    /// hold.
    pub(super) fn load(&mut self, dtype: DType, bytes: &[u8]) -> u64 {
        let len = bytes.len() / dtype.size();
        self.len = len;
        let float32 = &mut self.float32[..len];
        let int8 = &mut self.int8[..len];
        match dtype {
            DType::F64 => {
                let mut overflow = 0;
                for ((v, f), i) in bytes.as_chunks().0.iter().zip(float32.iter_mut()).zip(int8) {
                    let v = f64::from_le_bytes(*v);
                    *f = v as f32;
                    *i = quantize_f64(v * 127.0);
                    overflow += u64::from(v.is_finite() & !f.is_finite());
                }
                return overflow;
            }
            DType::F32 => {
                for ((v, f), i) in bytes.as_chunks().0.iter().zip(float32.iter_mut()).zip(int8) {
                    *f = f32::from_le_bytes(*v);
                    *i = quantize(*f * 127.0);
                }
            }
            DType::F16 => {
                let halves = &mut self.halves[..len];
                for (v, h) in bytes.as_chunks().0.iter().zip(halves.iter_mut()) {
                    *h = f16::from_bits(u16::from_le_bytes(*v));
                }
                // The product of two binary16 values is exact in binary32, so rounding it once to
                // binary16 is the product in binary16.
                halves.convert_to_f32_slice(float32);
                float32.iter_mut().for_each(|f| *f *= 127.0);
                let mut products = [f16::ZERO; BLOCK];
                products[..len].convert_from_f32_slice(float32);
                products[..len].convert_to_f32_slice(float32);
                for (f, i) in float32.iter().zip(int8) {
                    *i = quantize(*f);
                }
                halves.convert_to_f32_slice(float32);
            }
            DType::BF16 => {
                for ((v, f), i) in bytes.as_chunks().0.iter().zip(float32.iter_mut()).zip(int8) {
                    *f = f32::from_bits(u32::from(u16::from_le_bytes(*v)) << 16);
                    *i = quantize(bf16::from_f32(*f * 127.0).to_f32());
                }
            }
        }
        0
    }

    /// The values as int8, each in two's complement.
    pub(super) fn int8(&self) -> &[u8] {
        &self.int8[..self.len]
    }

    /// The values as little-endian float32.
    pub(super) fn float32_bytes(&mut self) -> &[u8] {
        let bytes = &mut self.float32_bytes[..4 * self.len];
        for (b, f) in bytes.as_chunks_mut().0.iter_mut().zip(self.float32.iter()) {
            *b = f.to_le_bytes();
        }
        bytes
    }

    /// The block's sums, in the fixed order that [`Statistics`](super::Statistics) documents.
    pub(super) fn sums(&self, overflow: u64) -> Sums {
        let mut lanes = Lanes::new();
        let (rows, rest) = self.float32[..self.len].as_chunks::<LANES>();
        rows.iter().for_each(|row| lanes.add(row));
        lanes.add(rest);
        Sums { elements: self.len as u64, overflow, ..lanes.sums() }
    }
}

/// `clip(round_half_even(product), -128, 127)`, NaN as 0, as the byte of an int8.
fn quantize(product: f32) -> u8 {
    // 1.5 * 2^23: a sum with it has a unit in the last place of 1, so the addition rounds half to even,
    // and the low byte of the sum's significand is the result in two's complement. Clipping first gives
    // the same result as clipping last, because both bounds are integers.
    const TO_INTEGER: f32 = 12_582_912.0;
    let number = if product.is_nan() { 0.0 } else { product };
    (number.clamp(-128.0, 127.0) + TO_INTEGER).to_bits() as u8
}

/// [`quantize`] for a product in binary64.
fn quantize_f64(product: f64) -> u8 {
    const TO_INTEGER: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    let number = if product.is_nan() { 0.0 } else { product };
    (number.clamp(-128.0, 127.0) + TO_INTEGER).to_bits() as u8
}

struct Lanes {
    sum: [f64; LANES],
    squares: [f64; LANES],
    min: [f32; LANES],
    max: [f32; LANES],
    non_finite: [u32; LANES],
    zeros: [u32; LANES],
}

impl Lanes {
    fn new() -> Lanes {
        Lanes {
            sum: [0.0; LANES],
            squares: [0.0; LANES],
            min: [f32::INFINITY; LANES],
            max: [f32::NEG_INFINITY; LANES],
            non_finite: [0; LANES],
            zeros: [0; LANES],
        }
    }

    #[inline(always)]
    fn add(&mut self, row: &[f32]) {
        for (lane, &v) in row.iter().take(LANES).enumerate() {
            let finite = v.is_finite();
            let value = f64::from(if finite { v } else { 0.0 });
            self.sum[lane] += value;
            self.squares[lane] += value * value;
            self.min[lane] = self.min[lane].min(if finite { v } else { f32::INFINITY });
            self.max[lane] = self.max[lane].max(if finite { v } else { f32::NEG_INFINITY });
            self.non_finite[lane] += u32::from(!finite);
            self.zeros[lane] += u32::from(v == 0.0);
        }
    }

    fn sums(mut self) -> Sums {
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                self.sum[lane] += self.sum[lane + width];
                self.squares[lane] += self.squares[lane + width];
            }
            width /= 2;
        }
        Sums {
            non_finite: self.non_finite.iter().map(|&n| u64::from(n)).sum(),
            zeros: self.zeros.iter().map(|&n| u64::from(n)).sum(),
            sum: self.sum[0],
            squares: self.squares[0],
            min: self.min.iter().fold(f32::INFINITY, |least, &v| least.min(v)),
            max: self.max.iter().fold(f32::NEG_INFINITY, |most, &v| most.max(v)),
            ..Sums::default()
        }
    }
}
