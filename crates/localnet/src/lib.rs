//! An R3MES network in one process, on loopback ports of its own.

pub mod accounts;
pub mod chain;
pub mod ipfs;
pub mod miners;
mod network;

pub use accounts::{Account, Role};
pub use network::{Localnet, LocalnetConfig, LocalnetError, MinersConfig, NetworkInfo, chain_config};
