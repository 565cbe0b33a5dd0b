//! The desktop launcher: its web UI by Node, its shell by cargo, and the tests of both.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::setup;
use crate::step::{Outcome, Step, built, root, succeeds, target};

/// The WebDriver server in front of WebKit's.
const DRIVER: (&str, &str) = ("tauri-driver", "2.1.0");

/// Whether there is a screen to open a window on.
pub(crate) fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .into_iter()
        .any(|name| env::var_os(name).is_some_and(|name| !name.is_empty()))
}

/// Builds the web UI into `ui/dist`, where the shell embeds it, unless what is there is newer than its sources.
pub(crate) fn build_ui() -> Result<()> {
    building_ui()?.into_iter().try_for_each(Step::run_or_fail)
}

/// What is left to do for a web UI that is newer than its sources.
fn building_ui() -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = install_ui()?.0.into_iter().collect();
    if !is_ui_built() {
        steps.push(npm("build the web UI", "ui", &["run", "build"])?);
    }
    Ok(steps)
}

/// A needless build would have the shell built again around it.
fn is_ui_built() -> bool {
    let ui = root().join("ui");
    let Some(built) = modified(&ui.join("dist/index.html")) else { return false };
    UI_SOURCES.iter().all(|name| newest(&ui.join(name)).is_some_and(|source| source < built))
}

/// What the web UI is built from, below `ui`.
const UI_SOURCES: &[&str] = &[
    "src",
    "messages",
    "project.inlang/settings.json",
    "index.html",
    "package-lock.json",
    "tsconfig.json",
    "svelte.config.js",
    "vite.config.ts",
];

/// When a file, or the newest below a folder, was changed. Folders count: what was taken away changes them.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = modified(path)?;
    // Generated from the messages with each build.
    let below =
        fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| entry.file_name() != "paraglide");
    below.filter_map(|entry| newest(&entry.path())).chain([own]).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Builds the launcher with the UI inside.
pub(crate) fn build_launcher(release: bool) -> Result<PathBuf> {
    building_launcher(release)?.into_iter().try_for_each(Step::run_or_fail)?;
    built(LAUNCHER, release)
}

/// The steps of the same.
fn building_launcher(release: bool) -> Result<Vec<Step>> {
    let mut command = vec!["build", "--package", LAUNCHER];
    if release {
        command.push("--release");
    }
    let mut steps = building_ui()?;
    steps.push(Step::cargo("build the launcher", &command));
    Ok(steps)
}

const LAUNCHER: &str = "r3mes-launcher";

/// By the lock file, without writing it. Not `ci`: that refuses a lock file in which an optional package of another
/// platform has no entry.
pub(crate) const INSTALL: &[&str] = &["install", "--no-save", "--no-audit", "--no-fund"];

/// `cargo xtask bindings`: writes the UI's bindings from the shell's commands.
pub(crate) fn bindings() -> Result<()> {
    setup::for_build()?;
    setup::for_desktop()?;
    Step::cargo("write ui/src/backend/bindings.ts", &["test", "--package", LAUNCHER, "--test", "bindings"])
        .env("R3MES_WRITE_BINDINGS", "1")
        .run_or_fail()
}

/// `cargo xtask screenshots`: every screen in both themes, into `ui/screenshots`.
pub(crate) fn screenshots() -> Result<()> {
    setup::for_desktop()?;
    setup::for_desktop_tests()?;
    install_ui()?.run_or_fail_if()?;
    npm("draw every screen", "ui", &["run", "screenshots"])?.run_or_fail()
}

/// The suite of the desktop: the UI by itself, the shell's commands, and the real program on a real network.
pub(crate) fn test(outcomes: &mut Vec<Outcome>) -> Result<()> {
    const ALONE: &str = "cargo xtask test --suite desktop";
    if let Some(install) = install_ui()?.0 {
        let install = install.run()?;
        let passed = install.passed;
        outcomes.push(install);
        if !passed {
            return Ok(());
        }
    }
    let steps: [(&str, &[&str]); 4] = [
        ("check the web UI's types", &["run", "check"]),
        ("lint the web UI", &["run", "lint"]),
        ("test the web UI's parts", &["test"]),
        ("test the web UI's screens in a browser", &["run", "e2e"]),
    ];
    for (heading, arguments) in steps {
        outcomes.push(npm(heading, "ui", arguments)?.alone(ALONE).run()?);
    }
    if !is_ui_built() {
        outcomes.push(npm("build the web UI", "ui", &["run", "build"])?.alone(ALONE).run()?);
    }
    // Built after the UI, which it embeds.
    let build = ["build", "--workspace", "--bins", "--tests"];
    let build = Step::cargo("build the launcher", &build).alone(ALONE).run()?;
    let passed = build.passed;
    outcomes.push(build);
    if passed {
        let (driver, building) = driver()?;
        for step in building.into_iter().chain([drive(&driver)?.alone(ALONE)]) {
            outcomes.push(step.run()?);
        }
    }
    Ok(())
}

