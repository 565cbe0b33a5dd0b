//! Why the chain said no: codespace, code and log text read as one reason.

use std::fmt;

use crate::Coins;

/// The chain's refusal of a transaction, a simulation or a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pass the chain's checks: {reason} ({codespace} {code}: {log})")]
pub struct Refusal {
    /// Who numbers the code: `sdk`, `remes`, `undefined`, ...
    pub codespace: String,
    /// Never 0.
    pub code: u32,
    /// The chain's own words.
    pub log: String,
    /// What they mean.
    pub reason: RefusalReason,
}

impl Refusal {
    /// Reads the reason off codespace, code and log.
    pub fn new(codespace: impl Into<String>, code: u32, log: impl Into<String>) -> Self {
        let (codespace, log) = (codespace.into(), log.into());
        let reason = RefusalReason::classify(&codespace, code, &log);
        Refusal { codespace, code, log, reason }
    }

    /// Whether the transaction was signed for a sequence that the account is not at.
    pub fn is_about_sequence(&self) -> bool {
        matches!(self.reason, RefusalReason::WrongSequence { .. })
    }

    /// Whether a node of this chain refuses the signature that has carried out no block since its start:
    /// until then the SDK takes every account for number 0, and no other account's signature fits.
    pub(crate) fn is_of_a_new_start(&self, chain_id: &str) -> bool {
        let says = |text: &str| self.log.contains(text);
        self.reason == RefusalReason::SignatureRejected
            && says("account number (0)")
            && says(&format!("chain-id ({chain_id})"))
    }

    /// Whether the transaction's timeout height has passed.
    pub fn is_about_timeout_height(&self) -> bool {
        self.reason == RefusalReason::TimeoutHeight
    }
}

/// What a refusal means. Its text is one sentence; [`remedy`](RefusalReason::remedy) says what an
/// operator can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's text says what it is")]
pub enum RefusalReason {
    // The R3MES module.
    InvalidMiner,
    InvalidNodeAddress,
    InvalidModelVersion,
    InvalidRequest,
    ParticipantNotPending,
    RevealDeadlinePassed,
    AlreadyRevealed,
    MerkleRootMismatch,
    CommitmentHashMismatch,
    ParticipantsDiffer,
    RoundDiffers,
    EmptySalt,
    InvalidGradientHash,
    InvalidIpfsHash,
    InvalidChallenge,
    InvalidMinerSignature,
    InvalidNonce,
    NotAuthorized,
    CommitmentOfAnother,
    InsufficientStake,
    UnknownId,
    SupplyCap,
    Internal,
    Panic,
    // The Cosmos SDK.
    Undecodable,
    SignatureRejected,
    InsufficientFunds,
    UnknownRequest,
    InvalidAddress,
    InvalidPublicKey,
    UnknownAccount,
    InvalidCoins,
    OutOfGas,
    MemoTooLarge,
    InsufficientFee {
        /// The least that the node takes, where it says so.
        required: Option<Coins>,
    },
    AlreadyInMempool,
    MempoolFull,
    TxTooLarge,
    NotFound,
    InvalidHeight,
    TimeoutHeight,
    WrongSequence {
        /// The sequence that the account is at, where the chain says so.
        expected: Option<u64>,
        /// The sequence that was signed.
        found: Option<u64>,
    },
    // Distribution and staking.
    NothingToWithdraw,
    UnknownValidator,
    /// A codespace and code that the protocol does not list.
    Other,
}

