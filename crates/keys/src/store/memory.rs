use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::{KeyStore, StoreError};
use crate::{AccountKey, StoreKind};

type Entries = BTreeMap<String, Zeroizing<[u8; 32]>>;

/// Keys in this process alone, for tests: they end with it.
#[derive(Default)]
pub struct MemoryStore {
    entries: Mutex<Entries>,
}

impl MemoryStore {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyStore for MemoryStore {
    fn kind(&self) -> StoreKind {
        StoreKind::Memory
    }

    fn read(&self, entry: &str) -> Result<AccountKey, StoreError> {
        let missing = || StoreError::NoEntry { kind: StoreKind::Memory, entry: entry.to_owned() };
        let entries = self.entries();
        let secret = entries.get(entry).ok_or_else(missing)?;
        AccountKey::from_bytes(secret).map_err(|_| missing())
    }

    fn write(&self, entry: &str, key: &AccountKey) -> Result<(), StoreError> {
        self.entries().insert(entry.to_owned(), key.secret());
        Ok(())
    }

    fn delete(&self, entry: &str) -> Result<(), StoreError> {
        let missing = || StoreError::NoEntry { kind: StoreKind::Memory, entry: entry.to_owned() };
        self.entries().remove(entry).map(drop).ok_or_else(missing)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} entries, <redacted>)", self.entries().len())
    }
}
