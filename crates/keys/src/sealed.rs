//! A file that a passphrase closes: keys and backups alike.
//!
//! ```text
//! magic      8  "R3MESEAL"
//! version    1  1
//! purpose    1  1 a key, 2 a backup
//! memory     4  argon2id's memory in KiB, little-endian; passes and lanes likewise
//! passes     4
//! lanes      4
//! salt      16
//! nonce     24
//! length     4  of what follows up to the checksum
//! sealed     *  XChaCha20-Poly1305; all of the above is authenticated with it
//! checksum  32  SHA-256 of all of the above
//! ```
//!
//! The checksum protects nothing. It tells a file that a disk or a transfer has damaged from a wrong
//! passphrase, which the cipher alone cannot.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::kdf::{self, Cost};

const MAGIC: &[u8; 8] = b"R3MESEAL";
const VERSION: u8 = 1;
const HEADER: usize = 66;
const CHECKSUM: usize = 32;

/// What a sealed file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Key = 1,
    Backup = 2,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Purpose::Key => "key file",
            Purpose::Backup => "backup",
        }
    }
}

/// Why a sealed file does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Something else than such a file.
    #[error("it is no {expected} of the R3MES proposer")]
    Foreign {
        /// What was expected.
        expected: &'static str,
    },
    /// A newer release wrote it.
    #[error("its version is {found}, and this release reads up to {VERSION}: a newer one wrote it")]
    Version {
        /// The version in the file.
        found: u8,
    },
    /// It ends too early.
    #[error("it is cut: {found} bytes of {expected} are there")]
    Cut {
        /// Bytes found.
        found: usize,
        /// Bytes that its header promises, or the fewest that there can be.
        expected: usize,
    },
    /// Its checksum does not fit.
    #[error("it is damaged: its checksum does not fit")]
    Damaged,
    /// The passphrase is wrong, or somebody changed the file and its checksum.
    #[error("the passphrase does not open it")]
    Passphrase,
    /// It asks for a key derivation that is no use or too much to bear.
    #[error("it asks for a key derivation that is out of bounds")]
    Cost,
    /// It opened, but holds something else than it should.
    #[error("it opened, but what is inside cannot be used: {detail}")]
    Inside {
        /// What is wrong, without any of it.
        detail: String,
    },
}

pub(crate) fn seal(
    purpose: Purpose,
    plain: &[u8],
    passphrase: &str,
    cost: Cost,
    entropy: &mut dyn CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let (mut salt, mut nonce) = ([0_u8; 16], [0_u8; 24]);
    entropy.fill_bytes(&mut salt);
    entropy.fill_bytes(&mut nonce);
    let length = u32::try_from(plain.len() + 16).map_err(|_| SealError::Cost)?;
    let mut file = Vec::with_capacity(HEADER + plain.len() + 16 + CHECKSUM);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&[VERSION, purpose as u8]);
    for number in [cost.memory_kib, cost.passes, cost.lanes] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&salt);
    file.extend_from_slice(&nonce);
    file.extend_from_slice(&length.to_le_bytes());
    let cipher = cipher(passphrase, &salt, cost)?;
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &file })
        .map_err(|_| SealError::Cost)?;
    file.extend_from_slice(&sealed);
    let checksum = Sha256::digest(&file);
    file.extend_from_slice(&checksum);
    Ok(file)
}

