//! The network as a whole: its configuration, its parts on their ports, and what others must know of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use r3mes_chain::http::Timeouts;
use r3mes_chain::{ChainError, ChainSpec, Decimal, Rpc};
use r3mes_ipfs::Kubo;
use r3mes_keys::KeyError;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::accounts::{Account, Role};
use crate::chain::{
    BlockTime, Chain, ChainConfig, ChainHandle, ChainOptions, ChainStartError, GenesisValidator,
};
use crate::ipfs::{BlockStore, IpfsServer, StoreError};
use crate::miners::announce::Endpoints;
use crate::miners::attacks::Attack;
use crate::miners::model::TrainingSettings;
use crate::miners::training::{Training, TrainingConfig, TrainingError};

/// Half as much gas again as a simulation used.
const GAS_ADJUSTMENT: Decimal = Decimal::from_atto(1_500_000_000_000_000_000);

/// How a local network is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LocalnetConfig {
    /// Everything random follows from it: keys, data shares, training, attacks.
    pub seed: u64,
    /// The chain's id.
    pub chain_id: String,
    /// Number of miners that have an account.
    pub miners: u32,
    /// Time between two blocks; without one, blocks are made on demand.
    pub block_interval: Option<Duration>,
    /// The chain's clock.
    pub block_time: BlockTime,
    /// Blocks after its commit in which a commitment may be revealed.
    pub reveal_window_blocks: u32,
    /// Blocks after its reveal in which an aggregation is not final yet.
    pub challenge_period_blocks: u32,
    /// Blocks that the node keeps; 0 keeps all.
    pub retain_blocks: u64,
    /// Whether the proposer's account is authorized (`apa_`) from the beginning.
    pub authorize_proposer: bool,
    /// Whether the second proposer's account is.
    pub authorize_second_proposer: bool,
    /// Transactions that the chain's mempool holds at most.
    pub mempool_size: usize,
    /// Gas that the transactions of one block may want together.
    pub max_block_gas: u64,
    /// Bytes that the chain takes in one transaction.
    pub max_tx_bytes: usize,
    /// Port of the chain's RPC on 127.0.0.1; 0 takes a free one.
    pub rpc_port: u16,
    /// Port of the IPFS node's RPC on 127.0.0.1; 0 takes a free one.
    pub ipfs_port: u16,
    /// The RPC of another IPFS node, such as a Kubo, that the miners use instead of the network's own.
    pub ipfs_api: Option<Url>,
    /// Whether the miners train, and which of them attack. Without it they have their accounts only.
    pub training: Option<MinersConfig>,
}

/// What the miners of a local network do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MinersConfig {
    /// How many of them attack; which ones follows from the seed.
    pub byzantine: u32,
    /// What the attackers do. Without an attack they are honest.
    pub attack: Option<Attack>,
    /// Training ends after so many aggregates; without a number it ends with the network.
    pub max_rounds: Option<u64>,
}

impl Default for LocalnetConfig {
    fn default() -> Self {
        LocalnetConfig {
            seed: 0,
            chain_id: "remes-local-1".to_owned(),
            miners: 12,
            block_interval: Some(Duration::from_millis(500)),
            block_time: BlockTime::Wall,
            reveal_window_blocks: 10,
            challenge_period_blocks: 100,
            retain_blocks: 0,
            authorize_proposer: true,
            authorize_second_proposer: true,
            mempool_size: 5_000,
            max_block_gas: 100_000_000,
            max_tx_bytes: 512 * 1024,
            rpc_port: 0,
            ipfs_port: 0,
            ipfs_api: None,
            training: None,
        }
    }
}

