//! Several endpoints of one chain behind one face: which of them is asked, and what an answer is worth.
//!
//! Reads are asked of one endpoint after the other until one answers, and never go back in time: once a
//! caller has seen a height, only endpoints that have reached it answer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use url::Url;

use super::RpcLimits;
use super::endpoint::{EndpointStatus, Health, order};
use super::types::{JsonStatus, Status};
use super::wire::{Wire, host_and_port};
use crate::ChainError;
use crate::error::NodeErrorKind;

/// How long one endpoint may be silent while another one could answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an endpoint may take to introduce itself while another one could answer.
const INTRODUCTION: Duration = Duration::from_secs(2);

/// How often every endpoint is asked before a call fails, and the pauses between, doubled each time.
const ROUNDS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// What an answer says of the height that it was read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dated {
    /// Nothing.
    Not,
    /// The newest block: it must not be older than one that was seen.
    NewestBlock(i64),
    /// The newest state: likewise.
    NewestState(i64),
    /// Something in a block of this height, which was carried out then.
    Holds(i64),
}

/// An answer, and whether an attempt before it may have had its effect without being heard of.
#[derive(Debug)]
pub(crate) struct Asked<T> {
    pub(crate) answer: Result<T, ChainError>,
    pub(crate) lost: Option<ChainError>,
}

/// The endpoints with what is known of them.
#[derive(Debug)]
pub(super) struct Pool {
    endpoints: Vec<Endpoint>,
    /// The chain that they must serve, where it is known.
    chain_id: Option<String>,
    seen: Mutex<Seen>,
    changes: broadcast::Sender<EndpointStatus>,
}

#[derive(Debug)]
struct Endpoint {
    wire: Wire,
    health: Mutex<Health>,
}

/// The heights that callers and endpoints have told of.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// The newest block that a caller knows of.
    block: i64,
    /// The newest state that a caller has read. A node tells of a block before it has carried it out.
    state: i64,
    /// The newest block of any endpoint.
    best: i64,
    /// The endpoint that gave the last answer.
    in_use: usize,
}

impl Seen {
    /// The block that an endpoint must have to answer.
    fn needed(self) -> i64 {
        self.block.max(self.state)
    }

    /// Takes the answer's height in; the height that was needed where the answer is older.
    fn take_in(&mut self, dated: Dated) -> Result<(), i64> {
        let (known, height) = match dated {
            Dated::Not => return Ok(()),
            Dated::NewestBlock(height) => (&mut self.block, height),
            Dated::NewestState(height) => (&mut self.state, height),
            Dated::Holds(height) => {
                self.state = self.state.max(height);
                return Ok(());
            }
        };
        if height < *known {
            return Err(*known);
        }
        *known = height;
        Ok(())
    }
}

impl Pool {
    pub(super) fn new(http: &reqwest::Client, urls: Vec<Url>, chain_id: Option<String>) -> Self {
        let endpoint = |url| Endpoint { wire: Wire::new(http.clone(), url), health: Mutex::default() };
        Pool {
            endpoints: urls.into_iter().map(endpoint).collect(),
            chain_id,
            seen: Mutex::default(),
            changes: broadcast::channel(64).0,
        }
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<EndpointStatus> {
        self.changes.subscribe()
    }

    /// The address of the endpoint that gave the last answer.
    pub(super) fn url(&self) -> &Url {
        self.endpoints[self.seen().in_use].wire.url()
    }

    /// The addresses in the order in which they would be asked now.
    pub(super) fn urls(&self) -> Vec<Url> {
        self.order().into_iter().map(|index| self.endpoints[index].wire.url().clone()).collect()
    }

    pub(super) fn statuses(&self) -> Vec<EndpointStatus> {
        let in_use = self.seen().in_use;
        (0..self.endpoints.len()).map(|index| self.endpoints[index].status(index, in_use)).collect()
    }

    /// Asks every endpoint how it stands.
    pub(super) async fn check(&self) {
        let all = (0..self.endpoints.len()).map(|index| async move {
            // What went wrong is in its status.
            let _ = self.introduce(index, PATIENCE).await;
        });
        futures::future::join_all(all).await;
    }

    /// Asks one endpoint after the other, until one gives an answer that is not older than what was seen.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        limits: RpcLimits,
        method: &str,
        params: &Value,
        dated: impl Fn(&T) -> Dated,
    ) -> Asked<T> {
        // Silence may be heard out twice.
        let deadline = Instant::now() + limits.timeout * 2;
        let mut lost = None;
        let mut round = 0;
        loop {
            let mut failures = Vec::new();
            let order = self.order();
            for (place, &index) in order.iter().enumerate() {
                let is_last = place + 1 == order.len();
                match self.ask(index, is_last, limits, method, params, &dated).await {
                    Ok(answer) => return Asked { answer: Ok(answer), lost },
                    Err(error) => {
                        if is_unheard(&error) {
                            lost = Some(error.clone());
                        }
                        failures.push(error);
                    }
                }
                if failures.last().is_some_and(|error| !others_may_know(error)) {
                    break;
                }
            }
            round += 1;
            let error = self.sum_up(method, failures);
            let worth_waiting = match error {
                // The chain goes on: an endpoint will come to that height.
                ChainError::Behind { .. } => Instant::now() < deadline,
                ChainError::Transport { .. }
                | ChainError::Malformed { .. }
                | ChainError::Unreachable { .. } => round < ROUNDS && Instant::now() < deadline,
                _ => false,
            };
            if !worth_waiting {
                return Asked { answer: Err(error), lost };
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(round.min(3) - 1)).await;
        }
    }

