//! CometBFT's JSON-RPC over HTTP POST.

mod client;
pub(crate) mod encoding;
mod types;

pub(crate) use client::{Envelope, host_and_port};
pub use client::{Rpc, RpcLimits, TxOrder};
pub use types::{
    AbciQuery, Block, BlockId, BlockResults, BroadcastTxSync, ExecTxResult, Header, NumUnconfirmedTxs,
    Status, TxResponse, TxSearch,
};
pub(crate) use types::{FinalizeBlock, JsonBlock, JsonTxResult};
