//! A passphrase to a key.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// What a guess at a passphrase costs, by argon2id's three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// 64 MiB and three passes: the second recommendation of RFC 9106, on one lane fewer than there are
    /// cores on any server.
    pub const STANDARD: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

    /// The least that the algorithm allows. For tests: it protects nothing.
    pub const LEAST: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    /// Whether a file may ask for it: one that wants a terabyte is an attack.
    pub(crate) fn is_bearable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && (1..=16).contains(&self.passes) && (1..=16).contains(&self.lanes)
    }
}

/// 32 bytes of argon2id, version 1.3; `None` where the cost or the salt is none that it knows.
pub(crate) fn argon2id(passphrase: &str, salt: &[u8], cost: Cost) -> Option<Zeroizing<[u8; 32]>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut key = Zeroizing::new([0_u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .ok()?;
    Some(key)
}
