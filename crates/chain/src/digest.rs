//! The hashes that the chain computes over again: commitment, Merkle root, a miner's message.

use sha2::{Digest, Sha256};

use crate::proto::MsgSubmitGradient;

/// The commitment to an aggregation: lower-case hex of the SHA-256 of
/// `{proposer}:{cid}:{merkle_root}:[{id} {id} ...]:{salt}`.
///
/// The chain trims blanks off CID, root and salt before it hashes; so does this.
pub fn commitment_hash(
    proposer: &str,
    cid: &str,
    merkle_root: &str,
    participant_gradient_ids: &[u64],
    salt: &str,
) -> String {
    let ids: Vec<String> = participant_gradient_ids.iter().map(u64::to_string).collect();
    let text =
        format!("{proposer}:{}:{}:[{}]:{}", cid.trim(), merkle_root.trim(), ids.join(" "), salt.trim());
    sha256_hex(&text)
}

/// The Merkle root over the participants' gradient hashes, in participant order; `None` without any.
///
/// A leaf is the hash's text itself. A parent is the lower-case hex of the SHA-256 of
/// `{left}:{right}`; an odd last node is paired with itself; one leaf is its own root.
pub fn merkle_root<S: AsRef<str>>(gradient_hashes: &[S]) -> Option<String> {
    let mut level: Vec<String> = gradient_hashes.iter().map(|leaf| leaf.as_ref().to_owned()).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| {
                let (left, right) = (&pair[0], pair.last().unwrap_or(&pair[0]));
                sha256_hex(&format!("{left}:{right}"))
            })
            .collect();
    }
    level.pop()
}

/// The text that a miner's signature in MsgSubmitGradient is about.
pub fn miner_signature_text(chain_id: &str, message: &MsgSubmitGradient) -> String {
    let MsgSubmitGradient {
        miner,
        ipfs_hash,
        model_version,
        training_round_id,
        shard_id,
        gradient_hash,
        gpu_architecture,
        nonce,
        ..
    } = message;
    format!(
        "{chain_id}|{miner}|{ipfs_hash}|{model_version}|{training_round_id}|{shard_id}|{gradient_hash}|{gpu_architecture}|{nonce}"
    )
}

/// The SHA-256 of [`miner_signature_text`]. Account keys hash what they sign once more, so these 32
/// bytes go into the key's `sign` as the message.
pub fn miner_signature_digest(chain_id: &str, message: &MsgSubmitGradient) -> [u8; 32] {
    Sha256::digest(miner_signature_text(chain_id, message)).into()
}

fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> serde_json::Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/manifest.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn merkle_roots_agree_with_the_vectors() {
        let manifest = manifest();
        let cases = manifest["merkle"].as_array().unwrap();
        assert_eq!(cases.len(), 9);
        for case in cases {
            let leaves: Vec<&str> =
                case["leaves"].as_array().unwrap().iter().map(|leaf| leaf.as_str().unwrap()).collect();
            assert_eq!(
                merkle_root(&leaves).unwrap(),
                case["root"].as_str().unwrap(),
                "{} leaves",
                leaves.len()
            );
        }
        assert_eq!(merkle_root::<&str>(&[]), None);
    }

    #[test]
    fn the_commitment_hash_agrees_with_the_vector() {
        let manifest = manifest();
        let case = &manifest["commitment"];
        let text = |name: &str| case[name].as_str().unwrap();
        let ids: Vec<u64> = case["participant_gradient_ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_u64().unwrap())
            .collect();
        let hash = |ids: &[u64], salt: &str| {
            commitment_hash(text("proposer"), text("cid"), text("merkle_root"), ids, salt)
        };
        assert_eq!(hash(&ids, text("salt")), text("hash"));
        assert_eq!(hash(&ids, &format!(" {}\n", text("salt"))), text("hash"), "blanks around the salt");
        let mut other_order = ids.clone();
        other_order.reverse();
        assert_ne!(hash(&other_order, text("salt")), text("hash"));
    }

    #[test]
    fn a_miner_signs_what_the_protocol_says() {
        let message = MsgSubmitGradient {
            miner: "remes1miner".into(),
            ipfs_hash: "bafkcid".into(),
            model_version: "v1".into(),
            training_round_id: 7,
            shard_id: 0,
            gradient_hash: "ab".into(),
            gpu_architecture: "sm_90".into(),
            nonce: 42,
            ..MsgSubmitGradient::default()
        };
        let text = "remes-1|remes1miner|bafkcid|v1|7|0|ab|sm_90|42";
        assert_eq!(miner_signature_text("remes-1", &message), text);
        // sha256sum of that text.
        assert_eq!(hex::encode(miner_signature_digest("remes-1", &message)), MINER_DIGEST);
    }

    const MINER_DIGEST: &str = "5855b34f82b8551ade85e113db3de807e8b5b6e22ef81cc0c3b750a1b2f3f6c4";
}
