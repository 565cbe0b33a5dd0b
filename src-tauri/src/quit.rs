//! The end, in order and in bounded time: the window goes first, then the engine comes to its end, then the
//! process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use r3mes_api::session::Session;
use tauri::{AppHandle, Manager, Runtime};

use crate::sentinel::{Phase, Sentinel};
use crate::window;

/// How long each part may take to end. A reveal that is on its way fits; what does not is in the journal.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the end has begun.
#[derive(Debug, Default)]
pub(crate) struct Ending(AtomicBool);

/// Ends the launcher. A second call while it ends does nothing.
pub(crate) fn begin<R: Runtime>(app: &AppHandle<R>) {
    if app.state::<Ending>().0.swap(true, Ordering::SeqCst) {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        go_through(&app).await;
        app.exit(0);
    });
}

async fn go_through<R: Runtime>(app: &AppHandle<R>) {
    let sentinel = app.try_state::<Sentinel>().map(|sentinel| (*sentinel).clone());
    if let Some(sentinel) = &sentinel {
        sentinel.enter(Phase::Quitting);
    }
    window::close(app);
    app.state::<Session>().close(PATIENCE).await;
    if let Some(sentinel) = &sentinel {
        sentinel.end();
    }
}

/// Ends the launcher in order when the system asks for its end, as at the end of the desktop's session; asked a
/// second time it ends at once, and leaves the rest to the journal.
pub(crate) async fn when_asked<R: Runtime>(app: AppHandle<R>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let [Ok(mut terminate), Ok(mut interrupt)] = kinds else {
            return tracing::warn!("the system's signals cannot be listened for");
        };
        for again in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if again { app.exit(1) } else { begin(&app) }
        }
    }
    #[cfg(not(unix))]
    drop(app);
}

/// Whether the process may end now: not before the end has been gone through.
pub(crate) fn has_begun<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.state::<Ending>().0.load(Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use r3mes_api::session::SessionOptions;
    use tauri::test::{mock_builder, mock_context, noop_assets};

    use super::*;

    #[test]
    fn the_end_leaves_no_mark_of_a_run_that_did_not_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = Some(folder.path().to_owned());
        let session = Session::open(SessionOptions { root, ..SessionOptions::default() }).unwrap();
        let (sentinel, _) = Sentinel::begin(folder.path());
        sentinel.enter(Phase::Running);
        // A path of its own, not one in the user's configuration.
        let kept = folder.path().join("window.json").display().to_string();
        let app = mock_builder()
            .plugin(tauri_plugin_window_state::Builder::new().with_filename(kept).build())
            .manage(session.clone())
            .manage(sentinel)
            .manage(Ending::default())
            .build(mock_context(noop_assets()))
            .unwrap();
        assert!(!has_begun(app.handle()));
        let mark = folder.path().join("running.json");
        assert!(mark.exists());
        let begun = std::time::Instant::now();
        tauri::async_runtime::block_on(async {
            session.run();
            go_through(app.handle()).await;
        });
        assert!(!mark.exists());
        assert!(begun.elapsed() < PATIENCE, "nothing ran that could take long");
    }
}
