use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "a passphrase for tests";

/// The program with a data folder of its own, no terminal, and an environment that is all its own.
#[derive(Clone)]
pub(crate) struct Proposer {
    folder: Arc<TempDir>,
    environment: Vec<(String, String)>,
}

impl Proposer {
    pub(crate) fn new() -> Proposer {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let home = folder.path().join("home").display().to_string();
        let environment = [
            ("R3MES_HOME", home.as_str()),
            ("R3MES_PASSPHRASE", PASSPHRASE),
            ("R3MES_BACKUP_PASSPHRASE", PASSPHRASE),
            ("HOME", home.as_str()),
            ("PATH", &std::env::var("PATH").unwrap_or_default()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Proposer { folder, environment }
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Proposer {
        let mut changed = self.clone();
        changed.environment.retain(|(known, _)| known != name);
        changed.environment.push((name.to_owned(), value.to_owned()));
        changed
    }

    pub(crate) fn with_secret(&self, secret: &str) -> Proposer {
        self.with("R3MES_KEY_SECRET", secret)
    }

    pub(crate) fn with_passphrase(&self, passphrase: &str) -> Proposer {
        self.with("R3MES_PASSPHRASE", passphrase).with("R3MES_BACKUP_PASSPHRASE", passphrase)
    }

    /// A path beside the data folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A command in the same environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_r3mes-proposer")).args(arguments).output().unwrap()
    }

    /// Runs with all passphrases on standard input, and none in the environment.
    pub(crate) fn run_with_input(&self, input: &str, arguments: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_r3mes-proposer"));
        command.env_remove("R3MES_PASSPHRASE").env_remove("R3MES_BACKUP_PASSPHRASE");
        command.args(arguments).args(["--passphrase-fd", "0"]).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The one JSON object that a command prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut lines = self.json_lines(arguments);
        assert_eq!(lines.len(), 1, "{arguments:?} prints one object: {lines:?}");
        lines.remove(0)
    }

    /// The JSON objects that a command prints, one a line.
    pub(crate) fn json_lines(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        let text = String::from_utf8(ended.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it says when it fails: the error's line, and the remedy's if there is one.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        let text = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{arguments:?} went well");
        assert!(text.lines().count() <= 2, "{arguments:?}: {text}");
        text
    }
}
