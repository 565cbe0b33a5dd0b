//! What the errors about keys mean to people.

use r3mes_keys::{ArmorError, InvalidName, KeyError, KeyringError, SealError, StoreError};

use crate::{ApiError, ErrorCode};

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> ApiError {
        ApiError::new(ErrorCode::Request, format!("read the key: {error}"))
    }
}

/// An error of words that were typed, for the eyes of who typed them.
pub(crate) fn of_typed_words(error: &KeyError) -> ApiError {
    ApiError::new(ErrorCode::Request, format!("read the key: {}", error.for_who_typed()))
}

impl From<InvalidName> for ApiError {
    fn from(error: InvalidName) -> ApiError {
        ApiError::new(ErrorCode::Request, format!("use the key's name: {error}"))
    }
}

impl From<ArmorError> for ApiError {
    fn from(error: ArmorError) -> ApiError {
        let code = match error {
            ArmorError::Passphrase => ErrorCode::Passphrase,
            _ => ErrorCode::File,
        };
        ApiError::new(code, format!("read the key: {error}"))
    }
}

/// An error of a backup's file.
pub(crate) fn of_backup(path: &std::path::Path, error: &SealError) -> ApiError {
    let code = match error {
        SealError::Passphrase => ErrorCode::Passphrase,
        _ => ErrorCode::File,
    };
    ApiError::new(code, format!("open the backup {}: {error}", path.display()))
}

const RESTORE: &str = "bring the same key back: `r3mes-proposer keys restore BACKUP`, or `keys import` under \
                       the same name with its words; do not make a new key, it would be another account";

impl From<KeyringError> for ApiError {
    fn from(error: KeyringError) -> ApiError {
        let (code, remedy) = match &error {
            KeyringError::Unknown { .. } => {
                (ErrorCode::Key, Some("`r3mes-proposer keys list` shows the keys of this data folder"))
            }
            KeyringError::Taken { .. } => (ErrorCode::Request, Some("choose another name")),
            KeyringError::Differs { .. } => (
                ErrorCode::KeyDiffers,
                Some(
                    "nothing was signed with it; find out who changed the entry, then bring the enrolled \
                     key back: `r3mes-proposer keys restore BACKUP`",
                ),
            ),
            KeyringError::Store { error, .. } => of_store(error),
            KeyringError::ReadBack { .. } | KeyringError::OtherStore { .. } | KeyringError::Record { .. } => {
                (ErrorCode::Key, None)
            }
            _ => (ErrorCode::Key, None),
        };
        let told = ApiError::new(code, format!("use the key: {error}"));
        match remedy {
            Some(remedy) => told.with_remedy(remedy),
            None => told,
        }
    }
}

fn of_store(error: &StoreError) -> (ErrorCode, Option<&'static str>) {
    match error {
        StoreError::NoService { .. } => (
            ErrorCode::NoKeychain,
            Some(
                "start the desktop's keychain (such as gnome-keyring or KWallet) in this session; on a \
                 server keep keys in files: `--store file`, for a key that exists with `keys restore`",
            ),
        ),
        StoreError::Locked => (
            ErrorCode::KeychainLocked,
            Some("unlock the keychain (log in to the desktop, or open its keychain program) and try again"),
        ),
        StoreError::NoEntry { .. } => (ErrorCode::NoKeyEntry, Some(RESTORE)),
        StoreError::NoKey { .. } => (ErrorCode::KeyDiffers, Some(RESTORE)),
        StoreError::Sealed { error: SealError::Passphrase, .. } => {
            (ErrorCode::Passphrase, Some("try again with the passphrase that the key was stored with"))
        }
        StoreError::Sealed { .. } => (ErrorCode::File, Some(RESTORE)),
        _ => (ErrorCode::Key, None),
    }
}
