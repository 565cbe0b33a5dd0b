//! The snapshot as it is kept, and the numbering of its changes.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::broadcast;

use super::engine::EngineView;
use super::snapshot::{Change, Delta, Deltas, Snapshot};
use super::troubles::{Concern, Found, Looked, troubles};
use super::{lock, now};

/// Deltas that are kept for a window that comes a little late.
const KEPT: usize = 512;

/// Numbers every change and hands it to whoever listens.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
    sender: broadcast::Sender<Delta>,
}

#[derive(Debug)]
struct State {
    snapshot: Snapshot,
    recent: VecDeque<Delta>,
    looked: Looked,
}

impl Board {
    pub(crate) fn new(snapshot: Snapshot) -> Board {
        let (sender, _) = broadcast::channel(KEPT);
        let (recent, looked) = (VecDeque::new(), Looked::default());
        Board { state: Mutex::new(State { snapshot, recent, looked }), sender }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { at: now(), ..lock(&self.state).snapshot.clone() }
    }

    /// A look at one part, without copying the whole.
    pub(crate) fn read<T>(&self, part: impl FnOnce(&Snapshot) -> T) -> T {
        part(&lock(&self.state).snapshot)
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Delta> {
        self.sender.subscribe()
    }

    pub(crate) fn since(&self, after: u32) -> Deltas {
        let state = lock(&self.state);
        let first = state.snapshot.seq + 1 - state.recent.len() as u32;
        match after {
            after if after > state.snapshot.seq || after + 1 < first => Deltas::Gap,
            after => Deltas::Next(state.recent.iter().filter(|delta| delta.seq > after).cloned().collect()),
        }
    }

    /// Takes a change over, unless it changes nothing.
    pub(crate) fn put(&self, change: Change) {
        let mut state = lock(&self.state);
        if apply(&mut state.snapshot, &change) {
            self.number(&mut state, change);
        }
    }

    /// Changes the engine's part.
    pub(crate) fn engine(&self, edit: impl FnOnce(&mut EngineView)) {
        let mut state = lock(&self.state);
        let mut next = state.snapshot.engine.clone();
        edit(&mut next);
        let change = Change::Engine(Box::new(next));
        if apply(&mut state.snapshot, &change) {
            self.number(&mut state, change);
            self.tell_troubles(&mut state);
        }
    }

    /// Takes over what a look found wrong with something; nothing where all is well with it.
    pub(crate) fn looked(&self, concern: Concern, found: Option<Found>) {
        let mut state = lock(&self.state);
        state.looked.take(concern, found, now());
        self.tell_troubles(&mut state);
    }

    /// Tells what is wrong, where that has changed.
    fn tell_troubles(&self, state: &mut State) {
        let change = Change::Troubles(troubles(&state.snapshot.engine, &state.looked));
        if apply(&mut state.snapshot, &change) {
            self.number(state, change);
        }
    }

    fn number(&self, state: &mut State, change: Change) {
        state.snapshot.seq += 1;
        let delta = Delta { seq: state.snapshot.seq, at: now(), change };
        if state.recent.len() == KEPT {
            state.recent.pop_front();
        }
        state.recent.push_back(delta.clone());
        // Sent under the lock, so that numbers arrive in order; nobody listening is no error.
        let _ = self.sender.send(delta);
    }
}

/// Whether the change changed anything.
fn apply(snapshot: &mut Snapshot, change: &Change) -> bool {
    fn put<T: PartialEq + Clone>(part: &mut T, value: &T) -> bool {
        let differs = part != value;
        if differs {
            part.clone_from(value);
        }
        differs
    }
    match change {
        Change::Application(value) => put(&mut snapshot.application, value),
        Change::Setup(value) => put(&mut snapshot.setup, value),
        Change::Engine(value) => put(&mut snapshot.engine, value),
        Change::Network(value) => put(&mut snapshot.network, value),
        Change::Standing(value) => put(&mut snapshot.standing, value),
        Change::Keys(value) => put(&mut snapshot.keys, value),
        Change::Round(value) => put(&mut snapshot.round, &value.as_deref().cloned()),
        Change::Rounds(value) => put(&mut snapshot.rounds, value),
        Change::Metrics(value) => put(&mut snapshot.metrics, value),
        Change::Earnings(value) => put(&mut snapshot.earnings, value),
        Change::Machine(value) => put(&mut snapshot.machine, value),
        Change::Ipfs(value) => put(&mut snapshot.ipfs, value),
        Change::Preferences(value) => put(&mut snapshot.preferences, value),
        Change::Troubles(value) => put(&mut snapshot.troubles, value),
        Change::Judged(_) | Change::Notice(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Session, SessionOptions, Theme};

    fn session() -> (tempfile::TempDir, Session) {
        let folder = tempfile::tempdir().unwrap();
        let options = SessionOptions { root: Some(folder.path().to_owned()), ..SessionOptions::default() };
        let session = Session::open(options).unwrap();
        (folder, session)
    }

    #[test]
    fn a_change_is_numbered_and_one_that_changes_nothing_is_not() {
        let (_folder, session) = session();
        let before = session.snapshot();
        let mut preferences = before.preferences.clone();
        preferences.theme = Theme::Dark;
        for _ in 0..2 {
            session.inner.board.put(Change::Preferences(Box::new(preferences.clone())));
        }
        let after = session.snapshot();
        assert_eq!((after.seq, after.preferences.theme), (before.seq + 1, Theme::Dark));
        let Deltas::Next(deltas) = session.deltas(before.seq) else { panic!("a gap") };
        assert_eq!(deltas.len(), 1);
        assert_eq!(deltas[0].seq, after.seq);
    }

    #[test]
    fn who_comes_too_late_is_told_so() {
        let (_folder, session) = session();
        let begin = session.snapshot().seq;
        for number in 0..KEPT + 1 {
            session.inner.board.engine(|engine| engine.since = number.to_string());
        }
        assert_eq!(session.deltas(begin), Deltas::Gap);
        assert!(matches!(session.deltas(begin + 1), Deltas::Next(deltas) if deltas.len() == KEPT));
        assert_eq!(session.deltas(begin + KEPT as u32 + 2), Deltas::Gap);
    }
}
