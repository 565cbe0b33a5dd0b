//! The account key itself.

use std::fmt;

use cosmrs::{
    bip32::{DerivationPath, XPrv},
    crypto::PublicKey,
};
use k256::ecdsa::signature::Signer;
use k256::ecdsa::{Signature, SigningKey};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use subtle_encoding::bech32;
use zeroize::Zeroizing;

use crate::mnemonic;

/// Why a key could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The phrase has a number of words that BIP-39 does not know.
    #[error("the mnemonic has {found} words; 12, 15, 18, 21 or 24 were expected")]
    WordCount {
        /// Words found.
        found: usize,
    },
    /// A word is not in the English list. The text does not repeat what was typed, nor say any other word:
    /// errors reach logs, and the position is enough to find it. Who typed it may read
    /// [`for_who_typed`](KeyError::for_who_typed).
    #[error("word {position} of the mnemonic is not in the English BIP-39 list{}", nearest(*.suggestion))]
    UnknownWord {
        /// Position in the phrase, from 1.
        position: usize,
        /// What was typed there.
        typed: Typed,
        /// The word of the list that is most like it.
        suggestion: Option<&'static str>,
    },
    /// Every word is known, but the checksum does not fit: a word is wrong or two changed places.
    #[error("the mnemonic's checksum does not fit: a word is wrong or out of place")]
    Checksum,
    /// Entropy of a length that BIP-39 does not know.
    #[error("{found} bytes of entropy were given; 16, 20, 24, 28 or 32 were expected")]
    Entropy {
        /// Bytes given.
        found: usize,
    },
    /// The derivation path cannot be read, or leads to no key.
    #[error("the derivation path {path:?} is not valid; a path such as m/44'/9999'/0'/0/0 was expected")]
    Path {
        /// The path as it was given.
        path: String,
    },
    /// The bytes are no secp256k1 secret key: zero, or not below the group's order.
    #[error("the 32 bytes are not a valid secp256k1 secret key")]
    Scalar,
    /// A private key in hex has another form. It is not repeated.
    #[error("the private key in hex has {found} characters; 64 hexadecimal digits were expected")]
    Hex {
        /// Characters given, without blanks around them and `0x`.
        found: usize,
    },
}

impl KeyError {
    /// The text for the eyes of who typed the phrase, and for nothing that is kept: it names the wrong word, which
    /// is in no valid phrase, and no other.
    pub fn for_who_typed(&self) -> String {
        match self {
            KeyError::UnknownWord { position, typed: Typed(Some(word)), suggestion } => format!(
                "word {position} of the mnemonic, `{}`, is not in the English BIP-39 list{}",
                word.as_str(),
                nearest(*suggestion)
            ),
            _ => self.to_string(),
        }
    }
}

/// A word as it was typed, where it may be told at all: what is no list's word with a slip in it could hold
/// more of a secret than one word. It is wiped from memory, and nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(pub(crate) Option<Zeroizing<String>>);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(<redacted>)")
    }
}

fn nearest(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!(", the nearest that is: {word}")).unwrap_or_default()
}

/// A secp256k1 account key. The secret is wiped from memory when the key is dropped.
pub struct AccountKey {
    signing: SigningKey,
}

impl AccountKey {
    /// Derives the key at the BIP-32 `path` of the English BIP-39 mnemonic `words`, without a
    /// passphrase. Words are divided by blanks, new lines or commas; case does not matter.
    ///
    /// # Errors
    /// [`KeyError`] when the phrase or the path is not valid.
    pub fn from_mnemonic(words: &str, path: &str) -> Result<Self, KeyError> {
        let invalid = || KeyError::Path { path: path.to_owned() };
        let path: DerivationPath = path.trim().parse().map_err(|_| invalid())?;
        let seed = mnemonic::seed(words)?;
        let extended = XPrv::derive_from_path(seed.as_slice(), &path).map_err(|_| invalid())?;
        Ok(Self { signing: SigningKey::clone(extended.private_key()) })
    }

