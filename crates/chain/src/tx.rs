//! Building and signing transactions (SIGN_MODE_DIRECT, one signer).

use cosmrs::Any;
use cosmrs::proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmrs::proto::cosmos::tx::v1beta1 as proto;
use cosmrs::proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmrs::tx::SignDoc;
use prost::{Message, Name};
use r3mes_keys::AccountKey;
use sha2::{Digest, Sha256};

use crate::{Account, Coins};

/// What a transaction does, and until when it may.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxBody {
    /// The messages, carried out in order: all or none.
    pub messages: Vec<Any>,
    /// A note, public for ever.
    pub memo: String,
    /// The last height whose block may hold the transaction; 0 is no limit.
    pub timeout_height: u64,
}

impl TxBody {
    /// A body of these messages, without memo.
    pub fn new(messages: impl IntoIterator<Item = Any>, timeout_height: u64) -> Self {
        TxBody { messages: messages.into_iter().collect(), memo: String::new(), timeout_height }
    }

    /// The same body with a memo.
    pub fn with_memo(self, memo: impl Into<String>) -> Self {
        TxBody { memo: memo.into(), ..self }
    }

    fn encode(&self) -> Vec<u8> {
        proto::TxBody {
            messages: self.messages.clone(),
            memo: self.memo.clone(),
            timeout_height: self.timeout_height,
            ..proto::TxBody::default()
        }
        .encode_to_vec()
    }
}

/// A message with its type URL, as a transaction carries it: one of [`crate::proto`], or of
/// `cosmrs::proto` (bank, distribution, ...).
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// A signed transaction. Store bytes and hash before the bytes are sent: what became of a transaction
/// can be asked by its hash alone, and only the same bytes may be sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedTx {
    /// The encoded `TxRaw`.
    pub bytes: Vec<u8>,
    /// Upper-case hex of the SHA-256 of the bytes.
    pub hash: String,
    /// The account's sequence that it uses up.
    pub sequence: u64,
    /// The last height whose block may hold it; 0 is no limit.
    pub timeout_height: u64,
    /// The gas it may use.
    pub gas_limit: u64,
    /// What it pays.
    pub fee: Coins,
}

/// What a transaction is given on its way, beside what simulation and prices say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The last height whose block may hold it; 0 is no limit.
    pub timeout_height: u64,
    /// How often its gas limit is raised by half: once for each time that it ran out of gas.
    pub gas_raises: u32,
    /// How often its fee is raised by half.
    pub fee_raises: u32,
    /// The least that it pays, in the fee denom: what a node asked for.
    pub least_fee: u128,
    /// The most that raises may come to. It bounds neither what the gas costs nor what a node asked for.
    pub most_fee: Option<u128>,
}

impl Terms {
    /// The gas limit for a transaction that simulation and the adjustment give `gas`.
    pub(crate) fn gas(&self, gas: u64) -> u64 {
        (0..self.gas_raises.min(16)).fold(gas, |gas, _| gas.saturating_add(gas / 2))
    }

    /// The fee for a transaction that gas and price give `fee`.
    pub(crate) fn fee(&self, fee: u128) -> u128 {
        let raised = (0..self.fee_raises.min(16)).fold(fee, |fee, _| fee.saturating_add(fee.div_ceil(2)));
        raised.min(self.most_fee.unwrap_or(u128::MAX).max(fee)).max(self.least_fee)
    }
}

/// Signs `body` for the account of `key`.
pub fn sign_tx(
    body: &TxBody,
    key: &AccountKey,
    chain_id: &str,
    account: Account,
    gas_limit: u64,
    fee: Coins,
) -> SignedTx {
    let public_key = Any::from(key.public_key());
    let sign_doc = SignDoc {
        body_bytes: body.encode(),
        auth_info_bytes: auth_info(public_key, account.sequence, gas_limit, &fee).encode_to_vec(),
        chain_id: chain_id.to_owned(),
        account_number: account.number,
    }
    .into_proto();
    let signature = key.sign(&sign_doc.encode_to_vec());
    let raw = proto::TxRaw {
        body_bytes: sign_doc.body_bytes,
        auth_info_bytes: sign_doc.auth_info_bytes,
        signatures: vec![signature.to_vec()],
    };
    let bytes = raw.encode_to_vec();
    SignedTx {
        hash: tx_hash(&bytes),
        bytes,
        sequence: account.sequence,
        timeout_height: body.timeout_height,
        gas_limit,
        fee,
    }
}

/// The bytes of a transaction that can be simulated: complete but for the signature, which simulation
/// does not check. It needs no secret.
pub fn unsigned_tx(body: &TxBody, public_key: cosmrs::crypto::PublicKey, sequence: u64) -> Vec<u8> {
    proto::TxRaw {
        body_bytes: body.encode(),
        auth_info_bytes: auth_info(Any::from(public_key), sequence, 0, &Coins::default()).encode_to_vec(),
        // As long as a real one: gas is paid for bytes too.
        signatures: vec![vec![0; 64]],
    }
    .encode_to_vec()
}

/// The messages in a signed transaction's bytes, in order; none where they do not read as one.
pub fn messages(tx: &[u8]) -> Vec<Any> {
    let body = proto::TxRaw::decode(tx).and_then(|raw| proto::TxBody::decode(raw.body_bytes.as_slice()));
    body.map(|body| body.messages).unwrap_or_default()
}

/// A transaction's name: upper-case hex of the SHA-256 of its bytes.
pub fn tx_hash(bytes: &[u8]) -> String {
    hex::encode_upper(Sha256::digest(bytes))
}

fn auth_info(public_key: Any, sequence: u64, gas_limit: u64, fee: &Coins) -> proto::AuthInfo {
    let direct = Sum::Single(Single { mode: SignMode::Direct.into() });
    proto::AuthInfo {
        signer_infos: vec![proto::SignerInfo {
            public_key: Some(public_key),
            mode_info: Some(proto::ModeInfo { sum: Some(direct) }),
            sequence,
        }],
        fee: Some(proto::Fee { amount: fee.to_proto(), gas_limit, ..proto::Fee::default() }),
        ..proto::AuthInfo::default()
    }
}

#[cfg(test)]
#[path = "tx_tests.rs"]
mod tests;
