//! Keeping the spool within its quota.

use crate::EngineError;
use crate::context::Context;
use crate::trouble::{Concern, Part, Trouble};

impl Context {
    /// Why no other gradient may be fetched now, if so. When the spool is full, files that no live round needs
    /// are removed first, the oldest gradients first.
    pub(crate) fn lacks_room(&self, height: i64) -> Result<Option<Trouble>, EngineError> {
        let mut files = self.home.spooled()?;
        let mut used: u64 = files.iter().map(|file| file.bytes).sum();
        let limits = &self.settings.limits;
        let room_for_one = limits.spool_quota.get().saturating_sub(limits.max_gradient.get());
        if used <= room_for_one {
            return Ok(None);
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
        Ok((used > room_for_one).then(|| Trouble {
            part: Part::Intake,
            concern: Concern::Disk,
            message: format!(
                "fetch more gradients: the spool holds {used} bytes that are still needed, its quota is {}",
                limits.spool_quota
            ),
            remedy: Some("raise limits.spool_quota".to_owned()),
        }))
    }
}
