//! Against a real Kubo, on loopback: what it makes of files, what it serves, and how it lives and ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod daemon;
mod failures;
mod files;
mod node;
mod proposer;
