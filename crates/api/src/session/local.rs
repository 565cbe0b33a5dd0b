//! The local network inside the session: what a newcomer tries everything out on.
//!
//! It begins anew with each start of the program, so its journal does too; its settings and keys stay.

use std::fs;
use std::io;
use std::path::Path;

use super::{Session, refused};
use crate::{ApiError, ErrorCode, LocalNetwork, LocalNetworkOptions, Workspace};

/// Blocks a second apart let a round be watched; at the standard challenge period one is final in under two
/// minutes.
const BLOCK_MS: u64 = 1000;

impl Session {
    /// Starts the local network unless it runs, and makes its folder one of its proposer.
    pub(crate) async fn ensure_local_network(&self) -> Result<(), ApiError> {
        let mut local = self.inner.local.lock().await;
        if local.is_some() {
            return Ok(());
        }
        let options = LocalNetworkOptions { block_ms: BLOCK_MS, ..LocalNetworkOptions::default() };
        let network = LocalNetwork::start(&options).await?;
        let root = self.local_root();
        let new = !root.join("settings.toml").exists();
        self.forget_journal();
        forget(&root).map_err(|error| {
            ApiError::new(
                ErrorCode::Engine,
                format!("empty the local network's folder {}: {error}", root.display()),
            )
        })?;
        let profile = root.join("networks").join("localnet.toml");
        network.profile().save(&profile)?;
        // Each miner announces one gradient a round: a round is complete with all of them.
        let first = [("round.quorum".to_owned(), options.miners.to_string())];
        Workspace::open(Some(&root), Some(&profile), if new { &first } else { &[] })?;
        *local = Some(network);
        drop(local);
        self.refresh_settings();
        self.look_again();
        Ok(())
    }

    /// What the local network's administrator does for the account: authorizes it, and gives it coins for
    /// the stake and the fees.
    ///
    /// # Errors
    /// When it is no local network, or there is no account.
    pub async fn grant_on_local_network(&self) -> Result<(), ApiError> {
        if !self.is_local() {
            return Err(refused("authorize the account: only a local network's administrator is at hand"));
        }
        self.ensure_local_network().await?;
        let address = self.workspace()?.address()?;
        let local = self.inner.local.lock().await;
        let network =
            local.as_ref().ok_or_else(|| refused("authorize the account: the network has ended"))?;
        network.grant(&address)?;
        drop(local);
        self.look_again();
        Ok(())
    }
}

/// Takes away what speaks of a chain that is no more.
fn forget(root: &Path) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    for file in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"] {
        gone(fs::remove_file(root.join(file)))?;
    }
    for folder in ["spool", "aggregates", "evidence"] {
        gone(fs::remove_dir_all(root.join(folder)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_speaks_of_the_old_chain_goes() {
        let folder = tempfile::tempdir().unwrap();
        forget(folder.path()).unwrap();
        for name in ["journal.sqlite", "settings.toml", "spool/gradient-1", "keys/main.toml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        forget(folder.path()).unwrap();
        let left = |name: &str| folder.path().join(name).exists();
        assert!(left("settings.toml") && left("keys/main.toml"));
        assert!(!left("journal.sqlite") && !left("spool"));
    }
}
