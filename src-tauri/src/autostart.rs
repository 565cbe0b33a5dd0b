//! Starting with the desktop.

use r3mes_api::{ApiError, ErrorCode};
use tauri::{AppHandle, Runtime};
use tauri_plugin_autostart::ManagerExt;

/// Has the desktop start the launcher at login, minimised, or not any more.
pub(crate) fn set<R: Runtime>(app: &AppHandle<R>, wanted: bool) -> Result<(), ApiError> {
    let entry = app.autolaunch();
    let changed = if wanted { entry.enable() } else { entry.disable() };
    match changed {
        Ok(()) => Ok(()),
        // One that is not there is as it should be.
        Err(_) if !wanted && !entry.is_enabled().unwrap_or(true) => Ok(()),
        Err(error) => {
            Err(ApiError::new(ErrorCode::File, format!("change what starts with the desktop: {error}")))
        }
    }
}
