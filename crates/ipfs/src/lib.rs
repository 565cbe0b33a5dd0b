//! IPFS for a proposer: content identifiers computed by us, Kubo's RPC API, and fetches in which no
//! byte is used before its block has been checked against its own CID.
//!
//! - [`CidHasher`], [`cid_of_bytes`], [`cid_of_reader`]: the CID a node would give to a file.
//! - [`DagBuilder`]: the same, handing out the blocks themselves.
//! - [`Kubo`]: a client of `/api/v0/...`; [`KuboDaemon`]: a node of our own, kept running.
//! - [`fetch`]: a file from any [`BlockSource`], verified down its DAG.
//! - [`Sources`]: a node, and [`Gateway`]s behind it; [`PartialFile`]: what has come of a file so far.
//! - [`dag_pb`] and [`unixfs`]: the two encodings below all of this.

mod add;
mod builder;
mod daemon;
pub mod dag_pb;
mod fetch;
mod gateway;
mod hasher;
mod kubo;
mod kubo_error;
mod layout;
mod partial;
mod settings;
mod source;
mod sources;
pub mod unixfs;
mod wire;

pub use crate::add::{Added, Content};
pub use crate::builder::DagBuilder;
pub use crate::daemon::{Bootstrap, DaemonError, DaemonSettings, DaemonState, KuboDaemon, RunningDaemon};
pub use crate::fetch::{
    FetchError, FetchLimits, Fetched, MalformedDag, Progress, Refusal, fetch, fetch_bytes, fetch_with,
};
pub use crate::gateway::{Gateway, GatewayHealth};
pub use crate::hasher::{CidHasher, cid_of_bytes, cid_of_reader};
pub use crate::kubo::{BlockStat, Collected, Kubo, KuboTimeouts, NodeId, NodeVersion, Peer, Pin, RepoStat};
pub use crate::kubo_error::KuboError;
pub use crate::partial::{PartialFile, Resumed};
pub use crate::settings::{CidSettings, SettingsError};
pub use crate::source::{BlockSource, SourceError, block_matches, is_identity};
pub use crate::sources::{FileSources, Sources};
pub use cid::{Cid, Version as CidVersion};

/// Multicodec of a block that is nothing but file bytes.
pub const RAW: u64 = 0x55;
/// Multicodec of a dag-pb node.
pub const DAG_PB: u64 = 0x70;
/// Multihash code of SHA2-256.
pub const SHA2_256: u64 = 0x12;
/// Multihash code of the identity hash, whose digest is the content itself.
pub const IDENTITY: u64 = 0x00;
