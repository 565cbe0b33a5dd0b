//! Private keys as `remesd keys export` writes them: ASCII armor around an encrypted amino key.
//!
//! The armor is OpenPGP's (RFC 4880, section 6.2: headers, base64, CRC-24). The header `kdf` tells how
//! the passphrase became a key and which cipher was used:
//! - `argon2`: argon2id (time 1, 64 MiB, 4 lanes), then ChaCha20-Poly1305 with a nonce of zeros: each
//!   export has a salt, and so a key, of its own. What Cosmos SDK 0.50 writes.
//! - `bcrypt`: SHA-256 of the bcrypt hash at cost 12, then XSalsa20-Poly1305 behind its nonce. Older ones.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit};
use crypto_secretbox::XSalsa20Poly1305;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::kdf::{self, Cost};
use crate::{AccountKey, KeyError};

const BLOCK: &str = "TENDERMINT PRIVATE KEY";
const ALGORITHM: &str = "secp256k1";
/// Amino's mark of `tendermint/PrivKeySecp256k1`, and the length of what follows.
const AMINO_PREFIX: [u8; 5] = [0xe1, 0xb0, 0xf7, 0x9b, 0x20];
const BCRYPT_COST: u32 = 12;
const ARGON2_COST: Cost = Cost { memory_kib: 64 * 1024, passes: 1, lanes: 4 };

/// Why an exported key cannot be read. Nothing of the key is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmorError {
    /// The text is no armored private key.
    #[error("the text is no exported private key: {expected} was expected")]
    Form {
        /// What was expected in its place.
        expected: &'static str,
    },
    /// The text is cut or was changed.
    #[error("the exported key is cut or damaged: its checksum does not fit")]
    Checksum,
    /// A header has a value that this program does not know.
    #[error("the exported key's {header} is {found:?}; {expected} was expected")]
    Header {
        /// The header's name.
        header: &'static str,
        /// Its value.
        found: String,
        /// What is known.
        expected: &'static str,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open the exported key")]
    Passphrase,
    /// It opened, but holds something else than a secp256k1 key.
    #[error("the exported key opened, but what is inside is no secp256k1 key")]
    Inside,
}

impl AccountKey {
    /// Reads a private key that `remesd keys export` (any Cosmos SDK chain's) wrote.
    ///
    /// # Errors
    /// [`ArmorError`] when the text is not such a key or the passphrase does not open it.
    pub fn from_armor(text: &str, passphrase: &str) -> Result<Self, ArmorError> {
        let armor = Armor::parse(text)?;
        let salt = armor.header("salt").ok_or(ArmorError::Form { expected: "a header \"salt\"" })?;
        let salt: [u8; 16] =
            hex::decode(salt).ok().and_then(|salt| salt.try_into().ok()).ok_or_else(|| {
                ArmorError::Header {
                    header: "salt",
                    found: salt.to_owned(),
                    expected: "32 hexadecimal digits",
                }
            })?;
        if let Some(algorithm) = armor.header("type").filter(|algorithm| *algorithm != ALGORITHM) {
            return Err(ArmorError::Header {
                header: "type",
                found: algorithm.to_owned(),
                expected: ALGORITHM,
            });
        }
        let amino = match armor.header("kdf") {
            Some("argon2") => open_argon2(&armor.body, &salt, passphrase)?,
            Some("bcrypt") => open_bcrypt(&armor.body, &salt, passphrase)?,
            other => {
                return Err(ArmorError::Header {
                    header: "kdf",
                    found: other.unwrap_or_default().to_owned(),
                    expected: "argon2 or bcrypt",
                });
            }
        };
        let secret = amino.strip_prefix(&AMINO_PREFIX).ok_or(ArmorError::Inside)?;
        let secret = Zeroizing::new(<[u8; 32]>::try_from(secret).map_err(|_| ArmorError::Inside)?);
        AccountKey::from_bytes(&secret).map_err(|_: KeyError| ArmorError::Inside)
    }
}

