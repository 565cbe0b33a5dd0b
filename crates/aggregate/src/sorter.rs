//! Sorting of N vectors lane by lane: straight-line networks where the build script wrote one, tables elsewhere.
#![allow(unsafe_code)]

use crate::lanes::{Isa, Kind, Lanes};
use crate::network::{self, Comparator};
use crate::tiles::STEP;

mod written {
    #![allow(clippy::erasing_op, clippy::identity_op)]
    include!(concat!(env!("OUT_DIR"), "/networks.rs"));
}

/// Sorts `n` vectors, each lane for itself; or only brings the middle one or two of them into place.
pub(crate) struct Sorter {
    isa: Isa,
    n: usize,
    /// Wires of the network; those that are not values are padding.
    wires: usize,
    /// How much of the padding is -inf and lies before the values. The rest is +inf and lies behind them.
    below: usize,
    code: Code,
}

enum Code {
    Line(unsafe fn(*mut f32)),
    Table(Vec<Comparator>),
    /// Blocks of [`BLOCK`] wires (the last one smaller), then what merges them.
    Blocks(Vec<unsafe fn(*mut f32)>, Vec<Comparator>),
}

/// The largest network that is written out.
const BLOCK: usize = 64;

impl Sorter {
    /// All values in ascending order.
    pub(crate) fn sort(isa: Isa, n: usize) -> Self {
        match line(isa, n, Which::Sort) {
            Some((wires, code)) => Sorter { isa, n, wires, below: 0, code },
            None => Self::blocks(isa, n, network::merge(n, BLOCK)).unwrap_or_else(|| Sorter {
                isa,
                n,
                wires: n,
                below: 0,
                code: Code::Table(network::sort(n)),
            }),
        }
    }

    /// The values number (n - 1) / 2 and n / 2 in their places; the others' places are unspecified.
    pub(crate) fn median(isa: Isa, n: usize) -> Self {
        match line(isa, n, Which::Median) {
            // As many wires below as above, or one less, and the middle stays the middle.
            Some((wires, code)) => Sorter { isa, n, wires, below: (wires - n) / 2, code },
            None => {
                let middle = (n - 1) / 2..n / 2 + 1;
                Self::blocks(isa, n, network::prune(&network::merge(n, BLOCK), n, middle)).unwrap_or_else(
                    || Sorter { isa, n, wires: n, below: 0, code: Code::Table(network::median(n)) },
                )
            }
        }
    }

    /// Written networks for blocks, and `merge` for what comes after them; if they are written for this machine.
    fn blocks(isa: Isa, n: usize, merge: Vec<Comparator>) -> Option<Self> {
        let (mut blocks, mut wires) = (Vec::new(), 0);
        for start in (0..n).step_by(BLOCK) {
            let (size, code) = line(isa, BLOCK.min(n - start), Which::Sort)?;
            let Code::Line(sort) = code else { return None };
            blocks.push(sort);
            wires = start + size;
        }
        Some(Sorter { isa, n, wires, below: 0, code: Code::Blocks(blocks, merge) })
    }

    /// Leaves the values as they are.
    pub(crate) fn none(isa: Isa, n: usize) -> Self {
        Sorter { isa, n, wires: n, below: 0, code: Code::Table(Vec::new()) }
    }

    /// Buffers for [`run`](Self::run) with the padding in place, where it stays: one for each vector of [`STEP`] lanes.
    pub(crate) fn wires(&self) -> Wires {
        let mut wires = Wires::new(self.wires);
        let width = self.isa.width();
        // SAFETY: the buffers have room for 16 lanes a wire.
        let flat = unsafe { std::slice::from_raw_parts_mut(wires.pointer(), wires.0.len() * STEP) };
        for part in flat.chunks_exact_mut(self.wires * width) {
            part[..self.below * width].fill(f32::NEG_INFINITY);
            part[self.below * width..(self.below + self.n) * width].fill(0.0);
        }
        wires
    }

    /// One of the buffers of [`wires`](Self::wires).
    ///
    /// # Safety
    /// `wires` is this sorter's, `V` its instruction set's, `part` below `STEP / V::WIDTH`.
    #[inline(always)]
    pub(crate) unsafe fn buffer<V: Lanes>(&self, wires: &mut Wires, part: usize) -> *mut f32 {
        // SAFETY: there are so many buffers.
        unsafe { wires.pointer().add(part * self.wires * V::WIDTH) }
    }

    /// Where the values begin in it.
    ///
    /// # Safety
    /// As [`buffer`](Self::buffer).
    #[inline(always)]
    pub(crate) unsafe fn values<V: Lanes>(&self, wires: &mut Wires, part: usize) -> *mut f32 {
        // SAFETY: the values lie within the buffer.
        unsafe { self.buffer::<V>(wires, part).add(self.below * V::WIDTH) }
    }

    /// Sorts the values of a buffer.
    ///
    /// # Safety
    /// `p` comes from this sorter's [`buffer`](Self::buffer), `V` is its instruction set's.
    #[inline(always)]
    pub(crate) unsafe fn run<V: Lanes>(&self, p: *mut f32) {
        match &self.code {
            // SAFETY: the function was chosen for the instruction set and has as many wires as the buffer.
            Code::Line(sort) => unsafe { sort(p) },
            // SAFETY: a table's wires are below n.
            Code::Table(table) => unsafe { compare_all::<V>(p, table) },
            Code::Blocks(blocks, merge) => {
                for (i, sort) in blocks.iter().enumerate() {
                    // SAFETY: as for a line; block i has its wires in the buffer.
                    unsafe { sort(p.add(i * BLOCK * V::WIDTH)) };
                }
                // SAFETY: a table's wires are below n.
                unsafe { compare_all::<V>(p, merge) };
            }
        }
    }
}

/// Runs a network in memory.
#[inline(always)]
unsafe fn compare_all<V: Lanes>(p: *mut f32, table: &[Comparator]) {
    for &(i, j) in table {
        // SAFETY: the caller's.
        unsafe {
            let (low, high) = (p.add(usize::from(i) * V::WIDTH), p.add(usize::from(j) * V::WIDTH));
            let (a, b) = (V::load(low), V::load(high));
            a.min(b).store(low);
            a.max(b).store(high);
        }
    }
}

enum Which {
    Sort,
    Median,
}

fn line(isa: Isa, n: usize, which: Which) -> Option<(usize, Code)> {
    #[cfg(target_arch = "x86_64")]
    {
        // An odd number of values has one middle, an even network two: both fit, as `below` rounds down.
        let wires = *written::SIZES.iter().find(|size| **size >= n)?;
        let function = match (isa.kind(), which) {
            (Kind::Avx512, Which::Sort) => written::avx512::sort(wires),
            (Kind::Avx512, Which::Median) => written::avx512::median(wires),
            (Kind::Avx2, Which::Sort) => written::avx2::sort(wires),
            (Kind::Avx2, Which::Median) => written::avx2::median(wires),
            (Kind::Portable, _) => None,
        };
        function.map(|f| (wires, Code::Line(f)))
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (isa, n, which);
        None
    }
}

/// Vectors of up to 16 lanes, aligned to cache lines.
pub(crate) struct Wires(Vec<Line>);

#[derive(Clone, Copy)]
#[repr(align(64))]
#[expect(dead_code, reason = "read and written through pointers")]
struct Line([f32; 16]);

impl Wires {
    /// So many, of +inf.
    pub(crate) fn new(count: usize) -> Self {
        Wires(vec![Line([f32::INFINITY; 16]); count])
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn pointer(&mut self) -> *mut f32 {
        self.0.as_mut_ptr().cast()
    }
}
