//! The system's dialogs for files. Tests cannot drive them: a build for tests takes what would be picked from
//! the environment instead, which a release build does not look at.

use std::path::PathBuf;

use tauri::{AppHandle, Runtime};
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::sync::oneshot;

/// Where to write; `None` when the operator left the dialog.
pub(crate) async fn save_as<R: Runtime>(app: &AppHandle<R>, name: &str) -> Option<PathBuf> {
    if let Some(picked) = picked() {
        return Some(if picked.is_dir() { picked.join(name) } else { picked });
    }
    let (sender, receiver) = oneshot::channel();
    app.dialog().file().set_file_name(name).save_file(move |path| answer(sender, path));
    receiver.await.ok().flatten()
}

/// What to read.
pub(crate) async fn open_file<R: Runtime>(app: &AppHandle<R>, extension: &str) -> Option<PathBuf> {
    if let Some(picked) = picked() {
        return Some(picked);
    }
    let (sender, receiver) = oneshot::channel();
    app.dialog().file().add_filter(extension, &[extension]).pick_file(move |path| answer(sender, path));
    receiver.await.ok().flatten()
}

/// A folder.
pub(crate) async fn open_folder<R: Runtime>(app: &AppHandle<R>) -> Option<PathBuf> {
    if let Some(picked) = picked() {
        return Some(picked);
    }
    let (sender, receiver) = oneshot::channel();
    app.dialog().file().pick_folder(move |path| answer(sender, path));
    receiver.await.ok().flatten()
}

fn answer(sender: oneshot::Sender<Option<PathBuf>>, path: Option<FilePath>) {
    let _ = sender.send(path.and_then(|path| path.into_path().ok()));
}

#[cfg(debug_assertions)]
fn picked() -> Option<PathBuf> {
    std::env::var_os("R3MES_PICKED_PATH").map(PathBuf::from)
}

#[cfg(not(debug_assertions))]
fn picked() -> Option<PathBuf> {
    None
}
