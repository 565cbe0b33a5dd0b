//! One weight a participant from several things that are known of it.

use crate::{AggregateError, Method, geometry};

/// What is known of one participant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Training samples behind the update, as the participant reports them: a number of at least 0.
    pub samples: f64,
    /// How far the participant is trusted, 0 to 1: by the chain, or from a record of one's own.
    pub reputation: f64,
    /// How good this one update was found to be, 0 to 1.
    pub quality: f64,
}

/// The weights `min(samples, 3 median(samples)) * reputation * quality`, one for each of `standings`, for
/// [`Update::weight`](crate::Update::weight).
///
/// A product, so that nothing makes up for a miner without reputation or an update without quality. Samples are all that a
/// participant says of itself; the cap ([`Method::FEDAVG_CAP`], as in [`Method::FedAvg`]) bounds what a lie gains. The median
/// of an even number is the mean of the middle two; the product is made from left to right in f64.
///
/// ```
/// use r3mes_aggregate::{Standing, combined_weights};
///
/// let standing = |samples, reputation, quality| Standing { samples, reputation, quality };
/// let weights = combined_weights(&[
///     standing(100.0, 1.0, 1.0),
///     standing(80.0, 0.5, 1.0),
///     standing(1e9, 0.5, 0.5),
/// ])?;
/// assert_eq!(weights, [100.0, 40.0, 75.0]);
/// # Ok::<(), r3mes_aggregate::AggregateError>(())
/// ```
///
/// # Errors
/// [`AggregateError::Parameter`] for a value out of its range, [`AggregateError::NoUpdates`] for no standings,
/// [`AggregateError::ZeroWeight`] if every weight is 0.
pub fn combined_weights(standings: &[Standing]) -> Result<Vec<f64>, AggregateError> {
    if standings.is_empty() {
        return Err(AggregateError::NoUpdates);
    }
    for standing in standings {
        check("samples", standing.samples, 1e30, "from 0 to 1e30")?;
        check("reputation", standing.reputation, 1.0, "from 0 to 1")?;
        check("quality", standing.quality, 1.0, "from 0 to 1")?;
    }
    let mut samples: Vec<f64> = standings.iter().map(|standing| standing.samples).collect();
    let cap = Method::FEDAVG_CAP * geometry::median(&mut samples);
    let weights: Vec<f64> = standings.iter().map(|s| s.samples.min(cap) * s.reputation * s.quality).collect();
    if weights.iter().all(|weight| *weight == 0.0) { Err(AggregateError::ZeroWeight) } else { Ok(weights) }
}

fn check(
    parameter: &'static str,
    value: f64,
    most: f64,
    expected: &'static str,
) -> Result<(), AggregateError> {
    if (0.0..=most).contains(&value) {
        return Ok(());
    }
    Err(AggregateError::Parameter { method: "combined weights", parameter, value, expected })
}

/// The quality of updates by their norms: min(n / m, m / n) for norm n and the median norm m, so 1 for a usual one; 0 for a
/// vector of zeros among others. Where m is 0 all have quality 1.
#[must_use]
pub fn norm_quality(norms: &[f64]) -> Vec<f64> {
    if norms.is_empty() {
        return Vec::new();
    }
    let usual = geometry::median(&mut norms.to_vec());
    let of = |norm: &f64| if usual > 0.0 { (norm / usual).min(usual / norm) } else { 1.0 };
    norms.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named() {
        let good = Standing { samples: 1.0, reputation: 1.0, quality: 1.0 };
        for (bad, word) in [
            (Standing { samples: -1.0, ..good }, "samples"),
            (Standing { samples: f64::NAN, ..good }, "samples"),
            (Standing { reputation: 1.5, ..good }, "reputation"),
            (Standing { quality: f64::INFINITY, ..good }, "quality"),
        ] {
            let error = combined_weights(&[good, bad]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let none = Standing { reputation: 0.0, ..good };
        assert_eq!(combined_weights(&[none, none]), Err(AggregateError::ZeroWeight));
        assert_eq!(combined_weights(&[]), Err(AggregateError::NoUpdates));
    }

    #[test]
    fn an_unusual_norm_lowers_the_quality() {
        assert_eq!(norm_quality(&[2.0, 1.0, 4.0, 0.0, 2.0]), [1.0, 0.5, 0.5, 0.0, 1.0]);
        assert_eq!(norm_quality(&[0.0, 0.0, 5.0]), [1.0; 3]);
        assert_eq!(norm_quality(&[]), [0.0; 0]);
    }
}
