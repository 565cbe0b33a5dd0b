//! The bindings of the web UI are those of the commands as they are.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;

use specta_typescript::Typescript;

const BINDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/backend/bindings.ts");

/// Writes the bindings anew where `R3MES_WRITE_BINDINGS` is set, as `cargo xtask bindings` does.
#[test]
fn the_checked_in_bindings_are_those_of_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("bindings.ts");
    let header = "// Made by `cargo xtask bindings` from the commands of the desktop shell; not edited by hand.\n/* eslint-disable */\n// @ts-nocheck\n";
    r3mes_launcher::builder::<tauri::test::MockRuntime>()
        .export(Typescript::default().header(header), &made)
        .unwrap();
    let made = fs::read_to_string(made).unwrap();
    if std::env::var_os("R3MES_WRITE_BINDINGS").is_some() {
        fs::create_dir_all(Path::new(BINDINGS).parent().unwrap()).unwrap();
        fs::write(BINDINGS, &made).unwrap();
    }
    let kept = fs::read_to_string(BINDINGS).unwrap_or_default();
    let differs = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
    assert!(
        made == kept,
        "ui/src/backend/bindings.ts has drifted (first difference: {differs:?}); `cargo xtask bindings` writes it anew"
    );
}
