//! Rules that choose among the updates by their distances.

use crate::AggregateError;
use crate::distances::Distances;

/// Each row's others in ascending order of distance, ties by index.
struct Neighbours(Vec<Vec<(f64, usize)>>);

impl Neighbours {
    fn of(distances: &Distances, n: usize) -> Self {
        let row = |i: usize| {
            let mut row: Vec<(f64, usize)> =
                (0..n).filter(|j| *j != i).map(|j| (distances.squared(i, j), j)).collect();
            row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            row
        };
        Neighbours((0..n).map(row).collect())
    }

    /// Krum's score: the sum of the `count` least squared distances to others that are still there.
    fn score(&self, i: usize, count: usize, there: &[bool]) -> f64 {
        self.0[i].iter().filter(|(_, j)| there[*j]).take(count).map(|(d, _)| d).sum()
    }
}

/// The rows in ascending order of Krum's score over `neighbours` others, ties by index.
pub(crate) fn krum_order(distances: &Distances, n: usize, neighbours: usize) -> Vec<usize> {
    let (sorted, there) = (Neighbours::of(distances, n), vec![true; n]);
    let scores: Vec<f64> = (0..n).map(|i| sorted.score(i, neighbours, &there)).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(a.cmp(b)));
    order
}

/// The `winners` rows that Krum chooses one after the other, each time without those chosen before; ascending.
pub(crate) fn bulyan_winners(distances: &Distances, n: usize, f: usize, winners: usize) -> Vec<usize> {
    let sorted = Neighbours::of(distances, n);
    let mut there = vec![true; n];
    for left in (n - winners + 1..=n).rev() {
        let neighbours = left.saturating_sub(f + 2).max(1);
        let best = (0..n)
            .filter(|i| there[*i])
            .map(|i| (sorted.score(i, neighbours, &there), i))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some((_, i)) = best {
            there[i] = false;
        }
    }
    (0..n).filter(|i| !there[*i]).collect()
}

/// For each row itself and the `count - 1` nearest others, ascending.
pub(crate) fn nearest(distances: &Distances, n: usize, count: usize) -> Vec<Vec<usize>> {
    let sorted = Neighbours::of(distances, n);
    (0..n)
        .map(|i| {
            let mut members: Vec<usize> = sorted.0[i].iter().take(count - 1).map(|(_, j)| *j).collect();
            members.push(i);
            members.sort_unstable();
            members
        })
        .collect()
}

/// The row with the least sum of distances to the nearest half of the others (floor(n / 2) of them), ties by index.
///
/// Half of them, so that rows far away, fewer than half of all, neither are it nor drown the differences.
pub(crate) fn medoid(distances: &Distances, n: usize) -> usize {
    let sum = |i: usize| {
        let mut others: Vec<f64> = (0..n).filter(|j| *j != i).map(|j| distances.squared(i, j)).collect();
        others.sort_by(f64::total_cmp);
        others.iter().take(n / 2).map(|d| d.sqrt()).sum::<f64>()
    };
    let sums: Vec<f64> = (0..n).map(sum).collect();
    (0..n).min_by(|a, b| sums[*a].total_cmp(&sums[*b]).then(a.cmp(b))).unwrap_or(0)
}

/// Steps that the search for the subset of least diameter may take.
const SEARCH: usize = 20_000_000;

/// The `n - f` rows whose greatest distance is least; of several such sets the first in lexicographic order.
///
/// The rows to leave out are a vertex cover, of at most f rows, of the graph of all pairs that are too far apart; the
/// diameter is found by bisection over the distances.
pub(crate) fn least_diameter(
    distances: &Distances,
    n: usize,
    f: usize,
) -> Result<Vec<usize>, AggregateError> {
    let mut diameters: Vec<f64> =
        (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| distances.squared(i, j)).collect();
    diameters.push(0.0);
    diameters.sort_by(f64::total_cmp);
    diameters.dedup();
    let mut search = Cover { distances, n, steps: 0 };
    let (mut low, mut high) = (0, diameters.len() - 1);
    while low < high {
        let middle = (low + high) / 2;
        if search.exists(diameters[middle], &mut vec![true; n], f)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let diameter = diameters[low];
    // Whatever can stay, from the first row on, stays.
    let mut there = vec![true; n];
    let mut left = f;
    let mut kept = Vec::new();
    for i in 0..n {
        if !there[i] {
            continue;
        }
        if kept.len() == n - f {
            break;
        }
        let far: Vec<usize> = (0..n).filter(|j| there[*j] && distances.squared(i, *j) > diameter).collect();
        if far.len() <= left && far.iter().all(|j| !kept.contains(j)) {
            let mut trial = there.clone();
            far.iter().for_each(|j| trial[*j] = false);
            if search.exists(diameter, &mut trial.clone(), left - far.len())? {
                there = trial;
                left -= far.len();
                kept.push(i);
                continue;
            }
        }
        there[i] = false;
        left -= 1;
    }
    Ok(kept)
}

struct Cover<'a> {
    distances: &'a Distances,
    n: usize,
    steps: usize,
}

