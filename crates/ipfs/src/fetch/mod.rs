//! Fetching a file, every block of it verified.

mod error;
mod node;
mod walk;

pub use error::{FetchError, MalformedDag, Refusal};
pub use walk::{FetchLimits, Fetched, fetch, fetch_bytes};
