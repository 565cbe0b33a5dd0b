//! Measures the methods against one read pass over the same data with the same threads.
//!
//! `cargo run --release -p r3mes-aggregate --example speed -- [N] [D] [f32|f16|bf16] [METHOD...]`
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use r3mes_aggregate::{DType, Method, Options, Update, aggregate_into};

const LAUNCHES: usize = 9;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let n: usize = arguments.next().map_or(32, |a| a.parse().unwrap());
    let d: usize = arguments.next().map_or(4_000_000, |a| a.parse().unwrap());
    let mut named: Vec<String> = arguments.collect();
    let dtype = match named.first().map(String::as_str) {
        Some("f16") => DType::F16,
        Some("bf16") => DType::BF16,
        _ => DType::F32,
    };
    if named.first().is_some_and(|first| ["f32", "f16", "bf16"].contains(&first.as_str())) {
        named.remove(0);
    }
    let names =
        if named.is_empty() { Method::NAMES.iter().map(|m| (*m).to_owned()).collect() } else { named };

    let data: Vec<Vec<u8>> = (0..n).map(|i| values(i as u64, d, dtype)).collect();
    let mut updates = Vec::new();
    for (i, bytes) in data.iter().enumerate() {
        let mut update = Update::new(i as u64, 1.0 + i as f64);
        update.push(dtype, bytes);
        updates.push(update);
    }
    let mut out = vec![0.0; d];
    let bytes = (dtype.size() * n * d) as f64;
    println!(
        "N = {n}, D = {d}, {} threads; median and least of {LAUNCHES} launches",
        rayon::current_num_threads()
    );
    for name in names {
        let method: Method = name.parse().unwrap();
        let mut failed = None;
        let [pass, run] = times(
            || {
                black_box(read(&data));
            },
            || {
                failed = aggregate_into(&method, &updates, &Options::default(), &mut out).err();
            },
        );
        match failed {
            Some(error) => println!("{name:<30} {error}"),
            None => println!(
                "{name:<30} {:>8.2} ms ({:.2}), read pass {:>6.2} ms ({:.2}): {:>5.1} GB/s, {:>5.2} P ({:.2})",
                run.0 * 1e3,
                run.1 * 1e3,
                pass.0 * 1e3,
                pass.1 * 1e3,
                bytes / run.0 / 1e9,
                run.0 / pass.0,
                run.1 / pass.1
            ),
        }
    }
}

/// Roughly normal values: the sum of four uniform ones.
fn values(seed: u64, d: usize, dtype: DType) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(dtype.size() * d);
    for _ in 0..d {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let sum: f32 = (0..4).map(|i| f32::from((state >> (16 * i)) as i16)).sum();
        let value = sum / 32768.0;
        match dtype {
            DType::F16 => bytes.extend_from_slice(&half::f16::from_f32(value).to_le_bytes()),
            DType::BF16 => bytes.extend_from_slice(&half::bf16::from_f32(value).to_le_bytes()),
            _ => bytes.extend_from_slice(&value.to_le_bytes()),
        }
    }
    bytes
}

/// One pass that does nothing but read.
fn read(data: &[Vec<u8>]) -> u64 {
    use rayon::prelude::*;
    data.par_iter()
        .map(|bytes| {
            bytes
                .chunks_exact(64)
                .fold([0u64; 8], |mut sums, line| {
                    for (sum, word) in sums.iter_mut().zip(line.as_chunks::<8>().0) {
                        *sum ^= u64::from_le_bytes(*word);
                    }
                    sums
                })
                .iter()
                .fold(0, |a, b| a ^ b)
        })
        .reduce(|| 0, |a, b| a ^ b)
}

/// Median and least seconds of two jobs that take turns, so that both meet the same disturbances.
fn times(mut a: impl FnMut(), mut b: impl FnMut()) -> [(f64, f64); 2] {
    let seconds = |job: &mut dyn FnMut()| {
        let start = Instant::now();
        job();
        start.elapsed().as_secs_f64()
    };
    let mut times = [Vec::new(), Vec::new()];
    b();
    for _ in 0..LAUNCHES {
        times[0].push(seconds(&mut a));
        times[1].push(seconds(&mut b));
    }
    times.map(|mut t| {
        t.sort_by(f64::total_cmp);
        (t[LAUNCHES / 2], t[0])
    })
}