    /// Takes a secret scalar as 64 hexadecimal digits, with or without `0x`.
    ///
    /// # Errors
    /// [`KeyError::Hex`] and [`KeyError::Scalar`].
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut secret = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(digits, secret.as_mut_slice())
            .map_err(|_| KeyError::Hex { found: digits.chars().count() })?;
        Self::from_bytes(&secret)
    }

    /// Takes a secret scalar, big-endian.
    ///
    /// # Errors
    /// [`KeyError::Scalar`] when it is zero or not below the group's order.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, KeyError> {
        let signing = SigningKey::from_slice(secret).map_err(|_| KeyError::Scalar)?;
        Ok(Self { signing })
    }

    /// The secret scalar, for the stores.
    pub(crate) fn secret(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = self.signing.to_bytes();
        let secret = Zeroizing::new(bytes.into());
        zeroize::Zeroize::zeroize(&mut bytes[..]);
        secret
    }

    /// The compressed secp256k1 public key.
    pub fn public_key(&self) -> PublicKey {
        self.signing.verifying_key().into()
    }

    /// The account's bech32 address: RIPEMD-160 of SHA-256 of the public key, under `prefix`, which is
    /// taken as it is (network profiles check theirs).
    pub fn address(&self, prefix: &str) -> String {
        address_of(&self.public_key().to_bytes(), prefix)
    }

    /// Signs `message` as Cosmos account keys do: ECDSA over its SHA-256, deterministic (RFC 6979),
    /// low S, in the compact form `r || s`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.signing.sign(message);
        signature.normalize_s().unwrap_or(signature).to_bytes().into()
    }
}

/// Whether `text` is a bech32 address of 20 bytes under `prefix`, its checksum in order.
pub fn is_address(text: &str, prefix: &str) -> bool {
    bech32::decode(text).is_ok_and(|(found, bytes)| found == prefix && bytes.len() == 20)
}

