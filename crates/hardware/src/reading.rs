use serde::Serialize;
use time::OffsetDateTime;

/// Reads the time of day.
pub type Clock = fn() -> OffsetDateTime;

/// What a probe found, and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading<T> {
    /// The value, or why there is none.
    #[serde(flatten)]
    pub found: Found<T>,
    /// When the probe ended, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// A value, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found<T> {
    /// The probe's value.
    Value(T),
    /// Why the probe has none: a lower-case fragment of one line.
    Unavailable(String),
}

impl<T> Reading<T> {
    /// A reading taken at `at`.
    pub fn new(outcome: Result<T, String>, at: OffsetDateTime) -> Reading<T> {
        let found = match outcome {
            Ok(value) => Found::Value(value),
            Err(reason) => Found::Unavailable(reason),
        };
        Reading { found, at }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match &self.found {
            Found::Value(value) => Some(value),
            Found::Unavailable(_) => None,
        }
    }

    /// The value, or why there is none.
    ///
    /// # Errors
    /// The probe's reason.
    pub fn as_result(&self) -> Result<&T, &str> {
        match &self.found {
            Found::Value(value) => Ok(value),
            Found::Unavailable(reason) => Err(reason),
        }
    }
}
