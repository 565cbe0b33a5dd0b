//! Every refusal that the protocol knows, as its operator reads it.

use std::fmt::Write;

use super::*;
use crate::ChainError;
use crate::error::{NodeError, NodeErrorKind};

/// What is refused; codespace and code, where the transaction came into a block or mempool; the chain's words.
const REFUSALS: &[(&str, &str, u32, &str)] = &[
    ("register: not whitelisted", "remes", 1017, "remes1a is not an authorized proposer: unauthorized"),
    ("register: stake too small", "remes", 1021, "stake 5remes is below 50000remes: insufficient stake"),
    (
        "register: stake not owned",
        "sdk",
        5,
        "spendable balance 1remes is smaller than 50000remes: insufficient funds",
    ),
    ("register: twice, or roles and allocations differ", "undefined", 111_222, "panic"),
    ("register: another node address", "remes", 1002, "invalid node address"),
    (
        "commit: participant taken",
        "remes",
        1012,
        "gradient 3 is aggregated, not pending: invalid gradient hash",
    ),
    ("commit: participant unknown", "undefined", 1, "gradient 9 not found"),
    (
        "commit: malformed hash",
        "remes",
        1012,
        "commitment hash \"x\" is not a SHA-256 in lower-case hex: invalid gradient hash",
    ),
    (
        "reveal: past the deadline",
        "remes",
        1012,
        "reveal deadline of commitment 4 was height 20, now 21: invalid gradient hash",
    ),
    ("reveal: by another proposer", "remes", 1017, "commitment 4 is of another proposer: unauthorized"),
    (
        "reveal: another round",
        "remes",
        1012,
        "training round id mismatch: committed 1, revealed 2: invalid gradient hash",
    ),
    (
        "reveal: other participants or order",
        "remes",
        1012,
        "participant gradient ids mismatch: committed [1 2], revealed [2 1]: invalid gradient hash",
    ),
    ("reveal: empty salt", "remes", 1012, "the salt is empty: invalid gradient hash"),
    (
        "reveal: another salt or CID",
        "remes",
        1012,
        "commitment hash mismatch: committed ab, revealed cd: invalid gradient hash",
    ),
    ("reveal: empty model version", "remes", 1005, "invalid model version"),
    ("reveal: CID of another kind", "remes", 1013, "invalid IPFS hash"),
    (
        "reveal: another Merkle root",
        "remes",
        1012,
        "merkle root mismatch: expected ab, got cd: invalid gradient hash",
    ),
    ("reveal: twice", "remes", 1012, "commitment 4 is already revealed: invalid gradient hash"),
    ("reveal: commitment unknown", "undefined", 1, "commitment 7 not found"),
    ("reveal: supply exhausted", "undefined", 1, "minting 530remes would exceed the supply cap"),
    (
        "submit: after a reveal of the same",
        "remes",
        1012,
        "gradient 0 is aggregated, not pending: invalid gradient hash",
    ),
    ("gradient: miner", "remes", 1001, "invalid miner"),
    ("gradient: signature", "remes", 1015, "invalid signature"),
    ("gradient: nonce", "remes", 1016, "invalid nonce"),
    ("challenge: period over", "remes", 1014, "invalid challenge"),
    ("request of another build", "remes", 1007, "invalid request"),
    (
        "signature",
        "sdk",
        4,
        "signature verification failed; please verify account number (7), sequence (3) and chain-id (remes-1): unauthorized",
    ),
    ("funds", "sdk", 5, "spendable balance 1stake is smaller than 5000stake: insufficient funds"),
    ("account without coins", "sdk", 9, "account remes1a does not exist: unknown address"),
    ("gas", "sdk", 11, "out of gas in location: WriteFlat; gasWanted: 100, gasUsed: 200: out of gas"),
    ("fee", "sdk", 13, "insufficient fees; got: 1stake required: 5000stake: insufficient fee"),
    ("mempool: there already", "sdk", 19, "tx already in mempool"),
    ("mempool: full", "sdk", 20, "mempool is full"),
    ("size", "sdk", 21, "tx too large"),
    ("query of an unknown key", "sdk", 22, "gradient 9 not found: key not found"),
    ("timeout height", "sdk", 30, "block height: 30, timeout height: 20: tx timeout height"),
    ("sequence", "sdk", 32, "account sequence mismatch, expected 15, got 14: incorrect account sequence"),
    ("claim: nothing to withdraw", "distribution", 5, "no delegation distribution info"),
    ("a code that nobody lists", "other", 7, "something new"),
];

/// JSON-RPC errors: code, message, data.
const NODE_ERRORS: &[(&str, i64, &str, &str)] = &[
    (
        "mempool: full",
        -32603,
        "Internal error",
        "mempool is full: number of txs 5000 (max: 5000), total txs bytes 1 (max: 2)",
    ),
    ("mempool: there already", -32603, "Internal error", "tx already exists in cache"),
    ("size", -32603, "Internal error", "Tx too large. Max size is 1048576, but got 1048577"),
    ("transaction unknown", -32603, "Internal error", "tx (6A2E0B) not found"),
    ("no index", -32603, "Internal error", "transaction indexing is disabled"),
    (
        "height ahead",
        -32603,
        "Internal error",
        "height 77 must be less than or equal to the current blockchain height 76",
    ),
    ("height pruned", -32603, "Internal error", "height 1 is not available, lowest height is 5"),
    ("method unknown", -32601, "Method not found", ""),
    ("anything else", -32603, "Internal error", "something new"),
];

#[test]
fn each_refusal_reads_as_one_sentence_with_its_remedy() {
    let mut table = String::new();
    for (what, codespace, code, log) in REFUSALS {
        tell(&mut table, what, &Refusal::new(*codespace, *code, *log).into());
    }
    for (what, code, message, data) in NODE_ERRORS {
        let kind = NodeErrorKind::classify(*code, message, data);
        let (message, data) = ((*message).to_owned(), (*data).to_owned());
        tell(&mut table, what, &NodeError { method: "m".into(), code: *code, message, data, kind }.into());
    }
    insta::assert_snapshot!("refusals", table);
}

fn tell(table: &mut String, what: &str, error: &ChainError) {
    let reason = match error {
        ChainError::Refused(refusal) => refusal.reason.to_string(),
        ChainError::Node(error) => error.kind.to_string(),
        other => other.to_string(),
    };
    let remedy = error.remedy().unwrap_or("-");
    assert!(!reason.is_empty() && !reason.contains('\n') && !remedy.contains('\n'), "{what}");
    writeln!(table, "{what}\n    {reason}\n    -> {remedy}").unwrap();
}
