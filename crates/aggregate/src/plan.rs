//! From a method to work on the data: what is decided in Gram space, and what is left to be applied.

use crate::column::ColumnRule;
use crate::distances::{Distances, Scope};
use crate::geometry::Gram;
use crate::lanes::Isa;
use crate::method::{Method, PreAggregation, Start, Tolerance};
use crate::signs::{self, Signs};
use crate::{AggregateError, Update, distances, geometry, selection};

/// What remains to be done to the data in one last pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plan {
    /// sum of w_i x_i / total; `checked` if all values are known to be finite.
    Mean { weights: Vec<f64>, total: f64, checked: bool },
    /// A rule over the rows, or those of them that are chosen.
    Columns { rule: ColumnRule, chosen: Option<Vec<usize>> },
    /// A rule over combinations of the rows, or some of them.
    MixedColumns { rule: ColumnRule, coefficients: Vec<Vec<f64>> },
}

impl Plan {
    /// Decides `method` for the participants. Their geometry, where it matters, is `measured`, or read from the data.
    pub(crate) fn new(
        isa: Isa,
        method: &Method,
        updates: &[&Update<'_>],
        measured: Measured,
        memory: usize,
    ) -> Result<Self, AggregateError> {
        within(method, updates, memory)?;
        let scope = scope(method).unwrap_or(Scope::Pairs);
        let n = updates.len();
        let (chosen, origins) = (None, Some((0..n).collect()));
        let mut rows = Rows { isa, updates, chosen, mixed: None, origins, measured, scope, memory, n };
        let mut method = method;
        while let Method::After { before, method: then } = method {
            rows.prepare(*before, then)?;
            method = then;
        }
        rows.decide(method)
    }
}

/// What has been read from the data before, of all updates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) distances: Option<Distances>,
    pub(crate) signs: Option<Vec<Signs>>,
}

/// Whether the matrices that `method` needs for `updates` fit into `memory` bytes.
pub(crate) fn within(method: &Method, updates: &[&Update<'_>], memory: usize) -> Result<(), AggregateError> {
    let n = updates.len();
    let needed = distances::matrices(n, updates[0].len());
    let needs = scope(method).is_some() || matches!(method, Method::After { .. });
    if needs && needed > memory {
        return Err(AggregateError::Memory { method: method.to_string(), n, needed, allowed: memory });
    }
    Ok(())
}

/// The rows as the pre-aggregations so far have made them.
struct Rows<'a> {
    isa: Isa,
    updates: &'a [&'a Update<'a>],
    /// Which of the updates the rows are, once they are not all of these, as long as they are some of them.
    chosen: Option<Vec<usize>>,
    /// The rows as combinations of the updates, once they are no longer these.
    mixed: Option<Vec<Vec<f64>>>,
    /// The update that each row was made of, until rows are mixed.
    origins: Option<Vec<usize>>,
    /// The distances are those between the rows, as far as `scope` goes; the signs those of all updates.
    measured: Measured,
    scope: Scope,
    memory: usize,
    /// How many rows there are.
    n: usize,
}

impl<'a> Rows<'a> {
    fn distances(&mut self) -> Result<&Distances, AggregateError> {
        if let Some(ref distances) = self.measured.distances {
            Ok(distances)
        } else {
            debug_assert!(self.mixed.is_none(), "mixed rows that are measured later keep their distances");
            let all = Distances::measure(self.isa, self.updates, self.scope, 0, self.memory)?;
            let measured = match &self.chosen {
                Some(chosen) => all.of(chosen, self.updates.len()),
                None => all,
            };
            Ok(self.measured.distances.insert(measured))
        }
    }

    fn gram(&mut self) -> Result<Gram, AggregateError> {
        let (n, updates) = (self.n, self.plain());
        Ok(Gram::new(self.distances()?, n, updates.as_deref()))
    }

    /// The updates that the rows are, as long as they are any.
    fn plain(&self) -> Option<Vec<&'a Update<'a>>> {
        match (&self.mixed, &self.chosen) {
            (Some(_), _) => None,
            (None, None) => Some(self.updates.to_vec()),
            (None, Some(chosen)) => Some(chosen.iter().map(|i| self.updates[*i]).collect()),
        }
    }

