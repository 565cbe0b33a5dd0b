//! Sorting of N vectors lane by lane: straight-line networks where the build script wrote one, tables elsewhere.
#![allow(unsafe_code)]

use crate::lanes::{Isa, Kind, Lanes};
use crate::network::{self, Comparator};
use crate::panel::Ahead;
use crate::tiles::STEP;

mod written {
    #![allow(clippy::erasing_op, clippy::identity_op, clippy::similar_names, clippy::too_many_lines)]
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
    /// Written networks, each with its first wire, and what is left to be done after them.
    Written(Vec<(usize, Network)>, Vec<Comparator>),
    Table(Vec<Comparator>),
    /// Sorts the values with their numbers, as f64 in the space behind them.
    Tagged(Vec<Comparator>),
}

type Network = unsafe fn(*mut f32, Ahead);

/// Wires that are sorted by written networks before tables merge them: the most that written merges join.
const BLOCK: usize = 2 * written::BLOCK;

impl Sorter {
    /// All values in ascending order.
    pub(crate) fn sort(isa: Isa, n: usize) -> Self {
        match written(isa, n, Which::Sort) {
            Some((wires, networks)) => {
                Sorter { isa, n, wires, below: 0, code: Code::Written(networks, Vec::new()) }
            }
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
        match written(isa, n, Which::Median) {
            // As many wires below as above, or one less, and the middle stays the middle.
            Some((wires, networks)) => {
                let below = (wires - n) / 2;
                Sorter { isa, n, wires, below, code: Code::Written(networks, Vec::new()) }
            }
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
        let (mut all, mut wires) = (Vec::new(), 0);
        for start in (0..n).step_by(BLOCK) {
            let (size, networks) = written(isa, BLOCK.min(n - start), Which::Sort)?;
            all.extend(networks.into_iter().map(|(first, network)| (start + first, network)));
            wires = start + size;
        }
        Some(Sorter { isa, n, wires, below: 0, code: Code::Written(all, merge) })
    }

    /// All values in ascending order, equal ones in that of their numbers, each with its number: see [`Lanes::wide_tag`].
    /// They are left as they are, and the sorted ones lie as f64 behind them.
    pub(crate) fn tagged(isa: Isa, n: usize) -> Self {
        Sorter { isa, n, wires: 3 * n, below: 0, code: Code::Tagged(network::sort(n)) }
    }

    /// Leaves the values as they are.
    pub(crate) fn none(isa: Isa, n: usize) -> Self {
        Sorter { isa, n, wires: n, below: 0, code: Code::Table(Vec::new()) }
    }

    /// Buffers for [`run`](Self::run) with the padding in place, where it stays: one for each vector of `lanes` lanes, a
    /// multiple of [`STEP`].
    pub(crate) fn wires(&self, lanes: usize) -> Wires {
        let mut wires = Wires::new(self.wires * lanes / STEP);
        let width = self.isa.width();
        // SAFETY: each of the lines has STEP lanes.
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
    /// `wires` is this sorter's, `V` its instruction set's, `part` below the number of buffers.
    #[inline(always)]
    pub(crate) unsafe fn buffer<V: Lanes>(&self, wires: &mut Wires, part: usize) -> *mut f32 {
        // SAFETY: there are so many buffers.
        unsafe { wires.pointer().add(part * self.apart::<V>()) }
    }

    /// How many f32 a buffer holds.
    #[inline(always)]
    pub(crate) fn apart<V: Lanes>(&self) -> usize {
        self.wires * V::WIDTH
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

    /// Sorts the values of a buffer, and meanwhile asks for what lies `ahead` of as many rows as there are wires.
    ///
    /// # Safety
    /// `p` comes from this sorter's [`buffer`](Self::buffer), `V` is its instruction set's.
    #[inline(always)]
    pub(crate) unsafe fn run<V: Lanes>(&self, p: *mut f32, ahead: Ahead) {
        // SAFETY: a table's wires are below n. The networks were chosen for the instruction set, and the buffer has their
        // wires.
        unsafe {
            match &self.code {
                Code::Written(networks, rest) => {
                    for (first, network) in networks {
                        network(p.add(first * V::WIDTH), ahead.from(*first));
                    }
                    compare_all::<V>(p, rest);
                }
                Code::Table(table) => {
                    (0..self.n).for_each(|row| ahead.fetch(row));
                    compare_all::<V>(p, table);
                }
                Code::Tagged(table) => sort_tagged::<V>(p, self.n, table, ahead),
            }
        }
    }

    /// How many wires there are.
    pub(crate) fn count(&self) -> usize {
        self.wires
    }
}

/// Sorts `n` values with their numbers into the space behind them.
#[inline(always)]
unsafe fn sort_tagged<V: Lanes>(p: *const f32, n: usize, table: &[Comparator], ahead: Ahead) {
    // SAFETY: the caller's; behind n vectors of f32 there is room for as many of f64.
    unsafe {
        let tagged = p.add(n * V::WIDTH).cast::<f64>().cast_mut();
        let wire = |i: usize| tagged.add(i * V::WIDTH);
        for i in 0..n {
            ahead.fetch(i);
            // Adding 0 makes -0.0 to +0.0.
            let x = V::load(p.add(i * V::WIDTH)).add(V::splat(0.0));
            V::wide_store(V::wide_tag(x.widen(), i as u32), wire(i));
        }
        for &(i, j) in table {
            let (low, high) = (wire(usize::from(i)), wire(usize::from(j)));
            let (a, b) = (V::wide_load(low), V::wide_load(high));
            V::wide_store(V::wide_min(a, b), low);
            V::wide_store(V::wide_max(a, b), high);
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

#[derive(Clone, Copy)]
enum Which {
    Sort,
    Median,
    /// What remains of sorting once [`written::BLOCK`] wires and those behind them are in order.
    Merge,
    /// The same of bringing the middle into place.
    MergeToMedian,
}

/// The written networks for `n` values, one after the other, and how many wires they have together; None if there are none.
fn written(isa: Isa, n: usize, which: Which) -> Option<(usize, Vec<(usize, Network)>)> {
    // An odd number of values has one middle, an even network two: both fit, as `below` rounds down.
    let next = |sizes: &[usize]| sizes.iter().copied().find(|size| *size >= n);
    if let Some(wires) = next(written::SIZES) {
        return Some((wires, vec![(0, line(isa, wires, which)?)]));
    }
    let wires = next(written::MERGES)?;
    let first = (0, line(isa, written::BLOCK, Which::Sort)?);
    let second = (written::BLOCK, line(isa, wires - written::BLOCK, Which::Sort)?);
    let merge = match which {
        Which::Sort => Which::Merge,
        Which::Median => Which::MergeToMedian,
        Which::Merge | Which::MergeToMedian => return None,
    };
    Some((wires, vec![first, second, (0, line(isa, wires, merge)?)]))
}

/// The straight-line network of so many wires.
fn line(isa: Isa, wires: usize, which: Which) -> Option<Network> {
    #[cfg(target_arch = "x86_64")]
    match (isa.kind(), which) {
        (Kind::Avx512, Which::Sort) => written::avx512::sort(wires),
        (Kind::Avx512, Which::Median) => written::avx512::median(wires),
        (Kind::Avx512, Which::Merge) => written::avx512::merge(wires),
        (Kind::Avx512, Which::MergeToMedian) => written::avx512::merge_to_median(wires),
        (Kind::Avx2, Which::Sort) => written::avx2::sort(wires),
        (Kind::Avx2, Which::Median) => written::avx2::median(wires),
        (Kind::Avx2, Which::Merge) => written::avx2::merge(wires),
        (Kind::Avx2, Which::MergeToMedian) => written::avx2::merge_to_median(wires),
        (Kind::Portable, _) => None,
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (isa, wires, which);
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
