//! A Cosmos SDK network that we did not write: real nodes on loopback ports, one validator.

mod network;
mod node;
mod relay;

pub use network::{CHAIN_ID, Cosmos, DENOM};
pub use node::Node;
pub use relay::Relay;
