use crate::column::Columns;
use crate::lanes::Isa;
use crate::mean::weighted_mean;
use crate::mixing::{MixedColumns, Mixing};
use crate::plan::{Measured, Plan};
use crate::tiles::{Access, for_each_tile};
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
    let updates = participants(updates)?;
    fits(&updates, out)?;
    apply(isa, Plan::new(isa, method, &updates, Measured::default(), options.memory)?, updates, options, out)
}

pub(crate) fn fits(updates: &[&Update<'_>], out: &[f32]) -> Result<(), AggregateError> {
    let expected = updates[0].len();
    if out.len() == expected {
        Ok(())
    } else {
        Err(AggregateError::OutputLength { found: out.len(), expected })
    }
}

/// Does what a plan leaves to be done.
pub(crate) fn apply(
    isa: Isa,
    plan: Plan,
    updates: Vec<&Update<'_>>,
    options: &Options,
    out: &mut [f32],
) -> Result<(), AggregateError> {
    match plan {
        Plan::Mean { weights, total, checked } => {
            let (updates, weights) =
                if checked { without_zeros(updates, weights) } else { (updates, weights) };
            for_each_tile(
                &updates,
                options,
                Access::Native,
                out,
                || (),
                |(), tile, out| weighted_mean(isa, tile, &weights, total, out),
            )
        }
        Plan::Columns { rule, chosen } => {
            let updates = match chosen {
                None => updates,
                Some(chosen) => chosen.iter().map(|i| updates[*i]).collect(),
            };
            let ready = || Columns::new(isa, rule.clone(), updates.len());
            for_each_tile(&updates, options, Access::Native, out, ready, Columns::apply)
        }
        Plan::MixedColumns { rule, coefficients } => {
            let mixing = Mixing::new(&coefficients);
            let ready = || MixedColumns::new(isa, rule.clone(), &mixing);
            for_each_tile(&updates, options, Access::Native, out, ready, MixedColumns::apply)
        }
    }
}

/// The updates that have any weight, with it, or one that has none. Adding the others would change no bit.
fn without_zeros<'a>(updates: Vec<&'a Update<'a>>, weights: Vec<f64>) -> (Vec<&'a Update<'a>>, Vec<f64>) {
    let first = updates[0];
    let (updates, weights): (Vec<_>, Vec<_>) =
        updates.into_iter().zip(weights).filter(|(_, w)| *w != 0.0).unzip();
    if updates.is_empty() { (vec![first], vec![0.0]) } else { (updates, weights) }
}

/// The updates in the order of their ids, found to fit together.
pub(crate) fn participants<'a>(updates: &'a [Update<'a>]) -> Result<Vec<&'a Update<'a>>, AggregateError> {
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
    Ok(updates)
}

fn check_layout(first: &Update<'_>, update: &Update<'_>) -> Result<(), AggregateError> {
    let lengths = |u: &Update<'_>| u.parts().iter().map(super::update::Part::len).collect::<Vec<_>>();
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
