use std::io;
use std::path::PathBuf;

use crate::{AccountKey, SealError, StoreKind};

/// A place that keeps secrets by the name of their entry.
pub trait KeyStore: Send + Sync {
    /// What it is.
    fn kind(&self) -> StoreKind;

    /// The secret of an entry.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`] only where the store is open and holds no such entry.
    fn read(&self, entry: &str) -> Result<AccountKey, StoreError>;

    /// Writes an entry, in the place of an older one.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses.
    fn write(&self, entry: &str, key: &AccountKey) -> Result<(), StoreError>;

    /// Deletes an entry.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses, or there is none.
    fn delete(&self, entry: &str) -> Result<(), StoreError>;
}

/// What keeps a store from giving or taking a key. Each has a remedy of its own, and none of them is a
/// new key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing answers where the keychain should be.
    #[error("there is no keychain service here ({detail})")]
    NoService {
        /// What the system said.
        detail: String,
    },
    /// The keychain is there and closed.
    #[error("the keychain is locked")]
    Locked,
    /// The store is open, and the entry is not in it.
    #[error("the {kind} has no entry {entry:?}")]
    NoEntry {
        /// The store.
        kind: StoreKind,
        /// The entry.
        entry: String,
    },
    /// The entry holds something that is no key.
    #[error("the entry {entry:?} of the {kind} holds no key")]
    NoKey {
        /// The store.
        kind: StoreKind,
        /// The entry.
        entry: String,
    },
    /// The keychain failed in another way.
    #[error("the keychain failed: {detail}")]
    Keychain {
        /// What the system said.
        detail: String,
    },
    /// The key file does not open.
    #[error("the key file {} does not open: {error}", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why.
        error: SealError,
    },
    /// The file system failed.
    #[error("the key file {} cannot be used: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}
