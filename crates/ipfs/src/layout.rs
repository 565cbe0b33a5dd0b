use cid::Cid;
use rayon::prelude::*;

use crate::dag_pb::{self, Link};
use crate::settings::CidSettings;
use crate::source::sha2_256_cid;
use crate::{DAG_PB, RAW, unixfs};

/// A finished subtree: what its parent's node will say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subtree {
    pub(crate) cid: Cid,
    /// Bytes of file below.
    pub(crate) file_size: u64,
    /// Bytes of all blocks below.
    pub(crate) total_size: u64,
}

/// Balanced layout, built from the left: all leaves at one depth, every node full except on the right
/// edge. Holds at most one unfinished node a level.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    settings: CidSettings,
    /// Level 0 holds leaves; each level's subtrees await their node.
    levels: Vec<Vec<Subtree>>,
}

impl Layout {
    pub(crate) const fn new(settings: CidSettings) -> Self {
        Self { settings, levels: Vec::new() }
    }

    pub(crate) const fn settings(&self) -> &CidSettings {
        &self.settings
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Appends a leaf; `emit` receives each inner node that this completes.
    pub(crate) fn push_leaf(&mut self, leaf: Subtree, emit: &mut impl FnMut(&Cid, &[u8])) {
        self.push(0, leaf, emit);
    }

    // A level is packed only when one more subtree arrives: a level that is exactly full at the end
    // of the file becomes the root, not the only child of one.
    fn push(&mut self, level: usize, subtree: Subtree, emit: &mut impl FnMut(&Cid, &[u8])) {
        if self.levels.len() == level {
            self.levels.push(Vec::with_capacity(self.settings.max_links()));
        }
        if self.levels[level].len() == self.settings.max_links() {
            let node = self.pack(level, emit);
            self.push(level + 1, node, emit);
        }
        self.levels[level].push(subtree);
    }

    /// Closes the right edge and returns the root; none when no leaf was given.
    pub(crate) fn finish(mut self, emit: &mut impl FnMut(&Cid, &[u8])) -> Option<Subtree> {
        let mut level = 0;
        while level < self.levels.len() {
            if level + 1 == self.levels.len() && self.levels[level].len() == 1 {
                return self.levels[level].pop();
            }
            let node = self.pack(level, emit);
            self.push(level + 1, node, emit);
            level += 1;
        }
        None
    }

    fn pack(&mut self, level: usize, emit: &mut impl FnMut(&Cid, &[u8])) -> Subtree {
        let children = &mut self.levels[level];
        let sizes: Vec<u64> = children.iter().map(|child| child.file_size).collect();
        let links: Vec<Link> = children
            .drain(..)
            .map(|child| Link { cid: child.cid, name: String::new(), total_size: child.total_size })
            .collect();
        let block = dag_pb::encode(&links, &unixfs::encode_inner(&sizes));
        let cid = sha2_256_cid(self.settings.version(), DAG_PB, &[&block]);
        emit(&cid, &block);
        Subtree {
            cid,
            file_size: sizes.iter().sum(),
            total_size: block.len() as u64 + links.iter().map(|link| link.total_size).sum::<u64>(),
        }
    }
}

/// The leaf that holds `data`, hashed where it lies.
pub(crate) fn leaf(settings: &CidSettings, data: &[u8]) -> Subtree {
    let file_size = data.len() as u64;
    if settings.raw_leaves() {
        let cid = sha2_256_cid(cid::Version::V1, RAW, &[data]);
        return Subtree { cid, file_size, total_size: file_size };
    }
    let (prefix, suffix) = unixfs::leaf_wrapping(data.len());
    let total_size = (prefix.len() + data.len() + suffix.len()) as u64;
    let cid = sha2_256_cid(settings.version(), DAG_PB, &[&prefix, data, &suffix]);
    Subtree { cid, file_size, total_size }
}

/// The block of the leaf that holds `data`.
pub(crate) fn leaf_block(settings: &CidSettings, data: &[u8]) -> Vec<u8> {
    if settings.raw_leaves() {
        return data.to_vec();
    }
    let (prefix, suffix) = unixfs::leaf_wrapping(data.len());
    [&prefix, data, &suffix].concat()
}

/// The leaves over `data`, in order, hashed over all threads when there are several.
pub(crate) fn leaves(settings: &CidSettings, data: &[u8]) -> Vec<Subtree> {
    let size = settings.chunk_size();
    if data.len() < 2 * size {
        return data.chunks(size).map(|chunk| leaf(settings, chunk)).collect();
    }
    data.par_chunks(size).map(|chunk| leaf(settings, chunk)).collect()
}
