use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, fault};
use crate::gradient::Content;
use crate::limits::Limits;

/// What a GradientPackage states beside tensors and metadata. All of it is the miner's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFields {
    /// The training round that the miner wrote.
    pub training_round_id: u64,
    /// The miner's address.
    pub miner_address: String,
    /// The `gradient_hash` that the miner computed.
    pub gradient_hash: String,
    /// Seconds since 1970.
    pub timestamp: i64,
}

pub(crate) fn read(_file: &Bytes, _limits: &Limits) -> Result<Content, Fault> {
    fault!("this container cannot be read yet")
}
