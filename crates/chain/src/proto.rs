//! The generated messages, queries and records of the module `remes.remes.v1`.
#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/remes.remes.v1.rs"));
