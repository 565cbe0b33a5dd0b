//! A running chain: its blocks' producer, its sockets, and the handle that the same process holds on it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use r3mes_chain::proto::GlobalModelState;
use thiserror::Error;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::admin::Operation;
use super::block::Block;
use super::config::ChainConfig;
use super::error::Refusal;
use super::node::Node;
use super::rpc;

/// Blocks that a subscriber may lag behind before it misses some.
const BACKLOG: usize = 1024;

/// Blocks that one operation of the administrator's makes at most.
const MAX_BLOCKS_AT_ONCE: u32 = 10_000;

/// How a chain runs, besides its rules.
#[derive(Clone, Debug)]
pub struct ChainOptions {
    /// Where the RPC server listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Time between two blocks. `None` makes blocks only when [`ChainHandle::produce_block`] is called.
    pub block_interval: Option<Duration>,
}

impl Default for ChainOptions {
    fn default() -> Self {
        ChainOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), block_interval: None }
    }
}

/// Why a chain did not start.
#[derive(Debug, Error)]
pub enum ChainStartError {
    /// The genesis contradicts itself.
    #[error("failed to apply the genesis: {0}")]
    Genesis(Refusal),
    /// The RPC server's socket.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A chain with its server. Dropping it ends both; [`Chain::shutdown`] waits until they have ended.
#[derive(Debug)]
pub struct Chain {
    handle: ChainHandle,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Chain {
    /// Applies the genesis, makes the first block and begins to listen.
    pub async fn start(config: ChainConfig, options: ChainOptions) -> Result<Chain, ChainStartError> {
        let node = Node::genesis(config).map_err(ChainStartError::Genesis)?;
        let refused = |source| ChainStartError::Listen { address: options.listen, source };
        let listener = tokio::net::TcpListener::bind(options.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (blocks, _) = broadcast::channel(BACKLOG);
        let (height, _) = watch::channel(node.height());
        let (pauses, _) = watch::channel(0);
        let shared = Shared { node: Mutex::new(node), blocks, height, pauses };
        let handle = ChainHandle { shared: Arc::new(shared) };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(rpc::serve(listener, handle.clone(), stop.clone()));
        if let Some(interval) = options.block_interval {
            tasks.spawn(produce(handle.clone(), interval, stop.clone()));
        }
        tasks.close();
        Ok(Chain { handle, address, stop, tasks })
    }

    /// `http://127.0.0.1:PORT`, the CometBFT RPC endpoint.
    pub fn rpc_url(&self) -> Url {
        super::http_url(self.address)
    }

    /// The handle for the same process.
    pub fn handle(&self) -> &ChainHandle {
        &self.handle
    }

    /// Ends block production and the server.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn produce(handle: ChainHandle, interval: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut pauses = handle.shared.pauses.subscribe();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            running = pauses.wait_for(|count| *count == 0) => if running.is_err() { return },
        }
        handle.produce_block();
    }
}

#[derive(Debug)]
struct Shared {
    node: Mutex<Node>,
    blocks: broadcast::Sender<Arc<Block>>,
    height: watch::Sender<i64>,
    pauses: watch::Sender<usize>,
}

/// What the process that runs the chain may do with it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ChainHandle {
    shared: Arc<Shared>,
}

/// While this lives, no block is made on the clock's account.
#[derive(Debug)]
#[must_use = "blocks are made again as soon as this is dropped"]
pub struct Paused {
    shared: Arc<Shared>,
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.shared.pauses.send_modify(|count| *count -= 1);
    }
}

impl ChainHandle {
    pub(crate) fn node(&self) -> MutexGuard<'_, Node> {
        // A panic under the lock left no half-made block: blocks are built beside the node's state.
        self.shared.node.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Height of the last block.
    pub fn height(&self) -> i64 {
        *self.shared.height.borrow()
    }

    /// The chain's configuration.
    pub fn config(&self) -> ChainConfig {
        self.node().state.config().clone()
    }

    /// The block at `height`, if it exists and was not pruned.
    pub fn block(&self, height: i64) -> Option<Arc<Block>> {
        self.node().block(height).cloned()
    }

    /// Makes a block now, whether production is paused or not.
    pub fn produce_block(&self) -> Arc<Block> {
        self.produce(&mut self.node())
    }

    fn produce(&self, node: &mut Node) -> Arc<Block> {
        let block = node.produce_block();
        // Sent under the lock, so that subscribers see the blocks in their order.
        self.shared.height.send_replace(block.height);
        let _ = self.shared.blocks.send(Arc::clone(&block));
        block
    }

    /// Makes `count` blocks and answers the last one's height.
    pub fn produce_blocks(&self, count: usize) -> i64 {
        for _ in 0..count {
            self.produce_block();
        }
        self.height()
    }

    /// Stops the production of blocks on the clock until the guard is dropped.
    pub fn pause(&self) -> Paused {
        self.shared.pauses.send_modify(|count| *count += 1);
        Paused { shared: Arc::clone(&self.shared) }
    }

    /// Every block from now on.
    pub fn blocks(&self) -> broadcast::Receiver<Arc<Block>> {
        self.shared.blocks.subscribe()
    }

    /// Returns once the chain has reached `height`.
    pub async fn wait_for_height(&self, height: i64) {
        let mut heights = self.shared.height.subscribe();
        // The sender lives in `self.shared`: waiting cannot fail.
        let _ = heights.wait_for(|reached| *reached >= height).await;
    }

    /// Transactions that wait for a block.
    pub fn mempool_len(&self) -> usize {
        self.node().mempool.len()
    }

    /// Writes the state of the global model, for which the module has no message.
    pub fn set_global_model(&self, model: GlobalModelState) -> Result<(), Refusal> {
        self.administer(Operation::SetGlobalModel(model.into())).map(drop)
    }

    /// Answers what `abci_query` would.
    pub fn query(&self, path: &str, data: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        super::query::query(&self.node().state, path, data)
    }

    /// Does an operation of the administrator's; its events come with the next block.
    pub fn administer(&self, operation: Operation) -> Result<serde_json::Value, Refusal> {
        if let Operation::ProduceBlocks { count } = operation {
            let height = self.produce_blocks(count.min(MAX_BLOCKS_AT_ONCE) as usize);
            return Ok(serde_json::json!({ "height": height.to_string() }));
        }
        operation.run(&mut self.node())
    }

    /// As [`ChainHandle::administer`], and makes the block that holds the operation's events before anybody
    /// can read the state without them.
    pub(crate) fn administer_in_a_block(&self, operation: Operation) -> Result<serde_json::Value, Refusal> {
        if matches!(operation, Operation::ProduceBlocks { .. } | Operation::FlushMempool) {
            return self.administer(operation);
        }
        let mut node = self.node();
        let answer = operation.run(&mut node)?;
        self.produce(&mut node);
        Ok(answer)
    }
}
