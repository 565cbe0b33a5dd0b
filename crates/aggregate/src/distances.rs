//! The squared distances between all pairs of participants, in one pass over the data.
//!
//! A distance is summed from differences and not derived from norms and dot products, so that nearly equal vectors
//! far from the origin keep their distance. It depends on its pair alone, neither on the other participants nor on
//! a common centre that one of them could spoil.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use crate::lanes::{Isa, Kernel, Lanes, prefetch};
use crate::tiles::{Access, STEP, Scratch};
use crate::{AggregateError, Update};

/// Coordinates whose squares are summed in f32, lane by lane.
const BLOCK: usize = 1024;
/// Coordinates whose block sums are added in order.
const RUN: usize = 8 * BLOCK;
/// A smaller block sum may have lost squares to underflow: the block is summed again in f64.
const TINY: f64 = 1.0 / (1u128 << 80) as f64;

/// Squared Euclidean distances: symmetric, with a zero diagonal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Distances {
    points: usize,
    squared: Vec<f64>,
}

impl Distances {
    /// The number of points: participants, or one more with the origin.
    pub(crate) fn points(&self) -> usize {
        self.points
    }

    pub(crate) fn squared(&self, i: usize, j: usize) -> f64 {
        self.squared[i * self.points + j]
    }

    /// The distances of some of the first `n` points, and of whatever lies behind these.
    pub(crate) fn of(&self, chosen: &[usize], n: usize) -> Self {
        let at = |i: usize| chosen.get(i).copied().unwrap_or(n + i - chosen.len());
        Distances::from_fn(chosen.len() + self.points - n, |i, j| self.squared(at(i), at(j)))
    }

    pub(crate) fn from_fn(points: usize, squared: impl Fn(usize, usize) -> f64) -> Self {
        let mut all = vec![0.0; points * points];
        for i in 0..points {
            for j in 0..i {
                let d = squared(i, j);
                all[i * points + j] = d;
                all[j * points + i] = d;
            }
        }
        Distances { points, squared: all }
    }

    /// Measures what `scope` asks for, in one pass. The first `known` participants have been measured among each other
    /// before: what is between them stays 0.
    ///
    /// A distance depends on nothing but its two ends, so it is the same bits whenever it is measured.
    pub(crate) fn measure(
        isa: Isa,
        updates: &[&Update<'_>],
        scope: Scope,
        known: usize,
        memory: usize,
    ) -> Result<Self, AggregateError> {
        let d = updates[0].len();
        let points = updates.len() + usize::from(scope.origin());
        let pass = Pass { isa, updates, scope, known, points, len: d, scratch: Mutex::new(Vec::new()) };
        let forks = forks(points, depth(d), memory);
        let mut squared = tree(0, runs(d), forks, &|run| pass.run(run));
        if squared.iter().any(|s| !s.is_finite()) {
            return Err(first_non_finite(updates));
        }
        for i in 0..points {
            for j in 0..i {
                squared[i * points + j] = squared[j * points + i];
            }
        }
        Ok(Distances { points, squared })
    }
}

/// Which distances a method looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Between all pairs.
    Pairs,
    /// From the origin, which is one more point, the last.
    Norms,
    /// Both.
    PairsAndNorms,
}

impl Scope {
    pub(crate) fn origin(self) -> bool {
        self != Scope::Pairs
    }

    pub(crate) fn pairs(self) -> bool {
        self != Scope::Norms
    }
}

/// The inner products <x_k - r, x_l - r> of pairs of participants about another or, without one, about the origin,
/// in f64 throughout.
///
/// For pairs at very different distances from r: derived from the squared distances, little of their product is left.
pub(crate) fn products(updates: &[&Update<'_>], r: Option<usize>, pairs: &[(usize, usize)]) -> Vec<f64> {
    let d = updates[0].len();
    let run = |run: usize| {
        let mut sums = vec![0.0; pairs.len()];
        let mut scratch = Scratch::default();
        let end = d.min((run + 1) * RUN);
        for start in (run * RUN..end).step_by(BLOCK) {
            let tile = scratch.tile(updates, start, BLOCK.min(end - start), Access::InPlace);
            for (sum, (k, l)) in sums.iter_mut().zip(pairs) {
                let rows = tile.rows();
                // SAFETY: every row is valid for `len` values, a multiple of 16.
                *sum += unsafe { product(rows[*k], rows[*l], r.map(|r| rows[r]), tile.len) };
            }
        }
        sums
    };
    tree(0, runs(d), usize::MAX, &run)
}

unsafe fn product(a: *const f32, b: *const f32, r: Option<*const f32>, len: usize) -> f64 {
    let mut lanes = [0.0f64; STEP];
    for c in (0..len).step_by(STEP) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: the pointers are valid for `len` values, a multiple of 16.
            let value = |p: *const f32| f64::from(unsafe { p.add(c + l).read_unaligned() });
            let r = r.map_or(0.0, value);
            *lane += (value(a) - r) * (value(b) - r);
        }
    }
    halving(lanes)
}

