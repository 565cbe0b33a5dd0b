//! The mathematics of robust gradient aggregation.
//!
//! The result is a function of the updates, their ids and weights, and the method alone: the same bytes on every
//! machine, with any number of threads. `SPEC.md` beside this crate defines it.

mod column;
mod dtype;
mod error;
mod lanes;
mod mean;
mod method;
mod network;
mod options;
#[cfg(test)]
mod reference;
mod round;
mod sorter;
mod tiles;
mod update;

pub use dtype::DType;
pub use error::AggregateError;
pub use method::{Method, ParseMethodError, Tolerance};
pub use options::Options;
pub use round::{aggregate, aggregate_into};
pub use update::Update;
