//! What a build needs beyond Rust. Quick, and silent about what is there.

use std::env;

use anyhow::{Result, bail};

use crate::step::{Step, in_ci, succeeds};

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
