//! Commit, reveal and direct submission of aggregates, and their finalization.

use r3mes_chain::proto::{
    AggregationCommitment, AggregationRecord, MsgCommitAggregation, MsgCommitAggregationResponse,
    MsgRevealAggregation, MsgRevealAggregationResponse, MsgSubmitAggregation, MsgSubmitAggregationResponse,
};

use super::super::coins::Coin;
use super::super::context::Context;
use super::super::error::{Refusal, remes};
use super::super::event::Event;
use super::super::gas;
use super::remes::{
    DUE, MODULE, NEXT_AGGREGATION, NEXT_COMMITMENT, aggregation, aggregation_key, censorship, censorship_key,
    check_cid, check_proposer, commitment, commitment_key, commitment_text, due_key, gradient, gradient_key,
    is_sha256_hex, merkle_root, sha256_hex, successes_key,
};
use super::{auth, bank};

pub(crate) fn commit(
    ctx: &mut Context<'_>,
    msg: &MsgCommitAggregation,
) -> Result<MsgCommitAggregationResponse, Refusal> {
    consume(ctx, gas::COMMIT_PARTICIPANT, &msg.participant_gradient_ids)?;
    check_proposer(ctx, &msg.proposer)?;
    if !is_sha256_hex(&msg.commitment_hash) {
        let found = &msg.commitment_hash;
        return Err(remes::INVALID_GRADIENT_HASH
            .because(format_args!("commitment hash {found:?} is not a SHA-256 in lower-case hex")));
    }
    check_participants(ctx, &msg.participant_gradient_ids)?;

    let height = ctx.block.height;
    let record = AggregationCommitment {
        commitment_id: ctx.next_id(NEXT_COMMITMENT),
        proposer: msg.proposer.clone(),
        commitment_hash: msg.commitment_hash.clone(),
        training_round_id: msg.training_round_id,
        participant_gradient_ids: msg.participant_gradient_ids.clone(),
        committed_at_height: height,
        reveal_deadline_height: height + i64::from(ctx.config.reveal_window_blocks),
        status: "committed".to_owned(),
        revealed_aggregation_id: 0,
    };
    let (commitment_id, reveal_deadline_height) = (record.commitment_id, record.reveal_deadline_height);
    ctx.set_record(commitment_key(commitment_id), &record);
    let event = Event::new("commit_aggregation", [("proposer", &msg.proposer)])
        .with("commitment_id", commitment_id)
        .with("training_round_id", msg.training_round_id);
    ctx.emit(event);
    Ok(MsgCommitAggregationResponse { commitment_id, reveal_deadline_height })
}

