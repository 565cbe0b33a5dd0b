//! One module a command: parse, call the api, print.

pub(crate) mod aggregate;
pub(crate) mod authorization;
pub(crate) mod claim_rewards;
pub(crate) mod configure;
mod confirm;
pub(crate) mod demo;
pub(crate) mod earnings;
mod failure;
pub(crate) mod hardware;
pub(crate) mod inspect;
pub(crate) mod keys;
pub(crate) mod localnet;
mod output;
pub(crate) mod payout;
pub(crate) mod register;
pub(crate) mod start;
pub(crate) mod status;

pub(crate) use failure::Failure;
