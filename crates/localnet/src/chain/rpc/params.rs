//! Parameters of a call: by name or by position in JSON, or from a URI, where CometBFT writes bytes
//! as `0x...` and texts in quotes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::methods::RpcError;

/// A call's parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    values: Map<String, Value>,
    from_uri: bool,
}

impl Params {
    /// From the `params` of a JSON call; `names` orders those given by position.
    pub(super) fn from_json(params: Value, names: &[&str]) -> Result<Params, RpcError> {
        let values = match params {
            Value::Null => Map::new(),
            Value::Object(values) => values,
            Value::Array(list) if list.len() <= names.len() => {
                names.iter().map(|name| (*name).to_owned()).zip(list).collect()
            }
            other => {
                let expected = names.len();
                return Err(RpcError::params(format!("expected {expected} parameters, got {other}")));
            }
        };
        Ok(Params { values, from_uri: false })
    }

    pub(super) fn from_uri(pairs: Vec<(String, String)>) -> Params {
        let values = pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
        Params { values, from_uri: true }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if self.from_uri => {
                let quoted = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
                Ok(Some(quoted.unwrap_or(text).to_owned()))
            }
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(RpcError::params(format!("{name}: expected a string, got {other}"))),
        }
    }

    /// A number, or its decimal text.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, RpcError> {
        let wrong = |value: &Value| RpcError::params(format!("{name}: expected an integer, got {value}"));
        match self.get(name) {
            None => Ok(None),
            Some(value @ Value::String(text)) => {
                let parsed = text.trim_matches('"').parse();
                parsed.map(Some).map_err(|_| wrong(value))
            }
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(value)),
        }
    }

    /// Bytes that JSON writes in base64: a transaction, a hash.
    pub(super) fn base64(&self, name: &str) -> Result<Vec<u8>, RpcError> {
        let Some(value) = self.get(name) else {
            return Err(RpcError::params(format!("{name}: missing")));
        };
        let text = value.as_str().unwrap_or_default();
        if self.from_uri {
            return uri_bytes(name, text);
        }
        STANDARD.decode(text).map_err(|e| RpcError::params(format!("{name}: expected base64, got {e}")))
    }

    /// Bytes that JSON writes in hex: the data of a query.
    pub(super) fn hex(&self, name: &str) -> Result<Vec<u8>, RpcError> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let text = value.as_str().unwrap_or_default();
        if self.from_uri {
            return uri_bytes(name, text);
        }
        hex::decode(text).map_err(|e| RpcError::params(format!("{name}: expected hex, got {e}")))
    }
}

fn uri_bytes(name: &str, text: &str) -> Result<Vec<u8>, RpcError> {
    let quoted = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    match (quoted, text.strip_prefix("0x")) {
        (Some(quoted), _) => Ok(quoted.as_bytes().to_vec()),
        (None, Some(digits)) => {
            hex::decode(digits).map_err(|e| RpcError::params(format!("{name}: expected hex, got {e}")))
        }
        (None, None) => Err(RpcError::params(format!("{name}: expected 0x... or a quoted text, got {text}"))),
    }
}