/// The bech32 address of a compressed secp256k1 public key.
pub(crate) fn address_of(public_key: &[u8], prefix: &str) -> String {
    bech32::encode(prefix, Ripemd160::digest(Sha256::digest(public_key)))
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DEFAULT_PATH, derivation_path, mnemonic_from_entropy};

    const ABANDON: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    /// Addresses published by CosmJS, Cosmos' JavaScript client, for its test mnemonics.
    #[test]
    fn published_cosmos_addresses_are_found() {
        let cases = [
            (ABANDON, "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"),
            (
                "special sign fit simple patrol salute grocery chicken wheat radar tonight ceiling",
                "cosmos1jhg0e7s6gn44tfc5k37kr04sznyhedtc9rzys5",
            ),
            (
                "economy stock theory fatal elder harbor betray wasp final emotion task crumble \
                 siren bottom lizard educate guess current outdoor pair theory focus wife stone",
                "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6",
            ),
        ];
        for (words, address) in cases {
            let key = AccountKey::from_mnemonic(words, &derivation_path(118)).unwrap();
            assert_eq!(key.address("cosmos"), address);
        }
    }

    #[test]
    fn the_default_path_is_that_of_the_default_coin_type() {
        assert_eq!(DEFAULT_PATH, derivation_path(crate::DEFAULT_COIN_TYPE));
        let own = AccountKey::from_mnemonic(ABANDON, DEFAULT_PATH).unwrap();
        let cosmos = AccountKey::from_mnemonic(ABANDON, &derivation_path(118)).unwrap();
        assert_ne!(own.public_key(), cosmos.public_key());
        assert!(own.address("remes").starts_with("remes1"));
    }

    /// The secp256k1 vector for RFC 6979 that is in wide use: key 1, "Satoshi Nakamoto", SHA-256.
    #[test]
    fn a_signature_is_deterministic_compact_and_low_s() {
        let mut one = [0_u8; 32];
        one[31] = 1;
        let signature = AccountKey::from_bytes(&one).unwrap().sign(b"Satoshi Nakamoto");
        let expected = "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
                        2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5";
        assert_eq!(hex(&signature), expected);
        let half_order = hex_bytes("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
        for message in 0_u8..64 {
            let signature = AccountKey::from_bytes(&one).unwrap().sign(&[message]);
            assert!(signature[32..] <= half_order[..], "high S for message {message}");
        }
    }

    #[test]
    fn the_mnemonic_of_entropy_is_that_of_bip_39() {
        assert_eq!(mnemonic_from_entropy(&[0; 16]).unwrap().as_str(), ABANDON);
        let words = mnemonic_from_entropy(&[0xff; 32]).unwrap();
        assert_eq!(words.split(' ').count(), 24);
        assert!(words.starts_with("zoo zoo") && words.ends_with("zoo vote"));
        assert_eq!(mnemonic_from_entropy(&[0; 15]).unwrap_err(), KeyError::Entropy { found: 15 });
    }

    #[test]
    fn words_may_be_divided_and_spelt_in_many_ways() {
        let expected = AccountKey::from_mnemonic(ABANDON, DEFAULT_PATH).unwrap().public_key();
        for divider in ["  ", "\n", ",", ", ", "\t", " ,\r\n", "\u{a0}", "\u{3000}"] {
            let text = format!("  {}{divider}", ABANDON.to_uppercase().replace(' ', divider));
            let key = AccountKey::from_mnemonic(&text, DEFAULT_PATH).unwrap();
            assert_eq!(key.public_key(), expected, "{divider:?}");
        }
    }

    #[test]
    fn a_wrong_word_is_named_by_its_place_with_the_nearest_of_the_list() {
        let words = ABANDON.replacen("abandon", "zooo", 3).replacen("zooo", "abandon", 2);
        let error = AccountKey::from_mnemonic(&words, DEFAULT_PATH).unwrap_err();
        let text = "word 3 of the mnemonic is not in the English BIP-39 list, the nearest that is: zoo";
        assert_eq!(error.to_string(), text);
        let named =
            "word 3 of the mnemonic, `zooo`, is not in the English BIP-39 list, the nearest that is: zoo";
        assert_eq!(error.for_who_typed(), named);
        assert!(!format!("{error:?}").contains("zooo"));
        let words = words.replace("zooo", "999");
        let error = AccountKey::from_mnemonic(&words, DEFAULT_PATH).unwrap_err();
        assert_eq!(error.to_string(), "word 3 of the mnemonic is not in the English BIP-39 list");
    }

    #[test]
    fn what_could_be_more_than_one_word_is_named_to_nobody() {
        for typed in ["zoozone", "abandonabilityable", "5ec7e7", "pass-word", "abandonxxxx"] {
            let words = ABANDON.replacen("abandon", typed, 1);
            let error = AccountKey::from_mnemonic(&words, DEFAULT_PATH).unwrap_err();
            assert!(matches!(error, KeyError::UnknownWord { position: 1, .. }), "{typed}: {error}");
            assert_eq!(error.for_who_typed(), error.to_string(), "{typed}");
            assert!(!error.to_string().contains(typed), "{typed}");
        }
    }

    #[test]
    fn hex_is_read_with_and_without_its_mark() {
        let digits = format!("{}01", "00".repeat(31));
        let expected = AccountKey::from_hex(&digits).unwrap().public_key();
        for text in [format!("0x{digits}"), format!(" {digits}\n")] {
            assert_eq!(AccountKey::from_hex(&text).unwrap().public_key(), expected);
        }
        assert_eq!(AccountKey::from_hex(&digits[1..]).unwrap_err(), KeyError::Hex { found: 63 });
        let foreign = format!("x{}", &digits[1..]);
        assert_eq!(AccountKey::from_hex(&foreign).unwrap_err(), KeyError::Hex { found: 64 });
        assert_eq!(AccountKey::from_hex(&"00".repeat(32)).unwrap_err(), KeyError::Scalar);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let error = |words: &str, path: &str| AccountKey::from_mnemonic(words, path).unwrap_err();
        assert_eq!(error("abandon about", DEFAULT_PATH), KeyError::WordCount { found: 2 });
        let unknown = error(&ABANDON.replacen("abandon", "abandonn", 1), DEFAULT_PATH);
        assert!(matches!(unknown, KeyError::UnknownWord { position: 1, suggestion: Some("abandon"), .. }));
        assert!(!unknown.to_string().contains("abandonn"));
        assert_eq!(error(&ABANDON.replace("about", "abandon"), DEFAULT_PATH), KeyError::Checksum);
        assert!(matches!(error(ABANDON, "44'/x"), KeyError::Path { .. }));
        assert_eq!(AccountKey::from_bytes(&[0; 32]).unwrap_err(), KeyError::Scalar);
        assert_eq!(AccountKey::from_bytes(&[0xff; 32]).unwrap_err(), KeyError::Scalar);
    }

    #[test]
    fn an_address_with_a_wrong_letter_is_none() {
        let address = AccountKey::from_bytes(&[7; 32]).unwrap().address("remes");
        assert!(is_address(&address, "remes"));
        assert!(!is_address(&address, "cosmos"));
        let wrong = address.replace(&address[10..11], if &address[10..11] == "q" { "p" } else { "q" });
        assert!(!is_address(&wrong, "remes"));
        assert!(!is_address("remes1", "remes") && !is_address("", "remes"));
    }

    #[test]
    fn debug_prints_no_secret() {
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "AccountKey(<redacted>)");
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hex_bytes(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}