    /// Goes on with some of the rows.
    fn keep(&mut self, kept: &[usize]) {
        if kept.len() == self.n {
            return;
        }
        if let Some(distances) = &self.measured.distances {
            self.measured.distances = Some(distances.of(kept, self.n));
        }
        if let Some(origins) = &mut self.origins {
            *origins = kept.iter().map(|i| origins[*i]).collect();
        }
        if let Some(rows) = &mut self.mixed {
            *rows = kept.iter().map(|i| rows[*i].clone()).collect();
        } else {
            let before = self.chosen.take();
            let update = |i: &usize| before.as_ref().map_or(*i, |chosen| chosen[*i]);
            self.chosen = Some(kept.iter().map(update).collect());
        }
        self.n = kept.len();
    }

    fn prepare(&mut self, before: PreAggregation, then: &Method) -> Result<(), AggregateError> {
        let n = self.n;
        match before {
            PreAggregation::NearestNeighbourMixing { f } => {
                let f = bound("nnm", f, n, |f| 2 * f + 1)?;
                let members = selection::nearest(self.distances()?, n, n - f);
                self.mix(members, then)
            }
            PreAggregation::Bucketing { size, seed } => {
                let order = shuffled(n, seed);
                let buckets = order.chunks(size.max(1)).map(|bucket| {
                    let mut bucket = bucket.to_vec();
                    bucket.sort_unstable();
                    bucket
                });
                self.mix(buckets.collect(), then)
            }
            PreAggregation::AdaptiveClipping { f } => {
                let f = bound("arc", f, n, |f| 2 * f + 1)?;
                let mut norms = self.norms()?;
                let clipped = 2 * f * (n - f) / n;
                norms.sort_by(f64::total_cmp);
                self.clip(norms[n - clipped - 1], then)
            }
            PreAggregation::NormFilter { low, high } => {
                if !(0.0..=1.0).contains(&low) {
                    return Err(parameter("norm-filter", "low", low, "from 0 to 1"));
                }
                if !(high >= 2.0 && high.is_finite()) {
                    return Err(parameter("norm-filter", "high", high, "a number of at least 2"));
                }
                let norms = self.norms()?;
                let usual = geometry::median(&mut norms.clone());
                let kept: Vec<usize> =
                    (0..n).filter(|i| low * usual <= norms[*i] && norms[*i] <= high * usual).collect();
                self.keep(&kept);
                Ok(())
            }
            PreAggregation::SignFilter { f } => {
                let f = bound("sign-filter", f, n, |f| 2 * f + 1)?;
                let origins =
                    self.origins.as_ref().ok_or(AggregateError::Misplaced { method: "sign-filter" })?;
                if self.measured.signs.is_none() {
                    self.measured.signs = Some(Signs::measure(self.updates)?);
                }
                let all = self.measured.signs.as_deref().unwrap_or_default();
                let signs: Vec<Signs> = origins.iter().map(|i| all[*i]).collect();
                self.keep(&signs::usual(&signs, n - f));
                Ok(())
            }
            PreAggregation::NormClipping { norm } => {
                let norm = match norm {
                    Some(norm) => norm,
                    None => geometry::median(&mut self.norms()?),
                };
                self.clip(norm, then)
            }
        }
    }

    fn norms(&mut self) -> Result<Vec<f64>, AggregateError> {
        let n = self.n;
        let distances = self.distances()?;
        Ok((0..n).map(|i| distances.squared(i, n).sqrt()).collect())
    }

    fn clip(&mut self, bound: f64, then: &Method) -> Result<(), AggregateError> {
        let factors: Vec<f64> =
            self.norms()?.iter().map(|norm| if *norm > bound { bound / norm } else { 1.0 }).collect();
        if factors.iter().all(|f| *f == 1.0) {
            return Ok(());
        }
        if looks(then) {
            let updates = self.plain();
            let scaled = geometry::scaled(self.distances()?, &factors, updates.as_deref());
            self.measured.distances = Some(scaled);
        }
        let rows = self.coefficients();
        for (row, factor) in rows.iter_mut().zip(factors) {
            row.iter_mut().for_each(|c| *c *= factor);
        }
        Ok(())
    }

