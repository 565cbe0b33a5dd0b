//! How many values of each update are positive and how many negative.

use rayon::prelude::*;

use crate::distances::first_non_finite;
use crate::{AggregateError, Update};

/// Coordinates that are counted at a time.
const RUN: usize = 8192;

/// The positive and the negative values of one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    positive: u64,
    negative: u64,
}

impl Signs {
    /// Counts the signs of each of `updates`, in one pass.
    ///
    /// # Errors
    /// [`AggregateError::NonFinite`] for the first of them that has such a value.
    pub(crate) fn measure(updates: &[&Update<'_>]) -> Result<Vec<Self>, AggregateError> {
        let counted: Vec<Option<Self>> = updates.par_iter().map(|update| Self::of(update)).collect();
        counted.into_iter().collect::<Option<_>>().ok_or_else(|| first_non_finite(updates))
    }

    /// None if a value is not finite.
    fn of(update: &Update<'_>) -> Option<Self> {
        let runs = 0..update.len().div_ceil(RUN);
        let count = |values: &mut Vec<f32>, run: usize| {
            let start = run * RUN;
            values.resize(RUN.min(update.len() - start), 0.0);
            update.read_into(start, values);
            let (mut positive, mut negative, mut finite) = (0u32, 0u32, true);
            for x in values.iter() {
                positive += u32::from(*x > 0.0);
                negative += u32::from(*x < 0.0);
                finite &= x.is_finite();
            }
            finite.then_some(Signs { positive: positive.into(), negative: negative.into() })
        };
        runs.into_par_iter().map_init(Vec::new, count).try_reduce(Signs::default, |a, b| {
            Some(Signs { positive: a.positive + b.positive, negative: a.negative + b.negative })
        })
    }
}

/// The `count` rows whose signs are nearest the median of all, ties by index; ascending.
///
/// The distance of (p, m) is |2 p - P| + |2 m - M|, where P and M are the sums of the two middle counts: whole numbers.
pub(crate) fn usual(signs: &[Signs], count: usize) -> Vec<usize> {
    let twice_median = |count: fn(&Signs) -> u64| {
        let mut counts: Vec<u64> = signs.iter().map(count).collect();
        counts.sort_unstable();
        counts[(counts.len() - 1) / 2] + counts[counts.len() / 2]
    };
    let (positive, negative) = (twice_median(|s| s.positive), twice_median(|s| s.negative));
    let off = |s: &Signs| (2 * s.positive).abs_diff(positive) + (2 * s.negative).abs_diff(negative);
    let mut order: Vec<usize> = (0..signs.len()).collect();
    order.sort_by_key(|i| (off(&signs[*i]), *i));
    order.truncate(count);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_with_other_signs_leave() {
        let rows: Vec<Vec<f32>> = vec![
            vec![1.0, 2.0, -3.0, 0.0],
            vec![5.0, 1.0, -1.0, 0.0],
            vec![-1.0, -2.0, 3.0, -0.0],
            vec![1.0, 1.0, 1.0, 1.0],
            vec![9.0, 1.0, -2.0, 0.0],
        ];
        let updates = Update::of_rows(&rows);
        let signs = Signs::measure(&updates.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(signs[0], Signs { positive: 2, negative: 1 });
        assert_eq!(signs[2], Signs { positive: 1, negative: 2 });
        assert_eq!(usual(&signs, 3), [0, 1, 4]);
    }
}
