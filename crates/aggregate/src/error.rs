use thiserror::Error;

use crate::DType;

/// Why updates could not be aggregated.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// There was nothing to aggregate.
    #[error("no updates")]
    NoUpdates,
    /// Two updates have one id: the order of participants would be ambiguous.
    #[error("participant {id} appears more than once")]
    DuplicateId {
        /// The id.
        id: u64,
    },
    /// A tensor's byte length is no whole number of values.
    #[error("participant {id}: tensor {tensor} has {bytes} bytes, no multiple of the size of {dtype}")]
    Bytes {
        /// The participant.
        id: u64,
        /// The index of the tensor.
        tensor: usize,
        /// Its bytes.
        bytes: usize,
        /// Its declared dtype.
        dtype: DType,
    },
    /// The tensors differ in number or length from those of the first participant.
    #[error(
        "participant {id}: tensor lengths differ from those of participant {first}: {found}, expected {expected}"
    )]
    Layout {
        /// The participant that differs.
        id: u64,
        /// The participant with the lowest id.
        first: u64,
        /// What it has.
        found: String,
        /// What the first has.
        expected: String,
    },
    /// The output buffer has the wrong length.
    #[error("the output holds {found} values, expected {expected}")]
    OutputLength {
        /// Its length.
        found: usize,
        /// The updates' length.
        expected: usize,
    },
    /// A weight is negative, not finite, or beyond 1e30.
    #[error("participant {id}: weight {weight} is not a number from 0 to 1e30")]
    Weight {
        /// The participant.
        id: u64,
        /// Its weight.
        weight: f64,
    },
    /// There are more or fewer weights than updates.
    #[error("{found} weights for {expected} updates")]
    WeightCount {
        /// The weights.
        found: usize,
        /// The updates.
        expected: usize,
    },
    /// All weights are zero.
    #[error("the weights sum to zero")]
    ZeroWeight,
    /// A value is NaN or infinite (or, in F64, too large for f32). Of several the one with the lowest id, then the
    /// lowest coordinate is named.
    #[error("participant {id}: the value at coordinate {coordinate} is not finite")]
    NonFinite {
        /// The participant.
        id: u64,
        /// The coordinate in the flattened update.
        coordinate: usize,
    },
    /// There are fewer updates than the method needs to keep its promise.
    #[error("{method} with f = {f} needs at least {needed} updates, found {found}")]
    TooFew {
        /// The method.
        method: &'static str,
        /// The number of bad updates to withstand.
        f: usize,
        /// The least N.
        needed: usize,
        /// N.
        found: usize,
    },
    /// A parameter is out of range.
    #[error("{method}: {parameter} is {value}, expected {expected}")]
    Parameter {
        /// The method.
        method: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What would be right.
        expected: &'static str,
    },
    /// The trusted participant is not among the rows that the method sees.
    #[error("the trusted participant {id} is not there, or has been filtered out or mixed before")]
    Reference {
        /// Its id.
        id: u64,
    },
    /// A pre-aggregation looks at values that an earlier one has replaced.
    #[error("{method} must stand before nnm and bucketing")]
    Misplaced {
        /// The pre-aggregation.
        method: &'static str,
    },
    /// The matrices of so many updates do not fit the bound.
    #[error(
        "{method} of {n} updates needs {needed} bytes for its matrices, beyond the bound of {allowed}; raise the memory bound or split the round"
    )]
    Memory {
        /// The method.
        method: String,
        /// N.
        n: usize,
        /// What the matrices need.
        needed: usize,
        /// [`Options::memory`](crate::Options::memory).
        allowed: usize,
    },
    /// An exact search would take too long for so many updates.
    #[error("{method} finds no answer within its bound of steps for so many updates")]
    SearchTooLong {
        /// The method.
        method: &'static str,
    },
}
