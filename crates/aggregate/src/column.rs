//! Rules that look at one coordinate at a time: sort its N values, combine some of them.
#![allow(unsafe_code)]

use std::sync::Arc;

use crate::lanes::{Isa, Kernel, Lanes};
use crate::panel::{self, Check, Fetcher};
use crate::sorter::{Sorter, Wires};
use crate::tiles::Tile;

/// A rule for one coordinate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ColumnRule {
    /// The middle value, or the mean of the middle two.
    Median,
    /// The mean without the `f` smallest and `f` largest.
    TrimmedMean { f: usize },
    /// The mean of the N - `f` values nearest the median.
    MeanAroundMedian { f: usize },
    /// The sign of the sum of the signs.
    SignMajority,
    /// The least value that, with all below it, has half of the weight.
    WeightedMedian { weights: Arc<[f64]> },
    /// The weighted mean without this share of the weight at each end.
    WeightedTrimmedMean { weights: Arc<[f64]>, ratio: f64 },
}

impl ColumnRule {
    /// What brings the values into the order that the rule needs.
    pub(crate) fn sorter(&self, isa: Isa, n: usize) -> Sorter {
        match self {
            ColumnRule::Median => Sorter::median(isa, n),
            ColumnRule::TrimmedMean { .. } | ColumnRule::MeanAroundMedian { .. } => Sorter::sort(isa, n),
            ColumnRule::WeightedMedian { weights } | ColumnRule::WeightedTrimmedMean { weights, .. } => {
                assert!(weights.len() == n, "every row has a weight");
                Sorter::tagged(isa, n)
            }
            ColumnRule::SignMajority => Sorter::none(isa, n),
        }
    }
}

/// A rule made ready for `n` values and one instruction set; each thread has its own.
pub(crate) struct Columns {
    isa: Isa,
    rule: ColumnRule,
    n: usize,
    sorter: Sorter,
    wires: Wires,
}

impl Columns {
    pub(crate) fn new(isa: Isa, rule: ColumnRule, n: usize) -> Self {
        let sorter = rule.sorter(isa, n);
        let wires = sorter.wires(panel::width(n));
        Columns { isa, rule, n, sorter, wires }
    }

    /// Writes the rule's result for every coordinate of the tile to `out`, as long as the tile. Returns false if a
    /// value may have been non-finite.
    pub(crate) fn apply(&mut self, tile: &Tile<'_>, out: &mut [f32]) -> bool {
        assert!(out.len() == tile.len && tile.native_rows().len() == self.n);
        self.isa.run(Apply { columns: self, tile, out })
    }
}

struct Apply<'a> {
    columns: &'a mut Columns,
    tile: &'a Tile<'a>,
    out: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    type Output = bool;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> bool {
        let Apply { columns, tile, out } = self;
        let Columns { ref rule, n, ref sorter, ref mut wires, .. } = *columns;
        let (width, fetcher) = (panel::width(n), Fetcher::new(tile, sorter.count()));
        // SAFETY: the rows and `out` hold out.len() values, a multiple of STEP; the wires are the sorter's, with a buffer
        // for each vector of a panel.
        unsafe {
            let mut check = Check::<V>::new();
            for start in (0..out.len()).step_by(width) {
                let len = width.min(out.len() - start);
                let (values, apart) = (sorter.values::<V>(wires, 0), sorter.apart::<V>());
                panel::read::<V>(tile, start, len, &mut check, |i, part, x| {
                    x.store(values.add(part * apart + i * V::WIDTH));
                });
                for part in 0..len / V::WIDTH {
                    let c = start + part * V::WIDTH;
                    let ahead = fetcher.ahead(c, V::WIDTH, width);
                    sorter.run::<V>(sorter.buffer::<V>(wires, part), ahead);
                    let result = finish::<V>(rule, n, sorter.values::<V>(wires, part));
                    result.store(out.as_mut_ptr().add(c));
                }
            }
            check.is_finite()
        }
    }
}

