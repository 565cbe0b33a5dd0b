//! The IPFS client and the local network's IPFS node against each other, over loopback sockets.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::SocketAddr;

use proptest::prelude::*;
use r3mes_chain::http::Timeouts;
use r3mes_ipfs::{
    Cid, CidSettings, CidVersion, DAG_PB, FetchError, FetchLimits, Kubo, KuboError, SourceError,
    cid_of_bytes, dag_pb, fetch_bytes,
};
use r3mes_localnet::ipfs::{BlockStore, IpfsServer};

const FREE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn client(server: &IpfsServer) -> Kubo {
    let http = r3mes_chain::http::client(Timeouts::default()).unwrap();
    Kubo::new(http, server.url().clone())
}

fn limits() -> FetchLimits {
    FetchLimits { retries: 0, ..FetchLimits::default() }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

#[tokio::test]
async fn what_is_added_has_our_cid_comes_back_and_is_collected_once_unpinned() {
    let server = IpfsServer::start(FREE, None).await.unwrap();
    let kubo = client(&server);
    for settings in [CidSettings::v0(), CidSettings::v1()] {
        for size in [0, 1, 262_144, 262_145, 700_000] {
            let bytes = pattern(size);
            let added = kubo.add(bytes.clone(), &settings).await.unwrap();
            assert_eq!(added.cid, cid_of_bytes(&bytes, &settings));
            assert!(added.total_size >= size as u64);
            assert_eq!(fetch_bytes(&kubo, &added.cid, &limits()).await.unwrap(), bytes);
            assert_eq!(kubo.cat_unverified(&added.cid, 1 << 20).await.unwrap(), bytes);
            assert_eq!(kubo.pin(&added.cid).await.unwrap().unwrap().mode, "recursive");
        }
    }
    let pins = kubo.pins().await.unwrap();
    assert_eq!(pins.len(), 10);
    assert!(kubo.repo_gc().await.unwrap().removed.is_empty());

    let large = cid_of_bytes(&pattern(700_000), &CidSettings::v1());
    let block = kubo.block_get(&large, 1 << 20).await.unwrap();
    let leaf = dag_pb::decode(&block).unwrap().links[2].cid;
    assert_eq!(kubo.pin(&leaf).await.unwrap(), None, "another's pin reaches it, and none is its own");
    assert_eq!(kubo.block_stat(&leaf).await.unwrap().size, 700_000 - 2 * 262_144);

    let before = kubo.repo_stat().await.unwrap();
    assert!(kubo.pin_rm(&large).await.unwrap());
    assert!(!kubo.pin_rm(&large).await.unwrap());
    assert_eq!(kubo.pin(&large).await.unwrap(), None);
    let collected = kubo.repo_gc().await.unwrap();
    // The leaf at 0 belongs to the 262,144 and 262,145 byte files too.
    assert_eq!(collected.removed.len(), 3);
    assert_eq!(kubo.repo_stat().await.unwrap().objects, before.objects - 3);
    assert!(matches!(kubo.block_get(&large, 1 << 20).await, Err(KuboError::NotFound { .. })));
    assert!(matches!(kubo.pin_add(&large).await, Err(KuboError::NotFound { .. })));
    let error = fetch_bytes(&kubo, &large, &limits()).await.unwrap_err();
    assert!(matches!(error, FetchError::Source { error: SourceError::NotFound { .. }, .. }), "{error}");
    assert!(error.is_transient());

    assert!(kubo.version().await.unwrap().version.starts_with("r3mes-localnet/"));
    assert_eq!(kubo.id().await.unwrap().addresses.len(), 1);
    assert!(kubo.peers().await.unwrap().is_empty());
    server.shutdown().await;
}

#[tokio::test]
async fn a_file_is_streamed_from_disk_and_a_folder_keeps_it_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("update.bin");
    let bytes = pattern(600_000);
    std::fs::write(&path, &bytes).unwrap();
    let blocks = folder.path().join("blocks");

    let server = IpfsServer::start(FREE, Some(&blocks)).await.unwrap();
    let added = client(&server).add(path.as_path(), &CidSettings::v1()).await.unwrap();
    server.shutdown().await;

    let server = IpfsServer::start(FREE, Some(&blocks)).await.unwrap();
    assert_eq!(fetch_bytes(&client(&server), &added.cid, &limits()).await.unwrap(), bytes);
    assert_eq!(server.store().pins(), [added.cid]);
    assert!(client(&server).pin_rm(&added.cid).await.unwrap());
    assert_eq!(client(&server).repo_gc().await.unwrap().removed.len(), 4);
    server.shutdown().await;
    assert_eq!(BlockStore::in_folder(&blocks).unwrap().totals(), (0, 0));

    let absent = folder.path().join("absent");
    let server = IpfsServer::start(FREE, None).await.unwrap();
    let error = client(&server).add(absent.as_path(), &CidSettings::v1()).await.unwrap_err();
    assert!(matches!(error, KuboError::Read { .. }), "{error}");
}

