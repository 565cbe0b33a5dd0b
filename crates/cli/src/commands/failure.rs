//! How a command ends when it fails.

use std::process::ExitCode;

use r3mes_api::ApiError;

/// A failed command: one line, the action that mends it, an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    lines: Vec<String>,
    remedy: Option<String>,
    code: u8,
}

impl Failure {
    /// Input that cannot be used: exit code 2.
    pub(crate) fn input(lines: Vec<String>) -> Failure {
        Failure { lines, remedy: None, code: 2 }
    }

    /// Everything else: exit code 1.
    pub(crate) fn other(line: impl Into<String>) -> Failure {
        Failure { lines: vec![line.into()], remedy: None, code: 1 }
    }

    #[expect(clippy::print_stderr, reason = "the last word of a failed command")]
    pub(crate) fn report(&self) {
        for line in &self.lines {
            eprintln!("error: {line}");
        }
        if let Some(remedy) = &self.remedy {
            eprintln!("  what to do: {remedy}");
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure { lines: vec![error.to_string()], code: error.exit_code(), remedy: error.remedy }
    }
}
