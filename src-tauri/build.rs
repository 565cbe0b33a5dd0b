//! Embeds the web UI. Where it was not built yet there is an empty folder in its place, so that the
//! workspace can be checked without Node; the program then says what is missing.

fn main() {
    let _ = std::fs::create_dir_all("../ui/dist");
    // A launcher that was built before its web UI must not stay without one.
    println!("cargo:rerun-if-changed=../ui/dist");
    println!("cargo:rerun-if-changed=build.rs");
    tauri_build::build();
}
