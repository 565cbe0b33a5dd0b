//! Gradient containers to tensors, and back.
//!
//! A miner uploads its update in one of three containers: safetensors, a `GradientPackage` protobuf
//! message, or a gzipped Python pickle. [`Gradient::open`] tells them apart by their content and gives
//! the same view of all three: tensors in name order, in C order, little-endian; metadata; the
//! [`Layout`]; the two forms of `gradient_hash`; and [`Statistics`].
//!
//! Every byte read is taken for hostile: nothing in a file is executed, and memory, depth and time are
//! bounded by [`Limits`].

mod container;
mod error;
mod gradient;
mod layout;
mod limits;
mod package;
mod pickle;
mod safetensors;
mod source;
mod summary;
mod tensor;
mod write;

pub use container::{Container, Kind};
pub use error::{ReadError, WriteError};
pub use gradient::Gradient;
pub use layout::{Layout, LayoutDifference, TensorLayout};
pub use limits::Limits;
pub use package::PackageFields;
pub use r3mes_aggregate::DType;
pub use summary::{Statistics, Summary, TensorStatistics};
pub use tensor::TensorView;
pub use write::{write_package, write_pickle, write_safetensors};
