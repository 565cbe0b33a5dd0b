//! An R3MES chain in one process: the rules of the module `remes.remes.v1` on a small Cosmos-like
//! application, reached as CometBFT is reached.

mod admin;
mod ante;
mod block;
mod coins;
mod config;
mod context;
mod error;
mod event;
mod event_query;
mod gas;
mod handle;
mod mempool;
mod modules;
mod node;
mod query;
mod router;
mod rpc;
mod state;
mod store;

pub use admin::{ModelState, Operation};
pub use block::{Block, BlockTx};
pub use coins::Coin;
pub use config::{BlockTime, ChainConfig, GenesisAccount, GenesisValidator};
pub use error::Refusal;
pub use event::{Attribute, Event};
pub use handle::{Chain, ChainHandle, ChainOptions, ChainStartError, Paused};
pub use state::TxResult;

pub(crate) use rpc::http_url;