#[tokio::test]
async fn a_node_that_lies_is_caught() {
    let server = IpfsServer::start(FREE, None).await.unwrap();
    let kubo = client(&server);
    let bytes = pattern(600_000);
    let root = server.store().add_file(&bytes, &CidSettings::v1()).unwrap();
    let leaf = dag_pb::decode(&server.store().block(&root).unwrap()).unwrap().links[1].cid;
    for cid in [leaf, root] {
        server.store().corrupt(&cid).unwrap();
        let error = fetch_bytes(&kubo, &root, &limits()).await.unwrap_err();
        assert!(error.is_fault());
        let FetchError::WrongBlock { cid: found, .. } = error else { panic!("{error}") };
        assert_eq!(found, cid.to_string());
        server.store().heal();
    }
    server.store().substitute(&leaf, vec![0; 3 << 20].into());
    let error = fetch_bytes(&kubo, &root, &limits()).await.unwrap_err();
    assert!(matches!(error, FetchError::Exceeds(_)), "{error}");
    server.store().heal();
    assert_eq!(fetch_bytes(&kubo, &root, &limits()).await.unwrap(), bytes);
    server.store().lose(&leaf).unwrap();
    assert!(fetch_bytes(&kubo, &root, &limits()).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn failures_are_typed_and_say_what_to_do() {
    let server = IpfsServer::start(FREE, None).await.unwrap();
    let http = r3mes_chain::http::client(Timeouts::default()).unwrap();
    let url = server.url().join("api/v0/id").unwrap();
    assert_eq!(http.get(url).send().await.unwrap().status(), 405);
    let odd = CidSettings::new(CidVersion::V1, true, 1000, 3).unwrap();
    let added = client(&server).add(pattern(10_000), &odd).await.unwrap();
    assert_eq!(added.cid, cid_of_bytes(&pattern(10_000), &odd));
    assert_eq!(added.cid.codec(), DAG_PB);

    let elsewhere = Kubo::new(http.clone(), server.url().join("other/").unwrap());
    let error = elsewhere.version().await.unwrap_err();
    assert!(error.to_string().contains("HTTP 404: this may be a gateway"), "{error}");

    let kubo = client(&server);
    let cid = Cid::try_from("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku").unwrap();
    assert!(matches!(kubo.block_stat(&cid).await, Err(KuboError::NotFound { .. })));
    let url = server.url().clone();
    server.shutdown().await;
    let error = kubo.version().await.unwrap_err();
    assert!(matches!(error, KuboError::Unreachable { .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("no IPFS node answers at {url}")), "{error}");
    assert!(error.is_transient());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn fetch_of_add_is_the_file(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
        (v0, raw, chunk, links) in (any::<bool>(), any::<bool>(), 16usize..300, 2usize..6),
    ) {
        let version = if v0 { CidVersion::V0 } else { CidVersion::V1 };
        let settings = CidSettings::new(version, raw, chunk, links).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = IpfsServer::start(FREE, None).await.unwrap();
            let kubo = client(&server);
            let added = kubo.add(bytes.clone(), &settings).await.unwrap();
            prop_assert_eq!(added.cid, cid_of_bytes(&bytes, &settings));
            prop_assert_eq!(fetch_bytes(&kubo, &added.cid, &limits()).await.unwrap(), bytes);
            Ok(())
        })?;
    }
}
