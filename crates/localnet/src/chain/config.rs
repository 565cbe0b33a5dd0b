//! What a local chain is started with: its name, its rules' figures and its genesis.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::coins::Coin;

/// How the chain's clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockTime {
    /// The machine's clock, never going backwards from one block to the next.
    Wall,
    /// `genesis + height * step`, so that two runs write the same times.
    Stepped {
        /// Unix seconds of height 0.
        genesis_unix: u64,
        /// The time between two blocks.
        step: Duration,
    },
}

impl BlockTime {
    /// The time of the block at `height`, after a block at `previous`.
    pub(crate) fn at(self, height: i64, previous: SystemTime) -> SystemTime {
        match self {
            BlockTime::Wall => SystemTime::now().max(previous + Duration::from_millis(1)),
            BlockTime::Stepped { genesis_unix, step } => {
                let steps = u32::try_from(height).unwrap_or(u32::MAX);
                UNIX_EPOCH + Duration::from_secs(genesis_unix) + step.saturating_mul(steps)
            }
        }
    }
}

/// An account that exists at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisAccount {
    /// Bech32 address.
    pub address: String,
    /// What it owns, at most one entry a denom.
    pub balance: Vec<Coin>,
}

/// A consensus validator that exists at genesis, with those who delegate to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenesisValidator {
    /// Bech32 account address of its operator; its validator address has the same 20 bytes.
    pub operator: String,
    /// Share of its delegators' rewards that it keeps, in thousandths.
    pub commission_permille: u16,
    /// Delegator address and amount in the bond denom. These amounts are bonded: they are not part
    /// of any balance.
    pub delegations: Vec<(String, u128)>,
}

/// Everything that decides how a chain behaves. Two chains with equal configuration, equal clocks and
/// equal transactions in equal blocks have equal states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainConfig {
    /// The chain id that every signature covers.
    pub chain_id: String,
    /// Bech32 prefix of account addresses; validators' have `valoper` behind it.
    pub prefix: String,
    /// Denom of rewards, stakes and bonds of the R3MES module.
    pub reward_denom: String,
    /// Denom of fees and of delegations.
    pub fee_denom: String,
    /// Least price of a unit of gas that the node's mempool accepts, in millionths of `fee_denom`.
    pub min_gas_price_micro: u64,
    /// The last block in which a commitment may be revealed lies this many blocks behind its own.
    pub reveal_window_blocks: u32,
    /// An aggregation is finalized this many blocks after its reveal, unless it was challenged.
    pub challenge_period_blocks: u32,
    /// Least stake of a proposer.
    pub min_proposer_stake: u128,
    /// Least stake of a node that takes the validator role.
    pub min_validator_stake: u128,
    /// Least stake of any other role, and least balance of an unregistered miner.
    pub min_miner_stake: u128,
    /// Minted for an aggregation, before what its participants add.
    pub reward_base: u128,
    /// Minted for each participant of an aggregation.
    pub reward_per_participant: u128,
    /// No aggregation may lift the supply of `reward_denom` above this.
    pub supply_cap: u128,
    /// What a challenger puts at stake.
    pub challenge_bond: u128,
    /// What validators and delegators earn together in each block, in `fee_denom`.
    pub inflation_per_block: u128,
    /// A transaction larger than this is refused with `sdk` 21.
    pub max_tx_bytes: usize,
    /// Transactions that the mempool holds at most.
    pub mempool_size: usize,
    /// Gas that all transactions of one block may want together.
    pub max_block_gas: u64,
    /// Blocks for which the node answers; older ones are pruned. 0 keeps all.
    pub retain_blocks: u64,
    /// The clock.
    pub block_time: BlockTime,
    /// Accounts at genesis.
    pub accounts: Vec<GenesisAccount>,
    /// Addresses that are authorized proposers (`apa_`) at genesis.
    pub proposers: Vec<String>,
    /// Addresses that are authorized validators (`ava_`) at genesis.
    pub validators: Vec<String>,
    /// Consensus validators at genesis.
    pub consensus: Vec<GenesisValidator>,
    /// What GetGlobalModelState answers at genesis: CID and version.
    pub model: (String, String),
}

impl Default for ChainConfig {
    fn default() -> Self {
        ChainConfig {
            chain_id: "remes-local-1".into(),
            prefix: "remes".into(),
            reward_denom: "remes".into(),
            fee_denom: "stake".into(),
            min_gas_price_micro: 25_000,
            reveal_window_blocks: 10,
            challenge_period_blocks: 100,
            min_proposer_stake: 50_000,
            min_validator_stake: 100_000,
            min_miner_stake: 1_000,
            reward_base: 500,
            reward_per_participant: 10,
            supply_cap: 1_000_000_000_000,
            challenge_bond: 5_000,
            inflation_per_block: 1_000,
            max_tx_bytes: 512 * 1024,
            mempool_size: 5_000,
            max_block_gas: 100_000_000,
            retain_blocks: 0,
            block_time: BlockTime::Wall,
            accounts: Vec::new(),
            proposers: Vec::new(),
            validators: Vec::new(),
            consensus: Vec::new(),
            model: (String::new(), String::new()),
        }
    }
}

impl ChainConfig {
    /// The minimum gas price as the SDK writes it, such as `0.025000000000000000stake`.
    pub fn min_gas_price(&self) -> String {
        format!(
            "{}.{:06}000000000000{}",
            self.min_gas_price_micro / 1_000_000,
            self.min_gas_price_micro % 1_000_000,
            self.fee_denom
        )
    }

    /// Bech32 prefix of validator addresses.
    pub fn validator_prefix(&self) -> String {
        format!("{}valoper", self.prefix)
    }

    /// The fee below which the mempool refuses a transaction that wants `gas`, rounded up.
    pub(crate) fn min_fee(&self, gas: u64) -> u128 {
        (u128::from(gas) * u128::from(self.min_gas_price_micro)).div_ceil(1_000_000)
    }
}
