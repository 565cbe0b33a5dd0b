//! Panels: the values of all rows in so few coordinates that they lie in the first-level cache while a rule walks across
//! them.
//!
//! The processor fetches ahead along a few rows only, and rows that lie a multiple of a page apart drive each other out of
//! the cache. So each row is read for a whole panel at a time, and while one panel is worked on the next is asked for.
#![allow(unsafe_code)]

use crate::DType;
use crate::format::{Bf16, F16, F32, F64, Format};
use crate::lanes::{LINE, Lanes, prefetch};
use crate::mean::is_finite;
use crate::tiles::{STEP, Tile};

/// Values of a panel, over all rows: a third of a first-level cache of 48 KiB.
const VALUES: usize = 4096;

/// How many coordinates a panel of `n` rows has at most: a multiple of [`STEP`].
pub(crate) fn width(n: usize) -> usize {
    (VALUES / n / STEP * STEP).clamp(4 * STEP, 16 * STEP)
}

/// Bytes that a thread needs at most for a panel of `n` rows: itself, the three times as much in which tagged values are sorted,
/// and the sums of subsets.
pub(crate) fn memory(n: usize) -> usize {
    1344 * n.max(64)
}

/// Calls `each` with every vector of every row in the `len` coordinates from `c` on, with the number of the row and that of
/// the vector.
///
/// # Safety
/// As [`Lanes`]; the tile has these coordinates, and `len` is a multiple of [`STEP`].
#[inline(always)]
pub(crate) unsafe fn read<V: Lanes>(
    tile: &Tile<'_>,
    c: usize,
    len: usize,
    check: &mut Check<V>,
    each: impl FnMut(usize, usize, V),
) {
    // SAFETY: the caller's.
    unsafe {
        match tile.dtype {
            DType::F16 => read_as::<V, F16>(tile, c, len, check, each),
            DType::BF16 => read_as::<V, Bf16>(tile, c, len, check, each),
            DType::F32 => read_as::<V, F32>(tile, c, len, check, each),
            DType::F64 => read_as::<V, F64>(tile, c, len, check, each),
        }
    }
}

#[inline(always)]
unsafe fn read_as<V: Lanes, F: Format>(
    tile: &Tile<'_>,
    c: usize,
    len: usize,
    check: &mut Check<V>,
    mut each: impl FnMut(usize, usize, V),
) {
    for (i, row) in tile.native_rows().iter().enumerate() {
        // SAFETY: the row has these values.
        unsafe { check.see::<F>(*row, c, len / V::WIDTH, |part, x| each(i, part, x)) };
    }
}

/// How many coordinates before they are read the last values of a panel are asked for.
const AHEAD: usize = 4 * STEP;

/// The rows of a tile, to be asked for while a panel is worked on, a line at a time: the processor forgets what it is asked for
/// when too much is on its way.
pub(crate) struct Fetcher {
    rows: Vec<*const u8>,
    /// As many pointers to something that is near.
    none: Vec<*const u8>,
    len: usize,
    size: usize,
}

/// One line of each row.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    rows: *const *const u8,
    byte: usize,
}

impl Fetcher {
    /// For loops over so many `wires`; those that stand for no row ask for the first one's again.
    pub(crate) fn new(tile: &Tile<'_>, wires: usize) -> Self {
        let mut rows = tile.native_rows().to_vec();
        let near = tile.native_rows().as_ptr().cast();
        let wires = wires.max(rows.len());
        rows.resize(wires, rows[0]);
        Fetcher { rows, none: vec![near; wires], len: tile.len, size: tile.dtype.size() }
    }

    /// What is to be asked for while `lanes` coordinates from `c` on are worked on, in panels of `width`: those of the panel
    /// after it, and a little more.
    #[inline(always)]
    pub(crate) fn ahead(&self, c: usize, lanes: usize, width: usize) -> Ahead {
        let c = c + width + AHEAD;
        let lines = (c * self.size).div_ceil(LINE)..((c + lanes) * self.size).div_ceil(LINE);
        if c >= self.len || lines.is_empty() {
            return self.none();
        }
        for line in lines.start + 1..lines.end {
            self.rows.iter().for_each(|row| prefetch(row.wrapping_add(line * LINE)));
        }
        Ahead { rows: self.rows.as_ptr(), byte: lines.start * LINE }
    }

    /// Nothing.
    #[inline(always)]
    pub(crate) fn none(&self) -> Ahead {
        Ahead { rows: self.none.as_ptr(), byte: 0 }
    }
}

impl Ahead {
    /// Asks for the line of a row.
    ///
    /// # Safety
    /// The fetcher is still there, and `row` is below its number of wires.
    #[inline(always)]
    pub(crate) unsafe fn fetch(self, row: usize) {
        // SAFETY: there are so many pointers.
        prefetch(unsafe { *self.rows.add(row) }.wrapping_add(self.byte));
    }

    /// The same without the first rows.
    #[inline(always)]
    pub(crate) fn from(self, first: usize) -> Self {
        Ahead { rows: self.rows.wrapping_add(first), ..self }
    }
}

/// Sums that stay finite only if all values are, several so that additions need not wait for each other.
pub(crate) struct Check<V>([V; SUMS]);

const SUMS: usize = 4;

// SAFETY of every block below: as `Lanes`.
impl<V: Lanes> Check<V> {
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Check([unsafe { V::splat(0.0) }; SUMS])
    }

    /// Takes in so many vectors of a row from coordinate `c` on, and hands each on with its number.
    #[inline(always)]
    unsafe fn see<F: Format>(
        &mut self,
        row: *const u8,
        c: usize,
        vectors: usize,
        mut each: impl FnMut(usize, V),
    ) {
        // Copied, so that they stay in registers.
        let mut sums = self.0;
        let whole = vectors / SUMS * SUMS;
        for first in (0..whole).step_by(SUMS) {
            for (i, sum) in sums.iter_mut().enumerate() {
                let x = unsafe { F::load::<V>(row, c + (first + i) * V::WIDTH) };
                *sum = unsafe { sum.add(x) };
                each(first + i, x);
            }
        }
        for part in whole..vectors {
            let x = unsafe { F::load::<V>(row, c + part * V::WIDTH) };
            sums[0] = unsafe { sums[0].add(x) };
            each(part, x);
        }
        self.0 = sums;
    }

    #[inline(always)]
    pub(crate) unsafe fn is_finite(&self) -> bool {
        let [a, b, c, d] = self.0;
        unsafe { is_finite(a.add(b).add(c.add(d))) }
    }
}
