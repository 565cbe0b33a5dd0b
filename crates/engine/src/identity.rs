//! What a data folder belongs to: heights and ids in a journal mean nothing on another chain, nor to
//! another account.

use r3mes_chain::{Chain, Status};
use r3mes_config::NetworkProfile;

use crate::journal::Journal;
use crate::{EngineError, Home};

/// Binds the journal to the chain and the account, or finds that it is bound to others. Answers the
/// node's status.
pub(crate) async fn bind(
    journal: &Journal,
    home: &Home,
    network: &NetworkProfile,
    chain: &Chain,
    address: &str,
) -> Result<Status, EngineError> {
    let status = chain.status().await?;
    if status.chain_id != network.chain_id {
        let expected = network.chain_id.clone();
        return Err(EngineError::WrongChain { found: status.chain_id, expected });
    }
    let mut identity = vec![("chain", status.chain_id.clone()), ("account", address.to_owned())];
    // A new network under an old name begins with another block; a pruned node cannot tell.
    match chain.rpc().block(Some(1)).await {
        Ok(block) if !block.id.hash.is_empty() => identity.push(("first block", block.id.hash)),
        Ok(_) => {}
        Err(error) if error.is_transient() => return Err(error.into()),
        Err(error) => tracing::debug!(%error, "the node does not keep the first block"),
    }
    for (what, found) in identity {
        if let Some(bound) = journal.bind(what, &found)? {
            let path = home.root().to_owned();
            return Err(EngineError::OtherIdentity { path, what, bound, found });
        }
    }
    Ok(status)
}
