//! The store of the module `remes.remes.v1` and the checks that its messages share.

use r3mes_chain::proto::{
    AggregationCommitment, AggregationRecord, ChallengeRecord, GlobalModelState, NodeRegistration,
    NodeStatus, ProposerCensorshipRecord, StoredGradient,
};
use sha2::{Digest, Sha256};

use super::super::coins::Coin;
use super::super::context::Context;
use super::super::error::{Refusal, remes};
use super::super::event::Event;
use super::bank;

/// Name of the module's store, with the slash that ends it.
pub(crate) const STORE: &[u8] = b"remes/";
pub(crate) const MODULE: &str = "remes";

pub(crate) const NEXT_GRADIENT: &[u8] = b"remes/next/gradient";
pub(crate) const NEXT_COMMITMENT: &[u8] = b"remes/next/commitment";
pub(crate) const NEXT_AGGREGATION: &[u8] = b"remes/next/aggregation";
pub(crate) const NEXT_CHALLENGE: &[u8] = b"remes/next/challenge";
pub(crate) const NEXT_REGISTRATION: &[u8] = b"remes/next/registration";
pub(crate) const NEXT_APPEAL: &[u8] = b"remes/next/appeal";
pub(crate) const MODEL: &[u8] = b"remes/model";

fn id_key(prefix: &str, id: u64) -> Vec<u8> {
    let mut key = [STORE, prefix.as_bytes()].concat();
    key.extend_from_slice(&id.to_be_bytes());
    key
}

fn text_key(prefix: &str, text: &str) -> Vec<u8> {
    [STORE, prefix.as_bytes(), text.as_bytes()].concat()
}

pub(crate) fn gradient_key(id: u64) -> Vec<u8> {
    id_key("sg_", id)
}

/// What the keys of all gradients begin with.
pub(crate) fn gradient_prefix() -> Vec<u8> {
    [STORE, b"sg_"].concat()
}

pub(crate) fn commitment_key(id: u64) -> Vec<u8> {
    id_key("ac_", id)
}

pub(crate) fn aggregation_key(id: u64) -> Vec<u8> {
    id_key("ar_", id)
}

pub(crate) fn challenge_key(id: u64) -> Vec<u8> {
    id_key("cr_", id)
}

pub(crate) fn registration_key(address: &str) -> Vec<u8> {
    text_key("nr_", address)
}

pub(crate) fn censorship_key(address: &str) -> Vec<u8> {
    text_key("pcr_", address)
}

pub(crate) fn proposer_key(address: &str) -> Vec<u8> {
    text_key("apa_", address)
}

pub(crate) fn validator_key(address: &str) -> Vec<u8> {
    text_key("ava_", address)
}

pub(crate) fn appeal_key(id: u64) -> Vec<u8> {
    id_key("appeal/", id)
}

pub(crate) fn nonce_key(miner: &str) -> Vec<u8> {
    text_key("nonce/", miner)
}

pub(crate) fn submissions_key(miner: &str) -> Vec<u8> {
    text_key("submissions/", miner)
}

pub(crate) fn successes_key(miner: &str) -> Vec<u8> {
    text_key("successes/", miner)
}

/// Under this prefix stand the aggregations that wait for their finalization, by deadline and id.
pub(crate) const DUE: &[u8] = b"remes/due/";

pub(crate) fn due_key(deadline: i64, id: u64) -> Vec<u8> {
    [DUE, &deadline.to_be_bytes(), &id.to_be_bytes()].concat()
}

pub(crate) fn gradient(ctx: &Context<'_>, id: u64) -> Result<StoredGradient, Refusal> {
    let found = ctx.record(&gradient_key(id))?;
    found.ok_or_else(|| Refusal::unregistered(format_args!("stored gradient {id} not found")))
}

pub(crate) fn commitment(ctx: &Context<'_>, id: u64) -> Result<AggregationCommitment, Refusal> {
    let found = ctx.record(&commitment_key(id))?;
    found.ok_or_else(|| Refusal::unregistered(format_args!("commitment {id} not found")))
}

pub(crate) fn aggregation(ctx: &Context<'_>, id: u64) -> Result<AggregationRecord, Refusal> {
    let found = ctx.record(&aggregation_key(id))?;
    found.ok_or_else(|| Refusal::unregistered(format_args!("aggregation {id} not found")))
}

pub(crate) fn challenge(ctx: &Context<'_>, id: u64) -> Result<ChallengeRecord, Refusal> {
    let found = ctx.record(&challenge_key(id))?;
    found.ok_or_else(|| Refusal::unregistered(format_args!("challenge {id} not found")))
}

pub(crate) fn registration(ctx: &Context<'_>, address: &str) -> Result<Option<NodeRegistration>, Refusal> {
    ctx.record(&registration_key(address))
}

pub(crate) fn censorship(ctx: &Context<'_>, address: &str) -> Result<ProposerCensorshipRecord, Refusal> {
    let found: Option<ProposerCensorshipRecord> = ctx.record(&censorship_key(address))?;
    Ok(found.unwrap_or(ProposerCensorshipRecord {
        proposer_address: address.to_owned(),
        ..ProposerCensorshipRecord::default()
    }))
}

pub(crate) fn model(ctx: &Context<'_>) -> Result<GlobalModelState, Refusal> {
    Ok(ctx.record(MODEL)?.unwrap_or_default())
}

