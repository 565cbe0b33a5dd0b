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
    /// 0 is the node, and 1 the first gateway.
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
                Some((_, Err(error))) => errors.push(error),
                None => return Err(together(cid, errors)),
            }
        }
    }
}

/// What all sources failed with, as one error: not found where all say so.
fn together(cid: &Cid, mut errors: Vec<SourceError>) -> SourceError {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if errors.iter().all(|error| matches!(error, SourceError::NotFound { .. })) {
        return SourceError::NotFound { cid: cid.to_string(), detail: text };
    }
    match errors.into_iter().find(|error| matches!(error, SourceError::TooLarge { .. })) {
        Some(too_large) => too_large,
        None => SourceError::Failed(text),
    }
}
