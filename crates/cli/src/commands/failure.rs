//! How a command ends when it fails.

use std::process::ExitCode;

use r3mes_api::{ApiError, ErrorCode};
use serde_json::json;

/// A failed command: one line, the action that mends it, an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ErrorCode,
    lines: Vec<String>,
    remedy: Option<String>,
    exit: u8,
}

impl Failure {
    /// Input that cannot be used: exit code 2.
    pub(crate) fn input(lines: Vec<String>) -> Failure {
        Failure { kind: ErrorCode::Request, lines, remedy: None, exit: 2 }
    }

    /// Everything else: exit code 1.
    pub(crate) fn other(line: impl Into<String>) -> Failure {
        Failure { kind: ErrorCode::Engine, lines: vec![line.into()], remedy: None, exit: 1 }
    }

    /// The same with an exit code of its own, for a command whose documentation names it.
    pub(crate) fn with_exit(self, exit: u8) -> Failure {
        Failure { exit, ..self }
    }

    /// The last word on standard error: lines for people, or one JSON object.
    #[expect(clippy::print_stderr, reason = "the last word of a failed command")]
    pub(crate) fn report(&self, json: bool) {
        if json {
            let message = self.lines.join("; ");
            let error = json!({ "code": self.kind, "message": message, "remedy": self.remedy });
            eprintln!("{error}");
            return;
        }
        for line in &self.lines {
            eprintln!("error: {line}");
        }
        if let Some(remedy) = &self.remedy {
            eprintln!("  what to do: {remedy}");
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure {
            kind: error.code,
            lines: vec![error.to_string()],
            exit: error.exit_code(),
            remedy: error.remedy,
        }
    }
}