impl RefusalReason {
    /// Whether the same intention can succeed a little later, in a transaction signed anew.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            RefusalReason::WrongSequence { .. }
                | RefusalReason::TimeoutHeight
                | RefusalReason::MempoolFull
                | RefusalReason::AlreadyInMempool
        )
    }

    /// What an operator can do about it.
    pub fn remedy(&self) -> &'static str {
        use RefusalReason::*;
        match self {
            InvalidMiner | InvalidNodeAddress | InvalidAddress => {
                "check that the address prefix in the network profile is the chain's"
            }
            InvalidModelVersion => "read the model version from the chain and try again",
            InvalidRequest | UnknownRequest | Undecodable => {
                "check that the network profile fits the chain's build; update the proposer where it does"
            }
            ParticipantNotPending => {
                "nothing: another proposer's reveal took the gradients; the next round follows"
            }
            RevealDeadlinePassed => {
                "nothing: the commitment is lost, a new one follows; if it repeats, look for a slow IPFS node or chain endpoint"
            }
            AlreadyRevealed => "nothing: the aggregation is on the chain",
            MerkleRootMismatch | CommitmentHashMismatch | ParticipantsDiffer | RoundDiffers | EmptySalt => {
                "keep the data folder and report this: the reveal differs from its commitment"
            }
            InvalidGradientHash => "keep the data folder and report this with the chain's words",
            InvalidIpfsHash => "check the IPFS node: the chain takes CIDs that begin with Qm, bafy or bafk",
            InvalidChallenge => "check that the aggregation exists and its challenge period is not over",
            InvalidMinerSignature | InvalidNonce => {
                "sign the gradient's announcement anew with a fresh nonce"
            }
            NotAuthorized => {
                "have governance add this address to the authorized proposers, and register the node as one"
            }
            CommitmentOfAnother => {
                "keep the data folder, and check that network.rpc names this network's chain and that the account is the one that committed; report it where both are so"
            }
            InsufficientStake => "register with the network's minimum stake, or add to the balance",
            UnknownId => "check that the endpoint serves the right chain and is not behind it",
            SupplyCap => "nothing: the network's supply is exhausted and rewards are over",
            Internal | Panic => {
                "ask for the node's registration before anything is sent again; report it if it repeats"
            }
            SignatureRejected => {
                "check the chain id in the network profile, and that the key belongs to the address"
            }
            InsufficientFunds => {
                "send coins to the proposer's address; work goes on by itself when they have arrived"
            }
            InvalidPublicKey | InvalidCoins | MemoTooLarge | InvalidHeight => {
                "check the network profile against the chain"
            }
            UnknownAccount => {
                "send coins to the proposer's address: an account exists from its first coins on"
            }
            OutOfGas => {
                "nothing: it is sent again with more gas; raise the gas adjustment in the network profile if it repeats"
            }
            InsufficientFee { .. } => {
                "nothing: it is sent again with that fee, up to submission.max_fee; raise the gas price in the network profile if it repeats"
            }
            AlreadyInMempool => "nothing: the transaction waits for a block",
            MempoolFull => {
                "nothing: the same transaction is sent again; a second endpoint, or a higher gas price, helps if it lasts"
            }
            TxTooLarge => "nothing: the next round takes fewer participants",
            NotFound => "check that the endpoint serves the right chain and is not behind it",
            TimeoutHeight => {
                "nothing: a new transaction follows; if it repeats, the chain endpoint is slow or behind"
            }
            WrongSequence { .. } => {
                "nothing: a new transaction follows; if it repeats, the key is in use on another machine"
            }
            NothingToWithdraw => "nothing: there are no rewards to withdraw",
            UnknownValidator => "check the validator's address",
            Other => "look the code up in the chain's documentation",
        }
    }

    /// Reads the reason off an answer.
    fn classify(codespace: &str, code: u32, log: &str) -> Self {
        use RefusalReason::*;
        let log = &log.to_ascii_lowercase();
        match (codespace, code) {
            ("remes", 1001) => InvalidMiner,
            ("remes", 1002) => InvalidNodeAddress,
            ("remes", 1005) => InvalidModelVersion,
            ("remes", 1007) => InvalidRequest,
            ("remes", 1012) => mismatch(log),
            ("remes", 1013) => InvalidIpfsHash,
            ("remes", 1014) => InvalidChallenge,
            ("remes", 1015) => InvalidMinerSignature,
            ("remes", 1016) => InvalidNonce,
            ("remes", 1017) => unauthorized(log),
            ("remes", 1021) => InsufficientStake,
            ("undefined", 111_222) => Panic,
            ("undefined", _) => unregistered(log),
            ("sdk", 2) => Undecodable,
            ("sdk", 4) => SignatureRejected,
            ("sdk", 5) => InsufficientFunds,
            // A simulation's refusal comes as an answer to a query, which keeps only its text.
            ("sdk", 6) => by_text(log).unwrap_or(UnknownRequest),
            ("sdk", 18) => by_text(log).unwrap_or(InvalidRequest),
            ("sdk", 7) => InvalidAddress,
            ("sdk", 8) => InvalidPublicKey,
            ("sdk", 9) => UnknownAccount,
            ("sdk", 10) => InvalidCoins,
            ("sdk", 11) => OutOfGas,
            ("sdk", 12) => MemoTooLarge,
            ("sdk", 13) => insufficient_fee(log),
            ("sdk", 19) => AlreadyInMempool,
            ("sdk", 20) => MempoolFull,
            ("sdk", 21) => TxTooLarge,
            ("sdk", 22 | 38) => NotFound,
            ("sdk", 26) => InvalidHeight,
            ("sdk", 30) => TimeoutHeight,
            ("sdk", 32) => wrong_sequence(log),
            ("distribution", 5 | 7) => NothingToWithdraw,
            ("distribution", 11) | ("staking", 3) => UnknownValidator,
            _ => Other,
        }
    }
}