/// Lane l + lane l + 8, then the same with 4, 2 and 1.
fn halving(mut lanes: [f64; STEP]) -> f64 {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
    }
    lanes[0]
}

/// How many runs d coordinates make.
fn runs(d: usize) -> usize {
    d.div_ceil(RUN).max(1)
}

/// The levels of the tree over the runs of `d` coordinates. One thread holds so many partial sums and one more.
pub(crate) fn depth(d: usize) -> usize {
    runs(d).next_power_of_two().trailing_zeros() as usize
}

/// Matrices that are kept beside those being summed.
const KEPT: usize = 14;

/// The bytes that the matrices of `n` updates of length `d` need with one thread: 8 (n + 1)^2 (14 + depth).
pub(crate) fn matrices(n: usize, d: usize) -> usize {
    matrix(n + 1).saturating_mul(KEPT + depth(d))
}

fn matrix(points: usize) -> usize {
    points.saturating_mul(points).saturating_mul(size_of::<f64>())
}

/// The levels of the tree that may fork for the partial sums of all threads to stay within `memory`.
fn forks(points: usize, depth: usize, memory: usize) -> usize {
    let room = (memory / matrix(points).max(1)).saturating_sub(KEPT) / (depth + 2);
    if room >= 2 * rayon::current_num_threads() { usize::MAX } else { room.max(1).ilog2() as usize }
}

/// The sums of the runs number `from..to`, added in a fixed tree: the left half is the largest power of two. The upper
/// `forks` levels are shared among threads.
fn tree(from: usize, to: usize, forks: usize, run: &(impl Fn(usize) -> Vec<f64> + Sync)) -> Vec<f64> {
    if to - from == 1 {
        return run(from);
    }
    let middle = from + (to - from).next_power_of_two() / 2;
    let below = forks.saturating_sub(1);
    let (left, right) = (|| tree(from, middle, below, run), || tree(middle, to, below, run));
    let (mut left, right) = if forks > 0 { rayon::join(left, right) } else { (left(), right()) };
    for (l, r) in left.iter_mut().zip(&right) {
        *l += r;
    }
    left
}

/// The first value that is not finite, of the first update that has one.
pub(crate) fn first_non_finite(updates: &[&Update<'_>]) -> AggregateError {
    let mut values = vec![0.0; RUN];
    for update in updates {
        for start in (0..update.len()).step_by(RUN) {
            let values = &mut values[..RUN.min(update.len() - start)];
            update.read_into(start, values);
            if let Some(c) = values.iter().position(|x| !x.is_finite()) {
                return AggregateError::NonFinite { id: update.id, coordinate: start + c };
            }
        }
    }
    unreachable!("the distances of finite f32 vectors are finite in f64")
}

struct Pass<'a> {
    isa: Isa,
    updates: &'a [&'a Update<'a>],
    scope: Scope,
    known: usize,
    points: usize,
    len: usize,
    /// What threads leave behind for each other.
    scratch: Mutex<Vec<Scratch>>,
}

impl Pass<'_> {
    fn run(&self, run: usize) -> Vec<f64> {
        let mut sums = vec![0.0; self.points * self.points];
        let taken = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = taken.unwrap_or_default();
        let end = self.len.min((run + 1) * RUN);
        let access = Access::InPlace;
        for start in (run * RUN..end).step_by(BLOCK) {
            let tile = scratch.tile(self.updates, start, BLOCK.min(end - start), access);
            let (rows, len, &Pass { scope, known, points, .. }) = (tile.rows(), tile.len, self);
            self.isa.run(Block { rows, scope, known, points, len, sums: &mut sums, fetched: 0 });
        }
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        sums
    }
}

/// Adds the distances within one block to `sums`.
struct Block<'a> {
    rows: &'a [*const f32],
    scope: Scope,
    known: usize,
    points: usize,
    len: usize,
    sums: &'a mut [f64],
    /// Rows whose next block has been asked for.
    fetched: usize,
}

