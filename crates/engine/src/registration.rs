//! The node's standing on the chain: what a registration says, and whether the account may propose.

use r3mes_chain::proto::{
    MsgRegisterNode, MsgUpdateNodeRegistration, NodeStatus, NodeType, ResourceQuota, ResourceSpec,
    RoleAllocation,
};

use crate::EngineError;
use crate::context::Context;

/// The message that registers `address` as a proposer with this stake, as coins.
pub fn registration_message(address: &str, resources: ResourceSpec, stake: &str) -> MsgRegisterNode {
    MsgRegisterNode {
        node_address: address.to_owned(),
        node_type: NodeType::Proposer as i32,
        resources: Some(resources),
        stake: stake.to_owned(),
        roles: vec![NodeType::Proposer as i32],
        role_allocations: vec![allocation(resources)],
        resource_proof_ipfs_hash: String::new(),
    }
}

/// The message that states a registered proposer's resources anew.
pub fn update_message(address: &str, resources: ResourceSpec) -> MsgUpdateNodeRegistration {
    MsgUpdateNodeRegistration {
        node_address: address.to_owned(),
        resources: Some(resources),
        roles: vec![NodeType::Proposer as i32],
        role_allocations: vec![allocation(resources)],
        resource_proof_ipfs_hash: String::new(),
    }
}

/// All of the node for its only role. The chain wants one allocation for each role.
fn allocation(resources: ResourceSpec) -> RoleAllocation {
    let role = NodeType::Proposer as i32;
    RoleAllocation {
        role,
        quota: Some(ResourceQuota {
            role,
            cpu_cores: resources.cpu_cores,
            memory_gb: resources.memory_gb,
            gpu_count: resources.gpu_count,
            gpu_memory_gb: resources.gpu_memory_gb,
        }),
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
            NodeStatus::Inactive => {
                Err(standing("inactive", "state its resources anew: `r3mes-proposer register --update`"))
            }
            NodeStatus::Active | NodeStatus::Slashed | NodeStatus::Unspecified => Ok(()),
        },
    }
}

/// The answer to an account that is not on the chain's list of proposers.
pub fn not_authorized(address: &str) -> EngineError {
    EngineError::Standing {
        address: address.to_owned(),
        standing: "not authorized as a proposer".into(),
        remedy: "ask the network's administrators for authorization \
                 (`r3mes-proposer authorization request`), then register"
            .into(),
    }
}
