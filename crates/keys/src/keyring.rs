//! The named keys of one data folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rand::CryptoRng;
use time::OffsetDateTime;

use crate::{AccountKey, KeyName, KeyRecord, KeyStore, StoreError, StoreKind, disk};

/// The public records of a data folder's keys. Secrets are elsewhere, in a [`KeyStore`].
#[derive(Debug, Clone)]
pub struct Keyring {
    folder: PathBuf,
}

/// Why a named key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// No key has this name.
    #[error("there is no key {name:?}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The name is that of another key.
    #[error("the name {name:?} is that of the key of {address} already")]
    Taken {
        /// The name.
        name: String,
        /// The address of the key that has it.
        address: String,
    },
    /// The store holds another key than the one that was enrolled.
    #[error("the {kind} holds a key of {found} under {name:?}, and {enrolled} was enrolled")]
    Differs {
        /// The name.
        name: String,
        /// The store.
        kind: StoreKind,
        /// The address of the key in the store.
        found: String,
        /// The address of the key that was enrolled.
        enrolled: String,
    },
    /// What was written came back otherwise.
    #[error("the {kind} gave back another key than was written; nothing relies on it")]
    ReadBack {
        /// The store.
        kind: StoreKind,
    },
    /// The store is another one than the record names.
    #[error("the key {name:?} lies in the {expected}, not in the {found}")]
    OtherStore {
        /// The name.
        name: String,
        /// The store in the record.
        expected: StoreKind,
        /// The store that was given.
        found: StoreKind,
    },
    /// The store does not give or take the key.
    #[error("the key {name:?} cannot be used: {error}")]
    Store {
        /// The name.
        name: String,
        /// Why.
        error: StoreError,
    },
    /// A record's file cannot be read or written.
    #[error("the key record {} cannot be used: {detail}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

/// What enrolling a key needs to know.
#[derive(Debug, Clone)]
pub struct Enrolment<'a> {
    /// The key's name.
    pub name: &'a KeyName,
    /// The network's address prefix.
    pub prefix: &'a str,
    /// The derivation path, where the key came from a mnemonic.
    pub path: Option<&'a str>,
    /// The time.
    pub now: OffsetDateTime,
}

