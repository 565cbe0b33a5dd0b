//! Keeping the spool within its quota.

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;

impl Context {
    /// Whether another gradient may be fetched. When the spool is full, files that no live round needs
    /// are removed first, the oldest gradients first.
    pub(crate) fn has_room(&self, height: i64) -> Result<bool, EngineError> {
        let mut files = self.home.spooled()?;
        let mut used: u64 = files.iter().map(|file| file.bytes).sum();
        let limits = &self.settings.limits;
        let room_for_one = limits.spool_quota.get().saturating_sub(limits.max_gradient.get());
        if used <= room_for_one {
            return Ok(true);
        }
        let needed = self.needed_gradients(&self.disputable_rounds(height)?)?;
        files.sort_by_key(|file| file.gradient_id);
        for file in files {
            if used <= room_for_one {
                break;
            }
            if !needed.contains(&file.gradient_id) {
                used -= file.bytes;
                file.remove()?;
            }
        }
        if used > room_for_one {
            self.announcer.announce(EngineEvent::Trouble {
                message: format!(
                    "fetch more gradients: the spool holds {used} bytes that are still needed, its quota is {}; raise limits.spool_quota",
                    limits.spool_quota
                ),
            });
        }
        Ok(used <= room_for_one)
    }
}
