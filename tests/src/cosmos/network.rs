use std::fs;
use std::path::{Path, PathBuf};

use r3mes_chain::{Chain, Rpc};
use r3mes_keys::{AccountKey, derivation_path};
use tempfile::TempDir;
use url::Url;

use super::node::{Node, http, run, spec};
use super::relay::Relay;
use crate::go_tool;

/// The network's id.
pub const CHAIN_ID: &str = "interop-1";

/// The denom of everything: stake, fees, rewards.
pub const DENOM: &str = "stake";

/// What an account has at genesis, the validator's stake included.
const BALANCE: u128 = 1_000_000_000_000;

/// What the validator's account delegates to itself at genesis.
const STAKE: u128 = 500_000_000_000;

/// The words of the validator's operator. They are worth nothing.
const OPERATOR: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// The words of somebody who only has money.
const OTHER: &str = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong";

/// A network of one validator, and its accounts. Its nodes are killed when it is dropped.
#[derive(Debug)]
pub struct Cosmos {
    /// The validator's node.
    pub node: Node,
    /// The validator's operator, who delegates to itself.
    pub operator: AccountKey,
    /// An account without a stake.
    pub other: AccountKey,
    program: PathBuf,
    folder: TempDir,
}

impl Cosmos {
    /// Makes a genesis and starts the validator's node; `None`, with one line said, where there is no `simd`
    /// and nothing asks for it.
    ///
    /// # Panics
    /// When the node does not start, or in CI when there is none.
    pub async fn start() -> Option<Cosmos> {
        let program = go_tool("R3MES_SIMD", "simd", "simd")?;
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("validator");
        let [operator, other] =
            [OPERATOR, OTHER].map(|words| AccountKey::from_mnemonic(words, &derivation_path(118)).unwrap());
        genesis(&program, &home, &[&operator, &other]);
        let mut node = Node::new(&program, home, None);
        node.start().await;
        Some(Cosmos { node, operator, other, program, folder })
    }

    /// The words of the operator's key, to be imported elsewhere.
    pub fn operator_words(&self) -> &'static str {
        OPERATOR
    }

    /// A folder for whatever a test needs; it goes with the network.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a second node that follows the first one over a line that can be cut.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn follow(&self) -> (Node, Relay) {
        let home = self.folder.path().join("follower");
        prepare(&self.program, &home);
        let genesis = self.folder.path().join("validator/config/genesis.json");
        fs::copy(genesis, home.join("config/genesis.json")).unwrap();
        let line = Relay::start(self.node.peer_address()).await.unwrap();
        let peer = format!("{}@{}", self.node.id(), line.address());
        let mut node = Node::new(&self.program, home, Some(peer));
        node.start().await;
        (node, line)
    }

    /// The chain through these endpoints, in this order.
    ///
    /// # Panics
    /// When there is none.
    pub fn through(&self, urls: Vec<Url>) -> Chain {
        Chain::new(Rpc::pool(&http(), urls, CHAIN_ID).unwrap(), spec())
    }

    /// An account's address.
    pub fn address(&self, key: &AccountKey) -> String {
        key.address("cosmos")
    }
}

/// A home with a validator's genesis, as an operator makes one with the node's own commands.
fn genesis(program: &Path, home: &Path, accounts: &[&AccountKey]) {
    prepare(program, home);
    for account in accounts {
        let coins = format!("{BALANCE}{DENOM}");
        run(program, home, &["genesis", "add-genesis-account", &account.address("cosmos"), &coins], "");
    }
    let keyring = ["--keyring-backend", "test"];
    run(program, home, &[&["keys", "add", "operator", "--recover"][..], &keyring].concat(), OPERATOR);
    let stake = format!("{STAKE}{DENOM}");
    let gentx = ["genesis", "gentx", "operator", &stake, "--chain-id", CHAIN_ID];
    run(program, home, &[&gentx[..], &keyring].concat(), "");
    run(program, home, &["genesis", "collect-gentxs"], "");
}

/// A home with its configuration: quick blocks, and peers on one machine.
fn prepare(program: &Path, home: &Path) {
    run(program, home, &["init", "node", "--chain-id", CHAIN_ID], "");
    let path = home.join("config/config.toml");
    let text = fs::read_to_string(&path).unwrap();
    let changed = [
        ("timeout_commit", "\"400ms\""),
        ("timeout_propose", "\"500ms\""),
        ("addr_book_strict", "false"),
        ("allow_duplicate_ip", "true"),
        ("pex", "false"),
    ];
    let line = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        let to = changed.iter().find(|(name, _)| *name == key);
        to.map_or_else(|| line.to_owned(), |(name, value)| format!("{name} = {value}"))
    };
    let text: Vec<String> = text.lines().map(line).collect();
    fs::write(path, text.join("\n")).unwrap();
}
