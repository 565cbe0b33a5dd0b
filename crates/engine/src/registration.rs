//! The node's standing on the chain: authorized, registered, or what is missing.

use r3mes_chain::proto::{
    MsgRegisterNode, NodeStatus, NodeType, ResourceQuota, ResourceSpec, RoleAllocation,
};

use crate::EngineError;
use crate::context::Context;
use crate::journal::Purpose;
use crate::submission::{Submission, Submitted};

/// What a registration asks for.
#[derive(Clone, Debug)]
pub struct RegistrationRequest {
    /// What the machine has.
    pub resources: ResourceSpec,
    /// The stake in whole units of the stake denom; the network's minimum where absent.
    pub stake: Option<u128>,
}

/// How a registration ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The stake, as coins.
    pub stake: String,
    /// The transaction; absent when the node was registered before.
    pub tx_hash: Option<String>,
    /// The block of the transaction.
    pub height: Option<i64>,
}

/// Registers the account, unless it is registered.
pub(crate) async fn register(
    context: &Context,
    request: &RegistrationRequest,
) -> Result<Registered, EngineError> {
    if let Some(standing) = context.chain.registration(&context.address).await? {
        // The chain answers an internal error, or a silent success, to a second registration.
        return Ok(Registered { stake: standing.stake, tx_hash: None, height: None });
    }
    if !context.chain.is_authorized(&context.address).await? {
        return Err(not_authorized(&context.address));
    }
    let network = &context.settings.network;
    let stake = format!("{}{}", request.stake.unwrap_or(network.minimum_stake), network.stake_denom);
    let role = NodeType::Proposer as i32;
    let resources = request.resources;
    let message = MsgRegisterNode {
        node_address: context.address.clone(),
        node_type: role,
        resources: Some(resources),
        stake: stake.clone(),
        roles: vec![role],
        role_allocations: vec![RoleAllocation {
            role,
            quota: Some(ResourceQuota {
                role,
                cpu_cores: resources.cpu_cores,
                memory_gb: resources.memory_gb,
                gpu_count: resources.gpu_count,
                gpu_memory_gb: resources.gpu_memory_gb,
            }),
        }],
        resource_proof_ipfs_hash: String::new(),
    };
    let submission = Submission {
        context,
        round_id: None,
        order_id: None,
        purpose: Purpose::Register,
        messages: vec![r3mes_chain::any(&message)],
        useful_until: None,
        checkpoints: None,
    };
    match submission.settle().await? {
        Submitted::Done(included) => match context.chain.registration(&context.address).await? {
            Some(stored) => Ok(Registered {
                stake: stored.stake,
                tx_hash: Some(included.hash.clone()),
                height: Some(included.height),
            }),
            None => Err(EngineError::NotStored {
                what: "the registration".into(),
                height: included.height,
                found: "no registration".into(),
            }),
        },
        Submitted::Refused(refusal) => Err(EngineError::Refused(refusal)),
        Submitted::TooLate => Err(EngineError::Task("the registration had no time limit".into())),
    }
}

/// Refuses to work for an account that the chain would refuse.
pub(crate) async fn require(context: &Context) -> Result<(), EngineError> {
    let standing = |standing: &str, remedy: &str| EngineError::Standing {
        address: context.address.clone(),
        standing: standing.into(),
        remedy: remedy.into(),
    };
    match context.chain.registration(&context.address).await? {
        None if context.chain.is_authorized(&context.address).await? => {
            Err(standing("authorized and not registered", "register it with `r3mes-proposer register`"))
        }
        None => Err(not_authorized(&context.address)),
        Some(node) => match node.status() {
            NodeStatus::Suspended => {
                Err(standing("suspended", "ask the network's administrators why, and appeal if it is wrong"))
            }
            NodeStatus::Inactive => Err(standing("inactive", "update the registration")),
            NodeStatus::Active | NodeStatus::Slashed | NodeStatus::Unspecified => Ok(()),
        },
    }
}

fn not_authorized(address: &str) -> EngineError {
    EngineError::Standing {
        address: address.to_owned(),
        standing: "not authorized as a proposer".into(),
        remedy: "ask the network's administrators for authorization, then register".into(),
    }
}