pub(crate) fn is_flagged(ctx: &Context<'_>, key: &[u8]) -> bool {
    ctx.layer.get(key).is_some()
}

/// Writes or removes an entry of a whitelist: the byte 1, or nothing.
pub(crate) fn set_flag(ctx: &mut Context<'_>, key: Vec<u8>, on: bool) {
    if on { ctx.layer.set(key, vec![1]) } else { ctx.layer.remove(&key) }
}

/// A proposer may act if it is authorized, registered and not suspended.
pub(crate) fn check_proposer(ctx: &Context<'_>, address: &str) -> Result<(), Refusal> {
    if !is_flagged(ctx, &proposer_key(address)) {
        return Err(remes::UNAUTHORIZED.because(format_args!("{address} is not an authorized proposer")));
    }
    let Some(registration) = registration(ctx, address)? else {
        return Err(remes::UNAUTHORIZED.because(format_args!("{address} is not a registered node")));
    };
    match registration.status() {
        NodeStatus::Active => Ok(()),
        status => Err(remes::UNAUTHORIZED.because(format_args!("{address} is {}", status_text(status)))),
    }
}

pub(crate) fn status_text(status: NodeStatus) -> &'static str {
    match status {
        NodeStatus::Unspecified => "of unspecified status",
        NodeStatus::Active => "active",
        NodeStatus::Inactive => "inactive",
        NodeStatus::Slashed => "slashed",
        NodeStatus::Suspended => "suspended",
    }
}

/// The chain looks at a CID's first letters only.
pub(crate) fn check_cid(cid: &str) -> Result<(), Refusal> {
    if ["Qm", "bafy", "bafk"].iter().any(|start| cid.starts_with(start)) {
        return Ok(());
    }
    Err(remes::INVALID_IPFS_HASH.because(format_args!("{cid:?} does not begin with Qm, bafy or bafk")))
}

/// Whether `text` is a SHA-256 in lower-case hex.
pub(crate) fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The root over texts that are leaves as they are: parents hash `{left}:{right}`, and an odd last
/// node is its own neighbour.
pub(crate) fn merkle_root(leaves: &[String]) -> String {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| sha256_hex(&format!("{}:{}", pair[0], pair.get(1).unwrap_or(&pair[0]))))
            .collect();
    }
    level.pop().unwrap_or_default()
}

/// The text that a commitment's hash is taken over.
pub(crate) fn commitment_text(proposer: &str, cid: &str, root: &str, ids: &[u64], salt: &str) -> String {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    format!("{proposer}:{cid}:{root}:[{}]:{salt}", ids.join(" "))
}

/// Takes `amount` of the reward denom from the balance of `address`, or what there is of it, and counts
/// the event in its registration, whose status stays as it was.
pub(crate) fn slash(
    ctx: &mut Context<'_>,
    address: &str,
    amount: u128,
    reason: &str,
) -> Result<u128, Refusal> {
    let denom = ctx.config.reward_denom.clone();
    let taken = amount.min(bank::balance(ctx, address, &denom));
    if taken > 0 {
        bank::burn(ctx, address, &Coin::new(taken, denom.clone()))?;
    }
    if let Some(mut registration) = registration(ctx, address)? {
        registration.slashing_events += 1;
        ctx.set_record(registration_key(address), &registration);
    }
    let event = Event::new("node_slash", [("node_address", address), ("reason", reason)]);
    ctx.emit(event.with("amount", format!("{taken}{denom}")));
    Ok(taken)
}

/// The stake that a registration states, in the reward denom.
pub(crate) fn stake_of(ctx: &Context<'_>, registration: &NodeRegistration) -> u128 {
    let coin = Coin::parse(&registration.stake).filter(|c| c.denom == ctx.config.reward_denom);
    coin.map_or(0, |c| c.amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merkle_root_pairs_an_odd_node_with_itself() {
        let leaf = |n: u8| format!("{n}");
        assert_eq!(merkle_root(&[leaf(1)]), "1");
        let pair = sha256_hex("1:2");
        assert_eq!(merkle_root(&[leaf(1), leaf(2)]), pair);
        let odd = sha256_hex("3:3");
        assert_eq!(merkle_root(&[leaf(1), leaf(2), leaf(3)]), sha256_hex(&format!("{pair}:{odd}")));
    }

    #[test]
    fn roots_and_commitment_are_those_of_the_published_vectors() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/manifest.json");
        let manifest: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let trees = manifest["merkle"].as_array().unwrap();
        assert!(trees.len() > 2);
        for tree in trees {
            let leaves: Vec<String> = serde_json::from_value(tree["leaves"].clone()).unwrap();
            assert_eq!(merkle_root(&leaves), tree["root"]);
        }
        let stated = &manifest["commitment"];
        let text = |key: &str| stated[key].as_str().unwrap();
        let ids: Vec<u64> = serde_json::from_value(stated["participant_gradient_ids"].clone()).unwrap();
        let committed =
            commitment_text(text("proposer"), text("cid"), text("merkle_root"), &ids, text("salt"));
        assert_eq!(sha256_hex(&committed), text("hash"));
    }

    #[test]
    fn a_commitment_lists_ids_in_brackets() {
        assert_eq!(commitment_text("p", "c", "r", &[0, 7, 12], "s"), "p:c:r:[0 7 12]:s");
    }
}
