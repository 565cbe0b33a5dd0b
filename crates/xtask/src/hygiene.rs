//! What must not stand in a committed file: paths of the machine it was written on, and hosts from
//! which that machine takes its packages.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::root;

/// Where lock files may say that packages come from.
const PUBLIC_SOURCES: &[&str] =
    &["registry+https://github.com/rust-lang/crates.io-index", "https://registry.npmjs.org/"];

/// Everything that is wrong with the files that git knows, one line each.
pub(crate) fn findings() -> Result<Vec<String>> {
    let paths = machine_paths();
    let mut findings = Vec::new();
    for name in committed_files()? {
        let path = root().join(&name);
        // Removed and not yet committed so, or a link to nowhere: nothing to read.
        let Ok(bytes) = fs::read(&path) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(what) = fault(&name, line, &paths) {
                findings.push(format!("{name}:{}: {what}", number + 1));
            }
        }
    }
    Ok(findings)
}

fn committed_files() -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .context("failed to start `git ls-files`")?;
    if !output.status.success() {
        bail!("failed to list the committed files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("failed to read a committed file's name")?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

/// The folders that only exist here: the checkout, the home folder, cargo's and the target folder.
fn machine_paths() -> Vec<String> {
    let variables = ["HOME", "USERPROFILE", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR"];
    let mut paths: Vec<String> = variables.iter().filter_map(|name| env::var(name).ok()).collect();
    paths.push(root().display().to_string());
    paths.retain(|path| Path::new(path).is_absolute() && Path::new(path).components().count() > 1);
    paths.sort();
    paths.dedup();
    paths
}

fn fault(name: &str, line: &str, machine_paths: &[String]) -> Option<String> {
    if let Some(path) = machine_paths.iter().find(|path| has_path(line, path)) {
        return Some(format!("names {path}, a folder of this machine"));
    }
    let home = ["/home/", "/Users/"].into_iter().find(|home| {
        let users = line.split(home).skip(1);
        // A path of somebody's: not a URL's, and not a pattern's.
        line.find(home).is_none_or(|at| !line[..at].ends_with(|c: char| c.is_alphanumeric()))
            && users.into_iter().any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    if let Some(home) = home {
        return Some(format!("names a folder below {home}"));
    }
    if name.ends_with(".lock") || name.ends_with("-lock.json") {
        let source = line.split('"').find(|part| part.contains("://"))?;
        let is_package = line.contains("source") || line.contains("resolved");
        return match is_package && !PUBLIC_SOURCES.iter().any(|public| source.starts_with(public)) {
            true => Some(format!("takes a package from {source}, which is no public registry")),
            false => None,
        };
    }
    if name.ends_with("config.toml") && (line.starts_with("[source.") || line.starts_with("[registr")) {
        return Some("sets where packages come from, which is each machine's own affair".to_owned());
    }
    None
}

/// Whether `path` stands in the line as a whole, and not as the beginning of another name.
fn has_path(line: &str, path: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
    let begins = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '.' || c == '/');
    line.match_indices(path).any(|(at, _)| begins(&line[..at]) && ends(&line[at + path.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, line: &str) -> bool {
        fault(name, line, &["/builds/proposer".to_owned(), "/keeper".to_owned()]).is_some()
    }

    #[test]
    fn machine_paths_are_found_and_others_are_not() {
        for line in
            ["see /builds/proposer/README.md", "cd /builds/proposer", "\"/keeper/.cargo\"", "path=/keeper"]
        {
            assert!(found("a.md", line), "{line}");
        }
        for line in
            ["/builds/proposer2", "https://example.org/keeper", "../keeper", "/keepers", "~/.cargo", ""]
        {
            assert!(!found("a.md", line), "{line}");
        }
        let home = format!("/{}/ada/src", "home");
        assert!(found("a.rs", &home));
        assert!(!found("a.rs", &format!("https://example.org{home}")));
    }

    #[test]
    fn packages_come_from_public_registries() {
        let public = r#"source = "registry+https://github.com/rust-lang/crates.io-index""#;
        assert!(!found("Cargo.lock", public));
        assert!(found("Cargo.lock", r#"source = "registry+https://packages.example.org/index""#));
        assert!(!found("ui/package-lock.json", r#""resolved": "https://registry.npmjs.org/a/-/a-1.tgz","#));
        assert!(found("ui/package-lock.json", r#""resolved": "https://packages.example.org/a-1.tgz","#));
        assert!(!found("ui/package-lock.json", r#""funding": "https://example.org","#));
        assert!(found(".cargo/config.toml", "[source.crates-io]"));
        assert!(!found(".cargo/config.toml", "[alias]"));
    }
}
