//! The desktop shell of the R3MES proposer: a window, a tray and notifications around a
//! [`Session`], and nothing else. What it decides by itself stands in `policy`,
//! as functions of plain values; everything an operator can ask for is a command that hands on to the session.

mod commands;
mod desk;
mod dialogs;
mod launch;
mod policy;
mod pump;
mod quit;
mod sentinel;
mod tray;
mod window;

use std::path::Path;

use r3mes_api::session::{LogBuffer, Session, SessionOptions};
use tauri::{App, AppHandle, Manager, RunEvent, Runtime};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use commands::builder;
pub use launch::Start;
pub use pump::DELTA;

use sentinel::{Phase, Sentinel};

/// Runs the launcher until it ends.
///
/// # Errors
/// When there is no display, or the window cannot be made.
pub fn run(start: Start) -> Result<(), Box<dyn std::error::Error>> {
    let logs = LogBuffer::default();
    log_to(&logs);
    let invoke = builder::<tauri::Wry>().invoke_handler();
    let mut app = tauri::Builder::default();
    if std::env::var_os("R3MES_SEVERAL").is_none() {
        // The first plugin: a second launch ends here, and the first one's window comes up.
        app = app.plugin(tauri_plugin_single_instance::init(|app, _, _| raise(app)));
    }
    app.plugin(tauri_plugin_autostart::init(
        tauri_plugin_autostart::MacosLauncher::LaunchAgent,
        Some(vec![launch::STARTUP]),
    ))
    .plugin(tauri_plugin_dialog::init())
    .plugin(tauri_plugin_notification::init())
    .plugin(tauri_plugin_opener::init())
    .plugin(
        tauri_plugin_window_state::Builder::new()
            .with_state_flags(window::KEPT)
            .skip_initial_state(window::MAIN)
            .build(),
    )
    .invoke_handler(invoke)
    .setup(move |app| set_up(app, start, logs))
    .build(tauri::generate_context!())?
    .run(move |app, event| on_event(app, &event));
    Ok(())
}

/// Before anything of the window's toolkit is touched, and before there is a second thread: what it reads out
/// of the environment. NVIDIA's driver shows an empty window, and a machine without a graphics card a slow one, unless
/// the renderer is told otherwise.
///
/// Returns the variables to set.
pub fn environment() -> Vec<(&'static str, &'static str)> {
    const DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let set_already = std::env::var_os(DMABUF).is_some();
    match policy::avoids_dmabuf(
        set_already,
        policy::has_nvidia(Path::new("/proc")),
        policy::has_graphics(Path::new("/dev")),
    ) {
        true => vec![(DMABUF, "1")],
        false => Vec::new(),
    }
}

fn set_up<R: Runtime>(
    app: &mut App<R>,
    start: Start,
    logs: LogBuffer,
) -> Result<(), Box<dyn std::error::Error>> {
    let handle = app.handle().clone();
    let root = start.home.clone().or_else(|| launch::remembered_folder(&handle));
    let variable = |name| std::env::var(name).ok();
    let host = std::thread::spawn(tray::has_host);
    // Before all else: WebKit brings its processes up while the data folder is opened here. What the page asks is
    // answered once this function has ended.
    if !start.by_desktop {
        window::show(&handle)?;
    }
    let host = host.join().unwrap_or(false);
    let session = Session::open(SessionOptions {
        root,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        logs,
        locale: policy::locale([variable("LC_ALL"), variable("LC_MESSAGES"), variable("LANG")]),
        tray: host,
    })?;
    let folder = session.snapshot().application.data_folder;
    let (sentinel, crash) = Sentinel::begin(folder.as_ref());
    sentinel.report_panics();
    session.note_crash(crash);
    app.manage(quit::Ending::default());
    app.manage(desk::Desk(Box::new(handle.clone())));
    app.manage(sentinel.clone());
    app.manage(session.clone());
    tray::set_up(&handle, host)?;
    tauri::async_runtime::spawn(async move { session.run() });
    tauri::async_runtime::spawn(pump::pump(handle.clone()));
    tauri::async_runtime::spawn(quit::when_asked(handle.clone()));
    if start.by_desktop && !policy::begins_hidden(start.by_desktop, host) {
        window::show(&handle)?;
    }
    sentinel.enter(Phase::Running);
    Ok(())
}

fn on_event<R: Runtime>(app: &AppHandle<R>, event: &RunEvent) {
    if let RunEvent::ExitRequested { api, code, .. } = event
        && code.is_none()
    {
        // The last window is gone. With a tray that is all; without one the end is gone through first.
        api.prevent_exit();
        if !tray::is_there(app) && !quit::has_begun(app) {
            quit::begin(app);
        }
    }
}

fn raise<R: Runtime>(app: &AppHandle<R>) {
    if let Err(error) = window::show(app) {
        tracing::error!("failed to bring the window up: {error}");
    }
}

/// The log goes to the window's view of it and to standard error.
fn log_to(logs: &LogBuffer) {
    let shown = EnvFilter::try_from_env("R3MES_LOG").unwrap_or_else(|_| EnvFilter::new("warn,r3mes=info"));
    let kept = EnvFilter::new("info,r3mes=debug");
    let begun = tracing_subscriber::registry()
        .with(logs.layer().with_filter(kept))
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(shown))
        .try_init();
    if begun.is_err() {
        tracing::debug!("a log was set up already");
    }
}
