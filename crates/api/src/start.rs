//! Registering and starting the proposer of a workspace.

use r3mes_engine::{Checkpoint, Environment, Proposer, Registered, RegistrationRequest, Running};

use crate::hardware::resources;
use crate::{ApiError, Workspace};

/// How a proposer is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartOptions {
    /// The checkpoint at which the process kills itself, for tests of crashes.
    pub checkpoint: Option<Checkpoint>,
}

/// Registers the workspace's account as a proposer node, unless it is one already.
///
/// # Errors
/// When the network does not answer or refuses.
pub async fn register(workspace: &Workspace, stake: Option<u128>) -> Result<Registered, ApiError> {
    let proposer = open(workspace, Environment::system())?;
    let request = RegistrationRequest { resources: resources(workspace.root()).await, stake };
    Ok(proposer.register(&request).await?)
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
    let proposer = open(workspace, environment)?;
    if workspace.settings().network.localnet.is_some() {
        let resources = resources(workspace.root()).await;
        let request = RegistrationRequest { resources, stake: None };
        proposer.register(&request).await?;
    }
    Ok(proposer.start().await?)
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
