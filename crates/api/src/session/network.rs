//! The chain and the IPFS node, seen from outside the engine.

use serde::{Deserialize, Serialize};
use specta::Type;

/// The network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NetworkView {
    /// What the operator calls it.
    pub name: String,
    /// The chain's id by the profile.
    pub chain_id: String,
    /// Whether all of it is local and worth nothing.
    pub local: bool,
    /// The chain's height, as the best endpoint says.
    pub height: Option<String>,
    /// When that block was made.
    pub block_time: Option<String>,
    /// The usual seconds from block to block.
    pub block_seconds: f64,
    /// In order of preference.
    pub endpoints: Vec<EndpointView>,
    /// Denom of rewards.
    pub reward_denom: String,
    /// Digits after the point when an amount in the reward denom is shown.
    pub reward_exponent: u8,
    /// Denom of stakes.
    pub stake_denom: String,
    /// Denom of fees.
    pub fee_denom: String,
    /// The least stake of a proposer, in whole units.
    pub minimum_stake: String,
    /// Where the network's dashboard is.
    pub dashboard_url: Option<String>,
    /// Where the network's explorer is.
    pub explorer_url: Option<String>,
    /// Where requests for authorization can be sent.
    pub admin_url: Option<String>,
    /// When the endpoints were asked last.
    pub at: Option<String>,
}

/// One way to the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EndpointView {
    /// Its URL, without credentials.
    pub url: String,
    /// How it is.
    pub state: EndpointState,
    /// Whether the engine, or a look from outside, would use it now.
    pub in_use: bool,
    /// The chain that it serves.
    pub chain_id: Option<String>,
    /// Its newest block.
    pub height: Option<String>,
    /// Blocks behind the best known height.
    pub lag: Option<u32>,
    /// How long an answer took.
    pub latency_ms: Option<f64>,
    /// What is wrong.
    pub error: Option<String>,
    /// Since when it is in its state.
    pub since: String,
}

/// How an endpoint is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum EndpointState {
    /// Not asked yet.
    #[default]
    Unknown,
    /// It answers, with new blocks.
    Good,
    /// It answers, with old blocks.
    Lagging,
    /// It says itself that it is catching up.
    CatchingUp,
    /// It serves another chain.
    WrongChain,
    /// It does not answer.
    Unreachable,
}

/// What a test of an endpoint found.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EndpointProbe {
    /// As it was asked for.
    pub url: String,
    /// The chain.
    pub chain_id: String,
    /// Its newest block.
    pub height: String,
    /// When that block was made.
    pub block_time: String,
    /// Seconds since then.
    pub lag_seconds: f64,
    /// How long the answer took.
    pub latency_ms: f64,
    /// Whether it says that it is catching up.
    pub catching_up: bool,
    /// Whether it keeps an index of transactions.
    pub indexes_transactions: bool,
    /// The node's name for itself.
    pub moniker: String,
}

/// What a test of an IPFS node found.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct IpfsProbe {
    /// As it was asked for.
    pub url: String,
    /// What it calls itself.
    pub version: String,
    /// Nodes that it is connected to; absent where it does not say.
    pub peers: Option<u32>,
    /// How long the answer took.
    pub latency_ms: f64,
}

/// Which network to work on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NetworkChoice {
    /// The local network inside this program.
    Local,
    /// A built-in profile or one of the data folder.
    Profile {
        /// Its name.
        name: String,
    },
    /// Endpoints of one's own, on the chain that they serve.
    Endpoints {
        /// RPC URLs in order of preference; all must serve the same chain.
        rpc: Vec<String>,
        /// The IPFS node's RPC, where it is not the profile's.
        ipfs: Option<String>,
    },
}

/// A network that can be chosen by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ProfileView {
    /// Its name.
    pub name: String,
    /// Its chain.
    pub chain_id: String,
    /// Its RPC endpoints.
    pub rpc: Vec<String>,
    /// Whether it comes with the program, and not from a file.
    pub built_in: bool,
    /// Whether the settings name it.
    pub chosen: bool,
}

/// The IPFS node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct IpfsView {
    /// Its RPC's URL, without credentials.
    pub url: String,
    /// Whether the engine starts and stops the node itself.
    pub managed: bool,
    /// Whether it answers.
    pub reachable: bool,
    /// What it calls itself.
    pub version: Option<String>,
    /// Nodes that it is connected to.
    pub peers: Option<u32>,
    /// Bytes that its repository holds.
    pub repo_bytes: Option<String>,
    /// Bytes that its repository may hold.
    pub repo_limit: Option<String>,
    /// Bytes a second of the latest fetches.
    pub fetch_bytes_per_second: Option<f64>,
    /// Bytes a second of the latest uploads.
    pub upload_bytes_per_second: Option<f64>,
    /// What is wrong.
    pub error: Option<String>,
    /// Since when it is as it is.
    pub since: Option<String>,
    /// When it was asked last.
    pub at: Option<String>,
}
