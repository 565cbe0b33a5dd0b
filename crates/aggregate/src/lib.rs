//! The mathematics of robust gradient aggregation.
//!
//! The result is a function of the updates, their ids and weights, and the method alone: the same bytes on every
//! machine, with any number of threads. `SPEC.md` beside this crate defines it.

mod coordinate;
mod dtype;
mod error;
mod method;
mod options;
mod round;
mod update;

pub use dtype::DType;
pub use error::AggregateError;
pub use method::{Method, ParseMethodError, Tolerance};
pub use options::Options;
pub use round::{aggregate, aggregate_into};
pub use update::Update;
