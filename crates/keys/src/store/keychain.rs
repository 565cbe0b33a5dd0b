use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::{KeyStore, StoreError};
use crate::{AccountKey, StoreKind};

const SERVICE: &str = "r3mes-proposer";
/// What an entry begins with, and after it the secret in hex.
const FORM: &str = "r3mes-secp256k1-1:";

/// The keychain of the operating system: Secret Service (GNOME Keyring, KWallet), Keychain, Credential
/// Manager.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keychain;

impl Keychain {
    /// Runs apart from the caller's thread: the client of the Secret Service waits in a runtime of its
    /// own, which must not be inside another one.
    fn apart<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
        let ended = std::thread::scope(|scope| scope.spawn(work).join());
        ended.unwrap_or_else(|_| Err(StoreError::Keychain { detail: "its client panicked".to_owned() }))
    }

    /// Whether it is locked; `None` where it does not tell. Asking opens nothing and asks nobody for a passphrase.
    pub fn is_locked(&self) -> Option<bool> {
        match Self::apart(|| Ok(probe(Secrecy::None))) {
            Ok(Condition::Locked) => Some(true),
            Ok(Condition::Open) => Some(false),
            _ => None,
        }
    }

    fn with<T: Send>(
        entry: &str,
        work: impl Fn(&Entry) -> keyring::Result<T> + Sync,
    ) -> Result<T, StoreError> {
        Self::apart(|| {
            let ended = match Entry::new(SERVICE, entry).and_then(|open| work(&open)) {
                // `Entry` looks for the store once in the life of a process.
                Err(Error::NoDefaultStore | Error::PlatformFailure(_)) => renew()
                    .and_then(|()| keyring_core::Entry::new(SERVICE, entry))
                    .and_then(|inner| work(&Entry { inner })),
                ended => ended,
            };
            ended.map_err(|error| state(&error, entry))
        })
    }
}

impl KeyStore for Keychain {
    fn kind(&self) -> StoreKind {
        StoreKind::Keychain
    }

    fn read(&self, entry: &str) -> Result<AccountKey, StoreError> {
        let secret = Zeroizing::new(Self::with(entry, Entry::get_secret)?);
        std::str::from_utf8(&secret)
            .ok()
            .and_then(|text| text.strip_prefix(FORM))
            .and_then(|hex| AccountKey::from_hex(hex).ok())
            .ok_or_else(|| StoreError::NoKey { kind: StoreKind::Keychain, entry: entry.to_owned() })
    }

    fn write(&self, entry: &str, key: &AccountKey) -> Result<(), StoreError> {
        let mut text = Zeroizing::new(vec![0_u8; FORM.len() + 64]);
        let (form, digits) = text.split_at_mut(FORM.len());
        form.copy_from_slice(FORM.as_bytes());
        // 64 places for the digits of 32 bytes.
        let _ = hex::encode_to_slice(key.secret().as_slice(), digits);
        Self::with(entry, |open| open.set_secret(&text))
    }

    fn delete(&self, entry: &str) -> Result<(), StoreError> {
        Self::with(entry, Entry::delete_credential)
    }
}

/// Finds the store anew: a service that came after this process, or came again, is another one to the client.
#[cfg(target_os = "linux")]
fn renew() -> keyring::Result<()> {
    keyring_core::set_default_store(zbus_secret_service_keyring_store::Store::new()?);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn renew() -> keyring::Result<()> {
    Ok(())
}

/// Which of the states an error means. What the client answers is not enough: it says that there is no
/// entry where a closed collection hides it, and that access failed where nothing is there to access.
fn state(error: &Error, entry: &str) -> StoreError {
    if let Error::NoDefaultStore = error {
        let detail = match Entry::store_status() {
            Err(Error::PlatformFailure(cause) | Error::NoStorageAccess(cause)) => {
                one_line(&cause.to_string())
            }
            Err(other) => one_line(&other.to_string()),
            Ok(()) => "it has gone".to_owned(),
        };
        return StoreError::NoService { detail };
    }
    match probe(Secrecy::Session) {
        Condition::Away(detail) => StoreError::NoService { detail },
        Condition::Locked => StoreError::Locked,
        Condition::Open => match error {
            Error::NoEntry => StoreError::NoEntry { kind: StoreKind::Keychain, entry: entry.to_owned() },
            Error::BadEncoding(_) | Error::BadDataFormat(..) => {
                StoreError::NoKey { kind: StoreKind::Keychain, entry: entry.to_owned() }
            }
            Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
                StoreError::Keychain { detail: one_line(&cause.to_string()) }
            }
            other => StoreError::Keychain { detail: one_line(&other.to_string()) },
        },
        Condition::Unknown => match error {
            Error::NoEntry => StoreError::NoEntry { kind: StoreKind::Keychain, entry: entry.to_owned() },
            Error::NoStorageAccess(_) => StoreError::Locked,
            other => StoreError::Keychain { detail: one_line(&other.to_string()) },
        },
    }
}

/// How the keychain stands as a whole.
#[allow(dead_code, reason = "only Linux can tell, and only there it is always told")]
enum Condition {
    Away(String),
    Locked,
    Open,
    Unknown,
}

/// What a look at the keychain is to be kept from others on the same bus.
#[derive(Clone, Copy)]
enum Secrecy {
    /// Nothing secret passes.
    None,
    /// As for a secret.
    Session,
}

#[cfg(target_os = "linux")]
fn probe(secrecy: Secrecy) -> Condition {
    use secret_service::EncryptionType;
    use secret_service::blocking::SecretService;

    let encryption = match secrecy {
        Secrecy::None => EncryptionType::Plain,
        Secrecy::Session => EncryptionType::Dh,
    };
    let service = match SecretService::connect(encryption) {
        Ok(service) => service,
        Err(error) => return Condition::Away(one_line(&error.to_string())),
    };
    match service.get_default_collection().and_then(|collection| collection.is_locked()) {
        Ok(true) => Condition::Locked,
        Ok(false) => Condition::Open,
        Err(secret_service::Error::NoResult) => {
            Condition::Away("it has no default collection to keep keys in".to_owned())
        }
        Err(error) => Condition::Away(one_line(&error.to_string())),
    }
}

#[cfg(not(target_os = "linux"))]
fn probe(_: Secrecy) -> Condition {
    Condition::Unknown
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
