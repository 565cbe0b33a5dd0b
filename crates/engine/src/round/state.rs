//! The states of a round and the ways between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a round stands. The way of a good round is the order of the first six.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundState {
    /// Gradients of one training round and model version are gathered and judged.
    Collecting,
    /// The participants are fixed; their aggregate is computed.
    Aggregating,
    /// The aggregate stands on disk with its CID; it is added to IPFS and a commitment is sent.
    Publishing,
    /// The chain holds our commitment; the reveal is sent.
    Committed,
    /// The chain holds our aggregation, and the reward was paid.
    Revealed,
    /// The challenge period is over.
    Finalized,
    /// Somebody challenges our aggregation.
    Challenged,
    /// A challenge was won against us; the participants are pending again.
    Reverted,
    /// Our commitment was not revealed in time. The gradients may be taken up by a new round.
    Expired,
    /// Another proposer's aggregation took our participants.
    Superseded,
    /// Given up before anything bound us, or because the network left no way on.
    Abandoned,
}

impl RoundState {
    /// Every state, in the order of a round's way.
    pub const ALL: [RoundState; 11] = [
        RoundState::Collecting,
        RoundState::Aggregating,
        RoundState::Publishing,
        RoundState::Committed,
        RoundState::Revealed,
        RoundState::Finalized,
        RoundState::Challenged,
        RoundState::Reverted,
        RoundState::Expired,
        RoundState::Superseded,
        RoundState::Abandoned,
    ];

    /// The states in which the engine still has something to do before the round's result stands.
    pub const fn is_open(self) -> bool {
        use RoundState::*;
        matches!(self, Collecting | Aggregating | Publishing | Committed)
    }

    /// The states in which the chain may still change what a revealed round is worth.
    pub const fn is_watched(self) -> bool {
        matches!(self, RoundState::Revealed | RoundState::Challenged | RoundState::Finalized)
    }

    /// Whether a round may go from this state straight to `next`.
    pub const fn may_become(self, next: RoundState) -> bool {
        use RoundState::*;
        match self {
            Collecting => matches!(next, Aggregating | Abandoned | Superseded),
            Aggregating => matches!(next, Publishing | Abandoned | Superseded),
            // Straight to Revealed where an aggregate is submitted without commitment.
            Publishing => matches!(next, Committed | Revealed | Abandoned | Superseded),
            Committed => matches!(next, Revealed | Expired | Superseded),
            Revealed => matches!(next, Finalized | Challenged | Reverted),
            Challenged => matches!(next, Revealed | Finalized | Reverted),
            // A finalized record can still be challenged.
            Finalized => matches!(next, Challenged | Reverted),
            Reverted | Expired | Superseded | Abandoned => false,
        }
    }
}

impl fmt::Display for RoundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RoundState::Collecting => "collecting",
            RoundState::Aggregating => "aggregating",
            RoundState::Publishing => "publishing",
            RoundState::Committed => "committed",
            RoundState::Revealed => "revealed",
            RoundState::Finalized => "finalized",
            RoundState::Challenged => "challenged",
            RoundState::Reverted => "reverted",
            RoundState::Expired => "expired",
            RoundState::Superseded => "superseded",
            RoundState::Abandoned => "abandoned",
        })
    }
}

impl FromStr for RoundState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        RoundState::ALL
            .into_iter()
            .find(|state| state.to_string() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// A text that names no round state.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no state of a round")]
pub struct UnknownState(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_name_of_its_own() {
        for state in RoundState::ALL {
            assert_eq!(state.to_string().parse::<RoundState>().unwrap(), state);
        }
        assert!("nowhere".parse::<RoundState>().is_err());
    }

    #[test]
    fn nothing_leads_back_into_an_open_state() {
        for from in RoundState::ALL {
            for to in RoundState::ALL {
                if from.may_become(to) && to.is_open() {
                    let position = |state| RoundState::ALL.iter().position(|s| *s == state);
                    assert!(position(from) < position(to), "{from} leads back to {to}");
                }
            }
        }
    }

    #[test]
    fn a_committed_round_cannot_be_abandoned() {
        // A live commitment binds us until it is revealed, expired or superseded.
        assert!(!RoundState::Committed.may_become(RoundState::Abandoned));
    }
}
