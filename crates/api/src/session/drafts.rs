//! A key that was made and not confirmed yet: its words are in memory here and on no disk.

use std::fmt;
use std::sync::Mutex;

use r3mes_keys::StoreKind;

use crate::keys::Secret;

/// The one draft there can be.
#[derive(Default)]
pub(crate) struct Drafts(pub(crate) Mutex<Option<Draft>>);

/// A key with its only copy of its words.
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) store: StoreKind,
    pub(crate) words: Secret,
    /// The places of the words that are asked for, from 1, ascending.
    pub(crate) asked: Vec<u32>,
    /// The passphrase of the key's file, where it will lie in one.
    pub(crate) passphrase: Option<Secret>,
}

impl fmt::Debug for Drafts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drafts").finish_non_exhaustive()
    }
}

impl Draft {
    /// The places at which `answers` are wrong or missing.
    pub(crate) fn wrong(&self, answers: &[(u32, &str)]) -> Vec<u32> {
        let words: Vec<&str> = self.words.split(' ').collect();
        let right = |place: u32| {
            let word = words.get(place as usize - 1);
            answers
                .iter()
                .any(|(at, given)| *at == place && word.is_some_and(|w| w.eq_ignore_ascii_case(given.trim())))
        };
        self.asked.iter().copied().filter(|place| !right(*place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asked_words_must_be_given_at_their_places() {
        let draft = Draft {
            name: "main".into(),
            store: StoreKind::File,
            words: Secret::new("abandon ability able".into()),
            asked: vec![1, 3],
            passphrase: None,
        };
        assert_eq!(draft.wrong(&[(1, " Abandon "), (3, "able")]), [0; 0]);
        assert_eq!(draft.wrong(&[(1, "abandon"), (2, "able")]), [3]);
        assert_eq!(draft.wrong(&[]), [1, 3]);
    }
}
