//! The same arrays through numpy, Flower and ByzFL.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use r3mes_aggregate::{DType, Method, Options, aggregate};
use serde_json::Value;

use crate::data::Data;
use crate::report::{Report, Row};
use crate::{machine, measure, probe};

/// The rounds that are timed: one whose rows fit the peers' caches, and that of the tables.
const TIMED: [(usize, usize); 2] = [(32, 1_000_000), (32, 4_000_000)];
/// The inputs that must fit into memory for a round to be timed: ByzFL's mixing needs 27, and we and Python keep three.
const INPUTS: u64 = 36;
/// The rounds on which results are compared.
const COMPARED: (usize, usize) = (25, 20_000);
const LAUNCHES: usize = 3;

/// Rules whose results cannot agree, on purpose.
const OTHERWISE: &[(&str, &str)] = &[
    ("geometric-median", "ByzFL begins at the mean and smooths by a fixed amount; ours runs to convergence"),
    ("caf", "ByzFL's power iteration begins at random and ends at another bound"),
];

pub(crate) fn compare(report: &mut Report, python: &Path) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for (n, d) in TIMED {
        let data = Data::new(n, d, DType::F32);
        report.peers(&data, "numpy, Flower and ByzFL");
        if machine::available().is_some_and(|available| available < INPUTS * data.bytes() as u64) {
            report.note("Not enough memory is free for ByzFL's mixing of such a round.");
            continue;
        }
        run(report, python, folder.path(), &data, LAUNCHES)?;
    }
    for (attack, data) in adversarial() {
        report.peers_attacked(attack);
        run(report, python, folder.path(), &data, 1)?;
    }
    for (method, why) in OTHERWISE {
        report.note(&format!("`{method}` differs on purpose: {why}."));
    }
    Ok(())
}

fn run(
    report: &mut Report,
    python: &Path,
    folder: &Path,
    data: &Data,
    launches: usize,
) -> Result<(), Box<dyn Error>> {
    let array = folder.join("array.npy");
    write_npy(&array, data)?;
    let script = folder.join("peers.py");
    fs::write(&script, include_str!("peers.py"))?;
    let f = data.n / 5;
    let mut child = Command::new(python)
        .arg(&script)
        .arg(&array)
        .arg(f.to_string())
        .arg(folder.join("out"))
        .arg(launches.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut turn = child.stdin.take().ok_or("python has no input")?;
    let answers = child.stdout.take().ok_or("python has no output")?;
    let updates = data.updates();
    let mut out = vec![0.0; data.d];
    let mut ties = Vec::new();
    let mut answers = BufReader::new(answers).lines();
    loop {
        // The peer works while nothing is measured here. After its last rule it is gone.
        if turn.write_all(b"\n").and_then(|()| turn.flush()).is_err() {
            break;
        }
        let Some(line) = answers.next() else { break };
        let answer: Value = serde_json::from_str(&line?)?;
        let text = answer["method"].as_str().ok_or("an answer without a method")?;
        let peer = ["numpy", "Flower", "ByzFL"].into_iter().find(|peer| answer["peer"] == *peer);
        let peer = peer.ok_or("an answer of an unknown peer")?;
        eprintln!("{text}: {peer}");
        let (Some(seconds), Some(path)) = (answer["seconds"].as_f64(), answer["out"].as_str()) else {
            report.failed(text, peer, answer["error"].as_str().unwrap_or("no answer"));
            continue;
        };
        let method: Method = text.parse()?;
        let theirs = read_f64(Path::new(path))?;
        fs::remove_file(path)?;
        let found = aggregate(&method, &updates, &Options::default())?;
        let agrees = OTHERWISE.iter().all(|(name, _)| !text.starts_with(name));
        let left_out = text.starts_with("meamed").then_some(f);
        let (tied, found) = without_ties(found, &theirs, data, left_out);
        if tied > 0 {
            let d = data.d;
            ties.push(format!(
                "`{method}`: {tied} of {d} coordinates are ties that {peer} breaks otherwise."
            ));
        }
        let difference = agrees.then(|| relative(&found, &theirs));
        let ours = measure(&method, &updates, data, &mut out)?;
        let read = probe::median((0..LAUNCHES).map(|_| probe::seconds(|| data.read())).collect());
        let row =
            Row::new(method.to_string(), data, seconds, read, answer["extra_bytes"].as_u64(), Some(peer));
        report.beside(row, &ours, peer, difference);
    }
    ties.iter().for_each(|tie| report.note(tie));
    if !child.wait()?.success() {
        return Err("the script of the peers failed; see above".into());
    }
    Ok(())
}

/// The greatest difference of a coordinate, relative to the greatest coordinate.
fn relative(ours: &[f32], theirs: &[f64]) -> f64 {
    let scale = theirs.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max) / scale
}

