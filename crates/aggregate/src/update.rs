use crate::lanes::Isa;
use crate::{DType, format};

/// One participant's update, seen as one vector of R^d: its tensors laid end to end.
///
/// The values stay where they are (a memory map, usually) and are read tile by tile; F16, BF16 and F64 are
/// converted inside the tile. Nothing is copied when a tensor is F32 and 4-byte aligned.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    /// The participant's id. Participants take part in the order of their ids.
    pub id: u64,
    /// What the weighted methods weigh this update by: a sample count, a reputation. Finite, not negative.
    pub weight: f64,
    parts: Vec<Part<'a>>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) dtype: DType,
    pub(crate) bytes: &'a [u8],
    /// The first coordinate of this part.
    start: usize,
    len: usize,
}

impl<'a> Update<'a> {
    /// An update without tensors yet.
    #[must_use]
    pub fn new(id: u64, weight: f64) -> Self {
        Update { id, weight, parts: Vec::new(), len: 0 }
    }

    /// Appends a tensor: its values in C order, little-endian, at any alignment.
    ///
    /// All participants push the same tensors in the same order (by name). A byte length that is no multiple of
    /// the value size makes [`aggregate`](crate::aggregate) fail.
    pub fn push(&mut self, dtype: DType, bytes: &'a [u8]) {
        let len = bytes.len() / dtype.size();
        self.parts.push(Part { dtype, bytes, start: self.len, len });
        self.len += len;
    }

    /// Appends a tensor that is at hand as f32 values.
    #[cfg(target_endian = "little")]
    #[allow(unsafe_code)]
    pub fn push_values(&mut self, values: &'a [f32]) {
        // SAFETY: every byte of an f32 is initialised, and u8 has no alignment.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) };
        self.push(DType::F32, bytes);
    }

    /// Updates of one tensor each and of weight 1, numbered from 0 on.
    #[cfg(test)]
    pub(crate) fn of_rows(rows: &'a [Vec<f32>]) -> Vec<Self> {
        let update = |(i, row): (usize, &'a Vec<f32>)| {
            let mut update = Update::new(i as u64, 1.0);
            update.push_values(row);
            update
        };
        rows.iter().enumerate().map(update).collect()
    }

    /// The number of coordinates, d.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no coordinate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    /// The index of the part that holds coordinate `start`.
    fn first_part(&self, start: usize) -> usize {
        self.parts.partition_point(|p| p.start + p.len <= start)
    }

    /// The part that holds coordinate `start`, and its place in there.
    pub(crate) fn part_at(&self, start: usize) -> Option<(&Part<'a>, usize)> {
        let part = self.parts.get(self.first_part(start))?;
        Some((part, start - part.start))
    }

    /// Copies the coordinates from `start` on into `out`, rounded to f32.
    pub(crate) fn read_into(&self, start: usize, out: &mut [f32]) {
        let end = start + out.len();
        let first = self.first_part(start);
        for part in &self.parts[first..] {
            if part.start >= end {
                break;
            }
            let from = start.max(part.start);
            let to = end.min(part.start + part.len);
            part.convert(from - part.start, &mut out[from - start..to - start]);
        }
    }
}

impl Part<'_> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn convert(&self, from: usize, out: &mut [f32]) {
        let size = self.dtype.size();
        format::convert(Isa::best(), self.dtype, &self.bytes[from * size..(from + out.len()) * size], out);
    }
}
