//! What happened on the chain, as transactions and blocks report it.

use serde::{Deserialize, Deserializer};

use crate::{Coins, rpc::encoding::or_default};

/// An event: its type, and attributes in the chain's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The type, such as `reveal_aggregation`.
    pub kind: String,
    /// Keys and values. A key can occur more than once.
    pub attributes: Vec<(String, String)>,
}

impl Event {
    /// The first value of `key`.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The first value of `key`, where it is a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.attribute(key)?.parse().ok()
    }

    /// Whether any attribute's value is this address.
    pub fn concerns(&self, address: &str) -> bool {
        self.attributes.iter().any(|(_, value)| value == address)
    }

    /// The event as one that a proposer knows; `None` for all others, and where an attribute that
    /// makes it what it is does not read.
    pub fn decode(&self) -> Option<ModuleEvent> {
        let text = |key: &str| self.attribute(key).map(str::to_owned);
        let number = |key: &str| self.number(key);
        Some(match self.kind.as_str() {
            "gradient_submitted" => ModuleEvent::GradientSubmitted {
                miner: text("miner")?,
                gradient_id: number("gradient_id")?,
                ipfs_hash: text("ipfs_hash").unwrap_or_default(),
                model_version: text("model_version").unwrap_or_default(),
                training_round_id: number("training_round_id").unwrap_or_default(),
            },
            "commit_aggregation" => ModuleEvent::CommitAggregation {
                proposer: text("proposer")?,
                commitment_id: number("commitment_id")?,
                training_round_id: number("training_round_id").unwrap_or_default(),
            },
            "reveal_aggregation" => ModuleEvent::RevealAggregation {
                proposer: text("proposer")?,
                commitment_id: number("commitment_id")?,
                aggregation_id: number("aggregation_id")?,
                training_round_id: number("training_round_id").unwrap_or_default(),
            },
            "aggregation_submitted" => ModuleEvent::AggregationSubmitted {
                proposer: text("proposer")?,
                aggregation_id: number("aggregation_id")?,
                training_round_id: number("training_round_id").unwrap_or_default(),
            },
            "aggregation_finalized" => ModuleEvent::AggregationFinalized {
                proposer: text("proposer").unwrap_or_default(),
                aggregation_id: number("aggregation_id")?,
                training_round_id: number("training_round_id").unwrap_or_default(),
            },
            "aggregation_challenged" => ModuleEvent::AggregationChallenged {
                challenger: text("challenger").unwrap_or_default(),
                challenge_id: number("challenge_id")?,
                aggregation_id: number("aggregation_id")?,
            },
            "resolve_challenge" => ModuleEvent::ResolveChallenge(self.clone()),
            "report_proposer_censorship" => ModuleEvent::ReportProposerCensorship(self.clone()),
            "register_node" => ModuleEvent::RegisterNode {
                node_address: text("node_address")?,
                node_type: text("node_type")?,
            },
            "node_slash" => ModuleEvent::NodeSlash(self.clone()),
            "coin_received" => ModuleEvent::CoinReceived {
                receiver: text("receiver")?,
                amount: self.attribute("amount")?.parse().ok()?,
            },
            _ => return None,
        })
    }
}

/// The events that a proposer knows. Those whose attributes the protocol leaves open carry the event
/// itself: see [`Event::concerns`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the attributes are named as the chain names them")]
pub enum ModuleEvent {
    /// A miner's gradient was stored.
    GradientSubmitted {
        miner: String,
        gradient_id: u64,
        ipfs_hash: String,
        model_version: String,
        training_round_id: u64,
    },
    /// A proposer committed to an aggregation.
    CommitAggregation { proposer: String, commitment_id: u64, training_round_id: u64 },
    /// A proposer revealed an aggregation.
    RevealAggregation { proposer: String, commitment_id: u64, aggregation_id: u64, training_round_id: u64 },
    /// A proposer submitted an aggregation without commitment.
    AggregationSubmitted { proposer: String, aggregation_id: u64, training_round_id: u64 },
    /// An aggregation's challenge period went by. It stands at the end of a block.
    AggregationFinalized { proposer: String, aggregation_id: u64, training_round_id: u64 },
    /// Somebody challenged an aggregation.
    AggregationChallenged { challenger: String, challenge_id: u64, aggregation_id: u64 },
    /// A challenge was decided.
    ResolveChallenge(Event),
    /// A proposer was reported to have left gradients out.
    ReportProposerCensorship(Event),
    /// A node was registered.
    RegisterNode { node_address: String, node_type: String },
    /// A node lost stake.
    NodeSlash(Event),
    /// An account received coins: rewards among them.
    CoinReceived { receiver: String, amount: Coins },
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Json {
            #[serde(rename = "type", default)]
            kind: String,
            #[serde(default, deserialize_with = "or_default")]
            attributes: Vec<Attribute>,
        }
        #[derive(Deserialize)]
        struct Attribute {
            #[serde(default, deserialize_with = "or_default")]
            key: String,
            #[serde(default, deserialize_with = "or_default")]
            value: String,
        }
        let json = Json::deserialize(deserializer)?;
        let attributes = json.attributes.into_iter().map(|Attribute { key, value }| (key, unquoted(value)));
        Ok(Event { kind: json.kind, attributes: attributes.collect() })
    }
}

/// The SDK's typed events put their values into JSON: a text comes in quotation marks then.
fn unquoted(value: String) -> String {
    if value.len() >= 2 && value.starts_with('"') {
        serde_json::from_str(&value).unwrap_or(value)
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, attributes: &[(&str, &str)]) -> Event {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Event { kind: kind.to_owned(), attributes: attributes.collect() }
    }

    #[test]
    fn the_events_of_the_protocol_are_known() {
        let reveal = event(
            "reveal_aggregation",
            &[
                ("proposer", "remes1p"),
                ("commitment_id", "0"),
                ("aggregation_id", "7"),
                ("training_round_id", "3"),
            ],
        );
        assert_eq!(
            reveal.decode(),
            Some(ModuleEvent::RevealAggregation {
                proposer: "remes1p".into(),
                commitment_id: 0,
                aggregation_id: 7,
                training_round_id: 3
            })
        );
        assert!(reveal.concerns("remes1p") && !reveal.concerns("remes1"));
        let received = event("coin_received", &[("receiver", "remes1p"), ("amount", "520remes,3stake")]);
        let Some(ModuleEvent::CoinReceived { amount, .. }) = received.decode() else { panic!() };
        assert_eq!(amount.amount_of("remes"), 520);
        for kind in ["resolve_challenge", "report_proposer_censorship", "node_slash"] {
            assert!(event(kind, &[]).decode().is_some(), "{kind}");
        }
        assert_eq!(event("transfer", &[]).decode(), None);
        assert_eq!(event("commit_aggregation", &[("proposer", "remes1p")]).decode(), None, "without an id");
    }

    #[test]
    fn values_may_be_null_absent_or_quoted() {
        let json = r#"{"type":"x","attributes":[{"key":"a","value":null},{"key":"b"},{"key":"c","value":"\"7\"","index":true}]}"#;
        let event: Event = serde_json::from_str(json).unwrap();
        assert_eq!(event.attribute("a"), Some(""));
        assert_eq!(event.number("c"), Some(7));
        let none: Event = serde_json::from_str(r#"{"type":"x","attributes":null}"#).unwrap();
        assert!(none.attributes.is_empty());
    }
}
