//! What commands ask of the desktop around the window. Commands know it as a trait object, so that they are the
//! same on the real runtime and on the mock one.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use r3mes_api::{ApiError, ErrorCode};
use tauri::{AppHandle, Runtime};
use tauri_plugin_autostart::ManagerExt;
use tauri_plugin_opener::OpenerExt;

use crate::{dialogs, launch, quit};

/// A path that the operator picks, in time; `None` when the dialog was left.
pub(crate) type Picking<'a> = Pin<Box<dyn Future<Output = Option<PathBuf>> + Send + 'a>>;

/// The desktop, as commands see it.
pub(crate) struct Desk(pub(crate) Box<dyn Desktop>);

pub(crate) trait Desktop: Send + Sync {
    /// Where to write a file of this name.
    fn save_as<'a>(&'a self, name: &'a str) -> Picking<'a>;
    /// Which file with this ending to read.
    fn open_file<'a>(&'a self, extension: &'a str) -> Picking<'a>;
    /// Which folder.
    fn open_folder(&self) -> Picking<'_>;
    /// Shows a folder in the system's file browser.
    fn show_folder(&self, folder: &str) -> Result<(), ApiError>;
    /// Shows a page in the system's browser.
    fn show_page(&self, url: &str) -> Result<(), ApiError>;
    /// Has the launcher start with the desktop, minimised, or not any more.
    fn set_autostart(&self, wanted: bool) -> Result<(), ApiError>;
    /// Remembers the data folder for the next start.
    fn remember_folder(&self, folder: &Path) -> Result<(), ApiError>;
    /// Ends the launcher in order.
    fn quit(&self);
}

impl<R: Runtime> Desktop for AppHandle<R> {
    fn save_as<'a>(&'a self, name: &'a str) -> Picking<'a> {
        Box::pin(dialogs::save_as(self, name))
    }

    fn open_file<'a>(&'a self, extension: &'a str) -> Picking<'a> {
        Box::pin(dialogs::open_file(self, extension))
    }

    fn open_folder(&self) -> Picking<'_> {
        Box::pin(dialogs::open_folder(self))
    }

    fn show_folder(&self, folder: &str) -> Result<(), ApiError> {
        self.opener().open_path(folder, None::<&str>).map_err(|error| cannot_open(&error))
    }

    fn show_page(&self, url: &str) -> Result<(), ApiError> {
        self.opener().open_url(url, None::<&str>).map_err(|error| cannot_open(&error))
    }

    fn set_autostart(&self, wanted: bool) -> Result<(), ApiError> {
        let entry = self.autolaunch();
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

    fn remember_folder(&self, folder: &Path) -> Result<(), ApiError> {
        launch::remember_folder(self, folder)
    }

    fn quit(&self) {
        quit::begin(self);
    }
}

fn cannot_open(error: &tauri_plugin_opener::Error) -> ApiError {
    ApiError::new(ErrorCode::Request, format!("open it with the system's program: {error}"))
}
