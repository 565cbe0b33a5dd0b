//! Accounts: addresses, numbers, sequences, public keys.

use cosmrs::AccountId;
use cosmrs::proto::Any;
use cosmrs::proto::cosmos::auth::v1beta1::BaseAccount;

use super::super::context::Context;
use super::super::error::Refusal;

const NEXT_NUMBER: &[u8] = b"auth/next";

fn key(address: &str) -> Vec<u8> {
    format!("auth/account/{address}").into_bytes()
}

/// Whether `text` is a bech32 address of 20 bytes with `prefix`.
pub(crate) fn is_address(text: &str, prefix: &str) -> bool {
    text.parse::<AccountId>().is_ok_and(|id| id.prefix() == prefix && id.to_bytes().len() == 20)
}

/// The validator address (`...valoper1...`) of an operator, or the operator of a validator address.
pub(crate) fn with_prefix(address: &str, prefix: &str) -> Option<String> {
    let id: AccountId = address.parse().ok()?;
    AccountId::new(prefix, &id.to_bytes()).ok().map(|id| id.to_string())
}

/// The address of a module's own account.
pub(crate) fn module_address(module: &str, prefix: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(module.as_bytes());
    AccountId::new(prefix, &digest[..20]).map(|id| id.to_string()).unwrap_or_else(|_| module.to_owned())
}

pub(crate) fn account(ctx: &Context<'_>, address: &str) -> Result<Option<BaseAccount>, Refusal> {
    ctx.record(&key(address))
}

/// Gives `address` an account if it has none yet, as whoever receives coins gets one.
pub(crate) fn ensure_account(ctx: &mut Context<'_>, address: &str) -> Result<(), Refusal> {
    if account(ctx, address)?.is_none() {
        let account_number = ctx.next_id(NEXT_NUMBER);
        let account = BaseAccount { address: address.to_owned(), pub_key: None, account_number, sequence: 0 };
        ctx.set_record(key(address), &account);
    }
    Ok(())
}

/// Counts a transaction of the account and remembers its key.
pub(crate) fn advance(ctx: &mut Context<'_>, mut account: BaseAccount, public_key: Any) {
    account.sequence += 1;
    account.pub_key = Some(public_key);
    ctx.set_record(key(&account.address.clone()), &account);
}
