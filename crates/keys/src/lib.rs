//! Account keys of an R3MES operator: mnemonics, derivation, addresses, signatures, and where the
//! secrets lie.
//!
//! An account is a secp256k1 key, usually derived from a BIP-39 mnemonic along a BIP-44 path. The
//! secret stays inside [`AccountKey`], whose `Debug` prints no part of it. A [`Keyring`] holds the
//! public records of a data folder's named keys; their secrets lie in a [`KeyStore`].

mod account;
mod adr036;
mod armor;
mod backup;
mod disk;
mod kdf;
mod keyring;
mod mnemonic;
mod record;
mod sealed;
mod store;

pub use account::{AccountKey, KeyError, Typed, is_address};
pub use adr036::{ArbitrarySignature, VerifyError, sign_arbitrary, verify_arbitrary};
pub use armor::ArmorError;
pub use backup::Backup;
pub use cosmrs::crypto::PublicKey;
pub use kdf::Cost;
pub use keyring::{Enrolment, Keyring, KeyringError};
pub use mnemonic::{
    DEFAULT_COIN_TYPE, DEFAULT_PATH, MnemonicLength, derivation_path, generate_mnemonic,
    mnemonic_from_entropy,
};
pub use record::{InvalidName, KeyName, KeyRecord, StoreKind};
pub use sealed::SealError;
pub use store::{FileStore, KeyStore, Keychain, MemoryStore, StoreError};
