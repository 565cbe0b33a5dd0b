//! Who announced a gradient: the transaction that carried it, and the miner's own signature in it.

use cosmrs::proto::cosmos::crypto::secp256k1::PubKey;
use cosmrs::proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};
use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};
use prost::Message;
use r3mes_chain::miner_signature_digest;
use r3mes_chain::proto::{MsgSubmitGradient, StoredGradient};
use r3mes_chain::rpc::TxOrder;

use super::{Check, Finding};
use crate::EngineError;
use crate::context::Context;

/// What only the chain knows of a gradient: its transaction, its miner's registration and score.
pub(crate) async fn check_source(
    context: &Context,
    gradient: &StoredGradient,
) -> Result<Vec<Finding>, EngineError> {
    let mut findings = vec![transaction(context, gradient).await?];
    let registered = context.chain.registration(&gradient.miner).await?.is_some();
    findings.push(Finding::new(
        Check::Registration,
        registered,
        if registered { "a registered node" } else { "no registration" },
        "a registered node (an unregistered miner's gradient is valid on the chain all the same)",
    ));
    if let Some(limit) = context.settings.quality.min_trust_score {
        let score = context.chain.miner_score(&gradient.miner).await?;
        findings.push(match score.and_then(|score| score.trust_score.parse::<f64>().ok()) {
            Some(score) => Finding::new(
                Check::TrustScore,
                score >= limit,
                score.to_string(),
                format!("at least {limit}"),
            ),
            None => Finding::unknown(Check::TrustScore, "no score", format!("at least {limit}")),
        });
    }
    Ok(findings)
}

/// The stored record keeps no signature; the transaction that carried the gradient does.
async fn transaction(context: &Context, gradient: &StoredGradient) -> Result<Finding, EngineError> {
    let expected = "a transaction signed by the miner that says what the chain's record says";
    let query = format!("gradient_submitted.gradient_id='{}'", gradient.id);
    let found = context.chain.rpc().tx_search(&query, 1, 1, TxOrder::Ascending).await?;
    let Some(carrier) = found.txs.first() else {
        return Ok(Finding::unknown(Check::Source, "no such transaction in the node's index", expected));
    };
    let network = &context.settings.network;
    let read = match announcement(&carrier.tx, &gradient.ipfs_hash) {
        Ok(read) => read,
        // The chain's own checks let it pass: what we cannot read is no fault of the gradient's.
        Err(why) => {
            let measured = format!("transaction {}: {why}", carrier.hash);
            return Ok(Finding::unknown(Check::Source, measured, expected));
        }
    };
    Ok(match read.check(gradient, &network.chain_id, &network.bech32_prefix) {
        Ok(()) => Finding::new(Check::Source, true, format!("transaction {}", carrier.hash), expected),
        Err(fault) => {
            Finding::failed(Check::Source, format!("transaction {}: {fault}", carrier.hash), expected)
        }
    })
}

/// A miner's message, and the key that signed the transaction around it.
struct Announcement {
    message: MsgSubmitGradient,
    signer: Option<PubKey>,
}

/// The message in a transaction that announces that CID, where one secp256k1 key signed it.
///
/// # Errors
/// Why it cannot be read so: the message is carried inside another one (as authz does), several accounts
/// signed, or one of several keys.
fn announcement(tx: &[u8], ipfs_hash: &str) -> Result<Announcement, String> {
    let unreadable = |error: prost::DecodeError| format!("it cannot be decoded: {error}");
    let raw = TxRaw::decode(tx).map_err(unreadable)?;
    let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(unreadable)?;
    let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(unreadable)?;
    let message = body
        .messages
        .iter()
        .filter(|any| any.type_url == "/remes.remes.v1.MsgSubmitGradient")
        .filter_map(|any| MsgSubmitGradient::decode(any.value.as_slice()).ok())
        .find(|message| message.ipfs_hash == ipfs_hash);
    let Some(message) = message else {
        let kinds: Vec<&str> = body.messages.iter().map(|any| any.type_url.as_str()).collect();
        let kinds = kinds.join(", ");
        return Err(format!(
            "the announcement is not among its own messages ({kinds}), but inside one of them"
        ));
    };
    let [signer] = auth.signer_infos.as_slice() else {
        return Err(format!("{} accounts signed it", auth.signer_infos.len()));
    };
    let signer = match &signer.public_key {
        Some(key) if key.type_url != "/cosmos.crypto.secp256k1.PubKey" => {
            return Err(format!("its signer's key is of the type {}", key.type_url));
        }
        Some(key) => PubKey::decode(key.value.as_slice()).ok(),
        None => None,
    };
    Ok(Announcement { message, signer })
}

