//! All readings at once, each probe in a thread of its own, none waited for beyond the budget.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{
    Bandwidth, Clock, ClockSkew, DiskSpace, Endpoint, EndpointReading, Memory, Processor, Reading,
    TransferRates, WriteProbe, WriteSpeed, disk, endpoint, memory, processor,
};

/// What to read.
#[derive(Clone, Debug)]
pub struct Request {
    /// The data folder; it need not exist.
    pub folder: PathBuf,
    /// How to measure writing in it; `None` writes nothing.
    pub write: Option<WriteProbe>,
    /// What to connect to.
    pub endpoints: Vec<Endpoint>,
    /// When the readings end, finished or not.
    pub budget: Duration,
}

/// The machine at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct Readings {
    /// Cores and vector instructions.
    pub processor: Reading<Processor>,
    /// Memory.
    pub memory: Reading<Memory>,
    /// Room on the data folder's file system.
    pub disk: Reading<DiskSpace>,
    /// Speed of durable writes in the data folder, where it was asked for.
    pub disk_write: Option<Reading<WriteSpeed>>,
    /// One reading for each endpoint of the request, in its order.
    pub endpoints: Vec<EndpointReading>,
    /// The clock against the chain's. [`read`] leaves it out: it comes from who can ask the chain.
    pub clock: Option<Reading<ClockSkew>>,
    /// Memory read bandwidth. [`read`] leaves it out: it takes all cores for a while, see
    /// [`crate::read_bandwidth`].
    pub memory_bandwidth: Option<Reading<Bandwidth>>,
    /// Rates of what really passed to and from IPFS. [`read`] leaves it out: it comes from who keeps account of
    /// the transfers.
    pub transfers: Option<Reading<TransferRates>>,
}

/// Takes the readings. It blocks until all are there or the budget is used up; a probe that hangs then
/// (a dead network mount, a resolver without a network) ends in its thread, and its reading says so.
pub fn read(request: &Request, clock: Clock) -> Readings {
    let deadline = Instant::now() + request.budget;
    // Probes that can bound themselves are to end, with a reason of their own, before they are given up.
    let patience = request.budget * 4 / 5;
    let folder = request.folder.clone();
    let processor = start(clock, processor::read);
    let memory = start(clock, memory::read);
    let disk = start(clock, move || disk::space(&folder));
    let disk_write = request.write.map(|mut probe| {
        let folder = request.folder.clone();
        probe.time = probe.time.min(patience);
        start(clock, move || disk::write_speed(&folder, probe))
    });
    let endpoints: Vec<_> = request
        .endpoints
        .iter()
        .map(|endpoint| {
            let target = endpoint.clone();
            (endpoint, start(clock, move || endpoint::reach(&target, patience)))
        })
        .collect();
    let end = End { deadline, budget: request.budget, clock };
    Readings {
        processor: end.wait(processor),
        memory: end.wait(memory),
        disk: end.wait(disk),
        disk_write: disk_write.map(|probe| end.wait(probe)),
        endpoints: endpoints
            .into_iter()
            .map(|(endpoint, probe)| EndpointReading { endpoint: endpoint.clone(), reach: end.wait(probe) })
            .collect(),
        clock: None,
        memory_bandwidth: None,
        transfers: None,
    }
}

type Started<T> = Result<Receiver<Reading<T>>, String>;

fn start<T: Send + 'static>(
    clock: Clock,
    probe: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Started<T> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("hardware".into())
        .spawn(move || {
            let outcome = probe();
            let _ = sender.send(Reading::new(outcome, clock()));
        })
        .map(|_| receiver)
        .map_err(|error| format!("start a thread: {error}"))
}

/// When probes are given up.
struct End {
    deadline: Instant,
    budget: Duration,
    clock: Clock,
}

impl End {
    fn wait<T>(&self, probe: Started<T>) -> Reading<T> {
        let outcome = probe.and_then(|receiver| {
            let left = self.deadline.saturating_duration_since(Instant::now());
            receiver
                .recv_timeout(left)
                .map_err(|_| format!("there was no answer within {} ms", self.budget.as_millis()))
        });
        outcome.unwrap_or_else(|reason| Reading::new(Err(reason), (self.clock)()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probe cannot end before it is given up: it waits for what happens after that.
    #[test]
    fn a_probe_that_hangs_is_given_up() {
        let clock: Clock = || time::OffsetDateTime::UNIX_EPOCH;
        let (release, held) = mpsc::channel::<()>();
        let probe = start(clock, move || held.recv().map_err(|_| "released".to_owned()));
        let budget = Duration::from_millis(5);
        let end = End { deadline: Instant::now() + budget, budget, clock };
        let reading = end.wait(probe);
        assert_eq!(reading.as_result(), Err("there was no answer within 5 ms"));
        drop(release);
    }
}