    /// Replaces the rows by the means of the given sets of them.
    fn mix(&mut self, sets: Vec<Vec<usize>>, then: &Method) -> Result<(), AggregateError> {
        let n = self.n;
        if looks(then) {
            let points = n + usize::from(self.scope.origin());
            let mut b: Vec<Vec<f64>> = sets
                .iter()
                .map(|set| {
                    let mut row = vec![0.0; points];
                    set.iter().for_each(|j| row[*j] = 1.0 / set.len() as f64);
                    row
                })
                .collect();
            if self.scope.origin() {
                let mut origin = vec![0.0; points];
                origin[n] = 1.0;
                b.push(origin);
            }
            let mixed = self.gram()?.mixed(&b);
            self.measured.distances = Some(mixed);
        }
        let rows = self.coefficients();
        let mixed = sets
            .iter()
            .map(|set| {
                let share = 1.0 / set.len() as f64;
                let column = |c: usize| set.iter().map(|j| rows[*j][c]).sum::<f64>() * share;
                (0..rows[0].len()).map(column).collect()
            })
            .collect::<Vec<Vec<f64>>>();
        self.n = mixed.len();
        self.mixed = Some(mixed);
        self.origins = None;
        Ok(())
    }

    fn coefficients(&mut self) -> &mut Vec<Vec<f64>> {
        let n = self.updates.len();
        let chosen = self.chosen.take();
        self.mixed.get_or_insert_with(|| {
            let unit = |i: usize| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect();
            chosen.unwrap_or_else(|| (0..n).collect()).into_iter().map(unit).collect()
        })
    }

    fn decide(mut self, method: &Method) -> Result<Plan, AggregateError> {
        let n = self.n;
        match *method {
            Method::Average => self.mean(vec![1.0; n]),
            Method::WeightedAverage => {
                let weights = self.weights()?;
                self.mean(weights)
            }
            Method::FedAvg { cap } => {
                let weights = capped(self.weights()?, cap)?;
                self.mean(weights)
            }
            Method::Median => self.columns(ColumnRule::Median),
            Method::TrimmedMean { trim } => {
                let f = bound("trimmed-mean", trim, n, |f| 2 * f + 1)?;
                self.columns(ColumnRule::TrimmedMean { f })
            }
            Method::MeanAroundMedian { f } => {
                let f = bound("meamed", f, n, |f| 2 * f + 1)?;
                self.columns(ColumnRule::MeanAroundMedian { f })
            }
            Method::Krum { f, neighbours } => {
                let f = bound("krum", f, n, |f| 2 * f + 3)?;
                let order = selection::krum_order(self.distances()?, n, neighbours.unwrap_or(n - f - 2));
                self.mean_of(&order[..1])
            }
            Method::MultiKrum { f, neighbours, m } => {
                let f = bound("multi-krum", f, n, |f| 2 * f + 3)?;
                let order = selection::krum_order(self.distances()?, n, neighbours.unwrap_or(n - f - 2));
                let m = m.unwrap_or(n - f);
                if m > n {
                    let expected = "at most the number of updates";
                    return Err(parameter("multi-krum", "m", m as f64, expected));
                }
                self.mean_of(&order[..m])
            }
            Method::Bulyan { f } => {
                let f = bound("bulyan", f, n, |f| 4 * f + 3)?;
                let winners = selection::bulyan_winners(self.distances()?, n, f, n - 2 * f);
                let rule = ColumnRule::MeanAroundMedian { f: 2 * f };
                self.keep(&winners);
                self.columns(rule)
            }
            Method::MinimumDiameter { f } => {
                let f = bound("mda", f, n, |f| 2 * f + 1)?;
                let kept = selection::least_diameter(self.distances()?, n, f)?;
                self.mean_of(&kept)
            }
            Method::GeometricMedian => {
                let gram = self.gram()?;
                let weights = geometry::geometric_median(self.distances()?, &gram, n);
                self.combination(&weights)
            }
            Method::CenteredClipping { tau, steps, start } => {
                let distances = self.distances()?;
                let mut from = vec![0.0; distances.points()];
                match start {
                    Start::Medoid => from[selection::medoid(distances, n)] = 1.0,
                    Start::Origin => from[n] = 1.0,
                }
                let weights = geometry::centered_clipping(&self.gram()?, n, tau, steps, from);
                self.combination(&weights)
            }
            Method::Caf { f } => {
                let f = bound("caf", f, n, |f| 2 * f + 1)?;
                let weights = geometry::caf(&self.gram()?, n, f);
                self.mean(weights)
            }
            Method::WeightedMedian => {
                let weights = self.weights()?.into();
                self.columns(ColumnRule::WeightedMedian { weights })
            }
            Method::WeightedTrimmedMean { trim } => {
                let ratio = match trim {
                    Tolerance::Ratio(ratio) => ratio,
                    Tolerance::Count(f) => f as f64 / n as f64,
                };
                bound("weighted-trimmed-mean", trim, n, |f| 2 * f + 1)?;
                let weights = self.weights()?.into();
                self.columns(ColumnRule::WeightedTrimmedMean { weights, ratio })
            }
            Method::SignMajority => self.columns(ColumnRule::SignMajority),
            Method::FlTrust { reference } => {
                let updates = self.plain();
                let r = match reference {
                    Some(id) => self.row_of(id).ok_or(AggregateError::Reference { id })?,
                    None => selection::medoid(self.distances()?, n),
                };
                let (weights, total) = geometry::fltrust(self.distances()?, n, r, updates.as_deref());
                Ok(Plan::Mean { weights: self.on_updates(weights), total, checked: self.checked() })
            }
            Method::After { ref before, ref method } => {
                self.prepare(*before, method)?;
                self.decide(method)
            }
        }
    }

