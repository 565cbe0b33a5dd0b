//! The methods, as data.

use serde::{Deserialize, Serialize};

/// How the updates become one.
///
/// A method has a text form for settings and command lines: its kebab-case name with those parameters that are not
/// the defaults in parentheses, and before it, joined by `+`, what happens to the updates first:
/// `median`, `trimmed-mean(f=2)`, `fedavg(cap=5)`, `nnm+median`, `arc+nnm+trimmed-mean`,
/// `multi-krum(ratio=0.1,m=4)`. [`Display`](std::fmt::Display) and [`FromStr`](std::str::FromStr) are inverse to
/// each other, and serde uses that text.
///
/// N is the number of updates, f of how many of them may be bad (see [`Tolerance`]), d their length. A cost of two
/// passes means: the data are read twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Method {
    /// `average`: the arithmetic mean. Breakdown point 0: one bad update moves it anywhere. One pass. For rounds in
    /// which every participant is trusted.
    Average,
    /// `weighted-average`: the mean weighted by [`Update::weight`](crate::Update::weight). Breakdown point 0. One pass.
    WeightedAverage,
    /// `fedavg`: federated averaging (McMahan et al. 2017), the mean weighted by sample counts, each capped at `cap`
    /// times the median count, because miners report their counts of themselves. Breakdown point 0. One pass.
    FedAvg {
        /// The cap as a multiple of the median count; at least 1.
        cap: f64,
    },
    /// `median`: the coordinate-wise median; for an even number the mean of the two middle values (Yin et al. 2018).
    /// Holds for f < N/2 without knowing f. One pass.
    Median,
    /// `trimmed-mean`: the coordinate-wise mean without the f smallest and the f largest values (Yin et al. 2018).
    /// Holds for 2f < N. One pass. Closer to the mean than the median when few are bad.
    TrimmedMean {
        /// How many values go from *each* end.
        trim: Tolerance,
    },
    /// `weighted-median`: for each coordinate the least value that, together with all smaller ones, has at least half
    /// of the total [weight](crate::Update::weight). Holds while the bad updates have less than half of the weight.
    /// One pass, slower than the unweighted.
    WeightedMedian,
    /// `weighted-trimmed-mean`: the coordinate-wise weighted mean without the share R of the total weight at each
    /// end; where the cut goes through a value, the rest of its weight stays. Holds while the bad updates have less
    /// than the share R. One pass, slower than the unweighted.
    WeightedTrimmedMean {
        /// R; a count f stands for f / N.
        trim: Tolerance,
    },
    /// `meamed`: the coordinate-wise mean of the N - f values nearest the median (Xie et al. 2018). Holds for 2f < N.
    /// One pass. Weaker than the trimmed mean against attacks that stay near.
    MeanAroundMedian {
        /// How many values are left out.
        f: Tolerance,
    },
    /// `krum`: the one update with the least sum of squared distances to its nearest others (Blanchard et al. 2017).
    /// Holds for N >= 2f + 3. Two passes, the first over all pairs. Discards what the other N - 1 have learnt.
    Krum {
        /// f.
        f: Tolerance,
        /// How many nearest others count; N - f - 2 as in the paper if not given (ByzFL takes N - f - 1).
        neighbours: Option<usize>,
    },
    /// `multi-krum`: the mean of the m best by [`Krum`](Method::Krum)'s score. Holds for N >= 2f + 3. Two passes.
    MultiKrum {
        /// f.
        f: Tolerance,
        /// As for Krum.
        neighbours: Option<usize>,
        /// How many are averaged; N - f if not given.
        m: Option<usize>,
    },
    /// `bulyan`: N - 2f Krum winners, taken one by one, then the mean around the median over them with 2f left out
    /// (El Mhamdi et al. 2018). Holds for N >= 4f + 3. Two passes.
    Bulyan {
        /// f.
        f: Tolerance,
    },
    /// `mda`: the mean of the N - f updates of least diameter (minimum-diameter averaging, El Mhamdi et al. 2021).
    /// Holds for 2f < N. Two passes, and a search that grows exponentially with f in the worst case; it is bounded.
    MinimumDiameter {
        /// How many are left out.
        f: Tolerance,
    },
    /// `geometric-median`: the point with the least sum of distances to the updates, by the smoothed Weiszfeld
    /// algorithm run to convergence (RFA, Pillutla et al. 2022). Breakdown point 1/2 without knowing f. Two passes.
    GeometricMedian,
    /// `centered-clipping`: v += mean of (x_i - v) min(1, tau / norm(x_i - v)), repeated (Karimireddy et al. 2021).
    /// Two passes.
    CenteredClipping {
        /// The clipping radius; if not given, in each step the median of the distances to v.
        tau: Option<f64>,
        /// How many steps.
        steps: usize,
        /// Where v begins.
        start: Start,
    },
    /// `caf`: the covariance-bound agnostic filter (Allouah et al. 2025): lowers the weights of updates that lie far
    /// out along the direction of greatest variance, and keeps the mean at which that variance was least. Holds for
    /// 2f < N. Two passes.
    Caf {
        /// f.
        f: Tolerance,
    },
    /// `sign-majority`: for each coordinate the sign of the sum of signs, -1, 0 or 1 (signSGD with majority vote,
    /// Bernstein et al. 2019). Holds for f < N/2. One pass. The length of the update is lost.
    SignMajority,
    /// `fltrust`: the mean of the updates, each scaled to the norm of a trusted one and weighted by its cosine to it where
    /// that is positive (after FLTrust, Cao et al. 2021). Holds for any number of attackers as long as the trusted update is
    /// honest, and no further than it is near the others. Two passes.
    FlTrust {
        /// The id of the participant that is trusted; if not given, the update with the least sum of distances to the
        /// nearest half of the others stands in: a makeshift, since a few zeros or copies can become it.
        reference: Option<u64>,
    },
    /// A pre-aggregation, then a method: `nnm+median`.
    After {
        /// What happens to the updates first.
        before: PreAggregation,
        /// What is made of the result.
        method: Box<Method>,
    },
}

