//! The node's process, whose life is bound to ours.
//!
//! A shell stands between us and the node and holds the reading end of a pipe. However we end, also by
//! `kill -9`, the system closes the writing end, and the shell then ends the node: in order, or after some
//! seconds by force. All of them are a process group of their own, so that a Ctrl-C at the terminal reaches us
//! alone, and we stop the node when we are done with it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc;

use super::binary::Binary;
use super::failure::DaemonError;
use super::repository;

/// Tenths of a second that the node has for an orderly end.
const GRACE: u32 = 100;

/// Runs its arguments until they end or standard input does.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
daemon=$!
echo "pid $daemon"
(
    exec >/dev/null 2>&1
    read -r _ <&3
    kill -TERM "$daemon"
    tenths=0
    while [ "$tenths" -lt "$GRACE" ] && kill -0 "$daemon"; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    kill -KILL "$daemon"
) &
watch=$!
wait "$daemon"
status=$?
kill -KILL "$watch" 2>/dev/null
exit "$status"
"#;

/// A started node, ready or not. Dropped, it ends by itself.
#[derive(Debug)]
pub(super) struct Guarded {
    child: Child,
    /// Closing it ends the node.
    leash: Option<ChildStdin>,
    /// What the node says, line by line, on both of its outputs.
    pub(super) lines: mpsc::Receiver<String>,
}

impl Guarded {
    /// Starts the node on the repository of `folder`.
    pub(super) fn start(binary: &Binary, folder: &Path) -> Result<Guarded, DaemonError> {
        if !cfg!(unix) {
            return Err(DaemonError::Unsupported);
        }
        let mut command = super::binary::command("/bin/sh");
        command
            .args(["-c", SCRIPT, "kubo-guard"])
            .arg(&binary.path)
            .args(["daemon", "--migrate=true", "--enable-gc"])
            .env("GRACE", GRACE.to_string())
            .env("IPFS_PATH", repository::path(folder))
            .env("IPFS_TELEMETRY", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| repository::refused(folder, &error))?;
        let (sender, lines) = mpsc::channel(256);
        if let Some(output) = child.stdout.take() {
            tokio::spawn(forward(output, sender.clone()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(forward(output, sender));
        }
        Ok(Guarded { leash: child.stdin.take(), child, lines })
    }

    /// Waits for the node's end.
    pub(super) async fn ended(&mut self) -> String {
        described(self.child.wait().await)
    }

    /// Asks the node to end, and waits until it has, hearing what it says meanwhile.
    pub(super) async fn stop(&mut self, mut hear: impl FnMut(&str)) {
        drop(self.leash.take());
        let most = Duration::from_millis(100) * GRACE + Duration::from_secs(5);
        let Guarded { child, lines, .. } = self;
        let ended = async {
            loop {
                tokio::select! {
                    Some(line) = lines.recv() => hear(&line),
                    _ = child.wait() => break,
                }
            }
        };
        if tokio::time::timeout(most, ended).await.is_err() {
            tracing::warn!("Kubo did not end when it was told to");
        }
    }
}

fn described(ended: std::io::Result<ExitStatus>) -> String {
    match ended {
        // The shell tells a signal as 128 and its number.
        Ok(status) => match status.code() {
            Some(code) if code > 128 => format!("killed by signal {}", code - 128),
            _ => status.to_string(),
        },
        Err(error) => error.to_string(),
    }
}

async fn forward(output: impl AsyncRead + Unpin, sender: mpsc::Sender<String>) {
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).await.is_err() {
            // The node must not stand still for want of a reader.
            continue;
        }
    }
}
