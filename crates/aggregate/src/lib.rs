//! The mathematics of robust gradient aggregation: from N updates in R^d, some of them perhaps malicious, to one.
//!
//! The result is a function of the updates, their ids and weights, and the method alone: the same bytes on every
//! machine, with any number of threads and any vector width. `SPEC.md` beside this crate defines it. No I/O is done
//! here: updates are borrowed bytes, from memory maps as a rule, and are read in at most two passes.
//!
//! ```
//! use r3mes_aggregate::{DType, Method, Options, Update, aggregate};
//!
//! // Five participants with one tensor of two values each; the last one attacks.
//! let gradients = [[1.0f32, 2.0], [1.1, 2.1], [0.9, 1.9], [1.0, 2.2], [-90.0, 70.0]];
//! let bytes: Vec<Vec<u8>> =
//!     gradients.iter().map(|g| g.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
//! let mut updates = Vec::new();
//! for (id, bytes) in bytes.iter().enumerate() {
//!     let mut update = Update::new(id as u64, 1.0);
//!     update.push(DType::F32, bytes);
//!     updates.push(update);
//! }
//!
//! let average = aggregate(&Method::Average, &updates, &Options::default())?;
//! assert_eq!(average[0].round(), -17.0);
//!
//! let robust: Method = "nnm+trimmed-mean(f=1)".parse()?;
//! let aggregate = aggregate(&robust, &updates, &Options::default())?;
//! assert!((aggregate[0] - 1.0).abs() < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which method
//! See [`Method`] and [`PreAggregation`] for what each holds for and costs. In short: the average only where everybody
//! is trusted; the median when nothing is known about f; `arc+nnm+trimmed-mean` where data differ between
//! participants and a bound on f is known.
//!
//! # Features
//! `ndarray`: `aggregate_array`, which takes array views.

#[cfg(all(feature = "ndarray", target_endian = "little"))]
mod array;
mod column;
mod distances;
mod dtype;
mod error;
mod format;
mod geometry;
mod lanes;
mod mean;
mod method;
mod mixing;
mod network;
mod options;
mod plan;
mod preparation;
#[cfg(test)]
mod reference;
mod round;
mod selection;
mod sorter;
mod text;
mod tiles;
mod update;

#[cfg(all(feature = "ndarray", target_endian = "little"))]
pub use array::aggregate_array;
pub use dtype::DType;
pub use error::AggregateError;
pub use method::{Method, PreAggregation, Start, Tolerance};
pub use options::Options;
pub use preparation::Preparation;
pub use round::{aggregate, aggregate_into};
pub use text::ParseMethodError;
pub use update::Update;
