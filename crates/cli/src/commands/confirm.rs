//! The last question before something is signed.

use std::io::Write;

use r3mes_api::{ApiError, ErrorCode};

use super::Failure;
use crate::secrets;

/// Asks a person whether to go on; `yes` answers for them. Without a terminal nobody can be asked.
#[expect(clippy::print_stderr, reason = "a question to a person")]
pub(crate) fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !secrets::can_prompt() {
        let text = format!("{what}: nobody confirmed it, and there is no terminal to ask at");
        let error = ApiError::new(ErrorCode::Unconfirmed, text);
        return Err(error.with_remedy("look at it with --dry-run, then add --yes").into());
    }
    eprint!("Sign and send this? [y/N] ");
    let failed = |error: std::io::Error| Failure::other(format!("read from the terminal: {error}"));
    std::io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(ApiError::new(ErrorCode::Unconfirmed, format!("{what}: it was not confirmed")).into()),
    }
}
