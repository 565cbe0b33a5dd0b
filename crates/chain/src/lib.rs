//! The R3MES chain, as a proposer meets it.

pub mod proto;
