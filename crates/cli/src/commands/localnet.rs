use r3mes_api::{Administration, ApiError, LocalNetwork, LocalNetworkOptions};
use serde_json::json;

use super::{Failure, output};
use crate::arguments::{Administer, Localnet, LocalnetOptions};

/// Runs a local network in the foreground until it is told to stop, or administers one that runs.
pub(crate) async fn run(command: Localnet, json: bool) -> Result<(), Failure> {
    match command.administer {
        Some(what) => administer(what, json).await,
        None => serve(command, json).await,
    }
}

async fn administer(what: Administer, json: bool) -> Result<(), Failure> {
    let (of, operations) = match what {
        Administer::Grant(of) => (of, vec![Administration::Grant]),
        Administer::Revoke(of) => (of, vec![Administration::Revoke]),
        Administer::Suspend(of) => (of, vec![Administration::Suspend]),
        Administer::Reinstate(of) => (of, vec![Administration::Reinstate]),
        Administer::Slash { of, amount, reason } => (of, vec![Administration::Slash { amount, reason }]),
        Administer::Fund { to, coins } => (to, Administration::fund(&coins)?),
    };
    for operation in operations {
        let done = r3mes_api::administer(&of.network, &of.address, operation).await?;
        if json { output::json(&done)? } else { output::line(format!("{}.", done.what))? }
    }
    Ok(())
}

async fn serve(command: Localnet, json: bool) -> Result<(), Failure> {
    let shared = network_options(&command.network)?;
    let options = LocalNetworkOptions {
        max_block_gas: command.max_block_gas.unwrap_or(shared.max_block_gas),
        max_tx_bytes: command.max_tx_bytes.unwrap_or(shared.max_tx_bytes),
        rounds: command.rounds,
        rpc_port: command.rpc_port,
        ipfs_port: command.ipfs_port,
        ipfs_api: command.ipfs_api,
        ..shared
    };
    let mut network = LocalNetwork::start(&options).await?;
    network.profile().save(&command.profile).map_err(ApiError::from)?;
    if json {
        output::json(&json!({
            "event": "ready",
            "chain_id": network.profile().chain_id,
            "rpc_url": network.profile().rpc.first(),
            "ipfs_url": network.profile().ipfs_api,
            "profile": command.profile,
        }))?;
    } else {
        output::line(format!(
            "Chain {} at {}, IPFS at {}.\nRun a proposer on it (it registers itself here) with\n  r3mes-proposer start --network {} --home ./proposer\nStop with Ctrl-C.",
            network.profile().chain_id,
            network.profile().rpc.first().map(ToString::to_string).unwrap_or_default(),
            network.profile().ipfs_api,
            command.profile.display()
        ))?;
    }
    loop {
        tokio::select! {
            report = network.next_report() => match report? {
                Some(report) if json => output::json(&report)?,
                Some(report) => output::line(format!(
                    "Training round {}: aggregation {} by {}, accuracy {:.1} %.",
                    report.round, report.aggregation_id, report.proposer, report.accuracy * 100.0
                ))?,
                None => { stop_signal().await?; break }
            },
            asked = stop_signal() => { asked?; break }
        }
    }
    network.shutdown().await;
    Ok(())
}

/// The part of the options that `demo` and `localnet` share.
pub(crate) fn network_options(options: &LocalnetOptions) -> Result<LocalNetworkOptions, Failure> {
    if options.byzantine > options.miners {
        return Err(Failure::input(vec![format!(
            "--byzantine {} is more than all --miners {}",
            options.byzantine, options.miners
        )]));
    }
    Ok(LocalNetworkOptions {
        seed: options.seed,
        miners: options.miners,
        byzantine: options.byzantine,
        attack: options.attack.clone(),
        block_ms: options.block_ms,
        ..LocalNetworkOptions::default()
    })
}

/// Ends when the process is asked to stop, by Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::other(format!("listen for signals: {error}"));
    #[cfg(unix)]
    {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            asked = tokio::signal::ctrl_c() => asked.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}
