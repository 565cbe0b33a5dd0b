//! What is left behind by a run that did not end: the phase that it was in, and a report of a panic. The next
//! run tells of it.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

pub(crate) use r3mes_api::session::RunPhase as Phase;
use r3mes_api::session::{CrashView, redact};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const RUNNING: &str = "running.json";
const REPORT: &str = "crash-report.txt";

/// The file that is there while a run is on.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    phase: Phase,
    at: String,
    process: u32,
}

/// Marks this run in the data folder.
#[derive(Clone, Debug)]
pub(crate) struct Sentinel {
    folder: PathBuf,
}

impl Sentinel {
    /// Marks the beginning of a run, and tells how the last one ended if that was badly. One that is still on
    /// did not end at all.
    pub(crate) fn begin(folder: &Path) -> (Sentinel, Option<CrashView>) {
        let sentinel = Sentinel { folder: folder.to_owned() };
        let left = fs::read_to_string(folder.join(RUNNING))
            .ok()
            .and_then(|text| serde_json::from_str::<Mark>(&text).ok())
            .filter(|mark| !is_alive(mark.process));
        let crash = left.map(|mark| CrashView {
            phase: mark.phase,
            report: folder.join(REPORT).exists().then(|| REPORT.to_owned()),
            at: mark.at,
        });
        sentinel.enter(Phase::Starting);
        (sentinel, crash)
    }

    /// Notes the phase. A folder that cannot be written leaves no mark; that is no reason not to run.
    pub(crate) fn enter(&self, phase: Phase) {
        let mark = Mark { phase, at: now(), process: std::process::id() };
        if let Ok(text) = serde_json::to_string(&mark) {
            let _ = fs::create_dir_all(&self.folder);
            let _ = fs::write(self.folder.join(RUNNING), text);
        }
    }

    /// The run has ended as it should.
    pub(crate) fn end(&self) {
        let _ = fs::remove_file(self.folder.join(RUNNING));
    }

    /// Has a panic leave a report in the data folder, without what only concerns this machine.
    pub(crate) fn report_panics(&self) {
        let path = self.folder.join(REPORT);
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let trace = std::backtrace::Backtrace::force_capture();
            let text = format!("{}\nversion {}\n{info}\n\n{trace}\n", now(), env!("CARGO_PKG_VERSION"));
            let _ = fs::write(&path, redact(&text));
            tracing::error!("a part of the program failed: {info}");
            before(info);
        }));
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

fn is_alive(process: u32) -> bool {
    process == std::process::id() || Path::new(&format!("/proc/{process}/stat")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that has ended: its number is not given out again while the test runs.
    fn dead() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn a_run_that_did_not_end_is_told_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let (sentinel, crash) = Sentinel::begin(folder.path());
        assert_eq!(crash, None);
        sentinel.enter(Phase::Running);
        let path = folder.path().join(RUNNING);
        let mark = fs::read_to_string(&path).unwrap();
        fs::write(&path, mark.replace(&std::process::id().to_string(), &dead().to_string())).unwrap();
        let (sentinel, crash) = Sentinel::begin(folder.path());
        assert_eq!(crash.map(|crash| crash.phase), Some(Phase::Running));
        sentinel.end();
        assert_eq!(Sentinel::begin(folder.path()).1, None);
    }

    #[test]
    fn a_run_that_is_still_on_has_not_crashed() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Sentinel::begin(folder.path());
        assert_eq!(Sentinel::begin(folder.path()).1, None);
    }

    #[test]
    fn a_panic_leaves_a_report_without_what_only_concerns_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let (sentinel, _) = Sentinel::begin(folder.path());
        let before = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        sentinel.report_panics();
        let home = std::env::home_dir().unwrap().display().to_string();
        let at_home = home.clone();
        let failing = std::thread::spawn(move || {
            panic!("failed to open {at_home}/journal.sqlite, at https://ada:secret@rpc.example");
        });
        failing.join().unwrap_err();
        panic::set_hook(before);
        let report = fs::read_to_string(folder.path().join(REPORT)).unwrap();
        assert!(report.contains("failed to open") && report.contains("sentinel.rs"), "{report}");
        assert!(report.contains(env!("CARGO_PKG_VERSION")), "{report}");
        assert!(report.contains("open ~/journal.sqlite, at https://<host>"), "{report}");
        assert!(!report.contains(&home) && !report.contains("secret"), "{report}");
        let (_, crash) = Sentinel::begin(folder.path());
        assert_eq!(crash, None, "this process is still there");
    }
}
