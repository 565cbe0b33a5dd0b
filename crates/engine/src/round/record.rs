//! What the journal knows of a round.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::RoundState;
use crate::verification::Check;

/// The number of a round in this proposer's journal; it has no meaning on the chain.
pub type RoundId = i64;

/// One round, as far as it has come. Fields fill from top to bottom as the round goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The journal's number.
    pub id: RoundId,
    /// Where the round stands.
    pub state: RoundState,
    /// The training round that the miners wrote into their gradients.
    pub training_round_id: u64,
    /// The model version that the gradients improve.
    pub model_version: String,
    /// When the round was opened.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
    /// The chain's height when the round was opened.
    pub opened_height: i64,
    /// Who takes part, fixed when the round is closed.
    pub selection: Option<Selection>,
    /// The aggregate, fixed before it is published.
    pub aggregate: Option<PublishedAggregate>,
    /// The commitment, its salt durable before anything is sent.
    pub commitment: Option<Commitment>,
    /// What the chain recorded for our reveal.
    pub aggregation: Option<AggregationProof>,
    /// Why the round left its good way, if it did.
    pub reason: Option<String>,
}

/// The gradients of a closed round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// When the round was closed.
    #[serde(with = "time::serde::rfc3339")]
    pub closed_at: OffsetDateTime,
    /// The aggregation method, as the settings spell it; with the participants it determines the
    /// aggregate's bytes.
    pub method: String,
    /// In ascending order of gradient id.
    pub participants: Vec<Participant>,
    /// In ascending order of gradient id.
    pub excluded: Vec<Exclusion>,
}

/// One gradient that takes part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// The gradient's id on the chain.
    pub gradient_id: u64,
    /// The miner's address.
    pub miner: String,
    /// The text that the chain holds as the gradient's hash: a leaf of the Merkle root.
    pub gradient_hash: String,
    /// The weight that the method gives it; 1 for methods without weights.
    pub weight: f64,
}

/// One gradient that is left out, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The gradient's id on the chain.
    pub gradient_id: u64,
    /// The miner's address.
    pub miner: String,
    /// The checks that exclude it.
    pub checks: Vec<Check>,
    /// One line for people.
    pub reason: String,
}

/// The aggregate of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedAggregate {
    /// The CID, computed by us before IPFS was asked.
    pub cid: String,
    /// The Merkle root over the participants' gradient hashes.
    pub merkle_root: String,
    /// The file's size in bytes.
    pub bytes: u64,
}

/// Our commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Without it the commitment can never be revealed.
    pub salt: String,
    /// The committed hash.
    pub hash: String,
    /// What the chain answered; absent until the commitment is included in a block.
    pub included: Option<IncludedCommitment>,
}

/// Where the chain holds a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncludedCommitment {
    /// The commitment's id on the chain. Ids start at 0.
    pub id: u64,
    /// The block that included it.
    pub height: i64,
    /// The last block in which it may be revealed.
    pub deadline_height: i64,
}

/// What the chain holds of a revealed round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregationProof {
    /// The aggregation's id on the chain. Ids start at 0.
    pub id: u64,
    /// The block that included the reveal.
    pub height: i64,
    /// The last block of the challenge period.
    pub challenge_deadline_height: i64,
    /// What the reveal minted to us, in the network's reward denom.
    pub reward: u128,
    /// The reveal's transaction.
    pub tx_hash: String,
}

impl Round {
    /// The ids of the participants, in the order in which they are committed, revealed and hashed.
    pub fn participant_ids(&self) -> Vec<u64> {
        self.selection
            .iter()
            .flat_map(|selection| selection.participants.iter().map(|participant| participant.gradient_id))
            .collect()
    }
}
