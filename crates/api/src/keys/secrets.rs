//! How secrets come in: from the face, when they are needed.

use std::fmt;

use zeroize::Zeroizing;

use crate::ApiError;

/// A text that is wiped from memory when it is dropped.
pub type Secret = Zeroizing<String>;

/// What a passphrase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassphraseFor {
    /// Key files.
    Keys,
    /// A backup.
    Backup,
    /// The output of `remesd keys export`.
    Armor,
}

impl fmt::Display for PassphraseFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PassphraseFor::Keys => "the key file",
            PassphraseFor::Backup => "the backup",
            PassphraseFor::Armor => "the exported key",
        })
    }
}

/// The face's way to ask for passphrases: a prompt, a file descriptor, the environment. Its `Debug` must
/// show none of them.
pub trait Secrets: fmt::Debug + Send + Sync {
    /// The passphrase for a purpose; `new` where it is chosen now, so that a person types it twice.
    ///
    /// # Errors
    /// When there is no way to ask, or what came is no passphrase.
    fn passphrase(&self, purpose: PassphraseFor, new: bool) -> Result<Secret, ApiError>;
}
