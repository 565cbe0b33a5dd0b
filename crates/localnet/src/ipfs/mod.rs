//! An IPFS node for the local network: true CIDs, real DAG blocks, and as much of Kubo's RPC as the
//! network's members use. It is reached over loopback like any other node.

mod add;
mod rpc;
mod server;
mod store;

pub use server::IpfsServer;
pub use store::{BlockStore, StoreError};
