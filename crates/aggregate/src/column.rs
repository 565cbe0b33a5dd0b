//! Rules that look at one coordinate at a time: sort its N values, combine some of them.
#![allow(unsafe_code)]

use std::sync::Arc;

use crate::lanes::{Isa, Kernel, Lanes};
use crate::mean::is_finite;
use crate::sorter::{Sorter, Wires};
use crate::tiles::{STEP, Tile};

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
            ColumnRule::SignMajority
            | ColumnRule::WeightedMedian { .. }
            | ColumnRule::WeightedTrimmedMean { .. } => Sorter::none(isa, n),
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
        let wires = sorter.wires();
        Columns { isa, rule, n, sorter, wires }
    }

    /// Writes the rule's result for every coordinate of the tile to `out`, as long as the tile. Returns false if a
    /// value may have been non-finite.
    pub(crate) fn apply(&mut self, tile: &Tile<'_>, out: &mut [f32]) -> bool {
        assert!(out.len() == tile.len && tile.rows().len() == self.n);
        self.isa.run(Apply { columns: self, rows: tile.rows(), out })
    }
}

struct Apply<'a> {
    columns: &'a mut Columns,
    rows: &'a [*const f32],
    out: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    type Output = bool;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> bool {
        let Columns { ref rule, n, ref sorter, ref mut wires, .. } = *self.columns;
        // SAFETY: the rows and `out` hold out.len() values, a multiple of V::WIDTH; the wires are the sorter's.
        unsafe {
            let mut check = Check::<V>::new();
            for c in (0..self.out.len()).step_by(STEP) {
                for (group, rows) in self.rows.chunks(CHECKED).enumerate() {
                    for part in 0..STEP / V::WIDTH {
                        let values = sorter.values::<V>(wires, part).add(group * CHECKED * V::WIDTH);
                        check.see_rows(rows, c + part * V::WIDTH, |i, x| x.store(values.add(i * V::WIDTH)));
                    }
                }
                for part in 0..STEP / V::WIDTH {
                    sorter.run::<V>(sorter.buffer::<V>(wires, part));
                    let result = finish::<V>(rule, n, sorter.values::<V>(wires, part));
                    result.store(self.out.as_mut_ptr().add(c + part * V::WIDTH));
                }
            }
            check.is_finite()
        }
    }
}

/// Rows that a [`Check`] takes in at a time.
pub(crate) const CHECKED: usize = 4;

/// Sums that stay finite only if all values are, several so that additions need not wait for each other.
pub(crate) struct Check<V>([V; CHECKED]);

// SAFETY of every block below: as `Lanes`.
impl<V: Lanes> Check<V> {
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Check([unsafe { V::splat(0.0) }; CHECKED])
    }

    /// Takes in the values at `c` of up to [`CHECKED`] rows, and hands them on with their places among these.
    #[inline(always)]
    pub(crate) unsafe fn see_rows(&mut self, rows: &[*const f32], c: usize, mut each: impl FnMut(usize, V)) {
        let mut see = |i: usize, row: *const f32| {
            let x = unsafe { V::load(row.add(c)) };
            self.0[i] = unsafe { self.0[i].add(x) };
            each(i, x);
        };
        // Written out where all rows are there: the sums then stay in registers.
        if let &[a, b, c, d] = rows {
            see(0, a);
            see(1, b);
            see(2, c);
            see(3, d);
        } else {
            rows.iter().enumerate().for_each(|(i, row)| see(i, *row));
        }
    }

    #[inline(always)]
    pub(crate) unsafe fn is_finite(&self) -> bool {
        let [a, b, c, d] = self.0;
        unsafe { is_finite(a.add(b).add(c.add(d))) }
    }
}

/// The rule's result from the sorted (or, for the median, middle) values of `n` at `p`.
///
/// # Safety
/// As [`Lanes`]; `p` holds `n` vectors.
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
            ColumnRule::WeightedMedian { weights } => by_lane::<V>(n, p, |column| {
                let total: f64 = weights.iter().sum();
                let mut below = 0.0;
                for (x, i) in column {
                    below += weights[*i];
                    if below >= total / 2.0 {
                        return f64::from(*x);
                    }
                }
                f64::from(column[n - 1].0)
            }),
            ColumnRule::WeightedTrimmedMean { weights, ratio } => by_lane::<V>(n, p, |column| {
                let total: f64 = weights.iter().sum();
                let (low, high) = (ratio * total, total - ratio * total);
                let (mut below, mut sum, mut kept) = (0.0, 0.0, 0.0);
                for (x, i) in column {
                    let above = below + weights[*i];
                    let part = (above.min(high) - f64::max(below, low)).max(0.0);
                    sum += part * f64::from(*x);
                    kept += part;
                    below = above;
                }
                sum / kept
            }),
        }
    }
}

/// A rule for the values of one lane in ascending order, each with its row; equal values in the order of rows.
#[inline(always)]
unsafe fn by_lane<V: Lanes>(n: usize, p: *const f32, rule: impl Fn(&[(f32, usize)]) -> f64) -> V {
    let mut out = [0.0f32; STEP];
    let mut column = Vec::with_capacity(n);
    for (lane, out) in out.iter_mut().enumerate().take(V::WIDTH) {
        column.clear();
        // SAFETY: there are n vectors at p. Adding 0 makes -0.0 to +0.0.
        column.extend((0..n).map(|i| (unsafe { p.add(i * V::WIDTH + lane).read() } + 0.0, i)));
        column.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        *out = rule(&column) as f32 + 0.0;
    }
    // SAFETY: `out` has at least WIDTH values.
    unsafe { V::load(out.as_ptr()) }
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
