//! Rounds whose updates arrive one after the other.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::distances::{Distances, Scope};
use crate::lanes::Isa;
use crate::mean::{add_weighted, divide};
use crate::plan::{Measured, Plan, looks_at_signs, scope, within};
use crate::round::{apply, fits, participants};
use crate::signs::Signs;
use crate::tiles::{Access, Tile, for_each_tile};
use crate::{AggregateError, Method, Options, Update};

/// What can be done for a round before all its updates are there.
///
/// Updates arrive over minutes, a round closes in an instant. Whenever some have arrived, [`arrived`](Self::arrived) does
/// for the new ones what the method will need of them: it finds values that are not finite, measures norms and the
/// distances from those before (one row of the matrix for a new update, instead of all of it at the end), and adds them to
/// the running sum of a mean. [`close`](Self::close) then does only what had to wait. The result is the same bits as that of
/// [`aggregate_into`](crate::aggregate_into), whatever the order of arrival, and whichever of the updates take part in
/// the end.
///
/// What is kept is N^2 numbers and, for a mean, one sum of d f64 where that is within [`Options::memory`]; no update. An
/// id stands for one content.
///
/// ```
/// use r3mes_aggregate::{Method, Options, Preparation, Update};
///
/// let values = [[1.0f32, 2.0], [1.1, 2.1], [0.9, 1.9], [1.0, 2.2], [-90.0, 70.0]];
/// let mut updates = Vec::new();
/// for (id, values) in values.iter().enumerate() {
///     let mut update = Update::new(id as u64, 1.0);
///     update.push_values(values);
///     updates.push(update);
/// }
/// let method: Method = "nnm+trimmed-mean(f=1)".parse()?;
/// let options = Options::default();
/// let mut round = Preparation::new(&method);
/// for present in [&updates[3..], &updates[1..], &updates[..]] {
///     round.arrived(present, &options)?;
/// }
/// let mut aggregate = [0.0; 2];
/// round.close(&updates, &options, &mut aggregate)?;
/// assert_eq!(aggregate[..], r3mes_aggregate::aggregate(&method, &updates, &options)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Preparation {
    method: Method,
    isa: Isa,
    scope: Option<Scope>,
    /// Those that have been measured.
    seen: BTreeSet<u64>,
    /// Squared distances by the ids of a pair, the lower first.
    pairs: HashMap<(u64, u64), f64>,
    /// Squared norms.
    norms: HashMap<u64, f64>,
    /// Positive and negative values, where the method looks at them.
    signs: Option<HashMap<u64, Signs>>,
    sum: Option<RunningSum>,
}

/// sum of w_i x_i of those that arrived in ascending order of their ids.
#[derive(Clone, Debug, Default)]
struct RunningSum {
    terms: Vec<(u64, f64)>,
    sums: Vec<f64>,
}

