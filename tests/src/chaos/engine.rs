use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::proposer;

/// How many of the last troubles are kept for a report.
const KEPT: usize = 8;

/// The log's name.
const LOG: &str = "engine.log";

/// The proposer as a child that is started again and again.
#[derive(Debug)]
pub(super) struct Engine {
    arguments: Vec<String>,
    /// Where its events and its log go, of all its lives.
    folder: PathBuf,
    child: Option<Child>,
    told: Arc<Mutex<Told>>,
}

/// What it told in all its lives.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Events by name.
    pub(super) events: BTreeMap<String, u64>,
    /// The newest messages of trouble.
    pub(super) troubles: VecDeque<String>,
}

impl Engine {
    pub(super) fn new(arguments: Vec<String>, folder: PathBuf) -> Engine {
        Engine { arguments, folder, child: None, told: Arc::default() }
    }

    /// Starts it; what it tells is read in the background.
    pub(super) fn start(&mut self) {
        let mut events = self.append_to("events.jsonl");
        let mut child = Command::new(proposer())
            .args(&self.arguments)
            .arg("--json")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.append_to(LOG))
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let told = self.told.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = writeln!(events, "{line}");
                if let Ok(event) = serde_json::from_str(&line) {
                    told.lock().unwrap_or_else(PoisonError::into_inner).hear(&event);
                }
            }
        });
        self.child = Some(child);
    }

    fn append_to(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.folder.join(name)).expect("a file in the folder")
    }

    /// How it ended, if it has ended of itself.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().expect("the child is ours")
    }

    /// Kills it as `kill -9` does.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end, as a system that shuts down does, and waits until it has.
    pub(super) async fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let id = child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
        assert!(asked.success(), "failed to send SIGTERM to {id}");
        tokio::task::spawn_blocking(move || child.wait().expect("the child is ours")).await.unwrap()
    }

    pub(super) fn told(&self) -> Told {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last lines of its log.
    pub(super) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Told {
    fn hear(&mut self, event: &Value) {
        let name = event["event"].as_str().unwrap_or("?");
        *self.events.entry(name.to_owned()).or_default() += 1;
        if let ("trouble", Some(message)) = (name, event["message"].as_str()) {
            self.troubles.truncate(KEPT - 1);
            self.troubles.push_front(message.to_owned());
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
