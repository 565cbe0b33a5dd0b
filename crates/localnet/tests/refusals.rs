//! Every refusal that the protocol lists, provoked by a real transaction over the socket.

mod common;

use base64::Engine as _;
use common::*;
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use cosmrs::proto::cosmos::distribution::v1beta1::{
    MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission,
};
use r3mes_chain::proto::*;
use r3mes_localnet::chain::Operation;
use r3mes_localnet::{Account, LocalnetConfig, Role};
use serde_json::json;

/// A change of an otherwise right message, and how the chain refuses the outcome.
type Case<M> = (&'static str, fn(&mut M), &'static str, u64, &'static str);

/// Sends the message once for each change, and checks that each is refused as stated.
async fn refuse_all<M: prost::Message + prost::Name + Clone>(
    net: &Net,
    signer: &Account,
    right: &M,
    cases: &[Case<M>],
) {
    for (name, change, codespace, code, log) in cases {
        let mut wrong = right.clone();
        change(&mut wrong);
        match net.send(signer, &wrong).await {
            Ok(_) => panic!("{name}: the chain took it"),
            Err(refused) => {
                let expected = (*codespace, *code);
                assert_eq!((refused.codespace.as_str(), refused.code), expected, "{name}: {}", refused.log);
                assert!(refused.log.contains(log), "{name}: expected {log:?} in {:?}", refused.log);
            }
        }
    }
}

fn send(from: &Account, to: &str, amount: u128, denom: &str) -> MsgSend {
    MsgSend {
        from_address: from.address.clone(),
        to_address: to.to_owned(),
        amount: vec![Coin { denom: denom.to_owned(), amount: amount.to_string() }],
    }
}

#[tokio::test]
async fn registrations() {
    let net = Net::start().await;
    let miner = &net.miners[0];
    let right = registration(&miner.address);
    let not_whitelisted: &[Case<MsgRegisterNode>] =
        &[("proposer not whitelisted", |_| {}, "remes", 1017, "is not an authorized proposer: unauthorized")];
    refuse_all(&net, miner, &right, not_whitelisted).await;

    let right = registration(&net.proposer.address);
    let cases: &[Case<MsgRegisterNode>] = &[
        (
            "stake below 50000",
            |m| m.stake = "49999remes".into(),
            "remes",
            1021,
            "stakes at least 50000remes, got 49999remes",
        ),
        ("stake in another denom", |m| m.stake = "50000stake".into(), "remes", 1021, "insufficient stake"),
        ("stake that is no amount", |m| m.stake = "much".into(), "remes", 1007, "is not an amount of coins"),
        ("stake above the balance", |m| m.stake = "900000remes".into(), "sdk", 5, "insufficient funds"),
        ("no type", |m| m.node_type = 0, "remes", 1007, "node type is unspecified"),
        (
            "no role",
            |m| {
                m.roles.clear();
                m.role_allocations.clear()
            },
            "remes",
            1007,
            "at least one role",
        ),
        (
            "an unknown role",
            |m| {
                m.roles = vec![9];
                m.role_allocations[0].role = 9
            },
            "remes",
            1007,
            "unknown role",
        ),
        (
            "an allocation of another role",
            |m| m.role_allocations[0].role = 1,
            "remes",
            1007,
            "for role 1, not taken",
        ),
        ("more roles than allocations", |m| m.roles.push(1), "undefined", 111_222, "panic"),
        (
            "more allocations than roles",
            |m| m.role_allocations.push(allocation(NodeType::Mining)),
            "undefined",
            111_222,
            "panic",
        ),
        ("a proof that is no CID", |m| m.resource_proof_ipfs_hash = "proof".into(), "remes", 1013, "IPFS"),
        ("validator not whitelisted", |m| m.node_type = 3, "remes", 1017, "is not an authorized validator"),
    ];
    refuse_all(&net, &net.proposer, &right, cases).await;

    net.administer(Operation::GrantValidator { address: net.proposer.address.clone() });
    let validator: &[Case<MsgRegisterNode>] = &[(
        "validator's stake",
        |m| {
            m.roles.push(3);
            m.role_allocations.push(allocation(NodeType::Validator));
            m.stake = "99999remes".into()
        },
        "remes",
        1021,
        "a validator stakes at least 100000remes",
    )];
    refuse_all(&net, &net.proposer, &right, validator).await;

    net.register(&net.proposer).await;
    let twice: &[Case<MsgRegisterNode>] = &[("twice", |_| {}, "undefined", 111_222, "already registered")];
    refuse_all(&net, &net.proposer, &right, twice).await;
}

#[tokio::test]
async fn a_validator_may_propose_without_being_whitelisted_as_a_proposer() {
    let net = Net::start().await;
    net.administer(Operation::RevokeProposer { address: net.proposer.address.clone() });
    net.administer(Operation::GrantValidator { address: net.proposer.address.clone() });
    let mut both = registration(&net.proposer.address);
    both.roles.push(NodeType::Validator.into());
    both.role_allocations.push(allocation(NodeType::Validator));
    both.stake = "100000remes".into();
    net.send(&net.proposer, &both).await.unwrap();
    assert_eq!(net.registration(&net.proposer.address).await.roles, [4, 3]);
}

#[tokio::test]
async fn updates_of_registrations() {
    let net = Net::start().await;
    let right = MsgUpdateNodeRegistration {
        node_address: net.proposer.address.clone(),
        resources: Some(ResourceSpec { cpu_cores: 4, ..ResourceSpec::default() }),
        roles: vec![4],
        role_allocations: vec![allocation(NodeType::Proposer)],
        resource_proof_ipfs_hash: CID.into(),
    };
    let unregistered: &[Case<MsgUpdateNodeRegistration>] =
        &[("not registered", |_| {}, "remes", 1002, "is not a registered node")];
    refuse_all(&net, &net.proposer, &right, unregistered).await;
    net.register(&net.proposer).await;
    let cases: &[Case<MsgUpdateNodeRegistration>] = &[
        ("numbers differ", |m| m.roles.push(1), "undefined", 111_222, "panic"),
        (
            "validator not whitelisted",
            |m| {
                m.roles[0] = 3;
                m.role_allocations[0].role = 3
            },
            "remes",
            1017,
            "validator",
        ),
        ("no CID", |m| m.resource_proof_ipfs_hash = "x".into(), "remes", 1013, "IPFS"),
    ];
    refuse_all(&net, &net.proposer, &right, cases).await;
    net.send(&net.proposer, &right).await.unwrap();
    let stored = net.registration(&net.proposer.address).await;
    assert_eq!(stored.resources.unwrap().cpu_cores, 4);
    assert_eq!(stored.resource_proof_ipfs_hash, CID);
}

#[tokio::test]
async fn gradients() {
    let net = Net::start().await;
    let miner = &net.miners[0];
    // Height 1 is the nonce; the miner has sent nothing yet.
    let right = net.announcement(miner, 1);
    let cases: &[Case<MsgSubmitGradient>] = &[
        (
            "no CID",
            |m| m.ipfs_hash = "zdj7".into(),
            "remes",
            1013,
            "\"zdj7\" does not begin with Qm, bafy or bafk",
        ),
        ("no hash", |m| m.gradient_hash = "ABC".into(), "remes", 1012, "is not a SHA-256"),
        (
            "an upper-case hash",
            |m| m.gradient_hash = m.gradient_hash.to_uppercase(),
            "remes",
            1012,
            "lower-case",
        ),
        ("no model version", |m| m.model_version.clear(), "remes", 1005, "neither a model version"),
        ("nonce 0", |m| m.nonce = 0, "remes", 1016, "nonce 0 is not above the last one, 0"),
        ("no signature", |m| m.signature.clear(), "remes", 1015, "0 bytes are no compact signature"),
        ("signature of other text", |m| m.shard_id += 1, "remes", 1015, "is not signed by"),
        ("signature cut short", |m| m.signature.truncate(63), "remes", 1015, "63 bytes"),
    ];
    refuse_all(&net, miner, &right, cases).await;

    // A refused message leaves nothing: the first gradient has id 0.
    let first = net.send(miner, &right).await.unwrap().response::<MsgSubmitGradientResponse>();
    assert_eq!(first.stored_gradient_id, 0);
    let again: &[Case<MsgSubmitGradient>] =
        &[("the same nonce again", |_| {}, "remes", 1016, "nonce 1 is not above the last one, 1")];
    refuse_all(&net, miner, &right, again).await;
}

#[tokio::test]
async fn who_may_submit_a_gradient() {
    let net = Net::start().await;
    let miner = &net.miners[0];
    let away = send(miner, &net.admin.address, 9_001, "remes");
    net.send(miner, &away).await.unwrap();
    let poor: &[Case<MsgSubmitGradient>] = &[(
        "neither registered nor rich",
        |_| {},
        "remes",
        1017,
        "is not registered with stake and owns 999remes, less than 1000remes",
    )];
    refuse_all(&net, miner, &net.announcement(miner, 1), poor).await;
    // With 1000 and no registration a gradient is valid.
    net.send(&net.admin, &send(&net.admin, &miner.address, 1, "remes")).await.unwrap();
    net.send(miner, &net.announcement(miner, 1)).await.unwrap();
    // So it is with a registration and an empty purse.
    let node = MsgRegisterNode {
        node_type: NodeType::Mining.into(),
        stake: "1000remes".into(),
        roles: vec![NodeType::Mining.into()],
        role_allocations: vec![allocation(NodeType::Mining)],
        ..registration(&miner.address)
    };
    net.send(miner, &node).await.unwrap();
    net.send(miner, &send(miner, &net.admin.address, 1_000, "remes")).await.unwrap();
    net.send(miner, &net.announcement(miner, 1)).await.unwrap();
    // Not when it is suspended.
    net.administer(Operation::Suspend { address: miner.address.clone() });
    let suspended: &[Case<MsgSubmitGradient>] = &[("suspended", |_| {}, "remes", 1017, "is suspended")];
    refuse_all(&net, miner, &net.announcement(miner, 1), suspended).await;
}

#[tokio::test]
async fn commits() {
    let net = Net::start().await;
    let ids = net.announce(3, 1).await;
    let (right, _) = net.commit_and_reveal(&net.proposer, &ids, 1).await;
    let unregistered: &[Case<MsgCommitAggregation>] =
        &[("not registered", |_| {}, "remes", 1017, "is not a registered node")];
    refuse_all(&net, &net.proposer, &right, unregistered).await;
    net.register(&net.proposer).await;
    net.administer(Operation::RevokeProposer { address: net.proposer.address.clone() });
    let revoked: &[Case<MsgCommitAggregation>] =
        &[("not authorized", |_| {}, "remes", 1017, "is not an authorized proposer")];
    refuse_all(&net, &net.proposer, &right, revoked).await;
    net.administer(Operation::GrantProposer { address: net.proposer.address.clone() });
    net.administer(Operation::Suspend { address: net.proposer.address.clone() });
    let suspended: &[Case<MsgCommitAggregation>] = &[("suspended", |_| {}, "remes", 1017, "is suspended")];
    refuse_all(&net, &net.proposer, &right, suspended).await;
    net.administer(Operation::Reinstate { address: net.proposer.address.clone() });

    let cases: &[Case<MsgCommitAggregation>] = &[
        ("no hash", |m| m.commitment_hash.clear(), "remes", 1012, "commitment hash \"\" is not a SHA-256"),
        (
            "no participants",
            |m| m.participant_gradient_ids.clear(),
            "remes",
            1007,
            "at least one participant",
        ),
        ("one twice", |m| m.participant_gradient_ids.push(0), "remes", 1007, "gradient 0 is named twice"),
        (
            "an unknown one",
            |m| m.participant_gradient_ids.push(99),
            "undefined",
            1,
            "stored gradient 99 not found",
        ),
    ];
    refuse_all(&net, &net.proposer, &right, cases).await;
    net.aggregate(&net.proposer, &ids[..1], 1).await;
    let aggregated: &[Case<MsgCommitAggregation>] =
        &[("one aggregated", |_| {}, "remes", 1012, "gradient 0 is aggregated, not pending")];
    refuse_all(&net, &net.proposer, &right, aggregated).await;
}

#[tokio::test]
async fn reveals() {
    let net = Net::start().await;
    for proposer in [&net.proposer, &net.second] {
        net.register(proposer).await;
    }
    let ids = net.announce(3, 7).await;
    // The window is ten blocks, and each refused reveal takes one: the cases come in two halves.
    let cases: &[&[Case<MsgRevealAggregation>]] = &[
        &[
            ("unknown commitment", |m| m.commitment_id = 55, "undefined", 1, "commitment 55 not found"),
            (
                "another round",
                |m| m.training_round_id += 1,
                "remes",
                1012,
                "training round id mismatch: committed 7, revealed 8",
            ),
            (
                "other participants",
                |m| {
                    m.participant_gradient_ids.pop();
                },
                "remes",
                1012,
                "participant gradient ids mismatch",
            ),
            (
                "another order",
                |m| m.participant_gradient_ids.swap(0, 1),
                "remes",
                1012,
                "participant gradient ids mismatch: committed [0, 1, 2], revealed [1, 0, 2]",
            ),
            ("a blank salt", |m| m.salt = " \t".into(), "remes", 1012, "the salt is empty"),
            ("another salt", |m| m.salt.push('x'), "remes", 1012, "commitment hash mismatch"),
        ],
        &[
            (
                "no model version",
                |m| m.model_version = " ".into(),
                "remes",
                1005,
                "the model version is empty",
            ),
            (
                "no CID",
                |m| m.aggregated_gradient_ipfs_hash = "zb2r".into(),
                "remes",
                1013,
                "does not begin with Qm, bafy or bafk",
            ),
            (
                "another CID",
                |m| m.aggregated_gradient_ipfs_hash.push('a'),
                "remes",
                1012,
                "commitment hash mismatch",
            ),
            (
                "another root",
                |m| m.merkle_root = sha256_hex("x"),
                "remes",
                1012,
                "merkle root mismatch: expected",
            ),
        ],
    ];
    for half in cases {
        let (commit, mut reveal) = net.commit_and_reveal(&net.proposer, &ids, 7).await;
        let done = net.send(&net.proposer, &commit).await.unwrap();
        reveal.commitment_id = done.response::<MsgCommitAggregationResponse>().commitment_id;
        refuse_all(&net, &net.proposer, &reveal, half).await;
    }
    let (commit, mut reveal) = net.commit_and_reveal(&net.proposer, &ids, 7).await;
    let done = net.send(&net.proposer, &commit).await.unwrap();
    reveal.commitment_id = done.response::<MsgCommitAggregationResponse>().commitment_id;
    // Another proposer, although registered, may not reveal it.
    let mut other = reveal.clone();
    other.proposer = net.second.address.clone();
    net.send(&net.second, &other).await.unwrap_err().is("remes", 1017, "commitment 2 is of");
    // Nothing was lost: the right reveal succeeds, with blanks around what the chain trims.
    reveal.salt = format!(" {} ", reveal.salt);
    reveal.merkle_root = format!("{}\n", reveal.merkle_root);
    reveal.aggregated_gradient_ipfs_hash = format!("\t{CID}");
    net.send(&net.proposer, &reveal).await.unwrap();
    assert_eq!(net.aggregation(0).await.aggregated_gradient_ipfs_hash, CID);
    net.send(&net.proposer, &reveal).await.unwrap_err().is("remes", 1012, "commitment 2 is already revealed");
}

#[tokio::test]
async fn a_reveal_succeeds_in_the_deadline_block_and_fails_in_the_next() {
    for (late, window) in [(0, 10), (1, 10), (0, 3), (1, 3)] {
        let net =
            Net::with(LocalnetConfig { reveal_window_blocks: window, ..LocalnetConfig::default() }).await;
        net.register(&net.proposer).await;
        let ids = net.announce(2, 1).await;
        let (commit, reveal) = net.commit_and_reveal(&net.proposer, &ids, 1).await;
        let done = net.send(&net.proposer, &commit).await.unwrap();
        let response = done.response::<MsgCommitAggregationResponse>();
        let deadline = response.reveal_deadline_height;
        assert_eq!(deadline, done.height + i64::from(window));
        // The reveal is then in the block behind the last one made.
        net.chain().produce_blocks((deadline + late - 1 - done.height) as usize);
        let outcome = net.send(&net.proposer, &reveal).await;
        let stored: AggregationCommitment = net.record("ac_", response.commitment_id).await.unwrap();
        if late == 0 {
            assert_eq!(outcome.unwrap().height, deadline);
            assert_eq!(stored.status, "revealed");
        } else {
            outcome.unwrap_err().is("remes", 1012, &format!("was height {deadline}, now {}", deadline + 1));
            assert_eq!(stored.status, "committed", "no record ever says expired");
        }
    }
}

#[tokio::test]
async fn the_first_of_two_reveals_wins_and_the_other_loses_only_its_fee() {
    let net = Net::start().await;
    for proposer in [&net.proposer, &net.second] {
        net.register(proposer).await;
    }
    let ids = net.announce(2, 1).await;
    let mut reveals = Vec::new();
    for proposer in [&net.proposer, &net.second] {
        let (commit, mut reveal) = net.commit_and_reveal(proposer, &ids, 1).await;
        let done = net.send(proposer, &commit).await.unwrap();
        reveal.commitment_id = done.response::<MsgCommitAggregationResponse>().commitment_id;
        reveals.push(reveal);
    }
    net.send(&net.second, &reveals[1]).await.unwrap();
    let (reward, fee) = ("remes", "stake");
    let before = net.balance(&net.proposer.address, reward).await;
    let fees = net.balance(&net.proposer.address, fee).await;
    net.send(&net.proposer, &reveals[0]).await.unwrap_err().is(
        "remes",
        1012,
        "gradient 0 is aggregated, not pending",
    );
    assert_eq!(net.balance(&net.proposer.address, reward).await, before);
    assert_eq!(net.balance(&net.proposer.address, fee).await, fees - 25_000);
}

#[tokio::test]
async fn direct_submissions() {
    let net = Net::start().await;
    let ids = net.announce(3, 1).await;
    let (_, reveal) = net.commit_and_reveal(&net.proposer, &ids, 1).await;
    let right = MsgSubmitAggregation {
        proposer: reveal.proposer,
        aggregated_gradient_ipfs_hash: reveal.aggregated_gradient_ipfs_hash,
        merkle_root: reveal.merkle_root,
        participant_gradient_ids: ids.clone(),
        training_round_id: 1,
        model_version: VERSION.into(),
    };
    let unregistered: &[Case<MsgSubmitAggregation>] =
        &[("not registered", |_| {}, "remes", 1017, "registered")];
    refuse_all(&net, &net.proposer, &right, unregistered).await;
    net.register(&net.proposer).await;
    let cases: &[Case<MsgSubmitAggregation>] = &[
        ("no CID", |m| m.aggregated_gradient_ipfs_hash.clear(), "remes", 1013, "\"\" does not begin"),
        ("another root", |m| m.merkle_root.push('0'), "remes", 1012, "merkle root mismatch"),
        ("another order", |m| m.participant_gradient_ids.reverse(), "remes", 1012, "merkle root mismatch"),
        ("no model version", |m| m.model_version.clear(), "remes", 1005, "empty"),
        (
            "an unknown one",
            |m| m.participant_gradient_ids.push(77),
            "undefined",
            1,
            "stored gradient 77 not found",
        ),
        ("nobody", |m| m.participant_gradient_ids.clear(), "remes", 1007, "at least one participant"),
    ];
    refuse_all(&net, &net.proposer, &right, cases).await;
    // After a reveal of the same participants the direct submission fails.
    net.aggregate(&net.proposer, &ids, 1).await;
    let revealed: &[Case<MsgSubmitAggregation>] =
        &[("revealed already", |_| {}, "remes", 1012, "gradient 0 is aggregated, not pending")];
    refuse_all(&net, &net.proposer, &right, revealed).await;
}

#[tokio::test]
async fn appeals() {
    let net = Net::start().await;
    net.register(&net.proposer).await;
    let right = MsgAppealSlashing {
        appellant: net.proposer.address.clone(),
        slashing_reason: "censorship".into(),
        appeal_reason: "the gradient came later".into(),
        evidence_ipfs_hash: CID.into(),
    };
    let cases: &[Case<MsgAppealSlashing>] = &[
        ("never slashed", |_| {}, "remes", 1007, "was never slashed"),
        ("no evidence", |m| m.evidence_ipfs_hash.clear(), "remes", 1013, "IPFS"),
        ("no reason", |m| m.appeal_reason.clear(), "remes", 1007, "states no reason"),
    ];
    refuse_all(&net, &net.proposer, &right, cases).await;
    let address = net.proposer.address.clone();
    net.administer(Operation::Slash { address, amount: 10, reason: "test".into() });
    let done = net.send(&net.proposer, &right).await.unwrap();
    assert_eq!(done.response::<MsgAppealSlashingResponse>().appeal_id, "appeal-0");
}

#[tokio::test]
async fn the_supply_cap() {
    let net = Net::start().await;
    net.register(&net.proposer).await;
    let ids = net.announce(1, 1).await;
    let config = net.chain().config();
    let (commit, reveal) = net.commit_and_reveal(&net.proposer, &ids, 1).await;
    net.send(&net.proposer, &commit).await.unwrap();
    let flood = config.supply_cap - 1_000_000;
    net.administer(Operation::Fund {
        address: net.admin.address.clone(),
        amount: flood,
        denom: "remes".into(),
    });
    net.send(&net.proposer, &reveal).await.unwrap_err().is("undefined", 1, "would exceed the supply cap");
}

#[tokio::test]
async fn transactions_that_are_not_in_order() {
    let net = Net::start().await;
    let (from, to) = (&net.miners[0], &net.miners[1].address);
    let message = [any(&send(from, to, 5, "remes"))];
    let base = Options::default();
    let cases = [
        (
            "sequence",
            Options { sequence: Some(3), ..base.clone() },
            32,
            "account sequence mismatch, expected 0, got 3: incorrect account sequence",
        ),
        (
            "chain id",
            Options { chain_id: Some("remes-1".into()), ..base.clone() },
            4,
            "signature verification failed; please verify account number (5), sequence (0) and chain-id (remes-local-1): unauthorized",
        ),
        (
            "account number",
            Options { account_number: Some(99), ..base.clone() },
            4,
            "signature verification failed",
        ),
        (
            "fee",
            Options { fee: Some(24_999), ..base.clone() },
            13,
            "insufficient fees; got: 24999stake required: 25000stake: insufficient fee",
        ),
        ("no fee", Options { fee: Some(0), ..base.clone() }, 13, "insufficient fees"),
        (
            "funds for the fee",
            Options { fee: Some(100_000_001), ..base.clone() },
            5,
            "spendable balance 100000000stake is smaller than 100000001stake: insufficient funds",
        ),
        (
            "gas",
            Options { gas: 30_000, ..base.clone() },
            11,
            "out of gas in location: account; gasWanted: 30000, gasUsed: ",
        ),
        ("memo", Options { memo: "x".repeat(300), ..base.clone() }, 12, "memo too large"),
        ("more gas than a block", Options { gas: 100_000_001, ..base.clone() }, 18, "exceeds block max gas"),
    ];
    for (name, options, code, log) in cases {
        println!("{name}");
        let tx = net.sign(from, &message, &options).await;
        net.broadcast(&tx).await.unwrap_err().is("sdk", code, log);
    }
    net.chain().produce_blocks(3);
    let late = Options { timeout_height: 3, ..base.clone() };
    let tx = net.sign(from, &message, &late).await;
    net.broadcast(&tx).await.unwrap_err().is(
        "sdk",
        30,
        "block height: 4, timeout height: 3: tx timeout height",
    );

    net.broadcast(b"no transaction").await.unwrap_err().is("sdk", 2, "tx parse error");
    let unknown = cosmrs::Any { type_url: "/remes.remes.v1.MsgMine".into(), value: Vec::new() };
    let tx = net.sign(from, &[unknown], &base).await;
    net.broadcast(&tx).await.unwrap_err().is("sdk", 2, "unable to resolve type URL /remes.remes.v1.MsgMine");
    let tx = net.sign(from, &[], &base).await;
    net.broadcast(&tx).await.unwrap_err().is("sdk", 18, "must contain at least one message");
    // Someone else's signature over one's own coins.
    let tx = net.sign(&net.miners[1], &message, &base).await;
    net.broadcast(&tx).await.unwrap_err().is("sdk", 8, "pubKey does not match signer address");
    // An account that nobody ever paid.
    let stranger = Account::derive(99, Role::Admin, "remes").unwrap();
    let tx = net.sign(&stranger, &[any(&send(&stranger, to, 5, "remes"))], &base).await;
    net.broadcast(&tx).await.unwrap_err().is("sdk", 9, "does not exist: unknown address");
    let padding =
        MsgSend { from_address: from.address.clone(), to_address: "x".repeat(600_000), amount: vec![] };
    let tx = net.sign(from, &[any(&padding)], &base).await;
    net.broadcast(&tx).await.unwrap_err().is("sdk", 21, "tx too large");
    assert_eq!(net.chain().mempool_len(), 0);
}

#[tokio::test]
async fn messages_that_fail_in_their_block() {
    let net = Net::start().await;
    let from = &net.miners[0];
    let right = send(from, &net.miners[1].address, 5, "remes");
    let cases: &[Case<MsgSend>] = &[
        (
            "more than one owns",
            |m| m.amount[0].amount = "10001".into(),
            "sdk",
            5,
            "failed to execute message; message index: 0: spendable balance 10000remes is smaller than 10001remes",
        ),
        ("to nobody", |m| m.to_address = "remes1x".into(), "sdk", 7, "invalid to address"),
        ("nothing", |m| m.amount.clear(), "sdk", 10, "invalid coins"),
    ];
    refuse_all(&net, from, &right, cases).await;
    let validator = "remesvaloper1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqn86cmc";
    let withdraw = MsgWithdrawDelegatorReward {
        delegator_address: from.address.clone(),
        validator_address: validator.into(),
    };
    let refused = net.send(from, &withdraw).await.unwrap_err();
    assert!(["staking", "sdk"].contains(&refused.codespace.as_str()), "{refused:?}");
    let operator: cosmrs::AccountId = from.address.parse().unwrap();
    let own = cosmrs::AccountId::new("remesvaloper", &operator.to_bytes()).unwrap().to_string();
    let commission = MsgWithdrawValidatorCommission { validator_address: own };
    net.send(from, &commission).await.unwrap_err().is("staking", 3, "validator does not exist");
}

#[tokio::test]
async fn what_fails_costs_its_fee_and_leaves_nothing_else() {
    let net = Net::start().await;
    let from = &net.miners[0];
    let good = send(from, &net.admin.address, 5, "remes");
    let bad = send(from, &net.admin.address, 50_000, "remes");
    let (owned, fees) =
        (net.balance(&from.address, "remes").await, net.balance(&from.address, "stake").await);
    let tx = net.sign(from, &[any(&good), any(&bad)], &Options::default()).await;
    net.deliver(&tx).await.unwrap_err().is("sdk", 5, "message index: 1");
    assert_eq!(net.balance(&from.address, "remes").await, owned);
    assert_eq!(net.balance(&from.address, "stake").await, fees - 25_000);
    assert_eq!(net.base_account(&from.address).await.unwrap().sequence, 1);
    // Gas that ends in the messages, behind the signature.
    let short = Options { gas: 60_000, ..Options::default() };
    let tx = net.sign(from, &[any(&good), any(&good)], &short).await;
    net.deliver(&tx).await.unwrap_err().is("sdk", 11, "out of gas in location: message");
    assert_eq!(net.base_account(&from.address).await.unwrap().sequence, 2);
    assert_eq!(net.balance(&from.address, "remes").await, owned);
}

#[tokio::test]
async fn the_mempool_answers_by_errors_of_json_rpc() {
    let net = Net::start().await;
    let from = &net.miners[0];
    let tx = net.sign(from, &[any(&send(from, &net.admin.address, 5, "remes"))], &Options::default()).await;
    net.broadcast(&tx).await.unwrap();
    let params = json!({ "tx": base64::engine::general_purpose::STANDARD.encode(&tx) });
    let again = net.call("broadcast_tx_sync", params.clone()).await;
    assert_eq!(again["error"]["code"], -32603);
    assert_eq!(again["error"]["message"], "Internal error");
    assert_eq!(again["error"]["data"], "tx already exists in cache");
    net.chain().produce_block();
    let again = net.call("broadcast_tx_sync", params).await;
    assert_eq!(again["error"]["data"], "tx already exists in cache", "also when it is in a block");
}