impl Keyring {
    /// The keys whose records are in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Keyring { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All records in the order of their names.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn list(&self) -> Result<Vec<KeyRecord>, KeyringError> {
        let failed =
            |error: io::Error| KeyringError::Record { path: self.folder.clone(), detail: error.to_string() };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(failed)?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".toml"));
            names.extend(name.and_then(|name| name.parse::<KeyName>().ok()));
        }
        names.sort();
        names.iter().map(|name| self.record(name)).collect()
    }

    /// The record of a key.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], or when its file cannot be read.
    pub fn record(&self, name: &KeyName) -> Result<KeyRecord, KeyringError> {
        self.find(name)?.ok_or_else(|| KeyringError::Unknown { name: name.to_string() })
    }

    /// Writes a key into a store, reads it back, and only then enrols it under its name.
    ///
    /// A key that is enrolled under this name already may be enrolled again, into the same store or
    /// another: so an entry that was lost comes back.
    ///
    /// # Errors
    /// When the name is another key's, or the store does not keep the key.
    pub fn enrol(
        &self,
        key: &AccountKey,
        store: &dyn KeyStore,
        enrolment: &Enrolment<'_>,
        entropy: &mut dyn CryptoRng,
    ) -> Result<KeyRecord, KeyringError> {
        let Enrolment { name, prefix, path, now } = enrolment;
        let public_key = hex::encode(key.public_key().to_bytes());
        let before = self.find(name)?;
        let record = match before {
            Some(before) if before.public_key != public_key => {
                return Err(KeyringError::Taken { name: name.to_string(), address: before.address });
            }
            Some(before) => {
                KeyRecord { store: store.kind(), path: before.path.or(path.map(str::to_owned)), ..before }
            }
            None => KeyRecord {
                version: KeyRecord::VERSION,
                name: (*name).clone(),
                address: key.address(prefix),
                public_key,
                store: store.kind(),
                entry: new_entry(name, entropy),
                path: path.map(str::to_owned),
                created_at: *now,
                last_backup: None,
            },
        };
        let failed = |error| KeyringError::Store { name: name.to_string(), error };
        store.write(&record.entry, key).map_err(failed)?;
        let read_back = store.read(&record.entry).map_err(failed)?;
        if *read_back.secret() != *key.secret() {
            return Err(KeyringError::ReadBack { kind: store.kind() });
        }
        self.save(&record)?;
        Ok(record)
    }

    /// The secret of an enrolled key.
    ///
    /// # Errors
    /// [`KeyringError::Store`] with what keeps the store from giving it, or [`KeyringError::Differs`]
    /// where it gives another one.
    pub fn unlock(&self, name: &KeyName, store: &dyn KeyStore) -> Result<AccountKey, KeyringError> {
        let record = self.record(name)?;
        if record.store != store.kind() {
            return Err(KeyringError::OtherStore {
                name: name.to_string(),
                expected: record.store,
                found: store.kind(),
            });
        }
        let key = store
            .read(&record.entry)
            .map_err(|error| KeyringError::Store { name: name.to_string(), error })?;
        if hex::encode(key.public_key().to_bytes()) != record.public_key {
            let prefix = record.address.rsplit_once('1').map_or("", |(prefix, _)| prefix);
            return Err(KeyringError::Differs {
                name: name.to_string(),
                kind: record.store,
                found: key.address(prefix),
                enrolled: record.address,
            });
        }
        Ok(key)
    }

    /// Deletes a key: its entry, then its record. An entry that is gone already is no obstacle.
    ///
    /// # Errors
    /// When the store cannot be reached or refuses; the record stays then.
    pub fn delete(&self, name: &KeyName, store: &dyn KeyStore) -> Result<KeyRecord, KeyringError> {
        let record = self.record(name)?;
        match store.delete(&record.entry) {
            Ok(()) | Err(StoreError::NoEntry { .. }) => {}
            Err(error) => return Err(KeyringError::Store { name: name.to_string(), error }),
        }
        let path = self.path(name);
        disk::remove(&path).map_err(|error| KeyringError::Record { path, detail: error.to_string() })?;
        Ok(record)
    }

    /// Writes down that a key is in a backup.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn mark_backup(&self, name: &KeyName, at: OffsetDateTime) -> Result<(), KeyringError> {
        let record = KeyRecord { last_backup: Some(at), ..self.record(name)? };
        self.save(&record)
    }

    /// Whether a name is free, this very key's, or another key's.
    pub(crate) fn find(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError> {
        let path = self.path(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeyringError::Record { path, detail: error.to_string() }),
        };
        match KeyRecord::parse(&text) {
            Ok(record) if record.name == *name => Ok(Some(record)),
            Ok(record) => Err(KeyringError::Record {
                path,
                detail: format!("it is that of {:?}", record.name.as_str()),
            }),
            Err(detail) => Err(KeyringError::Record { path, detail }),
        }
    }

    fn save(&self, record: &KeyRecord) -> Result<(), KeyringError> {
        let path = self.path(&record.name);
        let failed = |detail: String| KeyringError::Record { path: path.clone(), detail };
        let text = record.to_text().map_err(failed)?;
        disk::write(&path, text.as_bytes()).map_err(|error| failed(error.to_string()))
    }

    fn path(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}.toml"))
    }
}

