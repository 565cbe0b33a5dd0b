//! The rounds that are measured.

use std::hint::black_box;

use r3mes_aggregate::{DType, Update};
use rayon::prelude::*;

/// N updates of D roughly normal values, each in a buffer of its own.
pub(crate) struct Data {
    pub(crate) n: usize,
    pub(crate) d: usize,
    pub(crate) dtype: DType,
    pub(crate) rows: Vec<Vec<u8>>,
}

impl Data {
    pub(crate) fn new(n: usize, d: usize, dtype: DType) -> Self {
        let rows = (0..n).into_par_iter().map(|i| row(i as u64, d, dtype)).collect();
        Data { n, d, dtype, rows }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.n * self.d * self.dtype.size()
    }

    /// With weights 1, 2, 3, ...
    pub(crate) fn updates(&self) -> Vec<Update<'_>> {
        let mut updates = Vec::with_capacity(self.n);
        for (i, bytes) in self.rows.iter().enumerate() {
            let mut update = Update::new(i as u64, 1.0 + i as f64);
            update.push(self.dtype, bytes);
            updates.push(update);
        }
        updates
    }

    /// The F32 values of one coordinate.
    pub(crate) fn column(&self, c: usize) -> Vec<f32> {
        self.rows.iter().map(|row| f32::from_le_bytes(row.as_chunks::<4>().0[c])).collect()
    }

    /// One pass that does nothing but read, by all threads.
    pub(crate) fn read(&self) {
        let sum = self
            .rows
            .par_iter()
            .flat_map_iter(|bytes| bytes.chunks(1 << 20))
            .map(|bytes| {
                let lines = bytes.as_chunks::<64>().0.iter();
                let sums = lines.fold([0u64; 8], |mut sums, line| {
                    for (sum, word) in sums.iter_mut().zip(line.as_chunks::<8>().0) {
                        *sum ^= u64::from_le_bytes(*word);
                    }
                    sums
                });
                sums.iter().fold(0, |a, b| a ^ b)
            })
            .reduce(|| 0, |a, b| a ^ b);
        black_box(sum);
    }
}

/// The sum of four uniform values a coordinate.
fn row(seed: u64, d: usize, dtype: DType) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(dtype.size() * d);
    for _ in 0..d {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let sum: f32 = (0..4).map(|i| f32::from((state >> (16 * i)) as i16)).sum();
        let value = sum / 32768.0;
        match dtype {
            DType::F16 => bytes.extend_from_slice(&half::f16::from_f32(value).to_le_bytes()),
            DType::BF16 => bytes.extend_from_slice(&half::bf16::from_f32(value).to_le_bytes()),
            DType::F32 => bytes.extend_from_slice(&value.to_le_bytes()),
            DType::F64 => bytes.extend_from_slice(&f64::from(value).to_le_bytes()),
        }
    }
    bytes
}
