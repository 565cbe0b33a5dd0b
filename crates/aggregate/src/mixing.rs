//! Rows that are sums of rows, and the column rules over them, in one pass.
#![allow(unsafe_code)]

use crate::column::{ColumnRule, finish};
use crate::lanes::{Isa, Kernel, Lanes};
use crate::panel::{self, Ahead, Check, Fetcher};
use crate::sorter::{Sorter, Wires};
use crate::tiles::{STEP, Tile};

/// Rows that are added first among themselves.
const GROUP: usize = 4;
/// Mixed rows that are summed at the same time.
const ABREAST: usize = 4;
/// All sums of some of them.
const SUBSETS: usize = 1 << GROUP;

/// M rows as linear combinations of N, in f32.
///
/// y_i = s_0 + s_1 + ..., where s_g is the sum, from +0.0 on and in order, of the products c_ij x_j (each rounded to
/// f32) of those j in 4g..4g+4 for which c_ij is not zero; kept within the range of f32. If all rows that use x_j use
/// it with one factor, as nearest-neighbour mixing does, the 16 possible sums of each group are made once for all i.
#[derive(Clone, Debug)]
pub(crate) struct Mixing {
    rows: usize,
    columns: usize,
    factors: Vec<f32>,
    /// The one factor of each column, and for each row and group the subset that it uses.
    shared: Option<(Vec<f32>, Vec<u8>)>,
}

impl Mixing {
    pub(crate) fn new(coefficients: &[Vec<f64>]) -> Self {
        let (rows, columns) = (coefficients.len(), coefficients[0].len());
        let factors: Vec<f32> = coefficients.iter().flatten().map(|c| *c as f32).collect();
        let mut shared = vec![0.0; columns];
        let mut is_shared = true;
        let groups = columns.div_ceil(GROUP);
        let mut subsets = vec![0u8; rows * groups];
        for (i, row) in factors.chunks_exact(columns).enumerate() {
            for (j, factor) in row.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
                is_shared &= shared[j] == 0.0 || shared[j] == *factor;
                shared[j] = *factor;
                subsets[i * groups + j / GROUP] |= 1 << (j % GROUP);
            }
        }
        Mixing { rows, columns, factors, shared: is_shared.then_some((shared, subsets)) }
    }
}

/// A column rule over mixed rows, made ready for one instruction set; each thread has its own.
pub(crate) struct MixedColumns<'m> {
    isa: Isa,
    rule: ColumnRule,
    mixing: &'m Mixing,
    sorter: Sorter,
    wires: Wires,
    sums: Wires,
    /// The rows of a panel, `stride` values apart.
    panel: Wires,
    stride: usize,
}

impl<'m> MixedColumns<'m> {
    pub(crate) fn new(isa: Isa, rule: ColumnRule, mixing: &'m Mixing) -> Self {
        let sorter = rule.sorter(isa, mixing.rows);
        let wires = sorter.wires(STEP);
        let sums = Wires::new(mixing.columns.div_ceil(GROUP) * SUBSETS);
        let stride = panel::width(mixing.columns) + STEP;
        let panel = Wires::new(mixing.columns * stride / STEP);
        MixedColumns { isa, rule, mixing, sorter, wires, sums, panel, stride }
    }

    /// As [`Columns::apply`](crate::column::Columns::apply).
    pub(crate) fn apply(&mut self, tile: &Tile<'_>, out: &mut [f32]) -> bool {
        assert!(out.len() == tile.len && tile.native_rows().len() == self.mixing.columns);
        self.isa.run(Apply { columns: self, tile, out })
    }
}

struct Apply<'a, 'm> {
    columns: &'a mut MixedColumns<'m>,
    tile: &'a Tile<'a>,
    out: &'a mut [f32],
}

impl Kernel for Apply<'_, '_> {
    type Output = bool;

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) -> bool {
        let Apply { columns, tile, out } = self;
        let &mut MixedColumns { mixing, stride, .. } = columns;
        let (width, rows) = (panel::width(mixing.columns), columns.panel.pointer());
        let fetcher = Fetcher::new(tile, columns.sorter.count());
        // SAFETY: the rows and `out` hold out.len() values, a multiple of STEP, and the panel a panel of them.
        unsafe {
            let mut check = Check::<V>::new();
            for start in (0..out.len()).step_by(width) {
                let len = width.min(out.len() - start);
                panel::read::<V>(tile, start, len, &mut check, |i, part, x| {
                    x.store(rows.add(i * stride + part * V::WIDTH));
                });
                for c in (0..len).step_by(STEP) {
                    columns.step::<V>(rows.add(c), out.as_mut_ptr().add(start + c), &fetcher, start + c);
                }
            }
            check.is_finite()
        }
    }
}

impl MixedColumns<'_> {
    /// Writes the rule's result for the [`STEP`] coordinates at `rows`, as far apart as the panel's and in the tile from `c`
    /// on, to `out`.
    #[inline(always)]
    unsafe fn step<V: Lanes>(&mut self, rows: *const f32, out: *mut f32, fetcher: &Fetcher, c: usize) {
        let MixedColumns { ref rule, mixing, ref sorter, ref mut wires, ref mut sums, stride, .. } = *self;
        // SAFETY: the caller's; the wires are the sorter's, `sums` has SUBSETS vectors for every group of rows.
        unsafe {
            let ahead = fetcher.ahead(c, STEP, panel::width(mixing.columns));
            match &mixing.shared {
                Some((factors, _)) => subset_sums::<V>(rows, stride, factors, sums, ahead),
                None => (0..mixing.columns).for_each(|row| ahead.fetch(row)),
            }
            for part in 0..STEP / V::WIDTH {
                let values = sorter.values::<V>(wires, part);
                match &mixing.shared {
                    Some((_, subsets)) => mixing.mix_sums::<V>(sums_of::<V>(sums, part), subsets, values),
                    None => mixing.mix_rows::<V>(rows.add(part * V::WIDTH), stride, values),
                }
                sorter.run::<V>(sorter.buffer::<V>(wires, part), fetcher.none());
                finish::<V>(rule, mixing.rows, values).store(out.add(part * V::WIDTH));
            }
        }
    }
}

