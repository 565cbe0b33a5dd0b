//! What is kept, on IPFS and on disk, and for how long.
//!
//! Inputs and aggregates stay as long as anybody may ask us to defend them: until the challenge period and
//! every dispute is over. After that they go by age, and the oldest first where they exceed the quota. Only
//! pins of our own are taken away: others may use the same node.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use r3mes_config::LimitSettings;
use r3mes_ipfs::Cid;
use time::OffsetDateTime;

use crate::EngineError;
use crate::context::Context;
use crate::event::EngineEvent;
use crate::journal::{Pin, PinKind};
use crate::round::{Round, RoundState};
use crate::trouble::{Concern, Part, Trouble};

/// Pins that are set at the same time.
const PARALLEL_PINS: usize = 8;

/// How often it is looked whether something can go.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How soon it is looked again after that has failed.
const AGAIN: Duration = Duration::from_secs(2);

/// Something that the IPFS node does not keep for us now.
pub(crate) fn unpinned(message: String) -> Trouble {
    let remedy = "the spool has the bytes; start the IPFS node if it does not run".to_owned();
    Trouble { part: Part::Pins, concern: Concern::Ipfs, message, remedy: Some(remedy) }
}

impl Context {
    /// Pins the participants of a closed round. Doing so twice changes nothing. A pin that fails is told and
    /// holds up nothing: the spool has the bytes.
    pub(crate) async fn pin_inputs(&self, round: &Round) -> Result<(), EngineError> {
        let inputs = self.inputs(round)?;
        let failures: Vec<String> = futures::stream::iter(inputs)
            .map(|(id, cid)| async move {
                let bytes = fs::metadata(self.home.gradient(id)).map_or(0, |metadata| metadata.len());
                let pinned = self.pin(&cid, PinKind::Gradient, bytes);
                let failure = match tokio::time::timeout(self.settings.limits.fetch_timeout, pinned).await {
                    Ok(Ok(())) => return Ok(None),
                    Ok(Err(EngineError::Ipfs(error))) => error.to_string(),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => "no answer in limits.fetch_timeout".to_owned(),
                };
                Ok(Some(format!("pin {cid}: {failure}")))
            })
            .buffer_unordered(PARALLEL_PINS)
            .try_filter_map(|failure| async { Ok(failure) })
            .try_collect()
            .await?;
        for failure in &failures {
            tracing::warn!("{failure}");
        }
        match failures.into_iter().next() {
            Some(failure) => self.announcer.announce(EngineEvent::Trouble(unpinned(failure))),
            None => self.announcer.is_well(Part::Pins),
        }
        Ok(())
    }

    /// Pins one file, and remembers the pin as ours unless it was there before us.
    async fn pin(&self, cid: &Cid, kind: PinKind, bytes: u64) -> Result<(), EngineError> {
        if self.will_pin(cid, kind, bytes).await? {
            self.ipfs.node().pin_add(cid).await?;
        }
        Ok(())
    }

    /// Journals a pin that is about to be set. False where somebody else has set it already.
    pub(crate) async fn will_pin(&self, cid: &Cid, kind: PinKind, bytes: u64) -> Result<bool, EngineError> {
        let text = cid.to_string();
        if !self.journal.knows_pin(&text)? {
            if self.ipfs.node().pin(cid).await?.is_some() {
                return Ok(false);
            }
            self.journal.record_pin(&Pin { cid: text, kind, bytes, pinned_at: self.environment.now() })?;
        }
        Ok(true)
    }

    /// Keeps house beside the work, which never waits for it, and tells how a node of our own fares.
    pub(crate) async fn keep_house(&self) {
        let mut state = self.ipfs.daemon_state();
        let interval = (self.settings.network.block_time * 4).clamp(INTERVAL.0, INTERVAL.1);
        let mut next = tokio::time::Instant::now() + interval;
        loop {
            tokio::select! {
                event = self.ipfs.next_change(&mut state) => self.announcer.announce(event),
                () = tokio::time::sleep_until(next) => {
                    let pause = match self.let_go().await {
                        Ok(()) => {
                            self.announcer.is_well(Part::House);
                            interval
                        }
                        Err(error) => {
                            let trouble = Trouble::of(Part::House, &error);
                            let trouble = trouble.while_doing("let go of what is no longer needed");
                            self.announcer.announce(EngineEvent::Trouble(trouble));
                            interval.min(AGAIN)
                        }
                    };
                    next = tokio::time::Instant::now() + pause;
                }
            }
        }
    }

