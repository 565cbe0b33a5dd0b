//! The look around that goes on whether or not the engine runs: endpoints, standing, IPFS, the machine, the
//! keychain. Each has its own rhythm, so that one that does not answer holds up no other, and a look out of turn
//! when something has changed.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::engine::{EngineState, health};
use super::preferences::NoticeKind;
use super::snapshot::Notice;
use super::troubles::Concern;
use super::{Session, control};

/// The longest pause between two looks at what a working engine needs. With the time that a look may take, a fault is
/// seen within ten seconds.
const AT_WORK: Duration = Duration::from_secs(5);

/// The same while the engine is to do nothing: nothing is missed then, and the processor rests.
const AT_REST: Duration = Duration::from_secs(10);

const STANDING: Duration = Duration::from_secs(15);
const EARNINGS: Duration = Duration::from_secs(30);
const MACHINE: Duration = Duration::from_secs(30);

/// Looks around until the session closes.
pub(crate) async fn watch(session: Session) {
    let looks = async {
        tokio::join!(
            look(&session, chain_pause, |session| async move {
                session.reach_network().await;
                session.refresh_health();
                session.refresh_round();
            }),
            look(&session, pause, |session| async move { session.reach_ipfs().await }),
            look(&session, |_| STANDING, |session| async move { session.reach_standing().await }),
            look(&session, |_| EARNINGS, |session| async move { session.refresh_earnings().await }),
            look(&session, pause, |session| async move { session.look_at_keychain().await }),
            watch_machine(&session),
            watch_disk(&session),
        )
    };
    tokio::select! {
        () = session.inner.closing.cancelled() => {}
        _ = looks => {}
    }
}

/// Looks in its rhythm, and whenever the session says so.
async fn look<F>(session: &Session, pause: fn(&Session) -> Duration, look: impl Fn(Session) -> F)
where
    F: Future<Output = ()>,
{
    let mut again = session.inner.looking.subscribe();
    loop {
        look(session.clone()).await;
        tokio::select! {
            () = tokio::time::sleep(pause(session)) => {}
            // The sender lives as long as the session that is held here.
            _ = again.changed() => {}
        }
    }
}

async fn watch_machine(session: &Session) {
    loop {
        session.read_machine(false).await;
        tokio::time::sleep(MACHINE).await;
    }
}

async fn watch_disk(session: &Session) {
    let mut told = false;
    loop {
        session.look_at_disk().await;
        told = tell_of_disk(session, told);
        tokio::time::sleep(pause(session)).await;
    }
}

/// How long to wait between two looks.
fn pause(session: &Session) -> Duration {
    match session.inner.board.read(|snapshot| snapshot.engine.state) {
        EngineState::Stopped => AT_REST,
        _ => AT_WORK,
    }
}

/// How long to wait between two looks at the chain: a block while the engine works, and not longer than between others.
fn chain_pause(session: &Session) -> Duration {
    let block = session.inner.board.read(|snapshot| snapshot.network.block_seconds);
    match pause(session) {
        AT_WORK => blocks_pause(Duration::try_from_secs_f64(block).unwrap_or_default()),
        rest => rest,
    }
}

fn blocks_pause(block: Duration) -> Duration {
    block.clamp(Duration::from_secs(1), AT_WORK)
}

fn tell_of_disk(session: &Session, told: bool) -> bool {
    let low = session
        .inner
        .board
        .read(|snapshot| snapshot.troubles.iter().find(|trouble| trouble.concern == Concern::Disk).cloned());
    if let (Some(trouble), false) = (&low, told) {
        session.notify(Notice {
            kind: NoticeKind::DiskLow,
            training_round: None,
            amount: None,
            denom: None,
            detail: format!("failed to {}", trouble.message),
        });
    }
    low.is_some()
}

impl Session {
    /// Has the watch look at once, since something has changed.
    pub fn look_again(&self) {
        self.inner.looking.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Reads the engine's health off its latest work.
    pub(crate) fn refresh_health(&self) {
        let (block, troubled) =
            self.inner.board.read(|snapshot| (snapshot.network.block_seconds, !snapshot.troubles.is_empty()));
        let patience = control::patience(Duration::try_from_secs_f64(block).unwrap_or_default());
        let now = OffsetDateTime::now_utc();
        self.inner.board.engine(|engine| {
            let last =
                engine.last_work.as_ref().and_then(|work| OffsetDateTime::parse(&work.at, &Rfc3339).ok());
            let began = OffsetDateTime::parse(&engine.since, &Rfc3339).ok();
            // Work of an earlier run says nothing about this one.
            let last = last.filter(|last| began.is_none_or(|began| *last + Duration::from_secs(5) >= began));
            let quiet = last.map(|last| Duration::try_from(now - last).unwrap_or_default());
            engine.health = health(engine.state, troubled, quiet, patience);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionOptions;
    use crate::session::snapshot::Change;
    use crate::session::troubles::Found;

    #[test]
    fn a_disk_that_is_nearly_full_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Some(folder.path().to_owned());
        let session = Session::open(SessionOptions { root, ..SessionOptions::default() }).unwrap();
        session.inner.board.engine(|engine| engine.state = EngineState::Running);
        let mut deltas = session.subscribe();
        let found =
            Found { message: "keep enough room on the disk: 1 GB of 900 GB free".into(), remedy: "".into() };
        assert!(!tell_of_disk(&session, false));
        session.inner.board.looked(Concern::Disk, Some(found));
        assert!(tell_of_disk(&session, false) && tell_of_disk(&session, true));
        session.inner.board.looked(Concern::Disk, None);
        assert!(!tell_of_disk(&session, true));
        let mut notices = Vec::new();
        while let Ok(delta) = deltas.try_recv() {
            if let Change::Notice(notice) = delta.change {
                notices.push((notice.kind, notice.detail));
            }
        }
        let detail = "failed to keep enough room on the disk: 1 GB of 900 GB free".to_owned();
        assert_eq!(notices, [(NoticeKind::DiskLow, detail)]);
    }

    #[test]
    fn a_fault_is_seen_within_ten_seconds_at_any_block_time() {
        let patience = super::super::reach::PATIENCE;
        for block in [0, 1, 5, 60].map(Duration::from_secs) {
            let pause = blocks_pause(block);
            assert!(pause >= Duration::from_secs(1) && pause + patience < Duration::from_secs(10));
        }
        assert!(AT_WORK + patience < Duration::from_secs(10));
    }
}
