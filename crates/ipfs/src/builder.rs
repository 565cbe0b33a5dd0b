use cid::Cid;

use crate::layout::{Layout, leaf, leaf_block};
use crate::settings::CidSettings;

/// Builds a file's DAG while its bytes go by and hands out every block, children before parents.
///
/// The blocks' bytes are borrowed for the call. The root's CID is the one [`crate::CidHasher`] finds.
#[derive(Debug)]
pub struct DagBuilder<F> {
    layout: Layout,
    pending: Vec<u8>,
    emit: F,
}

impl<F: FnMut(&Cid, &[u8])> DagBuilder<F> {
    /// A builder that gives each block to `emit`.
    pub const fn new(settings: CidSettings, emit: F) -> Self {
        Self { layout: Layout::new(settings), pending: Vec::new(), emit }
    }

    /// Takes the file's next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let size = self.layout.settings().chunk_size();
        while !bytes.is_empty() {
            let missing = size - self.pending.len();
            let (head, tail) = bytes.split_at(missing.min(bytes.len()));
            self.pending.extend_from_slice(head);
            bytes = tail;
            if self.pending.len() == size {
                self.flush();
            }
        }
    }

    /// Hands out what remains; returns the root's CID and the bytes of all blocks, repeated ones counted
    /// each time (what `add` reports as the size).
    pub fn finish(mut self) -> (Cid, u64) {
        if !self.pending.is_empty() || self.layout.is_empty() {
            self.flush();
        }
        let empty = leaf(self.layout.settings(), &[]);
        let root = self.layout.finish(&mut self.emit).unwrap_or(empty);
        (root.cid, root.total_size)
    }

    fn flush(&mut self) {
        let settings = *self.layout.settings();
        let leaf = leaf(&settings, &self.pending);
        (self.emit)(&leaf.cid, &leaf_block(&settings, &self.pending));
        self.layout.push_leaf(leaf, &mut self.emit);
        self.pending.clear();
    }
}
