//! What a client must know of a network before it signs.

use crate::{ChainError, Coin, Coins, Decimal};

/// A network, as far as signing and paying for transactions goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSpec {
    /// The chain id, which every signature covers.
    pub chain_id: String,
    /// The bech32 prefix of account addresses.
    pub prefix: String,
    /// The denom in which fees are paid.
    pub fee_denom: String,
    /// The price of one unit of gas in the fee denom.
    pub gas_price: Decimal,
    /// The factor by which simulated gas is raised, since state moves between simulation and block.
    pub gas_adjustment: Decimal,
}

impl ChainSpec {
    /// The gas limit for a transaction whose simulation used `gas_used`, rounded up.
    pub fn gas_limit(&self, gas_used: u64) -> u64 {
        self.gas_adjustment.mul_ceil(gas_used).and_then(|gas| u64::try_from(gas).ok()).unwrap_or(u64::MAX)
    }

    /// The fee for a gas limit at the network's price, rounded up; no coins at all where gas costs nothing.
    ///
    /// # Errors
    /// [`ChainError::Fee`] when the amount exceeds 128 bits.
    pub fn fee(&self, gas_limit: u64) -> Result<Coins, ChainError> {
        self.fee_at(self.gas_price, gas_limit)
    }

    /// The same at another price in the fee denom.
    ///
    /// # Errors
    /// As [`ChainSpec::fee`].
    pub fn fee_at(&self, price: Decimal, gas_limit: u64) -> Result<Coins, ChainError> {
        let amount = price.mul_ceil(gas_limit).ok_or_else(|| ChainError::Fee {
            gas: gas_limit,
            price: price.to_string(),
            denom: self.fee_denom.clone(),
        })?;
        Ok(self.coins(amount))
    }

    /// An amount of the fee denom; no coins at all where it is 0.
    pub(crate) fn coins(&self, amount: u128) -> Coins {
        match amount {
            0 => Coins::default(),
            amount => Coin::new(amount, self.fee_denom.clone()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_and_fee_are_rounded_up() {
        let mut spec = ChainSpec {
            chain_id: "remes-test".into(),
            prefix: "remes".into(),
            fee_denom: "stake".into(),
            gas_price: "0.025".parse().unwrap(),
            gas_adjustment: "1.5".parse().unwrap(),
        };
        assert_eq!(spec.gas_limit(100_001), 150_002);
        assert_eq!(spec.fee(150_002).unwrap().to_string(), "3751stake");
        assert_eq!(spec.gas_limit(u64::MAX), u64::MAX);
        spec.gas_price = Decimal::default();
        assert_eq!(spec.fee(150_002).unwrap(), Coins::default());
    }
}