    /// Lets go of what nobody can dispute any more and is too old or too much.
    async fn let_go(&self) -> Result<(), EngineError> {
        let pins = self.journal.pins()?;
        let height = self.chain.status().await?.height;
        let disputable = self.disputable_rounds(height)?;
        let needed = self.needed_cids(&disputable)?;
        let due = due(&pins, &needed, &self.settings.limits, self.environment.now());
        for pin in &due {
            if let Ok(cid) = pin.cid.parse() {
                self.ipfs.node().pin_rm(&cid).await?;
            }
            self.journal.forget_pin(&pin.cid)?;
            tracing::info!(cid = pin.cid, kind = %pin.kind, bytes = pin.bytes, "unpinned");
        }
        // Another's node collects when its operator wants it to.
        if !due.is_empty() && self.ipfs.is_managed() {
            let collected = self.ipfs.node().repo_gc().await?;
            tracing::info!(blocks = collected.removed.len(), "collected what no pin holds");
        }
        self.remove_old_files(&disputable)
    }

    /// The rounds that are open or can be disputed at this height.
    pub(crate) fn disputable_rounds(&self, height: i64) -> Result<Vec<Round>, EngineError> {
        let period = self.settings.network.challenge_period_blocks as i64;
        let mut rounds = self.journal.open_rounds()?;
        let watched = self.journal.watched_rounds()?;
        rounds.extend(watched.into_iter().filter(|round| is_disputable(round, height, period)));
        Ok(rounds)
    }

    /// The CIDs that must not go: of these rounds, and of the newest aggregate, which the network trains on.
    fn needed_cids(&self, disputable: &[Round]) -> Result<HashSet<String>, EngineError> {
        let mut needed = HashSet::new();
        for round in disputable {
            needed.extend(self.inputs(round)?.into_iter().map(|(_, cid)| cid.to_string()));
            needed.extend(round.aggregate.iter().map(|aggregate| aggregate.cid.clone()));
        }
        let newest = self.journal.pins()?.into_iter().rfind(|pin| pin.kind == PinKind::Aggregate);
        needed.extend(newest.map(|pin| pin.cid));
        Ok(needed)
    }

    /// The participants' ids and CIDs.
    fn inputs(&self, round: &Round) -> Result<Vec<(u64, Cid)>, EngineError> {
        let mut inputs = Vec::new();
        for id in round.participant_ids() {
            if let Some(gradient) = self.journal.gradient(id)?
                && let Ok(cid) = gradient.record.ipfs_hash.trim().parse()
            {
                inputs.push((id, cid));
            }
        }
        Ok(inputs)
    }

    /// Removes files of the spool and of the aggregates that are old and belong to nothing that is needed.
    fn remove_old_files(&self, disputable: &[Round]) -> Result<(), EngineError> {
        let limits = &self.settings.limits;
        let gradients = self.needed_gradients(disputable)?;
        let aggregates: HashSet<_> = disputable.iter().map(|round| self.home.aggregate(round.id)).collect();
        for file in self.home.spooled()? {
            if file.age() >= limits.keep_gradients && !gradients.contains(&file.gradient_id) {
                file.remove()?;
            }
        }
        for (path, age) in self.home.aggregate_files()? {
            if age >= limits.keep_aggregates && !aggregates.contains(&path) {
                fs::remove_file(&path).map_err(|source| EngineError::Folder { path, source })?;
            }
        }
        Ok(())
    }

