//! What others do to a proposer: challenges of an aggregate and reports of censorship. On this chain
//! they are operations of its administrator, at the border of two blocks.

use r3mes_chain::proto::{AggregationRecord, ChallengeRecord};

use super::super::coins::Coin;
use super::super::context::Context;
use super::super::error::{Refusal, remes};
use super::super::event::Event;
use super::remes::{
    MODULE, NEXT_CHALLENGE, aggregation, aggregation_key, censorship, censorship_key, challenge,
    challenge_key, due_key, gradient, gradient_key, registration, slash, stake_of, successes_key,
};
use super::{auth, bank};

/// So many gradients left out cost a tenth of the stake.
const CENSORSHIP_LIMIT: u64 = 5;

/// Opens a challenge of `id`; the challenger puts up a bond. Also what is final can be challenged.
pub(crate) fn open(ctx: &mut Context<'_>, id: u64, challenger: &str, reason: &str) -> Result<u64, Refusal> {
    let mut record = aggregation(ctx, id)?;
    if !matches!(record.status.as_str(), "pending" | "finalized") {
        let status = &record.status;
        return Err(remes::INVALID_CHALLENGE.because(format_args!("aggregation {id} is {status}")));
    }
    let module = auth::module_address(MODULE, &ctx.config.prefix);
    let bond = Coin::new(ctx.config.challenge_bond, ctx.config.reward_denom.clone());
    bank::send(ctx, challenger, &module, &[bond])?;
    let challenge_id = ctx.next_id(NEXT_CHALLENGE);
    let opened = ChallengeRecord {
        challenge_id,
        challenger: challenger.to_owned(),
        aggregation_id: id,
        reason: reason.to_owned(),
        evidence_ipfs_hash: String::new(),
        status: "open".to_owned(),
    };
    ctx.set_record(challenge_key(challenge_id), &opened);
    record.status = "challenged".to_owned();
    ctx.set_record(aggregation_key(id), &record);
    let event = Event::new("aggregation_challenged", [("challenger", challenger)])
        .with("challenge_id", challenge_id)
        .with("aggregation_id", id);
    ctx.emit(event);
    Ok(challenge_id)
}

/// Decides a challenge. Guilty: half of the stake is lost, the aggregation is reverted and its
/// participants are pending again. Not guilty: half of the bond goes to the proposer.
pub(crate) fn resolve(ctx: &mut Context<'_>, challenge_id: u64, guilty: bool) -> Result<(), Refusal> {
    let mut opened = challenge(ctx, challenge_id)?;
    if opened.status != "open" {
        let status = &opened.status;
        return Err(remes::INVALID_CHALLENGE.because(format_args!("challenge {challenge_id} is {status}")));
    }
    let mut record = aggregation(ctx, opened.aggregation_id)?;
    let module = auth::module_address(MODULE, &ctx.config.prefix);
    let (bond, denom) = (ctx.config.challenge_bond, ctx.config.reward_denom.clone());
    if guilty {
        bank::send(ctx, &module, &opened.challenger, &[Coin::new(bond, denom)])?;
        let stake = registration(ctx, &record.proposer)?.map_or(0, |r| stake_of(ctx, &r));
        slash(ctx, &record.proposer, stake / 2, "challenge")?;
        revert(ctx, &record)?;
        record.status = "reverted".to_owned();
        opened.status = "upheld".to_owned();
    } else {
        let won = bond / 2;
        bank::send(ctx, &module, &record.proposer, &[Coin::new(won, denom.clone())])?;
        bank::burn(ctx, &module, &Coin::new(bond - won, denom))?;
        if record.challenge_deadline_height <= ctx.block.height {
            record.status = "finalized".to_owned();
        } else {
            record.status = "pending".to_owned();
            ctx.layer.set(due_key(record.challenge_deadline_height, record.aggregation_id), Vec::new());
        }
        opened.status = "rejected".to_owned();
    }
    ctx.set_record(aggregation_key(record.aggregation_id), &record);
    ctx.set_record(challenge_key(challenge_id), &opened);
    let event = Event::new("resolve_challenge", [("proposer", &record.proposer)])
        .with("challenge_id", challenge_id)
        .with("aggregation_id", record.aggregation_id)
        .with("challenger", &opened.challenger)
        .with("guilty", guilty)
        .with("status", &record.status);
    ctx.emit(event);
    Ok(())
}

fn revert(ctx: &mut Context<'_>, record: &AggregationRecord) -> Result<(), Refusal> {
    for id in &record.participant_gradient_ids {
        let mut gradient = gradient(ctx, *id)?;
        gradient.status = "pending".to_owned();
        ctx.set_record(gradient_key(*id), &gradient);
        let successes = ctx.number(&successes_key(&gradient.miner)).saturating_sub(1);
        ctx.set_number(successes_key(&gradient.miner), successes);
    }
    Ok(())
}

/// Counts `gradient_id` as left out by the proposer of `aggregation_id`. Like the module it asks only
/// whether the gradient is still pending and of the aggregation's model version.
pub(crate) fn report_censorship(
    ctx: &mut Context<'_>,
    aggregation_id: u64,
    gradient_id: u64,
    reporter: &str,
) -> Result<(), Refusal> {
    let record = aggregation(ctx, aggregation_id)?;
    let left_out = gradient(ctx, gradient_id)?;
    if left_out.status != "pending" || left_out.model_version != record.model_version {
        let (status, version) = (&left_out.status, &left_out.model_version);
        return Err(remes::INVALID_CHALLENGE
            .because(format_args!("gradient {gradient_id} is {status}, of model version {version:?}")));
    }
    let proposer = record.proposer;
    let mut counted = censorship(ctx, &proposer)?;
    counted.censored_gradients += 1;
    let due = counted.censored_gradients.is_multiple_of(CENSORSHIP_LIMIT);
    ctx.set_record(censorship_key(&proposer), &counted);
    let event =
        Event::new("report_proposer_censorship", [("proposer", proposer.as_str()), ("reporter", reporter)])
            .with("aggregation_id", aggregation_id)
            .with("gradient_id", gradient_id)
            .with("censored_gradients", counted.censored_gradients);
    ctx.emit(event);
    if due {
        let stake = registration(ctx, &proposer)?.map_or(0, |r| stake_of(ctx, &r));
        slash(ctx, &proposer, stake / 10, "censorship")?;
    }
    Ok(())
}
