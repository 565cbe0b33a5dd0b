use serde_json::json;

use super::keys::with_choice;
use super::start::workspace;
use super::{Failure, output};
use crate::arguments::Register;

/// Registers the account as a proposer.
pub(crate) async fn run(command: Register, json: bool) -> Result<(), Failure> {
    let workspace = with_choice(workspace(&command.proposer)?, &command.key);
    let registered = r3mes_api::register(&workspace, command.stake).await?;
    if json {
        return output::json(&json!({
            "stake": registered.stake,
            "tx_hash": registered.tx_hash,
            "height": registered.height.map(|height| height.to_string()),
        }));
    }
    output::line(match (&registered.tx_hash, registered.height) {
        (Some(hash), Some(height)) => {
            format!("Registered with a stake of {} in block {height} (transaction {hash}).", registered.stake)
        }
        _ => format!("Registered already, with a stake of {}.", registered.stake),
    })
}
