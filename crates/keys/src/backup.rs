//! Keys and settings in one file that a passphrase closes.

use std::fmt;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::sealed::{self, Purpose};
use crate::{AccountKey, Cost, KeyRecord, Keyring, KeyringError, SealError};

const VERSION: u32 = 1;

/// What a backup holds.
pub struct Backup {
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// The keys with their records.
    pub keys: Vec<(KeyRecord, AccountKey)>,
    /// Settings and network profiles: paths inside the data folder, with `/`, and their texts.
    pub files: Vec<(String, String)>,
}

impl Backup {
    /// The backup as a file.
    ///
    /// # Errors
    /// When it is larger than 4 GiB, or the cost is out of bounds.
    pub fn seal(
        &self,
        passphrase: &str,
        cost: Cost,
        entropy: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        let stored = Stored {
            version: VERSION,
            created_at: self.created_at,
            keys: self
                .keys
                .iter()
                .map(|(record, key)| StoredKey {
                    record: record.clone(),
                    secret: Zeroizing::new(hex::encode(key.secret().as_slice())),
                })
                .collect(),
            files: self.files.clone(),
        };
        // Room enough from the start, so that nothing moves and leaves a copy of a secret behind.
        let files: usize = self.files.iter().map(|(path, text)| 2 * (path.len() + text.len()) + 64).sum();
        let mut plain = Zeroizing::new(Vec::with_capacity(1024 + 2048 * self.keys.len() + 2 * files));
        serde_json::to_writer(&mut *plain, &stored)
            .map_err(|error| SealError::Inside { detail: error.to_string() })?;
        sealed::seal(Purpose::Backup, &plain, passphrase, cost, entropy)
    }

    /// Opens a backup and checks that each secret is the one of its record.
    ///
    /// # Errors
    /// [`SealError`] when it does not open, or holds what does not fit together.
    pub fn open(file: &[u8], passphrase: &str) -> Result<Self, SealError> {
        let plain = sealed::open(Purpose::Backup, file, passphrase)?;
        let inside = |detail: String| SealError::Inside { detail };
        let stored: Stored = serde_json::from_slice(&plain)
            // The error's own text may repeat what is inside.
            .map_err(|error| inside(format!("line {} column {}", error.line(), error.column())))?;
        if stored.version != VERSION {
            return Err(inside(format!("version {}, this release reads {VERSION}", stored.version)));
        }
        let mut keys = Vec::new();
        for StoredKey { record, secret } in stored.keys {
            let key = AccountKey::from_hex(&secret).map_err(|error| inside(error.to_string()))?;
            let prefix = record.address.rsplit_once('1').map_or("", |(prefix, _)| prefix);
            let fits = hex::encode(key.public_key().to_bytes()) == record.public_key
                && key.address(prefix) == record.address;
            if !fits {
                return Err(inside(format!(
                    "the key {:?} is not that of {}",
                    record.name.as_str(),
                    record.address
                )));
            }
            keys.push((record, key));
        }
        Ok(Backup { created_at: stored.created_at, keys, files: stored.files })
    }

    /// Says of each key whether `ring` can take it, before anything is written.
    ///
    /// # Errors
    /// [`KeyringError::Taken`] when a name is that of another key there.
    pub fn check(&self, ring: &Keyring) -> Result<(), KeyringError> {
        for (record, _) in &self.keys {
            match ring.find(&record.name)? {
                Some(there) if there.public_key != record.public_key => {
                    let name = record.name.to_string();
                    return Err(KeyringError::Taken { name, address: there.address });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup")
            .field("created_at", &self.created_at)
            .field("keys", &self.keys.iter().map(|(record, _)| record.name.as_str()).collect::<Vec<_>>())
            .field("files", &self.files.iter().map(|(path, _)| path).collect::<Vec<_>>())
            .finish()
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    keys: Vec<StoredKey>,
    files: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    record: KeyRecord,
    secret: Zeroizing<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::StoreKind;

    fn backup(secret: [u8; 32], files: Vec<(String, String)>) -> Backup {
        let key = AccountKey::from_bytes(&secret).unwrap();
        let record = KeyRecord {
            version: 1,
            name: "main".parse().unwrap(),
            address: key.address("remes"),
            public_key: hex::encode(key.public_key().to_bytes()),
            store: StoreKind::File,
            entry: "main-01".to_owned(),
            path: Some("m/44'/9999'/0'/0/0".to_owned()),
            created_at: OffsetDateTime::UNIX_EPOCH,
            last_backup: None,
        };
        Backup { created_at: OffsetDateTime::UNIX_EPOCH, keys: vec![(record, key)], files }
    }

    fn seal(backup: &Backup) -> Vec<u8> {
        backup.seal("open", Cost::LEAST, &mut ChaCha20Rng::seed_from_u64(3)).unwrap()
    }

    #[test]
    fn what_is_wrong_with_a_backup_is_one_line() {
        let file = seal(&backup([7; 32], Vec::new()));
        let error = |file: &[u8], passphrase: &str| Backup::open(file, passphrase).unwrap_err().to_string();
        assert_eq!(error(&file, "shut"), "the passphrase does not open it");
        assert!(error(&file[..file.len() - 1], "open").starts_with("it is cut: "));
        let mut changed = file.clone();
        changed[80] ^= 1;
        assert_eq!(error(&changed, "open"), "it is damaged: its checksum does not fit");
    }

    #[test]
    fn a_secret_that_is_not_its_records_is_refused() {
        let mut wrong = backup([7; 32], Vec::new());
        wrong.keys[0].1 = AccountKey::from_bytes(&[8; 32]).unwrap();
        let error = Backup::open(&seal(&wrong), "open").unwrap_err();
        assert!(matches!(error, SealError::Inside { .. }), "{error}");
    }

    #[test]
    fn a_backup_does_not_take_the_place_of_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::new(folder.path());
        let text = |byte| backup([byte; 32], Vec::new()).keys[0].0.to_text().unwrap();
        std::fs::write(folder.path().join("main.toml"), text(8)).unwrap();
        let taken = backup([7; 32], Vec::new()).check(&ring).unwrap_err();
        assert!(matches!(taken, KeyringError::Taken { .. }), "{taken}");
        std::fs::write(folder.path().join("main.toml"), text(7)).unwrap();
        backup([7; 32], Vec::new()).check(&ring).unwrap();
    }

    #[test]
    fn debug_prints_no_secret() {
        let shown = format!("{:?}", backup([7; 32], vec![("settings.toml".into(), "hidden".into())]));
        assert!(!shown.contains("0707") && !shown.contains("hidden"), "{shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_was_backed_up_comes_back(secret in proptest::array::uniform32(1_u8..=0xfe), files: Vec<(String, String)>) {
            let before = backup(secret, files);
            let after = Backup::open(&seal(&before), "open").unwrap();
            prop_assert_eq!(&after.files, &before.files);
            prop_assert_eq!(&after.keys[0].0, &before.keys[0].0);
            prop_assert_eq!(after.keys[0].1.secret(), before.keys[0].1.secret());
        }
    }
}
