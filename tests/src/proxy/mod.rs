//! A proxy that lies: between a client and a node it drops, delays, truncates and duplicates calls, or
//! answers 500, each by chance from a seed.
//!
//! `faults` decides what happens to which call, `server` carries it out for HTTP, `websocket` for
//! the messages of a websocket.

mod faults;
mod server;
mod websocket;

pub use faults::{Fault, FaultKind, Faults};
pub use server::{Proxy, Tally};