/// The tests that click through the real window.
fn drive(driver: &Path) -> Result<Step> {
    install_driving()?.run_or_fail_if()?;
    let runner = root().join(DRIVING).join("node_modules/.bin/wdio").display().to_string();
    let step = on_own_screen("click through the launcher", &[&runner, "run", "wdio.conf.js"], false)?;
    Ok(step.env("R3MES_TAURI_DRIVER", driver))
}

/// Where the real window is driven from.
const DRIVING: &str = "tests/desktop";

/// A step with the launcher, on a screen and a session bus of its own.
fn on_own_screen(heading: &str, command: &[&str], release: bool) -> Result<Step> {
    let screen = ["--", "xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"];
    let step = Step::new(heading, "dbus-run-session", &[screen.as_slice(), command].concat());
    Ok(with_node(step)?
        .within(DRIVING)
        .env("LANG", "en_US.UTF-8")
        .env("R3MES_LAUNCHER", built(LAUNCHER, release)?)
        .env("R3MES_PROPOSER", built("r3mes-proposer", false)?))
}

/// `cargo xtask bench desktop`: the launcher as it ships, measured in its real window. Only the figures go to
/// standard output.
pub(crate) fn bench(json: bool) -> Result<()> {
    setup::for_build()?;
    setup::for_desktop()?;
    setup::for_desktop_tests()?;
    // What stands around the launcher is not measured, and comes in the profile of the tests.
    let around = ["build", "--bins", "--package", "r3mes-proposer", "--package", "r3mes-tests"];
    let around = Step::cargo("build what surrounds the launcher", &around);
    for step in building_launcher(true)?.into_iter().chain([around]).chain(install_driving()?.0) {
        step.output()?;
    }
    let mut command = vec!["node", "bench/main.js"];
    if json {
        command.push("--json");
    }
    let step = on_own_screen("measure the launcher", &command, true)?
        .env("R3MES_HISTORY", built("history", false)?)
        .env("R3MES_DESK", built("desk", false)?);
    print!("{}", step.output()?);
    Ok(())
}

/// The WebDriver server in the target folder, and what builds it where it is not there yet.
fn driver() -> Result<(PathBuf, Option<Step>)> {
    let (name, version) = DRIVER;
    let folder = target()?.join("tools").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    let folder = folder.display().to_string();
    let install = ["install", name, "--version", version, "--locked", "--root", &folder];
    let step = (!program.exists()).then(|| Step::cargo(&format!("build {name}"), &install));
    Ok((program, step))
}

/// A step that may have nothing to do.
struct Maybe(Option<Step>);

impl Maybe {
    fn run_or_fail_if(self) -> Result<()> {
        self.0.map_or(Ok(()), Step::run_or_fail)
    }
}

/// Installs what the web UI's lock file names, unless that is there.
fn install_ui() -> Result<Maybe> {
    install("install what the web UI is made of", "ui")
}

/// The same for what drives the window.
fn install_driving() -> Result<Maybe> {
    install("install what drives the window", DRIVING)
}

fn install(heading: &str, folder: &str) -> Result<Maybe> {
    match installed(folder) {
        true => Ok(Maybe(None)),
        false => Ok(Maybe(Some(npm(heading, folder, INSTALL)?))),
    }
}

/// Whether what is installed is what the lock file names: npm leaves a copy of the list, which is not older.
pub(crate) fn installed(folder: &str) -> bool {
    let folder = root().join(folder);
    match (
        modified(&folder.join("node_modules/.package-lock.json")),
        modified(&folder.join("package-lock.json")),
    ) {
        (Some(installed), Some(wanted)) => installed >= wanted,
        _ => false,
    }
}

pub(crate) fn npm(heading: &str, folder: &str, arguments: &[&str]) -> Result<Step> {
    let step = Step::new(heading, "npm", &[&["--prefix", folder], arguments].concat());
    Ok(with_node(step)?.env("NO_UPDATE_NOTIFIER", "1"))
}

/// The same with our own Node before the system's, where the system's is too old.
pub(crate) fn with_node(step: Step) -> Result<Step> {
    let Some(folder) = setup::own_node()? else { return Ok(step) };
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder).chain(env::split_paths(&path));
    let path = env::join_paths(folders).context("failed to put Node on the path")?;
    Ok(step.env("PATH", path))
}

/// Whether a shell with the libraries of the desktop can be built here.
pub(crate) fn can_build() -> bool {
    succeeds("pkg-config", &["--exists", "webkit2gtk-4.1"])
}
