//! Keys through a window. No secret leaves: a new key's words are shown by one call, which asks again for
//! the passphrase, and only until the key is confirmed or given up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use r3mes_keys::{
    AccountKey, KeyStore as _, Keychain, MnemonicLength, StoreError, StoreKind, generate_mnemonic,
};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::access::blocking;
use super::drafts::Draft;
use super::snapshot::Change;
use super::troubles::{Concern, Found};
use super::{Session, lock, rfc3339, shown};
use crate::keys::{KeySource, KeyView, PassphraseFor, Secret};
use crate::{ApiError, ErrorCode, Workspace};

/// A named key. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct KeyRow {
    /// Its name.
    pub name: String,
    /// Its account.
    pub address: String,
    /// Where its secret lies.
    pub store: KeyStore,
    /// Whether the engine signs with it.
    pub in_use: bool,
    /// When it was enrolled.
    pub created_at: String,
    /// When it was last part of a backup.
    pub last_backup: Option<String>,
}

/// Where a secret lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum KeyStore {
    /// The system's keychain.
    Keychain,
    /// A file that a passphrase closes.
    File,
}

/// Whether the system's keychain can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum KeychainState {
    /// It is open.
    Available,
    /// It is there, and locked.
    Locked,
    /// There is none in this session.
    Absent,
}

/// How many words a new key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum WordCount {
    /// 128 bits of entropy.
    Twelve,
    /// 256 bits of entropy.
    TwentyFour,
}

/// A key that is made and not kept yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct KeyDraft {
    /// Its name.
    pub name: String,
    /// Its account.
    pub address: String,
    /// How many words it has.
    pub words: u32,
    /// The places of the words that are asked for before it is kept, from 1.
    pub asked: Vec<u32>,
}

/// A word at its place.
#[derive(Clone, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct WordAnswer {
    /// The place, from 1.
    pub place: u32,
    /// The word.
    pub word: String,
}

/// What a key is imported from.
#[derive(Clone, Deserialize, Type)]
#[serde(tag = "kind", content = "text", rename_all = "camelCase")]
pub enum ImportSource {
    /// BIP-39 words, between blanks, line breaks or commas.
    Words(String),
    /// A private key in hex.
    Hex(String),
    /// The output of `remesd keys export`.
    Armor(String),
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct BackupView {
    /// The file.
    pub path: String,
    /// Names of the keys.
    pub keys: Vec<String>,
    /// Settings and network profiles; after a restore, those that were written.
    pub files: Vec<String>,
    /// When it was made.
    pub at: String,
}

impl From<KeyView> for KeyRow {
    fn from(view: KeyView) -> KeyRow {
        KeyRow {
            name: view.record.name.to_string(),
            address: view.record.address,
            store: match view.record.store {
                StoreKind::Keychain | StoreKind::Memory => KeyStore::Keychain,
                StoreKind::File => KeyStore::File,
            },
            in_use: view.in_use,
            created_at: rfc3339(view.record.created_at),
            last_backup: view.record.last_backup.map(rfc3339),
        }
    }
}

impl From<KeyStore> for StoreKind {
    fn from(store: KeyStore) -> StoreKind {
        match store {
            KeyStore::Keychain => StoreKind::Keychain,
            KeyStore::File => StoreKind::File,
        }
    }
}

/// How many words are asked for before a key is kept.
const ASKED: usize = 3;

/// How long the keychain's service may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(4);

/// What fails while the keychain is locked.
pub(crate) const LOCKED: &str = "use the keychain: it is locked";

/// What mends that.
pub(crate) const UNLOCK: &str = "unlock it, for example by logging in to the desktop or in its password manager; a running proposer goes on, the next start needs it";

impl Session {
    /// Looks whether the keychain is open that the next start of the engine needs, and has an engine that waits for
    /// it go on.
    pub(crate) async fn look_at_keychain(&self) {
        let locked = self.keychain_lock().await;
        let found =
            (locked == Some(true)).then(|| Found { message: LOCKED.to_owned(), remedy: UNLOCK.to_owned() });
        self.inner.board.looked(Concern::Keychain, found);
        let waits = |error: &ApiError| error.code == ErrorCode::KeychainLocked;
        if locked == Some(false)
            && self.inner.board.read(|snapshot| snapshot.engine.error.as_ref().is_some_and(waits))
        {
            self.poke();
        }
    }

    /// Whether the key in use lies in a keychain that is locked. Nobody is asked to open it.
    pub(crate) async fn keychain_is_locked(&self) -> bool {
        self.keychain_lock().await == Some(true)
    }

    /// Whether the keychain is locked that the key in use lies in; `None` where it lies elsewhere, or nobody can tell.
    /// Its service may hang: then one thread waits for it, and what it said before holds.
    async fn keychain_lock(&self) -> Option<bool> {
        let lies_there = |key: &KeyRow| key.in_use && key.store == KeyStore::Keychain;
        if !self.inner.board.read(|snapshot| snapshot.keys.iter().any(lies_there)) {
            return None;
        }
        let (asking, answer) = (self.inner.asking_keychain.clone(), self.inner.keychain_locked.clone());
        let look = async move {
            let asked = asking.lock_owned().await;
            let look = move || {
                *lock(&answer) = Keychain.is_locked();
                drop(asked);
            };
            let _ = tokio::task::spawn_blocking(look).await;
        };
        let _ = tokio::time::timeout(PATIENCE, look).await;
        *lock(&self.inner.keychain_locked)
    }

