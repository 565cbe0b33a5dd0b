//! Programs written in Go that the interop tests run against, built at pinned versions.
//!
//! Each has a small module of its own below `tests/interop`, whose `go.mod` and `go.sum` say exactly what is
//! built. The program goes into the target folder and is built again only when its module changes.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::step::{Outcome, heading, in_ci, root, succeeds_in, target};

/// A program that Go builds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoTool {
    /// What it is.
    pub(crate) what: &'static str,
    /// Its module, below `tests/interop`.
    pub(crate) module: &'static str,
    /// The package that is the program; `.` for the module's own.
    package: &'static str,
    /// The program's file name.
    program: &'static str,
    /// Where tests look for its path.
    pub(crate) variable: &'static str,
}

/// The IPFS node.
pub(crate) const KUBO: GoTool = GoTool {
    what: "Kubo, the IPFS node",
    module: "kubo",
    package: "github.com/ipfs/kubo/cmd/ipfs",
    program: "ipfs",
    variable: "R3MES_KUBO",
};

/// The Cosmos SDK node: the SDK's own modules in a `main.go` of ours.
pub(crate) const SIMD: GoTool = GoTool {
    what: "simd, a Cosmos SDK node",
    module: "simd",
    package: ".",
    program: "simd",
    variable: "R3MES_SIMD",
};

/// Every program that the interop tests need.
pub(crate) const TOOLS: &[GoTool] = &[KUBO, SIMD];

/// How often the build says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// Lines of a failed build that are worth reading.
const LAST_LINES: usize = 30;

impl GoTool {
    /// Where the program lies once it is built.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        let name = format!("{}{}", self.program, env::consts::EXE_SUFFIX);
        Ok(target()?.join("tools").join(self.module).join(name))
    }

    fn folder(&self) -> PathBuf {
        root().join("tests").join("interop").join(self.module)
    }

    /// Everything that decides what is built, as one text.
    fn sources(&self) -> Result<String> {
        let folder = self.folder();
        let failed = || format!("failed to read the Go module {}", folder.display());
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            if path.extension().is_some_and(|extension| ["mod", "sum", "go"].iter().any(|e| extension == *e))
            {
                paths.push(path);
            }
        }
        paths.sort();
        let mut text = String::new();
        for path in paths {
            text.push_str(&fs::read_to_string(&path).with_context(failed)?);
        }
        Ok(text)
    }

    /// Builds the program unless it is there, built from just these sources.
    pub(crate) fn build(&self) -> Result<Outcome> {
        let title = format!("build {}", self.what);
        heading(&title);
        let start = Instant::now();
        let (program, sources) = (self.path()?, self.sources()?);
        let built_from = program.with_extension("built-from");
        let is_there =
            program.is_file() && fs::read_to_string(&built_from).is_ok_and(|before| before == sources);
        let passed = is_there || self.compile(&program)?;
        if passed && !is_there {
            fs::write(&built_from, sources)
                .with_context(|| format!("failed to write {}", built_from.display()))?;
        }
        let duration = start.elapsed();
        let word = match (passed, is_there) {
            (true, true) => "there already",
            (true, false) => "done",
            (false, _) => "failed",
        };
        println!("    {word} in {:.1} s: {}", duration.as_secs_f64(), program.display());
        let alone = "cargo xtask test --suite interop".to_owned();
        Ok(Outcome { heading: title, duration, passed, alone })
    }

    fn compile(&self, program: &Path) -> Result<bool> {
        let folder = self.folder();
        println!("    from tests/interop/{}; a first build takes minutes", self.module);
        let mut child = Command::new("go")
            // What the module states is what is built; -v names the packages as they are done.
            .args(["build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"])
            .arg(program)
            .arg(self.package)
            .env("CGO_ENABLED", "0")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("failed to start `go build`")?;
        let mut last = Vec::new();
        let (mut packages, mut told) = (0, Instant::now());
        for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
            let line = line.context("failed to read what `go build` says")?;
            packages += usize::from(!line.contains(' '));
            if told.elapsed() >= PROGRESS {
                println!("    {packages} packages compiled");
                told = Instant::now();
            }
            last.push(line);
            if last.len() > LAST_LINES {
                last.remove(0);
            }
        }
        let passed = child.wait().context("failed to wait for `go build`")?.success();
        if !passed {
            last.iter().for_each(|line| println!("    {line}"));
        }
        Ok(passed)
    }
}

/// Whether the tools can be built, after an attempt in CI to install what that takes. Outside CI a machine
/// without Go is told so in one line, and goes without the tests that need them.
pub(crate) fn can_build(tools: &[GoTool]) -> Result<bool> {
    if tools.iter().all(is_served) {
        return Ok(true);
    }
    if in_ci() {
        setup::for_interop()?;
        match tools.iter().find(|tool| !is_served(tool)) {
            None => return Ok(true),
            Some(tool) => bail!(
                "failed to set up: the system's Go is too old for tests/interop/{}; install a newer one from https://go.dev/dl",
                tool.module
            ),
        }
    }
    println!(
        "\nskipped: the interop tests (no Go that can build their nodes; get it from https://go.dev/dl)"
    );
    Ok(false)
}

/// Whether there is a Go that understands the tool's module: an older one refuses it, or fetches its successor.
fn is_served(tool: &GoTool) -> bool {
    succeeds_in(&tool.folder(), "go", &["list", "-m"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_pinned() {
        for tool in TOOLS {
            let sources = tool.sources().unwrap();
            assert!(sources.contains("h1:"), "{} has no go.sum", tool.module);
            let elsewhere = ["=> .", "=> /"].iter().any(|folder| sources.contains(folder));
            assert!(!elsewhere, "{} is not what its go.mod says", tool.module);
        }
    }
}
