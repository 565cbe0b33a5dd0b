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

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    fn view(dtype: DType, bytes: &[u8]) -> TensorView<'_> {
        TensorView { name: "w", shape: &[], dtype, bytes }
    }

    fn f32s(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    /// The int8 form by the definition, one value at a time, through the platform's own rounding.
    fn hash_of(bytes: impl IntoIterator<Item = i8>) -> String {
        let bytes: Vec<u8> = bytes.into_iter().map(i8::cast_unsigned).collect();
        hex::encode(Sha256::new().chain_update("w").chain_update(bytes).finalize())
    }

    fn int8(product: f64) -> i8 {
        if product.is_nan() { 0 } else { product.round_ties_even().clamp(-128.0, 127.0) as i8 }
    }

    /// More than a block, with ties, signs, and every kind of odd value.
    fn odd_values() -> Vec<f64> {
        let odd =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e-40, 1e300, -1e300, 65504.0, 700.0];
        let halves = (-600..600).map(|i| f64::from(i) / 254.0);
        odd.into_iter().chain(halves).cycle().take(3 * BLOCK + 77).collect()
    }

    #[test]
    fn int8_is_the_product_in_the_tensors_own_dtype() {
        let values = odd_values();
        let f64s: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let f32s: Vec<u8> = values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
        let f16s: Vec<u8> = values.iter().flat_map(|v| f16::from_f64(*v).to_le_bytes()).collect();
        let bf16s: Vec<u8> = values.iter().flat_map(|v| bf16::from_f64(*v).to_le_bytes()).collect();
        let hash = |dtype, bytes: &[u8]| Summary::of([view(dtype, bytes)]).hash_int8;

        let expected = hash_of(values.iter().map(|v| int8(v * 127.0)));
        assert_eq!(hash(DType::F64, &f64s), expected);
        let expected = hash_of(values.iter().map(|v| int8(f64::from(*v as f32 * 127.0))));
        assert_eq!(hash(DType::F32, &f32s), expected);
        let expected =
            hash_of(values.iter().map(|v| int8((f16::from_f64(*v) * f16::from_f32(127.0)).to_f64())));
        assert_eq!(hash(DType::F16, &f16s), expected);
        let expected =
            hash_of(values.iter().map(|v| int8((bf16::from_f64(*v) * bf16::from_f32(127.0)).to_f64())));
        assert_eq!(hash(DType::BF16, &bf16s), expected);
    }

    #[test]
    fn float32_is_the_same_whatever_holds_the_values() {
        let values: Vec<f32> = (0..BLOCK + 9).map(|i| (i % 97) as f32 / 8.0).collect();
        let expected = hex::encode(Sha256::new().chain_update("w").chain_update(f32s(&values)).finalize());
        let f64s: Vec<u8> = values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
        let f16s: Vec<u8> = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        let bf16s: Vec<u8> = values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect();
        for (dtype, bytes) in
            [(DType::F32, f32s(&values)), (DType::F64, f64s), (DType::F16, f16s), (DType::BF16, bf16s)]
        {
            assert_eq!(Summary::of([view(dtype, &bytes)]).hash_float32, expected, "{dtype}");
        }
    }

    #[test]
    fn statistics_leave_out_what_is_not_finite() {
        let values = [3.0, f32::NAN, -4.0, f32::INFINITY, 0.0, -0.0, f32::NEG_INFINITY, 0.0];
        let Summary { statistics, .. } = Summary::of([view(DType::F32, &f32s(&values))]);
        assert_eq!(
            statistics,
            Statistics {
                elements: 8,
                non_finite: 3,
                overflow: 0,
                l2_norm: 5.0,
                max_abs: 4.0,
                min: -4.0,
                max: 3.0,
                mean: -0.2,
                zero_share: 0.375,
            }
        );
    }

    #[test]
    fn what_float32_cannot_hold_overflows() {
        let bytes: Vec<u8> =
            [1e300, -1e300, f64::NAN, 2.0].iter().flat_map(|v: &f64| v.to_le_bytes()).collect();
        let Summary { statistics, .. } = Summary::of([view(DType::F64, &bytes)]);
        assert_eq!((statistics.non_finite, statistics.overflow), (3, 2));
        assert_eq!((statistics.l2_norm, statistics.mean), (2.0, 2.0));
    }

    #[test]
    fn without_values_all_is_zero() {
        for bytes in [f32s(&[]), f32s(&[f32::NAN; 3])] {
            let Summary { statistics, .. } = Summary::of([view(DType::F32, &bytes)]);
            let figures =
                [statistics.l2_norm, statistics.max_abs, statistics.min, statistics.max, statistics.mean];
            assert_eq!(figures, [0.0; 5]);
            assert_eq!(statistics.zero_share, 0.0);
        }
    }

    #[test]
    fn sums_run_in_the_documented_order() {
        // Of magnitudes so different that another order gives another sum.
        let mut state = 1u32;
        let values: Vec<f32> = (0..2 * BLOCK + 100)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = f32::from_bits(state);
                if value.is_finite() { value } else { 0.5 }
            })
            .collect();
        let mut sum = 0.0;
        for block in values.chunks(4096) {
            let mut lanes = [0.0; 16];
            block.iter().enumerate().for_each(|(i, v)| lanes[i % 16] += f64::from(*v));
            let eight: [f64; 8] = std::array::from_fn(|k| lanes[k] + lanes[k + 8]);
            let four: [f64; 4] = std::array::from_fn(|k| eight[k] + eight[k + 4]);
            sum += (four[0] + four[2]) + (four[1] + four[3]);
        }
        let Summary { statistics, .. } = Summary::of([view(DType::F32, &f32s(&values))]);
        assert_eq!(statistics.mean.to_bits(), (sum / values.len() as f64).to_bits());
    }
}
