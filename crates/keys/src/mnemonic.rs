//! BIP-39 mnemonics and BIP-44 derivation paths.

use bip39::{Language, Mnemonic};
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::KeyError;
use crate::account::Typed;

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

/// How many words a new mnemonic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MnemonicLength {
    /// 128 bits of entropy.
    Twelve,
    /// 256 bits of entropy.
    #[default]
    TwentyFour,
}

/// A new English mnemonic.
pub fn generate_mnemonic(length: MnemonicLength, entropy: &mut dyn CryptoRng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    let used = match length {
        MnemonicLength::Twelve => &mut bytes[..16],
        MnemonicLength::TwentyFour => &mut bytes[..],
    };
    entropy.fill_bytes(used);
    // 16 and 32 bytes are lengths that BIP-39 knows.
    mnemonic_from_entropy(used).unwrap_or_default()
}

/// The BIP-39 seed of `words` with an empty passphrase.
pub(crate) fn seed(words: &str) -> Result<Zeroizing<[u8; 64]>, KeyError> {
    let normal = normalized(words);
    let count = normal.split(' ').filter(|word| !word.is_empty()).count();
    let mnemonic = Mnemonic::parse_in(Language::English, normal.as_str())
        .map_err(|error| describe(&error, &normal, count))?;
    Ok(Zeroizing::new(mnemonic.to_seed("")))
}

/// Words in lower case with one blank between them.
fn normalized(words: &str) -> Zeroizing<String> {
    // Twice the room, so that nothing moves and leaves a copy behind.
    let mut normal = Zeroizing::new(String::with_capacity(2 * words.len()));
    for word in words.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(word.chars().flat_map(char::to_lowercase));
    }
    normal
}

/// Says what is wrong. Of the phrase it holds the wrong word alone.
fn describe(error: &bip39::Error, normal: &str, count: usize) -> KeyError {
    match error {
        bip39::Error::BadWordCount(_) => KeyError::WordCount { found: count },
        bip39::Error::UnknownWord(index) => {
            let word = normal.split(' ').nth(*index).unwrap_or_default();
            let typed = Typed(is_a_slip(word).then(|| Zeroizing::new(word.to_owned())));
            KeyError::UnknownWord { position: index + 1, typed, suggestion: nearest_word(word) }
        }
        _ => KeyError::Checksum,
    }
}

/// Letters of the longest word of the list, and two typed too many.
const LONGEST_SLIP: usize = 10;

/// Whether `word`, which is not in the list, is one word with a slip in it: not two without the blank between
/// them, and not a key or a passphrase that came into the wrong field.
fn is_a_slip(word: &str) -> bool {
    let listed = |part: &str| Language::English.find_word(part).is_some();
    let two_words = || (1..word.len()).any(|at| listed(&word[..at]) && listed(&word[at..]));
    word.len() <= LONGEST_SLIP && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !two_words()
}

/// The word of the list that is most like `word`, if any is like it at all. A list's word is known by
/// its first four letters, so that a beginning in common counts for more.
fn nearest_word(word: &str) -> Option<&'static str> {
    Language::English
        .word_list()
        .iter()
        .map(|known| (strsim::jaro_winkler(word, known), *known))
        .filter(|(likeness, _)| *likeness > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