pub(crate) fn open(purpose: Purpose, file: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if !file.starts_with(MAGIC) {
        return Err(SealError::Foreign { expected: purpose.name() });
    }
    match file.get(8) {
        Some(&VERSION) => {}
        Some(&found) => return Err(SealError::Version { found }),
        None => return Err(SealError::Cut { found: file.len(), expected: HEADER + 16 + CHECKSUM }),
    }
    let Some((header, rest)) = file.split_at_checked(HEADER) else {
        return Err(SealError::Cut { found: file.len(), expected: HEADER + 16 + CHECKSUM });
    };
    let length = number(header, 62) as usize;
    let expected = HEADER.saturating_add(length).saturating_add(CHECKSUM);
    if file.len() < expected {
        return Err(SealError::Cut { found: file.len(), expected });
    }
    let (sealed, checksum) = rest.split_at(length);
    if checksum != &Sha256::digest(&file[..HEADER + length])[..] {
        return Err(SealError::Damaged);
    }
    if header[9] != purpose as u8 {
        return Err(SealError::Foreign { expected: purpose.name() });
    }
    let cost = Cost { memory_kib: number(header, 10), passes: number(header, 14), lanes: number(header, 18) };
    if !cost.is_bearable() {
        return Err(SealError::Cost);
    }
    let cipher = cipher(passphrase, &header[22..38], cost)?;
    let mut nonce = XNonce::default();
    nonce.copy_from_slice(&header[38..62]);
    let plain =
        cipher.decrypt(&nonce, Payload { msg: sealed, aad: header }).map_err(|_| SealError::Passphrase)?;
    Ok(Zeroizing::new(plain))
}

fn cipher(passphrase: &str, salt: &[u8], cost: Cost) -> Result<XChaCha20Poly1305, SealError> {
    let key = kdf::argon2id(passphrase, salt, cost).ok_or(SealError::Cost)?;
    Ok(XChaCha20Poly1305::new(key.as_slice().into()))
}

fn number(header: &[u8], at: usize) -> u32 {
    header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut entropy = ChaCha20Rng::seed_from_u64(1);
        seal(Purpose::Key, plain, "open", Cost::LEAST, &mut entropy).unwrap()
    }

    fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
        let end = file.len() - CHECKSUM;
        let checksum = Sha256::digest(&file[..end]);
        file[end..].copy_from_slice(&checksum);
        file
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_told_apart_from_a_wrong_passphrase() {
        let file = sealed(b"secret");
        assert_eq!(open(Purpose::Key, &file, "open").unwrap().as_slice(), b"secret");
        assert_eq!(open(Purpose::Key, &file, "Open"), Err(SealError::Passphrase));
        for end in 0..file.len() {
            let error = open(Purpose::Key, &file[..end], "open").unwrap_err();
            let known = matches!(error, SealError::Cut { .. } | SealError::Foreign { .. });
            assert!(known && !error.to_string().contains('\n'), "{end}: {error:?}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let error = open(Purpose::Key, &changed, "open").unwrap_err();
            assert_ne!(error, SealError::Passphrase, "{at}");
        }
    }

    #[test]
    fn a_changed_header_does_not_open_even_with_a_new_checksum() {
        let file = sealed(b"secret");
        for at in 10..file.len() - CHECKSUM {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(Purpose::Key, &with_checksum(changed), "open").is_err(), "{at}");
        }
        let mut greedy = file.clone();
        greedy[10..14].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(open(Purpose::Key, &with_checksum(greedy), "open"), Err(SealError::Cost));
        let mut newer = file;
        newer[8] = 9;
        assert_eq!(open(Purpose::Key, &newer, "open"), Err(SealError::Version { found: 9 }));
    }

    #[test]
    fn a_key_file_is_no_backup() {
        let error = open(Purpose::Backup, &sealed(b"secret"), "open").unwrap_err();
        assert_eq!(error.to_string(), "it is no backup of the R3MES proposer");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_sealed_opens(plain: Vec<u8>, passphrase: String, seed: u64) {
            let mut entropy = ChaCha20Rng::seed_from_u64(seed);
            let file = seal(Purpose::Backup, &plain, &passphrase, Cost::LEAST, &mut entropy).unwrap();
            let opened = open(Purpose::Backup, &file, &passphrase).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }

        #[test]
        fn no_bytes_make_it_panic(mut bytes: Vec<u8>, keep in 0_usize..10) {
            let file = sealed(b"x");
            bytes.splice(0..0, file[..keep].iter().copied());
            prop_assert!(open(Purpose::Key, &bytes, "open").is_err());
        }
    }
}
