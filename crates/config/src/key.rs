//! The keys of a file: what each is called, means and holds. Reading, writing, documentation and
//! suggestions all follow from these tables.

use crate::value::{Kind, Value};

/// One key of a `T`.
pub(crate) struct Key<T: 'static> {
    /// The dotted name.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// One sentence for people.
    pub(crate) about: &'static str,
    /// What to show where the key is optional and left out.
    pub(crate) example: Option<&'static str>,
    /// The value as it stands; `None` where it is left out.
    pub(crate) read: fn(&T) -> Option<Value>,
    /// Takes a value over, or says what is wrong with it.
    pub(crate) write: fn(&mut T, &Value) -> Result<(), String>,
    /// Leaves the value out, where the key is optional.
    pub(crate) clear: Option<fn(&mut T)>,
}

impl<T> Key<T> {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        about: &'static str,
        read: fn(&T) -> Option<Value>,
        write: fn(&mut T, &Value) -> Result<(), String>,
    ) -> Self {
        Key { name, kind, about, example: None, read, write, clear: None }
    }

    /// Makes the key optional.
    pub(crate) const fn optional(mut self, example: &'static str, clear: fn(&mut T)) -> Self {
        self.example = Some(example);
        self.clear = Some(clear);
        self
    }
}

/// Puts a value that was read without a problem into its place.
pub(crate) fn put<V>(place: &mut V, value: Result<V, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

/// The candidate most like `name`, if any is like it at all.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    candidates
        .into_iter()
        .map(|candidate| {
            // A key in the wrong section is as near as a misspelt one.
            let whole = strsim::jaro_winkler(name, candidate);
            let tail = strsim::jaro_winkler(name.rsplit('.').next().unwrap_or(name), last(candidate)) - 0.02;
            (whole.max(tail), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
