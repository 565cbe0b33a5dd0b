use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;

use crate::proposer;

/// The program as a child that goes on while a test reads its JSON lines. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts the program with `--json`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let mut child = Command::new(proposer())
            .args(arguments)
            .arg("--json")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Running { child, lines }
    }

    /// Waits for the next line; `None` when the program closed its output.
    pub fn next_line(&mut self) -> Option<Value> {
        let line = self.lines.next()?.ok()?;
        Some(serde_json::from_str(&line).expect("each line is JSON"))
    }

    /// Waits for a line that `wanted` accepts.
    ///
    /// # Panics
    /// When the program ends before.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        while let Some(line) = self.next_line() {
            if wanted(&line) {
                return line;
            }
        }
        panic!("the program ended before {what}");
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    /// When the system does not know the child.
    pub fn wait(mut self) -> ExitStatus {
        while self.next_line().is_some() {}
        self.child.wait().expect("the child is ours")
    }

    /// The process's id, to send it signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the program as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
