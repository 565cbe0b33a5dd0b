//! The modules of the chain: one file for the messages and state of each.

pub(crate) mod aggregation;
pub(crate) mod appeal;
pub(crate) mod auth;
pub(crate) mod bank;
pub(crate) mod challenge;
pub(crate) mod distribution;
pub(crate) mod gradient;
pub(crate) mod registration;
pub(crate) mod remes;
