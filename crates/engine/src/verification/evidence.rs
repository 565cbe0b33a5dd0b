//! What stays behind of an exclusion, so that an appeal can cite it.

use std::io;
use std::path::Path;

use r3mes_chain::proto::StoredGradient;
use serde_json::json;

use super::Judgement;
use crate::home::write_durably;
use crate::round::{Exclusion, Round};

/// Writes the bundle of one exclusion. The file of the gradient itself stays in the spool.
pub(crate) fn preserve(
    folder: &Path,
    round: &Round,
    gradient: &StoredGradient,
    judgement: &Judgement,
    exclusion: &Exclusion,
) -> io::Result<()> {
    let bundle = json!({
        "version": 1,
        "round": {
            "training_round_id": round.training_round_id,
            "model_version": round.model_version,
            "opened_height": round.opened_height,
        },
        "gradient": {
            "id": gradient.id,
            "miner": gradient.miner,
            "ipfs_hash": gradient.ipfs_hash,
            "gradient_hash": gradient.gradient_hash,
            "submitted_at_height": gradient.submitted_at_height,
            "training_round_id": gradient.training_round_id,
            "shard_id": gradient.shard_id,
            "claimed_loss": gradient.claimed_loss,
        },
        "excluded_by": exclusion.checks,
        "reason": exclusion.reason,
        "judgement": judgement,
    });
    let name = format!("round-{}-gradient-{}.json", round.id, gradient.id);
    write_durably(&folder.join(name), |file| {
        serde_json::to_writer_pretty(&mut *file, &bundle)?;
        io::Write::write_all(file, b"\n")
    })
}
