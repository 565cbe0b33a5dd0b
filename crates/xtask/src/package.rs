//! `cargo xtask package`: the launcher with the command line beside it, as packages that were tried.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::desktop::{INSTALL, build_ui, installed, npm, with_node};
use crate::setup;
use crate::step::{Step, built, heading, root, target};

/// The folder with the bundler's lock file.
const BUNDLER: &str = "src-tauri/cli";

/// The program that comes with the launcher.
const PROPOSER: &str = "r3mes-proposer";

const INSTALLED_LAUNCHER: &str = "usr/bin/r3mes-launcher";
const INSTALLED_PROPOSER: &str = "usr/bin/r3mes-proposer";
const DESKTOP_ENTRY: &str = "usr/share/applications/r3mes-launcher.desktop";
const METADATA: &str = "usr/share/metainfo/network.r3mes.launcher.metainfo.xml";

/// What an installed package must hold.
const CONTENTS: &[&str] = &[
    INSTALLED_LAUNCHER,
    INSTALLED_PROPOSER,
    DESKTOP_ENTRY,
    METADATA,
    "usr/share/icons/hicolor/32x32/apps/r3mes-launcher.png",
    "usr/share/icons/hicolor/128x128/apps/r3mes-launcher.png",
    "usr/share/icons/hicolor/scalable/apps/r3mes-launcher.svg",
    "usr/share/doc/r3mes-launcher/copyright",
];

/// Starts a program and waits for its window to be drawn on the screen; then has it end in order.
/// Arguments: the program, its data folder.
const WINDOW: &str = r#"
"$1" --home "$2" & program=$!
for _ in $(seq 300); do
    if xwininfo -name 'R3MES Launcher' 2>/dev/null | grep -q 'Map State: IsViewable'; then
        echo '    there is its window'
        kill -TERM "$program"
        wait "$program"
        [ ! -e "$2/running.json" ] || { echo '    it did not end in order' >&2; exit 1; }
        exit 0
    fi
    kill -0 "$program" 2>/dev/null || { echo '    it ended without a window' >&2; exit 1; }
    sleep 0.2
done
echo '    there is no window after a minute' >&2
kill -KILL "$program"
exit 1
"#;

/// Builds a .deb and tries it; then an AppImage, where the bundler's tools can be had.
pub(crate) fn package(debug: bool) -> Result<()> {
    setup::for_build()?;
    setup::for_desktop()?;
    setup::for_packages()?;
    build_ui()?;
    if !installed(BUNDLER) {
        npm("install the bundler", BUNDLER, INSTALL)?.run_or_fail()?;
    }
    build_proposer(debug)?;
    bundle("deb", debug)?.run_or_fail()?;
    let out = built("bundle", !debug)?;
    let package = only(&out.join("deb"), "deb")?;
    check(&package)?;
    let image = bundle("appimage", debug)?.run()?;
    println!("\n{} was unpacked, validated and started", package.display());
    match image.passed {
        true => println!("the AppImage is {}", only(&out.join("appimage"), "AppImage")?.display()),
        false => println!(
            "no AppImage: its bundler fetches tools from the network that cannot be had here; see above"
        ),
    }
    Ok(())
}

fn build_proposer(debug: bool) -> Result<()> {
    let mut command = vec!["build", "--package", PROPOSER];
    if !debug {
        command.push("--release");
    }
    Step::cargo("build the command line", &command).run_or_fail()
}

/// The bundler's step for a kind of package. The command line is added here, since only we know where it was built.
fn bundle(kind: &str, debug: bool) -> Result<Step> {
    let bundler = root().join(BUNDLER).join("node_modules/.bin/tauri").display().to_string();
    let proposer = built(PROPOSER, !debug)?.display().to_string();
    let added = format!(
        r#"{{"bundle":{{"linux":{{"{kind}":{{"files":{{"/usr/bin/{PROPOSER}":"{proposer}"}}}}}}}}}}"#
    );
    let mut arguments = vec!["build", "--bundles", kind, "--config", &added];
    if debug {
        arguments.push("--debug");
    }
    let step = Step::new(&format!("build the {kind}"), &bundler, &arguments);
    let step = with_node(step)?.within("src-tauri").env("CARGO_TARGET_DIR", target()?);
    Ok(step.alone("cargo xtask package"))
}

/// The one file with an extension in a folder that the bundler has just written.
fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let files = fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let found: Vec<PathBuf> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect();
    match found.as_slice() {
        [file] => Ok(file.clone()),
        _ => bail!(
            "failed to tell the new package: {} holds {} .{extension} files; remove the old ones",
            folder.display(),
            found.len()
        ),
    }
}

/// Unpacks a .deb as its installation would, validates what the desktop reads of it, and starts both programs.
fn check(package: &Path) -> Result<()> {
    let folder = target()?.join("package");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to empty {}", folder.display()))?;
    }
    let installed = folder.join("installed");
    fs::create_dir_all(&installed).with_context(|| format!("failed to make {}", installed.display()))?;
    let step = |heading: &str, program: &str, arguments: &[&str]| {
        Step::new(heading, program, arguments).alone("cargo xtask package").run_or_fail()
    };
    let (from, to) = (package.display().to_string(), installed.display().to_string());
    step("unpack the package", "dpkg-deb", &["--extract", &from, &to])?;
    heading("look for what must be in it");
    let missing: Vec<&&str> = CONTENTS.iter().filter(|name| !installed.join(name).exists()).collect();
    if !missing.is_empty() {
        bail!("failed to check {from}: it lacks {missing:?}");
    }
    let path = |name: &str| installed.join(name).display().to_string();
    step("validate the desktop entry", "desktop-file-validate", &[&path(DESKTOP_ENTRY)])?;
    step("validate the AppStream metadata", "appstreamcli", &["validate", "--no-net", &path(METADATA)])?;
    step("start its command line", &path(INSTALLED_PROPOSER), &["--version"])?;
    let home = folder.join("home").display().to_string();
    let screen = ["--", "xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"];
    let start = ["sh", "-c", WINDOW, "window", &path(INSTALLED_LAUNCHER), &home];
    step("start its launcher", "dbus-run-session", &[screen.as_slice(), start.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktop_entry_and_the_metadata_name_what_is_installed() {
        let read = |name: &str| fs::read_to_string(root().join("src-tauri").join(name)).unwrap();
        let metadata = read("linux/network.r3mes.launcher.metainfo.xml");
        for name in ["r3mes-launcher.desktop", "<binary>r3mes-launcher<", "<binary>r3mes-proposer<"] {
            assert!(metadata.contains(name), "{name}");
        }
        let version = format!("<release version=\"{}\"", env!("CARGO_PKG_VERSION"));
        assert!(metadata.contains(&version), "the metadata does not tell of {version}");
        let entry = read("linux/launcher.desktop");
        for line in ["Categories=", "Keywords=", "Exec={{exec}}", "Icon={{icon}}"] {
            assert!(entry.lines().any(|found| found.starts_with(line)), "{line}");
        }
        let configuration = read("tauri.conf.json");
        for name in
            CONTENTS.iter().filter(|name| name.contains("share/metainfo") || name.contains("scalable"))
        {
            assert!(configuration.contains(name), "{name}");
        }
    }
}