    /// Asks every usable endpoint at once; one outcome each.
    pub(super) async fn call_all<T: DeserializeOwned>(
        &self,
        limits: RpcLimits,
        method: &str,
        params: &Value,
    ) -> Vec<Result<T, ChainError>> {
        let order = self.order();
        let all = order.iter().map(|&index| self.ask(index, false, limits, method, params, &|_| Dated::Not));
        futures::future::join_all(all).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        index: usize,
        is_last: bool,
        limits: RpcLimits,
        method: &str,
        params: &Value,
        dated: &impl Fn(&T) -> Dated,
    ) -> Result<T, ChainError> {
        let (introduction, patience) = match is_last {
            true => (limits.timeout, limits.timeout),
            false => (limits.timeout.min(INTRODUCTION), limits.timeout.min(PATIENCE)),
        };
        self.ready(index, introduction).await?;
        let endpoint = &self.endpoints[index];
        let asked = Instant::now();
        let answer = endpoint.wire.call(method, params, patience, limits.response_bytes).await;
        self.take_note(index, asked, &answer);
        let answer = answer?;
        let dated = dated(&answer);
        if let Dated::NewestBlock(height) | Dated::NewestState(height) | Dated::Holds(height) = dated {
            self.is_at(index, height);
        }
        let taken = self.seen().take_in(dated);
        if let Err(seen) = taken {
            return Err(self.behind(index, seen));
        }
        self.in_use(index);
        Ok(answer)
    }

    /// Makes sure that an endpoint serves the right chain and has come as far as what was seen.
    async fn ready(&self, index: usize, timeout: Duration) -> Result<(), ChainError> {
        let endpoint = &self.endpoints[index];
        let needed = self.seen().needed();
        let (is_new, height) = {
            let health = endpoint.health();
            (health.must_introduce_itself(), health.height.unwrap_or(0))
        };
        // Without a chain to compare with or others to fall back on, the call itself is the introduction.
        let is_alone = self.endpoints.len() == 1 && self.chain_id.is_none();
        if (is_new && !is_alone) || height < needed {
            self.introduce(index, timeout).await?;
        }
        let height = endpoint.health().height.unwrap_or(0);
        if height < needed { Err(self.behind(index, needed)) } else { Ok(()) }
    }

    /// Has an endpoint tell of itself; an error where it serves another chain.
    async fn introduce(&self, index: usize, timeout: Duration) -> Result<(), ChainError> {
        const METHOD: &str = "status";
        let endpoint = &self.endpoints[index];
        let asked = Instant::now();
        let answer = endpoint.wire.call::<JsonStatus>(METHOD, &json!({}), timeout, 1 << 20).await;
        self.take_note(index, asked, &answer);
        let status = Status::from(answer?);
        self.changed(index, |health| {
            health.described(&status, self.chain_id.as_deref(), SystemTime::now());
        });
        if let Some(expected) = self.chain_id.as_ref().filter(|expected| **expected != status.chain_id) {
            return Err(ChainError::WrongChain {
                node: endpoint.name(),
                found: status.chain_id,
                expected: expected.clone(),
            });
        }
        self.is_at(index, status.height);
        Ok(())
    }

    fn take_note<T>(&self, index: usize, asked: Instant, answer: &Result<T, ChainError>) {
        let (now, at) = (Instant::now(), SystemTime::now());
        self.changed(index, |health| match answer {
            Err(error) if is_unheard(error) => {
                // What was waited for once is not waited for again.
                let timed_out = now - asked >= INTRODUCTION;
                health.failed(error.to_string(), timed_out, now, at);
            }
            _ => health.answered(now - asked, at),
        });
    }

    fn is_at(&self, index: usize, height: i64) {
        let best = {
            let mut seen = self.seen();
            seen.best = seen.best.max(height);
            seen.best
        };
        for (other, endpoint) in self.endpoints.iter().enumerate() {
            // A new best leaves the others behind, whenever they told of themselves.
            let stated = if other == index { Some(height) } else { endpoint.health().height };
            if let Some(height) = stated {
                self.changed(other, |health| health.is_at(height, best));
            }
        }
    }

    fn in_use(&self, index: usize) {
        let before = std::mem::replace(&mut self.seen().in_use, index);
        if before != index {
            self.announce(index);
        }
    }

    /// Changes what is known of an endpoint, and tells when its standing is another one now.
    fn changed(&self, index: usize, change: impl FnOnce(&mut Health)) {
        let (before, after) = {
            let mut health = self.endpoints[index].health();
            let before = health.standing();
            change(&mut health);
            (before, health.standing())
        };
        if before != after {
            self.announce(index);
        }
    }

