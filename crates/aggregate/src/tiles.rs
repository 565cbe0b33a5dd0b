//! The walk over the coordinates: a fixed grid of tiles, handed out to the threads of the rayon pool.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use crate::lanes::Lanes;
use crate::{AggregateError, DType, Options, Update};

/// The participants' values in one tile.
pub(crate) struct Tile<'t> {
    /// The tile's first coordinate.
    pub(crate) start: usize,
    /// How many values each row holds: a multiple of [`STEP`]. Beyond the last coordinate they are zero.
    pub(crate) len: usize,
    rows: Vec<*const f32>,
    /// The updates' bytes and the scratch.
    values: PhantomData<&'t [f32]>,
}

/// Tiles are whole multiples of this: the widest vector.
pub(crate) const STEP: usize = 16;

/// Values between converted rows, so that one coordinate's do not all compete for the same places in the cache.
const APART: usize = 5 * STEP;

/// Converted values of a tile, over all participants.
const CONVERTED: usize = 64 * 1024;

impl Tile<'_> {
    /// One pointer a participant, each valid for reads of `len` values, at any alignment.
    pub(crate) fn rows(&self) -> &[*const f32] {
        &self.rows
    }
}

/// Brings the next window of coordinates into the cache row by row while the present one is worked on: memory
/// gives more when it is read along a few rows at a time than across all of them.
pub(crate) struct Ahead<'t> {
    rows: &'t [*const f32],
    from: usize,
    to: usize,
    at: usize,
}

impl<'t> Ahead<'t> {
    /// Will bring the values `from..to` of every row.
    pub(crate) fn new(rows: &'t [*const f32], from: usize, to: usize) -> Self {
        Ahead { rows, from, to, at: from }
    }

    /// Asks for so many cache lines.
    ///
    /// # Safety
    /// As [`Lanes`].
    #[inline(always)]
    pub(crate) unsafe fn step<V: Lanes>(&mut self, lines: usize) {
        for _ in 0..lines {
            if self.at >= self.to {
                if self.rows.len() <= 1 || self.from >= self.to {
                    self.to = 0;
                    return;
                }
                self.rows = &self.rows[1..];
                self.at = self.from;
            }
            // SAFETY: a prefetch needs no valid pointer; the arithmetic wraps.
            unsafe { V::prefetch(self.rows[0].wrapping_add(self.at)) };
            self.at += STEP;
        }
    }
}

/// What a thread keeps from tile to tile.
#[derive(Default)]
pub(crate) struct Scratch {
    converted: Vec<f32>,
}

impl Scratch {
    /// Collects the rows of the coordinates from `start` on: pointers into the updates where these hold plain f32,
    /// converted copies elsewhere.
    pub(crate) fn tile<'t>(&'t mut self, updates: &'t [&Update<'_>], start: usize, len: usize) -> Tile<'t> {
        let padded = len.next_multiple_of(STEP);
        let whole = padded == len;
        let needed =
            updates.iter().filter(|u| !whole || u.plain(start, len).is_none()).count() * (padded + APART);
        if self.converted.len() < needed {
            self.converted.resize(needed, 0.0);
        }
        let mut rows = Vec::with_capacity(updates.len());
        let mut free = &mut self.converted[..needed];
        for update in updates {
            rows.push(match update.plain(start, len).filter(|_| whole) {
                Some(bytes) => bytes.as_ptr().cast(),
                None => {
                    let (row, rest) = free.split_at_mut(padded + APART);
                    free = rest;
                    update.read_into(start, &mut row[..len]);
                    row[len..padded].fill(0.0);
                    row.as_ptr()
                }
            });
        }
        Tile { start, len: padded, rows, values: PhantomData }
    }
}

impl<'a> Update<'a> {
    /// The bytes of the coordinates from `start` on, if they are little-endian f32 in one tensor.
    fn plain(&self, start: usize, len: usize) -> Option<&'a [u8]> {
        let (part, from) = self.part_at(start)?;
        let plain = cfg!(target_endian = "little") && part.dtype == DType::F32 && from + len <= part.len();
        plain.then(|| &part.bytes[4 * from..4 * (from + len)])
    }
}

/// Runs `work` over every tile of `out`, each thread with a state of its own from `state`.
///
/// `work` returns whether all values that it saw may be finite; if not, the tile is searched for one that is not.
///
/// # Errors
/// [`AggregateError::NonFinite`] with the lowest participant and coordinate.
pub(crate) fn for_each_tile<S>(
    updates: &[&Update<'_>],
    options: &Options,
    out: &mut [f32],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &Tile<'_>, &mut [f32]) -> bool + Sync,
) -> Result<(), AggregateError> {
    let len = options.tile_for(4 * updates.len());
    let converted = updates.iter().any(|u| u.parts().iter().any(|p| p.dtype != DType::F32));
    // What is converted should not leave the second-level cache before it is used.
    let part = if converted { (CONVERTED / updates.len() / STEP * STEP).max(4 * STEP) } else { len };
    let tiles = out.len().div_ceil(len);
    let next = Mutex::new(out.chunks_mut(len).enumerate());
    let lowest = Mutex::new(None);
    let thread = || {
        let (mut scratch, mut state) = (Scratch::default(), state());
        loop {
            let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, out)) = taken else { break };
            for (i, out) in out.chunks_mut(part).enumerate() {
                let start = index * len + i * part;
                let tile = scratch.tile(updates, start, out.len());
                let finite = if tile.len == out.len() {
                    work(&mut state, &tile, out)
                } else {
                    let mut padded = vec![0.0; tile.len];
                    let finite = work(&mut state, &tile, &mut padded);
                    out.copy_from_slice(&padded[..out.len()]);
                    finite
                };
                if !finite && let Some(bad) = first_non_finite(&tile) {
                    let mut lowest = lowest.lock().unwrap_or_else(PoisonError::into_inner);
                    *lowest = Some(lowest.map_or(bad, |l: (usize, usize)| l.min(bad)));
                }
            }
        }
    };
    let threads = rayon::current_num_threads().min(tiles);
    if threads <= 1 {
        thread();
    } else {
        rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| thread())));
    }
    match lowest.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some((p, coordinate)) => Err(AggregateError::NonFinite { id: updates[p].id, coordinate }),
    }
}

/// The lowest (participant, coordinate) whose value is not finite.
pub(crate) fn first_non_finite(tile: &Tile<'_>) -> Option<(usize, usize)> {
    tile.rows.iter().enumerate().find_map(|(p, row)| {
        (0..tile.len).find_map(|c| {
            // SAFETY: every row is valid for `len` values.
            let value = unsafe { row.add(c).read_unaligned() };
            (!value.is_finite()).then_some((p, tile.start + c))
        })
    })
}
