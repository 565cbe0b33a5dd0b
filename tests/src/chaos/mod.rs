//! The proposer under stress: the real program through lying proxies, killed at random, and afterwards
//! everything that an operator was promised held against the chain alone.

mod engine;
mod figures;
mod plan;
mod run;

pub use figures::Figures;
pub use plan::Plan;
pub use run::run;