    fn announce(&self, index: usize) {
        let in_use = self.seen().in_use;
        // Nobody listening is no error.
        let _ = self.changes.send(self.endpoints[index].status(index, in_use));
    }

    fn order(&self) -> Vec<usize> {
        let healths: Vec<Health> = self.endpoints.iter().map(|endpoint| endpoint.health().clone()).collect();
        match order(&healths, Instant::now()) {
            // All of them serve another chain, and may say so again.
            none if none.is_empty() => (0..healths.len()).collect(),
            order => order,
        }
    }

    /// One error for what the endpoints answered: a final word, or else what may be otherwise in a while.
    fn sum_up(&self, method: &str, mut failures: Vec<ChainError>) -> ChainError {
        let final_word = failures.last().is_some_and(|error| !others_may_know(error));
        if final_word || failures.len() == 1 {
            return failures.swap_remove(failures.len() - 1);
        }
        if let Some(behind) = failures.iter().position(|error| matches!(error, ChainError::Behind { .. })) {
            return failures.swap_remove(behind);
        }
        if !failures.iter().any(ChainError::is_transient) {
            return failures.swap_remove(0);
        }
        let troubles = failures.iter().map(|error| match error {
            ChainError::Transport { node, reason, .. } => format!("{node}: {reason}"),
            other => other.to_string(),
        });
        ChainError::Unreachable {
            method: method.to_owned(),
            troubles: troubles.collect::<Vec<_>>().join("; "),
        }
    }

    fn behind(&self, index: usize, seen: i64) -> ChainError {
        let endpoint = &self.endpoints[index];
        let height = endpoint.health().height.unwrap_or(0);
        ChainError::Behind { node: endpoint.name(), height, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endpoint {
    fn name(&self) -> String {
        host_and_port(self.wire.url())
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self, index: usize, in_use: usize) -> EndpointStatus {
        self.health().status(self.name(), index == 0, index == in_use)
    }
}

/// Whether no word of the node came back: what was asked may have been done or not.
fn is_unheard(error: &ChainError) -> bool {
    matches!(error, ChainError::Transport { .. } | ChainError::Malformed { .. })
}

/// Whether another endpoint may answer what this one could not.
fn others_may_know(error: &ChainError) -> bool {
    match error {
        ChainError::Transport { .. }
        | ChainError::Malformed { .. }
        | ChainError::Behind { .. }
        | ChainError::WrongChain { .. } => true,
        ChainError::Node(error) => matches!(
            error.kind,
            NodeErrorKind::MempoolFull
                | NodeErrorKind::IndexingDisabled
                | NodeErrorKind::HeightNotReached
                | NodeErrorKind::HeightPruned
                | NodeErrorKind::MethodNotFound
                | NodeErrorKind::Other
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_older_than_what_was_seen_is_not_taken() {
        let mut seen = Seen::default();
        assert_eq!(seen.take_in(Dated::NewestBlock(10)), Ok(()));
        assert_eq!(seen.take_in(Dated::NewestBlock(9)), Err(10));
        // The state follows its block.
        assert_eq!(seen.take_in(Dated::NewestState(9)), Ok(()));
        assert_eq!(seen.take_in(Dated::Holds(12)), Ok(()));
        assert_eq!(seen.take_in(Dated::NewestState(11)), Err(12));
        assert_eq!(seen.take_in(Dated::Holds(3)), Ok(()), "an old transaction is no old state");
        assert_eq!(seen.needed(), 12);
    }

    #[test]
    fn a_final_word_counts_and_otherwise_what_may_be_otherwise_in_a_while() {
        let urls = ["http://a.example:1", "http://b.example:2"].map(|url| url.parse().unwrap());
        let http = crate::http::client(crate::http::Timeouts::default()).unwrap();
        let pool = Pool::new(&http, urls.to_vec(), Some("remes-1".into()));
        let silent = |node: &str| ChainError::Transport {
            method: "tx".into(),
            node: node.into(),
            reason: "connection refused".into(),
        };
        let foreign = ChainError::WrongChain {
            node: "b.example:2".into(),
            found: "other".into(),
            expected: "remes-1".into(),
        };
        let refused = ChainError::TooLarge { method: "tx".into(), limit: 5 };
        let behind = ChainError::Behind { node: "b.example:2".into(), height: 3, seen: 5 };
        let a = || silent("a.example:1");
        assert_eq!(pool.sum_up("tx", vec![a(), refused.clone()]), refused);
        assert_eq!(pool.sum_up("tx", vec![a(), behind.clone()]), behind);
        assert_eq!(pool.sum_up("tx", vec![foreign.clone(), foreign.clone()]), foreign);
        assert_eq!(
            pool.sum_up("tx", vec![a(), silent("b.example:2")]).to_string(),
            "get an answer to `tx` from any of the chain's endpoints: a.example:1: connection refused; b.example:2: connection refused"
        );
        // The right one may come back: the operator's loop goes on.
        assert!(pool.sum_up("tx", vec![a(), foreign]).is_transient());
    }
}
