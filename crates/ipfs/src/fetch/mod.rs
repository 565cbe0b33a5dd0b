//! Fetching a file, every block of it verified.

mod error;
mod node;
mod walk;

pub use error::{FetchError, MalformedDag, Refusal};
pub use walk::{FetchLimits, Fetched, Progress, fetch, fetch_bytes, fetch_with};