/// Rows on either side of a register tile.
const SIDE: usize = 4;

impl Kernel for Block<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(mut self) {
        let (n, known) = (self.rows.len(), self.known);
        // SAFETY: the rows hold `len` values, a multiple of 16.
        unsafe {
            for first in (0..n).step_by(SIDE) {
                let a = self.side(first);
                if self.scope.origin() && first + SIDE > self.known {
                    for (i, sum) in squares::<V>(a, self.len).into_iter().take(SIDE).enumerate() {
                        self.add(first + i, n, sum);
                    }
                }
                if !self.scope.pairs() {
                    continue;
                }
                if first + SIDE > self.known {
                    let sums = within::<V>(a, self.len);
                    for (&(i, j), sum) in WITHIN.iter().zip(sums) {
                        self.add_pair(first + i, first + j, sum);
                    }
                }
                // Downwards, so that the last rows are the next `a`, and in the first-level cache.
                for second in (first + SIDE..n).step_by(SIDE).rev().filter(|second| second + SIDE > known) {
                    let (b, ahead) = (self.side(second), self.ahead());
                    if V::WIDTH == STEP {
                        // By way of memory, or the compiler spares registers for what comes after the loop.
                        let s = between::<V, SIDE>(a, b, ahead, 0, self.len);
                        let s = black_box(&s);
                        let lanes = [join(s[0], s[1]), join(s[2], s[3])];
                        self.add_tile(first, second, &V::sums16(lanes[0], lanes[0]));
                        self.add_tile(first + 2, second, &V::sums16(lanes[1], lanes[1]));
                    } else {
                        // What does not fit the registers of narrower machines goes in two halves of the rows, and these in
                        // two halves of the lanes.
                        for (i, ahead) in [(0, ahead), (2, self.ahead())] {
                            let rows = [a[i], a[i + 1]];
                            let mut halves = [MaybeUninit::<[[V; SIDE]; 2]>::uninit(); 2];
                            for (half, s) in halves.iter_mut().enumerate() {
                                s.write(between(rows, b, ahead, half, self.len));
                            }
                            let [low, high] = black_box(&mut halves);
                            let (low, high) = (low.assume_init_ref(), high.assume_init_ref());
                            let sums = V::sums16(join(low[0], low[1]), join(high[0], high[1]));
                            self.add_tile(first + i, second, &sums);
                        }
                    }
                }
            }
        }
    }
}

impl Block<'_> {
    /// Four rows from `first` on; what is missing at the end is the last row again.
    #[inline(always)]
    fn side(&self, first: usize) -> [*const f32; SIDE] {
        std::array::from_fn(|i| self.rows[(first + i).min(self.rows.len() - 1)])
    }

    /// Two rows' values in the block after this one, which are asked for while a tile is summed: where the rows lie in the
    /// updates, so they go on. Once all have been asked for, some that are there.
    #[inline(always)]
    fn ahead(&mut self) -> [*const u8; 2] {
        std::array::from_fn(|_| {
            let row = self.rows.get(self.fetched).map(|row| row.wrapping_add(self.len));
            self.fetched += 1;
            row.unwrap_or(self.rows[0]).cast()
        })
    }

    /// Adds the sums of two rows from `first` on with the [`SIDE`] from `second` on.
    #[inline(always)]
    unsafe fn add_tile(&mut self, first: usize, second: usize, sums: &[f64; 2 * SIDE]) {
        let whole = first >= self.known && second + SIDE <= self.rows.len();
        let plain = |plain: bool, sum: &f64| plain & (TINY..f64::INFINITY).contains(sum);
        for (i, sums) in sums.as_chunks::<SIDE>().0.iter().enumerate() {
            if whole && sums.iter().fold(true, plain) {
                let row = &mut self.sums[(first + i) * self.points + second..][..SIDE];
                row.iter_mut().zip(sums).for_each(|(sum, of_block)| *sum += of_block);
            } else {
                for (j, sum) in sums.iter().enumerate() {
                    // SAFETY: as in `run`.
                    unsafe { self.add_pair(first + i, second + j, *sum) };
                }
            }
        }
    }

    /// Adds the sum of a pair of rows, unless one of them only fills a tile.
    #[inline(always)]
    unsafe fn add_pair(&mut self, p: usize, q: usize, sum: f64) {
        if q < self.rows.len() {
            // SAFETY: as in `run`.
            unsafe { self.add(p, q, sum) };
        }
    }

    /// Adds the sum of a pair of points, made anew where f32 was too narrow for it.
    #[inline(always)]
    unsafe fn add(&mut self, p: usize, q: usize, mut sum: f64) {
        if p >= self.rows.len() || (p < self.known && q < self.known) {
            return;
        }
        if q == self.rows.len() && p < self.known {
            return;
        }
        if !(TINY..f64::INFINITY).contains(&sum) {
            // SAFETY: as in `run`.
            sum = unsafe { in_f64(self.rows[p], self.rows.get(q).copied(), self.len) };
        }
        self.sums[p * self.points + q] += sum;
    }
}

