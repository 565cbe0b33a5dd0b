//! A Kubo node of our own: its repository in a folder of ours, started, watched, restarted and stopped by us.

mod binary;
mod failure;
mod guard;
mod log;
mod repository;
mod supervisor;

pub use failure::DaemonError;
pub use repository::{Bootstrap, DaemonSettings};
pub use supervisor::{DaemonState, KuboDaemon, RunningDaemon};
