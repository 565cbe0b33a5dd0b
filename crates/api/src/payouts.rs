//! Moving rewards to a cold address: what exceeds the reserve, by hand or by the engine's rule.

use r3mes_chain::{Any, Coin, Coins};
use r3mes_config::NetworkProfile;
use r3mes_engine::journal::Purpose;
use serde::Serialize;

use crate::amount::{Amount, amounts};
use crate::orders::Receipt;
use crate::{ApiError, DisplayUnits, ErrorCode, Workspace};

/// How much is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutAmount {
    /// So many units of the reward denom.
    Units(u128),
    /// Everything above the reserve.
    AllAboveReserve,
}

/// What a payout would move and cost.
#[derive(Clone, Debug, Serialize)]
pub struct PayoutPreview {
    /// From the account that proposes.
    pub from: String,
    /// To the cold address.
    pub to: String,
    /// What is moved.
    pub amount: Amount,
    /// What the account owns of the denom.
    pub balance: Amount,
    /// What must stay.
    pub reserve: Amount,
    /// What is left of the denom afterwards.
    pub left: Amount,
    /// The gas limit, decimal; absent where nothing would be sent.
    pub gas: Option<String>,
    /// The fee.
    pub fee: Vec<Amount>,
    /// Why there will be no payout.
    pub refusal: Option<ApiError>,
    #[serde(skip)]
    messages: Vec<Any>,
}

impl Workspace {
    /// Why nothing can be paid to an address; `None` where it can. Nobody is asked.
    pub fn payout_address_problem(&self, to: &str) -> Option<String> {
        strange(to, self.address().ok().as_deref(), &self.settings().network)
    }

    /// The amount of a payout as people write it, in the unit that amounts are shown in.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn payout_amount(&self, text: &str) -> Result<PayoutAmount, String> {
        self.units().read_reward(text).map(PayoutAmount::Units)
    }

    /// What a payout would move and cost now. Without an address it goes to `payout.address`.
    ///
    /// # Errors
    /// When there is no address, no key is chosen, or the network does not answer.
    pub async fn payout_preview(
        &self,
        amount: PayoutAmount,
        to: Option<&str>,
    ) -> Result<PayoutPreview, ApiError> {
        let network = &self.settings().network;
        let denom = network.reward_denom.clone();
        let units = self.units();
        let from = self.address()?;
        let to =
            to.map(str::to_owned).or_else(|| self.settings().payout.address.clone()).ok_or_else(|| {
                ApiError::new(ErrorCode::Request, "pay out: there is no address to pay to")
                    .with_remedy("name one with --to, or set payout.address")
            })?;
        let chain = self.connect()?.chain;
        let balance = chain.balance(&from, &denom).await?;
        let reserve = r3mes_engine::payout_reserve(self.settings());
        let above = balance.saturating_sub(reserve);
        let wanted = match amount {
            PayoutAmount::Units(units) => units,
            PayoutAmount::AllAboveReserve => above,
        };
        let message = |units| r3mes_engine::payout_message(&from, &to, &Coin::new(units, &denom));
        let mut preview = PayoutPreview {
            amount: Amount::new(wanted, &denom),
            balance: Amount::new(balance, &denom),
            reserve: Amount::new(reserve, &denom),
            left: Amount::new(balance.saturating_sub(wanted), &denom),
            gas: None,
            fee: Vec::new(),
            refusal: unworthy(wanted, balance, reserve, &units).or_else(|| {
                strange(&to, Some(from.as_str()), network).map(|reason| unsendable(&to, &reason))
            }),
            messages: Vec::new(),
            from: from.clone(),
            to: to.clone(),
        };
        if preview.refusal.is_some() {
            return Ok(preview);
        }
        let cost = self.cost(&chain, &[message(wanted)]).await?;
        // A fee of the same denom must come out of what stands above the reserve.
        let fee = cost.fee.amount_of(&denom);
        let moved = match amount {
            PayoutAmount::Units(wanted) => wanted,
            PayoutAmount::AllAboveReserve => above.saturating_sub(fee),
        };
        preview.amount = Amount::new(moved, &denom);
        preview.left = Amount::new(balance.saturating_sub(moved).saturating_sub(fee), &denom);
        preview.gas = Some(cost.gas_limit.to_string());
        preview.fee = amounts(&cost.fee);
        preview.messages = vec![message(moved)];
        preview.refusal = match unworthy(moved.saturating_add(fee), balance, reserve, &units) {
            None if moved == 0 => unworthy(0, balance, reserve, &units),
            None => self.unpayable(&chain, &cost, &Coins::from(Coin::new(moved, &denom))).await?,
            refusal => refusal,
        };
        Ok(preview)
    }

    /// Sends the payout that was previewed, and waits until a block holds it. One is under way at a time.
    ///
    /// # Errors
    /// The preview's refusal, what the chain refuses, or a network that does not answer.
    pub async fn payout(&self, preview: &PayoutPreview) -> Result<Receipt, ApiError> {
        if let Some(refusal) = &preview.refusal {
            return Err(refusal.clone());
        }
        self.order(Purpose::Payout, &preview.messages).await
    }

    /// Goes on with a payout that was confirmed before and did not come to its end.
    ///
    /// # Errors
    /// As [`Workspace::payout`].
    pub async fn resume_payout(&self) -> Result<Option<Receipt>, ApiError> {
        self.resume_order(Purpose::Payout).await
    }
}

/// Nothing to move, or more than stands above the reserve.
fn unworthy(wanted: u128, balance: u128, reserve: u128, units: &DisplayUnits) -> Option<ApiError> {
    let above = balance.saturating_sub(reserve);
    let shown = |amount: u128| units.reward(amount);
    let (text, remedy) = if wanted == 0 {
        let text =
            format!("pay out: of {} nothing stands above the reserve of {}", shown(balance), shown(reserve));
        (text, "wait for rewards, or lower payout.reserve")
    } else if wanted > above {
        let text = format!(
            "pay out {}: only {} stand above the reserve of {}",
            shown(wanted),
            shown(above),
            shown(reserve)
        );
        (text, "pay out less, or lower payout.reserve")
    } else {
        return None;
    };
    Some(ApiError::new(ErrorCode::InsufficientFunds, text).with_remedy(remedy))
}

/// Why an address cannot be meant.
fn strange(to: &str, from: Option<&str>, network: &NetworkProfile) -> Option<String> {
    if from == Some(to) {
        Some("it is the account's own address".to_owned())
    } else if !r3mes_keys::is_address(to, &network.bech32_prefix) {
        Some(format!("{to:?} is no address of {}1...", network.bech32_prefix))
    } else {
        None
    }
}

fn unsendable(to: &str, reason: &str) -> ApiError {
    let error = ApiError::new(ErrorCode::Request, format!("pay out to {to}: {reason}"));
    error.with_remedy("check the address letter by letter")
}
