//! Withdrawing what the distribution module holds: delegation rewards and an operator's commission.
//!
//! Rewards of aggregations are minted in the reveal and need no claim.

use cosmrs::proto::cosmos::distribution::v1beta1::{
    MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission,
};
use r3mes_chain::{Any, Chain, ChainError, Coins, DecCoin, DelegationReward, Estimate, RefusalReason, any};
use r3mes_engine::journal::Purpose;
use serde::Serialize;

use crate::amount::{Amount, Sums, amounts};
use crate::orders::Receipt;
use crate::{ApiError, ErrorCode, Workspace};

/// What a claim would bring and cost.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimPreview {
    /// The account.
    pub address: String,
    /// What each validator owes to the account, in whole units.
    pub validators: Vec<ValidatorReward>,
    /// The commission of the validator that the account operates.
    pub commission: Vec<Amount>,
    /// All of it, by denom.
    pub total: Vec<Amount>,
    /// The gas limit, decimal; absent where there is nothing to claim.
    pub gas: Option<String>,
    /// The fee.
    pub fee: Vec<Amount>,
    /// What is left when the fee is paid, by denom; negative where only the fee is of a denom.
    pub net: Vec<Amount>,
    /// Why there will be no claim.
    pub refusal: Option<ApiError>,
    #[serde(skip)]
    messages: Vec<Any>,
}

/// What one validator owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidatorReward {
    /// The validator's operator address.
    pub validator: String,
    /// Whole units.
    pub amounts: Vec<Amount>,
}

/// A claim that a block holds.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimReceipt {
    /// The transaction and what it brought.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// What can be claimed after it.
    pub claimable: Vec<Amount>,
}

/// What the distribution module holds for an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimable {
    rewards: Vec<DelegationReward>,
    /// The account's own validator, and its commission.
    commission: Option<(String, Vec<DecCoin>)>,
}

