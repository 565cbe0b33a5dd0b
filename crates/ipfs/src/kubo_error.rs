use std::io;
use std::time::Duration;

use crate::source::SourceError;

/// Why a call to a node's RPC did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum KuboError {
    /// Nobody answered there.
    #[error("no IPFS node answers at {url} ({cause}): start it (`ipfs daemon`) or set its RPC address")]
    Unreachable {
        /// The node's address.
        url: String,
        /// What the connection failed with.
        cause: String,
    },
    /// The node that we run is down; it is being started again.
    #[error("the managed IPFS node is down and is being started again")]
    Down,
    /// The call did not end in time, here or within the node.
    #[error("{operation} at {url} gave no answer within {} s", .after.as_secs_f32())]
    Timeout {
        /// The RPC call, such as `block/get`.
        operation: &'static str,
        /// The node's address.
        url: String,
        /// The time it was given.
        after: Duration,
    },
    /// The node does not have, and did not find, the block.
    #[error("{operation}: not found: {message}")]
    NotFound {
        /// The RPC call.
        operation: &'static str,
        /// The node's words.
        message: String,
    },
    /// The node refused, in its own words.
    #[error("{operation} was refused by the node: {message} (code {code})")]
    Refused {
        /// The RPC call.
        operation: &'static str,
        /// The node's words.
        message: String,
        /// Kubo's error code: 0 normal, 1 client, 2 implementation, 3 rate limited, 4 forbidden.
        code: i64,
    },
    /// An HTTP status that no Kubo error came with: often another program, or a proxy, at that address.
    #[error("{operation} at {url} was answered with HTTP {status}{hint}")]
    Status {
        /// The RPC call.
        operation: &'static str,
        /// The node's address.
        url: String,
        /// The status.
        status: u16,
        /// What to look at; empty or beginning with a colon.
        hint: &'static str,
    },
    /// An answer that is not what the call promises.
    #[error("{operation} was answered with {found}, expected {expected}")]
    Unexpected {
        /// The RPC call.
        operation: &'static str,
        /// What came.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
    /// The answer exceeds what was asked for at most.
    #[error("{operation} was answered with more than {max_bytes} bytes")]
    TooLarge {
        /// The RPC call.
        operation: &'static str,
        /// The bound.
        max_bytes: u64,
    },
    /// The connection broke in the middle.
    #[error("{operation} at {url} broke off: {cause}")]
    Broken {
        /// The RPC call.
        operation: &'static str,
        /// The node's address.
        url: String,
        /// What it failed with.
        cause: String,
    },
    /// The file to add could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What reading failed with.
        source: io::Error,
    },
    /// The address cannot be a node's.
    #[error("{url} is no base address of an RPC, expected one like http://127.0.0.1:5001")]
    BadUrl {
        /// The address.
        url: String,
    },
}

impl KuboError {
    /// Whether the same call may succeed later without anything being changed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Down
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::NotFound { .. }
            | Self::Broken { .. }
            // A proxy may have cut the answer; the next one may be whole.
            | Self::Unexpected { .. }
            // In the node's own words, such as for a disk that is full until somebody frees some of it.
            | Self::Refused { code: 0 | 3, .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    pub(crate) fn into_source_error(self, cid: &cid::Cid, max_bytes: u64) -> SourceError {
        match self {
            Self::NotFound { message, .. } => SourceError::NotFound { cid: cid.to_string(), detail: message },
            Self::TooLarge { .. } => SourceError::TooLarge { cid: cid.to_string(), max_bytes },
            Self::Timeout { .. } => SourceError::Timeout(self.to_string()),
            Self::Down | Self::Unreachable { .. } => SourceError::Unreachable(self.to_string()),
            other => SourceError::Failed(other.to_string()),
        }
    }
}
