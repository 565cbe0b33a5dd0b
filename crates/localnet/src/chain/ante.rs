//! What is asked of every transaction before its messages run: form, fee, signature, sequence.

use cosmrs::crypto::PublicKey;
use cosmrs::proto::cosmos::auth::v1beta1::BaseAccount;
use cosmrs::proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmrs::proto::cosmos::tx::v1beta1::{
    AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw, mode_info,
};
use k256::ecdsa::signature::Verifier as _;
use k256::ecdsa::{Signature, VerifyingKey};
use prost::Message;

use super::coins::{Coin, coins_text};
use super::context::Context;
use super::error::{Refusal, sdk};
use super::event::Event;
use super::gas;
use super::modules::{auth, bank, distribution};
use super::router::Msg;

/// Most characters of a memo.
const MAX_MEMO: usize = 256;

/// A transaction taken apart, with the bytes that its signature covers.
#[derive(Clone, Debug)]
pub(crate) struct Tx {
    pub(crate) hash: String,
    pub(crate) size: usize,
    pub(crate) messages: Vec<Msg>,
    body: TxBody,
    body_bytes: Vec<u8>,
    auth_bytes: Vec<u8>,
    fee: Fee,
    signers: Vec<SignerInfo>,
    signatures: Vec<Vec<u8>>,
}

/// Why a transaction is looked at; what is asked of it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Before it enters the mempool.
    Check,
    /// Again, after a block changed the state under it.
    Recheck,
    /// In a block.
    Deliver,
    /// To learn its gas: signatures may be empty.
    Simulate,
}

impl Tx {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Tx, Refusal> {
        let refused = |e: prost::DecodeError| sdk::TX_DECODE.because(e);
        let raw = TxRaw::decode(bytes).map_err(refused)?;
        let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(refused)?;
        let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(refused)?;
        let messages = body.messages.iter().map(Msg::decode).collect::<Result<Vec<Msg>, Refusal>>()?;
        Ok(Tx {
            hash: tx_hash(bytes),
            size: bytes.len(),
            messages,
            body,
            body_bytes: raw.body_bytes,
            auth_bytes: raw.auth_info_bytes,
            fee: auth.fee.unwrap_or_default(),
            signers: auth.signer_infos,
            signatures: raw.signatures,
        })
    }

    pub(crate) fn gas_limit(&self) -> u64 {
        self.fee.gas_limit
    }

    /// The one account that signs all messages.
    fn signer(&self, prefix: &str) -> Result<String, Refusal> {
        let mut signer: Option<String> = None;
        for message in &self.messages {
            let named = message.signer(prefix)?;
            match &signer {
                Some(first) if *first != named => {
                    return Err(sdk::UNAUTHORIZED.because(format_args!(
                        "wrong number of signers; expected 2, got {}",
                        self.signers.len()
                    )));
                }
                _ => signer = Some(named),
            }
        }
        signer.ok_or_else(|| sdk::INVALID_REQUEST.because("must contain at least one message"))
    }
}

/// A transaction's hash as CometBFT writes it.
pub(crate) fn tx_hash(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex::encode_upper(Sha256::digest(bytes))
}

/// Checks the transaction, takes its fee and counts its sequence.
pub(crate) fn run(ctx: &mut Context<'_>, tx: &Tx, mode: Mode) -> Result<(), Refusal> {
    check_form(ctx, tx, mode)?;
    let signer = tx.signer(&ctx.config.prefix)?;
    if !auth::is_address(&signer, &ctx.config.prefix) {
        return Err(sdk::INVALID_ADDRESS.because(format_args!("invalid signer address {signer:?}")));
    }
    ctx.gas.consume(gas::TX_BYTE.saturating_mul(tx.size as u64), "txSize")?;
    take_fee(ctx, tx, mode, &signer)?;
    let Some(account) = auth::account(ctx, &signer)? else {
        return Err(sdk::UNKNOWN_ADDRESS.because(format_args!("account {signer} does not exist")));
    };
    ctx.gas.consume(gas::SIGNATURE, "ante verify: secp256k1")?;
    ctx.gas.consume(gas::ACCOUNT, "account")?;
    let public_key = check_signature(ctx, tx, mode, &account)?;
    let sequence = Event::new("tx", [("acc_seq", format!("{signer}/{}", account.sequence))]);
    ctx.emit(sequence);
    auth::advance(ctx, account, public_key);
    Ok(())
}

