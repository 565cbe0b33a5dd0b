//! Pages of what was.

use r3mes_api::session::{
    DayEarnings, ExportFormat, Exported, GradientDetail, GradientPage, GradientPoint, GradientQuery,
    LedgerPage, MinerDetail, MinerPage, MinerQuery, RoundPage, Session, SubmissionPage, SubmissionQuery,
};
use tauri::State;

use super::Answer;
use crate::desk::Desk;

/// Rounds, newest first.
#[tauri::command]
#[specta::specta]
pub async fn rounds(session: State<'_, Session>, offset: u32, limit: u32) -> Answer<RoundPage> {
    session.rounds(offset, limit)
}

/// Gradients, newest first.
#[tauri::command]
#[specta::specta]
pub async fn gradients(session: State<'_, Session>, query: GradientQuery) -> Answer<GradientPage> {
    session.gradients(&query)
}

/// One gradient.
#[tauri::command]
#[specta::specta]
pub async fn gradient(session: State<'_, Session>, id: String) -> Answer<GradientDetail> {
    session.gradient(&id)
}

/// Norms of the newest gradients.
#[tauri::command]
#[specta::specta]
pub async fn gradient_points(
    session: State<'_, Session>,
    training_round: Option<String>,
    limit: u32,
) -> Answer<Vec<GradientPoint>> {
    session.gradient_points(training_round.as_deref(), limit)
}

/// Miners, those with most gradients first.
#[tauri::command]
#[specta::specta]
pub async fn miners(session: State<'_, Session>, query: MinerQuery) -> Answer<MinerPage> {
    session.miners(&query)
}

/// One miner.
#[tauri::command]
#[specta::specta]
pub async fn miner(session: State<'_, Session>, address: String) -> Answer<MinerDetail> {
    session.miner(&address).await
}

/// Submissions, newest first.
#[tauri::command]
#[specta::specta]
pub async fn submissions(session: State<'_, Session>, query: SubmissionQuery) -> Answer<SubmissionPage> {
    session.submissions(&query)
}

/// Writes all submissions to a file that the operator picks; `None` when none was picked.
#[tauri::command]
#[specta::specta]
pub async fn export_submissions(
    desk: State<'_, Desk>,
    session: State<'_, Session>,
    format: ExportFormat,
) -> Answer<Option<Exported>> {
    let name = match format {
        ExportFormat::Csv => "r3mes-submissions.csv",
        ExportFormat::Json => "r3mes-submissions.json",
    };
    let Some(path) = desk.0.save_as(name).await else { return Ok(None) };
    session.export_submissions(format, &path).map(Some)
}

/// The books, newest first.
#[tauri::command]
#[specta::specta]
pub async fn ledger(session: State<'_, Session>, offset: u32, limit: u32) -> Answer<LedgerPage> {
    session.ledger(offset, limit).await
}

/// Rewards and fees by day, oldest first.
#[tauri::command]
#[specta::specta]
pub async fn earnings_by_day(session: State<'_, Session>, days: u32) -> Answer<Vec<DayEarnings>> {
    session.earnings_by_day(days).await
}
