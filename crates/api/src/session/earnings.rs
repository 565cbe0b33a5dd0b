//! Four figures that are not the same: estimated, pending, claimable, paid.

use serde::{Deserialize, Serialize};
use specta::Type;

/// What is earned and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EarningsView {
    /// What the rounds in progress would bring by the chain's formula.
    pub estimated: Figure,
    /// What reveals minted that can still be challenged.
    pub pending: Figure,
    /// What the distribution module holds for the account, one entry a denom.
    pub claimable: Vec<Figure>,
    /// What was minted and can no longer be challenged.
    pub paid: Figure,
    /// Fees of all transactions.
    pub fees: Figure,
    /// The chain's own reward formula, as it states it.
    pub formula: Option<String>,
    /// What the chain's own formula promises and the chain does not pay.
    pub not_paid: Vec<String>,
    /// Whether the books agree with the bank to the unit; absent where that is not known.
    pub books_agree: Option<bool>,
    /// Whether a claim is on its way.
    pub claim_in_flight: bool,
    /// Whether a payout is on its way.
    pub payout_in_flight: bool,
}

/// An amount with its source and age.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// Whole units; absent where it is not known.
    pub amount: Option<String>,
    /// Of what.
    pub denom: String,
    /// Where it comes from.
    pub source: FigureSource,
    /// How old it is.
    pub at: Option<String>,
    /// Why it is not known.
    pub error: Option<String>,
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum FigureSource {
    /// The journal, which books what transactions of the chain prove.
    #[default]
    Journal,
    /// The chain's answer.
    Chain,
    /// The chain's formula over rounds that are not revealed yet.
    Formula,
}

/// What came in and went out on one day, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DayEarnings {
    /// The day, `2026-11-24`.
    pub day: String,
    /// What came in, one entry a denom.
    pub income: Vec<CoinView>,
    /// What went out, one entry a denom.
    pub expense: Vec<CoinView>,
}

/// One movement in the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LedgerRow {
    /// `reward`, `fee`, and what else the books know.
    pub kind: String,
    /// Whether it came in.
    pub income: bool,
    /// Whole units.
    pub amount: String,
    /// Of what.
    pub denom: String,
    /// The training round that it belongs to.
    pub training_round: Option<String>,
    /// The block.
    pub height: String,
    /// The transaction.
    pub tx_hash: String,
    /// When it was booked.
    pub at: String,
}

/// The books, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LedgerPage {
    /// How many movements there are.
    pub total: u32,
    /// Those asked for.
    pub rows: Vec<LedgerRow>,
}

/// What a claim would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ClaimPreview {
    /// The account.
    pub address: String,
    /// What would come in, one entry a denom, in whole units.
    pub rewards: Vec<CoinView>,
    /// The validators that hold it.
    pub validators: Vec<String>,
    /// Gas by a simulation.
    pub gas: Option<String>,
    /// The fee by that simulation.
    pub fee: Vec<CoinView>,
    /// What is left after the fee, one entry a denom; negative where only the fee is paid in it.
    pub net: Vec<CoinView>,
    /// Why it cannot be signed now.
    pub refused: Option<crate::ApiError>,
}

/// An amount of a denom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CoinView {
    /// Whole units, decimal.
    pub amount: String,
    /// Of what.
    pub denom: String,
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ClaimReceipt {
    /// The transaction.
    pub tx_hash: String,
    /// Its block.
    pub height: String,
    /// What came in, one entry a denom.
    pub received: Vec<CoinView>,
    /// What it cost.
    pub fee: Vec<CoinView>,
    /// When.
    pub at: String,
}
