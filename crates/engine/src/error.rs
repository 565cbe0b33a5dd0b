//! Why the engine stops, or never starts.

use std::io;
use std::path::PathBuf;

use r3mes_chain::{ChainError, Refusal};
use r3mes_ipfs::{DaemonError, FetchError, KuboError};

use crate::aggregation::AggregationError;
use crate::journal::JournalError;
use crate::trouble::Concern;

/// An error of the engine. [`is_transient`](EngineError::is_transient) tells trouble that passes from
/// what needs the operator.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A folder or file of the data folder cannot be used.
    #[error("use {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The data folder is taken.
    #[error("use {}: another proposer is running on this data folder; stop it first, or choose another folder", path.display())]
    AlreadyRunning {
        /// The folder.
        path: PathBuf,
    },
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain answered with an error, or not at all.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// IPFS answered with an error, or not at all.
    #[error(transparent)]
    Ipfs(#[from] KuboError),
    /// The IPFS node of our own does not run.
    #[error(transparent)]
    IpfsNode(#[from] DaemonError),
    /// Content could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The participants could not be aggregated.
    #[error(transparent)]
    Aggregation(#[from] AggregationError),
    /// The endpoint serves another chain than the profile names.
    #[error(
        "use the chain endpoint: it serves `{found}`, the network profile says `{expected}`; correct one of the two"
    )]
    WrongChain {
        /// What the node says.
        found: String,
        /// What the profile says.
        expected: String,
    },
    /// The data folder's journal speaks of another chain or account.
    #[error("use {}: its journal belongs to {what} {bound}, not {found}; choose another data folder with --home", path.display())]
    OtherIdentity {
        /// The folder.
        path: PathBuf,
        /// Chain, first block or account.
        what: &'static str,
        /// What the journal is bound to.
        bound: String,
        /// What is there now.
        found: String,
    },
    /// IPFS gave our own file another CID than we computed.
    #[error(
        "publish the aggregate: IPFS calls it {found}, we computed {expected}; the node does not honour the chunking that was asked for"
    )]
    CidDiffers {
        /// What the node answered.
        found: String,
        /// Ours.
        expected: String,
    },
    /// The key is in use elsewhere.
    #[error(
        "go on: the chain holds commitment {commitment_id} of our address that this proposer did not make (transaction {tx_hash}); the same key runs on another machine: stop one of the two"
    )]
    ForeignCommitment {
        /// The commitment.
        commitment_id: u64,
        /// Its transaction.
        tx_hash: String,
    },
    /// The chain says success and holds nothing, or something else.
    #[error("trust the chain: {what} was accepted in block {height} and reads back as {found}")]
    NotStored {
        /// What was sent.
        what: String,
        /// The block.
        height: i64,
        /// What is there.
        found: String,
    },
    /// This account may not do what a proposer does.
    #[error("work as a proposer: {address} is {standing}; {remedy}")]
    Standing {
        /// Our address.
        address: String,
        /// What it is.
        standing: String,
        /// What to do.
        remedy: String,
    },
    /// The operator's limit on fees is below what the chain takes now.
    #[error(
        "submit to the chain: the fee {fee} is above submission.max_fee, {limit}; raise the limit, or wait for cheaper gas"
    )]
    FeeTooHigh {
        /// What the transaction would cost.
        fee: String,
        /// The limit.
        limit: String,
    },
    /// The account cannot pay. Work goes on by itself when it can.
    #[error(
        "pay for a transaction: {address} holds {balance}; send {denom} to it, and work goes on by itself ({refusal})"
    )]
    Unfunded {
        /// Our address.
        address: String,
        /// What it holds of the fee denom.
        balance: String,
        /// The fee denom.
        denom: String,
        /// The chain's own words.
        refusal: Box<Refusal>,
    },
    /// The chain refused a transaction for a reason that waiting does not mend.
    #[error("submit to the chain: {0}")]
    Refused(Refusal),
    /// The machine gave no randomness.
    #[error("make a salt: {0}")]
    Entropy(String),
    /// A background task died.
    #[error("finish a task: {0}")]
    Task(String),
}

