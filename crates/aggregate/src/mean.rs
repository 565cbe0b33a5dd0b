//! Weighted sums of rows.
#![allow(unsafe_code)]

use crate::lanes::{Isa, Kernel, Lanes};
use crate::tiles::Tile;

/// Coordinates whose f64 sums are kept in the first-level cache at a time.
const CHUNK: usize = 2048;
/// Rows that are added in one walk over these sums.
const ROWS: usize = 8;

/// Writes `sum of w_i x_i / total` to `out`, as long as the tile: sums in f64, rows in order. Returns false if a
/// value may have been non-finite.
pub(crate) fn weighted_mean(isa: Isa, tile: &Tile<'_>, weights: &[f64], total: f64, out: &mut [f32]) -> bool {
    assert!(out.len() == tile.len && tile.rows().len() == weights.len());
    isa.run(WeightedMean { rows: tile.rows(), weights, total, out })
}

struct WeightedMean<'a> {
    rows: &'a [*const f32],
    weights: &'a [f64],
    total: f64,
    out: &'a mut [f32],
}

impl Kernel for WeightedMean<'_> {
    type Output = bool;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> bool {
        let mut sums = [0.0f64; CHUNK];
        let sums = sums.as_mut_ptr();
        let mut finite = true;
        // SAFETY: the rows and `out` hold out.len() values, a multiple of V::WIDTH; `sums` holds CHUNK of them.
        unsafe {
            let total = V::wide_splat(self.total);
            for start in (0..self.out.len()).step_by(CHUNK) {
                let len = CHUNK.min(self.out.len() - start);
                for c in (0..len).step_by(V::WIDTH) {
                    V::wide_store(V::wide_splat(0.0), sums.add(c));
                }
                let mut groups = self.rows.chunks_exact(ROWS).zip(self.weights.chunks_exact(ROWS));
                for (rows, weights) in &mut groups {
                    let mut group = [std::ptr::null(); ROWS];
                    let mut factors = [V::wide_splat(0.0); ROWS];
                    for i in 0..ROWS {
                        group[i] = rows[i].add(start);
                        factors[i] = V::wide_splat(weights[i]);
                    }
                    for c in (0..len).step_by(V::WIDTH) {
                        let mut sum = V::wide_load(sums.add(c));
                        for i in 0..ROWS {
                            let x = V::load(group[i].add(c)).widen();
                            sum = V::wide_add(sum, V::wide_mul(factors[i], x));
                        }
                        V::wide_store(sum, sums.add(c));
                    }
                }
                let done = self.rows.len() / ROWS * ROWS;
                for (row, w) in self.rows[done..].iter().zip(&self.weights[done..]) {
                    let (row, w) = (row.add(start), V::wide_splat(*w));
                    for c in (0..len).step_by(V::WIDTH) {
                        let x = V::load(row.add(c)).widen();
                        let sum = V::wide_add(V::wide_load(sums.add(c)), V::wide_mul(w, x));
                        V::wide_store(sum, sums.add(c));
                    }
                }
                let mut check = V::splat(0.0);
                for c in (0..len).step_by(V::WIDTH) {
                    let mean = V::narrow(V::wide_div(V::wide_load(sums.add(c)), total));
                    check = check.add(mean);
                    mean.store(self.out.as_mut_ptr().add(start + c));
                }
                finite &= is_finite(check);
            }
        }
        finite
    }
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
