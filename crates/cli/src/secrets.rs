//! How secrets come to the command line: a file descriptor, the environment or a prompt; never an
//! argument, which the process list shows to everybody.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::sync::{Mutex, PoisonError};

use r3mes_api::keys::{PassphraseFor, Secret, Secrets};
use r3mes_api::{ApiError, ErrorCode};

const SHORTEST: usize = 8;

/// Passphrases from one place for a whole command; each is asked for once.
pub(crate) struct Passphrases {
    fd: Option<u32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lines: Option<VecDeque<Secret>>,
    known: BTreeMap<PassphraseFor, Secret>,
}

impl Passphrases {
    pub(crate) fn new(fd: Option<u32>) -> Passphrases {
        Passphrases { fd, state: Mutex::default() }
    }
}

impl Secrets for Passphrases {
    fn passphrase(&self, purpose: PassphraseFor, new: bool) -> Result<Secret, ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = state.known.get(&purpose) {
            return Ok(known.clone());
        }
        let variable = variable(purpose);
        let passphrase = if let Some(fd) = self.fd {
            next_line(&mut state, fd)?
        } else if let Ok(text) = std::env::var(variable) {
            Secret::new(text)
        } else if can_prompt() {
            prompt(purpose, new)?
        } else {
            return Err(ApiError::new(
                ErrorCode::Passphrase,
                format!("ask for the passphrase of {purpose}: there is no terminal"),
            )
            .with_remedy(format!("give it with --passphrase-fd N, or in the environment as {variable}")));
        };
        if passphrase.is_empty() {
            return Err(refused(format!("use the passphrase of {purpose}: it is empty")));
        }
        if new && passphrase.chars().count() < SHORTEST {
            let text = format!("use the passphrase of {purpose}: it has fewer than {SHORTEST} characters");
            return Err(refused(text));
        }
        state.known.insert(purpose, passphrase.clone());
        Ok(passphrase)
    }
}

impl fmt::Debug for Passphrases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrases").field("fd", &self.fd).finish_non_exhaustive()
    }
}

/// The words, the hex or the armored text of a key to import.
pub(crate) fn key_text(fd: Option<u32>, what: &str) -> Result<Secret, ApiError> {
    if let Some(fd) = fd {
        return read_fd(fd);
    }
    if let Ok(text) = std::env::var("R3MES_KEY_SECRET") {
        return Ok(Secret::new(text));
    }
    if can_prompt() {
        return ask(&format!("{what} (not shown): "));
    }
    read_fd(0)
}

/// Whether a person sits at the other end.
pub(crate) fn can_prompt() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn variable(purpose: PassphraseFor) -> &'static str {
    match purpose {
        PassphraseFor::Keys => "R3MES_PASSPHRASE",
        PassphraseFor::Backup => "R3MES_BACKUP_PASSPHRASE",
        PassphraseFor::Armor => "R3MES_EXPORT_PASSPHRASE",
    }
}

fn prompt(purpose: PassphraseFor, new: bool) -> Result<Secret, ApiError> {
    let first = ask(&format!("Passphrase of {purpose}: "))?;
    if new && *ask("The same again: ")? != *first {
        return Err(refused("use the passphrase: it was typed differently the second time".to_owned()));
    }
    Ok(first)
}

fn ask(question: &str) -> Result<Secret, ApiError> {
    rpassword::prompt_password(question)
        .map(Secret::new)
        .map_err(|error| refused(format!("read from the terminal: {error}")))
}

/// The next line of the descriptor: a command that needs several passphrases takes them in order.
fn next_line(state: &mut State, fd: u32) -> Result<Secret, ApiError> {
    if state.lines.is_none() {
        let text = read_fd(fd)?;
        state.lines = Some(text.lines().map(|line| Secret::new(line.to_owned())).collect());
    }
    state
        .lines
        .as_mut()
        .and_then(VecDeque::pop_front)
        .ok_or_else(|| refused(format!("read a passphrase from descriptor {fd}: it has no further line")))
}

fn read_fd(fd: u32) -> Result<Secret, ApiError> {
    // Room enough from the start, so that nothing moves and leaves a copy behind.
    let mut text = Secret::new(String::with_capacity(64 * 1024));
    let read = match fd {
        0 => io::stdin().lock().take(64 * 1024).read_to_string(&mut text),
        _ => File::open(format!("/dev/fd/{fd}"))
            .and_then(|file| file.take(64 * 1024).read_to_string(&mut text)),
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(refused(format!("read from descriptor {fd}: {error}"))),
    }
}

fn refused(text: String) -> ApiError {
    ApiError::new(ErrorCode::Passphrase, text)
}
