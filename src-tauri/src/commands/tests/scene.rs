//! The page's side of the commands: a window on the mock runtime over a real session.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use r3mes_api::session::{LogBuffer, Session, SessionOptions};
use serde_json::Value;
use tauri::ipc::{CallbackFn, InvokeBody, InvokeResponseBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder, mock_context, noop_assets};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewWindow, WebviewWindowBuilder};
use tracing_subscriber::layer::SubscriberExt;

use super::desk::Noted;
use crate::desk::Desk;

/// How long to wait for anything that comes by itself.
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) struct Scene {
    folder: tempfile::TempDir,
    session: Session,
    app: App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
    pub(super) desktop: Noted,
    asked: RefCell<Asked>,
    secrets: RefCell<Vec<String>>,
}

/// The commands that answered, and those that were refused.
#[derive(Default)]
struct Asked {
    well: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl Scene {
    pub(super) fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let logs = LogBuffer::default();
        let kept = tracing_subscriber::registry().with(logs.layer());
        tracing::subscriber::set_global_default(kept).unwrap();
        let root = Some(folder.path().join("home"));
        let session = Session::open(SessionOptions { root, logs, ..SessionOptions::default() }).unwrap();
        let desktop = Noted::default();
        let app = mock_builder()
            .manage(session.clone())
            .manage(Desk(Box::new(desktop.clone())))
            .invoke_handler(super::super::builder::<MockRuntime>().invoke_handler())
            .build(mock_context(noop_assets()))
            .unwrap();
        let window = WebviewWindowBuilder::new(&app, "main", Default::default()).build().unwrap();
        let running = session.clone();
        tauri::async_runtime::block_on(async move { running.run() });
        Scene {
            folder,
            session,
            app,
            window,
            desktop,
            asked: RefCell::default(),
            secrets: RefCell::default(),
        }
    }

    /// A path in the test's own folder.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// What the operator picks in the system's dialogs from now on.
    pub(super) fn pick(&self, name: Option<&str>) {
        self.desktop.pick(name.map(|name| self.folder.path().join(name)));
    }

    /// From now on no answer may hold this text, but that of the one command that shows words.
    pub(super) fn is_secret(&self, text: &str) {
        self.secrets.borrow_mut().push(text.to_owned());
    }

    fn ask(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let answer = self.send(command, arguments);
        let text = match &answer {
            Ok(value) | Err(value) => value.to_string(),
        };
        for secret in self.secrets.borrow().iter().filter(|_| command != "reveal_words") {
            assert!(!text.contains(secret.as_str()), "{command} lets a secret out");
        }
        answer
    }

    fn send(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.into(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().unwrap(),
            body: InvokeBody::Json(arguments),
            headers: Default::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(&self.window, request).map(|answer| match answer {
            InvokeResponseBody::Json(text) => serde_json::from_str(&text).unwrap(),
            InvokeResponseBody::Raw(bytes) => panic!("{command} answered {} bytes", bytes.len()),
        })
    }

    /// Asks what must answer.
    pub(super) fn well(&self, command: &str, arguments: Value) -> Value {
        self.asked.borrow_mut().well.insert(command.to_owned());
        self.ask(command, arguments).unwrap_or_else(|error| panic!("{command} was refused: {error}"))
    }

    /// Asks what must be refused, with a code and a message.
    pub(super) fn refused(&self, command: &str, arguments: Value) -> Value {
        self.asked.borrow_mut().refused.insert(command.to_owned());
        let error = match self.ask(command, arguments) {
            Ok(answer) => panic!("{command} answered {answer}"),
            Err(error) => error,
        };
        assert!(error["code"].is_string() && error["message"].is_string(), "{command}: {error}");
        error
    }

    pub(super) fn wait_for(&self, what: &str, is_there: impl Fn(&Value) -> bool) {
        self.wait_until(what, || is_there(&self.well("snapshot", Value::Object(Default::default()))));
    }

    pub(super) fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed() > PATIENCE {
                let snapshot = self.well("snapshot", Value::Object(Default::default()));
                panic!("{what} did not come; the engine: {}", snapshot["engine"]);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The value of a key in what `settings` answers.
    pub(super) fn setting(settings: &Value, key: &str) -> String {
        let found = settings["keys"].as_array().unwrap().iter().find(|one| one["key"] == key);
        found.unwrap()["value"].as_str().unwrap().to_owned()
    }

    pub(super) fn merged(mut one: Value, other: Value) -> Value {
        let more = other.as_object().unwrap().clone();
        one.as_object_mut().unwrap().extend(more);
        one
    }

    /// That each command of the builder's list was asked, and refused where it can be.
    pub(super) fn all_were_asked(&self, cannot_be_refused: &[&str]) {
        let source = include_str!("../../commands.rs");
        let list = source.split("collect_commands![").nth(1).unwrap().split(']').next().unwrap();
        let all: BTreeSet<String> =
            list.split(',').filter_map(|path| Some(path.trim().rsplit_once("::")?.1.to_owned())).collect();
        assert!(all.len() > 50, "{all:?}");
        let asked = self.asked.borrow();
        assert_eq!(all.difference(&asked.well).collect::<Vec<_>>(), Vec::<&String>::new(), "never answered");
        let refusable = all.iter().filter(|name| !cannot_be_refused.contains(&name.as_str()));
        let never: Vec<&String> = refusable.filter(|name| !asked.refused.contains(*name)).collect();
        assert_eq!(never, Vec::<&String>::new(), "never refused");
    }

    /// What the tray's item does.
    pub(super) fn toggle_from_the_tray(&self) {
        crate::tray::toggle_engine(self.app.handle());
    }

    pub(super) fn close(&mut self) {
        tauri::async_runtime::block_on(self.session.close(Duration::from_secs(20)));
    }
}
