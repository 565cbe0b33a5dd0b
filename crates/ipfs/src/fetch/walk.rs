use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use cid::Cid;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::error::{FetchError, Refusal};
use super::node::{self, Part};
use crate::source::{BlockSource, SourceError, is_identity, verified};

/// How often the same wrong bytes must come in a row before they count against the file.
const SAME_WRONG_BYTES: u32 = 4;

/// What a file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes of the file; the root's claim is held against it before anything else is fetched.
    pub max_file_bytes: u64,
    /// Blocks, repeated ones counted each time.
    pub max_blocks: u64,
    /// Levels of the DAG, a single block being one.
    pub max_depth: u32,
    /// Bytes of one block; the network itself carries no more than 2 MiB.
    pub max_block_bytes: u64,
    /// Blocks asked for ahead of the one that is written next.
    pub parallel: usize,
    /// Time for one block.
    pub block_timeout: Duration,
    /// Time for the file.
    pub timeout: Duration,
    /// How often a block is asked for again when the source gave none.
    pub retries: u32,
    /// Wait before the first of these; doubled before each further one.
    pub retry_wait: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            max_file_bytes: 1 << 30,
            max_blocks: 1 << 17,
            max_depth: 32,
            max_block_bytes: 2 << 20,
            parallel: 8,
            block_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(600),
            retries: 2,
            retry_wait: Duration::from_millis(250),
        }
    }
}

/// A file that came whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes written.
    pub bytes: u64,
    /// Blocks they came in, inner nodes among them.
    pub blocks: u64,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes done.
    pub bytes: u64,
    /// Bytes in all.
    pub of: u64,
}

/// Writes the file that `cid` names to `dest`, in order, every block checked against its own CID and
/// every node against what its parent says of it.
///
/// Any chunking and layout is read. Memory is bounded by `parallel + 1` blocks and the links on the way
/// down. After an error `dest` holds a verified beginning of the file; whoever wants all or nothing
/// writes to a temporary file.
///
/// # Errors
/// [`FetchError`] tells what time may mend from what the blocks prove.
pub async fn fetch<S: BlockSource>(
    source: &S,
    cid: &Cid,
    dest: &mut (impl AsyncWrite + Unpin + Send),
    limits: &FetchLimits,
) -> Result<Fetched, FetchError> {
    fetch_with(source, cid, dest, limits, &mut |_| {}).await
}

/// [`fetch`], telling how far it is after each block.
///
/// # Errors
/// As [`fetch`].
pub async fn fetch_with<S: BlockSource>(
    source: &S,
    cid: &Cid,
    dest: &mut (impl AsyncWrite + Unpin + Send),
    limits: &FetchLimits,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Fetched, FetchError> {
    let mut fetched = Fetched { bytes: 0, blocks: 0 };
    let walk = walk(source, cid, dest, limits, &mut fetched, progress);
    match tokio::time::timeout(limits.timeout, walk).await {
        Ok(result) => result.map(|()| fetched),
        Err(_) => Err(FetchError::Deadline { after: limits.timeout, bytes: fetched.bytes }),
    }
}

/// [`fetch`] into memory.
///
/// # Errors
/// As [`fetch`].
pub async fn fetch_bytes<S: BlockSource>(
    source: &S,
    cid: &Cid,
    limits: &FetchLimits,
) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    fetch(source, cid, &mut bytes, limits).await?;
    Ok(bytes)
}

/// A block that is due, in the order of the file.
struct Due {
    /// Tells the visits of a repeated block apart.
    visit: u64,
    cid: Cid,
    expected: Option<u64>,
    depth: u32,
    asked: bool,
}

