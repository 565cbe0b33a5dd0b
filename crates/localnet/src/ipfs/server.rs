use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use super::rpc;
use super::store::{BlockStore, StoreError};

/// A running IPFS node of the local network.
///
/// Dropping it stops it too, without waiting for calls in flight.
#[derive(Debug)]
pub struct IpfsServer {
    address: SocketAddr,
    url: Url,
    store: BlockStore,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl IpfsServer {
    /// Starts a node at `address` (port 0 for a free one), its blocks in `folder` or else in memory.
    ///
    /// # Errors
    /// When the address is taken or the folder cannot be used.
    pub async fn start(address: SocketAddr, folder: Option<&Path>) -> Result<Self, StoreError> {
        let store = match folder {
            Some(folder) => BlockStore::in_folder(folder)?,
            None => BlockStore::in_memory(),
        };
        Self::with_store(address, store).await
    }

    /// Starts a node over an existing store: a second node that holds the same blocks, or one that
    /// comes back after [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn with_store(address: SocketAddr, store: BlockStore) -> Result<Self, StoreError> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let url = Url::parse(&format!("http://{address}"))
            .map_err(|error| StoreError::Folder(io::Error::other(error)))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = rpc::router(store.clone(), address);
        let task = tokio::spawn(async move {
            // Both a message and a dropped sender mean stop.
            let stopped = async move { drop(stopped.await) };
            axum::serve(listener, router).with_graceful_shutdown(stopped).await
        });
        Ok(Self { address, url, store, stop: Some(stop), task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address for a Kubo client.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Its blocks and pins.
    #[must_use]
    pub const fn store(&self) -> &BlockStore {
        &self.store
    }

    /// Stops it and returns when its port is free again. The store lives on in its clones.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        // Idle keep-alive connections would hold a graceful stop up; calls in flight are short.
        let grace = std::time::Duration::from_secs(1);
        if tokio::time::timeout(grace, &mut self.task).await.is_err() {
            self.task.abort();
            drop((&mut self.task).await);
        }
    }
}
