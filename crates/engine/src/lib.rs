//! The R3MES proposer.
//!
//! The engine takes miners' gradients in, verifies them, aggregates them, publishes the aggregate on
//! IPFS, commits and reveals it on the R3MES chain, and keeps the books. It knows no screen: a face
//! starts a [`Proposer`], listens to its [`events`](event::EngineEvent) and reads its [`Journal`].
//!
//! Every step of a [`round`] is journaled before the outside can see its effect, so that the
//! process may be killed anywhere: the next start goes on from the journal and the chain, neither
//! losing a salt nor submitting twice.

mod ages;
mod aggregation;
mod checkpoint;
mod context;
mod environment;
mod error;
pub mod event;
mod home;
mod identity;
mod intake;
mod ipfs;
pub mod journal;
mod ledger;
mod news;
mod orders;
mod payout;
mod preparing;
mod proposer;
mod registration;
mod reputation;
mod retention;
pub mod round;
mod similarity;
mod spool;
mod steps;
mod submission;
mod trouble;
pub mod verification;
mod watch;

pub use aggregation::{AggregateFile, AggregationError, AggregationInput, aggregate_files};
pub use checkpoint::Checkpoint;
pub use environment::{Clock, Entropy, Environment};
pub use error::EngineError;
pub use home::Home;
pub use ipfs::{IpfsHealth, TransferInProgress};
pub use journal::Journal;
pub use ledger::{DenomBalance, Ledger, Reconciliation};
pub use orders::place_order;
pub use payout::{payout_message, payout_of, payout_reserve};
pub use proposer::{Connections, Observer, Proposer, Running};
pub use registration::{not_authorized, registration_message, update_message};
pub use trouble::{Concern, Part, Trouble};
