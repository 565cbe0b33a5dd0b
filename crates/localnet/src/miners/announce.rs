//! Registering, uploading and announcing, as the network's miners do it: over the chain's RPC and IPFS'
//! Kubo RPC.

use std::time::Duration;

use bytes::Bytes;
use r3mes_chain::proto::{
    MsgRegisterNode, MsgSubmitGradient, NodeType, ResourceQuota, ResourceSpec, RoleAllocation,
};
use r3mes_chain::{Broadcast, Chain, ChainError, Inclusion, SignedTx, any, miner_signature_digest};
use r3mes_ipfs::{CidSettings, Kubo, KuboError};
use serde::{Deserialize, Serialize};

use super::attacks::Delivery;
use super::random::{shuffle, stream};
use super::simulation::MinerUpdate;
use super::upload::Upload;
use crate::accounts::Account;
use crate::ipfs::BlockStore;

/// How often a miner asks whether its transaction is in a block.
const POLL: Duration = Duration::from_millis(20);
/// How often a broadcast is repeated while the node's mempool is full or the node silent.
const BROADCAST_ATTEMPTS: usize = 50;
/// What miners run on; which one each has follows from its index.
const ARCHITECTURES: [&str; 4] = ["sm_80", "sm_86", "sm_89", "sm_90"];

/// Where the miners find the network.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The chain, over its RPC.
    pub chain: Chain,
    /// The IPFS node to which everyone uploads.
    pub kubo: Kubo,
    /// That node's blocks: a miner that lies about a CID has the node serve other bytes.
    pub blocks: BlockStore,
}

/// A miner with its account.
#[derive(Debug)]
pub(crate) struct Miner {
    pub(crate) account: Account,
    pub(crate) delivery: Delivery,
    pub(crate) byzantine: bool,
}

/// A gradient that a miner has announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Index of the miner, from 0.
    pub miner: usize,
    /// Its address.
    pub address: String,
    /// The id under which the chain keeps the gradient.
    pub gradient_id: u64,
    /// The announced CID.
    pub ipfs_hash: String,
    /// The announced gradient hash.
    pub gradient_hash: String,
    /// Whether the miner attacks.
    pub byzantine: bool,
}

/// Why a miner could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// The file could not be written.
    #[error("serialise the update of miner {miner}: {source}")]
    Serialise {
        /// Index of the miner.
        miner: usize,
        /// Why.
        source: r3mes_gradient::WriteError,
    },
    /// IPFS did not take the file.
    #[error("upload the update of miner {miner}: {source}")]
    Upload {
        /// Index of the miner.
        miner: usize,
        /// Why.
        source: KuboError,
    },
    /// The chain did not take the transaction, or the block's execution refused it.
    #[error("send the {message} of miner {miner}: {source}")]
    Transaction {
        /// Index of the miner.
        miner: usize,
        /// The message's name.
        message: &'static str,
        /// Why.
        source: ChainError,
    },
    /// The chain answered success and named no gradient.
    #[error("announce the update of miner {0}: the chain named no gradient id")]
    NoGradientId(usize),
}

/// What a round is called on chain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RoundName {
    pub(crate) training_round_id: u64,
    pub(crate) model_version: String,
    pub(crate) learning_rate: f32,
}

/// Registers all miners as mining nodes with stake, but those that stay unregistered.
pub(crate) async fn register(
    endpoints: &Endpoints,
    miners: &[Miner],
    stake: &str,
) -> Result<(), AnnounceError> {
    const MESSAGE: &str = "MsgRegisterNode";
    let role = NodeType::Mining.into();
    let mut sent = Vec::new();
    for (index, miner) in miners.iter().enumerate() {
        if miner.delivery == Delivery::Unregistered {
            continue;
        }
        let failed = |source| AnnounceError::Transaction { miner: index, message: MESSAGE, source };
        if endpoints.chain.registration(&miner.account.address).await.map_err(failed)?.is_some() {
            continue;
        }
        let quota = ResourceQuota { role, cpu_cores: 8, memory_gb: 32, gpu_count: 1, gpu_memory_gb: 24 };
        let message = MsgRegisterNode {
            node_address: miner.account.address.clone(),
            node_type: role,
            resources: Some(ResourceSpec {
                cpu_cores: 8,
                memory_gb: 32,
                gpu_count: 1,
                gpu_memory_gb: 24,
                storage_gb: 500,
                network_bandwidth_mbps: 1000,
            }),
            stake: stake.to_owned(),
            roles: vec![role],
            role_allocations: vec![RoleAllocation { role, quota: Some(quota) }],
            resource_proof_ipfs_hash: String::new(),
        };
        let tx = send(&endpoints.chain, &miner.account, any(&message)).await.map_err(failed)?;
        sent.push((index, tx));
    }
    for (miner, tx) in sent {
        included(&endpoints.chain, &tx).await.map_err(|source| AnnounceError::Transaction {
            miner,
            message: MESSAGE,
            source,
        })?;
    }
    Ok(())
}

