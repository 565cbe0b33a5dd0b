use r3mes_aggregate::DType;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tensor::TensorView;

mod block;

use block::{BLOCK, Block};

/// Both forms of `gradient_hash`, and statistics, from one pass over the values.
///
/// The pass is sequential, bound by SHA-256; summaries of several files run well side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// `gradient_hash` as the network defines it: hex SHA-256 over, for each tensor in name order, the
    /// UTF-8 name followed by its values as int8, `clip(round_half_even(v * 127), -128, 127)`. The
    /// product is taken in the tensor's own dtype; NaN becomes 0, as numpy's cast gives on x86.
    pub hash_int8: String,
    /// Hex SHA-256 over, for each tensor in name order, the UTF-8 name followed by its values as
    /// little-endian float32 in C order.
    pub hash_float32: String,
    /// Over all tensors.
    pub statistics: Statistics,
    /// Over each tensor, in name order.
    pub tensors: Vec<TensorStatistics>,
}

/// Statistics of values, each rounded to float32 first: the form in which aggregates are published.
///
/// Non-finite values are counted and take no part in norm, mean, least and greatest. Sums run in f64 in
/// a fixed order: blocks of 4096 values of a tensor; in a block, lane k of 16 adds the values whose
/// place is k modulo 16; lanes are added pairwise (k and k+8, then k and k+4, ...); block sums in order,
/// then tensor sums in name order. So every machine gets the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Number of values.
    pub elements: u64,
    /// Number of values that are NaN or infinite, or become infinite as float32.
    pub non_finite: u64,
    /// Of these, the finite F64 values beyond float32's range.
    pub overflow: u64,
    /// The square root of the sum of squares.
    pub l2_norm: f64,
    /// The greatest magnitude; 0 where there is no finite value.
    pub max_abs: f64,
    /// The least value; 0 where there is no finite value.
    pub min: f64,
    /// The greatest value; 0 where there is no finite value.
    pub max: f64,
    /// The mean of the finite values; 0 where there is none.
    pub mean: f64,
    /// The share of values that are 0 (or -0), of all; 0 where there is no value.
    pub zero_share: f64,
}

/// One tensor's [`Statistics`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorStatistics {
    /// The tensor's name.
    pub name: String,
    /// Over its values.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl Summary {
    /// Summarizes tensors, in whatever order they come.
    pub fn of<'a>(tensors: impl IntoIterator<Item = TensorView<'a>>) -> Summary {
        let mut views: Vec<_> = tensors.into_iter().collect();
        views.sort_by(|a, b| a.name.cmp(b.name));

        let (mut int8, mut float32) = (Sha256::new(), Sha256::new());
        let mut block = Block::new();
        let mut total = Sums::default();
        let mut tensors = Vec::with_capacity(views.len());
        for view in views {
            int8.update(view.name);
            float32.update(view.name);
            let mut sums = Sums::default();
            for bytes in view.bytes.chunks(BLOCK * view.dtype.size()) {
                let overflow = block.load(view.dtype, bytes);
                int8.update(block.int8());
                // An F32 tensor's bytes are the float32 form already.
                float32.update(if view.dtype == DType::F32 { bytes } else { block.float32_bytes() });
                sums.add(&block.sums(overflow));
            }
            total.add(&sums);
            tensors.push(TensorStatistics { name: view.name.to_owned(), statistics: sums.statistics() });
        }
        Summary {
            hash_int8: hex::encode(int8.finalize()),
            hash_float32: hex::encode(float32.finalize()),
            statistics: total.statistics(),
            tensors,
        }
    }
}

/// What statistics are made of, of any number of values.
#[derive(Clone, Copy, Debug)]
struct Sums {
    elements: u64,
    non_finite: u64,
    overflow: u64,
    zeros: u64,
    sum: f64,
    squares: f64,
    min: f32,
    max: f32,
}

impl Default for Sums {
    fn default() -> Self {
        Sums {
            elements: 0,
            non_finite: 0,
            overflow: 0,
            zeros: 0,
            sum: 0.0,
            squares: 0.0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
        }
    }
}

impl Sums {
    fn add(&mut self, later: &Sums) {
        self.elements += later.elements;
        self.non_finite += later.non_finite;
        self.overflow += later.overflow;
        self.zeros += later.zeros;
        self.sum += later.sum;
        self.squares += later.squares;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
    }

    fn statistics(&self) -> Statistics {
        let finite = self.elements - self.non_finite;
        let (min, max) = if finite == 0 { (0.0, 0.0) } else { (f64::from(self.min), f64::from(self.max)) };
        Statistics {
            elements: self.elements,
            non_finite: self.non_finite,
            overflow: self.overflow,
            l2_norm: self.squares.sqrt(),
            max_abs: min.abs().max(max.abs()),
            min,
            max,
            mean: if finite == 0 { 0.0 } else { self.sum / finite as f64 },
            zero_share: if self.elements == 0 { 0.0 } else { self.zeros as f64 / self.elements as f64 },
        }
    }
}