async fn walk<S: BlockSource>(
    source: &S,
    root: &Cid,
    dest: &mut (impl AsyncWrite + Unpin + Send),
    limits: &FetchLimits,
    fetched: &mut Fetched,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), FetchError> {
    node::check_cid(root)?;
    let mut of = 0;
    let mut visits = 1;
    let mut due = VecDeque::from([Due { visit: 0, cid: *root, expected: None, depth: 1, asked: false }]);
    let mut asked = FuturesUnordered::new();
    let mut arrived: HashMap<u64, Result<Bytes, FetchError>> = HashMap::new();
    while let Some(first) = due.front() {
        let visit = first.visit;
        // The first is always asked for, so that blocks further on never keep it waiting.
        for (index, next) in due.iter_mut().enumerate().take(limits.parallel.max(1)) {
            let room = asked.len() + arrived.len() < limits.parallel.max(1);
            if !next.asked && (index == 0 || room) {
                next.asked = true;
                let (visit, cid) = (next.visit, next.cid);
                asked.push(async move { (visit, verified_block(source, &cid, limits).await) });
            }
        }
        let Some(block) = arrived.remove(&visit) else {
            if let Some((visit, block)) = asked.next().await {
                arrived.insert(visit, block);
            }
            continue;
        };
        let Some(Due { cid, expected, depth, .. }) = due.pop_front() else { break };
        let Part { data, children, file_size } = node::read(&cid, &block?, expected)?;
        fetched.blocks += 1;
        if expected.is_none() && file_size > limits.max_file_bytes {
            let (claimed, max) = (file_size, limits.max_file_bytes);
            return Err(FetchError::Exceeds(Refusal::FileBytes { claimed, max }));
        }
        if !children.is_empty() && depth >= limits.max_depth {
            return Err(FetchError::Exceeds(Refusal::Depth { max: limits.max_depth }));
        }
        visits += children.len() as u64;
        if visits > limits.max_blocks {
            return Err(FetchError::Exceeds(Refusal::Blocks { max: limits.max_blocks }));
        }
        dest.write_all(&data).await?;
        fetched.bytes += data.len() as u64;
        if expected.is_none() {
            of = file_size;
        }
        progress(Progress { bytes: fetched.bytes, of });
        for (index, (cid, size)) in children.into_iter().enumerate().rev() {
            node::check_cid(&cid)?;
            let visit = visits - index as u64;
            due.push_front(Due { visit, cid, expected: Some(size), depth: depth + 1, asked: false });
        }
    }
    dest.flush().await?;
    Ok(())
}

/// A block that matches its CID, asked for as often as the limits allow.
async fn verified_block<S: BlockSource>(
    source: &S,
    cid: &Cid,
    limits: &FetchLimits,
) -> Result<Bytes, FetchError> {
    if is_identity(cid) {
        return Ok(Bytes::copy_from_slice(cid.hash().digest()));
    }
    let mut wait = limits.retry_wait;
    let mut attempts = 1;
    // The wrong bytes that came last, and how often in a row.
    let (mut wrong, mut times) = (String::new(), 0);
    loop {
        let answer = source.block(cid, limits.max_block_bytes);
        let error = match tokio::time::timeout(limits.block_timeout, answer).await {
            Ok(Ok(block)) if block.len() as u64 > limits.max_block_bytes => {
                return Err(too_large(cid, limits));
            }
            Ok(Ok(block)) => match verified(cid, block, "the source") {
                Ok(block) => return Ok(block),
                Err(error) => error,
            },
            Ok(Err(SourceError::TooLarge { .. })) => return Err(too_large(cid, limits)),
            Ok(Err(error)) => error,
            Err(_) => SourceError::Timeout(format!(
                "block {cid} did not come within {} s",
                limits.block_timeout.as_secs_f32()
            )),
        };
        match &error {
            SourceError::Corrupt { cid, size, found, .. } => {
                times = if *found == wrong { times + 1 } else { 1 };
                if times >= SAME_WRONG_BYTES {
                    let (cid, found) = (cid.clone(), found.clone());
                    return Err(FetchError::WrongBlock { cid, size: *size, found, times });
                }
                wrong.clone_from(found);
            }
            _ => times = 0,
        }
        let asking_whether_it_lies = times > 0 && attempts < limits.retries + SAME_WRONG_BYTES;
        if attempts > limits.retries && !asking_whether_it_lies {
            return Err(FetchError::Source { error, attempts });
        }
        tracing::debug!(%cid, attempts, %error, "asking for a block again");
        attempts += 1;
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2);
    }
}

fn too_large(cid: &Cid, limits: &FetchLimits) -> FetchError {
    FetchError::Exceeds(Refusal::BlockBytes { cid: cid.to_string(), max: limits.max_block_bytes })
}
