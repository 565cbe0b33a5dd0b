//! Commands that are announced, timed and, if they fail, told how to be run alone.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One command of a task.
#[derive(Debug)]
pub(crate) struct Step {
    heading: String,
    command: Command,
    alone: Option<String>,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) heading: String,
    pub(crate) duration: Duration,
    pub(crate) passed: bool,
    /// What to type in order to repeat this step and nothing else.
    pub(crate) alone: String,
}

impl Step {
    /// A step that runs the cargo that runs us, in the project's root.
    pub(crate) fn cargo(heading: &str, arguments: &[&str]) -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(heading, cargo, arguments)
    }

    /// A step that runs any program, in the project's root.
    pub(crate) fn new(heading: &str, program: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root());
        for (name, _) in env::vars_os().filter(|(name, _)| is_of_our_package(name)) {
            command.env_remove(name);
        }
        Step { heading: heading.to_owned(), command, alone: None }
    }

    /// Runs it in a folder of the project, and not in its root.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.command.current_dir(root().join(folder));
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What to type in order to repeat the step, where that is not its own command.
    pub(crate) fn alone(mut self, command: &str) -> Self {
        self.alone = Some(command.to_owned());
        self
    }

    /// Runs the step to its end. An error only where it could not be started.
    pub(crate) fn run(mut self) -> Result<Outcome> {
        let shown = shown(&self.command);
        heading(&self.heading);
        println!("    {shown}");
        let start = Instant::now();
        let status = self.command.status().with_context(|| format!("failed to start `{shown}`"))?;
        let duration = start.elapsed();
        let word = if status.success() { "done" } else { "failed" };
        println!("    {word} in {:.1} s", duration.as_secs_f64());
        let alone = self.alone.unwrap_or(shown);
        Ok(Outcome { heading: self.heading, duration, passed: status.success(), alone })
    }

    /// Runs the step; its failure is an error that says how to repeat it.
    pub(crate) fn run_or_fail(self) -> Result<()> {
        let Outcome { heading, passed, alone, .. } = self.run()?;
        if !passed {
            bail!("the step \"{heading}\" failed; alone: {alone}");
        }
        Ok(())
    }

    /// Runs the step and returns what it prints; all else, this heading too, goes to standard error.
    pub(crate) fn output(mut self) -> Result<String> {
        let shown = shown(&self.command);
        eprintln!("\n==> {}\n    {shown}", self.heading);
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("failed to start `{shown}`"))?;
        if !output.status.success() {
            bail!("the step \"{}\" failed; alone: {shown}", self.heading);
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed no UTF-8"))
    }

    /// Becomes the command, as far as the system has that.
    pub(crate) fn exec(mut self) -> Result<()> {
        let shown = shown(&self.command);
        heading(&self.heading);
        println!("    {shown}");
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            let error = self.command.exec();
            Err(error).with_context(|| format!("failed to start `{shown}`"))
        }
        #[cfg(not(unix))]
        {
            let status = self.command.status().with_context(|| format!("failed to start `{shown}`"))?;
            std::process::exit(status.code().unwrap_or(1));
        }
    }
}

/// Whether cargo set a variable for the xtask that it runs. Build scripts look at these names; what they see must not
/// differ from what they see when cargo is called by hand, or everything above them is built again each time.
fn is_of_our_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// Prints what comes next.
pub(crate) fn heading(text: &str) {
    println!("\n==> {text}");
}

/// Whether a program can be started and ends well; its output is not shown.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    succeeds_in(&root(), program, arguments)
}

/// The same in another folder.
pub(crate) fn succeeds_in(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether this runs in CI, where nothing may be left out for want of a tool.
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"))
}

/// The project's root folder.
pub(crate) fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.ancestors().nth(2).unwrap_or(crate_folder).to_owned()
}

/// The target folder: that in which we lie ourselves.
pub(crate) fn target() -> Result<PathBuf> {
    let own = env::current_exe().context("failed to find the running xtask")?;
    // From `target/debug/xtask`, or `target/debug/deps/xtask-...` in a test.
    let profile = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let target = profile.and_then(Path::parent).context("failed to find the target folder")?;
    Ok(target.to_owned())
}

/// A program of the workspace as the last build of its profile left it.
pub(crate) fn built(name: &str, release: bool) -> Result<PathBuf> {
    let profile = if release { "release" } else { "debug" };
    Ok(target()?.join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    let program = Path::new(command.get_program());
    let program = match program.file_stem() {
        Some(stem) if stem == "cargo" => "cargo".to_owned(),
        _ => quoted(command.get_program()),
    };
    let arguments = command.get_args().map(quoted);
    variables.chain([program]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let step = Step::new("doc", "cargo", &["doc", "a b", "it's"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(shown(&step.command), r"RUSTDOCFLAGS='-D warnings' cargo doc 'a b' 'it'\''s'");
    }

    #[test]
    fn a_step_does_not_see_which_package_runs_it() {
        for (name, ours) in [
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_PKG_NAME", true),
            ("CARGO_TARGET_DIR", false),
            ("PATH", false),
        ] {
            assert_eq!(is_of_our_package(OsStr::new(name)), ours, "{name}");
        }
        let removed =
            |step: &Step| step.command.get_envs().any(|(name, to)| name == "CARGO_PKG_NAME" && to.is_none());
        assert!(removed(&Step::cargo("say nothing", &["--version"])));
    }

    #[test]
    fn a_failure_says_which_step_and_how_to_repeat_it() {
        let no = || Step::new("say no", "cargo", &["no-such-subcommand"]);
        assert!(!no().run().unwrap().passed);
        assert_eq!(
            no().alone("cargo xtask test --suite lint").run_or_fail().unwrap_err().to_string(),
            "the step \"say no\" failed; alone: cargo xtask test --suite lint"
        );
        assert_eq!(
            no().run_or_fail().unwrap_err().to_string(),
            "the step \"say no\" failed; alone: cargo no-such-subcommand"
        );
        let error = Step::new("start nothing", "no-such-program", &[]).run().unwrap_err();
        assert_eq!(error.to_string(), "failed to start `no-such-program`");
    }
}
