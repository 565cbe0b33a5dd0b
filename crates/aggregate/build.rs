//! Writes the sorting networks of up to 64 wires as straight-line code, once for each x86 vector width.
#![allow(missing_docs, clippy::expect_used)]

#[allow(dead_code)]
#[path = "src/network.rs"]
mod network;

use std::fmt::Write;
use std::path::PathBuf;

/// Wires of the networks that are written out. Other numbers of values are padded to the next of these.
const SIZES: &[usize] =
    &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32, 40, 48, 56, 64];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/network.rs");
    let mut code = String::new();
    for (module, features, lanes) in [
        ("avx512", "avx512f,avx512dq,avx2,fma,f16c", "crate::lanes::F32x16"),
        ("avx2", "avx2,f16c", "crate::lanes::F32x8"),
    ] {
        let emit = |code: &mut String| -> std::fmt::Result {
            writeln!(code, "pub(crate) mod {module} {{\nuse crate::lanes::Lanes;\ntype V = {lanes};")?;
            for &n in SIZES {
                function(code, features, "sort", n, &network::sort(n), 0..n)?;
                function(code, features, "median", n, &network::median(n), (n - 1) / 2..n / 2 + 1)?;
            }
            for kind in ["sort", "median"] {
                writeln!(
                    code,
                    "pub(crate) fn {kind}(n: usize) -> Option<unsafe fn(*mut f32)> {{\nmatch n {{"
                )?;
                for n in SIZES {
                    writeln!(code, "{n} => Some({kind}_{n}),")?;
                }
                writeln!(code, "_ => None,\n}}\n}}")?;
            }
            writeln!(code, "}}")
        };
        emit(&mut code).expect("writing to a string succeeds");
    }
    writeln!(code, "pub(crate) const SIZES: &[usize] = &{SIZES:?};").expect("writing to a string succeeds");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("networks.rs"), code).expect("OUT_DIR is writable");
}

fn function(
    code: &mut String,
    features: &str,
    kind: &str,
    n: usize,
    network: &[network::Comparator],
    outputs: std::ops::Range<usize>,
) -> std::fmt::Result {
    writeln!(
        code,
        "#[target_feature(enable = \"{features}\")]\nunsafe fn {kind}_{n}(p: *mut f32) {{ unsafe {{"
    )?;
    for i in 0..n {
        writeln!(code, "let v{i} = V::load(p.add({i} * V::WIDTH));")?;
    }
    for (i, j) in network {
        writeln!(code, "let (v{i}, v{j}) = (v{i}.min(v{j}), v{i}.max(v{j}));")?;
    }
    for i in 0..n {
        if outputs.contains(&i) {
            writeln!(code, "v{i}.store(p.add({i} * V::WIDTH));")?;
        } else {
            writeln!(code, "let _ = v{i};")?;
        }
    }
    writeln!(code, "}} }}")
}