impl Announcement {
    fn check(&self, gradient: &StoredGradient, chain_id: &str, prefix: &str) -> Result<(), String> {
        let Announcement { message, signer } = self;
        let same = message.miner == gradient.miner
            && message.gradient_hash == gradient.gradient_hash
            && message.training_round_id == gradient.training_round_id
            && message.model_version == gradient.model_version;
        if !same {
            return Err("it says something else than the chain's record".into());
        }
        let key = signer.as_ref().ok_or("it names no signer")?;
        let key = VerifyingKey::from_sec1_bytes(&key.key).map_err(|_| "its signer is no secp256k1 key")?;
        let address = cosmrs::crypto::PublicKey::from(&key)
            .account_id(prefix)
            .map_err(|error| format!("its signer has no address: {error}"))?;
        if address.as_ref() != gradient.miner {
            return Err(format!("{address} signed it, not the miner"));
        }
        let signature =
            Signature::from_slice(&message.signature).map_err(|_| "the miner's signature is malformed")?;
        key.verify(&miner_signature_digest(chain_id, message), &signature)
            .map_err(|_| "the miner's signature is of something else".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use cosmrs::Any;
    use cosmrs::proto::cosmos::tx::v1beta1::SignerInfo;
    use r3mes_keys::{AccountKey, DEFAULT_PATH};

    use super::*;

    const CHAIN_ID: &str = "remes-test";
    const WORDS: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    fn announced() -> (Announcement, StoredGradient) {
        let key = AccountKey::from_mnemonic(WORDS, DEFAULT_PATH).unwrap();
        let mut message = MsgSubmitGradient {
            miner: key.address("remes"),
            ipfs_hash: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy".into(),
            model_version: "v3".into(),
            training_round_id: 3,
            gradient_hash: "ab".repeat(32),
            nonce: 9,
            ..Default::default()
        };
        message.signature = key.sign(&miner_signature_digest(CHAIN_ID, &message)).to_vec();
        let signer = PubKey { key: key.public_key().to_bytes() };
        let record = StoredGradient {
            miner: message.miner.clone(),
            ipfs_hash: message.ipfs_hash.clone(),
            model_version: message.model_version.clone(),
            training_round_id: 3,
            gradient_hash: message.gradient_hash.clone(),
            ..Default::default()
        };
        (Announcement { message, signer: Some(signer) }, record)
    }

    #[test]
    fn the_miner_vouches_for_every_word() {
        let (announcement, record) = announced();
        assert_eq!(announcement.check(&record, CHAIN_ID, "remes"), Ok(()));
        let other_chain = announcement.check(&record, "remes-1", "remes").unwrap_err();
        assert!(other_chain.contains("of something else"), "{other_chain}");
        let (mut announcement, record) = announced();
        announcement.message.nonce += 1;
        assert!(announcement.check(&record, CHAIN_ID, "remes").is_err());
    }

    #[test]
    fn a_record_that_says_something_else_is_found_out() {
        let (announcement, mut record) = announced();
        record.gradient_hash = "cd".repeat(32);
        let fault = announcement.check(&record, CHAIN_ID, "remes").unwrap_err();
        assert!(fault.contains("something else than the chain's record"), "{fault}");
    }

    fn transaction(messages: Vec<Any>, signers: Vec<&str>) -> Vec<u8> {
        let signer = |type_url: &&str| SignerInfo {
            public_key: Some(Any { type_url: (*type_url).into(), value: Vec::new() }),
            ..Default::default()
        };
        let auth = AuthInfo { signer_infos: signers.iter().map(signer).collect(), ..Default::default() };
        let body = TxBody { messages, ..Default::default() };
        TxRaw {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            signatures: Vec::new(),
        }
        .encode_to_vec()
    }

    #[test]
    fn an_announcement_of_many_signers_or_inside_another_message_is_not_judged() {
        let (Announcement { message, .. }, record) = announced();
        let own = r3mes_chain::any(&message);
        let wrapped = Any { type_url: "/cosmos.authz.v1beta1.MsgExec".into(), value: own.encode_to_vec() };
        let read = |messages, signers| announcement(&transaction(messages, signers), &record.ipfs_hash);
        let single = "/cosmos.crypto.secp256k1.PubKey";
        assert!(read(vec![own.clone()], vec![single]).is_ok());
        let cases = [
            (vec![wrapped], vec![single], "(/cosmos.authz.v1beta1.MsgExec), but inside one of them"),
            (vec![own.clone()], vec![single, single], "2 accounts signed it"),
            (vec![own], vec!["/cosmos.crypto.multisig.LegacyAminoPubKey"], "LegacyAminoPubKey"),
        ];
        for (messages, signers, expected) in cases {
            let why = read(messages, signers).err().unwrap();
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn another_signer_is_named() {
        let (mut announcement, record) = announced();
        let other = AccountKey::from_mnemonic(WORDS, "m/44'/9999'/0'/0/1").unwrap();
        announcement.signer = Some(PubKey { key: other.public_key().to_bytes() });
        let fault = announcement.check(&record, CHAIN_ID, "remes").unwrap_err();
        assert!(fault.contains("signed it, not the miner"), "{fault}");
    }
}
