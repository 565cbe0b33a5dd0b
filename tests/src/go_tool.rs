use std::env;
use std::path::PathBuf;

use crate::proposer::profile_folder;

/// A program that `cargo xtask test --suite interop` builds with Go: the path in `variable`, or else where
/// the last such run left it. `None`, said in one line, where it was never built; in CI that is a failure.
///
/// # Panics
/// In CI, when there is no such program.
pub fn go_tool(variable: &str, module: &str, program: &str) -> Option<PathBuf> {
    let path = match env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => {
            let target = profile_folder().parent().map(PathBuf::from).unwrap_or_default();
            target.join("tools").join(module).join(format!("{program}{}", env::consts::EXE_SUFFIX))
        }
    };
    if path.is_file() {
        return Some(path);
    }
    let in_ci = env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
    assert!(
        !in_ci,
        "there is no {program} at {}; `cargo xtask test --suite interop` builds it",
        path.display()
    );
    eprintln!("skipped: there is no {program}; `cargo xtask test --suite interop` builds it");
    None
}
