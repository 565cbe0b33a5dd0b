//! The one window. It is destroyed when it is hidden, so that it costs nothing, and made anew from the
//! snapshot when it is wanted again.

use r3mes_api::session::Session;
use tauri::{AppHandle, Manager, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tauri_plugin_window_state::{AppHandleExt, StateFlags, WindowExt};

use crate::policy::{OnClose, on_close};
use crate::{quit, tray};

/// Its name.
pub(crate) const MAIN: &str = "main";

/// What is kept of a window over its life.
pub(crate) const KEPT: StateFlags = StateFlags::SIZE.union(StateFlags::POSITION).union(StateFlags::MAXIMIZED);

/// Brings the window up, or makes it.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(MAIN) {
        window.unminimize()?;
        window.show()?;
        return window.set_focus();
    }
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("R3MES Launcher")
        .inner_size(1200.0, 800.0)
        .min_inner_size(900.0, 640.0)
        .center()
        .build()?;
    let _ = window.restore_state(KEPT);
    follow(&window);
    Ok(())
}

/// Closes the window for good.
pub(crate) fn close<R: Runtime>(app: &AppHandle<R>) {
    let _ = app.save_window_state(KEPT);
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.destroy();
    }
}

fn follow<R: Runtime>(window: &WebviewWindow<R>) {
    let app = window.app_handle().clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            let wish = app.state::<Session>().snapshot().preferences.close_to_tray;
            match on_close(tray::is_there(&app), wish) {
                OnClose::Hide => close(&app),
                OnClose::Quit => quit::begin(&app),
            }
        }
    });
}