impl EngineError {
    /// Whether a disk, or the part of it that is ours, is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            EngineError::Folder { source, .. }
            | EngineError::Fetch(FetchError::Write(source))
            | EngineError::Aggregation(AggregationError::Write { source, .. }) => is_full(source),
            EngineError::Journal(error) => error.is_disk_full(),
            _ => false,
        }
    }

    /// What it is with, as the operator sees it.
    pub fn concern(&self) -> Concern {
        match self {
            error if error.is_disk_full() => Concern::Disk,
            EngineError::Fetch(FetchError::Write(_)) => Concern::Engine,
            EngineError::Fetch(_) => Concern::Ipfs,
            EngineError::Chain(_) | EngineError::WrongChain { .. } | EngineError::NotStored { .. } => {
                Concern::Chain
            }
            EngineError::Ipfs(_) | EngineError::IpfsNode(_) | EngineError::CidDiffers { .. } => Concern::Ipfs,
            EngineError::FeeTooHigh { .. } | EngineError::Unfunded { .. } | EngineError::Standing { .. } => {
                Concern::Account
            }
            _ => Concern::Engine,
        }
    }

    /// What mends it, where the message does not say so already.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            error if error.is_disk_full() => {
                "free space on the disk of the data folder, or lower limits.spool_quota; work goes on by itself"
            }
            EngineError::Refused(refusal) => refusal.reason.remedy(),
            EngineError::Chain(ChainError::Transport { .. } | ChainError::Unreachable { .. }) => {
                "check the network connection and the RPC addresses; work goes on by itself when an endpoint answers"
            }
            EngineError::Chain(error) => return error.remedy().map(str::to_owned),
            EngineError::Fetch(FetchError::Write(_)) => return None,
            EngineError::Ipfs(_) | EngineError::IpfsNode(_) | EngineError::Fetch(_) => {
                "start the IPFS node, or correct its address; fetching goes on by itself when it answers"
            }
            _ => return None,
        };
        Some(remedy.to_owned())
    }

    /// Whether waiting and trying again can help, without anything being changed but for room on a full disk.
    pub fn is_transient(&self) -> bool {
        match self {
            error if error.is_disk_full() => true,
            EngineError::Chain(error) => error.is_transient(),
            EngineError::Ipfs(error) => error.is_transient(),
            EngineError::Fetch(error) => error.is_transient(),
            EngineError::FeeTooHigh { .. } | EngineError::Unfunded { .. } => true,
            // Whoever starts the engine is told at once; it is kept up by itself from then on.
            EngineError::IpfsNode(_) => false,
            EngineError::Journal(_)
            | EngineError::Folder { .. }
            | EngineError::AlreadyRunning { .. }
            | EngineError::Aggregation(_)
            | EngineError::WrongChain { .. }
            | EngineError::CidDiffers { .. }
            | EngineError::OtherIdentity { .. }
            | EngineError::ForeignCommitment { .. }
            | EngineError::NotStored { .. }
            | EngineError::Standing { .. }
            | EngineError::Refused(_)
            | EngineError::Entropy(_)
            | EngineError::Task(_) => false,
        }
    }
}

/// Whether nothing but room is missing.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_waited_out_and_says_what_mends_it() {
        let folder = |source| EngineError::Folder { path: "spool".into(), source };
        let full = folder(io::Error::from(io::ErrorKind::StorageFull));
        assert!(full.is_transient() && full.concern() == Concern::Disk);
        assert!(full.remedy().is_some_and(|remedy| remedy.starts_with("free space on the disk")));
        let refused = folder(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(!refused.is_transient() && refused.concern() == Concern::Engine);
        assert_eq!(refused.remedy(), None);
        let code = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let journal = |error| EngineError::from(JournalError::from(error));
        assert!(journal(code(rusqlite::ffi::SQLITE_FULL)).is_transient());
        assert!(!journal(code(rusqlite::ffi::SQLITE_CORRUPT)).is_transient());
    }
}
