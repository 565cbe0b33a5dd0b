//! Passphrases: that of key files, while it is known, and the one that actions which sign or change keys
//! ask for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use rand::RngCore;

use super::snapshot::{ApplicationView, Change};
use super::{Session, lock};
use crate::keys::{PassphraseFor, Secret, Secrets};
use crate::{ApiError, ErrorCode};

/// The passphrase of key files, held in memory until the program ends.
#[derive(Default)]
pub(crate) struct Access {
    keys: Mutex<Option<Secret>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

/// Passphrases that are at hand for one operation.
#[derive(Default)]
pub(crate) struct Given(BTreeMap<PassphraseFor, Secret>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

impl Given {
    /// The same with one more, if there is one.
    pub(crate) fn with(mut self, purpose: PassphraseFor, passphrase: Option<Secret>) -> Given {
        if let Some(passphrase) = passphrase.filter(|passphrase| !passphrase.is_empty()) {
            self.0.insert(purpose, passphrase);
        }
        self
    }
}

impl Secrets for Given {
    fn passphrase(&self, purpose: PassphraseFor, _new: bool) -> Result<Secret, ApiError> {
        self.0.get(&purpose).cloned().ok_or_else(|| {
            ApiError::new(ErrorCode::Passphrase, format!("open {purpose}: its passphrase is needed"))
                .with_remedy("type the passphrase")
        })
    }
}

impl Access {
    /// What is known without asking.
    pub(crate) fn secrets(&self) -> Arc<Given> {
        Arc::new(Given::default().with(PassphraseFor::Keys, lock(&self.keys).clone()))
    }

    /// What is known, with what was typed now in its place.
    pub(crate) fn given(&self, keys: Option<Secret>) -> Given {
        let known = lock(&self.keys).clone();
        Given::default().with(PassphraseFor::Keys, keys.filter(|typed| !typed.is_empty()).or(known))
    }

    pub(crate) fn hold(&self, passphrase: Secret) {
        *lock(&self.keys) = Some(passphrase);
    }
}

impl Session {
    /// Opens the account's key file once, to see that the passphrase is right, and holds the passphrase until
    /// the program ends; an engine that waits for it goes on.
    ///
    /// # Errors
    /// When the passphrase is wrong, or the key cannot be read.
    pub async fn unlock_keys(&self, passphrase: Secret) -> Result<(), ApiError> {
        let given = Arc::new(self.inner.access.given(Some(passphrase.clone())));
        let workspace = self.workspace()?.with_secrets(given);
        blocking(move || workspace.key().map(|_| ())).await?;
        self.inner.access.hold(passphrase);
        self.refresh_settings();
        self.poke();
        Ok(())
    }

    /// Sets, changes or takes away the access passphrase.
    ///
    /// # Errors
    /// When the present one is not given rightly, or the new one cannot be kept.
    pub fn set_access_passphrase(
        &self,
        present: Option<Secret>,
        next: Option<Secret>,
    ) -> Result<(), ApiError> {
        self.authorize(present.as_deref().map(String::as_str))?;
        let hash = next.filter(|next| !next.is_empty()).map(|next| hash(&next)).transpose()?;
        self.remember(|kept| kept.access = hash)?;
        let application = self.inner.board.read(|snapshot| snapshot.application.clone());
        let access_protected = self.remembered().access.is_some();
        self.inner.board.put(Change::Application(ApplicationView { access_protected, ..application }));
        Ok(())
    }

    /// Lets an action through that signs or changes keys.
    ///
    /// # Errors
    /// When an access passphrase is set and this is not it.
    pub(crate) fn authorize(&self, passphrase: Option<&str>) -> Result<(), ApiError> {
        let Some(hash) = self.remembered().access else { return Ok(()) };
        let known = PasswordHash::new(&hash).map_err(|error| {
            ApiError::new(
                ErrorCode::Settings,
                format!("check the access passphrase: its record is damaged: {error}"),
            )
        })?;
        let given = passphrase.unwrap_or_default();
        Argon2::default().verify_password(given.as_bytes(), &known).map_err(|_| {
            let message = match given.is_empty() {
                true => "sign: the access passphrase is needed",
                false => "sign: the access passphrase is wrong",
            };
            ApiError::new(ErrorCode::Access, message).with_remedy("type the access passphrase")
        })
    }
}

fn hash(passphrase: &str) -> Result<String, ApiError> {
    let failed = |error: argon2::password_hash::Error| {
        ApiError::new(ErrorCode::Engine, format!("keep the access passphrase: {error}"))
    };
    let mut salt = [0_u8; 16];
    rand::rng().fill_bytes(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let hash = Argon2::default().hash_password(passphrase.as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string())
}

/// Work that takes its time, such as opening a key file, away from the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(ApiError::new(ErrorCode::Engine, format!("finish the work: {error}"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionOptions;

    fn secret(text: &str) -> Option<Secret> {
        Some(Secret::new(text.to_owned()))
    }

    #[test]
    fn actions_ask_for_the_access_passphrase_once_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let options = SessionOptions { root: Some(folder.path().to_owned()), ..SessionOptions::default() };
        let session = Session::open(options.clone()).unwrap();
        session.authorize(None).unwrap();
        session.set_access_passphrase(None, secret("first")).unwrap();
        assert!(session.snapshot().application.access_protected);
        assert_eq!(session.authorize(None).unwrap_err().code, ErrorCode::Access);
        assert!(session.authorize(Some("other")).unwrap_err().message.contains("wrong"));
        assert!(session.set_access_passphrase(secret("other"), None).is_err());

        // It outlives the program, and the passphrase itself is nowhere on disk.
        let again = Session::open(options).unwrap();
        again.authorize(Some("first")).unwrap();
        let kept = std::fs::read_to_string(folder.path().join("preferences.json")).unwrap();
        assert!(kept.contains("$argon2id$") && !kept.contains("first"));
        again.set_access_passphrase(secret("first"), None).unwrap();
        again.authorize(None).unwrap();
    }
}
