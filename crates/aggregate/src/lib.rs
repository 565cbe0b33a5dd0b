//! The mathematics of robust gradient aggregation.
//!
//! The result is a function of the updates, their ids and weights, and the method alone: the same bytes on every
//! machine, with any number of threads. `SPEC.md` beside this crate defines it.

mod column;
mod distances;
mod dtype;
mod error;
mod geometry;
mod lanes;
mod mean;
mod method;
mod mixing;
mod network;
mod options;
mod plan;
#[cfg(test)]
mod reference;
mod round;
mod selection;
mod sorter;
mod text;
mod tiles;
mod update;

pub use dtype::DType;
pub use error::AggregateError;
pub use method::{Method, PreAggregation, Start, Tolerance};
pub use options::Options;
pub use round::{aggregate, aggregate_into};
pub use text::ParseMethodError;
pub use update::Update;
