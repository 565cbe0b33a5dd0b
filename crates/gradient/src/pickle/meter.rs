use crate::error::{Fault, fault};

/// Bytes of slack that an allocation takes beside its content.
pub(super) const OVERHEAD: usize = 16;

/// What reading may still allocate. Allocations are paid for once and never refunded, so that the sum
/// bounds what is alive at any time.
#[derive(Debug)]
pub(super) struct Meter {
    limit: u64,
    left: u64,
}

impl Meter {
    pub(super) fn new(limit: u64) -> Meter {
        Meter { limit, left: limit }
    }

    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.left.checked_sub(bytes as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => fault!("reading it takes more than {} bytes of memory", self.limit),
        }
    }

    /// Pushes onto a vector, and pays when it grows.
    pub(super) fn push<T>(&mut self, vec: &mut Vec<T>, value: T) -> Result<(), Fault> {
        if vec.len() == vec.capacity() {
            let before = vec.capacity();
            // Paid for beforehand at what doubling will take; four is the least that a vector reserves.
            let growth = before.max(4);
            self.charge(growth * size_of::<T>() + if before == 0 { OVERHEAD } else { 0 })?;
            vec.reserve_exact(growth);
        }
        vec.push(value);
        Ok(())
    }
}
