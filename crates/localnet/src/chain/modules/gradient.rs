//! Miners' gradients: who may announce one, and what an announcement must carry.

use cosmrs::crypto::PublicKey;
use k256::ecdsa::signature::Verifier as _;
use k256::ecdsa::{Signature, VerifyingKey};
use r3mes_chain::proto::{MsgSubmitGradient, MsgSubmitGradientResponse, NodeStatus, StoredGradient};
use sha2::{Digest, Sha256};

use super::super::context::Context;
use super::super::error::{Refusal, remes};
use super::super::event::Event;
use super::remes::{
    NEXT_GRADIENT, check_cid, gradient_key, is_sha256_hex, nonce_key, registration, stake_of, status_text,
    submissions_key,
};
use super::{auth, bank};

pub(crate) fn submit(
    ctx: &mut Context<'_>,
    msg: &MsgSubmitGradient,
    tx_hash: &str,
) -> Result<MsgSubmitGradientResponse, Refusal> {
    if !auth::is_address(&msg.miner, &ctx.config.prefix) {
        return Err(remes::INVALID_MINER.because(format_args!("{:?} is not an address", msg.miner)));
    }
    check_cid(&msg.ipfs_hash)?;
    if msg.model_version.trim().is_empty() && msg.model_config_id == 0 {
        return Err(remes::INVALID_MODEL_VERSION.because("neither a model version nor a model config id"));
    }
    if !is_sha256_hex(&msg.gradient_hash) {
        return Err(remes::INVALID_GRADIENT_HASH
            .because(format_args!("{:?} is not a SHA-256 in lower-case hex", msg.gradient_hash)));
    }
    check_may_submit(ctx, &msg.miner)?;
    check_nonce(ctx, msg)?;
    check_signature(ctx, msg)?;

    let id = ctx.next_id(NEXT_GRADIENT);
    let stored = StoredGradient {
        id,
        miner: msg.miner.clone(),
        ipfs_hash: msg.ipfs_hash.clone(),
        model_version: msg.model_version.clone(),
        training_round_id: msg.training_round_id,
        shard_id: msg.shard_id,
        gradient_hash: msg.gradient_hash.clone(),
        gpu_architecture: msg.gpu_architecture.clone(),
        submitted_at_height: ctx.block.height,
        status: "pending".to_owned(),
        model_config_id: msg.model_config_id,
        encryption_type: 0,
        encrypted_gradient_ipfs_hash: String::new(),
        container_hash: msg.container_hash.clone(),
        container_signature: msg.container_signature.clone(),
        global_seed: msg.global_seed,
        claimed_loss: msg.claimed_loss.clone(),
        porep_proof_ipfs_hash: msg.porep_proof_ipfs_hash.clone(),
    };
    ctx.set_record(gradient_key(id), &stored);
    ctx.set_number(nonce_key(&msg.miner), u128::from(msg.nonce));
    let submissions = ctx.number(&submissions_key(&msg.miner)) + 1;
    ctx.set_number(submissions_key(&msg.miner), submissions);
    let event = Event::new("gradient_submitted", [("miner", &msg.miner)])
        .with("gradient_id", id)
        .with("ipfs_hash", &msg.ipfs_hash)
        .with("model_version", &msg.model_version)
        .with("training_round_id", msg.training_round_id);
    ctx.emit(event);
    Ok(MsgSubmitGradientResponse { stored_gradient_id: id, tx_hash: tx_hash.to_owned() })
}

/// An account registered with stake, or one that owns enough.
fn check_may_submit(ctx: &Context<'_>, miner: &str) -> Result<(), Refusal> {
    let denom = &ctx.config.reward_denom;
    if let Some(registration) = registration(ctx, miner)? {
        if registration.status() == NodeStatus::Suspended {
            let status = status_text(registration.status());
            return Err(remes::UNAUTHORIZED.because(format_args!("{miner} is {status}")));
        }
        if stake_of(ctx, &registration) > 0 {
            return Ok(());
        }
    }
    let owned = bank::balance(ctx, miner, denom);
    let least = ctx.config.min_miner_stake;
    if owned >= least {
        return Ok(());
    }
    Err(remes::UNAUTHORIZED.because(format_args!(
        "{miner} is not registered with stake and owns {owned}{denom}, less than {least}{denom}"
    )))
}

fn check_nonce(ctx: &Context<'_>, msg: &MsgSubmitGradient) -> Result<(), Refusal> {
    let last = ctx.number(&nonce_key(&msg.miner));
    if u128::from(msg.nonce) > last {
        return Ok(());
    }
    Err(remes::INVALID_NONCE.because(format_args!("nonce {} is not above the last one, {last}", msg.nonce)))
}

/// The text that a miner signs.
fn signed_text(chain_id: &str, msg: &MsgSubmitGradient) -> String {
    format!(
        "{chain_id}|{}|{}|{}|{}|{}|{}|{}|{}",
        msg.miner,
        msg.ipfs_hash,
        msg.model_version,
        msg.training_round_id,
        msg.shard_id,
        msg.gradient_hash,
        msg.gpu_architecture,
        msg.nonce
    )
}

fn check_signature(ctx: &Context<'_>, msg: &MsgSubmitGradient) -> Result<(), Refusal> {
    let account = auth::account(ctx, &msg.miner)?;
    let key = account
        .and_then(|account| account.pub_key)
        .and_then(|any| PublicKey::try_from(any).ok())
        .and_then(|key| VerifyingKey::from_sec1_bytes(&key.to_bytes()).ok())
        .ok_or_else(|| remes::INVALID_SIGNATURE.because(format_args!("{} has no public key", msg.miner)))?;
    let signature = Signature::from_slice(&msg.signature).map_err(|_| {
        let found = msg.signature.len();
        remes::INVALID_SIGNATURE.because(format_args!("{found} bytes are no compact signature of 64 bytes"))
    })?;
    // The text's digest is what is signed, and secp256k1 account keys hash what they sign once more.
    let digest = Sha256::digest(signed_text(&ctx.config.chain_id, msg).as_bytes());
    key.verify(&digest, &signature).map_err(|_| {
        remes::INVALID_SIGNATURE.because(format_args!("the message is not signed by {}", msg.miner))
    })
}
