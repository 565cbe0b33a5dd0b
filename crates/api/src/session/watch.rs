//! The look around that goes on whether or not the engine runs: endpoints, standing, IPFS, the machine. Each
//! part has its own rhythm, and a look out of turn when something has changed.

use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::engine::{EngineState, health};
use super::machine::VerdictLevel;
use super::preferences::NoticeKind;
use super::snapshot::Notice;
use super::{Session, control};

/// What is looked at, and how often.
struct Rhythm {
    every: Duration,
    last: Option<Instant>,
}

impl Rhythm {
    const fn of(seconds: u64) -> Rhythm {
        Rhythm { every: Duration::from_secs(seconds), last: None }
    }

    /// Whether it is time; if so it is taken for done.
    fn is_due(&mut self) -> bool {
        let due = self.last.is_none_or(|last| last.elapsed() >= self.every);
        if due {
            self.last = Some(Instant::now());
        }
        due
    }
}

/// Looks around until the session closes.
pub(crate) async fn watch(session: Session) {
    let (mut chain, mut standing, mut ipfs) = (Rhythm::of(0), Rhythm::of(15), Rhythm::of(8));
    let (mut earnings, mut machine) = (Rhythm::of(30), Rhythm::of(30));
    let mut disk_low = false;
    loop {
        let running = session.inner.board.read(|snapshot| snapshot.engine.state == EngineState::Running);
        if chain.is_due() {
            session.reach_network().await;
        }
        if ipfs.is_due() {
            session.reach_ipfs().await;
        }
        if standing.is_due() {
            session.reach_standing().await;
        }
        if earnings.is_due() {
            session.refresh_earnings().await;
        }
        if machine.is_due() {
            session.read_machine(false).await;
            disk_low = tell_of_disk(&session, disk_low);
        }
        session.refresh_health();
        session.refresh_round();
        let block = session.inner.board.read(|snapshot| snapshot.network.block_seconds);
        let pause = pause(running, Duration::try_from_secs_f64(block).unwrap_or_default());
        tokio::select! {
            () = session.inner.closing.cancelled() => return,
            () = session.inner.looking.notified() => {
                standing.last = None;
                ipfs.last = None;
                earnings.last = None;
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How long to wait between two looks at the chain: a block while the engine runs, and not so long at any time
/// that an operator would see a fault late.
fn pause(running: bool, block: Duration) -> Duration {
    match running {
        true => block.clamp(Duration::from_secs(1), Duration::from_secs(5)),
        false => Duration::from_secs(8),
    }
}

fn tell_of_disk(session: &Session, told: bool) -> bool {
    let low = session.inner.board.read(|snapshot| {
        let verdicts = &snapshot.machine.verdicts;
        let disk = verdicts.iter().find(|verdict| verdict.subject == "free disk");
        disk.filter(|verdict| verdict.level == VerdictLevel::Fail).map(|verdict| verdict.reason.clone())
    });
    if let (Some(reason), false) = (&low, told) {
        session.notify(Notice {
            kind: NoticeKind::DiskLow,
            training_round: None,
            amount: None,
            denom: None,
            detail: reason.clone(),
        });
    }
    low.is_some()
}

impl Session {
    /// Has the watch look at once, since something has changed.
    pub fn look_again(&self) {
        self.inner.looking.notify_one();
    }

    /// Reads the engine's health off its latest work.
    pub(crate) fn refresh_health(&self) {
        let block = self.inner.board.read(|snapshot| snapshot.network.block_seconds);
        let patience = control::patience(Duration::try_from_secs_f64(block).unwrap_or_default());
        let now = OffsetDateTime::now_utc();
        self.inner.board.engine(|engine| {
            let last =
                engine.last_work.as_ref().and_then(|work| OffsetDateTime::parse(&work.at, &Rfc3339).ok());
            let began = OffsetDateTime::parse(&engine.since, &Rfc3339).ok();
            // Work of an earlier run says nothing about this one.
            let last = last.filter(|last| began.is_none_or(|began| *last + Duration::from_secs(5) >= began));
            let quiet = last.map(|last| Duration::try_from(now - last).unwrap_or_default());
            engine.health = health(engine.state, engine.trouble.is_some(), quiet, patience);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::machine::VerdictView;
    use crate::session::snapshot::Change;
    use crate::session::{MachineView, SessionOptions};

    #[test]
    fn a_disk_that_is_nearly_full_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Some(folder.path().to_owned());
        let session = Session::open(SessionOptions { root, ..SessionOptions::default() }).unwrap();
        let mut deltas = session.subscribe();
        let disk = |level| {
            let verdict = VerdictView {
                subject: "free disk".into(),
                level,
                reason: "1 GB of 900 GB free".into(),
                remedy: None,
                at: super::super::now(),
            };
            let machine = MachineView { verdicts: vec![verdict], ..MachineView::default() };
            session.inner.board.put(Change::Machine(Box::new(machine)));
        };
        disk(VerdictLevel::Warn);
        assert!(!tell_of_disk(&session, false));
        disk(VerdictLevel::Fail);
        assert!(tell_of_disk(&session, false) && tell_of_disk(&session, true));
        let mut notices = Vec::new();
        while let Ok(delta) = deltas.try_recv() {
            if let Change::Notice(notice) = delta.change {
                notices.push((notice.kind, notice.detail));
            }
        }
        assert_eq!(notices, [(NoticeKind::DiskLow, "1 GB of 900 GB free".to_owned())]);
    }

    #[test]
    fn a_fault_is_seen_within_ten_seconds_at_any_block_time() {
        for block in [0, 1, 5, 60].map(Duration::from_secs) {
            for running in [false, true] {
                let pause = pause(running, block);
                assert!(pause >= Duration::from_secs(1) && pause < Duration::from_secs(10));
            }
        }
    }
}
