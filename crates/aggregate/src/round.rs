use crate::column::{ColumnRule, Columns};
use crate::lanes::Isa;
use crate::mean::weighted_mean;
use crate::tiles::for_each_tile;
use crate::{AggregateError, Method, Options, Update};

/// Aggregates `updates` by `method` into a new vector of f32.
///
/// # Errors
/// Every way in which the updates, their weights or the method's parameters are not fit; see [`AggregateError`].
pub fn aggregate(
    method: &Method,
    updates: &[Update<'_>],
    options: &Options,
) -> Result<Vec<f32>, AggregateError> {
    let mut out = vec![0.0; updates.first().map_or(0, Update::len)];
    aggregate_into(method, updates, options, &mut out)?;
    Ok(out)
}

/// Like [`aggregate`], into a buffer of the caller's (one that is used again is faster than a fresh one).
/// After an error the buffer's content is unspecified.
///
/// # Errors
/// As [`aggregate`], and a buffer of another length than the updates.
pub fn aggregate_into(
    method: &Method,
    updates: &[Update<'_>],
    options: &Options,
    out: &mut [f32],
) -> Result<(), AggregateError> {
    aggregate_on(Isa::best(), method, updates, options, out)
}

/// [`aggregate_into`] with a chosen instruction set.
pub(crate) fn aggregate_on(
    isa: Isa,
    method: &Method,
    updates: &[Update<'_>],
    options: &Options,
    out: &mut [f32],
) -> Result<(), AggregateError> {
    let round = Round::new(isa, updates)?;
    if out.len() != round.len() {
        return Err(AggregateError::OutputLength { found: out.len(), expected: round.len() });
    }
    let n = round.updates.len();
    match method {
        Method::Average => round.weighted_mean(&vec![1.0; n], options, out),
        Method::WeightedAverage => round.weighted_mean(&round.weights()?, options, out),
        Method::FedAvg { cap } => round.weighted_mean(&capped(round.weights()?, *cap)?, options, out),
        Method::Median => round.columns(ColumnRule::Median, options, out),
        Method::TrimmedMean { trim } => {
            let f = trim.count(n);
            if n <= 2 * f {
                let method = "trimmed-mean";
                return Err(AggregateError::TooFew { method, f, needed: 2 * f + 1, found: n });
            }
            round.columns(ColumnRule::TrimmedMean { f }, options, out)
        }
    }
}

/// The participants of one aggregation in the order of their ids, found to fit together.
struct Round<'a> {
    isa: Isa,
    updates: Vec<&'a Update<'a>>,
}

impl<'a> Round<'a> {
    fn new(isa: Isa, updates: &'a [Update<'a>]) -> Result<Self, AggregateError> {
        let mut updates: Vec<_> = updates.iter().collect();
        updates.sort_by_key(|u| u.id);
        let first = *updates.first().ok_or(AggregateError::NoUpdates)?;
        if let Some(pair) = updates.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(AggregateError::DuplicateId { id: pair[0].id });
        }
        for update in &updates {
            for (tensor, part) in update.parts().iter().enumerate() {
                if part.bytes.len() % part.dtype.size() != 0 {
                    let (id, bytes, dtype) = (update.id, part.bytes.len(), part.dtype);
                    return Err(AggregateError::Bytes { id, tensor, bytes, dtype });
                }
            }
            check_layout(first, update)?;
        }
        Ok(Round { isa, updates })
    }

    fn len(&self) -> usize {
        self.updates[0].len()
    }

    fn weights(&self) -> Result<Vec<f64>, AggregateError> {
        for u in &self.updates {
            if !(0.0..=1e30).contains(&u.weight) {
                return Err(AggregateError::Weight { id: u.id, weight: u.weight });
            }
        }
        let weights: Vec<f64> = self.updates.iter().map(|u| u.weight).collect();
        if weights.iter().all(|w| *w == 0.0) {
            return Err(AggregateError::ZeroWeight);
        }
        Ok(weights)
    }

    fn weighted_mean(
        &self,
        weights: &[f64],
        options: &Options,
        out: &mut [f32],
    ) -> Result<(), AggregateError> {
        let (isa, total) = (self.isa, weights.iter().sum());
        for_each_tile(
            &self.updates,
            options,
            out,
            || (),
            |(), tile, out| weighted_mean(isa, tile, weights, total, out),
        )
    }

    fn columns(&self, rule: ColumnRule, options: &Options, out: &mut [f32]) -> Result<(), AggregateError> {
        let ready = || Columns::new(self.isa, rule, self.updates.len());
        for_each_tile(&self.updates, options, out, ready, Columns::apply)
    }
}

fn check_layout(first: &Update<'_>, update: &Update<'_>) -> Result<(), AggregateError> {
    let lengths = |u: &Update<'_>| u.parts().iter().map(|p| p.len()).collect::<Vec<_>>();
    let (expected, found) = (lengths(first), lengths(update));
    if expected == found {
        return Ok(());
    }
    let (found, expected) = match expected.iter().zip(&found).position(|(a, b)| a != b) {
        Some(t) => {
            (format!("{} values in tensor {t}", found[t]), format!("{} values in tensor {t}", expected[t]))
        }
        None => (format!("{} tensors", found.len()), format!("{} tensors", expected.len())),
    };
    Err(AggregateError::Layout { id: update.id, first: first.id, found, expected })
}

/// Sample counts, each at most `cap` times their median.
fn capped(mut weights: Vec<f64>, cap: f64) -> Result<Vec<f64>, AggregateError> {
    if !(cap >= 1.0 && cap.is_finite()) {
        let expected = "a number of at least 1";
        return Err(AggregateError::Parameter { method: "fedavg", parameter: "cap", value: cap, expected });
    }
    let mut sorted = weights.clone();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
    for w in &mut weights {
        *w = w.min(cap * median);
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(AggregateError::ZeroWeight);
    }
    Ok(weights)
}
