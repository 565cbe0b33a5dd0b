//! The R3MES chain, as a proposer meets it over one CometBFT RPC endpoint or several: queries and raw store
//! reads, signing and broadcasting, inclusion, events, and the hashes that the chain recomputes.
//!
//! [`Chain`] is where to begin. [`Rpc`] below it is the bare JSON-RPC client, [`tx`] what it signs.

pub mod http;
pub mod proto;
pub mod rpc;
pub mod tx;

mod amount;
mod broadcast;
mod chain;
mod digest;
mod error;
mod event;
mod included;
mod refusal;
mod spec;
mod subscription;

pub use amount::{AmountError, Coin, Coins, DecCoin, Decimal};
pub use broadcast::{Broadcast, Inclusion};
pub use chain::{Account, Chain, DelegationReward, Estimate, NodeConfig};
pub use cosmrs::Any;
pub use digest::{commitment_hash, merkle_root, miner_signature_digest, miner_signature_text};
pub use error::{ChainError, NodeError, NodeErrorKind};
pub use event::{Event, ModuleEvent};
pub use included::{Committed, Included};
pub use refusal::{Refusal, RefusalReason};
pub use rpc::{EndpointStanding, EndpointStatus, EndpointTrouble, Rpc, RpcLimits, Status};
pub use spec::ChainSpec;
pub use subscription::{Backoff, Connection, Notice, Subscription, subscribe, subscribe_again};
pub use tx::{SignedTx, Terms, TxBody, any};
