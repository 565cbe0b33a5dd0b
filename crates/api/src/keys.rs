//! The named keys of a workspace: make, import, list, delete, back up, restore.

mod backup;
mod secrets;

use r3mes_keys::{
    AccountKey, Cost, Enrolment, FileStore, KeyName, KeyRecord, KeyStore, Keychain, Keyring, PublicKey,
    generate_mnemonic,
};
use r3mes_localnet::{Account, Role};
use serde::Serialize;
use time::OffsetDateTime;

pub use backup::{BackupSummary, RestoreSummary};
pub use r3mes_keys::{MnemonicLength, StoreKind};
pub use secrets::{PassphraseFor, Secret, Secrets};

use crate::error_keys::of_typed_words;
use crate::{ApiError, ErrorCode, Workspace};

/// A key as a face shows it. Nothing of it is secret.
#[derive(Clone, Debug, Serialize)]
pub struct KeyView {
    /// What is known of it.
    #[serde(flatten)]
    pub record: KeyRecord,
    /// Whether the settings' `account.key` names it.
    pub in_use: bool,
}

/// A key that was made just now, with the only copy of its words outside the store.
pub struct CreatedKey {
    /// The key.
    pub key: KeyView,
    /// Its words, to be written down and shown once.
    pub mnemonic: Secret,
}

/// What a key is imported from.
pub enum KeySource {
    /// BIP-39 words.
    Mnemonic(Secret),
    /// The output of `remesd keys export`; its passphrase is asked for.
    Armor(Secret),
    /// A private key in hex.
    Hex(Secret),
}

