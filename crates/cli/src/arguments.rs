//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use r3mes_api::keys::StoreKind;

/// The R3MES proposer: collects miners' gradients, verifies and aggregates them, publishes the
/// aggregate on IPFS and commits and reveals it on the chain.
#[derive(Debug, Parser)]
#[command(name = "r3mes-proposer", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Print JSON for machines: one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Log more: -v for what the engine does, -vv for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole job on a local network: chain, IPFS and miners that train a real model.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Run a local R3MES network in the foreground, or administer one that runs.
    #[command(after_help = LOCALNET_EXAMPLES)]
    Localnet(Localnet),
    /// Set up the proposer: prompts, or `--set` without them; what is named is reached at the end.
    #[command(after_help = CONFIGURE_EXAMPLES)]
    Configure(Configure),
    /// Ask the network's administrators for authorization.
    #[command(subcommand, after_help = AUTHORIZATION_EXAMPLES)]
    Authorization(Authorization),
    /// Register this account as a proposer node.
    #[command(after_help = REGISTER_EXAMPLES)]
    Register(Register),
    /// Run the proposer in the foreground until Ctrl-C or SIGTERM.
    #[command(after_help = START_EXAMPLES)]
    Start(Start),
    /// Show what the proposer of a data folder has done and is doing, its standing and its endpoints.
    #[command(after_help = STATUS_EXAMPLES)]
    Status(Status),
    /// List this proposer's rounds, the newest first.
    #[command(after_help = LIST_EXAMPLES)]
    ListAggregations(Status),
    /// Show what was earned and what it cost, and whether the books agree with the bank.
    #[command(after_help = EARNINGS_EXAMPLES)]
    Earnings(Earnings),
    /// Withdraw delegation rewards and commission from the distribution module.
    #[command(after_help = CLAIM_EXAMPLES)]
    ClaimRewards(ClaimRewards),
    /// Move rewards above a reserve to a cold address.
    #[command(after_help = PAYOUT_EXAMPLES)]
    Payout(Payout),
    /// Read this machine and say whether it is enough for a proposer.
    #[command(after_help = HARDWARE_EXAMPLES)]
    Hardware(Hardware),
    /// Make, import, list, back up and restore the account's keys.
    #[command(subcommand, after_help = KEYS_EXAMPLES)]
    Keys(Keys),
    /// Say what gradient files hold, without trusting a byte of them.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Aggregate gradient files without any network, by the code of a round.
    #[command(after_help = aggregate_help())]
    Aggregate(Aggregate),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Rounds to finish.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    #[command(flatten)]
    pub(crate) network: LocalnetOptions,
    /// Aggregation method, such as `median`, `trimmed-mean(ratio=0.3)` or `arc+nnm+trimmed-mean`.
    #[arg(long, default_value = r3mes_api::demo::RECOMMENDED_METHOD)]
    pub(crate) method: String,
    /// Data folder of the demo's proposer [default: a temporary one, removed at the end].
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LocalnetOptions {
    /// Miners that train.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) miners: u32,
    /// How many of the miners attack.
    #[arg(long, default_value_t = 3)]
    pub(crate) byzantine: u32,
    /// What they do: sign-flip, scaled-noise, nan, wrong-cid, unregistered or malformed.
    #[arg(long, default_value = "sign-flip")]
    pub(crate) attack: String,
    /// Everything that happens follows from this number.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Milliseconds between two blocks.
    #[arg(long, default_value_t = 200, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=60_000))]
    pub(crate) block_ms: u64,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Localnet {
    #[command(subcommand)]
    pub(crate) administer: Option<Administer>,
    #[command(flatten)]
    pub(crate) network: LocalnetOptions,
    /// Stop training after so many rounds; the chain runs on [default: never].
    #[arg(long)]
    pub(crate) rounds: Option<u64>,
    /// Write the network profile for `start --network` to this file.
    #[arg(long, value_name = "FILE", default_value = "localnet.toml")]
    pub(crate) profile: PathBuf,
    /// Port of the chain's RPC; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) rpc_port: u16,
    /// Port of the IPFS RPC; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) ipfs_port: u16,
    /// RPC of another IPFS node, such as a Kubo, that the miners use instead of the network's own.
    #[arg(long, value_name = "URL")]
    pub(crate) ipfs_api: Option<String>,
    /// Gas that the transactions of one block may want together [default: 100000000].
    #[arg(long, value_name = "GAS")]
    pub(crate) max_block_gas: Option<u64>,
    /// Bytes that the chain takes in one transaction [default: 524288].
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_tx_bytes: Option<usize>,
}

/// What a local network's administrator does; governance does it on a real one.
#[derive(Debug, Subcommand)]
pub(crate) enum Administer {
    /// Authorize an address as a proposer.
    Grant(Administered),
    /// Take an address's authorization away.
    Revoke(Administered),
    /// Suspend a registered node.
    Suspend(Administered),
    /// Make a suspended node active again.
    Reinstate(Administered),
    /// Take coins of the stake's denom from a node, and count a slashing event.
    Slash {
        #[command(flatten)]
        of: Administered,
        /// Whole units.
        #[arg(long, default_value_t = 5000)]
        amount: u128,
        /// Why, as the event says it.
        #[arg(long, default_value = "by the administrator")]
        reason: String,
    },
    /// Give coins to an address.
    Fund {
        #[command(flatten)]
        to: Administered,
        /// Coins, such as 60000remes,1000000stake.
        #[arg(long, default_value = "60000remes,10000000stake")]
        coins: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Administered {
    /// The account's address.
    pub(crate) address: String,
    /// The local network's profile.
    #[arg(long, value_name = "FILE", default_value = "localnet.toml")]
    pub(crate) network: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ProposerOptions {
    /// Data folder of the proposer [default: `r3mes-proposer` in the user's data folder].
    #[arg(long, value_name = "DIR", env = "R3MES_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// Network profile; kept in the data folder for the next time.
    #[arg(long, value_name = "FILE")]
    pub(crate) network: Option<PathBuf>,
    /// Change one setting for this and later times, such as `round.quorum=12`; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KeyChoice {
    /// Name of the key that signs [default: the setting account.key; a local network's own key there, and `second-proposer` a competitor's].
    #[arg(long, value_name = "KEY")]
    pub(crate) from: Option<String>,
    /// Read the key file's passphrase from this file descriptor [default: R3MES_PASSPHRASE, a prompt].
    #[arg(long, value_name = "N")]
    pub(crate) passphrase_fd: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Configure {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    /// Do not reach the endpoints at the end.
    #[arg(long)]
    pub(crate) no_check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// The stake in whole units [default: the network's minimum].
    #[arg(long, conflicts_with = "update")]
    pub(crate) stake: Option<u128>,
    /// State the resources of a registered node anew, from readings of now.
    #[arg(long)]
    pub(crate) update: bool,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

/// Ask for authorization, check such a request, see where the account stands.
#[derive(Debug, Subcommand)]
pub(crate) enum Authorization {
    /// Write a request for authorization, signed by the account's key.
    #[command(after_help = AUTHORIZATION_REQUEST_EXAMPLES)]
    Request(AuthorizationRequest),
    /// Check a request as an administrator does: form, address, signature.
    #[command(after_help = AUTHORIZATION_VERIFY_EXAMPLES)]
    Verify(AuthorizationVerify),
    /// Ask the chain where the account stands.
    #[command(after_help = AUTHORIZATION_STATUS_EXAMPLES)]
    Status(AuthorizationStatus),
}

#[derive(Debug, Args)]
pub(crate) struct AuthorizationRequest {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// How the administrators can reach you.
    #[arg(long)]
    pub(crate) contact: String,
    /// What you have to say to them.
    #[arg(long, default_value = "")]
    pub(crate) statement: String,
    /// Write the document to this file.
    #[arg(long, short, value_name = "FILE", conflicts_with = "stdout")]
    pub(crate) output: Option<PathBuf>,
    /// Print the document and nothing else, for the clipboard.
    #[arg(long)]
    pub(crate) stdout: bool,
    /// Send the document to the administrator's URL of the network profile.
    #[arg(long)]
    pub(crate) send: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorizationVerify {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    /// The document; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorizationStatus {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// Go on until Ctrl-C, and tell every change.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// Stop after so many of this run's rounds are revealed.
    #[arg(long)]
    pub(crate) rounds: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// How many of the newest rounds to show.
    #[arg(long, default_value_t = 10)]
    pub(crate) last: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Earnings {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// Sums instead of single movements.
    #[arg(long, value_enum)]
    pub(crate) by: Option<Over>,
}

/// What sums are made over.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Over {
    /// Days in UTC.
    Day,
    /// Training rounds.
    Round,
}

#[derive(Debug, Args)]
pub(crate) struct ClaimRewards {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

#[derive(Debug, Args)]
pub(crate) struct Payout {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    #[command(flatten)]
    pub(crate) key: KeyChoice,
    /// How much, in whole units of the reward denom.
    #[arg(long, required_unless_present = "all_above_reserve")]
    pub(crate) amount: Option<u128>,
    /// Everything above the reserve (setting payout.reserve).
    #[arg(long, conflicts_with = "amount")]
    pub(crate) all_above_reserve: bool,
    /// Where to [default: the setting payout.address].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

#[derive(Debug, Args)]
pub(crate) struct Confirmation {
    /// Sign and send without asking.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would be signed and what it costs, and stop.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Hardware {
    /// Data folder of the proposer; nothing in it is changed [default: `r3mes-proposer` in the user's data folder].
    #[arg(long, value_name = "DIR", env = "R3MES_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// Network profile whose endpoints are to be reached [default: the settings' network].
    #[arg(long, value_name = "FILE")]
    pub(crate) network: Option<PathBuf>,
    /// Also measure how fast all cores read memory, which takes about three seconds more.
    #[arg(long)]
    pub(crate) bandwidth: bool,
    /// Milliseconds after which a reading is given up.
    #[arg(long, default_value_t = 2500, value_name = "MS", value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub(crate) budget_ms: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a new key and show its words, once.
    #[command(after_help = KEYS_ADD_EXAMPLES)]
    Add(KeysAdd),
    /// Import a key from its words, from `remesd keys export`, or from hex.
    #[command(after_help = KEYS_IMPORT_EXAMPLES)]
    Import(KeysImport),
    /// List the keys of a data folder.
    #[command(after_help = KEYS_LIST_EXAMPLES)]
    List(KeysList),
    /// Show what is public of one key.
    #[command(after_help = KEYS_SHOW_EXAMPLES)]
    Show(KeysShow),
    /// Delete a key for good.
    #[command(after_help = KEYS_DELETE_EXAMPLES)]
    Delete(KeysDelete),
    /// Write all keys and settings into one file that a passphrase closes.
    #[command(after_help = KEYS_BACKUP_EXAMPLES)]
    Backup(KeysBackup),
    /// Bring keys and settings back from a backup.
    #[command(after_help = KEYS_RESTORE_EXAMPLES)]
    Restore(KeysRestore),
}

#[derive(Debug, Args)]
pub(crate) struct KeyOptions {
    #[command(flatten)]
    pub(crate) proposer: ProposerOptions,
    /// Read passphrases from this file descriptor, one a line in the order in which they are needed:
    /// the exported key's, the key files', the backup's [default: the environment, or a prompt].
    #[arg(long, value_name = "N")]
    pub(crate) passphrase_fd: Option<u32>,
}

/// Where a key lies.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Store {
    /// The operating system's keychain.
    Keychain,
    /// A file that a passphrase closes, for servers.
    File,
}

impl From<Store> for StoreKind {
    fn from(store: Store) -> StoreKind {
        match store {
            Store::Keychain => StoreKind::Keychain,
            Store::File => StoreKind::File,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct KeysAdd {
    /// The key's name.
    pub(crate) name: String,
    /// How many words it has.
    #[arg(long, default_value_t = 24, value_parser = words)]
    pub(crate) words: u8,
    /// Where it is kept.
    #[arg(long, value_enum, default_value = "keychain")]
    pub(crate) store: Store,
    #[command(flatten)]
    pub(crate) options: KeyOptions,
}

fn words(text: &str) -> Result<u8, String> {
    match text {
        "12" => Ok(12),
        "24" => Ok(24),
        _ => Err("12 or 24 words".to_owned()),
    }
}

/// What a key is imported from.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ImportFrom {
    /// Its 12 to 24 words, divided by blanks, new lines or commas.
    Words,
    /// The text that `remesd keys export` prints.
    Armor,
    /// 64 hexadecimal digits.
    Hex,
}

#[derive(Debug, Args)]
pub(crate) struct KeysImport {
    /// The key's name; that of a key whose entry was lost brings the entry back.
    pub(crate) name: String,
    /// What the secret is.
    #[arg(long, value_enum, default_value = "words")]
    pub(crate) from: ImportFrom,
    /// The file with the exported key, for `--from armor` [default: standard input].
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Read the secret from this file descriptor [default: R3MES_KEY_SECRET, a prompt, standard input].
    #[arg(long, value_name = "N", conflicts_with = "file")]
    pub(crate) secret_fd: Option<u32>,
    /// Where it is kept.
    #[arg(long, value_enum, default_value = "keychain")]
    pub(crate) store: Store,
    #[command(flatten)]
    pub(crate) options: KeyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct KeysList {
    #[command(flatten)]
    pub(crate) options: KeyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct KeysShow {
    /// The key's name.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) options: KeyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct KeysDelete {
    /// The key's name.
    pub(crate) name: String,
    /// The key's address, to confirm without a terminal.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) options: KeyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct KeysBackup {
    /// The backup's file, which must not be there yet.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: KeyOptions,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreOptions {
    /// Data folder of the proposer [default: `r3mes-proposer` in the user's data folder].
    #[arg(long, value_name = "DIR", env = "R3MES_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// Read passphrases from this file descriptor, one a line: the backup's, then the key files'
    /// [default: the environment, or a prompt].
    #[arg(long, value_name = "N")]
    pub(crate) passphrase_fd: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct KeysRestore {
    /// The backup.
    pub(crate) file: PathBuf,
    /// Where the keys are kept [default: where they were].
    #[arg(long, value_enum)]
    pub(crate) store: Option<Store>,
    #[command(flatten)]
    pub(crate) options: RestoreOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Gradient files, in any of the three containers.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Aggregate {
    /// Aggregation method, in kebab case.
    #[arg(long)]
    pub(crate) method: String,
    /// One weight a file, for the weighted methods.
    #[arg(long, value_delimiter = ',', value_name = "A,B,...")]
    pub(crate) weights: Option<Vec<f64>>,
    /// Training samples of each file. With --reputation and --quality, weights are their product: samples (at most three
    /// times the median) times reputation times quality; what is left out counts as 1.
    #[arg(long, value_delimiter = ',', value_name = "A,B,...", conflicts_with = "weights")]
    pub(crate) samples: Option<Vec<f64>>,
    /// Reputation of each file's miner, 0 to 1.
    #[arg(long, value_delimiter = ',', value_name = "A,B,...", conflicts_with = "weights")]
    pub(crate) reputation: Option<Vec<f64>>,
    /// Quality of each file, 0 to 1.
    #[arg(long, value_delimiter = ',', value_name = "A,B,...", conflicts_with = "weights")]
    pub(crate) quality: Option<Vec<f64>>,
    /// Share to trim from each end, at least 0 and below 0.5.
    #[arg(long, value_name = "R")]
    pub(crate) trim: Option<f64>,
    /// Where the aggregate (safetensors, F32) goes.
    #[arg(long, short, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Gradient files in the order of participants; containers may be mixed.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  r3mes-proposer demo
  r3mes-proposer demo --rounds 10 --attack sign-flip --byzantine 3 --method average
  r3mes-proposer demo --seed 7 --json | jq .accuracy";

const LOCALNET_EXAMPLES: &str = "\
Examples:
  r3mes-proposer localnet --profile localnet.toml
  r3mes-proposer start --network localnet.toml --home ./proposer
  r3mes-proposer localnet fund remes1...
  r3mes-proposer localnet grant remes1...
  r3mes-proposer localnet slash remes1... --amount 5000";

const CONFIGURE_EXAMPLES: &str = "\
Examples:
  r3mes-proposer configure
  r3mes-proposer configure --set network.rpc=http://10.0.0.5:26657,http://10.0.0.6:26657
  r3mes-proposer configure --set aggregation.method=trimmed-mean --set aggregation.trim=0.2 --json
  printf 'http://127.0.0.1:26657\\n\\nmedian\\n' | r3mes-proposer configure --no-check

Without --set each key is asked for on standard error and answered by a line of standard input: an
empty line keeps the value, `-` leaves an optional key out, the end of the input keeps all others. The
exit code is 4 where the settings were written and something that they name was not reached.";

const REGISTER_EXAMPLES: &str = "\
Examples:
  r3mes-proposer register --network localnet.toml --home ./proposer
  r3mes-proposer register --from main --dry-run
  r3mes-proposer register --from main --stake 60000 --yes
  r3mes-proposer register --from main --update";

const AUTHORIZATION_EXAMPLES: &str = "\
Examples:
  r3mes-proposer authorization request --from main --contact ops@example.org --output request.json
  r3mes-proposer authorization verify request.json
  r3mes-proposer authorization status --from main --watch";

const AUTHORIZATION_REQUEST_EXAMPLES: &str = "\
Examples:
  r3mes-proposer authorization request --from main --contact ops@example.org --output request.json
  r3mes-proposer authorization request --from main --contact ops@example.org --stdout | xclip -selection clipboard
  r3mes-proposer authorization request --from main --contact ops@example.org --send

The document is canonical JSON with a signature by ADR-036. The data folder keeps a copy of it.";

const AUTHORIZATION_VERIFY_EXAMPLES: &str = "\
Examples:
  r3mes-proposer authorization verify request.json
  r3mes-proposer authorization verify --network network.toml - < request.json

Every byte counts. The exit code is 0 only if all checks hold; the error says which did not.";

const AUTHORIZATION_STATUS_EXAMPLES: &str = "\
Examples:
  r3mes-proposer authorization status --from main
  r3mes-proposer authorization status --from main --watch --json | jq --unbuffered -r .state

States: not-requested, requested, authorized, registered, revoked, inactive, suspended, slashed.";

const START_EXAMPLES: &str = "\
Examples:
  r3mes-proposer start --network localnet.toml --home ./proposer
  r3mes-proposer start --home ./proposer --set aggregation.method=trimmed-mean
  r3mes-proposer start --from main --passphrase-fd 3 3< passphrase.txt";

const STATUS_EXAMPLES: &str = "\
Examples:
  r3mes-proposer status --home ./proposer
  r3mes-proposer status --home ./proposer --json | jq .earnings.earned
  r3mes-proposer status --home ./proposer --json | jq .standing.state";

const LIST_EXAMPLES: &str = "\
Examples:
  r3mes-proposer list-aggregations --home ./proposer --last 50
  r3mes-proposer list-aggregations --home ./proposer --json | jq -r 'select(.state == \"finalized\") | .cid'";

const EARNINGS_EXAMPLES: &str = "\
Examples:
  r3mes-proposer earnings --home ./proposer
  r3mes-proposer earnings --home ./proposer --by day
  r3mes-proposer earnings --home ./proposer --json | jq 'select(.kind == \"reward\")'
  r3mes-proposer earnings --home ./proposer --json | tail -n 1 | jq .books.agrees

Four figures: estimated (what open rounds would earn), pending (earned, and still open to a challenge),
paid (earned for good), claimable (what waits in the distribution module: see `claim-rewards`).";

const PAYOUT_EXAMPLES: &str = "\
Examples:
  r3mes-proposer payout --all-above-reserve --to remes1... --dry-run
  r3mes-proposer payout --amount 5000 --to remes1... --yes
  r3mes-proposer configure --set payout.address=remes1... --set payout.rule=above-reserve

What stays is the setting payout.reserve, without it the network's minimum stake. With
payout.rule=above-reserve the running engine pays out by itself, at most once in payout.interval, when
payout.threshold stands above the reserve.";

const CLAIM_EXAMPLES: &str = "\
Examples:
  r3mes-proposer claim-rewards --from main --dry-run
  r3mes-proposer claim-rewards --from main
  r3mes-proposer claim-rewards --from main --yes --json | jq -r .claim.tx_hash

Rewards of aggregations are minted by the reveal itself; only delegation rewards and an operator's
commission wait to be claimed. One claim is under way at a time, whoever works on the data folder.";

const HARDWARE_EXAMPLES: &str = "\
Examples:
  r3mes-proposer hardware --home ./proposer
  r3mes-proposer hardware --network localnet.toml --bandwidth
  r3mes-proposer hardware --json | jq '.verdicts[] | select(.level != \"pass\")'

The exit code is 3 where a reading is below what a proposer needs (FAIL), 0 otherwise.";

const KEYS_EXAMPLES: &str = "\
Secrets are typed at a prompt that shows nothing, read from a file descriptor, or taken from the
environment: R3MES_PASSPHRASE (key files), R3MES_BACKUP_PASSPHRASE, R3MES_EXPORT_PASSPHRASE,
R3MES_KEY_SECRET. They are never arguments.

Examples:
  r3mes-proposer keys add main
  r3mes-proposer keys list --json
  r3mes-proposer keys backup proposer.backup";

const KEYS_ADD_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys add main
  r3mes-proposer keys add server --store file --passphrase-fd 3 3< passphrase.txt";

const KEYS_IMPORT_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys import main
  r3mes-proposer keys import main --from armor --file exported.txt
  r3mes-proposer keys import main --from hex --store file --secret-fd 3 --passphrase-fd 4 3< hex.txt 4< pass.txt";

const KEYS_LIST_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys list
  r3mes-proposer keys list --json | jq -r .address";

const KEYS_SHOW_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys show main";

const KEYS_DELETE_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys delete old
  r3mes-proposer keys delete old --confirm remes1...";

const KEYS_BACKUP_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys backup proposer.backup";

const KEYS_RESTORE_EXAMPLES: &str = "\
Examples:
  r3mes-proposer keys restore proposer.backup
  r3mes-proposer keys restore proposer.backup --home ./server --store file";

const INSPECT_EXAMPLES: &str = "\
Examples:
  r3mes-proposer inspect gradient.safetensors
  r3mes-proposer inspect --json *.pkl.gz | jq -r .gradient_hash_int8

A file that is no gradient is refused with one line; the exit code is 2 then.";

fn aggregate_help() -> String {
    format!(
        "{AGGREGATE_EXAMPLES}\n\nMethods: {}.\nBefore a rule: nnm, arc, norm-clipping, norm-filter, sign-filter, bucketing, joined by a plus: `arc+nnm+trimmed-mean`.\n\
         Parameters stand in parentheses: `trimmed-mean(ratio=0.1)`, `krum(f=2)`.",
        r3mes_api::files::METHODS.join(", ")
    )
}

const AGGREGATE_EXAMPLES: &str = "\
Examples:
  r3mes-proposer aggregate --method median --output out.safetensors a.pb b.pkl.gz c.safetensors
  r3mes-proposer aggregate --method trimmed-mean --trim 0.2 --output out.safetensors *.pb
  r3mes-proposer aggregate --method weighted-average --weights 1,2,3 --output out.safetensors a.pb b.pb c.pb
  r3mes-proposer aggregate --method weighted-median --samples 120,80,95 --reputation 1,0.5,0.9 --output out.safetensors a.pb b.pb c.pb";
