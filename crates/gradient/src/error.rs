use std::fmt;
use std::io;

use crate::container::Container;

/// Why a gradient file cannot be read. Its text is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or mapped: says nothing about its content.
    #[error("cannot read the file: {0}")]
    Io(#[from] io::Error),
    /// A directory, a pipe, a socket or a device.
    #[error("not a regular file but {0}")]
    NotAFile(&'static str),
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than [`Limits::file_bytes`](crate::Limits::file_bytes).
    #[error("the file has {found} bytes; the limit is {limit}")]
    TooLarge {
        /// Bytes of the file.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The opening bytes are those of none of the three containers.
    #[error(
        "not a gradient container: begins with {0}, which is neither safetensors, GradientPackage nor pickle"
    )]
    UnknownContainer(String),
    /// The content breaks its container's rules, or passes one of the [`Limits`](crate::Limits).
    #[error("malformed {container}: {reason}")]
    Malformed {
        /// The container that the file set out to be.
        container: Container,
        /// What was found, where, and what was expected.
        reason: String,
    },
}

impl ReadError {
    /// Whether the fault lies in the bytes, so that everyone who has the same bytes (and the same
    /// [`Limits`](crate::Limits)) finds it too. The others are trouble of this machine.
    pub fn is_malformed(&self) -> bool {
        match self {
            ReadError::Io(_) | ReadError::NotAFile(_) => false,
            ReadError::Empty
            | ReadError::TooLarge { .. }
            | ReadError::UnknownContainer(_)
            | ReadError::Malformed { .. } => true,
        }
    }
}

/// Why tensors cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The writer failed.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// The tensors do not fit together or into the container.
    #[error("{0}")]
    Invalid(String),
}

/// What a reader found wrong: the `reason` of [`ReadError::Malformed`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) String);

impl Fault {
    pub(crate) fn in_container(self, container: Container) -> ReadError {
        ReadError::Malformed { container, reason: self.0 }
    }

    pub(crate) fn of_tensor(self, name: &str) -> Fault {
        Fault(format!("tensor {}: {}", Quoted(name), self.0))
    }
}

/// `Err(Fault)` with a formatted reason.
macro_rules! fault {
    ($($arg:tt)*) => { Err($crate::error::Fault(format!($($arg)*))) };
}
pub(crate) use fault;

/// Foreign text for an error: quoted, escaped, on one line, and cut where it grows long.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 80;
        match self.0.char_indices().nth(LONGEST) {
            None => write!(f, "`{}`", self.0.escape_debug()),
            Some((cut, _)) => write!(f, "`{}...`", self.0[..cut].escape_debug()),
        }
    }
}
