//! The accounts of a local network. Each follows from the network's seed, its role and its number, so
//! that whoever knows the seed can restore it from its words.

use r3mes_keys::{AccountKey, DEFAULT_PATH, KeyError, mnemonic_from_entropy};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::chain::{Coin, GenesisAccount};

/// What an account is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The operator's own account, authorized at genesis, not registered.
    Proposer,
    /// A competitor.
    SecondProposer,
    /// Who challenges aggregations and reports censorship.
    Admin,
    /// The miner of this index, from 0.
    Miner(u32),
    /// The operator of the consensus validator of this index, from 0.
    Validator(u32),
}

impl Role {
    fn parts(self) -> (&'static str, u32) {
        match self {
            Role::Proposer => ("proposer", 0),
            Role::SecondProposer => ("second-proposer", 0),
            Role::Admin => ("admin", 0),
            Role::Miner(index) => ("miner", index),
            Role::Validator(index) => ("validator", index),
        }
    }

    /// The account's name: `proposer`, `miner-3`, ...
    pub fn name(self) -> String {
        match self {
            Role::Miner(index) => format!("miner-{index}"),
            Role::Validator(0) => "validator".to_owned(),
            Role::Validator(index) => format!("validator-{index}"),
            other => other.parts().0.to_owned(),
        }
    }

    /// What the account owns at genesis: units of the reward denom and of the fee denom.
    pub fn balance(self) -> (u128, u128) {
        match self {
            Role::Proposer | Role::SecondProposer | Role::Admin => (200_000, 1_000_000_000),
            Role::Validator(_) => (200_000, 1_000_000_000),
            Role::Miner(_) => (10_000, 100_000_000),
        }
    }
}

/// An account of a local network. Its words are no secret: they follow from the seed.
#[derive(Debug)]
pub struct Account {
    /// What it is there for.
    pub role: Role,
    /// Bech32 address.
    pub address: String,
    /// BIP-39 words of its key, derived along [`DEFAULT_PATH`].
    pub mnemonic: String,
    /// The key.
    pub key: AccountKey,
}

impl Account {
    /// The account of `role` in the network of `seed`: the first 16 bytes of the SHA-256 of
    /// `{seed}|{role}|{index}` are the entropy of its words.
    ///
    /// # Errors
    /// When `prefix` is no bech32 prefix.
    pub fn derive(seed: u64, role: Role, prefix: &str) -> Result<Account, KeyError> {
        let (name, index) = role.parts();
        let digest = Sha256::digest(format!("{seed}|{name}|{index}").as_bytes());
        let mnemonic = mnemonic_from_entropy(&digest[..16])?.to_string();
        let key = AccountKey::from_mnemonic(&mnemonic, DEFAULT_PATH)?;
        Ok(Account { role, address: key.address(prefix), mnemonic, key })
    }

    /// The account with its balance, for the genesis of a chain with these denoms.
    pub fn genesis(&self, reward_denom: &str, fee_denom: &str) -> GenesisAccount {
        let (reward, fee) = self.role.balance();
        GenesisAccount {
            address: self.address.clone(),
            balance: vec![Coin::new(reward, reward_denom), Coin::new(fee, fee_denom)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_follows_from_seed_role_and_number() {
        let derive = |seed, role| Account::derive(seed, role, "remes").unwrap();
        let miner = derive(7, Role::Miner(3));
        assert_eq!(miner.address, derive(7, Role::Miner(3)).address);
        let others = [derive(8, Role::Miner(3)), derive(7, Role::Miner(4)), derive(7, Role::Proposer)];
        assert!(others.iter().all(|other| other.address != miner.address));
        assert!(miner.address.starts_with("remes1"));
        assert_eq!(miner.mnemonic.split(' ').count(), 12);
        let restored = AccountKey::from_mnemonic(&miner.mnemonic, DEFAULT_PATH).unwrap();
        assert_eq!(restored.public_key(), miner.key.public_key());
        assert_eq!(miner.role.name(), "miner-3");
    }
}
