use super::*;

fn reason(codespace: &str, code: u32, log: &str) -> RefusalReason {
    Refusal::new(codespace, code, log).reason
}

#[test]
fn every_code_of_the_protocol_has_its_reason() {
    use RefusalReason::*;
    let cases = [
        ("remes", 1001, InvalidMiner),
        ("remes", 1002, InvalidNodeAddress),
        ("remes", 1005, InvalidModelVersion),
        ("remes", 1007, InvalidRequest),
        ("remes", 1012, InvalidGradientHash),
        ("remes", 1013, InvalidIpfsHash),
        ("remes", 1014, InvalidChallenge),
        ("remes", 1015, InvalidMinerSignature),
        ("remes", 1016, InvalidNonce),
        ("remes", 1017, NotAuthorized),
        ("remes", 1021, InsufficientStake),
        ("sdk", 4, SignatureRejected),
        ("sdk", 5, InsufficientFunds),
        ("sdk", 9, UnknownAccount),
        ("sdk", 11, OutOfGas),
        ("sdk", 13, InsufficientFee { required: None }),
        ("sdk", 19, AlreadyInMempool),
        ("sdk", 20, MempoolFull),
        ("sdk", 21, TxTooLarge),
        ("sdk", 22, NotFound),
        ("sdk", 30, TimeoutHeight),
        ("sdk", 32, WrongSequence { expected: None, found: None }),
        ("undefined", 1, Internal),
        ("undefined", 111_222, Panic),
        ("remes", 9999, Other),
    ];
    for (codespace, code, expected) in cases {
        assert_eq!(reason(codespace, code, ""), expected, "{codespace} {code}");
    }
}

#[test]
fn code_1012_is_told_apart_by_its_text() {
    use RefusalReason::*;
    let cases = [
        ("gradient 3 is aggregated, not pending: invalid gradient hash", ParticipantNotPending),
        ("Participant gradient 3 is no longer pending", ParticipantNotPending),
        (
            "reveal deadline of commitment 4 was height 20, now 21: invalid gradient hash",
            RevealDeadlinePassed,
        ),
        ("commitment 4 is already revealed: invalid gradient hash", AlreadyRevealed),
        ("merkle root mismatch: expected ab, got cd: invalid gradient hash", MerkleRootMismatch),
        (
            "commitment hash mismatch: committed ab, revealed cd: invalid gradient hash",
            CommitmentHashMismatch,
        ),
        ("commitment hash does not match: invalid gradient hash", CommitmentHashMismatch),
        (
            "participant gradient ids mismatch: committed [1], revealed [2]: invalid gradient hash",
            ParticipantsDiffer,
        ),
        ("training round id mismatch: committed 1, revealed 2: invalid gradient hash", RoundDiffers),
        ("the salt is empty: invalid gradient hash", EmptySalt),
        ("salt cannot be empty", EmptySalt),
        (
            "commitment hash \"x\" is not a SHA-256 in lower-case hex: invalid gradient hash",
            InvalidGradientHash,
        ),
        ("invalid gradient hash", InvalidGradientHash),
    ];
    for (log, expected) in cases {
        assert_eq!(reason("remes", 1012, log), expected, "{log}");
    }
}

#[test]
fn code_1017_is_told_apart_by_its_text() {
    use RefusalReason::*;
    let cases = [
        ("remes1x is not an authorized proposer: unauthorized", NotAuthorized),
        ("remes1x may not make a commitment: it is not whitelisted: unauthorized", NotAuthorized),
        ("unauthorized", NotAuthorized),
        ("commitment 4 is of another proposer: unauthorized", CommitmentOfAnother),
        ("only the proposer of commitment 4 may reveal it: unauthorized", CommitmentOfAnother),
    ];
    for (log, expected) in cases {
        assert_eq!(reason("remes", 1017, log), expected, "{log}");
    }
}

#[test]
fn figures_in_the_text_are_read() {
    let log = "account sequence mismatch, expected 15, got 14: incorrect account sequence";
    let refusal = Refusal::new("sdk", 32, log);
    assert_eq!(refusal.reason, RefusalReason::WrongSequence { expected: Some(15), found: Some(14) });
    assert!(refusal.is_about_sequence() && refusal.reason.is_transient());
    assert_eq!(
        refusal.to_string(),
        format!(
            "pass the chain's checks: the account is at sequence 15, the transaction was signed for 14 (sdk 32: {log})"
        )
    );
    let log = "insufficient fees; got: 1stake required: 5000stake: insufficient fee";
    let required = Some("5000stake".parse().unwrap());
    assert_eq!(reason("sdk", 13, log), RefusalReason::InsufficientFee { required });
}

/// A simulation is a query: its refusals arrive as code 6 or 18 with the error's text inside.
#[test]
fn a_simulations_refusal_is_read_off_its_text() {
    use RefusalReason::*;
    let query = |words: &str| {
        let log = format!(
            "rpc error: code = Unknown desc = {words} [cosmossdk.io/errors] with gas used: '12': unknown request"
        );
        reason("sdk", 6, &log)
    };
    let message = |words: &str| query(&format!("failed to execute message; message index: 0: {words}"));
    assert_eq!(
        query("account sequence mismatch, expected 2, got 1: incorrect account sequence"),
        WrongSequence { expected: Some(2), found: Some(1) }
    );
    assert_eq!(
        message("gradient 3 is aggregated, not pending: invalid gradient hash"),
        ParticipantNotPending
    );
    assert_eq!(message("remes1x is not an authorized proposer: unauthorized"), NotAuthorized);
    assert_eq!(message("commitment 4 is of another proposer: unauthorized"), CommitmentOfAnother);
    assert_eq!(
        query("signature verification failed; please verify chain-id (c): unauthorized"),
        SignatureRejected
    );
    assert_eq!(
        message("spendable balance 1stake is smaller than 5stake: insufficient funds"),
        InsufficientFunds
    );
    assert_eq!(query("out of gas in location: ReadFlat; gasWanted: 1, gasUsed: 2: out of gas"), OutOfGas);
    assert_eq!(message("stake 5remes is below 50000remes: insufficient stake"), InsufficientStake);
    assert_eq!(message("commitment 7 not found"), UnknownId);
    assert_eq!(reason("sdk", 6, "unknown query path: unknown request"), UnknownRequest);
}

#[test]
fn unregistered_errors_are_told_apart() {
    assert_eq!(
        reason("undefined", 1, "minting 5remes would exceed the supply cap"),
        RefusalReason::SupplyCap
    );
    assert_eq!(reason("undefined", 1, "gradient 9 not found"), RefusalReason::UnknownId);
    assert_eq!(reason("undefined", 1, "internal error"), RefusalReason::Internal);
}

/// As a node of SDK 0.50.15 answered that had been killed and started again.
#[test]
fn a_signature_refused_by_a_node_that_just_started_is_no_verdict() {
    let log = "signature verification failed; please verify account number (0) and chain-id (interop-1): (unable to verify single signer signature): unauthorized";
    let refusal = Refusal::new("sdk", 4, log);
    assert_eq!(refusal.reason, RefusalReason::SignatureRejected);
    assert!(refusal.is_of_a_new_start("interop-1"));
    // Signed for another chain, or a node that knows the account.
    assert!(!refusal.is_of_a_new_start("remes-1"));
    let known = Refusal::new("sdk", 4, log.replace("(0)", "(3)"));
    assert!(!known.is_of_a_new_start("interop-1"));
}
