//! Verified fetches from sources that are honest, lie, or hold DAGs made to hurt.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use r3mes_ipfs::dag_pb::{self, Link};
use r3mes_ipfs::{
    BlockSource, Cid, CidHasher, CidSettings, CidVersion, DAG_PB, DagBuilder, FetchError, FetchLimits,
    MalformedDag, RAW, Refusal, SourceError, cid_of_bytes, fetch_bytes, unixfs,
};
use sha2::{Digest, Sha256};

/// Blocks by CID; counts what it is asked for.
#[derive(Default)]
struct Blocks {
    held: HashMap<Cid, Bytes>,
    asked: AtomicU64,
    /// Refuses this many calls before it answers any.
    down_for: AtomicU64,
}

impl BlockSource for Blocks {
    async fn block(&self, cid: &Cid, _: u64) -> Result<Bytes, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.down_for.load(Ordering::Relaxed) > 0 {
            self.down_for.fetch_sub(1, Ordering::Relaxed);
            return Err(SourceError::Unreachable("nobody there".into()));
        }
        self.held
            .get(cid)
            .cloned()
            .ok_or_else(|| SourceError::NotFound { cid: cid.to_string(), detail: "not held".into() })
    }
}

impl Blocks {
    fn of(bytes: &[u8], settings: CidSettings) -> (Self, Cid) {
        let mut blocks = Self::default();
        let mut builder = DagBuilder::new(settings, |cid: &Cid, block: &[u8]| {
            blocks.held.insert(*cid, Bytes::copy_from_slice(block));
        });
        builder.update(bytes);
        let (root, _) = builder.finish();
        (blocks, root)
    }

    fn put(&mut self, codec: u64, block: Vec<u8>) -> Cid {
        let mut bytes = vec![1, codec as u8, 0x12, 32];
        bytes.extend_from_slice(&Sha256::digest(&block));
        let cid = Cid::try_from(bytes).unwrap();
        self.held.insert(cid, block.into());
        cid
    }

    /// A node over `children` that says of each how many bytes it holds.
    fn node(&mut self, children: &[(Cid, u64)]) -> Cid {
        let sizes: Vec<u64> = children.iter().map(|child| child.1).collect();
        self.put(DAG_PB, dag_pb::encode(&links(children), &unixfs::encode_inner(&sizes)))
    }
}

fn links(children: &[(Cid, u64)]) -> Vec<Link> {
    children.iter().map(|&(cid, total_size)| Link { cid, name: String::new(), total_size }).collect()
}

fn limits() -> FetchLimits {
    FetchLimits { retries: 0, retry_wait: Duration::ZERO, ..FetchLimits::default() }
}

async fn refusal(blocks: &Blocks, root: &Cid, limits: &FetchLimits) -> FetchError {
    let error = fetch_bytes(blocks, root, limits).await.unwrap_err();
    assert!(!error.to_string().contains('\n'));
    assert_ne!(error.is_transient(), error.is_fault());
    error
}

