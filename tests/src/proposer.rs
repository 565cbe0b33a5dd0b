use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The `r3mes-proposer` program, for tests that start it and kill it.
///
/// `cargo xtask test` has built it and says where it is, in `R3MES_PROPOSER`. Otherwise it is built here,
/// once a test program, so that plain `cargo test` works and never runs a stale one.
///
/// # Panics
/// When there is no program to be had: no test can go on then.
pub fn proposer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = match env::var_os("R3MES_PROPOSER") {
            Some(program) => PathBuf::from(program),
            None => build(),
        };
        assert!(program.is_file(), "there is no r3mes-proposer at {}", program.display());
        program
    })
}

fn build() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let folder = profile_folder();
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "r3mes-proposer"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    let built = command.status().is_ok_and(|status| status.success());
    assert!(built, "failed to build r3mes-proposer for the tests");
    folder.join(format!("r3mes-proposer{}", env::consts::EXE_SUFFIX))
}

/// `target/debug`, say: the test program runs in its `deps`.
pub(crate) fn profile_folder() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let folder = program.parent().and_then(Path::parent);
    folder.map(Path::to_owned).unwrap_or_default()
}