fn open_argon2(body: &[u8], salt: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, ArmorError> {
    let key = kdf::argon2id(passphrase, salt, ARGON2_COST).ok_or(ArmorError::Passphrase)?;
    let cipher = ChaCha20Poly1305::new(key.as_slice().into());
    let opened = cipher.decrypt(&[0_u8; 12].into(), body).map_err(|_| ArmorError::Passphrase)?;
    Ok(Zeroizing::new(opened))
}

fn open_bcrypt(body: &[u8], salt: &[u8; 16], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, ArmorError> {
    let (nonce, sealed) = body.split_at_checked(24).ok_or(ArmorError::Passphrase)?;
    let key = bcrypt_key(passphrase, salt).ok_or(ArmorError::Passphrase)?;
    let cipher = XSalsa20Poly1305::new(key.as_slice().into());
    let opened = cipher.decrypt(nonce.into(), sealed).map_err(|_| ArmorError::Passphrase)?;
    Ok(Zeroizing::new(opened))
}

/// SHA-256 of the hash as bcrypt writes it: `$2a$12$`, the salt, the hash.
fn bcrypt_key(passphrase: &str, salt: &[u8; 16]) -> Option<Zeroizing<[u8; 32]>> {
    let parts = bcrypt::hash_with_salt(passphrase, BCRYPT_COST, *salt).ok()?;
    let hash = Zeroizing::new(parts.format_for_version(bcrypt::Version::TwoA));
    Some(Zeroizing::new(Sha256::digest(hash.as_bytes()).into()))
}

/// Headers and body of an armored text.
struct Armor {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Armor {
    fn parse(text: &str) -> Result<Armor, ArmorError> {
        let form = |expected| ArmorError::Form { expected };
        let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
        if lines.next() != Some(&format!("-----BEGIN {BLOCK}-----")) {
            return Err(form("\"-----BEGIN TENDERMINT PRIVATE KEY-----\""));
        }
        let mut headers = BTreeMap::new();
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(form("a header such as \"kdf: argon2\""))?;
            headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
        let (mut base64, mut checksum, mut ended) = (String::new(), None, false);
        for line in lines {
            match line.strip_prefix('=') {
                _ if line == format!("-----END {BLOCK}-----") => {
                    ended = true;
                    break;
                }
                Some(sum) if sum.len() == 4 => checksum = STANDARD.decode(sum).ok(),
                _ => base64.push_str(line),
            }
        }
        if !ended {
            return Err(ArmorError::Checksum);
        }
        let body = STANDARD.decode(&base64).map_err(|_| ArmorError::Checksum)?;
        match checksum {
            Some(sum) if sum == crc24(&body) => Ok(Armor { headers, body }),
            _ => Err(ArmorError::Checksum),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// OpenPGP's checksum (RFC 4880, section 6.1), big-endian.
fn crc24(bytes: &[u8]) -> [u8; 3] {
    let mut crc = 0x00b7_04ce_u32;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    [(crc >> 16) as u8, (crc >> 8) as u8, crc as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [0x42; 32];
    const SALT: [u8; 16] = *b"0123456789abcdef";

    fn armored(kdf: &str, algorithm: &str, inside: &[u8]) -> String {
        let body = match kdf {
            "bcrypt" => {
                let nonce = [9_u8; 24];
                let key = bcrypt_key("correct horse", &SALT).unwrap();
                let sealed = XSalsa20Poly1305::new(key.as_slice().into()).encrypt(&nonce.into(), inside);
                [&nonce[..], &sealed.unwrap()].concat()
            }
            _ => {
                let key = kdf::argon2id("correct horse", &SALT, ARGON2_COST).unwrap();
                let cipher = ChaCha20Poly1305::new(key.as_slice().into());
                cipher.encrypt(&[0_u8; 12].into(), inside).unwrap()
            }
        };
        let base64 = STANDARD.encode(&body);
        let lines: Vec<&str> =
            (0..base64.len()).step_by(64).map(|at| &base64[at..(at + 64).min(base64.len())]).collect();
        format!(
            "-----BEGIN {BLOCK}-----\nkdf: {kdf}\nsalt: {}\ntype: {algorithm}\n\n{}\n={}\n-----END {BLOCK}-----\n",
            hex::encode_upper(SALT),
            lines.join("\n"),
            STANDARD.encode(crc24(&body))
        )
    }

    fn amino(secret: &[u8]) -> Vec<u8> {
        [&AMINO_PREFIX[..], secret].concat()
    }

    #[test]
    fn both_kinds_of_export_are_read() {
        let expected = AccountKey::from_bytes(&SECRET).unwrap().address("remes");
        for kdf in ["argon2", "bcrypt"] {
            let text = armored(kdf, "secp256k1", &amino(&SECRET));
            let key = AccountKey::from_armor(&text, "correct horse").unwrap();
            assert_eq!(key.address("remes"), expected, "{kdf}");
            let windows = format!("\u{feff}see below\r\n{}", text.replace('\n', "\r\n"));
            assert!(AccountKey::from_armor(&windows, "correct horse").is_ok(), "{kdf}");
            let wrong = AccountKey::from_armor(&text, "wrong horse").unwrap_err();
            assert_eq!(wrong, ArmorError::Passphrase, "{kdf}");
        }
    }

    /// Each is the vector that the algorithm's own authors publish for these inputs.
    #[test]
    fn the_checksum_and_bcrypt_are_those_of_the_standards() {
        assert_eq!(crc24(b"123456789"), [0x21, 0xcf, 0x02]);
        let parts = bcrypt::hash_with_salt(
            "U*U",
            5,
            [0x10, 0x41, 0x04, 0x10, 0x41, 0x04, 0x10, 0x41, 0x04, 0x10, 0x41, 0x04, 0x10, 0x41, 0x04, 0x10],
        )
        .unwrap();
        assert_eq!(
            parts.format_for_version(bcrypt::Version::TwoA),
            "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        let good = armored("argon2", "secp256k1", &amino(&SECRET));
        let error = |text: &str| AccountKey::from_armor(text, "correct horse").unwrap_err().to_string();
        assert_eq!(
            error("-----BEGIN PGP MESSAGE-----"),
            "the text is no exported private key: \"-----BEGIN TENDERMINT PRIVATE KEY-----\" was expected"
        );
        let cut: String = good.lines().take(6).collect::<Vec<_>>().join("\n");
        assert_eq!(error(&cut), "the exported key is cut or damaged: its checksum does not fit");
        let body = good.lines().nth(5).unwrap();
        let turned: String = body.chars().rev().collect();
        assert_eq!(error(&good.replace(body, &turned)), error(&cut));
        assert_eq!(
            error(&good.replace("kdf: argon2", "kdf: scrypt")),
            "the exported key's kdf is \"scrypt\"; argon2 or bcrypt was expected"
        );
        assert_eq!(
            error(&armored("argon2", "ed25519", &amino(&SECRET))),
            "the exported key's type is \"ed25519\"; secp256k1 was expected"
        );
        assert_eq!(
            error(&armored("argon2", "secp256k1", &SECRET)),
            "the exported key opened, but what is inside is no secp256k1 key"
        );
        assert_eq!(
            error(&armored("argon2", "secp256k1", &amino(&SECRET[1..]))),
            "the exported key opened, but what is inside is no secp256k1 key"
        );
    }
}
