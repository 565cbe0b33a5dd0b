//! The miners of the local network: data, model, training, attacks, announcements, and the loop that turns
//! aggregates into the next global model.

pub mod announce;
pub mod attacks;
pub mod data;
pub mod model;
pub mod random;
pub mod simulation;
pub mod training;
pub mod upload;
