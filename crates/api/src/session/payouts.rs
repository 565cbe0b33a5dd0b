//! Payouts: what was typed is checked at its field, shown with its cost, and sent as it was shown.

use r3mes_engine::journal::{Order, Purpose};
use serde::Serialize;
use specta::Type;

use super::books::coins;
use super::earnings::CoinView;
use super::{Session, lock, refused, rfc3339};
use crate::{Amount, ApiError, PayoutAmount, Workspace};

/// What is wrong with what was typed for a payout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PayoutProblems {
    /// With the address.
    pub to: Option<String>,
    /// With the amount.
    pub amount: Option<String>,
}

/// What a payout would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PayoutPreview {
    /// The account.
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// What is moved.
    pub amount: CoinView,
    /// What the account has of it.
    pub balance: CoinView,
    /// What must stay.
    pub reserve: CoinView,
    /// What is left of it afterwards, the fee paid.
    pub left: CoinView,
    /// Gas by a simulation.
    pub gas: Option<String>,
    /// The fee by that simulation.
    pub fee: Vec<CoinView>,
    /// Why it cannot be signed now.
    pub refused: Option<ApiError>,
}

/// How a payout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PayoutReceipt {
    /// Whether it is one that was confirmed earlier and had not come to its end; what was confirmed now was
    /// not sent.
    pub earlier: bool,
    /// The address that it went to; absent where the order of an earlier one does not read.
    pub to: Option<String>,
    /// What was moved.
    pub amount: Vec<CoinView>,
    /// The transaction.
    pub tx_hash: String,
    /// Its block.
    pub height: String,
    /// What it cost.
    pub fee: Vec<CoinView>,
    /// When it was confirmed.
    pub at: String,
}

impl Session {
    /// What is wrong with an address and an amount as they were typed, in the unit that amounts are shown in;
    /// no amount stands for all above the reserve. Nobody is asked.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub fn check_payout(&self, to: &str, amount: Option<&str>) -> Result<PayoutProblems, ApiError> {
        let workspace = self.workspace()?;
        Ok(PayoutProblems {
            to: workspace.payout_address_problem(to.trim()),
            amount: amount.and_then(|text| workspace.payout_amount(text).err()),
        })
    }

    /// What a payout would be now, by a simulation; nothing is signed.
    ///
    /// # Errors
    /// When the amount is none, no key is chosen, or the network does not answer.
    pub async fn payout_preview(&self, to: &str, amount: Option<&str>) -> Result<PayoutPreview, ApiError> {
        let workspace = self.workspace()?;
        let amount = match amount {
            None => PayoutAmount::AllAboveReserve,
            Some(text) => workspace
                .payout_amount(text)
                .map_err(|problem| refused(format!("pay out {text}: it {problem}")))?,
        };
        let preview = workspace.payout_preview(amount, Some(to.trim())).await?;
        *lock(&self.inner.payout) = Some(preview.clone());
        Ok(preview.into())
    }

    /// Sends the payout that was shown last, of this many whole units to this address, and waits until a block
    /// holds it. One that was confirmed before and did not come to its end is brought there instead.
    ///
    /// # Errors
    /// When it is not what was shown, another is on its way, the fee cannot be paid, or the chain refuses.
    pub async fn payout(
        &self,
        to: &str,
        amount: &str,
        access: Option<&str>,
    ) -> Result<PayoutReceipt, ApiError> {
        self.authorize(access)?;
        let workspace = self.workspace()?;
        // Taken out, so that it is sent once however often it is confirmed.
        let shown = lock(&self.inner.payout)
            .take()
            .filter(|shown| shown.to == to && shown.amount.amount == amount)
            .ok_or_else(|| {
                refused(format!("pay out to {to}: it is not what was shown"))
                    .with_remedy("look at what would be signed first")
            })?;
        self.under_way(|earnings| earnings.payout_in_flight = true);
        let paid = send(&workspace, &shown).await;
        self.under_way(|earnings| earnings.payout_in_flight = false);
        if paid.is_err() {
            // It can be confirmed once more, with another passphrase for instance.
            lock(&self.inner.payout).get_or_insert(shown);
        }
        self.look_again();
        paid
    }
}

async fn send(workspace: &Workspace, shown: &crate::PayoutPreview) -> Result<PayoutReceipt, ApiError> {
    if let Some(order) = workspace.open_order(Purpose::Payout)?
        && let Some(receipt) = workspace.resume_payout().await?
    {
        let (to, amount) = ordered(&order).unzip();
        return Ok(PayoutReceipt::of(receipt, to, amount.unwrap_or_default(), true));
    }
    let receipt = workspace.payout(shown).await?;
    Ok(PayoutReceipt::of(receipt, Some(shown.to.clone()), vec![shown.amount.clone()], false))
}

/// Where an order's transfer goes, and how much.
fn ordered(order: &Order) -> Option<(String, Vec<Amount>)> {
    let (to, coins) = r3mes_engine::payout_of(order.messages.first()?)?;
    Some((to, crate::amount::amounts(&coins)))
}

impl PayoutReceipt {
    fn of(receipt: crate::Receipt, to: Option<String>, amount: Vec<Amount>, earlier: bool) -> PayoutReceipt {
        PayoutReceipt {
            earlier,
            to,
            amount: coins(amount),
            tx_hash: receipt.tx_hash,
            height: receipt.height,
            fee: coins(receipt.fee),
            at: rfc3339(receipt.placed_at),
        }
    }
}

impl From<crate::PayoutPreview> for PayoutPreview {
    fn from(preview: crate::PayoutPreview) -> PayoutPreview {
        PayoutPreview {
            from: preview.from,
            to: preview.to,
            amount: preview.amount.into(),
            balance: preview.balance.into(),
            reserve: preview.reserve.into(),
            left: preview.left.into(),
            gas: preview.gas,
            fee: coins(preview.fee),
            refused: preview.refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::session::SessionOptions;

    fn session() -> (tempfile::TempDir, Session) {
        let folder = tempfile::tempdir().unwrap();
        let root = Some(folder.path().to_owned());
        let session = Session::open(SessionOptions { root, ..SessionOptions::default() }).unwrap();
        (folder, session)
    }

    #[test]
    fn what_is_typed_is_checked_field_by_field() {
        let (_folder, session) = session();
        let problems = session.check_payout("cosmos1abc", Some("1,5")).unwrap();
        assert!(problems.to.unwrap().contains("is no address of remes1..."));
        assert_eq!(problems.amount.unwrap(), "must be digits, with at most one decimal mark");
        let problems = session.check_payout("", None).unwrap();
        assert!(problems.to.is_some() && problems.amount.is_none());
    }

    #[tokio::test]
    async fn nothing_is_sent_that_was_not_shown() {
        let (_folder, session) = session();
        let error = session.payout("remes1cold", "5", None).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Request);
        assert!(error.message.contains("not what was shown"), "{error:?}");
    }
}
