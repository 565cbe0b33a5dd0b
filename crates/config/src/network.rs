use std::time::Duration;

use url::Url;

use crate::Decimal;

/// All that differs from one R3MES network to another, and between builds of its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkProfile {
    /// What the operator calls the network.
    pub name: String,
    /// The chain's id; a node that states another one is refused.
    pub chain_id: String,
    /// CometBFT RPC endpoints, in order of preference; at least one.
    pub rpc: Vec<Url>,
    /// The IPFS node's RPC API (Kubo), without `/api/v0`.
    pub ipfs_api: Url,
    /// Prefix of account addresses.
    pub bech32_prefix: String,
    /// BIP-44 coin type of the account keys.
    pub coin_type: u32,
    /// The denom in which the chain mints rewards.
    pub reward_denom: String,
    /// Digits by which an amount in the reward denom is shifted for display.
    pub reward_display_exponent: u8,
    /// The denom of the stake.
    pub stake_denom: String,
    /// The denom in which transactions are paid.
    pub fee_denom: String,
    /// Price of one unit of gas in the fee denom.
    pub gas_price: Decimal,
    /// Factor by which simulated gas is raised.
    pub gas_adjustment: Decimal,
    /// The usual time from one block to the next.
    pub block_time: Duration,
    /// Blocks after a commitment in which it can be revealed.
    pub reveal_window_blocks: u64,
    /// Blocks after a reveal in which it can be challenged, where the chain's record does not say.
    pub challenge_period_blocks: u64,
    /// The smallest stake that a proposer registers with, in the stake denom.
    pub minimum_stake: u128,
    /// The network's dashboard.
    pub dashboard_url: Option<Url>,
    /// The network's block explorer.
    pub explorer_url: Option<Url>,
    /// Where an administrator takes requests for authorization.
    pub admin_url: Option<Url>,
    /// Present on a local network, whose keys derive from a seed and are worth nothing.
    pub localnet: Option<LocalnetSeed>,
}

/// The seed of a local network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalnetSeed(pub String);

impl NetworkProfile {
    /// The derivation path of the first account key, `m/44'/9999'/0'/0/0`.
    pub fn derivation_path(&self) -> String {
        format!("m/44'/{}'/0'/0/0", self.coin_type)
    }

    /// The fee for `gas` units at the profile's gas price, rounded up, in the fee denom.
    ///
    /// `None` when the amount does not fit 128 bits.
    pub fn fee(&self, gas: u64) -> Option<u128> {
        self.gas_price.mul_ceil(gas)
    }

    /// The gas limit for a transaction whose simulation used `gas_used`, rounded up; at most `u64::MAX`.
    pub fn gas_limit(&self, gas_used: u64) -> u64 {
        self.gas_adjustment.mul_ceil(gas_used).and_then(|gas| u64::try_from(gas).ok()).unwrap_or(u64::MAX)
    }
}

impl Default for NetworkProfile {
    /// The main network of protocol version 1, as a node and a Kubo daemon on this machine serve it.
    fn default() -> Self {
        let loopback = |port: u16| {
            let mut url = Url::parse("http://127.0.0.1").unwrap_or_else(|_| unreachable!());
            let _ = url.set_port(Some(port));
            url
        };
        NetworkProfile {
            name: "remes-1".into(),
            chain_id: "remes-1".into(),
            rpc: vec![loopback(26657)],
            ipfs_api: loopback(5001),
            bech32_prefix: "remes".into(),
            coin_type: 9999,
            reward_denom: "remes".into(),
            reward_display_exponent: 0,
            stake_denom: "remes".into(),
            fee_denom: "stake".into(),
            gas_price: Decimal::new(25, 3),
            gas_adjustment: Decimal::new(15, 1),
            block_time: Duration::from_secs(5),
            reveal_window_blocks: 10,
            challenge_period_blocks: 100,
            minimum_stake: 50_000,
            dashboard_url: None,
            explorer_url: None,
            admin_url: None,
            localnet: None,
        }
    }
}