/// The pairs among four.
const WITHIN: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

/// The sums of the pairs among four rows, in the order of [`WITHIN`].
#[inline(always)]
unsafe fn within<V: Lanes>(a: [*const f32; SIDE], len: usize) -> [f64; 2 * SIDE] {
    // SAFETY: the pointers are valid for `len` values, a multiple of 16.
    unsafe {
        let one = V::splat(black_box(1.0));
        lane_sums::<V>(len, |c, s| {
            let x = [V::load(a[0].add(c)), V::load(a[1].add(c)), V::load(a[2].add(c)), V::load(a[3].add(c))];
            for (k, (s, (i, j))) in s.iter_mut().zip(WITHIN).enumerate() {
                let difference = if k % 2 == 0 { x[i].sub(x[j]) } else { x[i].sub_by_multiplier(one, x[j]) };
                *s = s.add(difference.mul(difference));
            }
        })
    }
}

/// The squared norms of four rows.
#[inline(always)]
unsafe fn squares<V: Lanes>(a: [*const f32; SIDE], len: usize) -> [f64; 2 * SIDE] {
    // SAFETY: the pointers are valid for `len` values, a multiple of 16.
    unsafe {
        lane_sums::<V>(len, |c, s| {
            for (s, a) in s.iter_mut().zip(a) {
                let x = V::load(a.add(c));
                *s = s.add(x.mul(x));
            }
        })
    }
}

/// The sums of the pairs of a row of `a` and one of `b`, in one half of the lanes: or in all, where a vector has them all.
#[inline(always)]
unsafe fn between<V: Lanes, const I: usize>(
    a: [*const f32; I],
    b: [*const f32; SIDE],
    ahead: [*const u8; 2],
    half: usize,
    len: usize,
) -> [[V; SIDE]; I] {
    // SAFETY: the pointers are valid for `len` values, a multiple of 16.
    unsafe {
        let one = V::splat(black_box(1.0));
        let mut s = [[V::splat(0.0); SIDE]; I];
        let mut c = half * V::WIDTH;
        while c < len {
            fetch_half::<V>(ahead, half, c);
            // A column of the tile at a time, so that few registers are needed beside those of the sums.
            let x: [V; I] = std::array::from_fn(|i| V::load(a[i].add(c)));
            for j in 0..SIDE {
                let y = V::load(b[j].add(c));
                for i in 0..I {
                    let difference = if j % 2 == 0 { x[i].sub(y) } else { x[i].sub_by_multiplier(one, y) };
                    s[i][j] = s[i][j].add(difference.mul(difference));
                }
            }
            c += STEP;
        }
        s
    }
}

#[inline(always)]
fn join<V: Copy>(a: [V; SIDE], b: [V; SIDE]) -> [V; 2 * SIDE] {
    [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]]
}

/// Asks for the lines at coordinate `c` of the rows that the walk over one half of the lanes asks for: one each, or both
/// where it is the only one.
#[inline(always)]
fn fetch_half<V: Lanes>(ahead: [*const u8; 2], half: usize, c: usize) {
    prefetch(ahead[half].wrapping_add(size_of::<f32>() * c));
    if V::WIDTH == STEP {
        prefetch(ahead[1].wrapping_add(size_of::<f32>() * c));
    }
}

/// Eight sums in 16 lanes each, which `step` adds up from coordinate `c` on.
#[inline(always)]
unsafe fn lane_sums<V: Lanes>(len: usize, step: impl Fn(usize, &mut [V; 2 * SIDE])) -> [f64; 2 * SIDE] {
    // SAFETY: the caller has the features of V.
    unsafe {
        let mut halves = [[V::splat(0.0); 2 * SIDE]; 2];
        for (h, s) in halves.iter_mut().enumerate().take(STEP / V::WIDTH) {
            for c in (h * V::WIDTH..len).step_by(STEP) {
                step(c, s);
            }
        }
        V::sums16(halves[0], halves[1])
    }
}

