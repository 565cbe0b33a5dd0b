//! What can go wrong between a proposer and the chain.

use crate::refusal::Refusal;

/// An error of a call to the chain. [`ChainError::Refused`] is the chain's answer to what was asked;
/// all others say that there was no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No HTTP client could be made.
    #[error("make an HTTP client: {reason}")]
    Client {
        /// What the platform said.
        reason: String,
    },
    /// The endpoint's address cannot be used.
    #[error("use {url} as the chain's RPC endpoint: {reason}")]
    Endpoint {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The node did not answer, or not in time.
    #[error("get an answer to `{method}` from the chain's node at {node}: {reason}")]
    Transport {
        /// The RPC method.
        method: String,
        /// Host and port.
        node: String,
        /// What happened to the connection.
        reason: String,
    },
    /// None of several endpoints gave an answer.
    #[error("get an answer to `{method}` from any of the chain's endpoints: {troubles}")]
    Unreachable {
        /// The RPC method.
        method: String,
        /// What each of them did.
        troubles: String,
    },
    /// An endpoint serves another chain than the profile names.
    #[error(
        "use {node} as the chain's endpoint: it serves the chain `{found}`, the network profile says `{expected}`; correct one of the two"
    )]
    WrongChain {
        /// Host and port.
        node: String,
        /// The chain that it serves.
        found: String,
        /// The profile's.
        expected: String,
    },
    /// An endpoint answers from a state that is older than one that was read before.
    #[error(
        "read the chain's newest state: {node} is at block {height}, block {seen} was seen before; wait until it has caught up, or name another endpoint"
    )]
    Behind {
        /// Host and port.
        node: String,
        /// Its newest block.
        height: i64,
        /// The newest block that was seen.
        seen: i64,
    },
    /// The answer exceeds the limit.
    #[error("read the answer to `{method}`: it exceeds {limit} bytes")]
    TooLarge {
        /// The RPC method.
        method: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not what CometBFT or the chain's modules answer.
    #[error("read the answer to `{method}`: {reason}")]
    Malformed {
        /// The RPC method or query path.
        method: String,
        /// What was found.
        reason: String,
    },
    /// The node answered with a JSON-RPC error.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The chain refused a transaction, a simulation or a query.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The fee cannot be computed from the gas.
    #[error("compute the fee of {gas} gas at {price}{denom}: the amount does not fit")]
    Fee {
        /// Gas limit.
        gas: u64,
        /// Price of a unit of gas.
        price: String,
        /// Denom of the price.
        denom: String,
    },
    /// The key has no address under the network's prefix.
    #[error("derive the account's address: {reason}")]
    Address {
        /// Why.
        reason: String,
    },
}

impl ChainError {
    /// Whether waiting and asking again can help, without anything being changed.
    pub fn is_transient(&self) -> bool {
        match self {
            ChainError::Transport { .. } | ChainError::Unreachable { .. } | ChainError::Behind { .. } => true,
            // A proxy's error page in place of JSON comes and goes with the node behind it.
            ChainError::Malformed { .. } => true,
            ChainError::Node(error) => error.kind.is_transient(),
            ChainError::Refused(refusal) => refusal.reason.is_transient(),
            ChainError::Client { .. }
            | ChainError::Endpoint { .. }
            | ChainError::WrongChain { .. }
            | ChainError::TooLarge { .. }
            | ChainError::Fee { .. }
            | ChainError::Address { .. } => false,
        }
    }

    /// What an operator can do about it; `None` where the text says it already.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            ChainError::Node(error) => error.kind.remedy(),
            ChainError::Refused(refusal) => refusal.reason.remedy(),
            ChainError::Transport { .. } | ChainError::Unreachable { .. } => {
                "check that the node runs and network.rpc names it; name a second endpoint"
            }
            ChainError::Malformed { .. } => {
                "check that network.rpc names a CometBFT RPC endpoint, without a proxy that answers in its place"
            }
            ChainError::TooLarge { .. } => "check that network.rpc names a node of this network",
            ChainError::Fee { .. } => "check the gas price in the network profile",
            ChainError::Address { .. } => "check the address prefix in the network profile",
            ChainError::Client { .. } | ChainError::Endpoint { .. } => "check network.rpc in the settings",
            ChainError::WrongChain { .. } | ChainError::Behind { .. } => return None,
        })
    }

    /// The chain's refusal.
    ///
    /// # Errors
    /// The error itself, where it is none.
    pub fn into_refusal(self) -> Result<Refusal, ChainError> {
        match self {
            ChainError::Refused(refusal) => Ok(refusal),
            other => Err(other),
        }
    }

    pub(crate) fn malformed(method: impl Into<String>, reason: impl ToString) -> Self {
        ChainError::Malformed { method: method.into(), reason: reason.to_string() }
    }
}

/// A JSON-RPC error of the node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("have `{method}` answered by the chain's node: {kind} ({code} {message}: {data})")]
pub struct NodeError {
    /// The RPC method.
    pub method: String,
    /// JSON-RPC code, such as -32603.
    pub code: i64,
    /// The code's name, such as "Internal error".
    pub message: String,
    /// The node's own words.
    pub data: String,
    /// What they mean.
    pub kind: NodeErrorKind,
}

