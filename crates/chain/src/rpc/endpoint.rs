//! What is known of one endpoint, and the order in which endpoints are asked.

use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::types::Status;

/// Blocks by which an endpoint may be behind the best one before others go before it.
pub(super) const TOLERATED_LAG: u64 = 2;

/// Calls that may fail one after the other before an endpoint counts as failing: networks hiccup.
const TOLERATED_FAILURES: u32 = 1;

/// The first wait before a failing endpoint is tried again, doubled each time up to the second.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointStanding {
    /// It was not asked yet.
    Unknown,
    /// It answers, and is not behind.
    Well,
    /// It answers, and is some blocks behind the best endpoint.
    Lagging,
    /// It says of itself that it has not caught up with the network.
    CatchingUp,
    /// It does not answer.
    Failing,
    /// It serves another chain, and is not used.
    WrongChain,
}

/// One endpoint, as a face shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointStatus {
    /// Host and port; what else stands in a URL may be secret.
    pub name: String,
    /// Whether it is the first of the settings' list.
    pub preferred: bool,
    /// Whether it gave the last answer.
    pub in_use: bool,
    /// How it stands.
    pub standing: EndpointStanding,
    /// The newest block that it has told of.
    pub height: Option<i64>,
    /// Blocks by which it was behind the best endpoint when it was last heard.
    pub lag: Option<u64>,
    /// Milliseconds of its last answer.
    pub latency_ms: Option<u64>,
    /// When it last answered.
    pub heard_at: Option<SystemTime>,
    /// What is wrong with it.
    pub trouble: Option<EndpointTrouble>,
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointTrouble {
    /// The last error, for people.
    pub message: String,
    /// When it began.
    pub since: SystemTime,
}

/// What is remembered of one endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    pub(super) height: Option<i64>,
    lag: u64,
    catching_up: bool,
    wrong_chain: bool,
    latency: Option<Duration>,
    heard_at: Option<SystemTime>,
    failures: u32,
    retry_at: Option<Instant>,
    trouble: Option<EndpointTrouble>,
}

impl Health {
    pub(super) fn standing(&self) -> EndpointStanding {
        if self.wrong_chain {
            EndpointStanding::WrongChain
        } else if self.failures > TOLERATED_FAILURES {
            EndpointStanding::Failing
        } else if self.heard_at.is_none() {
            EndpointStanding::Unknown
        } else if self.catching_up {
            EndpointStanding::CatchingUp
        } else if self.lag > TOLERATED_LAG {
            EndpointStanding::Lagging
        } else {
            EndpointStanding::Well
        }
    }

    /// An answer came, whatever it says.
    pub(super) fn answered(&mut self, latency: Duration, at: SystemTime) {
        self.failures = 0;
        self.retry_at = None;
        self.latency = Some(latency);
        self.heard_at = Some(at);
        if !matches!(self.standing(), EndpointStanding::WrongChain | EndpointStanding::CatchingUp) {
            self.trouble = None;
        }
    }

    /// It stated a height, when the best endpoint was at `best`.
    pub(super) fn is_at(&mut self, height: i64, best: i64) {
        // Nodes do not go back; a late answer may.
        self.height = self.height.max(Some(height));
        self.lag = best.saturating_sub(self.height.unwrap_or(height)).max(0).unsigned_abs();
    }

    /// It told of itself.
    pub(super) fn described(&mut self, status: &Status, expected: Option<&str>, at: SystemTime) {
        self.catching_up = status.catching_up;
        self.wrong_chain = expected.is_some_and(|expected| status.chain_id != expected);
        let message = match expected {
            Some(expected) if self.wrong_chain => {
                format!("it serves the chain `{}`, not `{expected}`", status.chain_id)
            }
            _ if self.catching_up => "it has not caught up with the network".to_owned(),
            _ => return self.trouble = None,
        };
        self.troubled(message, at);
    }

    /// No usable answer came. `decided`: it is not worth a second attempt now.
    pub(super) fn failed(&mut self, message: String, decided: bool, now: Instant, at: SystemTime) {
        self.failures = self.failures.saturating_add(1).max(if decided { TOLERATED_FAILURES + 1 } else { 1 });
        let pause = RETRY.0.saturating_mul(2_u32.saturating_pow(self.failures.min(8) - 1)).min(RETRY.1);
        self.retry_at = Some(now + pause);
        self.troubled(message, at);
    }

    fn troubled(&mut self, message: String, at: SystemTime) {
        let since = self.trouble.as_ref().map_or(at, |trouble| trouble.since);
        self.trouble = Some(EndpointTrouble { message, since });
    }

