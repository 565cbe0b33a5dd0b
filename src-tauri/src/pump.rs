//! From the session to the window, the tray and the system's notifications.

use r3mes_api::session::{Change, Delta, Session};
use tauri::{AppHandle, Emitter, Manager, Runtime};
use tauri_plugin_notification::NotificationExt;
use tokio::sync::broadcast::error::RecvError;

use crate::policy::{body, heading, is_told, is_turkish};
use crate::{tray, window};

/// The event that carries a [`Delta`] to the window.
pub const DELTA: &str = "delta";

/// Hands every delta on until the session ends.
pub(crate) async fn pump<R: Runtime>(app: AppHandle<R>) {
    let mut deltas = app.state::<Session>().subscribe();
    loop {
        match deltas.recv().await {
            Ok(delta) => hand_on(&app, &delta),
            // The window sees the gap in the numbers, and takes a new snapshot.
            Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "the window is behind"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn hand_on<R: Runtime>(app: &AppHandle<R>, delta: &Delta) {
    // A window that is not there takes a snapshot when it comes.
    if app.get_webview_window(window::MAIN).is_some() {
        let _ = app.emit_to(window::MAIN, DELTA, delta);
    }
    match &delta.change {
        Change::Engine(_) | Change::Preferences(_) => {
            let shown = app.clone();
            let _ = app.run_on_main_thread(move || tray::refresh(&shown));
        }
        Change::Notice(notice) => {
            let session = app.state::<Session>();
            let snapshot = session.snapshot();
            if is_told(&snapshot.preferences, notice.kind) {
                let turkish = is_turkish(
                    snapshot.preferences.language.as_deref(),
                    snapshot.application.locale.as_deref(),
                );
                let amount = notice.amount.as_deref().zip(notice.denom.as_deref());
                let amount = amount.map(|(amount, denom)| session.shown_amount(amount, denom));
                let said = body(notice, amount.as_deref(), turkish);
                let note = app.notification().builder().title(heading(notice, turkish)).body(said);
                if let Err(error) = note.show() {
                    tracing::debug!("no notification could be shown: {error}");
                }
            }
        }
        _ => {}
    }
}