fn settings() -> impl Strategy<Value = CidSettings> {
    (any::<bool>(), any::<bool>(), 1usize..40, 2usize..6).prop_map(|(v0, raw, chunk, links)| {
        let version = if v0 { CidVersion::V0 } else { CidVersion::V1 };
        CidSettings::new(version, raw, chunk, links).unwrap()
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn every_way_to_the_cid_is_the_same_and_the_file_comes_back(
        bytes in proptest::collection::vec(any::<u8>(), 0..1500),
        settings in settings(),
        cuts in proptest::collection::vec(1usize..200, 1..20),
        parallel in 0usize..12,
    ) {
        let (blocks, root) = Blocks::of(&bytes, settings);
        prop_assert_eq!(cid_of_bytes(&bytes, &settings), root);
        let mut hasher = CidHasher::new(settings);
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            hasher.update(head);
            rest = tail;
        }
        prop_assert_eq!(hasher.finish(), root);
        let limits = FetchLimits { parallel, ..limits() };
        prop_assert_eq!(run(fetch_bytes(&blocks, &root, &limits)).unwrap(), bytes);
    }

    #[test]
    fn one_flipped_bit_in_any_block_is_found(
        bytes in proptest::collection::vec(any::<u8>(), 1..500),
        settings in settings(),
        which in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let (mut blocks, root) = Blocks::of(&bytes, settings);
        let mut cids: Vec<Cid> = blocks.held.keys().copied().collect();
        cids.sort();
        let block = blocks.held.get_mut(which.get(&cids)).unwrap();
        let mut changed = block.to_vec();
        let bit = bit.index(changed.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        *block = changed.into();
        let error = run(refusal(&blocks, &root, &limits()));
        let wrong_block = matches!(error, FetchError::WrongBlock { times: 4, .. });
        prop_assert!(wrong_block, "{}", error);
    }
}

#[tokio::test]
async fn a_lost_block_is_transient_and_asked_for_again() {
    let (mut blocks, root) = Blocks::of(&[7; 100], CidSettings::v1());
    blocks.down_for = 2.into();
    let twice = FetchLimits { retries: 2, ..limits() };
    assert_eq!(fetch_bytes(&blocks, &root, &twice).await.unwrap(), [7; 100]);
    assert_eq!(blocks.asked.load(Ordering::Relaxed), 3);
    blocks.held.clear();
    let error = refusal(&blocks, &root, &twice).await;
    assert!(error.is_transient());
    assert_eq!(error.to_string(), format!("block {root} was not found: not held (asked 3 times)"));
}

/// What a bad line or a proxy makes of a block differs each time, and says nothing about the file.
#[tokio::test]
async fn wrong_bytes_that_differ_each_time_are_no_fault_of_the_file() {
    struct Noisy(Blocks);
    impl BlockSource for Noisy {
        async fn block(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
            let block = self.0.block(cid, max_bytes).await?;
            let asked = self.0.asked.load(Ordering::Relaxed) as usize;
            Ok(if asked < 4 { block.slice(asked..) } else { block })
        }
    }
    let (blocks, root) = Blocks::of(&[7; 100], CidSettings::v1());
    let noisy = Noisy(blocks);
    let error = fetch_bytes(&noisy, &root, &FetchLimits { max_blocks: 1, ..limits() }).await;
    assert_eq!(error.unwrap(), [7; 100], "asked until it was clear that this is no lie of the source");
    assert_eq!(noisy.0.asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_source_that_never_answers_runs_into_the_block_timeout_and_the_file_deadline() {
    struct Silent;
    impl BlockSource for Silent {
        async fn block(&self, _: &Cid, _: u64) -> Result<Bytes, SourceError> {
            std::future::pending().await
        }
    }
    let root = cid_of_bytes(b"x", &CidSettings::v1());
    let short = Duration::from_millis(5);
    let error = fetch_bytes(&Silent, &root, &FetchLimits { block_timeout: short, ..limits() }).await;
    assert!(matches!(error, Err(FetchError::Source { error: SourceError::Timeout(_), attempts: 1 })));
    let error = fetch_bytes(&Silent, &root, &FetchLimits { timeout: short, ..limits() }).await;
    assert!(matches!(error, Err(FetchError::Deadline { bytes: 0, .. })));
}

#[tokio::test]
async fn sizes_that_do_not_add_up_are_refused() {
    let mut blocks = Blocks::default();
    let leaf = blocks.put(RAW, vec![1, 2, 3]);
    let root = blocks.node(&[(leaf, 3), (leaf, 2)]);
    let error = refusal(&blocks, &root, &limits()).await;
    assert_eq!(
        error.to_string(),
        format!("block {leaf} is malformed: it holds 3 bytes of file, its parent says 2")
    );

    // filesize 9 over block sizes 3 + 3.
    let message = [0x08, 0x02, 0x18, 9, 0x20, 3, 0x20, 3];
    let root = blocks.put(DAG_PB, dag_pb::encode(&links(&[(leaf, 3), (leaf, 3)]), &message));
    let error = refusal(&blocks, &root, &limits()).await;
    let detail = MalformedDag::FileSize { claimed: 9, sum: 6 };
    assert!(matches!(error, FetchError::Malformed { detail: found, .. } if found == detail));

    let message = unixfs::encode_inner(&[3]);
    let root = blocks.put(DAG_PB, dag_pb::encode(&links(&[(leaf, 3), (leaf, 3)]), &message));
    let error = refusal(&blocks, &root, &limits()).await;
    let detail = MalformedDag::Pairing { links: 2, block_sizes: 1 };
    assert!(matches!(error, FetchError::Malformed { detail: found, .. } if found == detail));

    let message: Vec<u8> = [0x08, 0x02]
        .into_iter()
        .chain((0..2).flat_map(|_| [0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]))
        .collect();
    let root = blocks.put(DAG_PB, dag_pb::encode(&links(&[(leaf, 3), (leaf, 3)]), &message));
    let error = refusal(&blocks, &root, &limits()).await;
    assert!(matches!(error, FetchError::Malformed { detail: MalformedDag::Overflow, .. }));
}

#[tokio::test]
async fn a_bomb_of_repeated_links_is_refused_by_what_it_claims() {
    let mut blocks = Blocks::default();
    let (mut node, mut size) = (blocks.put(RAW, vec![0; 1 << 18]), 1u64 << 18);
    for _ in 0..5 {
        node = blocks.node(&vec![(node, size); 174]);
        size *= 174;
    }
    let error = refusal(&blocks, &node, &limits()).await;
    let expected = Refusal::FileBytes { claimed: size, max: 1 << 30 };
    assert!(matches!(error, FetchError::Exceeds(found) if found == expected));
    assert_eq!(blocks.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_bomb_that_claims_little_is_refused_where_it_lies() {
    let mut blocks = Blocks::default();
    let bomb = {
        let leaf = blocks.put(RAW, vec![0; 1 << 18]);
        blocks.node(&[(leaf, 1 << 18); 174])
    };
    // The root says that each of the two subtrees holds ten bytes.
    let root = blocks.node(&[(bomb, 10), (bomb, 10)]);
    let error = refusal(&blocks, &root, &limits()).await;
    assert!(matches!(
        error,
        FetchError::Malformed { detail: MalformedDag::BlockSize { expected: 10, .. }, .. }
    ));
}

#[tokio::test]
async fn a_bomb_of_empty_nodes_or_of_crumbs_is_refused() {
    let mut blocks = Blocks::default();
    let empty = blocks.put(RAW, Vec::new());
    let node = blocks.node(&[(empty, 0); 174]);
    let error = refusal(&blocks, &node, &limits()).await;
    assert!(matches!(error, FetchError::Malformed { detail: MalformedDag::EmptyChild(0), .. }));

    let (mut node, mut size) = (blocks.put(RAW, vec![1]), 1u64);
    for _ in 0..3 {
        node = blocks.node(&vec![(node, size); 174]);
        size *= 174;
    }
    blocks.asked = 0.into();
    let few = FetchLimits { max_blocks: 1000, ..limits() };
    let error = refusal(&blocks, &node, &few).await;
    assert!(matches!(error, FetchError::Exceeds(Refusal::Blocks { max: 1000 })));
    assert!(blocks.asked.load(Ordering::Relaxed) <= 1000);
}

#[tokio::test]
async fn a_chain_of_single_links_is_refused_at_the_depth_bound() {
    let mut blocks = Blocks::default();
    let mut node = blocks.put(RAW, vec![1]);
    for _ in 0..40 {
        node = blocks.node(&[(node, 1)]);
    }
    let error = refusal(&blocks, &node, &limits()).await;
    assert!(matches!(error, FetchError::Exceeds(Refusal::Depth { max: 32 })));
}

#[tokio::test]
async fn a_block_beyond_the_bound_is_refused() {
    let mut blocks = Blocks::default();
    let leaf = blocks.put(RAW, vec![0; (2 << 20) + 1]);
    let error = refusal(&blocks, &leaf, &limits()).await;
    assert!(matches!(error, FetchError::Exceeds(Refusal::BlockBytes { .. })));
}

#[tokio::test]
async fn what_is_not_a_file_is_refused_by_name() {
    let mut blocks = Blocks::default();
    let directory = blocks.put(DAG_PB, dag_pb::encode(&[], &[0x08, 0x01]));
    let error = refusal(&blocks, &directory, &limits()).await;
    assert_eq!(
        error.to_string(),
        format!("{directory} is a directory, expected a UnixFS file over SHA2-256")
    );

    let garbage = blocks.put(DAG_PB, vec![0xff; 9]);
    assert!(matches!(refusal(&blocks, &garbage, &limits()).await, FetchError::Malformed { .. }));

    let cbor = blocks.put(0x71, vec![0xa0]);
    let error = refusal(&blocks, &cbor, &limits()).await;
    assert!(error.to_string().contains("dag-cbor"), "{error}");

    let mut blake3 = vec![1, RAW as u8, 0x1e, 32];
    blake3.extend([0; 32]);
    let blake3 = Cid::try_from(blake3).unwrap();
    assert!(refusal(&blocks, &blake3, &limits()).await.to_string().contains("hash function 0x1e"));
    let mut cut = vec![1, RAW as u8, 0x12, 20];
    cut.extend([0; 20]);
    let cut = Cid::try_from(cut).unwrap();
    assert!(refusal(&blocks, &cut, &limits()).await.to_string().contains("cut to 20 bytes"));
}

#[tokio::test]
async fn an_identity_cid_is_its_own_block() {
    let blocks = Blocks::default();
    let cid = Cid::try_from([&[1, RAW as u8, 0, 5][..], b"hello"].concat()).unwrap();
    assert_eq!(fetch_bytes(&blocks, &cid, &limits()).await.unwrap(), b"hello");
    assert_eq!(blocks.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_trickle_layout_is_read_and_a_node_may_hold_bytes_of_its_own() {
    let mut blocks = Blocks::default();
    let leaves: Vec<(Cid, u64)> = (0u8..6).map(|i| (blocks.put(RAW, vec![i; 4]), 4)).collect();
    // Leaves and subtrees side by side, as trickle does.
    let low = blocks.node(&leaves[2..4]);
    let high = {
        let inner = blocks.node(&leaves[5..6]);
        blocks.node(&[leaves[4], (inner, 4)])
    };
    let children = [leaves[0], leaves[1], (low, 8), (high, 8)];
    let root = blocks.node(&children);
    let expected: Vec<u8> = (0u8..6).flat_map(|i| [i; 4]).collect();
    assert_eq!(fetch_bytes(&blocks, &root, &limits()).await.unwrap(), expected);

    // Data of the node itself comes first: type file, data "ab", filesize 6, one block of 4.
    let message = [0x08, 0x02, 0x12, 2, b'a', b'b', 0x18, 6, 0x20, 4];
    let root = blocks.put(DAG_PB, dag_pb::encode(&links(&leaves[1..2]), &message));
    assert_eq!(fetch_bytes(&blocks, &root, &limits()).await.unwrap(), b"ab\x01\x01\x01\x01");
}