    /// Whether it must tell of itself before it is asked anything else.
    pub(super) fn must_introduce_itself(&self) -> bool {
        matches!(
            self.standing(),
            EndpointStanding::Unknown | EndpointStanding::Failing | EndpointStanding::WrongChain
        )
    }

    pub(super) fn status(&self, name: String, preferred: bool, in_use: bool) -> EndpointStatus {
        EndpointStatus {
            name,
            preferred,
            in_use,
            standing: self.standing(),
            height: self.height,
            lag: self.height.map(|_| self.lag),
            latency_ms: self.latency.map(|latency| latency.as_millis() as u64),
            heard_at: self.heard_at,
            trouble: self.trouble.clone(),
        }
    }

    /// The place of this endpoint among the others: lower is asked first, `None` not at all.
    fn rank(&self, now: Instant) -> Option<u64> {
        let rest_is_over = self.retry_at.is_none_or(|at| at <= now);
        match self.standing() {
            EndpointStanding::WrongChain => None,
            EndpointStanding::Well | EndpointStanding::Unknown => Some(0),
            // One that failed a while ago gets its chance: this is how the preferred one comes back.
            EndpointStanding::Failing if rest_is_over => Some(0),
            EndpointStanding::Lagging => Some(1),
            EndpointStanding::CatchingUp => Some(2),
            EndpointStanding::Failing => Some(3),
        }
    }
}

/// The endpoints in the order in which they are asked: those that are well in the operator's order, then those
/// that are behind, then those that failed a moment ago. One of another chain is never asked.
pub(super) fn order<'a>(healths: impl IntoIterator<Item = &'a Health>, now: Instant) -> Vec<usize> {
    let ranked = healths.into_iter().enumerate();
    let mut usable: Vec<(u64, usize)> =
        ranked.filter_map(|(index, health)| Some((health.rank(now)?, index))).collect();
    usable.sort_unstable();
    usable.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: SystemTime = SystemTime::UNIX_EPOCH;

    fn heard(height: i64, best: i64) -> Health {
        let mut health = Health::default();
        health.answered(Duration::from_millis(3), AT);
        health.is_at(height, best);
        health
    }

    fn failing(now: Instant) -> Health {
        let mut health = heard(100, 100);
        health.failed("connection refused".into(), true, now, AT);
        health
    }

    #[test]
    fn the_operators_order_holds_among_those_that_are_well() {
        let now = Instant::now();
        let all = [heard(100, 100), heard(98, 100), Health::default()];
        assert_eq!(order(&all, now), [0, 1, 2]);
        assert_eq!(all.map(|health| health.standing())[1], EndpointStanding::Well);
    }

    #[test]
    fn what_is_behind_or_fails_comes_last_and_another_chain_never() {
        let now = Instant::now();
        let mut foreign = heard(100, 100);
        foreign.described(&Status { chain_id: "other".into(), ..Status::default() }, Some("remes-1"), AT);
        let mut syncing = heard(100, 100);
        syncing.described(
            &Status { chain_id: "remes-1".into(), catching_up: true, ..Status::default() },
            Some("remes-1"),
            AT,
        );
        let all = [failing(now), foreign, syncing, heard(97, 100), heard(100, 100)];
        assert_eq!(order(&all, now), [4, 3, 2, 0]);
        let trouble = all[1].status("a:1".into(), false, false).trouble.unwrap();
        assert_eq!(trouble.message, "it serves the chain `other`, not `remes-1`");
    }

    #[test]
    fn a_failing_endpoint_gets_its_place_back_after_a_rest() {
        let now = Instant::now();
        let all = [failing(now), heard(100, 100)];
        assert_eq!(order(&all, now), [1, 0]);
        assert_eq!(order(&all, now + RETRY.1), [0, 1]);
        assert!(all[0].must_introduce_itself());
    }

    #[test]
    fn one_failure_is_a_hiccup_and_two_are_not() {
        let now = Instant::now();
        let mut health = heard(100, 100);
        health.failed("reset".into(), false, now, AT);
        assert_eq!(health.standing(), EndpointStanding::Well);
        health.failed("reset".into(), false, now, AT + Duration::from_secs(5));
        assert_eq!(health.standing(), EndpointStanding::Failing);
        let trouble = health.status("a:1".into(), true, true).trouble.unwrap();
        assert_eq!(trouble.since, AT, "trouble is dated by its beginning");
        health.answered(Duration::from_millis(3), AT);
        assert_eq!((health.standing(), health.trouble), (EndpointStanding::Well, None));
    }
}
