//! What the tests that cross crates share.

mod proposer;

pub use proposer::proposer;
