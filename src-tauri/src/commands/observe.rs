//! The proposer at work, and its starting and stopping.

use r3mes_api::session::{
    Deltas, DoctorCheck, Exported, LoadView, LogPage, LogQuery, MachineView, Session, Snapshot,
};
use tauri::State;

use super::Answer;
use crate::desk::Desk;

/// Everything at once.
#[tauri::command]
#[specta::specta]
pub fn snapshot(session: State<'_, Session>) -> Snapshot {
    session.snapshot()
}

/// The deltas after a number.
#[tauri::command]
#[specta::specta]
pub fn deltas(session: State<'_, Session>, after: u32) -> Deltas {
    session.deltas(after)
}

/// Has the engine work.
#[tauri::command]
#[specta::specta]
pub async fn start(session: State<'_, Session>) -> Answer<()> {
    session.start()
}

/// Has the engine come to its end.
#[tauri::command]
#[specta::specta]
pub async fn stop(session: State<'_, Session>) -> Answer<()> {
    session.stop()
}

/// Has the network, the IPFS node and the account's standing looked at now.
#[tauri::command]
#[specta::specta]
pub fn look_again(session: State<'_, Session>) {
    session.look_again();
}

/// The machine's load since it was last asked for.
#[tauri::command]
#[specta::specta]
pub async fn machine_load(session: State<'_, Session>) -> Answer<LoadView> {
    session.load().await
}

/// Reads the machine whole, with a file written to the data folder.
#[tauri::command]
#[specta::specta]
pub async fn check_system(session: State<'_, Session>) -> Answer<MachineView> {
    Ok(session.read_machine(true).await)
}

/// Walks the list of what can be wrong.
#[tauri::command]
#[specta::specta]
pub async fn doctor(session: State<'_, Session>) -> Answer<Vec<DoctorCheck>> {
    Ok(session.doctor().await)
}

/// Lines of the log.
#[tauri::command]
#[specta::specta]
pub fn log_page(session: State<'_, Session>, query: LogQuery) -> LogPage {
    session.logs().page(&query)
}

/// Writes the log, without what only concerns this machine, to a file that the operator picks; `None` when
/// none was picked.
#[tauri::command]
#[specta::specta]
pub async fn export_log(desk: State<'_, Desk>, session: State<'_, Session>) -> Answer<Option<Exported>> {
    let Some(path) = desk.0.save_as("r3mes-log.txt").await else { return Ok(None) };
    session.logs().export(&path).map(Some)
}

/// Notes in the log that the window has drawn what the snapshot holds, and takes input.
#[tauri::command]
#[specta::specta]
pub fn window_ready() {
    tracing::info!("the window is ready");
}

/// Notes a fault of the page in the log.
#[tauri::command]
#[specta::specta]
pub fn record_fault(message: String) {
    tracing::error!(target: "window", "{message}");
}
