//! What only a desktop can do: pick, open, copy, end.

use r3mes_api::session::Session;
use r3mes_api::{ApiError, ErrorCode};
use tauri::State;

use super::Answer;
use crate::desk::Desk;
use crate::policy::is_page_of;

/// A folder that the operator picks; `None` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn pick_folder(desk: State<'_, Desk>) -> Answer<Option<String>> {
    Ok(desk.0.open_folder().await.map(|path| path.display().to_string()))
}

/// Has the launcher work on another data folder from its next start on. Nothing is moved.
#[tauri::command]
#[specta::specta]
pub async fn move_data_folder(
    desk: State<'_, Desk>,
    session: State<'_, Session>,
    path: String,
) -> Answer<()> {
    let probe = session.probe_folder(path.as_ref()).await?;
    if let Some(reason) = probe.error {
        return Err(ApiError::new(ErrorCode::File, format!("use the folder {path}: {reason}"))
            .with_remedy("choose a folder that this user may write to"));
    }
    desk.0.remember_folder(path.as_ref())
}

/// Shows the data folder in the system's file browser.
#[tauri::command]
#[specta::specta]
pub async fn open_data_folder(desk: State<'_, Desk>, session: State<'_, Session>) -> Answer<()> {
    let folder = session.snapshot().application.data_folder;
    desk.0.show_folder(&folder)
}

/// Opens a page of the network's dashboard or explorer in the browser, and no other.
#[tauri::command]
#[specta::specta]
pub async fn open_page(desk: State<'_, Desk>, session: State<'_, Session>, url: String) -> Answer<()> {
    let network = session.snapshot().network;
    let known = [network.dashboard_url, network.explorer_url];
    if !known.iter().flatten().any(|page| is_page_of(&url, page)) {
        let message = format!("open {url}: it is no page of the network's dashboard or explorer");
        return Err(ApiError::new(ErrorCode::Request, message));
    }
    desk.0.show_page(&url)
}

/// Ends the launcher in order.
#[tauri::command]
#[specta::specta]
pub async fn quit(desk: State<'_, Desk>) -> Answer<()> {
    desk.0.quit();
    Ok(())
}
