//! Weighted sums of rows.
#![allow(unsafe_code)]

use crate::DType;
use crate::format::{Bf16, F16, F32, F64, Format};
use crate::lanes::{Isa, Kernel, LINE, Lanes, prefetch};
use crate::tiles::Tile;

/// Coordinates whose f64 sums are kept in the first-level cache at a time.
const CHUNK: usize = 2048;
/// Rows that are added in one walk over these sums.
const ROWS: usize = 8;

/// Writes `sum of w_i x_i / total` to `out`, as long as the tile: sums in f64, rows in order. Returns false if a
/// value may have been non-finite.
pub(crate) fn weighted_mean(isa: Isa, tile: &Tile<'_>, weights: &[f64], total: f64, out: &mut [f32]) -> bool {
    assert!(out.len() == tile.len && tile.native_rows().len() == weights.len());
    isa.run(WeightedMean { rows: tile.native_rows(), dtype: tile.dtype, weights, total, out })
}

/// Adds w x to `sums`, as long as the tile of one row. Returns false if a value may have been non-finite.
pub(crate) fn add_weighted(isa: Isa, tile: &Tile<'_>, weight: f64, sums: &mut [f64]) -> bool {
    assert!(sums.len() == tile.len && tile.native_rows().len() == 1);
    isa.run(AddWeighted { row: tile.native_rows()[0], dtype: tile.dtype, weight, sums })
}

struct AddWeighted<'a> {
    row: *const u8,
    dtype: DType,
    weight: f64,
    sums: &'a mut [f64],
}

impl Kernel for AddWeighted<'_> {
    type Output = bool;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> bool {
        let AddWeighted { row, dtype, weight, sums } = self;
        // SAFETY: the caller's; the row holds sums.len() values of `dtype`, a multiple of V::WIDTH.
        unsafe {
            match dtype {
                DType::F16 => add_row::<V, F16>(row, weight, sums),
                DType::BF16 => add_row::<V, Bf16>(row, weight, sums),
                DType::F32 => add_row::<V, F32>(row, weight, sums),
                DType::F64 => add_row::<V, F64>(row, weight, sums),
            }
        }
    }
}

#[inline(always)]
unsafe fn add_row<V: Lanes, F: Format>(row: *const u8, weight: f64, sums: &mut [f64]) -> bool {
    // SAFETY: the caller's.
    unsafe {
        let (weight, mut check) = (V::wide_splat(weight), V::splat(0.0));
        for c in (0..sums.len()).step_by(V::WIDTH) {
            let (x, sum) = (F::load::<V>(row, c), sums.as_mut_ptr().add(c));
            check = check.add(x);
            V::wide_store(V::wide_add(V::wide_load(sum), V::wide_mul(weight, x.widen())), sum);
        }
        is_finite(check)
    }
}

/// Writes sums / total to `out`.
pub(crate) fn divide(isa: Isa, sums: &[f64], total: f64, out: &mut [f32]) {
    assert!(sums.len() == out.len());
    isa.run(Divide { sums, total, out });
}

struct Divide<'a> {
    sums: &'a [f64],
    total: f64,
    out: &'a mut [f32],
}

impl Kernel for Divide<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let Divide { sums, total, out } = self;
        let whole = out.len() / V::WIDTH * V::WIDTH;
        for c in (0..whole).step_by(V::WIDTH) {
            // SAFETY: both hold `whole` values.
            unsafe {
                let mean = V::wide_div(V::wide_load(sums.as_ptr().add(c)), V::wide_splat(total));
                V::narrow(mean).store(out.as_mut_ptr().add(c));
            }
        }
        for (out, sum) in out[whole..].iter_mut().zip(&sums[whole..]) {
            *out = (sum / total) as f32 + 0.0;
        }
    }
}

struct WeightedMean<'a> {
    rows: &'a [*const u8],
    dtype: DType,
    weights: &'a [f64],
    total: f64,
    out: &'a mut [f32],
}

impl Kernel for WeightedMean<'_> {
    type Output = bool;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> bool {
        // SAFETY: the caller's; the rows hold values of `dtype`.
        unsafe {
            match self.dtype {
                DType::F16 => self.run_as::<V, F16>(),
                DType::BF16 => self.run_as::<V, Bf16>(),
                DType::F32 => self.run_as::<V, F32>(),
                DType::F64 => self.run_as::<V, F64>(),
            }
        }
    }
}

