//! What only a desktop can do: pick, open, copy, end.

use r3mes_api::session::Session;
use r3mes_api::{ApiError, ErrorCode};
use tauri::{AppHandle, Runtime, State};
use tauri_plugin_opener::OpenerExt;

use super::Answer;
use crate::policy::is_page_of;
use crate::{dialogs, launch, quit as end};

/// A folder that the operator picks; `None` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn pick_folder<R: Runtime>(app: AppHandle<R>) -> Answer<Option<String>> {
    Ok(dialogs::open_folder(&app).await.map(|path| path.display().to_string()))
}

/// Has the launcher work on another data folder from its next start on. Nothing is moved.
#[tauri::command]
#[specta::specta]
pub async fn move_data_folder<R: Runtime>(
    app: AppHandle<R>,
    session: State<'_, Session>,
    path: String,
) -> Answer<()> {
    let probe = session.probe_folder(path.as_ref()).await?;
    if let Some(reason) = probe.error {
        return Err(ApiError::new(ErrorCode::File, format!("use the folder {path}: {reason}"))
            .with_remedy("choose a folder that this user may write to"));
    }
    launch::remember_folder(&app, path.as_ref())
}

/// Shows the data folder in the system's file browser.
#[tauri::command]
#[specta::specta]
pub async fn open_data_folder<R: Runtime>(app: AppHandle<R>, session: State<'_, Session>) -> Answer<()> {
    let folder = session.snapshot().application.data_folder;
    app.opener().open_path(folder, None::<&str>).map_err(|error| cannot_open(&error))
}

/// Opens a page of the network's dashboard or explorer in the browser, and no other.
#[tauri::command]
#[specta::specta]
pub async fn open_page<R: Runtime>(app: AppHandle<R>, session: State<'_, Session>, url: String) -> Answer<()> {
    let network = session.snapshot().network;
    let known = [network.dashboard_url, network.explorer_url];
    if !known.iter().flatten().any(|page| is_page_of(&url, page)) {
        let message = format!("open {url}: it is no page of the network's dashboard or explorer");
        return Err(ApiError::new(ErrorCode::Request, message));
    }
    app.opener().open_url(url, None::<&str>).map_err(|error| cannot_open(&error))
}

/// Ends the launcher in order.
#[tauri::command]
#[specta::specta]
pub async fn quit<R: Runtime>(app: AppHandle<R>) -> Answer<()> {
    end::begin(&app);
    Ok(())
}

fn cannot_open(error: &tauri_plugin_opener::Error) -> ApiError {
    ApiError::new(ErrorCode::Request, format!("open it with the system's program: {error}"))
}