    /// The row that was made of one participant's update alone.
    fn row_of(&self, id: u64) -> Option<usize> {
        self.origins.as_ref()?.iter().position(|i| self.updates[*i].id == id)
    }

    fn columns(self, rule: ColumnRule) -> Result<Plan, AggregateError> {
        Ok(match self.mixed {
            None => Plan::Columns { rule, chosen: self.chosen },
            Some(coefficients) => Plan::MixedColumns { rule, coefficients },
        })
    }

    fn mean_of(self, rows: &[usize]) -> Result<Plan, AggregateError> {
        let mut weights = vec![0.0; self.n];
        rows.iter().for_each(|i| weights[*i] = 1.0);
        self.mean(weights)
    }

    /// sum of w_i y_i / sum of w_i.
    fn mean(self, weights: Vec<f64>) -> Result<Plan, AggregateError> {
        let total = weights.iter().sum();
        Ok(Plan::Mean { weights: self.on_updates(weights), total, checked: self.checked() })
    }

    /// sum of a_i y_i; what lies behind the rows in `a` is the origin's.
    fn combination(self, a: &[f64]) -> Result<Plan, AggregateError> {
        let weights = a[..self.n].to_vec();
        Ok(Plan::Mean { weights: self.on_updates(weights), total: 1.0, checked: self.checked() })
    }

    /// Whether distances have been measured, for which every value counts.
    fn checked(&self) -> bool {
        self.measured.signs.is_some()
            || self.measured.distances.is_some() && (self.scope.origin() || self.updates.len() > 1)
    }

    fn on_updates(&self, weights: Vec<f64>) -> Vec<f64> {
        match &self.mixed {
            None => match &self.chosen {
                None => weights,
                Some(chosen) => {
                    let mut all = vec![0.0; self.updates.len()];
                    chosen.iter().zip(weights).for_each(|(i, w)| all[*i] = w);
                    all
                }
            },
            Some(rows) => (0..rows[0].len())
                .map(|j| {
                    let mut sum = 0.0;
                    for (w, row) in weights.iter().zip(rows) {
                        sum += w * row[j];
                    }
                    sum
                })
                .collect(),
        }
    }

    /// The participants' weights; of mixed rows the mean of those in them.
    fn weights(&self) -> Result<Vec<f64>, AggregateError> {
        for u in self.updates {
            if !(0.0..=1e30).contains(&u.weight) {
                return Err(AggregateError::Weight { id: u.id, weight: u.weight });
            }
        }
        let weights: Vec<f64> = self.updates.iter().map(|u| u.weight).collect();
        if weights.iter().all(|w| *w == 0.0) {
            return Err(AggregateError::ZeroWeight);
        }
        let Some(rows) = &self.mixed else {
            let Some(chosen) = &self.chosen else { return Ok(weights) };
            let weights: Vec<f64> = chosen.iter().map(|i| weights[*i]).collect();
            return if weights.iter().all(|w| *w == 0.0) {
                Err(AggregateError::ZeroWeight)
            } else {
                Ok(weights)
            };
        };
        let mean = |row: &Vec<f64>| {
            let (mut sum, mut total) = (0.0, 0.0);
            for (c, w) in row.iter().zip(&weights) {
                sum += c * w;
                total += c;
            }
            // A row of nothing: clipped to a norm that f64 cannot tell from 0.
            if total == 0.0 { 0.0 } else { sum / total }
        };
        let weights: Vec<f64> = rows.iter().map(mean).collect();
        if weights.iter().all(|w| *w == 0.0) { Err(AggregateError::ZeroWeight) } else { Ok(weights) }
    }
}

