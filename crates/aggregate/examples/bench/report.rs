//! The figures as a Markdown table or as JSON, one object a row.

use r3mes_aggregate::AggregateError;
use serde_json::json;

use crate::data::Data;

pub(crate) struct Report {
    json: bool,
}

/// One method on one round.
pub(crate) struct Row {
    method: String,
    n: usize,
    d: usize,
    dtype: String,
    /// Bytes of input.
    bytes: usize,
    pub(crate) seconds: f64,
    /// Of one read pass, measured in turns with the method.
    read_seconds: f64,
    /// Peak of the resident memory above what was there before, without the output.
    extra_bytes: Option<u64>,
    /// Whose implementation, if not ours.
    peer: Option<&'static str>,
}

impl Row {
    pub(crate) fn new(
        method: String,
        data: &Data,
        seconds: f64,
        read_seconds: f64,
        extra_bytes: Option<u64>,
        peer: Option<&'static str>,
    ) -> Self {
        let (n, d, dtype, bytes) = (data.n, data.d, data.dtype.to_string(), data.bytes());
        Row { method, n, d, dtype, bytes, seconds, read_seconds, extra_bytes, peer }
    }

    fn passes(&self) -> f64 {
        self.seconds / self.read_seconds
    }

    fn gigabytes_a_second(&self) -> f64 {
        self.bytes as f64 / self.seconds / 1e9
    }
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Report { json }
    }

    pub(crate) fn machine(&mut self, text: &str) {
        if !self.json {
            println!("{text}.");
        }
    }

    pub(crate) fn case(&mut self, data: &Data, read_seconds: f64) {
        let (n, d, dtype, bytes) = (data.n, data.d, data.dtype, data.bytes());
        let rate = bytes as f64 / read_seconds / 1e9;
        if self.json {
            let row = json!({
                "method": "read", "n": n, "d": d, "dtype": dtype.to_string(), "seconds": read_seconds, "passes": 1.0,
                "gigabytes_per_second": rate, "extra_bytes": 0, "peer": null,
            });
            println!("{row}");
            return;
        }
        println!("\n### N = {n}, D = {d}, {dtype}");
        println!("{} MB; one read pass: {:.1} ms, {rate:.1} GB/s.\n", bytes / 1_000_000, read_seconds * 1e3);
        println!("| method | ms | P | GB/s of input | share of the bandwidth | extra memory |");
        println!("|---|---:|---:|---:|---:|---:|");
    }

    pub(crate) fn row(&mut self, row: Row) {
        if self.json {
            let line = json!({
                "method": row.method, "n": row.n, "d": row.d, "dtype": row.dtype, "seconds": row.seconds,
                "passes": row.passes(), "gigabytes_per_second": row.gigabytes_a_second(),
                "extra_bytes": row.extra_bytes, "peer": row.peer,
            });
            println!("{line}");
            return;
        }
        println!(
            "| `{}` | {:.1} | {:.2} | {:.1} | {:.0} % | {} |",
            row.method,
            row.seconds * 1e3,
            row.passes(),
            row.gigabytes_a_second(),
            100.0 / row.passes(),
            memory(row.extra_bytes),
        );
    }

    pub(crate) fn refused(&mut self, method: &str, error: &AggregateError) {
        if self.json {
            println!("{}", json!({ "method": method, "error": error.to_string() }));
        } else {
            println!("| `{method}` | {error} | | | | |");
        }
    }

    /// The heading of the comparison with peers.
    pub(crate) fn peers(&mut self, data: &Data, versions: &str) {
        if !self.json {
            println!("\n### Beside {versions}");
            println!("N = {}, D = {}, {}: the same arrays, in one run.", data.n, data.d, data.dtype);
            self.peers_table();
        }
    }

    /// Another round, on which results are compared.
    pub(crate) fn peers_attacked(&mut self, attack: &str) {
        if !self.json {
            println!("\n#### {attack}");
            self.peers_table();
        }
    }

    fn peers_table(&self) {
        println!("\n| method | theirs | ms | memory | ours: ms | memory | times faster | difference |");
        println!("|---|---|---:|---:|---:|---:|---:|---:|");
    }

    pub(crate) fn note(&mut self, text: &str) {
        if !self.json {
            println!("\n{text}");
        }
    }

    pub(crate) fn beside(&mut self, theirs: Row, ours: &Row, name: &str, difference: Option<f64>) {
        if self.json {
            let line = json!({
                "method": theirs.method, "n": theirs.n, "d": theirs.d, "dtype": theirs.dtype,
                "seconds": theirs.seconds, "passes": theirs.passes(), "extra_bytes": theirs.extra_bytes,
                "peer": theirs.peer, "ours_seconds": ours.seconds, "ours_extra_bytes": ours.extra_bytes,
                "times_faster": theirs.seconds / ours.seconds, "difference": difference,
            });
            println!("{line}");
            return;
        }
        println!(
            "| `{}` | {name} | {:.1} | {} | {:.1} | {} | {:.1} | {} |",
            theirs.method,
            theirs.seconds * 1e3,
            memory(theirs.extra_bytes),
            ours.seconds * 1e3,
            memory(ours.extra_bytes),
            theirs.seconds / ours.seconds,
            difference.map_or_else(|| "-".to_owned(), |d| format!("{d:.1e}")),
        );
    }

    /// What a peer could not do.
    pub(crate) fn failed(&mut self, method: &str, name: &str, why: &str) {
        if self.json {
            println!("{}", json!({ "method": method, "peer": name, "error": why }));
        } else {
            println!("| `{method}` | {name} | {why} | | | | | |");
        }
    }

    pub(crate) fn end(&mut self) {
        if !self.json {
            println!();
        }
    }
}

fn memory(bytes: Option<u64>) -> String {
    match bytes {
        None => "?".to_owned(),
        Some(bytes) if bytes < 1_000_000 => "below 1 MB".to_owned(),
        Some(bytes) => format!("{} MB", bytes / 1_000_000),
    }
}
