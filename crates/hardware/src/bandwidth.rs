//! How fast all cores together read memory that no cache can hold.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Clock, Reading, memory};

/// Memory read bandwidth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bandwidth {
    /// Threads that read.
    pub threads: u32,
    /// Bytes of the memory that they went through again and again.
    pub working_set: u64,
    /// Bytes a second, all threads together.
    pub bytes_per_second: f64,
}

/// At most so much memory is taken, and at most an eighth of what is to be had.
const WORKING_SET: u64 = 512 << 20;

/// What is smaller could stay in a cache.
const SMALLEST: u64 = 64 << 20;

/// Words read between two looks at the clock: 8 MiB.
const STRETCH: usize = 1 << 20;

/// Reads memory with all cores for `time`. It slows everything else down meanwhile, so it runs only
/// when someone asks for it.
pub fn read_bandwidth(time: Duration, clock: Clock) -> Reading<Bandwidth> {
    let outcome = memory::read().and_then(|memory| {
        let bytes = WORKING_SET.min(memory.usable_now() / 8);
        if bytes < SMALLEST {
            return Err(format!("read memory: only {} bytes are available", memory.usable_now()));
        }
        let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
        Ok(measure(threads, (bytes / 8) as usize / threads, time))
    });
    Reading::new(outcome, clock())
}

/// `threads` threads, each with `words` words of its own.
fn measure(threads: usize, words: usize, time: Duration) -> Bandwidth {
    let barrier = Barrier::new(threads);
    let rate = thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(|| reader(words, time, &barrier))).collect();
        readers.into_iter().filter_map(|reader| reader.join().ok()).sum()
    });
    Bandwidth { threads: threads as u32, working_set: (threads * words * 8) as u64, bytes_per_second: rate }
}

/// Bytes a second that one thread reads while the others do the same.
fn reader(words: usize, time: Duration, barrier: &Barrier) -> f64 {
    // Written once, so that the pages are there and are not one zero page.
    let memory: Vec<u64> = (0..words as u64).collect();
    barrier.wait();
    let begun = Instant::now();
    let mut read = 0usize;
    for stretch in memory.chunks(STRETCH).cycle() {
        black_box(sum(stretch));
        read += size_of_val(stretch);
        if begun.elapsed() >= time {
            break;
        }
    }
    read as f64 / begun.elapsed().as_secs_f64().max(1e-9)
}

/// Eight sums side by side, so that memory and not addition is what is waited for.
fn sum(words: &[u64]) -> u64 {
    let mut sums = [0u64; 8];
    for eight in words.chunks_exact(8) {
        for (sum, word) in sums.iter_mut().zip(eight) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.iter().fold(0, |total, sum| total.wrapping_add(*sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_reads_all_the_memory_it_is_given() {
        let found = measure(2, 4096, Duration::ZERO);
        assert_eq!((found.threads, found.working_set), (2, 2 * 4096 * 8));
        assert!(found.bytes_per_second > 0.0 && found.bytes_per_second.is_finite());
    }

    #[test]
    fn nothing_to_read_ends() {
        assert_eq!(measure(1, 0, Duration::from_secs(60)).bytes_per_second, 0.0);
    }

    #[test]
    fn the_sum_is_of_every_word() {
        let words: Vec<u64> = (0..64).collect();
        assert_eq!(sum(&words), 63 * 64 / 2);
    }
}