/// Uploads every update and announces them one after the other, in an order that follows from `seed` and
/// the round; so the chain numbers them alike in every run. Returns them in order of their ids.
pub(crate) async fn announce(
    endpoints: &Endpoints,
    miners: &[Miner],
    seed: u64,
    round: &RoundName,
    updates: &[MinerUpdate],
) -> Result<Vec<Announcement>, AnnounceError> {
    const MESSAGE: &str = "MsgSubmitGradient";
    let chain_id = &endpoints.chain.spec().chain_id;
    let mut messages = Vec::new();
    for update in updates {
        let miner = &miners[update.miner];
        let message = upload(endpoints, miner, round, update).await?;
        messages.push((update.miner, sign(chain_id, &miner.account, message)));
    }
    shuffle(&mut stream(seed, "announcements", &[round.training_round_id]), &mut messages);

    let mut sent = Vec::new();
    for (index, message) in messages {
        let tx = send(&endpoints.chain, &miners[index].account, any(&message))
            .await
            .map_err(|source| AnnounceError::Transaction { miner: index, message: MESSAGE, source })?;
        sent.push((index, message, tx));
    }
    let mut announced = Vec::new();
    for (index, message, tx) in sent {
        let included = included(&endpoints.chain, &tx)
            .await
            .map_err(|source| AnnounceError::Transaction { miner: index, message: MESSAGE, source })?;
        let ids = included.gradient_ids();
        announced.push(Announcement {
            miner: index,
            address: message.miner,
            gradient_id: *ids.first().ok_or(AnnounceError::NoGradientId(index))?,
            ipfs_hash: message.ipfs_hash,
            gradient_hash: message.gradient_hash,
            byzantine: miners[index].byzantine,
        });
    }
    announced.sort_by_key(|announcement| announcement.gradient_id);
    Ok(announced)
}

/// Adds the update to IPFS and writes the message that announces it, unsigned.
async fn upload(
    endpoints: &Endpoints,
    miner: &Miner,
    round: &RoundName,
    update: &MinerUpdate,
) -> Result<MsgSubmitGradient, AnnounceError> {
    let index = update.miner;
    let mut upload = Upload::of(update, &miner.account.address, round.training_round_id, round.learning_rate)
        .map_err(|source| AnnounceError::Serialise { miner: index, source })?;
    if miner.delivery == Delivery::Malformed {
        upload = upload.cut_short();
    }
    // Some miners still upload with Kubo's old defaults.
    let settings = if index % 4 == 3 { CidSettings::v0() } else { CidSettings::v1() };
    let mut lie = upload.bytes.clone();
    let added = endpoints
        .kubo
        .add(upload.bytes, &settings)
        .await
        .map_err(|source| AnnounceError::Upload { miner: index, source })?;
    if miner.delivery == Delivery::WrongCid {
        // The length stays right, so that nothing but the hash gives the lie away.
        let middle = lie.len() / 2;
        lie[middle] ^= 0x40;
        endpoints.blocks.substitute(&added.cid, Bytes::from(lie));
    }
    Ok(MsgSubmitGradient {
        miner: miner.account.address.clone(),
        ipfs_hash: added.cid.to_string(),
        model_version: round.model_version.clone(),
        training_round_id: round.training_round_id,
        shard_id: index as u64,
        gradient_hash: upload.gradient_hash,
        gpu_architecture: ARCHITECTURES[index % ARCHITECTURES.len()].to_owned(),
        nonce: round.training_round_id,
        claimed_loss: format!("{:.6}", update.loss),
        token_count: update.samples as u64,
        ..MsgSubmitGradient::default()
    })
}

fn sign(chain_id: &str, account: &Account, message: MsgSubmitGradient) -> MsgSubmitGradient {
    let digest = miner_signature_digest(chain_id, &message);
    MsgSubmitGradient { signature: account.key.sign(&digest).to_vec(), ..message }
}

/// Sends a transaction and returns once it is in the mempool. While the node has no room, or does not
/// answer, the same bytes are sent again.
async fn send(chain: &Chain, account: &Account, message: r3mes_chain::Any) -> Result<SignedTx, ChainError> {
    let tx = chain.prepare(&account.key, &[message], 0).await?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match chain.broadcast(&tx).await {
            Broadcast::Accepted | Broadcast::AlreadyInMempool => return Ok(tx),
            Broadcast::Refused(refusal) => return Err(refusal.into()),
            Broadcast::Unknown(error) if attempts >= BROADCAST_ATTEMPTS => return Err(error),
            Broadcast::Unknown(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// Waits until a block has carried the transaction out, without refusing it.
async fn included(chain: &Chain, tx: &SignedTx) -> Result<r3mes_chain::Included, ChainError> {
    loop {
        match chain.wait_for_tx(&tx.hash, tx.timeout_height, POLL).await? {
            Inclusion::Included(included) => {
                return match included.refusal() {
                    Some(refusal) => Err(refusal.into()),
                    None => Ok(included),
                };
            }
            // Without a timeout height a transaction never times out: ask again.
            Inclusion::TimedOut => tokio::time::sleep(POLL).await,
        }
    }
}
