//! The mathematics of robust gradient aggregation.

mod dtype;

pub use dtype::DType;
