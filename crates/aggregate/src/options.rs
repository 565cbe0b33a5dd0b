/// How the work is done. Nothing here changes a bit of the result.
///
/// The threads are those of the rayon pool in which the call runs; use `ThreadPool::install` for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Coordinates of a tile: what one thread works on at a time.
    pub tile: usize,
    /// Bound on the working memory beside inputs and output, in bytes. Tiles shrink to hold it.
    pub memory: usize,
}

/// Tiles of 16 Ki coordinates, 256 MiB.
impl Default for Options {
    fn default() -> Self {
        Options { tile: 16 * 1024, memory: 256 << 20 }
    }
}

impl Options {
    /// The coordinates of a tile when each thread needs `bytes` of scratch a coordinate.
    pub(crate) fn tile_for(&self, bytes: usize) -> usize {
        let bound = self.memory / rayon::current_num_threads().max(1) / bytes.max(1);
        (self.tile.min(bound) / 64 * 64).max(64)
    }
}