/// What of the geometry `method` looks at, if anything.
pub(crate) fn scope(method: &Method) -> Option<Scope> {
    let both = |a: Option<Scope>, b: Option<Scope>| match (a, b) {
        (None, other) | (other, None) => other,
        (Some(a), Some(b)) => Some(if a == b { a } else { Scope::PairsAndNorms }),
    };
    match method {
        Method::Average
        | Method::WeightedAverage
        | Method::FedAvg { .. }
        | Method::Median
        | Method::TrimmedMean { .. }
        | Method::WeightedMedian
        | Method::WeightedTrimmedMean { .. }
        | Method::MeanAroundMedian { .. }
        | Method::SignMajority => None,
        Method::Krum { .. }
        | Method::MultiKrum { .. }
        | Method::Bulyan { .. }
        | Method::MinimumDiameter { .. }
        | Method::GeometricMedian
        | Method::CenteredClipping { start: Start::Medoid, .. }
        | Method::Caf { .. } => Some(Scope::Pairs),
        Method::FlTrust { .. } | Method::CenteredClipping { start: Start::Origin, .. } => {
            Some(Scope::PairsAndNorms)
        }
        Method::After { before, method } => {
            let own = match before {
                PreAggregation::NearestNeighbourMixing { .. } => Some(Scope::Pairs),
                PreAggregation::AdaptiveClipping { .. }
                | PreAggregation::NormClipping { .. }
                | PreAggregation::NormFilter { .. } => Some(Scope::Norms),
                PreAggregation::SignFilter { .. } | PreAggregation::Bucketing { .. } => None,
            };
            both(own, scope(method))
        }
    }
}

/// Whether `method` looks at the signs of the updates.
pub(crate) fn looks_at_signs(method: &Method) -> bool {
    match method {
        Method::After { before, method } => {
            matches!(before, PreAggregation::SignFilter { .. }) || looks_at_signs(method)
        }
        _ => false,
    }
}

/// Whether the geometry of the rows that are left matters to `method`.
fn looks(method: &Method) -> bool {
    scope(method).is_some()
}

/// f, if `n` updates are enough for it.
fn bound(
    method: &'static str,
    f: Tolerance,
    n: usize,
    needed: impl Fn(usize) -> usize,
) -> Result<usize, AggregateError> {
    if let Tolerance::Ratio(ratio) = f
        && !(0.0..0.5).contains(&ratio)
    {
        return Err(parameter(method, "ratio", ratio, "from 0 to below 0.5"));
    }
    let f = f.count(n);
    let needed = needed(f.min(usize::MAX / 8));
    if n < needed {
        return Err(AggregateError::TooFew { method, f, needed, found: n });
    }
    Ok(f)
}

fn parameter(
    method: &'static str,
    parameter: &'static str,
    value: f64,
    expected: &'static str,
) -> AggregateError {
    AggregateError::Parameter { method, parameter, value, expected }
}

/// Sample counts, each at most `cap` times their median.
fn capped(mut weights: Vec<f64>, cap: f64) -> Result<Vec<f64>, AggregateError> {
    if !(cap >= 1.0 && cap.is_finite()) {
        return Err(parameter("fedavg", "cap", cap, "a number of at least 1"));
    }
    let median = geometry::median(&mut weights.clone());
    for w in &mut weights {
        *w = w.min(cap * median);
    }
    if weights.iter().all(|w| *w == 0.0) {
        return Err(AggregateError::ZeroWeight);
    }
    Ok(weights)
}

/// 0..n in an order that follows from the seed: Fisher-Yates from the end, with SplitMix64 modulo the rest.
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, (next() % (i as u64 + 1)) as usize);
    }
    order
}