/// Code 1012 stands for a bad hash and for every mismatch of commit and reveal: only the text tells.
fn mismatch(log: &str) -> RefusalReason {
    use RefusalReason::*;
    let says = |words: &str| log.contains(words);
    let differs = says("mismatch") || says("differ") || says("does not match") || says("do not match");
    if says("not pending") || says("no longer pending") || says("must be pending") {
        ParticipantNotPending
    } else if says("deadline") {
        RevealDeadlinePassed
    } else if says("already revealed") || says("is revealed") {
        AlreadyRevealed
    } else if says("salt") && !differs {
        EmptySalt
    } else if says("merkle") {
        MerkleRootMismatch
    } else if differs && says("commitment hash") {
        CommitmentHashMismatch
    } else if differs && says("participant") {
        ParticipantsDiffer
    } else if differs && says("round") {
        RoundDiffers
    } else if differs && says("commitment") {
        CommitmentHashMismatch
    } else {
        InvalidGradientHash
    }
}

/// Code 1017 stands for an address that may not propose, and for a commitment that is not the sender's to reveal.
fn unauthorized(log: &str) -> RefusalReason {
    let says = |words: &str| log.contains(words);
    let of_the_address = says("not an authorized proposer") || says("whitelist");
    if says("another proposer") || (says("commitment") && !of_the_address) {
        RefusalReason::CommitmentOfAnother
    } else {
        RefusalReason::NotAuthorized
    }
}

/// Errors that the module never registered come under one code.
fn unregistered(log: &str) -> RefusalReason {
    let says = |words: &str| log.contains(words);
    if says("supply") {
        RefusalReason::SupplyCap
    } else if says("not found") || says("does not exist") || says("unknown id") {
        RefusalReason::UnknownId
    } else {
        RefusalReason::Internal
    }
}

/// The reason by the registered text of its code, which stands near the end of a log.
fn by_text(log: &str) -> Option<RefusalReason> {
    use RefusalReason::*;
    let says = |words: &str| log.contains(words);
    let in_message = says("failed to execute message");
    Some(if says("incorrect account sequence") || says("account sequence mismatch") {
        wrong_sequence(log)
    } else if says("insufficient fee") {
        insufficient_fee(log)
    } else if says("out of gas") {
        OutOfGas
    } else if says("tx timeout height") {
        TimeoutHeight
    } else if says("signature verification failed") {
        SignatureRejected
    } else if says("invalid gradient hash") || (in_message && (says("mismatch") || says("not pending"))) {
        mismatch(log)
    } else if says("insufficient stake") {
        InsufficientStake
    } else if says("insufficient funds") || says("is smaller than") {
        InsufficientFunds
    } else if says("invalid ipfs hash") {
        InvalidIpfsHash
    } else if says("invalid model version") {
        InvalidModelVersion
    } else if says("invalid miner") {
        InvalidMiner
    } else if says("invalid node address") {
        InvalidNodeAddress
    } else if says("invalid challenge") {
        InvalidChallenge
    } else if says("invalid nonce") {
        InvalidNonce
    } else if in_message && says("invalid signature") {
        InvalidMinerSignature
    } else if says("unauthorized") {
        if in_message { unauthorized(log) } else { SignatureRejected }
    } else if says("unknown address") || (says("account") && says("not found")) {
        UnknownAccount
    } else if says("no delegation distribution info") || says("no validator commission") {
        NothingToWithdraw
    } else if says("validator does not exist") {
        UnknownValidator
    } else if says(": panic") || says("recovered:") {
        Panic
    } else if says("supply cap") {
        SupplyCap
    } else if in_message && (says("not found") || says("does not exist")) {
        UnknownId
    } else {
        return None;
    })
}

