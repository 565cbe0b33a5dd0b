//! The walk over the coordinates: a fixed grid of tiles, handed out to the threads of the rayon pool.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use crate::{AggregateError, DType, Options, Update, panel};

/// The participants' values in one tile.
pub(crate) struct Tile<'t> {
    /// How many values each row holds: a multiple of [`STEP`]. Beyond the last coordinate they are zero.
    pub(crate) len: usize,
    /// F32, or with [`Access::Native`] any.
    pub(crate) dtype: DType,
    rows: Vec<*const u8>,
    /// The updates' bytes and the scratch.
    values: PhantomData<&'t [u8]>,
}

/// How a kernel gets at the rows of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Where they lie, if all of them do so in one format; else as `InPlace`.
    Native,
    /// As f32 where they lie, as converted copies elsewhere.
    InPlace,
}

/// Tiles are whole multiples of this: the widest vector.
pub(crate) const STEP: usize = 16;

/// Values between copied rows, so that one coordinate's do not all compete for the same places in the cache.
const APART: usize = 5 * STEP;

/// Copied values of a tile, over all participants: they should not leave the second-level cache before they are used.
const COPIED: usize = 64 * 1024;

impl Tile<'_> {
    /// One pointer a participant, each valid for reads of `len` f32 values, at any alignment.
    pub(crate) fn rows(&self) -> &[*const f32] {
        assert!(self.dtype == DType::F32);
        // SAFETY: thin pointers have one layout, whatever they point to.
        unsafe { std::slice::from_raw_parts(self.rows.as_ptr().cast(), self.rows.len()) }
    }

    /// One pointer a participant, each valid for reads of `len` values of `dtype`, at any alignment.
    pub(crate) fn native_rows(&self) -> &[*const u8] {
        &self.rows
    }
}

/// What a thread keeps from tile to tile.
#[derive(Default)]
pub(crate) struct Scratch {
    copied: Vec<f32>,
}

impl Scratch {
    /// Collects the rows of the coordinates from `start` on.
    pub(crate) fn tile<'t>(
        &'t mut self,
        updates: &'t [&Update<'_>],
        start: usize,
        len: usize,
        access: Access,
    ) -> Tile<'t> {
        let padded = len.next_multiple_of(STEP);
        if access == Access::Native
            && padded == len
            && let Some((dtype, rows)) = native(updates, start, len)
        {
            return Tile { len, dtype, rows, values: PhantomData };
        }
        let in_place = |update: &'t Update<'_>| {
            update.plain(start, len).filter(|(dtype, _)| padded == len && *dtype == DType::F32)
        };
        let needed = updates.iter().filter(|u| in_place(u).is_none()).count() * (padded + APART);
        if self.copied.len() < needed {
            self.copied.resize(needed, 0.0);
        }
        let mut rows = Vec::with_capacity(updates.len());
        let mut free = &mut self.copied[..needed];
        for update in updates {
            rows.push(if let Some((_, bytes)) = in_place(update) {
                bytes.as_ptr()
            } else {
                let (row, rest) = free.split_at_mut(padded + APART);
                free = rest;
                update.read_into(start, &mut row[..len]);
                row[len..padded].fill(0.0);
                row.as_ptr().cast()
            });
        }
        Tile { len: padded, dtype: DType::F32, rows, values: PhantomData }
    }
}

/// The rows of the coordinates from `start` on where they lie, if all have one format.
fn native(updates: &[&Update<'_>], start: usize, len: usize) -> Option<(DType, Vec<*const u8>)> {
    let dtype = updates.first()?.plain(start, len)?.0;
    let row = |u: &&Update<'_>| u.plain(start, len).filter(|found| found.0 == dtype).map(|(_, b)| b.as_ptr());
    let rows = updates.iter().map(row).collect::<Option<Vec<_>>>()?;
    Some((dtype, rows))
}

impl<'a> Update<'a> {
    /// The bytes of the coordinates from `start` on, if they lie in one tensor and in the byte order of the machine.
    fn plain(&self, start: usize, len: usize) -> Option<(DType, &'a [u8])> {
        let (part, from) = self.part_at(start)?;
        let plain = cfg!(target_endian = "little") && from + len <= part.len();
        let size = part.dtype.size();
        plain.then(|| (part.dtype, &part.bytes[size * from..size * (from + len)]))
    }
}

/// Runs `work` over every tile of `out`, each thread with a state of its own from `state`.
///
/// `work` returns whether all values that it saw may be finite; if not, the tile is searched for one that is not.
///
/// # Errors
/// [`AggregateError::NonFinite`] with the lowest participant and coordinate, and [`AggregateError::Memory`] where not even
/// the smallest tile fits.
pub(crate) fn for_each_tile<S, T: Copy + Default + Send>(
    updates: &[&Update<'_>],
    options: &Options,
    access: Access,
    out: &mut [T],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &Tile<'_>, &mut [T]) -> bool + Sync,
) -> Result<(), AggregateError> {
    let len = options.tile_for(4 * updates.len());
    let copied_len = (COPIED / updates.len() / STEP * STEP).max(4 * STEP);
    let tiles = out.len().div_ceil(len);
    let next = Mutex::new(out.chunks_mut(len).enumerate());
    let lowest = Mutex::new(None);
    let thread = || {
        let (mut scratch, mut state) = (Scratch::default(), state());
        loop {
            let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, out)) = taken else { break };
            let whole = in_place(updates, index * len, out.len(), access);
            let part = if whole { len } else { copied_len };
            for (i, out) in out.chunks_mut(part).enumerate() {
                let start = index * len + i * part;
                let tile = scratch.tile(updates, start, out.len(), access);
                let finite = if tile.len == out.len() {
                    work(&mut state, &tile, out)
                } else {
                    let mut padded = vec![T::default(); tile.len];
                    padded[..out.len()].copy_from_slice(out);
                    let finite = work(&mut state, &tile, &mut padded);
                    out.copy_from_slice(&padded[..out.len()]);
                    finite
                };
                if !finite && let Some(bad) = first_non_finite(updates, start, out.len()) {
                    let mut lowest = lowest.lock().unwrap_or_else(PoisonError::into_inner);
                    *lowest = Some(lowest.map_or(bad, |l: (usize, usize)| l.min(bad)));
                }
            }
        }
    };
    let least = size_of::<f32>() * updates.len() * (4 * STEP + APART) + panel::memory(updates.len());
    let threads = rayon::current_num_threads().min(tiles).min(options.memory / least);
    if threads == 0 && tiles > 0 {
        let (n, allowed) = (updates.len(), options.memory);
        return Err(AggregateError::Memory { method: "a tile".to_owned(), n, needed: least, allowed });
    }
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

/// Whether a tile needs no copies.
fn in_place(updates: &[&Update<'_>], start: usize, len: usize, access: Access) -> bool {
    let f32 = |u: &&Update<'_>| u.plain(start, len).is_some_and(|(dtype, _)| dtype == DType::F32);
    match access {
        Access::Native => native(updates, start, len).is_some(),
        Access::InPlace => updates.iter().all(f32),
    }
}

/// The lowest (participant, coordinate) in a range whose value is not finite.
fn first_non_finite(updates: &[&Update<'_>], start: usize, len: usize) -> Option<(usize, usize)> {
    let mut values = vec![0.0; len];
    updates.iter().enumerate().find_map(|(p, update)| {
        update.read_into(start, &mut values);
        values.iter().position(|x| !x.is_finite()).map(|c| (p, start + c))
    })
}
