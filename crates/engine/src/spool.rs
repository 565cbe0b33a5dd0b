//! Keeping the spool within its quota, and the network's copies of our inputs alive.
//!
//! Inputs stay, on disk and pinned on IPFS, as long as anybody may ask us to defend the aggregate made of
//! them: until the challenge period and every dispute is over.

use std::collections::HashSet;
use std::fs;

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::round::{Round, RoundState};

impl Context {
    /// Pins the participants of a closed round. Doing so twice changes nothing. A pin that fails is told and
    /// holds up nothing: the spool has the bytes.
    pub(crate) async fn pin_inputs(&self, round: &Round) -> Result<(), EngineError> {
        for cid in self.input_cids(round)? {
            let pinned =
                tokio::time::timeout(self.settings.limits.fetch_timeout, self.ipfs.pin_add(&cid)).await;
            let failure = match pinned {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in limits.fetch_timeout".to_owned(),
            };
            self.announcer.announce(EngineEvent::Trouble { message: format!("pin {cid}: {failure}") });
        }
        Ok(())
    }

    /// Lets go of what a round needed, once nobody can dispute it any more. The aggregate stays pinned:
    /// the network trains on it.
    pub(crate) async fn release(&self, round: &Round) -> Result<(), EngineError> {
        for cid in self.input_cids(round)? {
            if let Err(error) = self.ipfs.pin_rm(&cid).await {
                self.announcer.announce(EngineEvent::Trouble { message: format!("unpin {cid}: {error}") });
            }
        }
        for id in spooled(round) {
            let path = self.home.gradient(id);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(EngineError::Folder { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn input_cids(&self, round: &Round) -> Result<Vec<r3mes_ipfs::Cid>, EngineError> {
        let mut cids: Vec<r3mes_ipfs::Cid> = Vec::new();
        for id in round.participant_ids() {
            if let Some(gradient) = self.journal.gradient(id)?
                && let Ok(cid) = gradient.record.ipfs_hash.trim().parse()
            {
                cids.push(cid);
            }
        }
        Ok(cids)
    }

    /// Whether another gradient may be fetched. When the spool is full, files that no live round needs
    /// are removed first, the oldest gradients first.
    pub(crate) fn has_room(&self) -> Result<bool, EngineError> {
        let folder = self.home.spool();
        let failed = |source| EngineError::Folder { path: folder.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A fetch in another task may have renamed its file meanwhile.
            if let Ok(metadata) = entry.metadata() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let id = name.strip_prefix("gradient-").and_then(|id| id.parse::<u64>().ok());
                files.push((id, metadata.len(), entry.path()));
            }
        }
        let mut used: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        let limits = &self.settings.limits;
        let room_for_one = limits.spool_quota.get().saturating_sub(limits.max_gradient.get());
        if used <= room_for_one {
            return Ok(true);
        }
        let needed = self.needed_gradients()?;
        files.sort_by_key(|(id, ..)| *id);
        for (id, bytes, path) in files {
            if used <= room_for_one {
                break;
            }
            if id.is_some_and(|id| !needed.contains(&id)) {
                fs::remove_file(&path).map_err(|source| EngineError::Folder { path, source })?;
                used -= bytes;
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

    /// The gradients of rounds that are open or can be disputed.
    fn needed_gradients(&self) -> Result<HashSet<u64>, EngineError> {
        let mut needed = HashSet::new();
        for round in self.journal.open_rounds()? {
            needed.extend(
                self.journal
                    .pending_gradients(round.training_round_id, &round.model_version)?
                    .into_iter()
                    .map(|gradient| gradient.record.id),
            );
            needed.extend(spooled(&round));
        }
        let disputable = |state| matches!(state, RoundState::Revealed | RoundState::Challenged);
        for round in self.journal.watched_rounds()?.iter().filter(|round| disputable(round.state)) {
            needed.extend(spooled(round));
        }
        Ok(needed)
    }
}

/// The gradients whose files a round has in the spool: those in it, and the evidence of those left out.
fn spooled(round: &Round) -> Vec<u64> {
    let Some(selection) = &round.selection else { return Vec::new() };
    let participants = selection.participants.iter().map(|participant| participant.gradient_id);
    participants.chain(selection.excluded.iter().map(|exclusion| exclusion.gradient_id)).collect()
}
