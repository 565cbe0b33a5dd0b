//! Verification: what is checked on a gradient, what was found, and what follows from it.
//!
//! Each verdict is data. A [`Finding`] names its check, the measured and the expected value; a
//! [`Judgement`] holds all findings on one gradient; the selection compares the gradients
//! of a round with each other and applies the operator's policy. Only what is provably bad is excluded
//! unless the operator chose otherwise, and every exclusion leaves a bundle of evidence.

mod evidence;
mod examine;
mod finding;
mod peers;
mod source;

pub use finding::{Facts, Finding, Judgement, Outcome};
pub use r3mes_config::{Check, Policy};

pub(crate) use evidence::preserve;
pub(crate) use examine::{Announced, examine, gradient_limits};
pub(crate) use peers::select;
pub(crate) use source::check_source;
