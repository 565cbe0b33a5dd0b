//! What is done for a round while it still collects, beside everything else.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use r3mes_aggregate::Method;
use r3mes_gradient::Limits;

use crate::aggregation::{AggregateFile, AggregationError, AggregationInput, Arrivals};
use crate::round::RoundId;

/// The arrivals of the round that is open now.
///
/// They are a head start and nothing else: a round that was opened by a process that has ended, or whose
/// method has changed since, closes without them to the same bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preparing {
    /// Held for as long as one gradient takes.
    arrivals: Arc<Mutex<Option<(RoundId, Arrivals)>>>,
    /// What has been handed over, of which round.
    known: Arc<Mutex<(RoundId, HashSet<u64>)>>,
}

impl Preparing {
    /// Prepares the gradients that are new, on a thread of its own.
    pub(crate) fn arrived(
        &self,
        round: RoundId,
        method: &Method,
        limits: &Limits,
        folder: &Path,
        mut inputs: Vec<AggregationInput>,
    ) {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.0 != round {
                *known = (round, HashSet::new());
            }
            inputs.retain(|input| known.1.insert(input.id));
        }
        if inputs.is_empty() {
            return;
        }
        let (method, limits, folder) = (method.clone(), limits.clone(), folder.to_owned());
        let shared = Arc::clone(&self.arrivals);
        tokio::task::spawn_blocking(move || {
            for input in inputs {
                let mut held = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let (_, arrivals) = match held.take() {
                    Some((open, arrivals)) if open == round => held.insert((open, arrivals)),
                    _ => held.insert((round, Arrivals::new(&method, &limits, &folder))),
                };
                if let Err(error) = arrivals.arrive(&input) {
                    tracing::debug!(gradient = input.id, %error, "left to the closing of the round");
                }
            }
        });
    }

    /// Closes a round, with what has been prepared for it. Blocks.
    pub(crate) fn close(
        &self,
        round: RoundId,
        method: &Method,
        limits: &Limits,
        inputs: &[AggregationInput],
        output: &Path,
    ) -> Result<AggregateFile, AggregationError> {
        let held = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take();
        match held {
            Some((open, arrivals)) if open == round && arrivals.method() == method => {
                arrivals.aggregate(inputs, output)
            }
            _ => crate::aggregate_files(method, inputs, limits, output),
        }
    }
}
