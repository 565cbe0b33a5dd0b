//! A desktop that notes what it was asked, and can be told to fail.

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use r3mes_api::{ApiError, ErrorCode};

use crate::desk::{Desktop, Picking};

#[derive(Clone, Debug, Default)]
pub(super) struct Noted(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    picked: Option<PathBuf>,
    fails: bool,
    shown: Vec<String>,
    autostart: Option<bool>,
    remembered: Option<String>,
    quit: bool,
}

impl Noted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// What the operator picks from now on.
    pub(super) fn pick(&self, path: Option<PathBuf>) {
        self.state().picked = path;
    }

    pub(super) fn fail(&self, fails: bool) {
        self.state().fails = fails;
    }

    pub(super) fn shown(&self) -> Vec<String> {
        self.state().shown.clone()
    }

    pub(super) fn autostart(&self) -> Option<bool> {
        self.state().autostart
    }

    pub(super) fn remembered(&self) -> Option<String> {
        self.state().remembered.clone()
    }

    pub(super) fn has_quit(&self) -> bool {
        self.state().quit
    }

    fn picking(&self) -> Picking<'_> {
        Box::pin(ready(self.state().picked.clone()))
    }

    fn unless_failing(&self, code: ErrorCode, note: impl FnOnce(&mut State)) -> Result<(), ApiError> {
        let mut state = self.state();
        if state.fails {
            return Err(ApiError::new(code, "ask the desktop: it fails"));
        }
        note(&mut state);
        Ok(())
    }
}

impl Desktop for Noted {
    fn save_as<'a>(&'a self, _name: &'a str) -> Picking<'a> {
        self.picking()
    }

    fn open_file<'a>(&'a self, _extension: &'a str) -> Picking<'a> {
        self.picking()
    }

    fn open_folder(&self) -> Picking<'_> {
        self.picking()
    }

    fn show_folder(&self, folder: &str) -> Result<(), ApiError> {
        self.unless_failing(ErrorCode::Request, |state| state.shown.push(folder.to_owned()))
    }

    fn show_page(&self, url: &str) -> Result<(), ApiError> {
        self.unless_failing(ErrorCode::Request, |state| state.shown.push(url.to_owned()))
    }

    fn set_autostart(&self, wanted: bool) -> Result<(), ApiError> {
        self.unless_failing(ErrorCode::File, |state| state.autostart = Some(wanted))
    }

    fn remember_folder(&self, folder: &Path) -> Result<(), ApiError> {
        self.unless_failing(ErrorCode::File, |state| state.remembered = Some(folder.display().to_string()))
    }

    fn quit(&self) {
        self.state().quit = true;
    }
}
