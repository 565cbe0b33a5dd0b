//! Keys, authorization, registration, claims and payouts. Secrets come in here and are wiped when the command
//! ends; one command, `reveal_words`, lets one out.

use r3mes_api::keys::Secret;
use r3mes_api::session::{
    AuthorizationRequest, BackupView, ClaimPreview, ClaimReceipt, ImportSource, KeyDraft, KeyRow, KeyStore,
    KeychainState, PayoutPreview, PayoutProblems, PayoutReceipt, RegistrationPreview, RegistrationReceipt,
    Session, WordAnswer, WordCount,
};
use r3mes_api::{ApiError, ErrorCode};
use tauri::State;

use super::Answer;
use crate::desk::Desk;

/// Whether the system's keychain can be used.
#[tauri::command]
#[specta::specta]
pub async fn keychain_state(session: State<'_, Session>) -> Answer<KeychainState> {
    Ok(session.keychain_state().await)
}

/// Makes a key that is kept nowhere yet.
#[tauri::command]
#[specta::specta]
pub async fn draft_key(
    session: State<'_, Session>,
    name: String,
    words: WordCount,
    store: KeyStore,
    passphrase: Option<String>,
    access: Option<String>,
) -> Answer<KeyDraft> {
    let access = access.map(Secret::new);
    session.draft_key(&name, words, store, passphrase.map(Secret::new), text(access.as_ref()))
}

/// The words of the key that is being made; asks for the passphrase again.
#[tauri::command]
#[specta::specta]
pub async fn reveal_words(session: State<'_, Session>, passphrase: Option<String>) -> Answer<Vec<String>> {
    let passphrase = passphrase.map(Secret::new);
    session.reveal_words(text(passphrase.as_ref()))
}

/// Keeps the key, once the words that were asked for are right.
#[tauri::command]
#[specta::specta]
pub async fn keep_key(session: State<'_, Session>, answers: Vec<WordAnswer>) -> Answer<KeyRow> {
    session.keep_key(&answers).await
}

/// Gives the key up that was being made.
#[tauri::command]
#[specta::specta]
pub async fn drop_draft(session: State<'_, Session>) -> Answer<()> {
    session.drop_draft();
    Ok(())
}

/// Imports a key.
#[tauri::command]
#[specta::specta]
pub async fn import_key(
    session: State<'_, Session>,
    name: String,
    source: ImportSource,
    store: KeyStore,
    passphrase: Option<String>,
    source_passphrase: Option<String>,
    access: Option<String>,
) -> Answer<KeyRow> {
    let access = access.map(Secret::new);
    let (passphrase, source_passphrase) = (passphrase.map(Secret::new), source_passphrase.map(Secret::new));
    session.import_key(&name, source, store, passphrase, source_passphrase, text(access.as_ref())).await
}

/// Chooses the key that the engine signs with.
#[tauri::command]
#[specta::specta]
pub async fn use_key(session: State<'_, Session>, name: String, access: Option<String>) -> Answer<()> {
    let access = access.map(Secret::new);
    session.use_key(&name, text(access.as_ref()))
}

/// Deletes a key for good; `address` confirms it.
#[tauri::command]
#[specta::specta]
pub async fn delete_key(
    session: State<'_, Session>,
    name: String,
    address: String,
    access: Option<String>,
) -> Answer<()> {
    let access = access.map(Secret::new);
    session.delete_key(&name, &address, text(access.as_ref())).await
}

/// Opens the account's key file for as long as the program runs.
#[tauri::command]
#[specta::specta]
pub async fn unlock_keys(session: State<'_, Session>, passphrase: String) -> Answer<()> {
    session.unlock_keys(Secret::new(passphrase)).await
}

/// Writes a backup to a file that the operator picks; `None` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn back_up(
    desk: State<'_, Desk>,
    session: State<'_, Session>,
    passphrase: String,
    keys: Option<String>,
    access: Option<String>,
) -> Answer<Option<BackupView>> {
    let (passphrase, keys, access) =
        (Secret::new(passphrase), keys.map(Secret::new), access.map(Secret::new));
    let Some(path) = desk.0.save_as("r3mes-backup.r3mes").await else { return Ok(None) };
    session.back_up(&path, passphrase, keys, text(access.as_ref())).await.map(Some)
}

