//! All that a face may ask of the R3MES proposer.
//!
//! The command line and the desktop are thin: they parse what a person wants, call this crate and show
//! the answer. A [`Workspace`] is one data folder with its settings; from it a proposer is registered and
//! started, and its [`Overview`] read, whether or not it runs. A [`session`] is what a window works on. [`files`] works on gradient files
//! without any network, [`keys`] are made, imported and backed up, and [`demo`] runs the whole job on a local network.

mod administration;
mod amount;
mod authorization;
mod claims;
mod configure;
pub mod demo;
mod disk;
mod earnings;
mod error;
mod error_keys;
pub mod files;
mod hardware;
pub mod keys;
mod localnet;
mod moment;
mod orders;
mod overview;
mod payouts;
mod registration;
pub mod session;
mod standing;
mod start;
mod status;
mod workspace;

pub use administration::{Administered, Administration, administer};
pub use amount::{Amount, DisplayUnits};
pub use authorization::{
    AuthorizationRequest, ComposedRequest, HardwareFinding, HardwareStatement, SentRequest, VerifiedRequest,
    read_document,
};
pub use claims::{ClaimPreview, ClaimReceipt, ValidatorReward};
pub use configure::{Draft, EndpointReach, IpfsReach, Question, Reach};
pub use earnings::{
    BlockRange, Books, BooksDenom, Earnings, EarningsReport, Figure, KindSum, LedgerLine, Period, PeriodKind,
    periods,
};
pub use error::{ApiError, ErrorCode};
pub use hardware::{HardwareOptions, HardwareReport, hardware};
pub use localnet::{LocalNetwork, LocalNetworkOptions};
pub use moment::moment;
pub use orders::Receipt;
pub use overview::{Overview, RoundSummary};
pub use payouts::{PayoutAmount, PayoutPreview};
pub use r3mes_engine::event::{EngineEvent, Numbered};
pub use r3mes_engine::journal::EntryKind;
pub use r3mes_engine::round::RoundState;
pub use r3mes_engine::{Checkpoint, Running};
pub use r3mes_hardware::{
    Bandwidth, ClockSkew, DiskSpace, EndpointReading, Found, Level, Memory, Processor, Reading, Readings,
    Requirements, TransferRate, TransferRates, Verdict, WriteSpeed,
};
pub use registration::{RegistrationPreview, RegistrationReceipt};
pub use standing::{RegistrationView, Resources, Standing, StandingState, StandingWatch};
pub use start::{StartOptions, start};
pub use status::StatusReport;
pub use workspace::Workspace;
