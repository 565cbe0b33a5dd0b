//! The named moments of a round at which losing the process is most dangerous.

use std::fmt;
use std::str::FromStr;

/// A moment between two effects of a round. The engine reports each one to its
/// [`Environment`](crate::Environment), so that a test can kill the process exactly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checkpoint {
    /// A round was opened in the journal.
    RoundOpened,
    /// The participants are journaled.
    RoundClosed,
    /// The aggregate's file is on disk, the journal does not know it yet.
    AggregateWritten,
    /// CID and Merkle root are journaled, IPFS does not hold the aggregate yet.
    AggregateJournaled,
    /// IPFS holds the aggregate.
    AggregatePublished,
    /// The salt is journaled, no transaction exists.
    SaltJournaled,
    /// The signed commitment is journaled and not sent.
    CommitSigned,
    /// The commitment was handed to the node.
    CommitSent,
    /// The commitment is in a block, the journal does not know it yet.
    CommitIncluded,
    /// The journal says committed.
    Committed,
    /// The signed reveal is journaled and not sent.
    RevealSigned,
    /// The reveal was handed to the node.
    RevealSent,
    /// The reveal is in a block, neither state nor books know it yet.
    RevealIncluded,
    /// State and books are written.
    Revealed,
    /// The signed direct submission is journaled and not sent.
    SubmitSigned,
    /// The direct submission was handed to the node.
    SubmitSent,
    /// The direct submission is in a block, neither state nor books know it yet.
    SubmitIncluded,
}

impl Checkpoint {
    /// Every checkpoint that a good round passes which commits and reveals, in order.
    pub const COMMIT_REVEAL: [Checkpoint; 14] = [
        Checkpoint::RoundOpened,
        Checkpoint::RoundClosed,
        Checkpoint::AggregateWritten,
        Checkpoint::AggregateJournaled,
        Checkpoint::AggregatePublished,
        Checkpoint::SaltJournaled,
        Checkpoint::CommitSigned,
        Checkpoint::CommitSent,
        Checkpoint::CommitIncluded,
        Checkpoint::Committed,
        Checkpoint::RevealSigned,
        Checkpoint::RevealSent,
        Checkpoint::RevealIncluded,
        Checkpoint::Revealed,
    ];

    /// Every checkpoint that a good round passes which submits directly, in order.
    pub const DIRECT: [Checkpoint; 9] = [
        Checkpoint::RoundOpened,
        Checkpoint::RoundClosed,
        Checkpoint::AggregateWritten,
        Checkpoint::AggregateJournaled,
        Checkpoint::AggregatePublished,
        Checkpoint::SubmitSigned,
        Checkpoint::SubmitSent,
        Checkpoint::SubmitIncluded,
        Checkpoint::Revealed,
    ];

    /// The name in kebab case.
    pub const fn name(self) -> &'static str {
        match self {
            Checkpoint::RoundOpened => "round-opened",
            Checkpoint::RoundClosed => "round-closed",
            Checkpoint::AggregateWritten => "aggregate-written",
            Checkpoint::AggregateJournaled => "aggregate-journaled",
            Checkpoint::AggregatePublished => "aggregate-published",
            Checkpoint::SaltJournaled => "salt-journaled",
            Checkpoint::CommitSigned => "commit-signed",
            Checkpoint::CommitSent => "commit-sent",
            Checkpoint::CommitIncluded => "commit-included",
            Checkpoint::Committed => "committed",
            Checkpoint::RevealSigned => "reveal-signed",
            Checkpoint::RevealSent => "reveal-sent",
            Checkpoint::RevealIncluded => "reveal-included",
            Checkpoint::Revealed => "revealed",
            Checkpoint::SubmitSigned => "submit-signed",
            Checkpoint::SubmitSent => "submit-sent",
            Checkpoint::SubmitIncluded => "submit-included",
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Checkpoint {
    type Err = UnknownCheckpoint;

    fn from_str(text: &str) -> Result<Self, UnknownCheckpoint> {
        let all = Checkpoint::COMMIT_REVEAL.into_iter().chain(Checkpoint::DIRECT);
        all.into_iter()
            .find(|checkpoint| checkpoint.name() == text)
            .ok_or_else(|| UnknownCheckpoint(text.to_owned()))
    }
}

/// A text that names no checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no checkpoint")]
pub struct UnknownCheckpoint(String);