    /// The gradients of these rounds, and those that may still come into an open one.
    pub(crate) fn needed_gradients(&self, disputable: &[Round]) -> Result<HashSet<u64>, EngineError> {
        let mut needed = HashSet::new();
        for round in disputable {
            if round.state.is_open() {
                let pending =
                    self.journal.pending_gradients(round.training_round_id, &round.model_version)?;
                needed.extend(pending.into_iter().map(|gradient| gradient.record.id));
            }
            if let Some(selection) = &round.selection {
                needed.extend(selection.participants.iter().map(|participant| participant.gradient_id));
                // Those left out are evidence.
                needed.extend(selection.excluded.iter().map(|exclusion| exclusion.gradient_id));
            }
        }
        Ok(needed)
    }
}

/// Whether a revealed round can be disputed: a finalized record still can, and nobody will after a second
/// challenge period.
fn is_disputable(round: &Round, height: i64, period: i64) -> bool {
    let deadline = round.aggregation.as_ref().map(|aggregation| aggregation.challenge_deadline_height);
    match round.state {
        RoundState::Revealed | RoundState::Challenged => true,
        RoundState::Finalized => deadline.is_some_and(|deadline| height <= deadline + period),
        _ => false,
    }
}

/// The pins to take away, of all `pins` from the oldest on: those past their age, and further ones until the
/// rest is within the quota. Never one that is needed.
fn due<'a>(
    pins: &'a [Pin],
    needed: &HashSet<String>,
    limits: &LimitSettings,
    now: OffsetDateTime,
) -> Vec<&'a Pin> {
    let mut held: u64 = pins.iter().map(|pin| pin.bytes).sum();
    let mut due = Vec::new();
    for pin in pins.iter().filter(|pin| !needed.contains(&pin.cid)) {
        let keep = match pin.kind {
            PinKind::Gradient => limits.keep_gradients,
            PinKind::Aggregate => limits.keep_aggregates,
        };
        if now - pin.pinned_at >= keep || held > limits.ipfs_quota.get() {
            held -= pin.bytes;
            due.push(pin);
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use r3mes_config::ByteSize;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn pin(cid: &str, kind: PinKind, bytes: u64, hour: i64) -> Pin {
        let pinned_at = OffsetDateTime::UNIX_EPOCH + time::Duration::hours(hour);
        Pin { cid: cid.into(), kind, bytes, pinned_at }
    }

    fn taken(pins: &[Pin], needed: &[&str], limits: &LimitSettings, hour: i64) -> Vec<String> {
        let needed = needed.iter().map(|cid| (*cid).to_owned()).collect();
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::hours(hour);
        due(pins, &needed, limits, now).into_iter().map(|pin| pin.cid.clone()).collect()
    }

    fn limits(quota: u64) -> LimitSettings {
        LimitSettings {
            ipfs_quota: ByteSize::bytes(quota),
            keep_gradients: 10 * HOUR,
            keep_aggregates: 20 * HOUR,
            ..LimitSettings::default()
        }
    }

    #[test]
    fn age_takes_what_nobody_needs() {
        let pins = [
            pin("g1", PinKind::Gradient, 1, 0),
            pin("a1", PinKind::Aggregate, 1, 0),
            pin("g2", PinKind::Gradient, 1, 5),
        ];
        assert_eq!(taken(&pins, &[], &limits(100), 9), [""; 0]);
        assert_eq!(taken(&pins, &[], &limits(100), 10), ["g1"]);
        assert_eq!(taken(&pins, &["g1"], &limits(100), 15), ["g2"]);
        assert_eq!(taken(&pins, &[], &limits(100), 20), ["g1", "a1", "g2"]);
    }

    #[test]
    fn the_quota_takes_the_oldest_until_the_rest_fits() {
        let pins = [
            pin("g1", PinKind::Gradient, 40, 0),
            pin("g2", PinKind::Gradient, 40, 1),
            pin("g3", PinKind::Gradient, 40, 2),
        ];
        assert_eq!(taken(&pins, &[], &limits(120), 3), [""; 0]);
        assert_eq!(taken(&pins, &[], &limits(119), 3), ["g1"]);
        assert_eq!(taken(&pins, &["g1"], &limits(50), 3), ["g2", "g3"]);
        assert_eq!(
            taken(&pins, &["g1", "g2", "g3"], &limits(0), 99),
            [""; 0],
            "a dispute outweighs any quota"
        );
    }
}