pub(crate) fn reveal(
    ctx: &mut Context<'_>,
    msg: &MsgRevealAggregation,
) -> Result<MsgRevealAggregationResponse, Refusal> {
    consume(ctx, gas::REVEAL_PARTICIPANT, &msg.participant_gradient_ids)?;
    let mut committed = commitment(ctx, msg.commitment_id)?;
    let id = msg.commitment_id;
    let mismatch = |reason: String| remes::INVALID_GRADIENT_HASH.because(reason);
    if committed.proposer != msg.proposer {
        let (owner, other) = (&committed.proposer, &msg.proposer);
        return Err(
            remes::UNAUTHORIZED.because(format_args!("commitment {id} is of {owner}, not of {other}"))
        );
    }
    check_proposer(ctx, &msg.proposer)?;
    if committed.status != "committed" {
        return Err(mismatch(format!("commitment {id} is already {}", committed.status)));
    }
    let (height, deadline) = (ctx.block.height, committed.reveal_deadline_height);
    if height > deadline {
        return Err(mismatch(format!(
            "reveal deadline of commitment {id} was height {deadline}, now {height}"
        )));
    }
    if committed.training_round_id != msg.training_round_id {
        let (was, is) = (committed.training_round_id, msg.training_round_id);
        return Err(mismatch(format!("training round id mismatch: committed {was}, revealed {is}")));
    }
    if committed.participant_gradient_ids != msg.participant_gradient_ids {
        let (was, is) = (&committed.participant_gradient_ids, &msg.participant_gradient_ids);
        return Err(mismatch(format!(
            "participant gradient ids mismatch: committed {was:?}, revealed {is:?}"
        )));
    }
    let (cid, root, salt) =
        (msg.aggregated_gradient_ipfs_hash.trim(), msg.merkle_root.trim(), msg.salt.trim());
    if salt.is_empty() {
        return Err(mismatch("the salt is empty".to_owned()));
    }
    check_result(ctx, cid, root, &msg.model_version, &msg.participant_gradient_ids)?;
    let text = commitment_text(&msg.proposer, cid, root, &msg.participant_gradient_ids, salt);
    let computed = sha256_hex(&text);
    if computed != committed.commitment_hash {
        let was = &committed.commitment_hash;
        return Err(mismatch(format!("commitment hash mismatch: committed {was}, revealed {computed}")));
    }

    let aggregation_id = store_aggregation(
        ctx,
        AggregationRecord {
            proposer: msg.proposer.clone(),
            aggregated_gradient_ipfs_hash: cid.to_owned(),
            merkle_root: root.to_owned(),
            participant_gradient_ids: msg.participant_gradient_ids.clone(),
            training_round_id: msg.training_round_id,
            model_version: msg.model_version.trim().to_owned(),
            ..AggregationRecord::default()
        },
    )?;
    committed.status = "revealed".to_owned();
    committed.revealed_aggregation_id = aggregation_id;
    ctx.set_record(commitment_key(id), &committed);
    let event = Event::new("reveal_aggregation", [("proposer", &msg.proposer)])
        .with("commitment_id", id)
        .with("aggregation_id", aggregation_id)
        .with("training_round_id", msg.training_round_id);
    ctx.emit(event);
    Ok(MsgRevealAggregationResponse { aggregation_id, commitment_verified: true })
}

pub(crate) fn submit(
    ctx: &mut Context<'_>,
    msg: &MsgSubmitAggregation,
) -> Result<MsgSubmitAggregationResponse, Refusal> {
    consume(ctx, gas::REVEAL_PARTICIPANT, &msg.participant_gradient_ids)?;
    check_proposer(ctx, &msg.proposer)?;
    let (cid, root) = (msg.aggregated_gradient_ipfs_hash.trim(), msg.merkle_root.trim());
    check_result(ctx, cid, root, &msg.model_version, &msg.participant_gradient_ids)?;
    let aggregation_id = store_aggregation(
        ctx,
        AggregationRecord {
            proposer: msg.proposer.clone(),
            aggregated_gradient_ipfs_hash: cid.to_owned(),
            merkle_root: root.to_owned(),
            participant_gradient_ids: msg.participant_gradient_ids.clone(),
            training_round_id: msg.training_round_id,
            model_version: msg.model_version.trim().to_owned(),
            ..AggregationRecord::default()
        },
    )?;
    let event = Event::new("aggregation_submitted", [("proposer", &msg.proposer)])
        .with("aggregation_id", aggregation_id)
        .with("training_round_id", msg.training_round_id);
    ctx.emit(event);
    Ok(MsgSubmitAggregationResponse { aggregation_id })
}

fn consume(ctx: &mut Context<'_>, each: u64, ids: &[u64]) -> Result<(), Refusal> {
    ctx.gas.consume(each.saturating_mul(ids.len() as u64), "participants")
}

/// Every participant exists, is pending and is named once.
fn check_participants(ctx: &Context<'_>, ids: &[u64]) -> Result<(), Refusal> {
    if ids.is_empty() {
        return Err(remes::INVALID_REQUEST.because("an aggregation has at least one participant"));
    }
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(remes::INVALID_REQUEST.because(format_args!("gradient {id} is named twice")));
        }
        let gradient = gradient(ctx, *id)?;
        if gradient.status != "pending" {
            return Err(remes::INVALID_GRADIENT_HASH
                .because(format_args!("gradient {id} is {}, not pending", gradient.status)));
        }
    }
    Ok(())
}

