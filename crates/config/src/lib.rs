//! Network profiles and settings of the proposer.
//!
//! What stands in a file is *raw*: a TOML document whose keys and values nobody has vouched for. It
//! becomes a valid [`Settings`] or [`NetworkProfile`] as a whole, or a list of all that is wrong with
//! it, one problem a key. A file that does not parse is reported and never overwritten; one that is
//! written is replaced whole, so that a crash leaves the old one or the new one.
//!
//! ```
//! use r3mes_config::{DataDir, RawSettings};
//!
//! let raw = RawSettings::parse("version = 1\nround.quorum = 0\nround.maximum_weight = \"5m\"")?;
//! let problems = raw.validate(&DataDir::new("data")).unwrap_err();
//! let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
//! assert_eq!(lines, [
//!     "line 2: round.quorum: must be at least 1, is 0",
//!     "line 3: round.maximum_weight: is not a key, did you mean round.maximum_wait?",
//! ]);
//! # Ok::<(), r3mes_config::SyntaxError>(())
//! ```

mod data_dir;
mod document;
mod error;
mod file;
mod format;
mod key;
mod network;
mod network_keys;
mod profile;
mod quantity;
mod raw;
mod render;
mod settings;
mod settings_keys;
mod validity;
mod value;
mod verification;

pub use data_dir::DataDir;
pub use error::{ConfigError, Problem, Problems, SyntaxError};
pub use network::{LocalnetSeed, NetworkProfile};
pub use profile::Profile;
pub use quantity::{ByteSize, Decimal, QuantityError};
pub use raw::{KeyDescription, RawSettings};
pub use settings::{
    AccountSettings, AggregationSettings, IpfsMode, IpfsSettings, LimitSettings, PayoutRule, PayoutSettings,
    RoundSettings, Settings, SubmissionSettings, SubmissionStrategy, WeightSource,
};
pub use verification::{Check, Policy, QualitySettings, VerificationSettings};
