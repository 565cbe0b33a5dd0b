//! Writes the sorting networks of up to 64 wires as straight-line code, once for each x86 vector width.
#![allow(missing_docs, clippy::expect_used)]

#[allow(dead_code)]
#[path = "src/network.rs"]
mod network;

use std::fmt::Write;
use std::path::PathBuf;

use network::Comparator;

/// Wires of the networks that are written out. Other numbers of values are padded to the next of these.
const SIZES: &[usize] =
    &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 40, 48, 56, 64];

/// What remains of these networks once their first [`BLOCK`] wires and those behind them are in order is written out too.
const MERGES: &[usize] = &[72, 80, 88, 96, 104, 112, 120, 128];
const BLOCK: usize = 64;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/network.rs");
    let mut code = String::new();
    for (module, features, registers, lanes) in [
        ("avx512", "avx512f,avx512dq,avx2,fma,f16c", 30, "crate::lanes::F32x16"),
        ("avx2", "avx2,fma,f16c", 14, "crate::lanes::F32x8"),
    ] {
        let emit = |code: &mut String| -> std::fmt::Result {
            writeln!(
                code,
                "pub(crate) mod {module} {{\nuse crate::lanes::Lanes;\nuse crate::panel::Ahead;\ntype V = {lanes};"
            )?;
            let target = (features, registers);
            let middle = |n: usize| (n - 1) / 2..n / 2 + 1;
            for &n in SIZES {
                function(code, target, "sort", n, &network::sort(n), 0..n)?;
                function(code, target, "median", n, &network::median(n), middle(n))?;
            }
            for &n in MERGES {
                let merge = network::merge(n, BLOCK);
                function(code, target, "merge", n, &merge, 0..n)?;
                let pruned = network::prune(&merge, n, middle(n));
                function(code, target, "merge_to_median", n, &pruned, middle(n))?;
            }
            for (kind, sizes) in
                [("sort", SIZES), ("median", SIZES), ("merge", MERGES), ("merge_to_median", MERGES)]
            {
                writeln!(
                    code,
                    "pub(crate) fn {kind}(n: usize) -> Option<unsafe fn(*mut f32, Ahead)> {{\nmatch n {{"
                )?;
                for n in sizes {
                    writeln!(code, "{n} => Some({kind}_{n}),")?;
                }
                writeln!(code, "_ => None,\n}}\n}}")?;
            }
            writeln!(code, "}}")
        };
        emit(&mut code).expect("writing to a string succeeds");
    }
    writeln!(code, "pub(crate) const SIZES: &[usize] = &{SIZES:?};").expect("writing to a string succeeds");
    writeln!(code, "pub(crate) const MERGES: &[usize] = &{MERGES:?};").expect("writing to a string succeeds");
    writeln!(code, "pub(crate) const BLOCK: usize = {BLOCK};").expect("writing to a string succeeds");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("networks.rs"), code).expect("OUT_DIR is writable");
}

fn function(
    code: &mut String,
    (features, registers): (&str, usize),
    kind: &str,
    n: usize,
    network: &[Comparator],
    outputs: std::ops::Range<usize>,
) -> std::fmt::Result {
    // Merges follow on sorts, which have asked for what comes next.
    let (ahead, asks) = if kind.starts_with("merge") { ("_", false) } else { ("ahead", true) };
    writeln!(
        code,
        "#[target_feature(enable = \"{features}\")]\nunsafe fn {kind}_{n}(p: *mut f32, {ahead}: Ahead) {{ unsafe {{"
    )?;
    // Each wire is loaded when it is first needed and stored when it has its value, so that it takes up a register no longer.
    let network = near(network, registers);
    let mut uses = vec![0; n];
    network.iter().for_each(|(i, j)| [i, j].into_iter().for_each(|wire| uses[usize::from(*wire)] += 1));
    let (mut loaded, mut asked, length) = (vec![false; n], 0, network.len());
    for (place, (i, j)) in network.into_iter().enumerate() {
        while asks && asked * length < (place + 1) * n {
            writeln!(code, "ahead.fetch({asked});")?;
            asked += 1;
        }
        for wire in [i, j] {
            if !std::mem::replace(&mut loaded[usize::from(wire)], true) {
                writeln!(code, "let v{wire} = V::load(p.add({wire} * V::WIDTH));")?;
            }
        }
        writeln!(code, "let (v{i}, v{j}) = (v{i}.min(v{j}), v{i}.max(v{j}));")?;
        for wire in [i, j] {
            uses[usize::from(wire)] -= 1;
            if uses[usize::from(wire)] == 0 {
                if outputs.contains(&usize::from(wire)) {
                    writeln!(code, "v{wire}.store(p.add({wire} * V::WIDTH));")?;
                } else {
                    writeln!(code, "let _ = v{wire};")?;
                }
            }
        }
    }
    writeln!(code, "}} }}")
}

/// The same comparators in an order in which each soon meets wires that were just used, so that few values have to
/// leave `registers` registers between. Comparators that share a wire keep their order.
fn near(network: &[Comparator], registers: usize) -> Vec<Comparator> {
    let mut left = network.to_vec();
    // The wires in registers, the one used last at the end.
    let mut held: Vec<u16> = Vec::new();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let mut touched = Vec::new();
        let mut best: Option<(usize, usize)> = None;
        for (place, &(i, j)) in left.iter().enumerate() {
            if !touched.contains(&i) && !touched.contains(&j) {
                let missing = [i, j].iter().filter(|wire| !held.contains(wire)).count();
                if best.is_none_or(|(_, least)| missing < least) {
                    best = Some((place, missing));
                }
            }
            touched.extend([i, j]);
        }
        let Some((place, _)) = best else { break };
        let (i, j) = left.remove(place);
        held.retain(|wire| *wire != i && *wire != j);
        held.extend([i, j]);
        let excess = held.len().saturating_sub(registers);
        held.drain(..excess);
        ordered.push((i, j));
    }
    ordered
}