/// One pair's block (or, without `b`, the distance from the origin) in f64 throughout: exact differences but for f64 rounding, no overflow, no underflow.
#[cold]
#[inline(never)]
unsafe fn in_f64(a: *const f32, b: Option<*const f32>, len: usize) -> f64 {
    let mut lanes = [0.0f64; STEP];
    for c in (0..len).step_by(STEP) {
        for (l, lane) in lanes.iter_mut().enumerate() {
            // SAFETY: the pointers are valid for `len` values, a multiple of 16.
            let (x, y) =
                unsafe { (a.add(c + l).read_unaligned(), b.map_or(0.0, |b| b.add(c + l).read_unaligned())) };
            let difference = f64::from(x) - f64::from(y);
            *lane += difference * difference;
        }
    }
    halving(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, d: usize, base: f32, spread: f32) -> Vec<Vec<f32>> {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let centre: Vec<f32> = (0..d).map(|_| base * next()).collect();
        (0..n).map(|_| centre.iter().map(|c| c + spread * next()).collect()).collect()
    }

    fn measure(isa: Isa, rows: &[Vec<f32>], origin: bool) -> Distances {
        let updates = Update::of_rows(rows);
        let scope = if origin { Scope::PairsAndNorms } else { Scope::Pairs };
        Distances::measure(isa, &updates.iter().collect::<Vec<_>>(), scope, 0, usize::MAX).unwrap()
    }

    fn exact(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum()
    }

    #[test]
    fn every_instruction_set_measures_the_same_bits() {
        for (n, d) in [(2, 1), (3, 17), (5, 2048), (7, 2049), (9, 30_011), (33, 1000)] {
            let rows = rows(n, d, 1.0, 0.1);
            let portable = measure(Isa::PORTABLE, &rows, true);
            for isa in Isa::available() {
                assert_eq!(measure(isa, &rows, true), portable, "{isa:?}, {n} x {d}");
            }
        }
    }

    #[test]
    fn nearly_equal_and_huge_and_tiny_vectors_keep_their_distance() {
        for (base, spread) in
            [(1.0, 1.0), (2.0, 1e-3), (1e4, 1.0), (1e30, 1e30), (1e-30, 1e-30), (0.0, 1e-40)]
        {
            let rows = rows(6, 5000, base, spread);
            let measured = measure(Isa::best(), &rows, false);
            for i in 0..6 {
                for j in 0..i {
                    let (found, expected) = (measured.squared(i, j).sqrt(), exact(&rows[i], &rows[j]).sqrt());
                    assert!(
                        (found / expected - 1.0).abs() < 1e-6,
                        "{base} {spread}: {found} is not {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn threads_share_the_tree_only_as_far_as_memory_goes() {
        assert_eq!(forks(8, 10, 256 << 20), usize::MAX);
        // Room for the matrices of one thread, and of four.
        assert_eq!(forks(1000, 10, matrices(999, RUN << 10)), 0);
        if rayon::current_num_threads() > 2 {
            assert_eq!(forks(1000, 10, 8_000_000 * (KEPT + 4 * 12)), 2);
        }
        assert_eq!((depth(1), depth(RUN), depth(RUN + 1), depth(3 * RUN)), (0, 0, 1, 2));
        let rows = rows(5, 30_000, 1.0, 1.0);
        let run = |run: usize| rows[run].iter().take(3).map(|x| f64::from(*x) * 1e-7).collect::<Vec<_>>();
        let whole = tree(0, 5, usize::MAX, &run);
        assert!((0..4).all(|forks| tree(0, 5, forks, &run) == whole));
    }

    #[test]
    fn the_origin_is_the_last_point_and_equal_vectors_are_at_zero() {
        for n in 2..10 {
            let mut rows = rows(n, 100, 1.0, 1.0);
            rows[n - 1] = rows[0].clone();
            let measured = measure(Isa::best(), &rows, true);
            assert_eq!(measured.points(), n + 1);
            assert_eq!(measured.squared(n - 1, 0), 0.0);
            for (i, row) in rows.iter().enumerate() {
                let norm = exact(row, &[0.0; 100]);
                assert!((measured.squared(i, n) / norm - 1.0).abs() < 1e-6);
            }
        }
    }
}
