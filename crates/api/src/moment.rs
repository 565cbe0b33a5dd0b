//! Moments as text.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment to the second, RFC 3339 in UTC.
pub fn moment(at: OffsetDateTime) -> String {
    let at = at.replace_nanosecond(0).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_default()
}

/// The moment that a text of that form names.
pub(crate) fn read_moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