    /// Whether the system's keychain can be used now.
    pub async fn keychain_state(&self) -> KeychainState {
        let looked = tokio::task::spawn_blocking(|| Keychain.read("an entry that is never written")).await;
        match looked {
            Ok(Err(StoreError::Locked)) => KeychainState::Locked,
            Ok(Ok(_) | Err(StoreError::NoEntry { .. } | StoreError::NoKey { .. })) => {
                KeychainState::Available
            }
            _ => KeychainState::Absent,
        }
    }

    /// Makes a key that is kept nowhere yet. Another draft is given up for it.
    ///
    /// # Errors
    /// When the name is taken or none, or a file's passphrase is missing.
    pub fn draft_key(
        &self,
        name: &str,
        words: WordCount,
        store: KeyStore,
        passphrase: Option<Secret>,
        access: Option<&str>,
    ) -> Result<KeyDraft, ApiError> {
        self.authorize(access)?;
        let workspace = self.workspace()?;
        if workspace.keys()?.iter().any(|key| key.record.name.as_str() == name) {
            return Err(super::refused(format!("make the key {name}: there is one of this name already"))
                .with_remedy("choose another name"));
        }
        let _: r3mes_keys::KeyName = name.parse()?;
        let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty());
        if store == KeyStore::File && passphrase.is_none() {
            return Err(ApiError::new(ErrorCode::Passphrase, "make the key: its file needs a passphrase"));
        }
        let length = match words {
            WordCount::Twelve => MnemonicLength::Twelve,
            WordCount::TwentyFour => MnemonicLength::TwentyFour,
        };
        let words = generate_mnemonic(length, &mut rand::rng());
        let network = &workspace.settings().network;
        let key = AccountKey::from_mnemonic(&words, &network.derivation_path())?;
        let count = words.split(' ').count();
        let mut asked: Vec<u32> = rand::seq::index::sample(&mut rand::rng(), count, ASKED)
            .into_iter()
            .map(|place| place as u32 + 1)
            .collect();
        asked.sort_unstable();
        let draft = KeyDraft {
            name: name.to_owned(),
            address: key.address(&network.bech32_prefix),
            words: count as u32,
            asked: asked.clone(),
        };
        *lock(&self.inner.drafts.0) =
            Some(Draft { name: name.to_owned(), store: store.into(), words, asked, passphrase });
        Ok(draft)
    }

    /// The words of the draft: the one call that a secret leaves by. It asks for the passphrase again, that
    /// of the key's file or, where one is set, that of access.
    ///
    /// # Errors
    /// When there is no draft, or the passphrase is not the right one.
    pub fn reveal_words(&self, passphrase: Option<&str>) -> Result<Vec<String>, ApiError> {
        let drafts = lock(&self.inner.drafts.0);
        let draft = drafts.as_ref().ok_or_else(no_draft)?;
        let known = match (&draft.passphrase, passphrase) {
            (Some(known), Some(given)) => known.as_str() == given,
            (Some(_), None) => false,
            (None, given) => self.authorize(given).is_ok(),
        };
        if !known {
            return Err(ApiError::new(
                ErrorCode::Passphrase,
                "show the words: the passphrase is missing or wrong",
            ));
        }
        Ok(draft.words.split(' ').map(str::to_owned).collect())
    }

    /// Keeps the draft, once its asked words were given rightly.
    ///
    /// # Errors
    /// When there is no draft, a word is wrong (the message says which places), or the store does not keep
    /// the key; the draft stays then.
    pub async fn keep_key(&self, answers: &[WordAnswer]) -> Result<KeyRow, ApiError> {
        let (name, words, store, passphrase) = {
            let drafts = lock(&self.inner.drafts.0);
            let draft = drafts.as_ref().ok_or_else(no_draft)?;
            let given: Vec<(u32, &str)> =
                answers.iter().map(|answer| (answer.place, answer.word.as_str())).collect();
            let wrong = draft.wrong(&given);
            if !wrong.is_empty() {
                let places = wrong.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                return Err(super::refused(format!("keep the key: these words are not right: {places}"))
                    .with_remedy("look at the words again, and write them down"));
            }
            (draft.name.clone(), draft.words.clone(), draft.store, draft.passphrase.clone())
        };
        let row = self.enrol(name, KeySource::Mnemonic(words), store, passphrase, None).await?;
        *lock(&self.inner.drafts.0) = None;
        Ok(row)
    }

    /// Gives the draft up.
    pub fn drop_draft(&self) {
        *lock(&self.inner.drafts.0) = None;
    }