/// Brings keys back from a backup that the operator picks; `None` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn restore(
    desk: State<'_, Desk>,
    session: State<'_, Session>,
    passphrase: String,
    store: Option<KeyStore>,
    keys: Option<String>,
    access: Option<String>,
) -> Answer<Option<BackupView>> {
    let (passphrase, keys, access) =
        (Secret::new(passphrase), keys.map(Secret::new), access.map(Secret::new));
    let Some(path) = desk.0.open_file("r3mes").await else { return Ok(None) };
    session.restore(&path, passphrase, store, keys, text(access.as_ref())).await.map(Some)
}

/// Composes and signs a request for authorization.
#[tauri::command]
#[specta::specta]
pub async fn request_authorization(
    session: State<'_, Session>,
    contact: String,
    statement: String,
    access: Option<String>,
) -> Answer<AuthorizationRequest> {
    let access = access.map(Secret::new);
    session.request_authorization(&contact, &statement, text(access.as_ref())).await
}

/// Saves a composed request to a file that the operator picks; `None` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn save_authorization(
    desk: State<'_, Desk>,
    text: String,
    file_name: String,
) -> Answer<Option<String>> {
    let Some(path) = desk.0.save_as(&file_name).await else { return Ok(None) };
    std::fs::write(&path, text)
        .map_err(|error| ApiError::new(ErrorCode::File, format!("write {}: {error}", path.display())))?;
    Ok(Some(path.display().to_string()))
}

/// Sends a composed request to the network's administrator.
#[tauri::command]
#[specta::specta]
pub async fn send_authorization(session: State<'_, Session>, text: String) -> Answer<String> {
    session.send_authorization(&text).await
}

/// What a local network's administrator does for a newcomer.
#[tauri::command]
#[specta::specta]
pub async fn grant_on_local_network(session: State<'_, Session>) -> Answer<()> {
    session.grant_on_local_network().await
}

/// What a registration would be.
#[tauri::command]
#[specta::specta]
pub async fn registration_preview(
    session: State<'_, Session>,
    stake: Option<String>,
) -> Answer<RegistrationPreview> {
    session.registration_preview(stake.as_deref()).await
}

/// Registers the account.
#[tauri::command]
#[specta::specta]
pub async fn register(
    session: State<'_, Session>,
    stake: Option<String>,
    access: Option<String>,
) -> Answer<RegistrationReceipt> {
    let access = access.map(Secret::new);
    session.register(stake.as_deref(), text(access.as_ref())).await
}

/// What a claim would be.
#[tauri::command]
#[specta::specta]
pub async fn claim_preview(session: State<'_, Session>) -> Answer<ClaimPreview> {
    session.claim_preview().await
}

/// Claims what is claimable.
#[tauri::command]
#[specta::specta]
pub async fn claim(session: State<'_, Session>, access: Option<String>) -> Answer<ClaimReceipt> {
    let access = access.map(Secret::new);
    session.claim(text(access.as_ref())).await
}

/// What is wrong with what was typed for a payout.
#[tauri::command]
#[specta::specta]
pub async fn check_payout(
    session: State<'_, Session>,
    to: String,
    amount: Option<String>,
) -> Answer<PayoutProblems> {
    session.check_payout(&to, amount.as_deref())
}

/// What a payout would be; no amount stands for all above the reserve.
#[tauri::command]
#[specta::specta]
pub async fn payout_preview(
    session: State<'_, Session>,
    to: String,
    amount: Option<String>,
) -> Answer<PayoutPreview> {
    session.payout_preview(&to, amount.as_deref()).await
}

/// Sends the payout that was shown, of so many whole units.
#[tauri::command]
#[specta::specta]
pub async fn payout(
    session: State<'_, Session>,
    to: String,
    amount: String,
    access: Option<String>,
) -> Answer<PayoutReceipt> {
    let access = access.map(Secret::new);
    session.payout(&to, &amount, text(access.as_ref())).await
}

fn text(secret: Option<&Secret>) -> Option<&str> {
    secret.map(|secret| secret.as_str())
}