/// Where [`Method::CenteredClipping`] begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// `medoid`: the update with the least sum of distances to the nearest half of the others.
    #[default]
    Medoid,
    /// `origin`: the zero vector.
    Origin,
}

/// What can happen to the updates before a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PreAggregation {
    /// `nnm`: nearest-neighbour mixing (Allouah et al. 2023): each update becomes the mean of the N - f nearest to it,
    /// itself included. Makes any robust rule near optimal under heterogeneity. Needs 2f < N.
    NearestNeighbourMixing {
        /// f.
        f: Tolerance,
    },
    /// `arc`: adaptive robust clipping (Allouah et al. 2024): the floor(2 f (N - f) / N) longest updates are clipped
    /// to the norm of the next. Needs 2f < N.
    AdaptiveClipping {
        /// f.
        f: Tolerance,
    },
    /// `norm-clipping`: updates longer than a norm are clipped to it.
    NormClipping {
        /// The norm; if not given, the median norm of the updates.
        norm: Option<f64>,
    },
    /// `norm-filter`: updates whose norm is not within `low` and `high` times the median norm leave (the first stage of
    /// SignGuard, Xu et al. 2022). One more pass, done at arrival.
    NormFilter {
        /// From 0 to 1.
        low: f64,
        /// At least 2, so that one of the two middle norms is always within.
        high: f64,
    },
    /// `sign-filter`: the N - f updates stay whose shares of positive and negative values are nearest the median shares
    /// (the signs of SignGuard, Xu et al. 2022). Sees through forgeries that keep norm and distance but not the signs, and is
    /// blind to a flip where both signs are equally frequent. Needs 2f < N, and stands before mixing and bucketing. One more
    /// pass, done at arrival.
    SignFilter {
        /// How many leave.
        f: Tolerance,
    },
    /// `bucketing`: the updates, shuffled by a seed, are averaged in buckets (Karimireddy et al. 2022). One bad update
    /// spoils a bucket: the rule after it must withstand f of ceil(N / size).
    Bucketing {
        /// Updates in a bucket.
        size: usize,
        /// What the shuffle follows from.
        seed: u64,
    },
}

