//! Where secrets lie.

mod file;
mod keychain;
mod memory;
mod traits;

pub use file::FileStore;
pub use keychain::Keychain;
pub use memory::MemoryStore;
pub use traits::{KeyStore, StoreError};
