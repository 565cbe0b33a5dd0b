//! An R3MES network in one process, on loopback ports of its own.

pub mod chain;
