//! Starting the proposer of a workspace.

use std::time::{Duration, Instant};

use r3mes_engine::{Checkpoint, Environment, Proposer, Running};

use crate::{ApiError, Workspace};

/// How a proposer is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartOptions {
    /// The checkpoint at which the process kills itself, for tests of crashes.
    pub checkpoint: Option<Checkpoint>,
}

/// Starts the workspace's proposer. On a local network, whose coins are worth nothing, the account is
/// registered on the way.
///
/// # Errors
/// When the folder is in use, the network does not answer, or the account may not propose.
pub async fn start(workspace: &Workspace, options: StartOptions) -> Result<Running, ApiError> {
    let mut environment = Environment::system();
    if let Some(last) = options.checkpoint {
        environment.checkpoint = std::sync::Arc::new(move |passed| {
            if passed == last {
                die();
            }
        });
    }
    if workspace.settings().network.localnet.is_some() {
        register_on_the_way(workspace).await?;
    }
    Ok(open(workspace, environment)?.start().await?)
}

/// How long a start waits for a network that does not answer.
const PATIENCE: Duration = Duration::from_secs(120);

async fn register_on_the_way(workspace: &Workspace) -> Result<(), ApiError> {
    let begun = Instant::now();
    loop {
        match register_unless_registered(workspace).await {
            Err(error) if error.transient && begun.elapsed() < PATIENCE => {
                tracing::warn!("trying again: failed to {error}");
                tokio::time::sleep(workspace.settings().network.block_time.min(Duration::from_secs(2))).await;
            }
            ended => return ended,
        }
    }
}

async fn register_unless_registered(workspace: &Workspace) -> Result<(), ApiError> {
    if workspace.resume_registration(false).await?.is_none() {
        let preview = workspace.registration_preview(None, false).await?;
        if preview.registration.is_none() {
            workspace.register(&preview).await?;
        }
    }
    Ok(())
}

pub(crate) fn open(workspace: &Workspace, environment: Environment) -> Result<Proposer, ApiError> {
    let proposer = Proposer::open(
        workspace.settings().clone(),
        workspace.connect()?,
        workspace.key()?,
        workspace.home()?,
        environment,
    )?;
    Ok(proposer)
}

/// Ends this process as `kill -9` does: no destructor runs, nothing is flushed.
fn die() {
    let this = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-KILL", &this]).status();
    std::process::abort();
}
