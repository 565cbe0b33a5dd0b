//! Events of transactions and blocks.

use cosmrs::proto::tendermint::abci;
use serde::Serialize;

/// An event: its type and its attributes, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Name of the event, such as `reveal_aggregation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it tells.
    pub attributes: Vec<Attribute>,
}

/// A key and its value in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Name.
    pub key: String,
    /// Text of the value.
    pub value: String,
    /// Whether `tx_search` finds it.
    pub index: bool,
}

impl Event {
    pub(crate) fn new<V: ToString>(
        kind: &str,
        attributes: impl IntoIterator<Item = (&'static str, V)>,
    ) -> Self {
        let attributes =
            attributes.into_iter().map(|(key, value)| Attribute::new(key, value.to_string())).collect();
        Event { kind: kind.to_owned(), attributes }
    }

    pub(crate) fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.attributes.push(Attribute::new(key, value.to_string()));
        self
    }

    /// The value of the first attribute called `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.key == key).map(|a| a.value.as_str())
    }

    pub(crate) fn to_proto(&self) -> abci::Event {
        abci::Event {
            r#type: self.kind.clone(),
            attributes: self
                .attributes
                .iter()
                .map(|a| abci::EventAttribute { key: a.key.clone(), value: a.value.clone(), index: a.index })
                .collect(),
        }
    }
}

impl Attribute {
    fn new(key: &str, value: String) -> Self {
        Attribute { key: key.to_owned(), value, index: true }
    }
}