/// "account sequence mismatch, expected 5, got 4: incorrect account sequence"
fn wrong_sequence(log: &str) -> RefusalReason {
    RefusalReason::WrongSequence {
        expected: number_after(log, "expected "),
        found: number_after(log, "got "),
    }
}

/// "insufficient fees; got: 1stake required: 5000stake: insufficient fee"
fn insufficient_fee(log: &str) -> RefusalReason {
    let required = log.split_once("required: ").and_then(|(_, rest)| {
        let coins: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        coins.trim_end_matches(':').parse().ok()
    });
    RefusalReason::InsufficientFee { required }
}

fn number_after(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.split_once(words)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use RefusalReason::*;
        f.write_str(match self {
            InvalidMiner => "the miner's address is not valid",
            InvalidNodeAddress => "the node's address is not valid",
            InvalidModelVersion => "the model version is empty or not the network's",
            InvalidRequest => "the chain does not take a request of this form",
            ParticipantNotPending => "a participant is no longer pending",
            RevealDeadlinePassed => "the commitment's reveal deadline has passed",
            AlreadyRevealed => "the commitment has been revealed already",
            MerkleRootMismatch => "the Merkle root is not the one that the chain computes",
            CommitmentHashMismatch => "what is revealed does not have the committed hash",
            ParticipantsDiffer => "the participants or their order differ from the commitment's",
            RoundDiffers => "the training round differs from the commitment's",
            EmptySalt => "the salt is empty",
            InvalidGradientHash => "a hash is not valid, or a reveal does not fit its commitment",
            InvalidIpfsHash => "the CID is not one that the chain takes",
            InvalidChallenge => "the challenge is not valid",
            InvalidMinerSignature => "the miner's signature is not valid",
            InvalidNonce => "the nonce is not valid",
            NotAuthorized => "the address is not an authorized proposer",
            CommitmentOfAnother => "the commitment belongs to another proposer",
            InsufficientStake => "the stake is below the network's minimum",
            UnknownId => "the chain holds no record with this id",
            SupplyCap => "the reward would exceed the supply cap",
            Internal => "the chain's module failed with an error of its own",
            Panic => "the chain's module crashed on this transaction",
            Undecodable => "the chain cannot decode the transaction",
            SignatureRejected => "the account's signature does not fit the transaction on this chain",
            InsufficientFunds => "the account's balance does not cover the amount and the fee",
            UnknownRequest => "the chain does not know this request",
            InvalidAddress => "an address is not valid on this chain",
            InvalidPublicKey => "the public key is not the account's",
            UnknownAccount => "the account does not exist on the chain",
            InvalidCoins => "an amount is not valid",
            OutOfGas => "the transaction needs more gas than it was given",
            MemoTooLarge => "the memo is too long",
            InsufficientFee { required: Some(required) } => {
                return write!(f, "the fee is below the {required} that the node asks for");
            }
            InsufficientFee { required: None } => "the fee is below what the node asks for",
            AlreadyInMempool => "the node has this transaction already",
            MempoolFull => "the node's mempool is full",
            TxTooLarge => "the transaction is larger than the chain takes",
            NotFound => "the chain holds nothing under this key",
            InvalidHeight => "the height is not valid",
            TimeoutHeight => "the transaction's timeout height has passed",
            WrongSequence { expected: Some(expected), found: Some(found) } => {
                return write!(
                    f,
                    "the account is at sequence {expected}, the transaction was signed for {found}"
                );
            }
            WrongSequence { .. } => "the transaction was signed for a sequence that the account is not at",
            NothingToWithdraw => "there is nothing to withdraw",
            UnknownValidator => "the validator does not exist",
            Other => "the chain refused it",
        })
    }
}

#[cfg(test)]
#[path = "refusal_table_tests.rs"]
mod table_tests;
#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
