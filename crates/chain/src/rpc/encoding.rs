//! How CometBFT writes numbers and bytes in JSON: 64-bit integers as strings, bytes as base64, and
//! `null` for whatever is empty.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// `null` is the default value.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// An integer as a string or as a number; empty and `null` are 0.
pub(crate) fn integer<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr + Default,
    T::Err: std::fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Integer {
        Text(String),
        Number(serde_json::Number),
    }
    let text = match Option::<Integer>::deserialize(deserializer)? {
        None => return Ok(T::default()),
        Some(Integer::Text(text)) => text,
        Some(Integer::Number(number)) => number.to_string(),
    };
    match text.as_str() {
        "" => Ok(T::default()),
        digits => {
            digits.parse().map_err(|error| D::Error::custom(format!("{digits:?} is no integer: {error}")))
        }
    }
}

/// Base64; empty and `null` are no bytes.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text: String = or_default(deserializer)?;
    STANDARD.decode(&text).map_err(|error| D::Error::custom(format!("bytes are not in base64: {error}")))
}

/// A list of base64 texts.
pub(crate) fn byte_lists<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
    let texts: Vec<String> = or_default(deserializer)?;
    texts
        .iter()
        .map(|text| STANDARD.decode(text))
        .collect::<Result<_, _>>()
        .map_err(|error| D::Error::custom(format!("bytes are not in base64: {error}")))
}

/// Bytes as base64 text.
pub(crate) fn base64_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "super::integer")]
        height: i64,
        #[serde(default, deserialize_with = "super::bytes")]
        data: Vec<u8>,
    }

    fn read(json: &str) -> Result<Sample, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn absent_null_and_empty_are_nothing() {
        for json in ["{}", r#"{"height":null,"data":null}"#, r#"{"height":"","data":""}"#] {
            let sample = read(json).unwrap();
            assert_eq!((sample.height, sample.data.len()), (0, 0), "{json}");
        }
        assert!(read(r#"{"height":"12x"}"#).is_err());
        assert!(read(r#"{"height":"9223372036854775808"}"#).is_err());
        assert!(read(r#"{"data":"not base64!"}"#).is_err());
    }

    proptest! {
        #[test]
        fn integers_come_as_text_or_number(height: i64, data: Vec<u8>) {
            let base64 = super::base64_text(&data);
            for json in [
                format!(r#"{{"height":"{height}","data":"{base64}"}}"#),
                format!(r#"{{"height":{height},"data":"{base64}"}}"#),
            ] {
                let sample = read(&json).unwrap();
                prop_assert_eq!(sample.height, height);
                prop_assert_eq!(&sample.data, &data);
            }
        }
    }
}