impl WeightedMean<'_> {
    #[inline(always)]
    unsafe fn run_as<V: Lanes, F: Format>(mut self) -> bool {
        let mut sums = [0.0f64; CHUNK];
        let sums = sums.as_mut_ptr();
        let (n, exact) = (self.rows.len(), self.weights.iter().all(|w| has_exact_products(*w)));
        let mut finite = true;
        // SAFETY: the rows and `out` hold out.len() values, a multiple of V::WIDTH; `sums` holds CHUNK of them.
        unsafe {
            for start in (0..self.out.len()).step_by(CHUNK) {
                let len = CHUNK.min(self.out.len() - start);
                for row in 0..n % ROWS {
                    finite &= self.add::<V, F, 1, false>(row, start, len, sums);
                }
                for first in (n % ROWS..n).step_by(ROWS) {
                    finite &= if exact {
                        self.add::<V, F, ROWS, true>(first, start, len, sums)
                    } else {
                        self.add::<V, F, ROWS, false>(first, start, len, sums)
                    };
                }
            }
        }
        finite
    }

    /// Adds K rows from `first` on to the sums of the coordinates from `start` on. The last rows make means of them at once:
    /// a division takes as long as memory does, and beside the loads it costs nothing. Returns false if a mean is not finite.
    #[inline(always)]
    unsafe fn add<V: Lanes, F: Format, const K: usize, const EXACT: bool>(
        &mut self,
        first: usize,
        start: usize,
        len: usize,
        sums: *mut f64,
    ) -> bool {
        let mut rows = [std::ptr::null(); K];
        let mut ahead = [std::ptr::null(); K];
        let last = first + K == self.rows.len();
        // SAFETY: the caller's.
        unsafe {
            let (total, mut check) = (V::wide_splat(self.total), V::splat(0.0));
            let mut weights = [V::wide_splat(0.0); K];
            for i in 0..K {
                rows[i] = self.rows[first + i];
                weights[i] = V::wide_splat(self.weights[first + i]);
                ahead[i] = self.ahead::<F>(first + i, start);
            }
            for part in 0..len / V::WIDTH {
                let (c, byte) = (part * V::WIDTH, part * V::WIDTH * F::SIZE);
                let mut sum = if first == 0 { V::wide_splat(0.0) } else { V::wide_load(sums.add(c)) };
                for i in 0..K {
                    // Of wider values the processor asks for enough by itself, and a request takes the place of a load.
                    if F::SIZE < size_of::<f32>() && byte.is_multiple_of(LINE) {
                        for line in (byte..byte + V::WIDTH * F::SIZE).step_by(LINE) {
                            prefetch(ahead[i].wrapping_add(line));
                        }
                    }
                    let x = F::load::<V>(rows[i], start + c).widen();
                    sum = if EXACT {
                        V::wide_add_exact_product(sum, weights[i], x)
                    } else {
                        V::wide_add(sum, V::wide_mul(weights[i], x))
                    };
                }
                if last {
                    let mean = V::narrow(V::wide_div(sum, total));
                    check = check.add(mean);
                    mean.store(self.out.as_mut_ptr().add(start + c));
                } else {
                    V::wide_store(sum, sums.add(c));
                }
            }
            is_finite(check)
        }
    }

    /// What is asked for while a row is added: the values of the row [`ROWS`] further on, or after the last row those of a
    /// first one in the next chunk.
    #[inline(always)]
    fn ahead<F: Format>(&self, row: usize, start: usize) -> *const u8 {
        let (row, n) = (row + ROWS, self.rows.len());
        self.rows[row % n].wrapping_add((start + row / n * CHUNK) * F::SIZE)
    }
}

/// Whether the product of a weight with any f32 is exact in f64: 29 significant bits and 24 make at most 53. Sample counts
/// are such weights, and 1.
fn has_exact_products(weight: f64) -> bool {
    weight.to_bits() & 0xff_ffff == 0 && (weight == 0.0 || weight >= 1e-100)
}

/// Whether all lanes are finite.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn is_finite<V: Lanes>(v: V) -> bool {
    let mut lanes = [0.0f32; 16];
    // SAFETY: WIDTH is at most 16.
    unsafe { v.store(lanes.as_mut_ptr()) };
    lanes.iter().all(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Update;
    use crate::tiles::{Access, Scratch};

    #[test]
    fn products_are_exact_up_to_29_bits_of_weight() {
        let exact =
            [0.0, 1.0, 3.0, 0.375, f64::from((1 << 29) - 1), f64::from((1 << 28) + 1), 2f64.powi(-300)];
        let inexact = [0.1, f64::from((1 << 29) + 1), 1.0 + f64::EPSILON, 2f64.powi(-400)];
        assert!(exact.into_iter().all(has_exact_products) && !inexact.into_iter().any(has_exact_products));
    }

    #[test]
    fn weights_with_exact_products_give_the_bits_of_products_and_sums() {
        let values = [1.000_000_1, -3.402_823e33, 1e-45, -7.006e-41, 0.1, 3.402_823e33, -0.0, 1.5e-20];
        let d = 2048 + 48;
        let weights: Vec<f64> =
            (0..19u32).map(|i| f64::from((i * i * 1_234_567) % (1 << 29)) / 8.0 + 1.0).collect();
        assert!(weights.iter().all(|w| has_exact_products(*w)));
        let rows: Vec<Vec<f32>> =
            (0..19).map(|i| (0..d).map(|c| values[(i * 5 + c * 3 + i * c / 7) % 8]).collect()).collect();
        let updates = Update::of_rows(&rows);
        let updates: Vec<&Update<'_>> = updates.iter().collect();
        let total: f64 = weights.iter().sum();
        let expected: Vec<u32> = (0..d)
            .map(|c| {
                let sum = rows.iter().zip(&weights).fold(0.0, |sum, (row, w)| sum + w * f64::from(row[c]));
                ((sum / total) as f32 + 0.0).to_bits()
            })
            .collect();
        let mut scratch = Scratch::default();
        let tile = scratch.tile(&updates, 0, d, Access::Native);
        for isa in Isa::available() {
            let mut out = vec![0.0; d];
            assert!(weighted_mean(isa, &tile, &weights, total, &mut out));
            assert_eq!(out.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), expected, "{isa:?}");
        }
    }
}
