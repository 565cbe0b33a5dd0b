use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cid::Cid;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::Kubo;
use crate::gateway::{Gateway, GatewayHealth};
use crate::source::{BlockSource, SourceError, verified};

/// The node among the sources; gateways count from 1.
const NODE: usize = 0;

/// How long one source is waited for before the next is asked as well.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where blocks come from: the node first, then the gateways. Every block is checked against its CID here,
/// so that a source which gives wrong bytes is known by name and another is asked.
#[derive(Clone, Debug)]
pub struct Sources {
    node: Kubo,
    gateways: Vec<Gateway>,
    patience: Duration,
}

/// The sources of one file: whoever had its last block is asked for the next one first.
#[derive(Debug)]
pub struct FileSources<'a> {
    sources: &'a Sources,
    /// [`NODE`], or 1 for the first gateway.
    first: AtomicUsize,
    from_gateways: AtomicU64,
}

impl Sources {
    /// A node, and gateways in the order in which they are asked.
    #[must_use]
    pub const fn new(node: Kubo, gateways: Vec<Gateway>) -> Self {
        Self { node, gateways, patience: PATIENCE }
    }

    /// The same, with another wait before the next source is asked as well.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> &Kubo {
        &self.node
    }

    /// Takes another node in the first one's place.
    pub fn set_node(&mut self, node: Kubo) {
        self.node = node;
    }

    /// How each gateway has done so far.
    #[must_use]
    pub fn gateways(&self) -> Vec<GatewayHealth> {
        self.gateways.iter().map(Gateway::health).collect()
    }

    /// The sources for one file.
    #[must_use]
    pub const fn for_file(&self) -> FileSources<'_> {
        FileSources { sources: self, first: AtomicUsize::new(0), from_gateways: AtomicU64::new(0) }
    }

    async fn ask(&self, which: usize, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        match which.checked_sub(1).and_then(|index| self.gateways.get(index)) {
            Some(gateway) => gateway.block(cid, max_bytes).await,
            None => verified(cid, self.node.block(cid, max_bytes).await?, "the node"),
        }
    }
}

impl FileSources<'_> {
    /// Blocks that gateways gave: the node has not seen those.
    pub fn blocks_from_gateways(&self) -> u64 {
        self.from_gateways.load(Ordering::Relaxed)
    }

    /// Who is asked, in order: first who had the last block, then the node, then gateways that are not paused.
    fn order(&self) -> Vec<usize> {
        let first = self.first.load(Ordering::Relaxed);
        let is_open = |which: usize| which == 0 || self.sources.gateways[which - 1].is_open();
        let others = (0..=self.sources.gateways.len()).filter(|which| *which != first);
        [first].into_iter().chain(others).filter(|which| is_open(*which)).collect()
    }
}

impl BlockSource for FileSources<'_> {
    async fn block(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        let mut waiting = self.order().into_iter();
        let mut asked: FuturesUnordered<BoxFuture<'_, (usize, Result<Bytes, SourceError>)>> =
            FuturesUnordered::new();
        let mut errors = Vec::new();
        loop {
            if let Some(which) = waiting.next() {
                asked.push(Box::pin(async move { (which, self.sources.ask(which, cid, max_bytes).await) }));
            }
            let answer = match waiting.len() {
                0 => asked.next().await,
                _ => match tokio::time::timeout(self.sources.patience, asked.next()).await {
                    Ok(answer) => answer,
                    Err(_) => continue,
                },
            };
            match answer {
                Some((which, Ok(block))) => {
                    self.first.store(which, Ordering::Relaxed);
                    self.from_gateways.fetch_add(u64::from(which > 0), Ordering::Relaxed);
                    return Ok(block);
                }
                Some((which, Err(error))) => errors.push((which, error)),
                None => return Err(together(cid, errors)),
            }
        }
    }
}

/// What all sources failed with, as one error: not found where all say so.
///
/// Wrong and oversized bytes can be held against what was announced. They are passed on as such where the node gave
/// them, or two sources the same; one gateway's alone are that gateway's failure.
fn together(cid: &Cid, mut errors: Vec<(usize, SourceError)>) -> SourceError {
    let confirmed = |&(which, ref error): &(usize, SourceError)| {
        is_held_against_the_file(error)
            && (which == NODE
                || errors.iter().any(|(other, said)| *other != which && says_the_same(said, error)))
    };
    if let Some(found) = errors.iter().position(confirmed) {
        return errors.swap_remove(found).1;
    }
    let text = errors.iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>().join("; ");
    if errors.iter().all(|(_, error)| matches!(error, SourceError::NotFound { .. })) {
        return SourceError::NotFound { cid: cid.to_string(), detail: text };
    }
    match errors.pop() {
        Some((_, only)) if errors.is_empty() && !is_held_against_the_file(&only) => only,
        _ => SourceError::Failed(text),
    }
}

const fn is_held_against_the_file(error: &SourceError) -> bool {
    matches!(error, SourceError::Corrupt { .. } | SourceError::TooLarge { .. })
}

fn says_the_same(one: &SourceError, other: &SourceError) -> bool {
    match (one, other) {
        (SourceError::Corrupt { found, .. }, SourceError::Corrupt { found: also, .. }) => found == also,
        (SourceError::TooLarge { .. }, SourceError::TooLarge { .. }) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cid() -> Cid {
        crate::cid_of_bytes(b"a block", &crate::CidSettings::v1())
    }

    fn corrupt(found: &str) -> SourceError {
        let (cid, from) = (cid().to_string(), "somebody".into());
        SourceError::Corrupt { cid, size: 7, found: found.into(), from }
    }

    fn absent() -> SourceError {
        SourceError::NotFound { cid: cid().to_string(), detail: "not held".into() }
    }

    fn too_large() -> SourceError {
        SourceError::TooLarge { cid: cid().to_string(), max_bytes: 9 }
    }

    #[test]
    fn one_gateways_word_is_held_against_no_file() {
        for said in [corrupt("bafy1"), too_large()] {
            let error = together(&cid(), vec![(NODE, absent()), (1, said.clone())]);
            assert!(matches!(error, SourceError::Failed(_)), "{error}");
            assert!(error.to_string().contains(&said.to_string()), "{error}");
            let error = together(&cid(), vec![(1, said.clone())]);
            assert!(matches!(error, SourceError::Failed(_)), "{error}");
            assert_eq!(together(&cid(), vec![(1, absent()), (NODE, said.clone())]), said, "the node's is");
            assert_eq!(together(&cid(), vec![(NODE, absent()), (1, said.clone()), (2, said.clone())]), said);
        }
        let differing = vec![(NODE, absent()), (1, corrupt("bafy1")), (2, corrupt("bafy2"))];
        assert!(matches!(together(&cid(), differing), SourceError::Failed(_)));
    }

    #[test]
    fn what_all_say_is_said_as_one() {
        let unreachable = SourceError::Unreachable("nobody".into());
        assert_eq!(together(&cid(), vec![(NODE, unreachable.clone())]), unreachable);
        assert!(matches!(
            together(&cid(), vec![(NODE, absent()), (1, absent())]),
            SourceError::NotFound { .. }
        ));
        let error = together(&cid(), vec![(NODE, unreachable), (1, absent())]);
        assert!(matches!(&error, SourceError::Failed(text) if text.contains("nobody; block")), "{error}");
    }
}
