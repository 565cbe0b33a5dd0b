//! Measures the methods against one read pass over the same data with the same threads: `cargo xtask bench`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod data;
mod machine;
mod peers;
mod probe;
mod report;

use std::error::Error;
use std::path::PathBuf;

use r3mes_aggregate::{AggregateError, DType, Method, Options, Update, aggregate_into};

use crate::data::Data;
use crate::report::{Report, Row};

/// Values of a round, over all participants: 512 MB of f32.
const VALUES: usize = 128_000_000;
/// Participants of the tables.
const PARTICIPANTS: [usize; 4] = [8, 32, 100, 1000];
/// Launches of which the median counts.
const LAUNCHES: usize = 7;
/// Launches of what takes longer than [`LONG`] seconds.
const LAUNCHES_OF_LONG: usize = 3;
const LONG: f64 = 2.0;

/// What is measured unless methods are named.
const METHODS: &[&str] = &[
    "average",
    "weighted-average",
    "fedavg",
    "median",
    "trimmed-mean",
    "meamed",
    "sign-majority",
    "weighted-median",
    "weighted-trimmed-mean",
    "krum",
    "multi-krum",
    "bulyan",
    "mda",
    "geometric-median",
    "centered-clipping",
    "caf",
    "norm-clipping+average",
    "bucketing+median",
    "nnm+median",
    "nnm+trimmed-mean",
    "arc+nnm+trimmed-mean",
];

/// Too slow for a thousand participants: its cost in Gram space grows with N to the fourth.
const NOT_FOR_MANY: &[&str] = &["caf"];
const MANY: usize = 500;

struct Arguments {
    json: bool,
    peers: Option<PathBuf>,
    /// N, D and dtype of the one case to measure; else all.
    case: Option<(usize, usize, DType)>,
    methods: Vec<String>,
}

const USAGE: &str = "bench [--json] [--peers PYTHON] [N D [f32|f16|bf16|f64] [METHOD...]]";

impl Arguments {
    fn read(mut given: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut arguments = Arguments { json: false, peers: None, case: None, methods: Vec::new() };
        let mut numbers = Vec::new();
        let mut dtype = DType::F32;
        while let Some(word) = given.next() {
            match word.as_str() {
                "--json" => arguments.json = true,
                "--peers" => arguments.peers = Some(given.next().ok_or(USAGE)?.into()),
                "f32" => dtype = DType::F32,
                "f16" => dtype = DType::F16,
                "bf16" => dtype = DType::BF16,
                "f64" => dtype = DType::F64,
                word => match word.parse::<usize>() {
                    Ok(number) => numbers.push(number),
                    Err(_) => arguments.methods.push(word.to_owned()),
                },
            }
        }
        arguments.case = match numbers[..] {
            [] => None,
            [n, d] if n > 0 && d > 0 => Some((n, d, dtype)),
            _ => return Err(format!("N and D are two positive numbers: {USAGE}").into()),
        };
        if arguments.methods.is_empty() {
            arguments.methods = METHODS.iter().map(|m| (*m).to_owned()).collect();
        }
        Ok(arguments)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let mut report = Report::new(arguments.json);
    report.machine(&machine::describe());
    if let Some((n, d, dtype)) = arguments.case {
        measure_case(&mut report, &Data::new(n, d, dtype), &arguments.methods)?;
    } else {
        for n in PARTICIPANTS {
            measure_case(&mut report, &Data::new(n, VALUES / n, DType::F32), &arguments.methods)?;
        }
        for dtype in [DType::F16, DType::BF16, DType::F64] {
            let few = ["average", "median", "trimmed-mean", "krum"].map(str::to_owned);
            measure_case(&mut report, &Data::new(32, VALUES / 32, dtype), &few)?;
        }
    }
    if let Some(python) = &arguments.peers {
        peers::compare(&mut report, python)?;
    }
    report.end();
    Ok(())
}

/// Measures methods on one round, each launch beside a read pass.
fn measure_case(report: &mut Report, data: &Data, methods: &[String]) -> Result<(), Box<dyn Error>> {
    let updates = data.updates();
    let mut out = vec![0.0; data.d];
    let passes: Vec<f64> = (0..LAUNCHES).map(|_| probe::seconds(|| data.read())).collect();
    report.case(data, probe::median(passes));
    for name in methods {
        if data.n >= MANY && NOT_FOR_MANY.contains(&name.as_str()) {
            continue;
        }
        let method: Method = name.parse()?;
        eprintln!("{method}, N = {}, D = {}, {}", data.n, data.d, data.dtype);
        match measure(&method, &updates, data, &mut out) {
            Ok(row) => report.row(row),
            Err(error) => report.refused(name, &error),
        }
    }
    Ok(())
}

fn measure(
    method: &Method,
    updates: &[Update<'_>],
    data: &Data,
    out: &mut [f32],
) -> Result<Row, AggregateError> {
    let options = Options::default();
    // The first launch says whether it works, how long it takes and what memory it wants.
    let mut first = Ok(());
    let (extra_bytes, seconds) =
        probe::extra_bytes(|| probe::seconds(|| first = aggregate_into(method, updates, &options, out)));
    first?;
    let (mut reads, mut runs) = (Vec::new(), Vec::new());
    for _ in 0..if seconds > LONG { LAUNCHES_OF_LONG } else { LAUNCHES } {
        reads.push(probe::seconds(|| data.read()));
        let mut again = Ok(());
        runs.push(probe::seconds(|| again = aggregate_into(method, updates, &options, out)));
        again?;
    }
    let (read, seconds) = (probe::median(reads), probe::median(runs));
    Ok(Row::new(method.to_string(), data, seconds, read, extra_bytes, None))
}
