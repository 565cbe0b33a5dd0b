//! What can stand behind a key, and how it becomes a typed quantity.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::quantity::{format_duration, parse_duration};

/// The form in which a key's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A whole number.
    Integer,
    /// A whole number of any size: an integer, or a string of digits where TOML's integers end.
    Amount,
    /// A number.
    Number,
    /// A list of strings.
    List,
}

/// A raw value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    List(Vec<String>),
}

impl Value {
    /// Reads what a person typed for a key of this kind; lists are separated by commas.
    pub(crate) fn from_text(kind: Kind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match kind {
            Kind::Text => Ok(Value::Text(text.to_owned())),
            Kind::Integer => {
                text.parse().map(Value::Integer).map_err(|_| format!("must be a whole number, is {text:?}"))
            }
            Kind::Amount => match text.parse() {
                Ok(integer) => Ok(Value::Integer(integer)),
                Err(_) => Ok(Value::Text(text.to_owned())),
            },
            Kind::Number => {
                text.parse().map(Value::Number).map_err(|_| format!("must be a number, is {text:?}"))
            }
            Kind::List => Ok(Value::List(
                text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
            )),
        }
    }

    /// The inverse of [`Value::from_text`].
    pub(crate) fn to_text(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Integer(integer) => integer.to_string(),
            Value::Number(number) => number.to_string(),
            Value::List(list) => list.join(","),
        }
    }

    /// Takes a value out of a document.
    pub(crate) fn from_toml(value: &toml_edit::Value) -> Result<Self, String> {
        match value {
            toml_edit::Value::String(text) => Ok(Value::Text(text.value().clone())),
            toml_edit::Value::Integer(integer) => Ok(Value::Integer(*integer.value())),
            toml_edit::Value::Float(number) => Ok(Value::Number(*number.value())),
            toml_edit::Value::Array(array) => array
                .iter()
                .map(|item| match item.as_str() {
                    Some(text) => Ok(text.to_owned()),
                    None => Err(format!("must be a list of strings, holds {}", article(item.type_name()))),
                })
                .collect::<Result<_, _>>()
                .map(Value::List),
            other => Err(format!("must be a string, a number or a list, is {}", article(other.type_name()))),
        }
    }

    /// Puts the value into a document.
    pub(crate) fn to_toml(&self) -> toml_edit::Value {
        match self {
            Value::Text(text) => text.as_str().into(),
            Value::Integer(integer) => (*integer).into(),
            Value::Number(number) => (*number).into(),
            Value::List(list) => list.iter().map(String::as_str).collect::<toml_edit::Array>().into(),
        }
    }

    /// A length of time, as [`Value::duration`] reads it.
    pub(crate) fn duration_text(duration: Duration) -> Self {
        Value::Text(format_duration(duration))
    }

    /// An amount, as [`Value::amount`] reads it.
    pub(crate) fn amount_of(amount: u128) -> Self {
        match i64::try_from(amount) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Text(amount.to_string()),
        }
    }

    fn shown(&self) -> String {
        match self {
            Value::Text(text) => format!("{text:?}"),
            Value::List(list) => format!("{list:?}"),
            other => other.to_text(),
        }
    }

    pub(crate) fn text(&self) -> Result<&str, String> {
        match self {
            Value::Text(text) => Ok(text),
            other => Err(format!("must be a string, is {}", other.shown())),
        }
    }

    /// A string that says something.
    pub(crate) fn name(&self) -> Result<String, String> {
        let text = self.text()?;
        match text {
            "" => Err("must not be empty".to_owned()),
            _ if text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
                Err(format!("must not contain blanks, is {text:?}"))
            }
            _ => Ok(text.to_owned()),
        }
    }

    /// A whole number of at least `min` that fits the type.
    pub(crate) fn integer<T: TryFrom<i64> + PartialOrd + Display>(&self, min: T) -> Result<T, String> {
        let Value::Integer(integer) = self else {
            return Err(format!("must be a whole number, is {}", self.shown()));
        };
        match T::try_from(*integer) {
            Ok(number) if number >= min => Ok(number),
            Err(_) if *integer > 0 => Err(format!("is too large: {integer}")),
            _ => Err(format!("must be at least {min}, is {integer}")),
        }
    }

    pub(crate) fn amount(&self) -> Result<u128, String> {
        match self {
            Value::Integer(integer) => u128::try_from(*integer).ok(),
            Value::Text(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| format!("must be a whole amount of at least 0, is {}", self.shown()))
    }

    /// A finite number for which `holds` is true; `expected` says what that is.
    pub(crate) fn number(&self, expected: &str, holds: fn(f64) -> bool) -> Result<f64, String> {
        let number = match self {
            Value::Number(number) => *number,
            Value::Integer(integer) => *integer as f64,
            other => return Err(format!("must be a number, is {}", other.shown())),
        };
        match number.is_finite() && holds(number) {
            true => Ok(number),
            false => Err(format!("must be {expected}, is {number}")),
        }
    }

    /// A string that `T` can read.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self) -> Result<T, String> {
        self.text()?.parse().map_err(|error: T::Err| error.to_string())
    }

    /// A length of time of at least `min`.
    pub(crate) fn duration(&self, min: Duration) -> Result<Duration, String> {
        let Value::Text(text) = self else {
            return Err(format!("must be a length of time such as \"30s\" or \"5m\", is {}", self.shown()));
        };
        let duration = parse_duration(text).map_err(|error| error.to_string())?;
        match duration >= min {
            true => Ok(duration),
            false => Err(format!("must be at least {}, is {text:?}", format_duration(min))),
        }
    }

    pub(crate) fn url(&self) -> Result<Url, String> {
        url(self.text()?)
    }

    /// A path, which may contain blanks.
    pub(crate) fn path(&self) -> Result<PathBuf, String> {
        match self.text()? {
            "" => Err("must not be empty".to_owned()),
            path => Ok(path.into()),
        }
    }

    /// A list, each of whose texts `read` takes; `expected` says what that is.
    pub(crate) fn list_of<T>(
        &self,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        let Value::List(list) = self else {
            return Err(format!("must be a list, is {}", self.shown()));
        };
        let one = |text: &String| read(text).ok_or_else(|| format!("must hold {expected}, holds {text:?}"));
        list.iter().map(one).collect()
    }

    /// A list of at least one URL, none of them twice.
    pub(crate) fn urls(&self) -> Result<Vec<Url>, String> {
        let texts = match self {
            Value::List(list) => list.iter().map(String::as_str).collect(),
            Value::Text(text) => vec![text.as_str()],
            other => return Err(format!("must be a list of URLs, is {}", other.shown())),
        };
        let mut urls = Vec::new();
        for text in texts {
            let url = url(text)?;
            if urls.contains(&url) {
                return Err(format!("holds {url} twice"));
            }
            urls.push(url);
        }
        match urls.is_empty() {
            true => Err("must hold at least one URL, holds none".to_owned()),
            false => Ok(urls),
        }
    }
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("must be a URL, is {text:?} ({error})"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(format!("must be an http or https URL, is {text:?}")),
    }
}

fn article(type_name: &str) -> String {
    match type_name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {type_name}"),
        false => format!("a {type_name}"),
    }
}
