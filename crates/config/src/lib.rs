//! Network profiles and settings of the proposer.
//!
//! What stands in a file is *raw*: a TOML document whose keys and values nobody has vouched for. It
//! becomes a valid [`Settings`] or [`NetworkProfile`] as a whole, or a list of all that is wrong with
//! it, one problem a key. A file that does not parse is reported and never overwritten.

mod data_dir;
mod network;
mod quantity;
mod settings;
mod verification;

pub use data_dir::DataDir;
pub use network::{LocalnetSeed, NetworkProfile};
pub use quantity::{ByteSize, Decimal, QuantityError};
pub use settings::{
    AggregationSettings, LimitSettings, RoundSettings, Settings, SubmissionSettings, SubmissionStrategy,
};
pub use verification::{Check, Policy, QualitySettings, VerificationSettings};