/// A name for an entry that no other data folder on this machine uses.
fn new_entry(name: &KeyName, entropy: &mut dyn CryptoRng) -> String {
    let mut mark = [0_u8; 4];
    entropy.fill_bytes(&mut mark);
    format!("{name}-{}", hex::encode(mark))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::MemoryStore;

    fn key(byte: u8) -> AccountKey {
        AccountKey::from_bytes(&[byte; 32]).unwrap()
    }

    fn enrol(ring: &Keyring, store: &dyn KeyStore, key: &AccountKey) -> Result<KeyRecord, KeyringError> {
        let name = "main".parse().unwrap();
        let now = OffsetDateTime::UNIX_EPOCH;
        let enrolment = Enrolment { name: &name, prefix: "remes", path: None, now };
        ring.enrol(key, store, &enrolment, &mut ChaCha20Rng::seed_from_u64(1))
    }

    #[test]
    fn a_key_is_enrolled_used_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (ring, store) = (Keyring::new(folder.path().join("keys")), MemoryStore::default());
        assert!(ring.list().unwrap().is_empty());
        let record = enrol(&ring, &store, &key(7)).unwrap();
        assert_eq!(record.address, key(7).address("remes"));
        assert_eq!(ring.list().unwrap(), std::slice::from_ref(&record));
        assert_eq!(ring.unlock(&record.name, &store).unwrap().public_key(), key(7).public_key());
        ring.mark_backup(&record.name, OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_eq!(ring.record(&record.name).unwrap().last_backup, Some(OffsetDateTime::UNIX_EPOCH));
        ring.delete(&record.name, &store).unwrap();
        assert!(matches!(ring.unlock(&record.name, &store), Err(KeyringError::Unknown { .. })));
        assert!(matches!(store.read(&record.entry), Err(StoreError::NoEntry { .. })));
    }

    #[test]
    fn a_lost_entry_leads_to_its_own_key_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (ring, store) = (Keyring::new(folder.path()), MemoryStore::default());
        let record = enrol(&ring, &store, &key(7)).unwrap();
        store.delete(&record.entry).unwrap();
        let lost = ring.unlock(&record.name, &store).unwrap_err();
        assert!(matches!(lost, KeyringError::Store { error: StoreError::NoEntry { .. }, .. }), "{lost}");
        assert!(matches!(enrol(&ring, &store, &key(8)), Err(KeyringError::Taken { .. })));
        assert!(matches!(store.read(&record.entry), Err(StoreError::NoEntry { .. })), "nothing was written");
        assert_eq!(enrol(&ring, &store, &key(7)).unwrap(), record);
        assert!(ring.unlock(&record.name, &store).is_ok());
    }

    #[test]
    fn an_entry_that_differs_from_the_enrolled_address_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (ring, store) = (Keyring::new(folder.path()), MemoryStore::default());
        let record = enrol(&ring, &store, &key(7)).unwrap();
        store.write(&record.entry, &key(8)).unwrap();
        let error = ring.unlock(&record.name, &store).unwrap_err().to_string();
        let (found, enrolled) = (key(8).address("remes"), key(7).address("remes"));
        let text = format!("the memory holds a key of {found} under \"main\", and {enrolled} was enrolled");
        assert_eq!(error, text);
    }

    /// Takes everything and keeps something else.
    struct Forgetful;

    impl KeyStore for Forgetful {
        fn kind(&self) -> StoreKind {
            StoreKind::Memory
        }

        fn read(&self, _: &str) -> Result<AccountKey, StoreError> {
            Ok(key(9))
        }

        fn write(&self, _: &str, _: &AccountKey) -> Result<(), StoreError> {
            Ok(())
        }

        fn delete(&self, _: &str) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn what_does_not_come_back_is_not_enrolled() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::new(folder.path());
        assert!(matches!(enrol(&ring, &Forgetful, &key(7)), Err(KeyringError::ReadBack { .. })));
        assert!(ring.list().unwrap().is_empty());
    }

    #[test]
    fn a_record_that_does_not_parse_is_told_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::new(folder.path());
        let path = folder.path().join("main.toml");
        fs::write(&path, "version = 1\nname = ").unwrap();
        let error = enrol(&ring, &MemoryStore::default(), &key(7)).unwrap_err().to_string();
        assert!(error.contains("main.toml cannot be used") && !error.contains('\n'), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "version = 1\nname = ");
    }
}