/// The rule's result from the values of `n` at `p`, as the rule's sorter has left them.
///
/// # Safety
/// As [`Lanes`]; `p` holds `n` vectors, and they were sorted.
#[inline(always)]
pub(crate) unsafe fn finish<V: Lanes>(rule: &ColumnRule, n: usize, p: *const f32) -> V {
    // SAFETY: every index is below n.
    unsafe {
        let value = |i: usize| V::load(p.add(i * V::WIDTH));
        match rule {
            ColumnRule::Median => middle(n, p),
            &ColumnRule::TrimmedMean { f } => {
                let mut sum = V::wide_splat(0.0);
                for i in f..n - f {
                    sum = V::wide_add(sum, value(i).widen());
                }
                V::narrow(V::wide_div(sum, V::wide_splat((n - 2 * f) as f64)))
            }
            &ColumnRule::MeanAroundMedian { f } => {
                let (kept, median) = (n - f, middle::<V>(n, p));
                let (mut sum, zero) = (V::wide_splat(0.0), V::splat(0.0));
                // The kept values are neighbours. A value is below them if it is further from the median than the
                // value `kept` places above it, which else is above them.
                for i in 0..n {
                    let mut x = value(i);
                    if i + kept < n {
                        x = median.sub(x).select_le(value(i + kept).sub(median), x, zero);
                    }
                    if i >= kept {
                        x = median.sub(value(i - kept)).select_le(value(i).sub(median), zero, x);
                    }
                    sum = V::wide_add(sum, x.widen());
                }
                V::narrow(V::wide_div(sum, V::wide_splat(kept as f64)))
            }
            ColumnRule::SignMajority => {
                let mut sum = V::splat(0.0);
                for i in 0..n {
                    sum = sum.add(sign(value(i)));
                }
                sign(sum)
            }
            ColumnRule::WeightedMedian { weights } => {
                let half = V::wide_splat(weights.iter().sum::<f64>() / 2.0);
                let (mut median, mut below) = (tagged::<V>(n, p, 0), V::wide_splat(0.0));
                for i in 0..n {
                    let x = tagged::<V>(n, p, i);
                    median = V::wide_select_lt(below, half, x, median);
                    below = V::wide_add(below, V::wide_gather(x, weights));
                }
                V::narrow(V::wide_untag(median))
            }
            ColumnRule::WeightedTrimmedMean { weights, ratio } => {
                let total: f64 = weights.iter().sum();
                let (low, high) = (V::wide_splat(ratio * total), V::wide_splat(total - ratio * total));
                let zero = V::wide_splat(0.0);
                let (mut below, mut sum, mut kept) = (zero, zero, zero);
                for i in 0..n {
                    let x = tagged::<V>(n, p, i);
                    let above = V::wide_add(below, V::wide_gather(x, weights));
                    let part = V::wide_sub(V::wide_min(above, high), V::wide_max(below, low));
                    let part = V::wide_max(part, zero);
                    sum = V::wide_add(sum, V::wide_mul(part, V::wide_untag(x)));
                    kept = V::wide_add(kept, part);
                    below = above;
                }
                V::narrow(V::wide_div(sum, kept))
            }
        }
    }
}

/// Value number `i` in ascending order, with its row as a tag, from where [`Sorter::tagged`] leaves it.
///
/// # Safety
/// As [`finish`]; `i` is below `n`.
#[inline(always)]
unsafe fn tagged<V: Lanes>(n: usize, p: *const f32, i: usize) -> V::Wide {
    // SAFETY: behind the n vectors at p lie as many of f64.
    unsafe { V::wide_load(p.add(n * V::WIDTH).cast::<f64>().add(i * V::WIDTH)) }
}

/// -1, +0 or 1.
#[inline(always)]
unsafe fn sign<V: Lanes>(x: V) -> V {
    // SAFETY: as `Lanes`.
    unsafe {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        x.select_le(zero, zero, one).sub(zero.select_le(x, zero, one))
    }
}

#[inline(always)]
unsafe fn middle<V: Lanes>(n: usize, p: *const f32) -> V {
    // SAFETY: both indices are below n.
    unsafe {
        let low = V::load(p.add((n - 1) / 2 * V::WIDTH));
        if n % 2 == 1 {
            return low.add(V::splat(0.0));
        }
        let high = V::load(p.add(n / 2 * V::WIDTH));
        V::narrow(V::wide_mul(V::wide_add(low.widen(), high.widen()), V::wide_splat(0.5)))
    }
}
