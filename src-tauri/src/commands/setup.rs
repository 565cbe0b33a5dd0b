//! Settings, preferences and the network.

use r3mes_api::keys::Secret;
use r3mes_api::session::{
    EndpointProbe, FolderProbe, IpfsProbe, NetworkChoice, Preferences, ProfileView, SaveOutcome, Session,
    SettingChange, SettingProblem, SettingsView,
};
use tauri::State;

use super::Answer;
use crate::desk::Desk;

/// All settings.
#[tauri::command]
#[specta::specta]
pub async fn settings(session: State<'_, Session>) -> Answer<SettingsView> {
    session.settings()
}

/// What is wrong with these changes; nothing is written.
#[tauri::command]
#[specta::specta]
pub async fn check_settings(
    session: State<'_, Session>,
    changes: Vec<SettingChange>,
) -> Answer<Vec<SettingProblem>> {
    session.check_settings(&changes)
}

/// Saves the changes if all is valid.
#[tauri::command]
#[specta::specta]
pub async fn save_settings(session: State<'_, Session>, changes: Vec<SettingChange>) -> Answer<SaveOutcome> {
    session.save_settings(&changes)
}

/// Takes the preferences over, and does what they ask of the system.
#[tauri::command]
#[specta::specta]
pub async fn set_preferences(
    desk: State<'_, Desk>,
    session: State<'_, Session>,
    preferences: Preferences,
) -> Answer<Preferences> {
    if preferences.autostart != session.snapshot().preferences.autostart {
        desk.0.set_autostart(preferences.autostart)?;
    }
    session.set_preferences(preferences)
}

/// The networks that can be chosen by name.
#[tauri::command]
#[specta::specta]
pub async fn profiles(session: State<'_, Session>) -> Answer<Vec<ProfileView>> {
    Ok(session.profiles())
}

/// Chooses the network.
#[tauri::command]
#[specta::specta]
pub async fn choose_network(session: State<'_, Session>, choice: NetworkChoice) -> Answer<()> {
    session.choose_network(choice).await
}

/// Takes up a profile from a file that the operator picks, and chooses it; `false` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn add_profile(desk: State<'_, Desk>, session: State<'_, Session>) -> Answer<bool> {
    let Some(path) = desk.0.open_file("toml").await else { return Ok(false) };
    session.add_profile(&path).await.map(|()| true)
}

/// Tests an RPC endpoint.
#[tauri::command]
#[specta::specta]
pub async fn probe_endpoint(session: State<'_, Session>, url: String) -> Answer<EndpointProbe> {
    session.probe_endpoint(&url).await
}

/// Tests an IPFS node.
#[tauri::command]
#[specta::specta]
pub async fn probe_ipfs(session: State<'_, Session>, url: String) -> Answer<IpfsProbe> {
    session.probe_ipfs(&url).await
}

/// Tests a folder by writing to it.
#[tauri::command]
#[specta::specta]
pub async fn probe_folder(session: State<'_, Session>, path: String) -> Answer<FolderProbe> {
    session.probe_folder(path.as_ref()).await
}

/// Sets, changes or takes away the access passphrase.
#[tauri::command]
#[specta::specta]
pub async fn set_access_passphrase(
    session: State<'_, Session>,
    present: Option<String>,
    next: Option<String>,
) -> Answer<()> {
    session.set_access_passphrase(present.map(Secret::new), next.map(Secret::new))
}
