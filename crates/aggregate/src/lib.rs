//! The mathematics of robust gradient aggregation: from N updates in R^d, some of them perhaps malicious, to one.
//!
//! The result is a function of the updates, their ids and weights, and the method alone: the same bytes on every
//! machine, with any number of threads and any vector width. `SPEC.md` beside this crate defines it. No I/O is done
//! here: updates are borrowed bytes, from memory maps as a rule, and are read in at most two passes.
//!
//! ```
//! use r3mes_aggregate::{DType, Method, Options, Update, aggregate};
//!
//! // Five participants with one tensor of two values each; the last one attacks.
//! let gradients = [[1.0f32, 2.0], [1.1, 2.1], [0.9, 1.9], [1.0, 2.2], [-90.0, 70.0]];
//! let bytes: Vec<Vec<u8>> =
//!     gradients.iter().map(|g| g.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
//! let mut updates = Vec::new();
//! for (id, bytes) in bytes.iter().enumerate() {
//!     let mut update = Update::new(id as u64, 1.0);
//!     update.push(DType::F32, bytes);
//!     updates.push(update);
//! }
//!
//! let average = aggregate(&Method::Average, &updates, &Options::default())?;
//! assert_eq!(average[0].round(), -17.0);
//!
//! let robust: Method = "nnm+trimmed-mean(f=1)".parse()?;
//! let aggregate = aggregate(&robust, &updates, &Options::default())?;
//! assert!((aggregate[0] - 1.0).abs() < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The methods
//! N updates x_i of length d, f of them bad, weights w_i. *Passes* are readings of the data; those over distances take
//! N^2 d / 2 operations, the sorting ones N log^2 N d. kappa is how far the worst attack of `ATTACKS.md` carries the result
//! (N = 25, f = 5; the known ones / one that knows the rule), as a share of the honest updates' variance. A dash: nothing to
//! cite, or not measured.
//!
//! | [`Method`] | result | paper | holds for | passes | kappa | choose it |
//! |---|---|---|---|---:|---:|---|
//! | `average` | sum x_i / N | – | f = 0 | 1 | none | where all are trusted |
//! | `weighted-average` | sum w_i x_i / sum w_i | – | f = 0 | 1 | none | the same, shares differ |
//! | `fedavg` | the same, w_i = min(count, 3 median) | McMahan 2017 | f = 0 | 1 | none | the same, by samples |
//! | `median` | middle value of each coordinate | Yin 2018 | f < N/2 | 1 | .15 / .15 | f is not known |
//! | `weighted-median` | least v with half of the weight up to it | – | bad weight < 1/2 | 1 | – | weights that can be trusted |
//! | `trimmed-mean` | mean without the f least and greatest | Yin 2018 | f < N/2 | 1 | .18 / .18 | few attack, one pass must do |
//! | `weighted-trimmed-mean` | the same by shares of the weight | – | bad weight < share | 1 | – | weights that can be trusted |
//! | `meamed` | mean of the N - f values nearest the median | Xie 2018 | f < N/2 | 1 | .15 / .29 | comparisons |
//! | `sign-majority` | sign of the sum of signs | Bernstein 2019 | f < N/2 | 1 | – | signSGD |
//! | `krum` | the x_i nearest its N - f - 2 nearest | Blanchard 2017 | N >= 2f + 3 | 2 | 1.4 / 2.0 | one true update is wanted |
//! | `multi-krum` | mean of the N - f best of these | Blanchard 2017 | N >= 2f + 3 | 2 | .10 / .23 | gross attacks |
//! | `bulyan` | meamed over N - 2f Krum winners | El Mhamdi 2018 | N >= 4f + 3 | 2 | .45 / .61 | few attack, in few coordinates |
//! | `mda` | mean of the N - f of least diameter | El Mhamdi 2021 | f < N/2 | 2 | – | small N |
//! | `geometric-median` | argmin of sum of norm(z - x_i) | Pillutla 2022 | f < N/2 | 2 | .09 / .10 | f is not known, shares differ |
//! | `centered-clipping` | v += mean of (x_i - v) min(1, tau / norm(x_i - v)) | Karimireddy 2021 | f < N/2 | 2 | .07 / .09 | f is not known and small |
//! | `caf` | weights lowered along the direction of most variance | Allouah 2025 | f < N/2 | 2 | .04 / .08 | after `arc`, always |
//! | `fltrust` | mean weighted by the cosine to a trusted update | Cao 2021 | a trusted one | 2 | – | one update is your own |
//!
//! | [`PreAggregation`] | turns x_i into | paper | holds for | choose it before |
//! |---|---|---|---|---|
//! | `nnm` | the mean of its N - f nearest | Allouah 2023 | f < N/2 | median, trimmed mean: kappa .07 / .15 and .07 / .11 |
//! | `arc` | x_i min(1, c / norm), c the norm below the floor(2f(N - f)/N) longest | Allouah 2024 | f < N/2 | any rule; **`arc+caf`: .04 / .09, the recommended one** |
//! | `norm-clipping` | x_i min(1, c / norm), c given or the median norm | – | – | average, against few: .26 / .26 |
//! | `norm-filter` | nothing where the norm is not 0.1 to 3 times the median | Xu 2022 | f < N/2 | any rule |
//! | `sign-filter` | nothing where the shares of signs are unusual, N - f stay | Xu 2022 | f < N/2 | average, after `norm-filter`: SignGuard |
//! | `bucketing` | the mean of a bucket of shuffled ones | Karimireddy 2022 | as the rule for ceil(N / size) | Krum, where shares differ |
//!
//! They are joined by a plus, up to eight before a rule: `norm-filter+sign-filter+norm-clipping+average`.
//!
//! In short: [`Method::RECOMMENDED`], `arc+caf`, unless more than three tenths may attack; `median` then, or where nothing
//! is known about f; the average only where everybody is trusted. With f = 0, as for one or two updates, most methods
//! *are* the average.
//!
//! # Weights
//! [`Update::weight`] is for the weighted methods. What a participant says of itself hands the guarantee back to the
//! attacker; [`combined_weights`] makes a weight of capped samples, reputation and quality.
//!
//! # Rounds that arrive over time
//! [`Preparation`] measures distances, norms and signs and adds running sums when updates arrive, so that closing a round
//! costs what had to wait; the bytes are those of [`aggregate`].
//!
//! # Memory
//! Inputs are borrowed, from memory maps as a rule; [`Options::memory`] bounds the rest and says by which formula.
//!
//! # Vectors
//! The widest that the processor has are used: AVX-512 (F and DQ), AVX2 with FMA and F16C, else plain code. The environment
//! variable `R3MES_VECTORS` (`avx512`, `avx2`, `portable`) chooses among those that it has, for measurements and for
//! tools that do not know all of them, such as valgrind; read once, at the first use. The bytes are the same.
//!
//! # Features
//! `ndarray`: `aggregate_array`, which takes array views.

