//! The tray: what the engine does, start and stop, open, quit. It is a menu only, since that is all that
//! works everywhere on Linux.

use std::sync::Mutex;

use r3mes_api::session::{EngineState, Session};
use tauri::image::Image;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Runtime, include_image};

use crate::policy::{Mark, is_turkish, tray_line, tray_mark};
use crate::{quit, window};

/// The tray's items that change, where there is a tray.
pub(crate) struct Tray<R: Runtime> {
    items: Mutex<Option<Items<R>>>,
}

struct Items<R: Runtime> {
    icon: TrayIcon<R>,
    shown: Mutex<Mark>,
    state: MenuItem<R>,
    toggle: MenuItem<R>,
}

/// Makes the tray where something shows it.
pub(crate) fn set_up<R: Runtime>(app: &AppHandle<R>, host: bool) -> tauri::Result<()> {
    let items = if host { Some(build(app)?) } else { None };
    app.manage(Tray { items: Mutex::new(items) });
    refresh(app);
    Ok(())
}

/// Whether there is a tray to come back from.
pub(crate) fn is_there<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Tray<R>>().is_some_and(|tray| tray.items.lock().is_ok_and(|items| items.is_some()))
}

/// Has the tray say what the engine does now.
pub(crate) fn refresh<R: Runtime>(app: &AppHandle<R>) {
    let Some(tray) = app.try_state::<Tray<R>>() else { return };
    let Ok(items) = tray.items.lock() else { return };
    let Some(items) = &*items else { return };
    let snapshot = app.state::<Session>().snapshot();
    let turkish =
        is_turkish(snapshot.preferences.language.as_deref(), snapshot.application.locale.as_deref());
    let engine = &snapshot.engine;
    items.show(tray_mark(engine.state, engine.health));
    let _ = items.state.set_text(tray_line(engine.state, engine.health, turkish));
    let toggle = match (engine.can_stop, turkish) {
        (true, false) => "Stop",
        (true, true) => "Durdur",
        (false, false) => "Start",
        (false, true) => "Başlat",
    };
    let _ = items.toggle.set_text(toggle);
    let possible = engine.can_stop && engine.state != EngineState::Stopping
        || !engine.can_stop && engine.start_blocked.is_none();
    let _ = items.toggle.set_enabled(possible);
}

fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<Items<R>> {
    let snapshot = app.state::<Session>().snapshot();
    let turkish =
        is_turkish(snapshot.preferences.language.as_deref(), snapshot.application.locale.as_deref());
    let (open, end) = if turkish { ("Aç", "Çık") } else { ("Open", "Quit") };
    let state = MenuItem::with_id(app, "state", "", false, None::<&str>)?;
    let toggle = MenuItem::with_id(app, "toggle", "", true, None::<&str>)?;
    let menu = Menu::with_items(
        app,
        &[
            &state,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, "open", open, true, None::<&str>)?,
            &toggle,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, "quit", end, true, None::<&str>)?,
        ],
    )?;
    let icon = TrayIconBuilder::with_id("main").menu(&menu).tooltip("R3MES Launcher");
    let icon = icon
        .icon(image(Mark::Stopped))
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => {
                if let Err(error) = window::show(app) {
                    tracing::error!("failed to open the window: {error}");
                }
            }
            "toggle" => toggle_engine(app),
            "quit" => quit::begin(app),
            _ => {}
        })
        .build(app)?;
    Ok(Items { icon, shown: Mutex::new(Mark::Stopped), state, toggle })
}

impl<R: Runtime> Items<R> {
    /// Changes the icon where it says something else; each change writes a file for the tray's host.
    fn show(&self, mark: Mark) {
        let Ok(mut shown) = self.shown.lock() else { return };
        if *shown != mark && self.icon.set_icon(Some(image(mark))).is_ok() {
            *shown = mark;
        }
    }
}

fn image(mark: Mark) -> Image<'static> {
    match mark {
        Mark::Stopped => include_image!("../icons/tray-stopped.png"),
        Mark::Running => include_image!("../icons/tray-running.png"),
        Mark::Trouble => include_image!("../icons/tray-trouble.png"),
    }
}

/// Starts an engine that is stopped, and stops any other.
pub(crate) fn toggle_engine<R: Runtime>(app: &AppHandle<R>) {
    let session = app.state::<Session>();
    // Starting spawns a task, which needs the runtime around it.
    let session = (*session).clone();
    tauri::async_runtime::spawn(async move {
        let done = match session.snapshot().engine.can_stop {
            true => session.stop(),
            false => session.start(),
        };
        if let Err(error) = done {
            tracing::warn!("failed to {error}");
        }
    });
}

/// Whether something in this session shows tray icons: a host is registered with the watcher on the bus.
/// Asked through the bus's own tool, in bounded time; no answer is no host.
pub(crate) fn has_host() -> bool {
    #[cfg(target_os = "linux")]
    {
        const WATCHER: &str = "org.kde.StatusNotifierWatcher";
        let asked = std::process::Command::new("dbus-send")
            .args([
                "--session",
                "--print-reply",
                "--reply-timeout=1000",
                "--dest=org.kde.StatusNotifierWatcher",
            ])
            .args(["/StatusNotifierWatcher", "org.freedesktop.DBus.Properties.Get"])
            .args([format!("string:{WATCHER}"), "string:IsStatusNotifierHostRegistered".to_owned()])
            .output();
        asked.is_ok_and(|answer| answer.status.success() && says_yes(&answer.stdout)) && can_draw()
    }
    #[cfg(not(target_os = "linux"))]
    {
        true
    }
}

/// Whether the library that draws icons in trays is there: without it the tray's crate ends the process.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn can_draw() -> bool {
    let names = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
    // SAFETY: loading these libraries runs nothing of theirs but GLib's type registration.
    let found = names.iter().any(|name| unsafe { libloading::Library::new(name) }.is_ok());
    if !found {
        tracing::warn!(
            "a tray is there, but not libayatana-appindicator3, which draws icons in it: install it"
        );
    }
    found
}

#[cfg(any(target_os = "linux", test))]
fn says_yes(reply: &[u8]) -> bool {
    String::from_utf8_lossy(reply).contains("boolean true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_there_when_the_watcher_says_so() {
        assert!(says_yes(b"method return time=1.0 sender=:1.2\n   variant       boolean true\n"));
        assert!(!says_yes(b"method return time=1.0 sender=:1.2\n   variant       boolean false\n"));
        assert!(!says_yes(b""));
    }
}