impl Mixing {
    /// Writes every mixed row from the sums of its groups' subsets.
    #[inline(always)]
    unsafe fn mix_sums<V: Lanes>(&self, sums: *const f32, subsets: &[u8], values: *mut f32) {
        let groups = self.columns.div_ceil(GROUP);
        // Several rows at a time, so that their sums do not wait for each other.
        let whole = self.rows / ABREAST * ABREAST;
        // SAFETY: as in `step`.
        unsafe {
            for i in (0..whole).step_by(ABREAST) {
                let y = rows_of_sums::<V, ABREAST>(sums, groups, &subsets[i * groups..]);
                for (k, y) in y.into_iter().enumerate() {
                    bounded(y).store(values.add((i + k) * V::WIDTH));
                }
            }
            for i in whole..self.rows {
                let [y] = rows_of_sums::<V, 1>(sums, groups, &subsets[i * groups..]);
                bounded(y).store(values.add(i * V::WIDTH));
            }
        }
    }

    /// Writes every mixed row from the rows themselves.
    #[inline(always)]
    unsafe fn mix_rows<V: Lanes>(&self, rows: *const f32, stride: usize, values: *mut f32) {
        // SAFETY: as in `step`.
        unsafe {
            for (i, factors) in self.factors.chunks_exact(self.columns).enumerate() {
                bounded(combination::<V>(rows, stride, factors)).store(values.add(i * V::WIDTH));
            }
        }
    }
}

/// The sums of one of the vectors of [`STEP`] lanes.
#[inline(always)]
unsafe fn sums_of<V: Lanes>(sums: &mut Wires, part: usize) -> *mut f32 {
    let vectors = sums.count();
    // SAFETY: there is room for STEP lanes a sum.
    unsafe { sums.pointer().add(part * vectors * V::WIDTH) }
}

/// So many mixed rows, from the sums of each group's subsets.
#[inline(always)]
unsafe fn rows_of_sums<V: Lanes, const K: usize>(sums: *const f32, groups: usize, subsets: &[u8]) -> [V; K] {
    let subsets = &subsets[..K * groups];
    // SAFETY: there are SUBSETS vectors for each group at `sums`, and every subset is below SUBSETS.
    unsafe {
        let sum = |k: usize, g: usize| {
            let subset = usize::from(*subsets.get_unchecked(k * groups + g));
            V::load(sums.add((g * SUBSETS + subset) * V::WIDTH))
        };
        // No sum is -0.0, so that 0 need not be added to the first.
        let mut y: [V; K] = std::array::from_fn(|k| sum(k, 0));
        for g in 1..groups {
            for (k, y) in y.iter_mut().enumerate() {
                *y = y.add(sum(k, g));
            }
        }
        y
    }
}

/// Keeps sums that rounding has carried beyond the range of f32 within it.
#[inline(always)]
unsafe fn bounded<V: Lanes>(y: V) -> V {
    // SAFETY: as `Lanes`.
    unsafe { y.min(V::splat(f32::MAX)).max(V::splat(f32::MIN)) }
}

/// Writes the sums of all subsets of each group, for [`STEP`] coordinates, and asks for what lies `ahead` of the rows.
#[inline(always)]
unsafe fn subset_sums<V: Lanes>(
    rows: *const f32,
    stride: usize,
    factors: &[f32],
    sums: &mut Wires,
    ahead: Ahead,
) {
    // SAFETY: as in `step`.
    unsafe {
        let zero = V::splat(0.0);
        for (g, factors) in factors.chunks(GROUP).enumerate() {
            (0..factors.len()).for_each(|i| ahead.fetch(g * GROUP + i));
            for part in 0..STEP / V::WIDTH {
                let group = sums_of::<V>(sums, part).add(g * SUBSETS * V::WIDTH);
                let row = |i: usize| rows.add((g * GROUP + i) * stride + part * V::WIDTH);
                let mut products = [zero; GROUP];
                for (i, (product, factor)) in products.iter_mut().zip(factors).enumerate() {
                    *product = V::load(row(i)).mul(V::splat(*factor));
                }
                // The second half of the sums is needed by no other sum: it need not stay in registers.
                let mut subset = [zero; SUBSETS / 2];
                zero.store(group);
                for (i, product) in products.into_iter().enumerate() {
                    for s in 0..1 << i {
                        let (sum, place) = (subset[s].add(product), s | 1 << i);
                        sum.store(group.add(place * V::WIDTH));
                        if place < SUBSETS / 2 {
                            subset[place] = sum;
                        }
                    }
                }
            }
        }
    }
}

/// One mixed row with factors of its own.
#[inline(always)]
unsafe fn combination<V: Lanes>(rows: *const f32, stride: usize, factors: &[f32]) -> V {
    // SAFETY: as in `step`.
    unsafe {
        let mut y = V::splat(0.0);
        for (g, factors) in factors.chunks(GROUP).enumerate() {
            let mut sum = V::splat(0.0);
            for (i, factor) in factors.iter().enumerate() {
                if *factor != 0.0 {
                    let x = V::load(rows.add((g * GROUP + i) * stride));
                    sum = sum.add(x.mul(V::splat(*factor)));
                }
            }
            y = y.add(sum);
        }
        y
    }
}