/// Our result with theirs in its place where the two are means around the median of equally near values: of two values
/// equally far from it ours leaves out the upper one, theirs either. And how many coordinates that are.
fn without_ties(
    mut ours: Vec<f32>,
    theirs: &[f64],
    data: &Data,
    left_out: Option<usize>,
) -> (usize, Vec<f32>) {
    let Some(f) = left_out else { return (0, ours) };
    let mut tied = 0;
    for (c, (ours, theirs)) in ours.iter_mut().zip(theirs).enumerate() {
        if f64::from(*ours) != *theirs && is_tie(data.column(c), f, f64::from(*ours), *theirs) {
            tied += 1;
            *ours = *theirs as f32;
        }
    }
    (tied, ours)
}

/// Whether two results are means of different windows of the sorted column that lie equally near its median.
fn is_tie(mut column: Vec<f32>, f: usize, ours: f64, theirs: f64) -> bool {
    column.sort_by(f32::total_cmp);
    let (n, kept) = (column.len(), column.len() - f);
    let median = ((f64::from(column[(n - 1) / 2]) + f64::from(column[n / 2])) / 2.0) as f32;
    let mean = |s: usize| column[s..s + kept].iter().map(|x| f64::from(*x)).sum::<f64>() / kept as f64;
    let window =
        |result: f64| (0..=f).min_by(|a, b| (mean(*a) - result).abs().total_cmp(&(mean(*b) - result).abs()));
    let (Some(a), Some(b)) = (window(ours), window(theirs)) else { return false };
    a != b && (a.min(b)..a.max(b)).all(|s| median - column[s] == column[s + kept] - median)
}

/// Rounds in which a fifth of the updates attack.
fn adversarial() -> Vec<(&'static str, Data)> {
    let (n, d) = COMPARED;
    let attacked = |attack: fn(f64, f64) -> f64| {
        let mut data = Data::new(n, d, DType::F32);
        let f = n / 5;
        let honest: Vec<Vec<f32>> = data.rows[f..]
            .iter()
            .map(|row| row.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
            .collect();
        let value = |c: usize| {
            let count = honest.len() as f64;
            let mean = honest.iter().map(|row| f64::from(row[c])).sum::<f64>() / count;
            let variance = honest.iter().map(|row| (f64::from(row[c]) - mean).powi(2)).sum::<f64>() / count;
            attack(mean, variance.sqrt()) as f32
        };
        let bad: Vec<u8> = (0..d).flat_map(|c| value(c).to_le_bytes()).collect();
        data.rows[..f].fill(bad);
        data
    };
    vec![
        ("a fifth sends the honest mean times -10", attacked(|mean, _| -10.0 * mean)),
        ("a fifth sends the mean less 1.5 deviations", attacked(|mean, deviation| mean - 1.5 * deviation)),
        ("a fifth sends the mean times 1e6", attacked(|mean, _| 1e6 * mean)),
    ]
}

/// Version 1.0 of numpy's format: a text header padded to 64 bytes, then the values.
fn write_npy(path: &Path, data: &Data) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", data.n, data.d);
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&u16::try_from(padded)?.to_le_bytes())?;
    writeln!(file, "{header:<width$}", width = padded - 1)?;
    for row in &data.rows {
        file.write_all(row)?;
    }
    file.flush()?;
    Ok(())
}

fn read_f64(path: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    Ok(fs::read(path)?.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect())
}
