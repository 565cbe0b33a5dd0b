//! How much of a gradient points where the round's aggregate points.

use half::{bf16, f16};
use r3mes_aggregate::DType;
use r3mes_gradient::Gradient;
use rayon::prelude::*;

/// Values that one task takes: some pages of memory, and enough work for a task.
const BLOCK: usize = 1 << 16;

/// The cosine of the angle between a gradient and the aggregate, -1 to 1; none where either is zero or not
/// finite. The aggregate's values stand in the order of the gradient's tensors. Sums are in F64, block by block in a
/// fixed order.
pub(crate) fn cosine(gradient: &Gradient, aggregate: &[f32]) -> Option<f64> {
    let mut sums = Sums::default();
    let mut start = 0;
    for tensor in gradient.tensors() {
        let end = start + tensor.elements() as usize;
        let values = aggregate.get(start..end)?;
        let size = tensor.dtype.size();
        let blocks: Vec<Sums> = tensor
            .bytes
            .par_chunks(BLOCK * size)
            .zip(values.par_chunks(BLOCK))
            .map(|(bytes, values)| Sums::of(tensor.dtype, bytes, values))
            .collect();
        for block in blocks {
            sums.add(&block);
        }
        start = end;
    }
    let cosine = sums.product / (sums.left.sqrt() * sums.right.sqrt());
    cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0))
}

/// The inner products of two vectors.
#[derive(Debug, Default)]
struct Sums {
    product: f64,
    left: f64,
    right: f64,
}

impl Sums {
    fn of(dtype: DType, bytes: &[u8], values: &[f32]) -> Sums {
        match dtype {
            DType::F64 => Sums::over(bytes, values, f64::from_le_bytes),
            DType::F32 => Sums::over(bytes, values, |bytes| f64::from(f32::from_le_bytes(bytes))),
            DType::F16 => Sums::over(bytes, values, |bytes| f16::from_le_bytes(bytes).to_f64()),
            DType::BF16 => Sums::over(bytes, values, |bytes| bf16::from_le_bytes(bytes).to_f64()),
        }
    }

    fn over<const N: usize>(bytes: &[u8], values: &[f32], read: impl Fn([u8; N]) -> f64) -> Sums {
        let mut sums = Sums::default();
        for (bytes, value) in bytes.as_chunks::<N>().0.iter().zip(values) {
            let (left, right) = (read(*bytes), f64::from(*value));
            sums.product += left * right;
            sums.left += left * left;
            sums.right += right * right;
        }
        sums
    }

    fn add(&mut self, other: &Sums) {
        self.product += other.product;
        self.left += other.left;
        self.right += other.right;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use r3mes_gradient::{Limits, TensorView};

    use super::*;

    /// A gradient file of two tensors in one format.
    fn gradient(folder: &tempfile::TempDir, dtype: DType, values: &[f64]) -> Gradient {
        let bytes = |values: &[f64]| -> Vec<u8> {
            let of = |value: &f64| match dtype {
                DType::F64 => value.to_le_bytes().to_vec(),
                DType::F32 => (*value as f32).to_le_bytes().to_vec(),
                DType::F16 => f16::from_f64(*value).to_le_bytes().to_vec(),
                DType::BF16 => bf16::from_f64(*value).to_le_bytes().to_vec(),
            };
            values.iter().flat_map(of).collect()
        };
        let (first, second) = values.split_at(1);
        let (a, b) = (bytes(first), bytes(second));
        let shape = [second.len() as u64];
        let tensors = [
            TensorView { name: "a", shape: &[1], dtype, bytes: &a },
            TensorView { name: "b", shape: &shape, dtype, bytes: &b },
        ];
        let path = folder.path().join(format!("{dtype}.safetensors"));
        let mut file = std::fs::File::create(&path).unwrap();
        r3mes_gradient::write_safetensors(&mut file, &tensors, &BTreeMap::new()).unwrap();
        Gradient::open(&path, &Limits::default()).unwrap()
    }

    #[test]
    fn it_is_one_along_the_aggregate_and_minus_one_against_it() {
        let folder = tempfile::tempdir().unwrap();
        for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
            let gradient = gradient(&folder, dtype, &[3.0, -4.0, 0.5]);
            let of = |aggregate: &[f32]| cosine(&gradient, aggregate);
            assert!((of(&[6.0, -8.0, 1.0]).unwrap() - 1.0).abs() < 1e-12, "{dtype}");
            assert!((of(&[-3.0, 4.0, -0.5]).unwrap() + 1.0).abs() < 1e-12, "{dtype}");
            assert_eq!(of(&[4.0, 3.0, 0.0]), Some(0.0), "{dtype}");
        }
    }

    #[test]
    fn there_is_none_without_a_direction() {
        let folder = tempfile::tempdir().unwrap();
        let gradient = gradient(&folder, DType::F32, &[1.0, 2.0]);
        assert_eq!(cosine(&gradient, &[0.0, 0.0]), None);
        assert_eq!(cosine(&gradient, &[f32::NAN, 1.0]), None);
        assert_eq!(cosine(&gradient, &[1.0]), None);
    }

    #[test]
    fn blocks_make_no_difference() {
        let folder = tempfile::tempdir().unwrap();
        let values: Vec<f64> = (0..BLOCK * 2 + 7).map(|i| ((i % 17) as f64) - 8.0).collect();
        let other: Vec<f32> = (0..values.len()).map(|i| ((i % 5) as f32) - 1.0).collect();
        let gradient = gradient(&folder, DType::F32, &values);
        let inner = |a: &dyn Fn(usize) -> f64, b: &dyn Fn(usize) -> f64| -> f64 {
            (0..values.len()).map(|i| a(i) * b(i)).sum()
        };
        let (left, right) = (|i: usize| values[i], |i: usize| f64::from(other[i]));
        let expected = inner(&left, &right) / (inner(&left, &left) * inner(&right, &right)).sqrt();
        assert!((cosine(&gradient, &other).unwrap() - expected).abs() < 1e-12);
    }
}
