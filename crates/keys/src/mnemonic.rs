//! BIP-39 mnemonics and BIP-44 derivation paths.

use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

use crate::KeyError;

/// The coin type of the network's accounts in the BIP-44 tree; early builds use Cosmos' 118.
pub const DEFAULT_COIN_TYPE: u32 = 9999;

/// The derivation path of the first account under [`DEFAULT_COIN_TYPE`].
pub const DEFAULT_PATH: &str = "m/44'/9999'/0'/0/0";

/// The path of the first account under `coin_type`: `m/44'/{coin_type}'/0'/0/0`.
pub fn derivation_path(coin_type: u32) -> String {
    format!("m/44'/{coin_type}'/0'/0/0")
}

/// The English mnemonic of `entropy`: 16 bytes give 12 words, 32 bytes give 24 (20, 24 and 28 bytes
/// give 15, 18 and 21).
///
/// # Errors
/// [`KeyError::Entropy`] when the entropy has another length.
pub fn mnemonic_from_entropy(entropy: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let mnemonic = Mnemonic::from_entropy_in(Language::English, entropy)
        .map_err(|_| KeyError::Entropy { found: entropy.len() })?;
    Ok(Zeroizing::new(mnemonic.to_string()))
}

/// The BIP-39 seed of `words` with an empty passphrase.
pub(crate) fn seed(words: &str) -> Result<Zeroizing<[u8; 64]>, KeyError> {
    let mnemonic = Mnemonic::parse_in(Language::English, words).map_err(describe)?;
    Ok(Zeroizing::new(mnemonic.to_seed("")))
}

/// Says what is wrong without repeating a word of the phrase.
fn describe(error: bip39::Error) -> KeyError {
    match error {
        bip39::Error::BadWordCount(found) => KeyError::WordCount { found },
        bip39::Error::UnknownWord(index) => KeyError::UnknownWord { position: index + 1 },
        _ => KeyError::Checksum,
    }
}
