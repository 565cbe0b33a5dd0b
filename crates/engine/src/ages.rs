//! How long ago something happened, by a clock that nobody sets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// Times that are remembered; what the work waits for are a handful.
const REMEMBERED: usize = 64;

/// Ages of journaled times. The time of day only says how old something was when it was first asked for; from
/// then on its age grows with the time that passes. So a clock that is put forward makes nothing due, and one
/// that is put back holds nothing up.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    seen: Mutex<HashMap<OffsetDateTime, (Duration, Instant)>>,
}

impl Ages {
    /// How long ago `at` was, if it is `now`. What lies in the future is taken for new.
    pub(crate) fn of(&self, at: OffsetDateTime, now: OffsetDateTime) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED && !seen.contains_key(&at) {
            let oldest = seen.iter().min_by_key(|(_, (_, since))| *since).map(|(at, _)| *at);
            oldest.map(|at| seen.remove(&at));
        }
        let first = || (Duration::try_from(now - at).unwrap_or_default(), Instant::now());
        let (age, since) = *seen.entry(at).or_insert_with(first);
        age + since.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const HOUR: time::Duration = time::Duration::HOUR;

    #[test]
    fn a_clock_that_is_put_forward_or_back_changes_no_age() {
        let ages = Ages::default();
        let second = Duration::from_secs(1);
        assert!(ages.of(AT, AT + second) >= second);
        for now in [AT + HOUR, AT - HOUR] {
            let age = ages.of(AT, now);
            assert!(age >= second && age < second * 60, "{age:?}");
        }
    }

    #[test]
    fn what_was_noted_under_a_clock_ahead_is_new_and_grows_old() {
        let ages = Ages::default();
        assert!(ages.of(AT + HOUR, AT) < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
        assert!(ages.of(AT + HOUR, AT) >= Duration::from_millis(5));
    }

    #[test]
    fn few_are_remembered() {
        let ages = Ages::default();
        for second in 0..200 {
            ages.of(AT + Duration::from_secs(second), AT);
        }
        assert_eq!(ages.seen.lock().unwrap().len(), REMEMBERED);
    }
}
