//! Registering nodes and updating what they stated.

use r3mes_chain::proto::{
    MsgRegisterNode, MsgRegisterNodeResponse, MsgUpdateNodeRegistration, MsgUpdateNodeRegistrationResponse,
    NodeRegistration, NodeStatus, NodeType, RoleAllocation,
};

use super::super::coins::Coin;
use super::super::context::Context;
use super::super::error::{Refusal, remes, sdk};
use super::super::event::Event;
use super::remes::{
    NEXT_REGISTRATION, check_cid, is_flagged, proposer_key, registration, registration_key, validator_key,
};
use super::{auth, bank};

pub(crate) fn register(
    ctx: &mut Context<'_>,
    msg: &MsgRegisterNode,
) -> Result<MsgRegisterNodeResponse, Refusal> {
    let address = &msg.node_address;
    if !auth::is_address(address, &ctx.config.prefix) {
        return Err(remes::INVALID_NODE.because(format_args!("{address:?} is not an address")));
    }
    if msg.node_type() == NodeType::Unspecified {
        return Err(remes::INVALID_REQUEST.because("the node type is unspecified"));
    }
    let roles = check_roles(&msg.roles, &msg.role_allocations)?;
    check_whitelists(ctx, address, Some(msg.node_type()), &roles)?;
    check_stake(ctx, address, &msg.stake, msg.node_type(), &roles)?;
    if !msg.resource_proof_ipfs_hash.is_empty() {
        check_cid(&msg.resource_proof_ipfs_hash)?;
    }
    if registration(ctx, address)?.is_some() {
        return Err(Refusal::panicked(format_args!("node {address} is already registered")));
    }
    let record = NodeRegistration {
        node_address: address.clone(),
        node_type: msg.node_type,
        resources: msg.resources,
        stake: msg.stake.trim().to_owned(),
        status: NodeStatus::Active.into(),
        roles: msg.roles.clone(),
        role_allocations: msg.role_allocations.clone(),
        registered_at_height: ctx.block.height,
        registered_at_time: Some(ctx.block.time.into()),
        resource_proof_ipfs_hash: msg.resource_proof_ipfs_hash.clone(),
        last_heartbeat_height: ctx.block.height,
        slashing_events: 0,
    };
    ctx.set_record(registration_key(address), &record);
    let registration_id = ctx.next_id(NEXT_REGISTRATION);
    let node_type = msg.node_type().as_str_name().to_owned();
    ctx.emit(Event::new("register_node", [("node_address", address.clone()), ("node_type", node_type)]));
    Ok(MsgRegisterNodeResponse { registration_id })
}

pub(crate) fn update(
    ctx: &mut Context<'_>,
    msg: &MsgUpdateNodeRegistration,
) -> Result<MsgUpdateNodeRegistrationResponse, Refusal> {
    let address = &msg.node_address;
    let Some(mut record) = registration(ctx, address)? else {
        return Err(remes::INVALID_NODE.because(format_args!("{address} is not a registered node")));
    };
    let roles = check_roles(&msg.roles, &msg.role_allocations)?;
    check_whitelists(ctx, address, None, &roles)?;
    check_stake(ctx, address, &record.stake, record.node_type(), &roles)?;
    if !msg.resource_proof_ipfs_hash.is_empty() {
        check_cid(&msg.resource_proof_ipfs_hash)?;
        record.resource_proof_ipfs_hash = msg.resource_proof_ipfs_hash.clone();
    }
    record.resources = msg.resources;
    record.roles = msg.roles.clone();
    record.role_allocations = msg.role_allocations.clone();
    record.last_heartbeat_height = ctx.block.height;
    ctx.set_record(registration_key(address), &record);
    ctx.emit(Event::new("update_node_registration", [("node_address", address)]));
    Ok(MsgUpdateNodeRegistrationResponse {})
}

/// One allocation for each role. The module does not refuse another number: it runs over the end of
/// the shorter list.
fn check_roles(roles: &[i32], allocations: &[RoleAllocation]) -> Result<Vec<NodeType>, Refusal> {
    if roles.len() != allocations.len() {
        let index = roles.len().min(allocations.len());
        return Err(Refusal::panicked(format_args!(
            "runtime error: index out of range [{index}] with length {index}"
        )));
    }
    if roles.is_empty() {
        return Err(remes::INVALID_REQUEST.because("a node takes at least one role"));
    }
    let known: Option<Vec<NodeType>> = roles
        .iter()
        .map(|role| NodeType::try_from(*role).ok().filter(|r| *r != NodeType::Unspecified))
        .collect();
    let known =
        known.ok_or_else(|| remes::INVALID_REQUEST.because(format_args!("unknown role in {roles:?}")))?;
    if let Some(allocation) = allocations.iter().find(|a| !roles.contains(&a.role)) {
        let role = allocation.role;
        return Err(
            remes::INVALID_REQUEST.because(format_args!("an allocation is for role {role}, not taken"))
        );
    }
    Ok(known)
}

fn check_whitelists(
    ctx: &Context<'_>,
    address: &str,
    node_type: Option<NodeType>,
    roles: &[NodeType],
) -> Result<(), Refusal> {
    let takes = |role| node_type == Some(role) || roles.contains(&role);
    if takes(NodeType::Validator) && !is_flagged(ctx, &validator_key(address)) {
        return Err(remes::UNAUTHORIZED.because(format_args!("{address} is not an authorized validator")));
    }
    let exempt = takes(NodeType::Validator) || is_flagged(ctx, &proposer_key(address));
    if takes(NodeType::Proposer) && !exempt {
        return Err(remes::UNAUTHORIZED.because(format_args!("{address} is not an authorized proposer")));
    }
    Ok(())
}

fn check_stake(
    ctx: &Context<'_>,
    address: &str,
    stake: &str,
    node_type: NodeType,
    roles: &[NodeType],
) -> Result<(), Refusal> {
    let takes = |role| node_type == role || roles.contains(&role);
    let (least, role) = if takes(NodeType::Validator) {
        (ctx.config.min_validator_stake, "validator")
    } else if takes(NodeType::Proposer) {
        (ctx.config.min_proposer_stake, "proposer")
    } else {
        (ctx.config.min_miner_stake, "node")
    };
    let denom = &ctx.config.reward_denom;
    let Some(coin) = Coin::parse(stake) else {
        return Err(remes::INVALID_REQUEST.because(format_args!("stake {stake:?} is not an amount of coins")));
    };
    if coin.denom != *denom || coin.amount < least {
        return Err(remes::INSUFFICIENT_STAKE
            .because(format_args!("a {role} stakes at least {least}{denom}, got {coin}")));
    }
    let owned = bank::balance(ctx, address, denom);
    if owned < coin.amount {
        return Err(sdk::INSUFFICIENT_FUNDS
            .because(format_args!("spendable balance {owned}{denom} is smaller than {coin}")));
    }
    Ok(())
}
