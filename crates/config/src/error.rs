use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why settings or a profile could not be read, changed or written.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("find {}: no such file", path.display())]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written; what stood there before still does.
    #[error("write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no TOML document. It has not been touched.
    #[error("parse {}: {error}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: SyntaxError,
    },
    /// The document is not valid.
    #[error("use {}: {problems}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong, one a key.
        problems: Problems,
    },
    /// A key was asked for or set that does not exist.
    #[error("{}", unknown_key(key, nearest.as_deref()))]
    UnknownKey {
        /// The key asked for.
        key: String,
        /// The existing key most like it.
        nearest: Option<String>,
    },
    /// A key was set to a text that it cannot hold.
    #[error("set {0}")]
    Value(Problem),
}

/// Where and why a text is no TOML document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The parser's word on it.
    pub message: String,
}

/// One key and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted key, e.g. `round.quorum`.
    pub key: String,
    /// The line of the file, from 1; `None` for what does not stand in it.
    pub line: Option<usize>,
    /// What was expected and found: `must be at least 1, is 0`.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}", self.key, self.text)
    }
}

/// All problems of a document, in the order of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// The problems, one a key.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, key: impl Into<String>, line: Option<usize>, text: impl Into<String>) {
        let key = key.into();
        if !self.has(&key) {
            self.0.push(Problem { key, line, text: text.into() });
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|problem| problem.key == key)
    }

    /// `value` if there is no problem.
    pub(crate) fn or<V>(mut self, value: V) -> Result<V, Problems> {
        self.0.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

pub(crate) fn unknown_key(key: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("find key {key}: there is none, did you mean {nearest}?"),
        None => format!("find key {key}: there is none"),
    }
}
