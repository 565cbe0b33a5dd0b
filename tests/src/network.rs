use std::path::{Path, PathBuf};
use std::time::Duration;

use r3mes_chain::http::Timeouts;
use r3mes_chain::{Chain, ChainError, ChainSpec, Rpc};
use r3mes_localnet::Role;

use crate::record::ChainRecord;
use crate::running::Running;

/// A local network in a process of its own, and the way to its node past everything that a test may have
/// put in between. It ends when dropped.
#[derive(Debug)]
pub struct Network {
    process: Running,
    profile: PathBuf,
    chain: Chain,
}

/// What a test asks of a local network.
#[derive(Clone, Copy, Debug)]
pub struct NetworkOptions {
    /// Its seed.
    pub seed: u64,
    /// Honest miners.
    pub miners: u32,
    /// Time between two blocks.
    pub block: Duration,
    /// After so many aggregates the miners rest; without a number they never do.
    pub rounds: Option<u64>,
}

impl Network {
    /// Starts it and waits until it is ready. Its profile is written into `folder`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(folder: &Path, options: NetworkOptions) -> Network {
        Network::start_with(folder, options, &[])
    }

    /// Starts it with more arguments of the command `localnet`.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(folder: &Path, options: NetworkOptions, more: &[&str]) -> Network {
        let profile = folder.join("localnet.toml");
        let mut arguments: Vec<String> =
            ["localnet", "--byzantine", "0", "--profile"].map(str::to_owned).to_vec();
        arguments.push(profile.to_str().unwrap().to_owned());
        let mut name = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        name("--seed", options.seed.to_string());
        name("--miners", options.miners.to_string());
        name("--block-ms", options.block.as_millis().to_string());
        if let Some(rounds) = options.rounds {
            name("--rounds", rounds.to_string());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let mut process = Running::start(&arguments, &[]);
        let ready = process.wait_for("the network is ready", |line| line["event"] == "ready");
        let spec = ChainSpec {
            chain_id: ready["chain_id"].as_str().unwrap().to_owned(),
            prefix: "remes".into(),
            fee_denom: "stake".into(),
            gas_price: "0.025".parse().unwrap(),
            gas_adjustment: "1.5".parse().unwrap(),
        };
        let timeouts = Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(30) };
        let http = r3mes_chain::http::client(timeouts).unwrap();
        let chain = Chain::new(Rpc::new(http, ready["rpc_url"].as_str().unwrap().parse().unwrap()), spec);
        Network { process, profile, chain }
    }

    /// The file by which a proposer reaches it.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// Its node.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What the chain holds of its proposer.
    ///
    /// # Errors
    /// As [`ChainRecord::read`].
    pub async fn record(&self, proposer: &str) -> Result<ChainRecord, ChainError> {
        ChainRecord::read(&self.chain, proposer, Role::Proposer.balance()).await
    }

    /// Waits until so many more blocks stand.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn let_blocks_pass(&self, blocks: i64) -> Result<(), ChainError> {
        let until = self.chain.status().await?.height + blocks;
        while self.chain.status().await?.height < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
