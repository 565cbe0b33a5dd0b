//! The chain's state as ordered bytes, and layers over it that can be thrown away.
//!
//! A transaction works on a [`Layer`]: what it writes is kept beside the store until it is known to
//! have succeeded, so that a refused message leaves nothing behind.

use std::collections::BTreeMap;

/// Keys and values. Keys begin with the name of the module's store and a slash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    map: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What a layer changes: a value, or its removal.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Store {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.map.get(key).map(Vec::as_slice)
    }

    pub(crate) fn apply(&mut self, writes: Writes) {
        for (key, value) in writes {
            match value {
                Some(value) => self.map.insert(key, value),
                None => self.map.remove(&key),
            };
        }
    }
}

/// A view of a store with changes of its own, over changes of another.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    store: &'a Store,
    below: Option<&'a Writes>,
    writes: Writes,
}

impl<'a> Layer<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Layer { store, below: None, writes: Writes::new() }
    }

    pub(crate) fn over(store: &'a Store, below: &'a Writes) -> Self {
        Layer { store, below: Some(below), writes: Writes::new() }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        if let Some(written) = self.writes.get(key) {
            return written.as_deref();
        }
        if let Some(written) = self.below.and_then(|w| w.get(key)) {
            return written.as_deref();
        }
        self.store.get(key)
    }

    pub(crate) fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        self.writes.insert(key.to_vec(), None);
    }

    /// All pairs whose key begins with `prefix`, in key order, from the first at or behind `from`
    /// (a whole key) and at most `limit` of them.
    pub(crate) fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let start = from.max(prefix).to_vec();
        let in_prefix = |key: &Vec<u8>| key.starts_with(prefix);
        let mut base = self.store.map.range(start.clone()..).take_while(|(k, _)| in_prefix(k)).peekable();
        // The changes above the store within the prefix are few: one block's at most.
        let mut changed: Writes = BTreeMap::new();
        for writes in self.below.into_iter().chain([&self.writes]) {
            let changes = writes.range(start.clone()..).take_while(|(k, _)| in_prefix(k));
            changed.extend(changes.map(|(k, v)| (k.clone(), v.clone())));
        }
        let mut changed = changed.into_iter().peekable();
        let mut found = Vec::new();
        while found.len() < limit {
            let take_change = match (base.peek(), changed.peek()) {
                (None, None) => break,
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some((stored, _)), Some((written, _))) => {
                    if *stored == written {
                        base.next();
                        continue;
                    }
                    written < *stored
                }
            };
            if take_change {
                if let Some((key, Some(value))) = changed.next() {
                    found.push((key, value));
                }
            } else if let Some((key, value)) = base.next() {
                found.push((key.clone(), value.clone()));
            }
        }
        found
    }

    /// What was written so far, to return to with [`Layer::restore`].
    pub(crate) fn mark(&self) -> Writes {
        self.writes.clone()
    }

    /// Forgets everything written since `mark` was taken.
    pub(crate) fn restore(&mut self, mark: Writes) {
        self.writes = mark;
    }

    pub(crate) fn into_writes(self) -> Writes {
        self.writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn layers_hide_what_they_change_until_applied() {
        let mut store = Store::default();
        store.apply(["a/1", "a/2", "a/4", "b/1"].iter().map(|k| (key(k), Some(key(k)))).collect());
        let below: Writes = [(key("a/2"), None), (key("a/3"), Some(key("x")))].into();
        let mut layer = Layer::over(&store, &below);
        layer.set(key("a/4"), key("y"));
        let mark = layer.mark();
        layer.set(key("a/5"), key("z"));
        layer.remove(b"a/1");
        let keys = |l: &Layer<'_>| -> Vec<String> {
            l.scan(b"a/", b"", 9).into_iter().map(|(k, _)| String::from_utf8(k).unwrap()).collect()
        };
        assert_eq!(keys(&layer), ["a/3", "a/4", "a/5"]);
        assert_eq!(layer.get(b"a/4"), Some(&b"y"[..]));
        layer.restore(mark);
        assert_eq!(keys(&layer), ["a/1", "a/3", "a/4"]);
        assert_eq!(layer.scan(b"a/", b"a/3", 1).len(), 1);
        let writes = layer.into_writes();
        assert_eq!(store.get(b"a/4"), Some(&b"a/4"[..]));
        store.apply(below);
        store.apply(writes);
        assert_eq!(store.get(b"a/2"), None);
        assert_eq!(store.get(b"a/4"), Some(&b"y"[..]));
    }
}