/// What a JSON-RPC error of CometBFT means, as its text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeErrorKind {
    /// The mempool takes no more transactions.
    #[error("the node's mempool is full")]
    MempoolFull,
    /// The node has seen this very transaction before.
    #[error("the node has this transaction already")]
    TxInCache,
    /// The transaction is larger than the mempool takes.
    #[error("the transaction is larger than the node takes")]
    TxTooLarge,
    /// No indexed transaction has this hash.
    #[error("the node knows no such transaction")]
    TxNotFound,
    /// The node keeps no index of transactions.
    #[error("the node keeps no index of transactions (`indexer` in its config.toml)")]
    IndexingDisabled,
    /// The height lies ahead of the chain.
    #[error("the height is not reached yet")]
    HeightNotReached,
    /// The height was pruned.
    #[error("the node no longer keeps this height")]
    HeightPruned,
    /// The node does not serve this method.
    #[error("the node does not serve this method")]
    MethodNotFound,
    /// Anything else.
    #[error("the node answered with an error")]
    Other,
}

impl NodeErrorKind {
    /// Reads the kind off an error's code and texts.
    pub(crate) fn classify(code: i64, message: &str, data: &str) -> Self {
        let text = format!("{message} {data}").to_ascii_lowercase();
        let says = |words: &str| text.contains(words);
        if says("mempool is full") {
            NodeErrorKind::MempoolFull
        } else if says("tx already exists in cache") || says("already in mempool") {
            NodeErrorKind::TxInCache
        } else if says("tx too large") {
            NodeErrorKind::TxTooLarge
        } else if says("indexing is disabled") {
            NodeErrorKind::IndexingDisabled
        } else if says("tx (") && says("not found") {
            NodeErrorKind::TxNotFound
        } else if says("must be less than or equal to the current blockchain height") {
            NodeErrorKind::HeightNotReached
        } else if (says("height") && (says("is not available") || says("could not find results")))
            || says("lowest height is")
        {
            NodeErrorKind::HeightPruned
        } else if code == -32601 {
            NodeErrorKind::MethodNotFound
        } else {
            NodeErrorKind::Other
        }
    }

    /// What an operator can do about it.
    fn remedy(self) -> &'static str {
        match self {
            NodeErrorKind::MempoolFull => {
                "nothing: the same transaction is sent again; a second endpoint, or a higher gas price, helps if it lasts"
            }
            NodeErrorKind::TxInCache => "nothing: the transaction waits for a block",
            NodeErrorKind::TxTooLarge => "nothing: the next round takes fewer participants",
            NodeErrorKind::TxNotFound => "nothing: the blocks are looked through",
            NodeErrorKind::IndexingDisabled => {
                "use a node that indexes transactions (`indexer = \"kv\"` in its config.toml)"
            }
            NodeErrorKind::HeightNotReached => {
                "nothing: it is asked again; check the node if it stays behind"
            }
            NodeErrorKind::HeightPruned => "use a node that keeps more blocks, where the past matters",
            NodeErrorKind::MethodNotFound => {
                "check that network.rpc names a CometBFT 0.38 node's RPC endpoint"
            }
            NodeErrorKind::Other => "look at the node's log; name a second endpoint",
        }
    }

    fn is_transient(self) -> bool {
        match self {
            NodeErrorKind::MempoolFull
            | NodeErrorKind::TxInCache
            | NodeErrorKind::TxNotFound
            | NodeErrorKind::HeightNotReached
            | NodeErrorKind::Other => true,
            NodeErrorKind::TxTooLarge
            | NodeErrorKind::IndexingDisabled
            | NodeErrorKind::HeightPruned
            | NodeErrorKind::MethodNotFound => false,
        }
    }
}

/// The text of an error's innermost cause, which names what happened: the outer ones repeat the URL.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_cometbft_are_known() {
        use NodeErrorKind::*;
        let cases = [
            ("mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)", MempoolFull),
            ("tx already exists in cache", TxInCache),
            ("Tx too large. Max size is 1048576, but got 1048577", TxTooLarge),
            ("tx (6A2E0B) not found", TxNotFound),
            ("tx (6A2E0B) not found, err: <nil>", TxNotFound),
            ("transaction indexing is disabled", IndexingDisabled),
            ("height 77 must be less than or equal to the current blockchain height 76", HeightNotReached),
            ("height 1 is not available, lowest height is 5", HeightPruned),
            ("could not find results for height #3", HeightPruned),
            ("something new", Other),
        ];
        for (data, kind) in cases {
            assert_eq!(NodeErrorKind::classify(-32603, "Internal error", data), kind, "{data}");
        }
        assert_eq!(NodeErrorKind::classify(-32601, "Method not found", ""), MethodNotFound);
    }

    #[test]
    fn an_error_reads_after_failed_to() {
        let error = ChainError::Transport {
            method: "status".into(),
            node: "127.0.0.1:26657".into(),
            reason: "connection refused".into(),
        };
        assert_eq!(
            format!("failed to {error}"),
            "failed to get an answer to `status` from the chain's node at 127.0.0.1:26657: connection refused"
        );
        assert!(error.is_transient());
        assert_eq!(error.clone().into_refusal(), Err(error));
    }
}