    /// Imports a key.
    ///
    /// # Errors
    /// When the source cannot be read (for words, it says which is wrong), the name is another key's, or the
    /// store does not keep the key.
    pub async fn import_key(
        &self,
        name: &str,
        source: ImportSource,
        store: KeyStore,
        passphrase: Option<Secret>,
        source_passphrase: Option<Secret>,
        access: Option<&str>,
    ) -> Result<KeyRow, ApiError> {
        self.authorize(access)?;
        let source = match source {
            ImportSource::Words(text) => {
                let words = Secret::new(text);
                // A window's errors may be kept, so that they say the place of a wrong word and not the word.
                AccountKey::from_mnemonic(&words, &self.settings_now()?.network.derivation_path())?;
                KeySource::Mnemonic(words)
            }
            ImportSource::Hex(text) => KeySource::Hex(Secret::new(text.trim().to_owned())),
            ImportSource::Armor(text) => KeySource::Armor(Secret::new(text)),
        };
        self.enrol(name.to_owned(), source, store.into(), passphrase, source_passphrase).await
    }

    async fn enrol(
        &self,
        name: String,
        source: KeySource,
        store: StoreKind,
        passphrase: Option<Secret>,
        armor: Option<Secret>,
    ) -> Result<KeyRow, ApiError> {
        let given = self.inner.access.given(passphrase.clone()).with(PassphraseFor::Armor, armor);
        let mut workspace = self.workspace()?.with_secrets(Arc::new(given));
        let view = blocking(move || workspace.import_key(&name, &source, store)).await?;
        if let (StoreKind::File, Some(passphrase)) = (store, passphrase) {
            self.inner.access.hold(passphrase);
        }
        self.refresh_settings();
        self.look_again();
        Ok(view.into())
    }

    /// Chooses the key that the engine signs with.
    ///
    /// # Errors
    /// When there is none of this name, or the settings cannot be written.
    pub fn use_key(&self, name: &str, access: Option<&str>) -> Result<(), ApiError> {
        self.authorize(access)?;
        let mut workspace = self.workspace()?;
        workspace.key_named(name)?;
        workspace.set("account.key", name)?;
        self.refresh_settings();
        self.look_again();
        Ok(())
    }

    /// Deletes a key for good. `confirmation` is its address.
    ///
    /// # Errors
    /// When the confirmation is not its address, the engine runs with it, or the store cannot be reached.
    pub async fn delete_key(
        &self,
        name: &str,
        confirmation: &str,
        access: Option<&str>,
    ) -> Result<(), ApiError> {
        self.authorize(access)?;
        if self.snapshot().engine.can_stop {
            return Err(super::refused("delete the key: the engine is running").with_remedy("stop it first"));
        }
        let mut workspace = self.workspace()?;
        let (name, confirmation) = (name.to_owned(), confirmation.to_owned());
        blocking(move || workspace.delete_key(&name, &confirmation)).await?;
        self.refresh_settings();
        self.look_again();
        Ok(())
    }

    /// Writes keys and settings into one file that a passphrase closes.
    ///
    /// # Errors
    /// When a key cannot be read, or the file cannot be written.
    pub async fn back_up(
        &self,
        path: &Path,
        passphrase: Secret,
        keys: Option<Secret>,
        access: Option<&str>,
    ) -> Result<BackupView, ApiError> {
        self.authorize(access)?;
        let given = self.inner.access.given(keys).with(PassphraseFor::Backup, Some(passphrase));
        let workspace = self.workspace()?.with_secrets(Arc::new(given));
        let path = path.to_owned();
        let summary = blocking(move || workspace.back_up(&path)).await?;
        self.refresh_settings();
        Ok(BackupView {
            path: shown(&summary.file),
            keys: summary.keys,
            files: summary.files,
            at: rfc3339(summary.created_at),
        })
    }

    /// Brings keys and settings back from a backup. Settings that are there already stay.
    ///
    /// # Errors
    /// When the backup does not open, or a store does not keep a key.
    pub async fn restore(
        &self,
        path: &Path,
        passphrase: Secret,
        store: Option<KeyStore>,
        keys: Option<Secret>,
        access: Option<&str>,
    ) -> Result<BackupView, ApiError> {
        self.authorize(access)?;
        let given = self.inner.access.given(keys.clone()).with(PassphraseFor::Backup, Some(passphrase));
        let (root, file) = (self.data().root().to_owned(), path.to_owned());
        let store = store.map(StoreKind::from);
        let summary =
            blocking(move || Workspace::restore(Some(&root), &file, store, Arc::new(given))).await?;
        if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
            self.inner.access.hold(keys);
        }
        self.refresh_settings();
        self.look_again();
        Ok(BackupView {
            path: shown(path),
            keys: summary.keys.into_iter().map(|key| key.record.name.to_string()).collect(),
            files: summary.files,
            at: rfc3339(summary.created_at),
        })
    }

    /// The keys as they are now, for the snapshot.
    pub(crate) fn refresh_keys(&self, workspace: &Workspace) {
        let keys = workspace.keys().unwrap_or_default().into_iter().map(KeyRow::from).collect();
        self.inner.board.put(Change::Keys(keys));
    }
}

fn no_draft() -> ApiError {
    super::refused("find the new key: none is being made").with_remedy("begin again with making one")
}