impl Claimable {
    pub(crate) async fn read(chain: &Chain, address: &str) -> Result<Claimable, ApiError> {
        let is_whole = |coins: &[DecCoin]| coins.iter().any(|coin| coin.amount.floor() > 0);
        let mut rewards = chain.delegation_rewards(address).await?;
        rewards.retain(|entry| is_whole(&entry.reward));
        let operator = chain.operator_address(address)?;
        let commission = match chain.validator_commission(&operator).await {
            Ok(commission) => commission,
            Err(ChainError::Refused(refusal))
                if matches!(
                    refusal.reason,
                    RefusalReason::UnknownValidator | RefusalReason::NothingToWithdraw
                ) =>
            {
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        let commission = is_whole(&commission).then_some((operator, commission));
        Ok(Claimable { rewards, commission })
    }

    pub(crate) fn total(&self) -> Sums {
        let mut total = Sums::default();
        self.rewards.iter().for_each(|entry| total.add_whole(&entry.reward));
        self.commission.iter().for_each(|(_, commission)| total.add_whole(commission));
        total
    }

    /// One withdrawal a validator, and the commission's.
    fn messages(&self, address: &str) -> Vec<Any> {
        let reward = |entry: &DelegationReward| {
            any(&MsgWithdrawDelegatorReward {
                delegator_address: address.to_owned(),
                validator_address: entry.validator.clone(),
            })
        };
        let commission = self.commission.iter().map(|(operator, _)| {
            any(&MsgWithdrawValidatorCommission { validator_address: operator.clone() })
        });
        self.rewards.iter().map(reward).chain(commission).collect()
    }
}

impl Workspace {
    /// What a claim would bring and cost now. No secret is touched, and nothing is sent.
    ///
    /// # Errors
    /// When no key is chosen, or the network does not answer.
    pub async fn claim_preview(&self) -> Result<ClaimPreview, ApiError> {
        let address = self.address()?;
        let chain = self.connect()?.chain;
        let claimable = Claimable::read(&chain, &address).await?;
        let total = claimable.total();
        let whole = |coins: &[DecCoin]| {
            let mut sums = Sums::default();
            sums.add_whole(coins);
            sums.amounts()
        };
        let mut preview = ClaimPreview {
            validators: claimable
                .rewards
                .iter()
                .map(|entry| ValidatorReward {
                    validator: entry.validator.clone(),
                    amounts: whole(&entry.reward),
                })
                .collect(),
            commission: claimable.commission.as_ref().map(|(_, coins)| whole(coins)).unwrap_or_default(),
            total: total.amounts(),
            gas: None,
            fee: Vec::new(),
            net: total.amounts(),
            refusal: None,
            messages: claimable.messages(&address),
            address,
        };
        if preview.messages.is_empty() {
            let text = format!("claim: nothing waits for {}", preview.address);
            let remedy = "rewards of aggregations are paid by the reveal itself and need no claim";
            preview.refusal = Some(ApiError::new(ErrorCode::NothingToClaim, text).with_remedy(remedy));
            return Ok(preview);
        }
        let cost = self.cost(&chain, &preview.messages).await?;
        preview.gas = Some(cost.gas_limit.to_string());
        preview.fee = amounts(&cost.fee);
        let mut net = total.clone();
        cost.fee.0.iter().for_each(|coin| net.subtract(&coin.denom, coin.amount));
        preview.net = net.amounts();
        preview.refusal = match not_worth(&total, &cost) {
            Some(refusal) => Some(refusal),
            None => self.unpayable(&chain, &cost, &Coins::default()).await?,
        };
        Ok(preview)
    }

    /// Sends the claim that was previewed, waits until a block holds it, and asks what is left. One claim
    /// is under way at a time.
    ///
    /// # Errors
    /// The preview's refusal; [`ErrorCode::Pending`] while another claim is under way; what the chain
    /// refuses, or a network that does not answer.
    pub async fn claim(&self, preview: &ClaimPreview) -> Result<ClaimReceipt, ApiError> {
        if let Some(refusal) = &preview.refusal {
            return Err(refusal.clone());
        }
        let receipt = self.order(Purpose::Claim, &preview.messages).await?;
        self.claimed(receipt).await
    }

    /// Goes on with a claim that was confirmed before and did not come to its end; `None` where there is
    /// none.
    ///
    /// # Errors
    /// [`ErrorCode::Pending`] while another process works on it; else as [`Workspace::claim`].
    pub async fn resume_claim(&self) -> Result<Option<ClaimReceipt>, ApiError> {
        match self.resume_order(Purpose::Claim).await? {
            Some(receipt) => self.claimed(receipt).await.map(Some),
            None => Ok(None),
        }
    }

    async fn claimed(&self, receipt: Receipt) -> Result<ClaimReceipt, ApiError> {
        let left = Claimable::read(&self.connect()?.chain, &self.address()?).await?;
        Ok(ClaimReceipt { receipt, claimable: left.total().amounts() })
    }
}

/// A claim whose fee eats all of it, where both are of one denom.
fn not_worth(total: &Sums, cost: &Estimate) -> Option<ApiError> {
    let [fee] = cost.fee.0.as_slice() else { return None };
    let alone = total.denoms().all(|denom| denom == fee.denom);
    let claimed = total.of(&fee.denom);
    if !alone || claimed > i128::try_from(fee.amount).unwrap_or(i128::MAX) {
        return None;
    }
    let text = format!("claim {claimed}{}: the fee of {fee} is not less", fee.denom);
    Some(ApiError::new(ErrorCode::Fee, text).with_remedy("wait until more has come together"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use r3mes_chain::Coin;

    fn total(amounts: &[(&str, u128)]) -> Sums {
        let mut sums = Sums::default();
        amounts.iter().for_each(|(denom, amount)| sums.add(denom, *amount));
        sums
    }

    #[test]
    fn a_fee_that_eats_the_claim_is_refused_only_within_its_denom() {
        let cost = Estimate { fee: Coin::new(10, "stake").into(), ..Estimate::default() };
        assert!(not_worth(&total(&[("stake", 10)]), &cost).is_some());
        assert!(not_worth(&total(&[("stake", 11)]), &cost).is_none());
        assert!(not_worth(&total(&[("stake", 1), ("remes", 1)]), &cost).is_none());
        assert!(not_worth(&total(&[("remes", 1)]), &cost).is_none());
        assert!(not_worth(&total(&[("stake", 1)]), &Estimate::default()).is_none());
    }

    #[test]
    fn one_withdrawal_a_validator_and_one_for_the_commission() {
        let coin = |text: &str| DecCoin { amount: text.parse().unwrap(), denom: "stake".into() };
        let claimable = Claimable {
            rewards: vec![
                DelegationReward { validator: "a".into(), reward: vec![coin("1.9")] },
                DelegationReward { validator: "b".into(), reward: vec![coin("2.9")] },
            ],
            commission: Some(("us".into(), vec![coin("3.5")])),
        };
        assert_eq!(claimable.messages("us").len(), 3);
        // Each withdrawal leaves its own fraction behind.
        assert_eq!(claimable.total().of("stake"), 6);
    }
}
