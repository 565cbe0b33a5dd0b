//! Randomness that follows from the network's seed alone.
//!
//! Every draw comes from a stream of its own, named by a domain and numbers, so that what one miner draws
//! does not depend on how many draws another made before it, nor on threads.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The stream of `domain` with `numbers` (a miner's index, a round) in the network of `seed`.
#[must_use]
pub fn stream(seed: u64, domain: &str, numbers: &[u64]) -> ChaCha8Rng {
    let mut hasher = Sha256::new();
    hasher.update(b"r3mes-localnet/miners/v1\0");
    hasher.update(seed.to_le_bytes());
    hasher.update((domain.len() as u64).to_le_bytes());
    hasher.update(domain.as_bytes());
    for number in numbers {
        hasher.update(number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(hasher.finalize().into())
}

/// A uniform number in (0, 1].
pub fn uniform(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// A number in `0..bound` (`bound` > 0). The bias of the multiply-shift is below 2^-32 for our small bounds.
pub fn below(rng: &mut impl Rng, bound: usize) -> usize {
    ((u128::from(rng.next_u64()) * bound as u128) >> 64) as usize
}

/// A standard normal number (Box and Muller, 1958).
///
/// `libm` and not the platform's mathematics library: the same bits on every machine.
pub fn normal(rng: &mut impl Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(uniform(rng)));
    radius * libm::cos(core::f64::consts::TAU * uniform(rng))
}

/// A number of the gamma distribution with `shape` > 0 and scale 1 (Marsaglia and Tsang, 2000).
pub fn gamma(rng: &mut impl Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(uniform(rng), 1.0 / shape);
        return gamma(rng, shape + 1.0) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = normal(rng);
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        if libm::log(uniform(rng)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// Shuffles `items` (Fisher and Yates).
pub fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

#[cfg(test)]
mod tests {
    use rand::RngCore;

    use super::*;

    #[test]
    fn streams_are_told_apart_by_seed_domain_and_numbers() {
        let first = |seed, domain, numbers: &[u64]| stream(seed, domain, numbers).next_u64();
        let reference = first(7, "shares", &[1]);
        assert_eq!(reference, first(7, "shares", &[1]));
        assert_ne!(reference, first(8, "shares", &[1]));
        assert_ne!(reference, first(7, "share", &[1]));
        assert_ne!(reference, first(7, "shares", &[2]));
        assert_ne!(reference, first(7, "shares", &[1, 0]));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = stream(1, "moments", &[]);
        let count = 40_000;
        let normals: Vec<f64> = (0..count).map(|_| normal(&mut rng)).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(count);
        let variance = normals.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(count);
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
        for shape in [0.3, 1.0, 4.0] {
            let mean = (0..count).map(|_| gamma(&mut rng, shape)).sum::<f64>() / f64::from(count);
            assert!((mean - shape).abs() < 0.06 * shape.max(1.0), "shape {shape}: mean {mean}");
        }
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut stream(3, "shuffle", &[]), &mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
