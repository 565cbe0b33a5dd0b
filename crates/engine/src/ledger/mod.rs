//! The ledger: what the account's balance did and why, read off the chain's own events.
//!
//! [`movements`] reads one block, [`walk`] goes through the blocks from a cursor that the journal keeps,
//! and [`reconciliation`] holds the sums against the bank.

mod movements;
mod reconciliation;
mod walk;

pub use reconciliation::{DenomBalance, Reconciliation};
pub use walk::Ledger;
