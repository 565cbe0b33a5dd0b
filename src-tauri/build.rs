//! Embeds the web UI. Where it was not built yet there is an empty folder in its place, so that the
//! workspace can be checked without Node; the program then says what is missing.

fn main() {
    let _ = std::fs::create_dir_all("../ui/dist");
    tauri_build::build();
}