/// What a reveal and a direct submission have in common.
fn check_result(
    ctx: &Context<'_>,
    cid: &str,
    root: &str,
    model_version: &str,
    ids: &[u64],
) -> Result<(), Refusal> {
    if model_version.trim().is_empty() {
        return Err(remes::INVALID_MODEL_VERSION.because("the model version is empty"));
    }
    check_cid(cid)?;
    check_participants(ctx, ids)?;
    let leaves: Result<Vec<String>, Refusal> =
        ids.iter().map(|id| gradient(ctx, *id).map(|g| g.gradient_hash)).collect();
    let computed = merkle_root(&leaves?);
    if computed != root {
        return Err(remes::INVALID_GRADIENT_HASH
            .because(format_args!("merkle root mismatch: expected {computed}, got {root}")));
    }
    Ok(())
}

/// Writes the record, takes its participants and pays the proposer.
fn store_aggregation(ctx: &mut Context<'_>, record: AggregationRecord) -> Result<u64, Refusal> {
    let id = ctx.next_id(NEXT_AGGREGATION);
    let height = ctx.block.height;
    let deadline = height + i64::from(ctx.config.challenge_period_blocks);
    for gradient_id in &record.participant_gradient_ids {
        let mut gradient = gradient(ctx, *gradient_id)?;
        gradient.status = "aggregated".to_owned();
        ctx.set_record(gradient_key(*gradient_id), &gradient);
        let successes = ctx.number(&successes_key(&gradient.miner)) + 1;
        ctx.set_number(successes_key(&gradient.miner), successes);
    }
    pay(ctx, &record.proposer, record.participant_gradient_ids.len())?;
    let mut counted = censorship(ctx, &record.proposer)?;
    counted.total_aggregations += 1;
    counted.last_aggregation_height = height;
    ctx.set_record(censorship_key(&record.proposer), &counted);
    let record = AggregationRecord {
        aggregation_id: id,
        submitted_at_height: height,
        status: "pending".to_owned(),
        challenge_deadline_height: deadline,
        ..record
    };
    ctx.set_record(aggregation_key(id), &record);
    ctx.layer.set(due_key(deadline, id), Vec::new());
    Ok(id)
}

fn pay(ctx: &mut Context<'_>, proposer: &str, participants: usize) -> Result<(), Refusal> {
    let config = ctx.config;
    let amount = config.reward_base + config.reward_per_participant * participants as u128;
    let supply = bank::supply(ctx, &config.reward_denom);
    if supply + amount > config.supply_cap {
        let (cap, denom) = (config.supply_cap, &config.reward_denom);
        return Err(Refusal::unregistered(format_args!(
            "minting {amount}{denom} over {supply}{denom} would exceed the supply cap of {cap}{denom}"
        )));
    }
    let reward = Coin::new(amount, config.reward_denom.clone());
    bank::mint(ctx, MODULE, &reward)?;
    let module = auth::module_address(MODULE, &config.prefix);
    bank::send(ctx, &module, proposer, &[reward])
}

/// Makes final what nobody challenged within its period. Runs at the end of every block.
pub(crate) fn finalize_due(ctx: &mut Context<'_>) -> Result<(), Refusal> {
    for (key, _) in ctx.layer.scan(DUE, DUE, usize::MAX) {
        let (deadline, id) = key[DUE.len()..].split_at(8);
        let deadline = deadline.try_into().map_or(i64::MAX, i64::from_be_bytes);
        if deadline > ctx.block.height {
            break;
        }
        ctx.layer.remove(&key);
        let id = id.try_into().map_or(u64::MAX, u64::from_be_bytes);
        let mut record = aggregation(ctx, id)?;
        if record.status != "pending" {
            continue;
        }
        record.status = "finalized".to_owned();
        ctx.set_record(aggregation_key(id), &record);
        let event = Event::new("aggregation_finalized", [("proposer", &record.proposer)])
            .with("aggregation_id", id)
            .with("training_round_id", record.training_round_id);
        ctx.emit(event);
    }
    Ok(())
}
