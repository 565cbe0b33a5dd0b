//! Account keys of an R3MES operator: mnemonics, derivation, addresses and signatures.
//!
//! An account is a secp256k1 key, usually derived from a BIP-39 mnemonic along a BIP-44 path. The
//! secret stays inside [`AccountKey`], whose `Debug` prints no part of it.

mod account;
mod mnemonic;

pub use account::{AccountKey, KeyError};
pub use mnemonic::{DEFAULT_COIN_TYPE, DEFAULT_PATH, derivation_path, mnemonic_from_entropy};