/// How many updates, f, a method is to withstand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// Exactly so many.
    Count(usize),
    /// This share of the N updates, rounded down, but one at least of three or more: f = floor(R N + 1e-9), and 1
    /// where that is 0, R > 0 and N >= 3. A small round is not left without defence.
    Ratio(f64),
}

impl Tolerance {
    /// f for `n` updates.
    #[must_use]
    pub fn count(self, n: usize) -> usize {
        match self {
            Tolerance::Count(f) => f,
            Tolerance::Ratio(r) => {
                let least = usize::from(r > 0.0 && n >= 3);
                ((r * n as f64 + 1e-9).floor() as usize).max(least)
            }
        }
    }
}

/// A fifth of the updates.
impl Default for Tolerance {
    fn default() -> Self {
        Tolerance::Ratio(0.2)
    }
}

impl Method {
    /// The default of [`Method::FedAvg`]'s `cap`: whoever lies about their count gains at most three times the
    /// weight of the median participant.
    pub const FEDAVG_CAP: f64 = 3.0;

    /// What to take where nothing speaks for another: attackers gain the least from it (see `ATTACKS.md`).
    pub const RECOMMENDED: &str = "arc+caf";

    /// The default of [`Method::Caf`]'s `f`: three tenths. Its result hardly suffers from a bound that is too high.
    pub const CAF_TOLERANCE: Tolerance = Tolerance::Ratio(0.3);

    /// The default of [`Method::CenteredClipping`]'s `steps`.
    pub const CLIPPING_STEPS: usize = 10;

    /// Every rule that [`FromStr`](std::str::FromStr) knows by itself.
    pub const NAMES: &[&str] = &[
        "average",
        "weighted-average",
        "fedavg",
        "median",
        "trimmed-mean",
        "weighted-median",
        "weighted-trimmed-mean",
        "meamed",
        "krum",
        "multi-krum",
        "bulyan",
        "mda",
        "geometric-median",
        "centered-clipping",
        "caf",
        "sign-majority",
        "fltrust",
    ];

    /// The same method with another f throughout: trimmed or tolerated updates, wherever it has such a parameter.
    #[must_use]
    pub fn with_tolerance(mut self, f: Tolerance) -> Self {
        match &mut self {
            Method::TrimmedMean { trim: own }
            | Method::WeightedTrimmedMean { trim: own }
            | Method::MeanAroundMedian { f: own }
            | Method::Krum { f: own, .. }
            | Method::MultiKrum { f: own, .. }
            | Method::Bulyan { f: own }
            | Method::MinimumDiameter { f: own }
            | Method::Caf { f: own } => *own = f,
            Method::After { before, method } => {
                match before {
                    PreAggregation::NearestNeighbourMixing { f: own }
                    | PreAggregation::AdaptiveClipping { f: own }
                    | PreAggregation::SignFilter { f: own } => *own = f,
                    PreAggregation::NormClipping { .. }
                    | PreAggregation::NormFilter { .. }
                    | PreAggregation::Bucketing { .. } => {}
                }
                **method = std::mem::replace(&mut **method, Method::Average).with_tolerance(f);
            }
            Method::Average
            | Method::WeightedAverage
            | Method::FedAvg { .. }
            | Method::Median
            | Method::WeightedMedian
            | Method::GeometricMedian
            | Method::CenteredClipping { .. }
            | Method::SignMajority
            | Method::FlTrust { .. } => {}
        }
        self
    }

    /// Whether [`Update::weight`](crate::Update::weight) has any influence.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        match self {
            Method::WeightedAverage
            | Method::FedAvg { .. }
            | Method::WeightedMedian
            | Method::WeightedTrimmedMean { .. } => true,
            Method::After { method, .. } => method.is_weighted(),
            _ => false,
        }
    }
}

impl PreAggregation {
    /// Every pre-aggregation that may stand before a rule.
    pub const NAMES: &[&str] = &["nnm", "arc", "norm-clipping", "norm-filter", "sign-filter", "bucketing"];

    /// The defaults of [`PreAggregation::NormFilter`]'s `low` and `high`, as in SignGuard.
    pub const NORM_BOUNDS: (f64, f64) = (0.1, 3.0);
}
