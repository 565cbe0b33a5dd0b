//! What is known of a key in public: its name, its address, where its secret lies.

use std::fmt;
use std::str::FromStr;

use cosmrs::crypto::PublicKey;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The name of a key: lower-case letters, digits, `-` and `_`, beginning with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyName(String);

/// A name that no key can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key's name has 1 to 32 lower-case letters, digits, '-' or '_' and begins with a letter or a digit"
)]
pub struct InvalidName;

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
            && text.bytes().next().is_some_and(plain);
        if fits { Ok(KeyName(text.to_owned())) } else { Err(InvalidName) }
    }
}

impl TryFrom<String> for KeyName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<KeyName> for String {
    fn from(name: KeyName) -> String {
        name.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a secret lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// The operating system's keychain.
    Keychain,
    /// A file that a passphrase closes.
    File,
    /// This process, for tests.
    Memory,
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreKind::Keychain => "keychain",
            StoreKind::File => "file",
            StoreKind::Memory => "memory",
        })
    }
}

impl FromStr for StoreKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "keychain" => Ok(StoreKind::Keychain),
            "file" => Ok(StoreKind::File),
            _ => Err(format!("the store {text:?} is neither keychain nor file")),
        }
    }
}

/// The public record of an enrolled key, `NAME.toml` beside the key files. It holds no secret, and its
/// address is the one that the secret must have, whatever a store answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Version of the record's form.
    pub version: u32,
    /// The key's name.
    pub name: KeyName,
    /// The bech32 address.
    pub address: String,
    /// The compressed secp256k1 public key in hex.
    pub public_key: String,
    /// Where the secret lies.
    pub store: StoreKind,
    /// Under which name it lies there; two data folders never share one.
    pub entry: String,
    /// The derivation path, where the key came from a mnemonic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When the key was enrolled.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last part of a backup.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub last_backup: Option<OffsetDateTime>,
}

impl KeyRecord {
    /// The version that this release writes.
    pub const VERSION: u32 = 1;

    /// The public key; `None` where the record's text is none.
    pub fn decode_public_key(&self) -> Option<PublicKey> {
        let bytes = hex::decode(&self.public_key).ok()?;
        Some(k256::ecdsa::VerifyingKey::from_sec1_bytes(&bytes).ok()?.into())
    }

    /// Reads a record's file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let one_line = |error: toml::de::Error| error.message().replace('\n', ", ");
        let Versioned { version } = toml::from_str(text).map_err(one_line)?;
        if version != Self::VERSION {
            return Err(format!("its version is {version}, and this release reads {}", Self::VERSION));
        }
        toml::from_str(text).map_err(one_line)
    }

    pub(crate) fn to_text(&self) -> Result<String, String> {
        toml::to_string(self).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_file_names() {
        for good in ["a", "proposer-1", "0_x"] {
            assert_eq!(good.parse::<KeyName>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "Alice", "a b", "a/b", "..", "a.toml", "ä", &"a".repeat(33)] {
            assert_eq!(bad.parse::<KeyName>(), Err(InvalidName), "{bad:?}");
        }
    }

    #[test]
    fn a_record_comes_back_and_one_of_another_version_does_not() {
        let record = KeyRecord {
            version: 1,
            name: "main".parse().unwrap(),
            address: "remes1x".into(),
            public_key: "02".into(),
            store: StoreKind::Keychain,
            entry: "main-00".into(),
            path: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
            last_backup: Some(OffsetDateTime::UNIX_EPOCH),
        };
        let text = record.to_text().unwrap();
        assert_eq!(KeyRecord::parse(&text).unwrap(), record);
        let newer = KeyRecord::parse(&text.replace("version = 1", "version = 2")).unwrap_err();
        assert_eq!(newer, "its version is 2, and this release reads 1");
        assert!(!KeyRecord::parse("version =").unwrap_err().contains('\n'));
    }
}
