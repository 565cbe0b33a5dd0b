use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{KeyStore, StoreError};
use crate::sealed::{self, Purpose};
use crate::{AccountKey, Cost, SealError, StoreKind, disk};

/// One file a key, `ENTRY.key`, closed by a passphrase: for servers, where no keychain is.
pub struct FileStore {
    folder: PathBuf,
    passphrase: Zeroizing<String>,
    cost: Cost,
}

impl FileStore {
    /// The key files in `folder`, all with this passphrase. New ones are closed at this cost.
    pub fn new(folder: impl Into<PathBuf>, passphrase: Zeroizing<String>, cost: Cost) -> Self {
        FileStore { folder: folder.into(), passphrase, cost }
    }

    fn path(&self, entry: &str) -> PathBuf {
        self.folder.join(format!("{entry}.key"))
    }

    fn failed(&self, entry: &str, error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::NotFound => StoreError::NoEntry { kind: StoreKind::File, entry: entry.to_owned() },
            _ => StoreError::Io { path: self.path(entry), error },
        }
    }
}

impl KeyStore for FileStore {
    fn kind(&self) -> StoreKind {
        StoreKind::File
    }

    fn read(&self, entry: &str) -> Result<AccountKey, StoreError> {
        let path = self.path(entry);
        let file = fs::read(&path).map_err(|error| self.failed(entry, error))?;
        let secret = match sealed::open(Purpose::Key, &file, &self.passphrase) {
            Ok(secret) => secret,
            Err(error) => return Err(StoreError::Sealed { path, error }),
        };
        let inside = |detail: &str| StoreError::Sealed {
            path: self.path(entry),
            error: SealError::Inside { detail: detail.to_owned() },
        };
        let secret = <&[u8; 32]>::try_from(secret.as_slice()).map_err(|_| inside("no 32 bytes"))?;
        AccountKey::from_bytes(secret).map_err(|error| inside(&error.to_string()))
    }

    fn write(&self, entry: &str, key: &AccountKey) -> Result<(), StoreError> {
        let path = self.path(entry);
        let secret = key.secret();
        let sealed =
            sealed::seal(Purpose::Key, secret.as_slice(), &self.passphrase, self.cost, &mut rand::rng());
        match sealed {
            Ok(bytes) => disk::write(&path, &bytes).map_err(|error| StoreError::Io { path, error }),
            Err(error) => Err(StoreError::Sealed { path, error }),
        }
    }

    fn delete(&self, entry: &str) -> Result<(), StoreError> {
        disk::remove(&self.path(entry)).map_err(|error| self.failed(entry, error))
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("folder", &self.folder)
            .field("passphrase", &"<redacted>")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_key_file_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let store = |passphrase: &str| {
            FileStore::new(folder.path(), Zeroizing::new(passphrase.to_owned()), Cost::LEAST)
        };
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        store("open").write("main", &key).unwrap();
        let path = folder.path().join("main.key");
        let whole = fs::read(&path).unwrap();
        let error = |passphrase: &str| {
            let text = store(passphrase).read("main").unwrap_err().to_string();
            text.replace(&path.display().to_string(), "main.key")
        };
        assert_eq!(store("open").read("main").unwrap().public_key(), key.public_key());
        assert_eq!(error("shut"), "the key file main.key does not open: the passphrase does not open it");
        fs::write(&path, &whole[..100]).unwrap();
        assert_eq!(
            error("open"),
            "the key file main.key does not open: it is cut: 100 bytes of 146 are there"
        );
        let mut changed = whole;
        changed[70] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert_eq!(
            error("open"),
            "the key file main.key does not open: it is damaged: its checksum does not fit"
        );
        fs::write(&path, "hello").unwrap();
        assert_eq!(
            error("open"),
            "the key file main.key does not open: it is no key file of the R3MES proposer"
        );
        store("open").delete("main").unwrap();
        assert_eq!(error("open"), "the file has no entry \"main\"");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("keys");
        let store = FileStore::new(&folder, Zeroizing::new("open".to_owned()), Cost::LEAST);
        store.write("main", &AccountKey::from_bytes(&[7; 32]).unwrap()).unwrap();
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.join("main.key")), 0o600);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else stays behind");
    }

    #[test]
    fn debug_prints_no_passphrase() {
        let store = FileStore::new("keys", Zeroizing::new("tell nobody".to_owned()), Cost::LEAST);
        assert!(!format!("{store:?}").contains("tell"));
    }
}