/// What a client must know of a network to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct NetworkInfo {
    /// The chain's id.
    pub chain_id: String,
    /// CometBFT RPC.
    pub rpc_url: Url,
    /// Kubo RPC.
    pub ipfs_url: Url,
    /// Bech32 prefix of accounts.
    pub prefix: String,
    /// Denom of rewards and stakes.
    pub reward_denom: String,
    /// Denom of fees.
    pub fee_denom: String,
    /// Least gas price, with the denom, as the node states it.
    pub min_gas_price: String,
    /// Milliseconds between two blocks, where the clock makes them.
    pub block_ms: Option<u64>,
    /// Blocks after its commit in which a commitment may be revealed.
    pub reveal_window_blocks: u32,
    /// Blocks after its reveal in which an aggregation is not final yet.
    pub challenge_period_blocks: u32,
}

/// Why a network did not start.
#[derive(Debug, Error)]
pub enum LocalnetError {
    /// The accounts.
    #[error("failed to derive the network's accounts: {0}")]
    Keys(#[from] KeyError),
    /// The chain.
    #[error("failed to start the chain: {0}")]
    Chain(#[from] ChainStartError),
    /// The IPFS node.
    #[error("failed to start the IPFS node: {0}")]
    Ipfs(#[from] StoreError),
    /// The client by which the miners reach both.
    #[error("failed to make the miners' client: {0}")]
    Client(#[from] ChainError),
    /// The miners.
    #[error("failed to start the miners: {0}")]
    Training(#[from] TrainingError),
    /// Only our own node can be made to serve wrong bytes.
    #[error("failed to start the miners: the attack wrong-cid needs the network's own IPFS node")]
    OtherNode,
    /// Nobody would make the blocks that the miners' first transactions need.
    #[error("failed to start the miners: they need a chain with a block interval")]
    NoBlocks,
}

/// A running network. Dropping it ends it; [`Localnet::shutdown`] waits for the end.
#[derive(Debug)]
pub struct Localnet {
    config: LocalnetConfig,
    // In the order in which they end.
    training: Option<Training>,
    ipfs: IpfsServer,
    chain: Chain,
}

impl Localnet {
    /// Starts every part and returns when all of them can be reached and the miners are registered.
    ///
    /// # Errors
    /// When a port is taken, or the configuration does not fit together.
    pub async fn start(config: LocalnetConfig) -> Result<Localnet, LocalnetError> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let options = ChainOptions { listen: at(config.rpc_port), block_interval: config.block_interval };
        let chain = Chain::start(chain_config(&config)?, options).await?;
        let ipfs = IpfsServer::start(at(config.ipfs_port), None).await?;
        let training = match &config.training {
            None => None,
            Some(_) if config.block_interval.is_none() => return Err(LocalnetError::NoBlocks),
            Some(miners) if config.ipfs_api.is_some() && miners.attack == Some(Attack::WrongCid) => {
                return Err(LocalnetError::OtherNode);
            }
            Some(miners) => Some(start_training(&config, *miners, &chain, &ipfs).await?),
        };
        Ok(Localnet { config, training, ipfs, chain })
    }

    /// The chain's CometBFT RPC endpoint.
    pub fn rpc_url(&self) -> Url {
        self.chain.rpc_url()
    }

    /// The Kubo RPC endpoint of the IPFS node that the miners use.
    pub fn ipfs_url(&self) -> Url {
        self.config.ipfs_api.clone().unwrap_or_else(|| self.ipfs.url().clone())
    }

    /// The chain's id.
    pub fn chain_id(&self) -> &str {
        &self.config.chain_id
    }

    /// The chain, for the same process.
    pub fn chain(&self) -> &ChainHandle {
        self.chain.handle()
    }

    /// The IPFS node's blocks, for the same process.
    pub fn blocks(&self) -> &BlockStore {
        self.ipfs.store()
    }

    /// The miners' training, where the configuration asks for it.
    pub fn training(&self) -> Option<&Training> {
        self.training.as_ref()
    }

    /// The account of a role.
    ///
    /// # Errors
    /// Never where the network started: its prefix was valid then.
    pub fn account(&self, role: Role) -> Result<Account, KeyError> {
        Account::derive(self.config.seed, role, &self.chain().config().prefix)
    }

    /// What others must know to reach the network.
    pub fn info(&self) -> NetworkInfo {
        let config = self.chain().config();
        NetworkInfo {
            chain_id: config.chain_id.clone(),
            rpc_url: self.rpc_url(),
            ipfs_url: self.ipfs_url(),
            min_gas_price: config.min_gas_price(),
            prefix: config.prefix,
            reward_denom: config.reward_denom,
            fee_denom: config.fee_denom,
            block_ms: self.config.block_interval.map(|d| d.as_millis() as u64),
            reveal_window_blocks: config.reveal_window_blocks,
            challenge_period_blocks: config.challenge_period_blocks,
        }
    }

    /// Ends every part.
    pub async fn shutdown(self) {
        if let Some(training) = self.training {
            training.shutdown().await;
        }
        self.ipfs.shutdown().await;
        self.chain.shutdown().await;
    }
}

async fn start_training(
    config: &LocalnetConfig,
    miners: MinersConfig,
    chain: &Chain,
    ipfs: &IpfsServer,
) -> Result<Training, LocalnetError> {
    let http = r3mes_chain::http::client(Timeouts::default())?;
    let rules = chain.handle().config();
    let spec = ChainSpec {
        chain_id: rules.chain_id,
        prefix: rules.prefix,
        fee_denom: rules.fee_denom,
        gas_price: Decimal::from_atto(u128::from(rules.min_gas_price_micro) * 1_000_000_000_000),
        gas_adjustment: GAS_ADJUSTMENT,
    };
    let endpoints = Endpoints {
        chain: r3mes_chain::Chain::new(Rpc::new(http.clone(), chain.rpc_url()), spec),
        kubo: Kubo::new(http, config.ipfs_api.clone().unwrap_or_else(|| ipfs.url().clone())),
        blocks: ipfs.store().clone(),
    };
    let training = TrainingConfig {
        seed: config.seed,
        miners: config.miners as usize,
        byzantine: miners.byzantine as usize,
        attack: miners.attack,
        max_rounds: miners.max_rounds,
        settings: TrainingSettings::default(),
    };
    Ok(Training::start(training, endpoints, chain.handle().clone()).await?)
}

/// The chain of a network: its genesis holds an account for each role, and two validators with whom the
/// proposer has delegated.
pub fn chain_config(config: &LocalnetConfig) -> Result<ChainConfig, KeyError> {
    let chain = ChainConfig {
        chain_id: config.chain_id.clone(),
        reveal_window_blocks: config.reveal_window_blocks,
        challenge_period_blocks: config.challenge_period_blocks,
        retain_blocks: config.retain_blocks,
        block_time: config.block_time,
        mempool_size: config.mempool_size,
        max_block_gas: config.max_block_gas,
        max_tx_bytes: config.max_tx_bytes,
        ..ChainConfig::default()
    };
    let derive = |role| Account::derive(config.seed, role, &chain.prefix);
    let [proposer, second, admin] = [Role::Proposer, Role::SecondProposer, Role::Admin].map(derive);
    let (proposer, second) = (proposer?, second?);
    let validators = [derive(Role::Validator(0))?, derive(Role::Validator(1))?];
    let consensus = validators
        .iter()
        .zip([50_u16, 100])
        .map(|(validator, commission_permille)| GenesisValidator {
            operator: validator.address.clone(),
            commission_permille,
            delegations: vec![(validator.address.clone(), 10_000_000), (proposer.address.clone(), 1_000_000)],
        })
        .collect();
    let authorized = [(config.authorize_proposer, &proposer), (config.authorize_second_proposer, &second)];
    let proposers =
        authorized.into_iter().filter(|(yes, _)| *yes).map(|(_, account)| account.address.clone()).collect();
    let miners: Result<Vec<Account>, KeyError> = (0..config.miners).map(|i| derive(Role::Miner(i))).collect();
    let everyone = [proposer, second, admin?].into_iter().chain(validators).chain(miners?);
    let accounts = everyone.map(|a| a.genesis(&chain.reward_denom, &chain.fee_denom)).collect();
    Ok(ChainConfig { accounts, proposers, consensus, ..chain })
}