impl Cover<'_> {
    /// Whether at most `budget` rows can leave so that no pair of the rest is further apart than `diameter`.
    fn exists(&mut self, diameter: f64, there: &mut [bool], budget: usize) -> Result<bool, AggregateError> {
        self.steps += 1;
        if self.steps > SEARCH / (self.n * self.n).max(1) {
            return Err(AggregateError::SearchTooLong { method: "mda" });
        }
        let degree =
            |i: usize| (0..self.n).filter(|j| there[*j] && self.distances.squared(i, *j) > diameter).count();
        let worst =
            (0..self.n).filter(|i| there[*i]).map(|i| (degree(i), i)).max_by_key(|(d, i)| (*d, self.n - i));
        let Some((degree, worst)) = worst.filter(|(degree, _)| *degree > 0) else { return Ok(true) };
        if budget == 0 {
            return Ok(false);
        }
        // Either the worst row leaves, or all that are too far from it do.
        let mut without = there.to_vec();
        without[worst] = false;
        if self.exists(diameter, &mut without, budget - 1)? {
            return Ok(true);
        }
        if degree > budget {
            return Ok(false);
        }
        let mut without = there.to_vec();
        for (j, there) in without.iter_mut().enumerate() {
            *there &= self.distances.squared(worst, j) <= diameter;
        }
        self.exists(diameter, &mut without, budget - degree)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on_a_line(points: &[f64]) -> Distances {
        Distances::from_fn(points.len(), |i, j| (points[i] - points[j]).powi(2))
    }

    #[test]
    fn krum_prefers_the_crowd() {
        let distances = on_a_line(&[0.0, 0.1, 0.2, 9.0, 0.3, -7.0, 0.15]);
        assert_eq!(krum_order(&distances, 7, 2)[0], 6);
        assert_eq!(bulyan_winners(&distances, 7, 1, 5), [0, 1, 2, 4, 6]);
        assert_eq!(medoid(&on_a_line(&[0.0, 1.0, 2.5, 1e30, -1e18]), 5), 1);
        assert_eq!(nearest(&distances, 7, 3)[3], [2, 3, 4]);
    }

    #[test]
    fn equal_rows_are_taken_in_order() {
        let distances = on_a_line(&[1.0; 6]);
        assert_eq!(krum_order(&distances, 6, 3), [0, 1, 2, 3, 4, 5]);
        assert_eq!(nearest(&distances, 6, 2)[3], [0, 3]);
        assert_eq!(least_diameter(&distances, 6, 2).unwrap(), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn least_diameter_is_what_trying_all_subsets_finds(
            points in prop::collection::vec((0i32..6, 0i32..6), 1..10),
            share in 0.0f64..0.5,
        ) {
            let n = points.len();
            let f = ((n - 1) / 2).min((share * n as f64) as usize);
            let distances = Distances::from_fn(n, |i, j| {
                let (a, b) = (points[i], points[j]);
                f64::from((a.0 - b.0).pow(2) + (a.1 - b.1).pow(2))
            });
            let diameter = |set: &[usize]| {
                set.iter().flat_map(|i| set.iter().map(|j| distances.squared(*i, *j))).fold(0.0, f64::max)
            };
            let mut best: Option<(f64, Vec<usize>)> = None;
            for mask in 0u32..1 << n {
                let set: Vec<usize> = (0..n).filter(|i| mask >> i & 1 == 1).collect();
                if set.len() == n - f {
                    let candidate = (diameter(&set), set);
                    if best.as_ref().is_none_or(|b| candidate.0 < b.0 || (candidate.0 == b.0 && candidate.1 < b.1)) {
                        best = Some(candidate);
                    }
                }
            }
            prop_assert_eq!(least_diameter(&distances, n, f).unwrap(), best.unwrap().1);
        }
    }
}
