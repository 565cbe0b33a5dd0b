//! Aggregates more gradient files than fit into memory, and watches what stays resident.
//!
//! `cargo run --release -p r3mes-aggregate --example larger_than_memory -- FOLDER [FILES [MIB [METHOD]]]`, by default
//! 256 files of 100 MiB by median. The files are made in a new folder inside FOLDER and removed afterwards.
#![allow(clippy::print_stdout, unsafe_code)]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memmap2::{Advice, Mmap};
use r3mes_aggregate::{DType, Method, Options, Update, aggregate_into};
use rayon::prelude::*;

/// Coordinates of a tile: a megabyte of each file at a time.
const TILE: usize = 256 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().ok_or("name a folder with room for the files")?;
    let files: usize = arguments.next().map_or(Ok(256), |a| a.parse())?;
    let mebibytes: usize = arguments.next().map_or(Ok(100), |a| a.parse())?;
    let method: Method = arguments.next().as_deref().unwrap_or("median").parse()?;

    let folder = tempfile::tempdir_in(parent)?;
    let path = |i: usize| folder.path().join(format!("gradient-{i}"));
    let start = Instant::now();
    for i in 0..files {
        make(&path(i), i as u64, mebibytes << 20)?;
    }
    let bytes = files * (mebibytes << 20);
    println!(
        "{files} files of {mebibytes} MiB, {:.1} GB, made in {:.1?}",
        bytes as f64 / 1e9,
        start.elapsed()
    );

    let start = Instant::now();
    (0..files).try_for_each(|i| fs::read(path(i)).map(drop))?;
    let read = start.elapsed();
    println!("read once, file by file: {read:.1?}, {:.2} GB/s", bytes as f64 / read.as_secs_f64() / 1e9);

    let mut maps = Vec::with_capacity(files);
    for i in 0..files {
        // SAFETY: the folder is ours alone, and nobody changes the files.
        let map = unsafe { Mmap::map(&File::open(path(i))?)? };
        map.advise(Advice::Sequential)?;
        maps.push(map);
    }
    let mut updates = Vec::with_capacity(files);
    for (i, map) in maps.iter().enumerate() {
        let mut update = Update::new(i as u64, 1.0);
        update.push(DType::F32, map);
        updates.push(update);
    }
    let mut out = vec![0.0; updates[0].len()];
    let options = Options { tile: TILE, ..Options::default() };
    let (ended, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Acquire) {
                most.fetch_max(resident_anonymous(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let result = aggregate_into(&method, &updates, &options, &mut out);
        ended.store(true, Ordering::Release);
        result
    });
    let took = start.elapsed();
    result?;
    println!(
        "{method}: {took:.1?}, {:.2} GB/s; at most {:.0} MiB of anonymous memory resident; sum {:e}",
        bytes as f64 / took.as_secs_f64() / 1e9,
        most.into_inner() as f64 / f64::from(1 << 20),
        out.iter().map(|x| f64::from(*x)).sum::<f64>()
    );
    Ok(())
}

/// A file of values between -1 and 1 that follow from the seed.
fn make(path: &Path, seed: u64, bytes: usize) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let chunk = 1 << 20;
    let chunks: Vec<usize> = (0..bytes.div_ceil(chunk)).collect();
    for some in chunks.chunks(16) {
        let made: Vec<Vec<u8>> = some
            .par_iter()
            .map(|c| {
                let mut state = (seed << 32 | *c as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
                let len = chunk.min(bytes - c * chunk);
                let mut values = Vec::with_capacity(len);
                for _ in 0..len / 4 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    values.extend_from_slice(&((state >> 32) as i32 as f32 / 2_147_483_648.0).to_le_bytes());
                }
                values
            })
            .collect();
        made.iter().try_for_each(|values| file.write_all(values))?;
    }
    file.flush()?;
    Ok(())
}

/// Bytes, where the system tells (Linux); else 0.
fn resident_anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    1024 * line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default()
}
