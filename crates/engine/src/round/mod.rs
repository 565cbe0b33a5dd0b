//! One round of aggregation, as data: its record and its states.

mod record;
mod state;

pub use record::{
    AggregationProof, Commitment, Exclusion, IncludedCommitment, Participant, PublishedAggregate, Round,
    RoundId, Selection,
};
pub use state::{RoundState, UnknownState};
