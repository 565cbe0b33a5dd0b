use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;

use super::*;
use crate::Coin;
use crate::proto::{MsgCommitAggregation, MsgRevealAggregation};

/// CosmJS's published vectors: a transfer of 1234567ucosm from its test mnemonic's first account,
/// signed by the Go implementation for chain `simd-testing`, account 1, 200000 gas, 2000ucosm.
const BODY: &str = "0a90010a1c2f636f736d6f732e62616e6b2e763162657461312e4d736753656e6412700a2d636f736d6f7331706b707472653766646b6c366766727a6c65736a6a766878686c63337234676d6d6b38727336122d636f736d6f7331717970717870713971637273737a673270767871367273307a716733797963356c7a763778751a100a0575636f736d120731323334353637";
const SIGNATURES: [&str; 3] = [
    "c9dd20e07464d3a688ff4b710b1fbc027e495e797cfa0b4804da2ed117959227772de059808f765aa29b8f92edf30f4c2c5a438e30d3fe6897daa7141e3ce6f9",
    "525adc7e61565a509c60497b798c549fbf217bb5cd31b24cc9b419d098cc95330c99ecc4bc72448f85c365a4e3f91299a3d40412fb3751bab82f1940a83a0a4c",
    "f3f2ca73806f2abbf6e0fe85f9b8af66f0e9f7f79051fdb8abe5bb8633b17da132e82d577b9d5f7a6dae57a144efc9ccc6eef15167b44b3b22a57240109762af",
];
const WORDS: &str = "economy stock theory fatal elder harbor betray wasp final emotion task crumble \
                     siren bottom lizard educate guess current outdoor pair theory focus wife stone";

fn key() -> AccountKey {
    AccountKey::from_mnemonic(WORDS, &r3mes_keys::derivation_path(118)).unwrap()
}

fn transfer() -> TxBody {
    let message = MsgSend {
        from_address: key().address("cosmos"),
        to_address: "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu".into(),
        amount: vec![Coin::new(1_234_567, "ucosm").to_proto()],
    };
    TxBody::new([any(&message)], 0)
}

#[test]
fn a_signed_transaction_is_that_of_the_go_implementation() {
    assert_eq!(hex::encode(transfer().encode()), BODY);
    for (sequence, signature) in SIGNATURES.iter().enumerate() {
        let account = Account { number: 1, sequence: sequence as u64 };
        let fee = Coins::from(Coin::new(2000, "ucosm"));
        let signed = sign_tx(&transfer(), &key(), "simd-testing", account, 200_000, fee);
        // TxRaw: body (0a), auth info (12) and the signature as its last 66 bytes (1a 40).
        let bytes = hex::encode(&signed.bytes);
        assert!(bytes.starts_with(&format!("0a9301{BODY}12")), "{bytes}");
        assert!(bytes.ends_with(&format!("1a40{signature}")), "{bytes}");
        assert_eq!(signed.hash, hex::encode(Sha256::digest(&signed.bytes)).to_uppercase());
        assert_eq!(signed.sequence, sequence as u64);
    }
}

#[test]
fn everything_that_is_signed_changes_the_signature() {
    let sign = |body: &TxBody, chain_id: &str, number: u64, gas: u64, fee: u128| {
        let fee = Coins::from(Coin::new(fee, "stake"));
        sign_tx(body, &key(), chain_id, Account { number, sequence: 0 }, gas, fee).hash
    };
    let right = sign(&transfer(), "remes-1", 1, 10, 5);
    assert_eq!(right, sign(&transfer(), "remes-1", 1, 10, 5), "signing is deterministic");
    let others = [
        sign(&transfer(), "remes-2", 1, 10, 5),
        sign(&transfer(), "remes-1", 2, 10, 5),
        sign(&transfer(), "remes-1", 1, 11, 5),
        sign(&transfer(), "remes-1", 1, 10, 6),
        sign(&transfer().with_memo("m"), "remes-1", 1, 10, 5),
        sign(&TxBody { timeout_height: 9, ..transfer() }, "remes-1", 1, 10, 5),
    ];
    assert!(others.iter().all(|hash| *hash != right));
}

#[test]
fn a_fee_of_nothing_carries_no_coins() {
    let signed = sign_tx(&transfer(), &key(), "c", Account::default(), 7, Coins::default());
    let raw = proto::TxRaw::decode(signed.bytes.as_slice()).unwrap();
    let fee = proto::AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap().fee.unwrap();
    assert_eq!((fee.amount.len(), fee.gas_limit), (0, 7));
}

/// Written by hand from the protocol's field numbers: id 0 inside a packed list is a byte, as a field
/// it is left out.
#[test]
fn messages_are_encoded_as_the_protocol_numbers_them() {
    let commit = MsgCommitAggregation {
        proposer: "p".into(),
        commitment_hash: "h".into(),
        training_round_id: 300,
        participant_gradient_ids: vec![0, 1, 300],
    };
    assert_eq!(hex::encode(commit.encode_to_vec()), "0a0170120168 18ac02 22040001ac02".replace(' ', ""));
    assert_eq!(any(&commit).type_url, "/remes.remes.v1.MsgCommitAggregation");
    let reveal = MsgRevealAggregation {
        proposer: "p".into(),
        commitment_id: 0,
        aggregated_gradient_ipfs_hash: "c".into(),
        merkle_root: "m".into(),
        participant_gradient_ids: vec![2],
        training_round_id: 1,
        model_version: "v".into(),
        salt: "s".into(),
    };
    assert_eq!(
        hex::encode(reveal.encode_to_vec()),
        "0a0170 1a0163 22016d 2a0102 3001 3a0176 420173".replace(' ', "")
    );
}

#[test]
fn a_simulated_transaction_is_as_long_as_a_signed_one() {
    let unsigned = unsigned_tx(&transfer(), key().public_key(), 5);
    let signed = sign_tx(&transfer(), &key(), "c", Account { number: 3, sequence: 5 }, 0, Coins::default());
    assert_eq!(unsigned.len(), signed.bytes.len());
}

#[test]
fn terms_raise_gas_and_fee_by_half_each_time() {
    let terms =
        |gas_raises, fee_raises, least_fee| Terms { gas_raises, fee_raises, least_fee, ..Terms::default() };
    assert_eq!((terms(0, 0, 0).gas(100_001), terms(0, 0, 0).fee(2_501)), (100_001, 2_501));
    assert_eq!(terms(2, 0, 0).gas(100_000), 225_000);
    assert_eq!(terms(0, 2, 0).fee(2_501), 5_628);
    assert_eq!(terms(0, 1, 9_000).fee(2_501), 9_000, "what a node asks for is the least");
    assert_eq!(terms(99, 99, 0).gas(u64::MAX), u64::MAX);
    let bounded = Terms { most_fee: Some(3_000), ..terms(0, 1, 0) };
    assert_eq!((bounded.fee(2_501), bounded.fee(5_000)), (3_000, 5_000));
}
