use std::io::Write;
use std::sync::Arc;

use r3mes_api::keys::{BackupSummary, KeySource, KeyView, MnemonicLength, RestoreSummary, Secret};
use r3mes_api::{Workspace, moment};
use serde_json::json;

use super::start::workspace;
use super::{Failure, output};
use crate::arguments::{
    ImportFrom, KeyChoice, KeyOptions, Keys, KeysAdd, KeysDelete, KeysImport, KeysRestore,
};
use crate::secrets::{self, Passphrases};
use crate::table;

/// Does what is asked with the keys of a data folder.
pub(crate) fn run(command: Keys, json: bool) -> Result<(), Failure> {
    match command {
        Keys::Add(command) => add(&command, json),
        Keys::Import(command) => import(&command, json),
        Keys::List(command) => {
            let keys = open(&command.options)?.keys()?;
            if json { keys.iter().try_for_each(output::json) } else { output::line(list(&keys)) }
        }
        Keys::Show(command) => {
            let key = open(&command.options)?.key_named(&command.name)?;
            if json { output::json(&key) } else { output::line(describe(&key)) }
        }
        Keys::Delete(command) => delete(&command, json),
        Keys::Backup(command) => {
            let summary = open(&command.options)?.back_up(&command.file)?;
            if json { output::json(&summary) } else { output::line(backed_up(&summary)) }
        }
        Keys::Restore(command) => restore(&command, json),
    }
}

/// A workspace that can ask for passphrases and uses the key that was asked for.
pub(crate) fn with_choice(workspace: Workspace, choice: &KeyChoice) -> Workspace {
    let workspace = workspace.with_secrets(Arc::new(Passphrases::new(choice.passphrase_fd)));
    match &choice.from {
        Some(name) => workspace.with_key(name),
        None => workspace,
    }
}

fn open(options: &KeyOptions) -> Result<Workspace, Failure> {
    let workspace = workspace(&options.proposer)?;
    Ok(workspace.with_secrets(Arc::new(Passphrases::new(options.passphrase_fd))))
}

fn add(command: &KeysAdd, json: bool) -> Result<(), Failure> {
    let length = if command.words == 12 { MnemonicLength::Twelve } else { MnemonicLength::TwentyFour };
    let created = open(&command.options)?.create_key(&command.name, length, command.store.into())?;
    if json {
        return output::json(&json!({ "key": created.key, "mnemonic": created.mnemonic.as_str() }));
    }
    output::line(format!(
        "{}\n\nIts words. Write them down on paper, in this order; they are shown only this once, and who has \
         them has the account:\n\n{}\n\nThen make a backup: r3mes-proposer keys backup FILE",
        describe(&created.key),
        numbered(&created.mnemonic).as_str()
    ))
}

fn import(command: &KeysImport, json: bool) -> Result<(), Failure> {
    let mut workspace = open(&command.options)?;
    let ask = |what| secrets::key_text(command.secret_fd, what);
    let source = match (&command.from, &command.file) {
        (ImportFrom::Words, _) => KeySource::Mnemonic(ask("The words of the key")?),
        (ImportFrom::Hex, _) => KeySource::Hex(ask("The private key in hex")?),
        (ImportFrom::Armor, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::input(vec![format!("failed to read {}: {error}", path.display())])
            })?;
            KeySource::Armor(Secret::new(text))
        }
        (ImportFrom::Armor, None) => KeySource::Armor(secrets::key_text(command.secret_fd.or(Some(0)), "")?),
    };
    let key = workspace.import_key(&command.name, &source, command.store.into())?;
    if json { output::json(&key) } else { output::line(describe(&key)) }
}

fn delete(command: &KeysDelete, json: bool) -> Result<(), Failure> {
    let mut workspace = open(&command.options)?;
    let key = workspace.key_named(&command.name)?;
    let confirmation = match &command.confirm {
        Some(address) => address.clone(),
        None if secrets::can_prompt() => confirm(&key)?,
        None => {
            let line = format!(
                "failed to delete the key {}: there is no terminal to confirm it; add --confirm {}",
                command.name, key.record.address
            );
            return Err(Failure::input(vec![line]));
        }
    };
    let deleted = workspace.delete_key(&command.name, &confirmation)?;
    if json {
        return output::json(&json!({ "deleted": deleted }));
    }
    output::line(format!("Deleted the key {} of {}.", deleted.record.name, deleted.record.address))
}

#[expect(clippy::print_stderr, reason = "a question to a person")]
fn confirm(key: &KeyView) -> Result<String, Failure> {
    let backup = match key.record.last_backup {
        Some(at) => format!("last backed up {}", moment(at)),
        None => "in no backup".to_owned(),
    };
    eprint!(
        "This deletes the key {} of {} ({backup}) for good.\nType its address to go on: ",
        key.record.name, key.record.address
    );
    let failed = |error: std::io::Error| Failure::other(format!("failed to read from the terminal: {error}"));
    std::io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(answer)
}

fn restore(command: &KeysRestore, json: bool) -> Result<(), Failure> {
    let options = &command.options;
    let asked = Arc::new(Passphrases::new(options.passphrase_fd));
    let store = command.store.map(Into::into);
    let summary: RestoreSummary = Workspace::restore(options.home.as_deref(), &command.file, store, asked)?;
    if json {
        return output::json(&summary);
    }
    let files = match summary.files.as_slice() {
        [] => "The settings that are here stay as they are.".to_owned(),
        files => format!("Restored {}.", files.join(", ")),
    };
    output::line(format!("Backup of {}. {files}\n{}", moment(summary.created_at), list(&summary.keys)))
}

fn backed_up(summary: &BackupSummary) -> String {
    format!(
        "Wrote {} with {} keys ({}) and {}. It opens with its passphrase, and with nothing else.",
        summary.file.display(),
        summary.keys.len(),
        summary.keys.join(", "),
        summary.files.join(", ")
    )
}

fn list(keys: &[KeyView]) -> String {
    if keys.is_empty() {
        return "No keys yet. Make one: r3mes-proposer keys add NAME".to_owned();
    }
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let backup = key.record.last_backup.map_or("never".to_owned(), moment);
            let used = if key.in_use { "account.key" } else { "" };
            vec![
                key.record.name.to_string(),
                key.record.address.clone(),
                key.record.store.to_string(),
                backup,
                used.to_owned(),
            ]
        })
        .collect();
    table::render(&["name", "address", "store", "last backup", "used as"], &rows)
}

fn describe(key: &KeyView) -> String {
    let record = &key.record;
    format!(
        "{} {}\n  public key   {}\n  store        {}\n  path         {}\n  created      {}\n  last backup  {}{}",
        record.name,
        record.address,
        record.public_key,
        record.store,
        record.path.as_deref().unwrap_or("none: imported as it was"),
        moment(record.created_at),
        record.last_backup.map_or("never".to_owned(), moment),
        if key.in_use { "\n  the account that proposes (account.key)" } else { "" }
    )
}

/// Four words a line, each with its number.
fn numbered(words: &str) -> Secret {
    let mut text = Secret::new(String::with_capacity(4 * words.len() + 256));
    for (index, word) in words.split(' ').enumerate() {
        let divider = match index {
            0 => "",
            index if index % 4 == 0 => "\n",
            _ => "  ",
        };
        text.push_str(divider);
        // Piece by piece: a formatted text would be a copy that is not wiped.
        text.push_str(&format!("{:>4}. ", index + 1));
        text.push_str(word);
        text.extend(std::iter::repeat_n(' ', 8_usize.saturating_sub(word.len())));
    }
    text
}
