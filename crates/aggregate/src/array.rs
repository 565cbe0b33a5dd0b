//! `ndarray` at the public face.

use ndarray::{Array1, ArrayView1, ArrayView2};

use crate::{AggregateError, Method, Options, Update, aggregate};

/// Aggregates the rows of `updates` (N x d), row i as participant i, weighted by `weights` (N) where the method is a
/// weighted one and all alike without them. An array
/// in another than the standard layout is copied first.
///
/// ```
/// use ndarray::array;
/// use r3mes_aggregate::{Method, Options, aggregate_array};
///
/// let updates = array![[1.0, 2.0], [1.1, 2.1], [-90.0, 70.0]];
/// let median = aggregate_array(&Method::Median, updates.view(), None, &Options::default())?;
/// assert_eq!(median, array![1.0, 2.1]);
/// # Ok::<(), r3mes_aggregate::AggregateError>(())
/// ```
///
/// # Errors
/// As [`aggregate`]; weights of another number than the rows.
pub fn aggregate_array(
    method: &Method,
    updates: ArrayView2<'_, f32>,
    weights: Option<ArrayView1<'_, f64>>,
    options: &Options,
) -> Result<Array1<f32>, AggregateError> {
    let (found, expected) = (weights.map_or(updates.nrows(), |w| w.len()), updates.nrows());
    if found != expected {
        return Err(AggregateError::WeightCount { found, expected });
    }
    let copy =
        if updates.is_standard_layout() { None } else { Some(updates.as_standard_layout().into_owned()) };
    let updates = copy.as_ref().map_or(updates, |copy| copy.view());
    let rows: Vec<ArrayView1<'_, f32>> = updates.rows().into_iter().collect();
    let mut participants = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let mut update = Update::new(i as u64, weights.map_or(1.0, |w| w[i]));
        update.push_values(row.as_slice().unwrap_or_default());
        participants.push(update);
    }
    aggregate(method, &participants, options).map(Array1::from_vec)
}