impl Preparation {
    /// Nothing has arrived yet.
    pub fn new(method: &Method) -> Self {
        Preparation {
            method: method.clone(),
            isa: Isa::best(),
            scope: scope(method),
            seen: BTreeSet::new(),
            pairs: HashMap::new(),
            norms: HashMap::new(),
            signs: looks_at_signs(method).then(HashMap::new),
            sum: weight_at_arrival(method).map(|_| RunningSum::default()),
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Prepares what is new among the updates that are `present`. In any order; those known from before are there to be
    /// measured against.
    ///
    /// # Errors
    /// As [`aggregate`](crate::aggregate) for the updates themselves, [`AggregateError::NonFinite`] above all; nothing new
    /// of this call is kept then, and what was prepared before stays.
    pub fn arrived(&mut self, present: &[Update<'_>], options: &Options) -> Result<(), AggregateError> {
        let updates = participants(present)?;
        self.measure(&updates, options.memory)?;
        self.add(&updates, options)
    }

    /// Aggregates `updates` into `out`. What of them has not arrived before is prepared now; what has arrived and is not
    /// among them takes no part.
    ///
    /// # Errors
    /// As [`aggregate_into`](crate::aggregate_into).
    pub fn close(
        mut self,
        updates: &[Update<'_>],
        options: &Options,
        out: &mut [f32],
    ) -> Result<(), AggregateError> {
        let updates = participants(updates)?;
        fits(&updates, out)?;
        self.measure(&updates, options.memory)?;
        let measured = Measured {
            distances: self.scope.map(|scope| self.distances(&updates, scope)),
            signs: self
                .signs
                .as_ref()
                .map(|signs| updates.iter().map(|u| signs.get(&u.id).copied().unwrap_or_default()).collect()),
        };
        let plan = Plan::new(self.isa, &self.method, &updates, measured, options.memory)?;
        match (&plan, self.sum.take()) {
            (Plan::Mean { weights, total, .. }, Some(sum)) if sum.begins(&updates, weights) => {
                sum.complete(self.isa, &updates, weights, *total, options, out)
            }
            _ => apply(self.isa, plan, updates, options, out),
        }
    }

    /// Measures what is missing between the updates.
    fn measure(&mut self, updates: &[&Update<'_>], memory: usize) -> Result<(), AggregateError> {
        within(&self.method, updates, memory)?;
        self.measure_distances(updates, memory)?;
        let Some(signs) = &mut self.signs else { return Ok(()) };
        let new: Vec<&Update<'_>> =
            updates.iter().copied().filter(|update| !signs.contains_key(&update.id)).collect();
        let found = Signs::measure(&new)?;
        signs.extend(new.iter().map(|update| update.id).zip(found));
        Ok(())
    }

    fn measure_distances(&mut self, updates: &[&Update<'_>], memory: usize) -> Result<(), AggregateError> {
        let Some(scope) = self.scope else { return Ok(()) };
        let mut order: Vec<&Update<'_>> = Vec::with_capacity(updates.len());
        let mut new = Vec::new();
        for update in updates {
            let known = (!scope.origin() || self.norms.contains_key(&update.id))
                && (!scope.pairs()
                    || order.iter().all(|other| self.pairs.contains_key(&pair(update, other))));
            if known && self.seen.contains(&update.id) { order.push(update) } else { new.push(*update) }
        }
        if new.is_empty() {
            return Ok(());
        }
        let known = order.len();
        order.extend(new);
        let found = Distances::measure(self.isa, &order, scope, known, memory)?;
        for (i, a) in order.iter().enumerate().skip(known) {
            self.seen.insert(a.id);
            if scope.origin() {
                self.norms.insert(a.id, found.squared(i, order.len()));
            }
            if scope.pairs() {
                for (j, b) in order[..i].iter().enumerate() {
                    self.pairs.insert(pair(a, b), found.squared(i, j));
                }
            }
        }
        Ok(())
    }

    /// What [`Distances::measure`] gives for `updates`, all of which have been measured.
    fn distances(&self, updates: &[&Update<'_>], scope: Scope) -> Distances {
        let n = updates.len();
        Distances::from_fn(n + usize::from(scope.origin()), |i, j| match (i.max(j), i.min(j)) {
            (origin, i) if origin == n => self.norms.get(&updates[i].id).copied().unwrap_or_default(),
            _ if scope.pairs() => self.pairs.get(&pair(updates[i], updates[j])).copied().unwrap_or_default(),
            _ => 0.0,
        })
    }

    /// Adds to the running sum what goes on where it ends.
    fn add(&mut self, updates: &[&Update<'_>], options: &Options) -> Result<(), AggregateError> {
        let (Some(weight), Some(mut sum)) = (weight_at_arrival(&self.method), self.sum.take()) else {
            return Ok(());
        };
        if size_of::<f64>() * updates[0].len() > options.memory {
            return Ok(());
        }
        for update in updates {
            if sum.terms.iter().any(|(id, _)| *id == update.id) {
                continue;
            }
            if sum.terms.last().is_some_and(|(id, _)| *id > update.id) {
                // It belongs in the middle, and a sum in floating point cannot be taken apart again.
                return Ok(());
            }
            sum.add(self.isa, update, weight(update), options)?;
        }
        self.sum = Some(sum);
        Ok(())
    }
}

impl RunningSum {
    fn add(
        &mut self,
        isa: Isa,
        update: &Update<'_>,
        weight: f64,
        options: &Options,
    ) -> Result<(), AggregateError> {
        self.sums.resize(update.len(), 0.0);
        let work = |(): &mut (), tile: &Tile<'_>, sums: &mut [f64]| add_weighted(isa, tile, weight, sums);
        for_each_tile(&[update], options, Access::Native, &mut self.sums, || (), work)?;
        self.terms.push((update.id, weight));
        Ok(())
    }

    /// Whether it is the beginning, and the greater part, of the weighted sum over all of `updates`.
    fn begins(&self, updates: &[&Update<'_>], weights: &[f64]) -> bool {
        let wanted = updates.iter().map(|update| update.id).zip(weights.iter().copied());
        // Row by row it goes slower than all rows at once.
        let worth = 2 * self.terms.len() > updates.len();
        worth
            && self.terms.len() <= updates.len()
            && self.terms.iter().copied().zip(wanted).all(|(a, b)| a == b)
    }

    fn complete(
        mut self,
        isa: Isa,
        updates: &[&Update<'_>],
        weights: &[f64],
        total: f64,
        options: &Options,
        out: &mut [f32],
    ) -> Result<(), AggregateError> {
        let done = self.terms.len();
        for (update, weight) in updates[done..].iter().zip(&weights[done..]) {
            self.add(isa, update, *weight, options)?;
        }
        out.par_chunks_mut(options.tile.max(1))
            .zip(self.sums.par_chunks(options.tile.max(1)))
            .for_each(|(out, sums)| divide(isa, sums, total, out));
        Ok(())
    }
}

fn pair(a: &Update<'_>, b: &Update<'_>) -> (u64, u64) {
    (a.id.min(b.id), a.id.max(b.id))
}

/// The weight with which a mean takes an update in, where that is known when it arrives (or probably: that of federated
/// averaging may be capped in the end, which makes its running sum useless).
fn weight_at_arrival(method: &Method) -> Option<fn(&Update<'_>) -> f64> {
    match method {
        Method::Average => Some(|_| 1.0),
        Method::WeightedAverage | Method::FedAvg { .. } => Some(|update| update.weight),
        _ => None,
    }
}
