//! CometBFT's JSON-RPC over HTTP POST.
//!
//! [`Rpc`] is the client. Below it a pool chooses among the endpoints by what is known of each, and a wire
//! makes one call to one node.

mod client;
pub(crate) mod encoding;
mod endpoint;
mod pool;
mod types;
mod wire;

pub use client::{Rpc, RpcLimits, TxOrder};
pub use endpoint::{EndpointStanding, EndpointStatus, EndpointTrouble};
pub(crate) use pool::Asked;
pub use types::{
    AbciQuery, Block, BlockId, BlockResults, BroadcastTxSync, ConsensusParams, ExecTxResult, Header,
    NumUnconfirmedTxs, Status, TxResponse, TxSearch,
};
pub(crate) use types::{FinalizeBlock, JsonBlock, JsonTxResult};
pub(crate) use wire::{Envelope, host_and_port};
