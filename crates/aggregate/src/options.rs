/// How the work is done. Nothing here changes a bit of the result.
///
/// The threads are those of the rayon pool in which the call runs; use `ThreadPool::install` for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Coordinates of a tile: what one thread works on at a time.
    pub tile: usize,
    /// Bound on the working memory beside inputs and output, in bytes.
    ///
    /// Tiles shrink to hold it, and fewer threads take part where it is narrow. For N updates of d coordinates a method that
    /// looks at distances or mixes updates needs 8 (N + 1)^2 (14 + ceil(log2(ceil(d / 8192)))) bytes for its matrices, at
    /// 256 MiB enough for N = 1200 and d = 4 million; every method needs 576 N + 1344 max(N, 64) bytes for the smallest tile. Less is an
    /// [`AggregateError::Memory`](crate::AggregateError::Memory), before the data are read. A running sum of 8 d bytes is kept
    /// only where that alone is within the bound.
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