// What clippy's pedantic lints say and is meant so.
#![allow(
    clippy::inline_always,
    reason = "a kernel is compiled for the features of its caller, with all that it calls"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "SPEC.md rounds to f32; counts and indices are far below 2^32 and 2^52, and no count is negative"
)]
#![allow(clippy::cast_ptr_alignment, reason = "every read and write is an unaligned one")]
#![allow(clippy::float_cmp, reason = "bits are compared")]
#![allow(clippy::manual_midpoint, reason = "SPEC.md halves a sum")]
#![allow(
    clippy::doc_markdown,
    reason = "MeaMed, FLTrust and d_ij are names and formulas of the field, not of the code"
)]

#[cfg(all(feature = "ndarray", target_endian = "little"))]
mod array;
mod column;
mod distances;
mod dtype;
mod error;
mod format;
mod geometry;
mod lanes;
mod mean;
mod method;
mod mixing;
mod network;
mod options;
mod panel;
mod plan;
mod preparation;
#[cfg(test)]
mod reference;
mod round;
mod selection;
mod signs;
mod sorter;
mod text;
mod tiles;
mod update;
mod weights;

#[cfg(all(feature = "ndarray", target_endian = "little"))]
pub use array::aggregate_array;
pub use dtype::DType;
pub use error::AggregateError;
pub use method::{Method, PreAggregation, Start, Tolerance};
pub use options::Options;
pub use preparation::Preparation;
pub use round::{aggregate, aggregate_into};
pub use text::ParseMethodError;
pub use update::Update;
pub use weights::{Standing, combined_weights, norm_quality};