fn check_form(ctx: &Context<'_>, tx: &Tx, mode: Mode) -> Result<(), Refusal> {
    if tx.messages.is_empty() {
        return Err(sdk::INVALID_REQUEST.because("must contain at least one message"));
    }
    let limit = ctx.config.max_tx_bytes;
    if tx.size > limit {
        return Err(sdk::TX_TOO_LARGE.because(format_args!("{} bytes, at most {limit} are allowed", tx.size)));
    }
    if tx.signatures.is_empty() && mode != Mode::Simulate {
        return Err(sdk::NO_SIGNATURES.because("a transaction is signed"));
    }
    if tx.signers.len() != 1 || tx.signatures.len() > 1 {
        let got = tx.signers.len().max(tx.signatures.len());
        return Err(sdk::UNAUTHORIZED.because(format_args!("wrong number of signers; expected 1, got {got}")));
    }
    let timeout = tx.body.timeout_height;
    if timeout != 0 && ctx.block.height as u64 > timeout {
        let height = ctx.block.height;
        return Err(
            sdk::TX_TIMEOUT_HEIGHT.because(format_args!("block height: {height}, timeout height: {timeout}"))
        );
    }
    if tx.body.memo.len() > MAX_MEMO {
        return Err(sdk::MEMO_TOO_LARGE.because(format_args!(
            "maximum number of characters is {MAX_MEMO} but received {} characters",
            tx.body.memo.len()
        )));
    }
    if tx.fee.gas_limit > ctx.config.max_block_gas {
        let (gas, most) = (tx.fee.gas_limit, ctx.config.max_block_gas);
        return Err(
            sdk::INVALID_REQUEST.because(format_args!("tx gas limit {gas} exceeds block max gas {most}"))
        );
    }
    Ok(())
}

fn take_fee(ctx: &mut Context<'_>, tx: &Tx, mode: Mode, signer: &str) -> Result<(), Refusal> {
    let coins: Option<Vec<Coin>> = tx.fee.amount.iter().map(Coin::from_proto).collect();
    let coins = coins.ok_or_else(|| sdk::INVALID_COINS.because("the fee is not an amount of coins"))?;
    if mode == Mode::Check {
        let denom = &ctx.config.fee_denom;
        let required = ctx.config.min_fee(tx.fee.gas_limit);
        let offered: u128 = coins.iter().filter(|c| c.denom == *denom).map(|c| c.amount).sum();
        if offered < required {
            return Err(sdk::INSUFFICIENT_FEE.because(format_args!(
                "insufficient fees; got: {} required: {required}{denom}",
                coins_text(&coins)
            )));
        }
    }
    let payer = if tx.fee.payer.is_empty() { signer } else { &tx.fee.payer };
    if payer != signer || !tx.fee.granter.is_empty() {
        return Err(sdk::UNAUTHORIZED.because("only the signer pays fees on this chain"));
    }
    if auth::account(ctx, payer)?.is_none() {
        return Err(sdk::UNKNOWN_ADDRESS.because(format_args!("fee payer address: {payer} does not exist")));
    }
    if coins.iter().any(|c| c.amount > 0) {
        let collector = auth::module_address(distribution::FEE_COLLECTOR, &ctx.config.prefix);
        bank::send(ctx, payer, &collector, &coins)?;
    }
    let event = [("fee", coins_text(&coins)), ("fee_payer", payer.to_owned())];
    ctx.emit(Event::new("tx", event));
    Ok(())
}

/// The signer's key is the account's, the sequence is the account's, and the signature is over this
/// chain's bytes. Answers the key as the account will keep it.
fn check_signature(
    ctx: &Context<'_>,
    tx: &Tx,
    mode: Mode,
    account: &BaseAccount,
) -> Result<cosmrs::Any, Refusal> {
    let signer = &tx.signers[0];
    let given = signer.public_key.clone().or_else(|| account.pub_key.clone());
    if signer.sequence != account.sequence {
        return Err(sdk::WRONG_SEQUENCE.because(format_args!(
            "account sequence mismatch, expected {}, got {}",
            account.sequence, signer.sequence
        )));
    }
    let Some(given) = given else {
        if mode == Mode::Simulate {
            return Ok(cosmrs::Any::default());
        }
        return Err(sdk::INVALID_PUB_KEY.because("PubKey not found"));
    };
    let key = PublicKey::try_from(&given)
        .map_err(|_| sdk::INVALID_PUB_KEY.because(format_args!("{} is not supported", given.type_url)))?;
    let owner = key.account_id(&ctx.config.prefix).map(|id| id.to_string());
    if !matches!(&owner, Ok(owner) if *owner == account.address) {
        return Err(sdk::INVALID_PUB_KEY
            .because(format_args!("pubKey does not match signer address {}", account.address)));
    }
    if matches!(mode, Mode::Simulate | Mode::Recheck) {
        return Ok(given);
    }
    let direct = matches!(
        &signer.mode_info,
        Some(ModeInfo { sum: Some(mode_info::Sum::Single(single)) }) if single.mode == SignMode::Direct as i32
    );
    if !direct {
        return Err(sdk::UNAUTHORIZED.because("only SIGN_MODE_DIRECT is supported"));
    }
    let document = SignDoc {
        body_bytes: tx.body_bytes.clone(),
        auth_info_bytes: tx.auth_bytes.clone(),
        chain_id: ctx.config.chain_id.clone(),
        account_number: account.account_number,
    };
    let verified = VerifyingKey::from_sec1_bytes(&key.to_bytes()).is_ok_and(|key| {
        let signature = Signature::from_slice(&tx.signatures[0]);
        // As the SDK does, take only the lower of the two values that would verify.
        signature
            .is_ok_and(|s| s.normalize_s().is_none() && key.verify(&document.encode_to_vec(), &s).is_ok())
    });
    if verified {
        return Ok(given);
    }
    Err(sdk::UNAUTHORIZED.because(format_args!(
        "signature verification failed; please verify account number ({}), sequence ({}) and chain-id ({})",
        account.account_number, account.sequence, ctx.config.chain_id
    )))
}