impl Workspace {
    /// The keys in the order of their names.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn keys(&self) -> Result<Vec<KeyView>, ApiError> {
        Ok(self.keyring().list()?.into_iter().map(|record| self.view(record)).collect())
    }

    /// One key.
    ///
    /// # Errors
    /// When there is none of this name, or its record cannot be read.
    pub fn key_named(&self, name: &str) -> Result<KeyView, ApiError> {
        Ok(self.view(self.keyring().record(&name.parse()?)?))
    }

    /// Makes a key, and the account's key of it where the settings name none yet.
    ///
    /// # Errors
    /// When the name is taken or the store does not keep the key.
    pub fn create_key(
        &mut self,
        name: &str,
        length: MnemonicLength,
        store: StoreKind,
    ) -> Result<CreatedKey, ApiError> {
        let name: KeyName = name.parse()?;
        if let Some(taken) = self.keyring().list()?.into_iter().find(|record| record.name == name) {
            let address = taken.address;
            return Err(r3mes_keys::KeyringError::Taken { name: name.to_string(), address }.into());
        }
        let mnemonic = generate_mnemonic(length, &mut rand::rng());
        let path = self.settings().network.derivation_path();
        let key = AccountKey::from_mnemonic(&mnemonic, &path)?;
        let key = self.enrol(&key, &name, Some(&path), store)?;
        Ok(CreatedKey { key, mnemonic })
    }

    /// Imports a key. One that is there already under this name may be imported again, which brings
    /// back a lost entry.
    ///
    /// # Errors
    /// When the source cannot be read (of words, the error names the one that is not in the list: it is for who
    /// typed them, and not for a log), the name is another key's, or the store does not keep the key.
    pub fn import_key(
        &mut self,
        name: &str,
        source: &KeySource,
        store: StoreKind,
    ) -> Result<KeyView, ApiError> {
        let name: KeyName = name.parse()?;
        let path = self.settings().network.derivation_path();
        let (key, path) = match source {
            KeySource::Mnemonic(words) => {
                let key = AccountKey::from_mnemonic(words, &path).map_err(|error| of_typed_words(&error))?;
                (key, Some(path.as_str()))
            }
            KeySource::Hex(text) => (AccountKey::from_hex(text)?, None),
            KeySource::Armor(text) => {
                let passphrase = self.secrets()?.passphrase(PassphraseFor::Armor, false)?;
                (AccountKey::from_armor(text, &passphrase)?, None)
            }
        };
        self.enrol(&key, &name, path, store)
    }

    /// Deletes a key for good.
    ///
    /// # Errors
    /// When `confirmation` is not the key's address, or the store cannot be reached.
    pub fn delete_key(&mut self, name: &str, confirmation: &str) -> Result<KeyView, ApiError> {
        let name: KeyName = name.parse()?;
        let record = self.keyring().record(&name)?;
        if confirmation.trim() != record.address {
            return Err(ApiError::new(
                ErrorCode::Request,
                format!("delete the key {name}: the confirmation must be its address, {}", record.address),
            ));
        }
        let view = self.view(record);
        let store = self.store_without_passphrase(view.record.store)?;
        self.keyring().delete(&name, store.as_ref())?;
        if view.in_use {
            self.set("account.key", "")?;
        }
        Ok(view)
    }

    /// The address of the account that proposes. No secret is touched for it.
    ///
    /// # Errors
    /// When no key is chosen.
    pub fn address(&self) -> Result<String, ApiError> {
        match self.chosen()? {
            Some(name) => Ok(self.keyring().record(&name)?.address),
            None => Ok(self.localnet_key()?.address(&self.settings().network.bech32_prefix)),
        }
    }

    /// The public key of the account that proposes. No secret is touched for it.
    pub(crate) fn public_key(&self) -> Result<PublicKey, ApiError> {
        let Some(name) = self.chosen()? else { return Ok(self.localnet_key()?.public_key()) };
        let record = self.keyring().record(&name)?;
        record.decode_public_key().ok_or_else(|| {
            ApiError::new(ErrorCode::Key, format!("use the key {name}: its record holds no public key"))
        })
    }

    /// The account's key: the one that was asked for, or that of the settings. A local network's follows
    /// from its seed and is worth nothing elsewhere.
    pub(crate) fn key(&self) -> Result<AccountKey, ApiError> {
        let Some(name) = self.chosen()? else { return self.localnet_key() };
        let record = self.keyring().record(&name)?;
        let prefix = &self.settings().network.bech32_prefix;
        if record.address.rsplit_once('1').map(|(prefix, _)| prefix) != Some(prefix.as_str()) {
            return Err(ApiError::new(
                ErrorCode::Key,
                format!("use the key {name}: its address {} is not one of {prefix}1...", record.address),
            )
            .with_remedy("choose a key of this network, or import the key again under another name"));
        }
        let store = self.store(record.store, false)?;
        Ok(self.keyring().unlock(&name, store.as_ref())?)
    }

    /// The last backup of the chosen key; `None` also where there is no named key.
    pub(crate) fn last_backup(&self) -> Option<OffsetDateTime> {
        let name = self.chosen().ok()??;
        self.keyring().record(&name).ok()?.last_backup
    }

    /// The name of the key to use; `None` on a local network, unless one was asked for.
    pub(crate) fn chosen(&self) -> Result<Option<KeyName>, ApiError> {
        let settings = self.settings();
        let name = match (self.from(), &settings.network.localnet, &settings.account.key) {
            (Some(name), Some(_), _) if *name == Role::SecondProposer.name() => return Ok(None),
            (Some(name), _, _) => name,
            (None, Some(_), _) => return Ok(None),
            (None, None, Some(name)) => name,
            (None, None, None) => {
                return Err(ApiError::new(
                    ErrorCode::Key,
                    format!("find the account's key for {}: none is chosen", settings.network.name),
                )
                .with_remedy(
                    "make one with `r3mes-proposer keys add NAME` or choose one with `--from NAME`; the \
                     setting account.key chooses it for good",
                ));
            }
        };
        Ok(Some(name.parse()?))
    }

    fn localnet_key(&self) -> Result<AccountKey, ApiError> {
        let network = &self.settings().network;
        let text = network.localnet.as_ref().map_or("", |seed| seed.0.as_str());
        let seed = text.parse().map_err(|_| {
            ApiError::new(ErrorCode::Settings, format!("use the local network's seed: {text:?} is no number"))
        })?;
        // A second proposer competes with the first one, from a data folder of its own.
        let second = self.from().is_some_and(|name| *name == Role::SecondProposer.name());
        let role = if second { Role::SecondProposer } else { Role::Proposer };
        Account::derive(seed, role, &network.bech32_prefix).map(|account| account.key).map_err(|error| {
            ApiError::new(ErrorCode::Key, format!("derive the local network's key: {error}"))
        })
    }

    fn enrol(
        &mut self,
        key: &AccountKey,
        name: &KeyName,
        path: Option<&str>,
        store: StoreKind,
    ) -> Result<KeyView, ApiError> {
        let store = self.store(store, true)?;
        let prefix = self.settings().network.bech32_prefix.clone();
        let enrolment = Enrolment { name, prefix: &prefix, path, now: OffsetDateTime::now_utc() };
        let record = self.keyring().enrol(key, store.as_ref(), &enrolment, &mut rand::rng())?;
        if self.settings().account.key.is_none() {
            self.set("account.key", name.as_str())?;
        }
        Ok(self.view(record))
    }

    pub(crate) fn keyring(&self) -> Keyring {
        Keyring::new(self.data().keys())
    }

    fn view(&self, record: KeyRecord) -> KeyView {
        let in_use = self.settings().account.key.as_deref() == Some(record.name.as_str());
        KeyView { record, in_use }
    }

    /// The store of a kind; `new` where a passphrase is chosen and not only repeated.
    pub(crate) fn store(&self, kind: StoreKind, new: bool) -> Result<Box<dyn KeyStore>, ApiError> {
        match kind {
            StoreKind::File => {
                let passphrase = self.secrets()?.passphrase(PassphraseFor::Keys, new)?;
                Ok(Box::new(FileStore::new(self.data().keys(), passphrase, Cost::STANDARD)))
            }
            other => self.store_without_passphrase(other),
        }
    }

    /// A store in which entries can be deleted.
    fn store_without_passphrase(&self, kind: StoreKind) -> Result<Box<dyn KeyStore>, ApiError> {
        match kind {
            StoreKind::Keychain => Ok(Box::new(Keychain)),
            StoreKind::File => {
                Ok(Box::new(FileStore::new(self.data().keys(), Secret::default(), Cost::STANDARD)))
            }
            StoreKind::Memory => {
                Err(ApiError::new(ErrorCode::Key, "use a key in memory: it ended with its process"))
            }
        }
    }
}
