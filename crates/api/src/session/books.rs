//! The four figures, the books and a claim, as faces of the workspace's own.

use std::time::Duration;

use super::access::blocking;
use super::earnings::{
    ClaimPreview, ClaimReceipt, CoinView, DayEarnings, EarningsView, Figure, FigureSource, LedgerPage,
    LedgerRow,
};
use super::snapshot::Change;
use super::{Session, rfc3339};
use crate::{Amount, ApiError, EarningsReport, LedgerLine, PeriodKind, periods};

impl Session {
    /// The books, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn ledger(&self, offset: u32, limit: u32) -> Result<LedgerPage, ApiError> {
        let lines = self.ledger_lines().await?;
        let rows =
            lines.iter().rev().skip(offset as usize).take(limit.min(500) as usize).map(LedgerRow::from);
        Ok(LedgerPage { total: lines.len() as u32, rows: rows.collect() })
    }

    /// Income and expense by day in UTC, oldest first; the newest `days` that have any.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn earnings_by_day(&self, days: u32) -> Result<Vec<DayEarnings>, ApiError> {
        let days_of = periods(&self.ledger_lines().await?, PeriodKind::Day);
        let skip = days_of.len().saturating_sub(days as usize);
        Ok(days_of
            .into_iter()
            .skip(skip)
            .map(|day| DayEarnings {
                day: day.period,
                income: coins(day.income),
                expense: coins(day.expense),
            })
            .collect())
    }

    async fn ledger_lines(&self) -> Result<Vec<LedgerLine>, ApiError> {
        if self.journal().is_none() {
            return Ok(Vec::new());
        }
        let workspace = self.workspace()?;
        blocking(move || workspace.ledger_lines()).await
    }

    /// What a claim would be now, by a simulation; nothing is signed.
    ///
    /// # Errors
    /// When no key is chosen, or the network does not answer.
    pub async fn claim_preview(&self) -> Result<ClaimPreview, ApiError> {
        Ok(self.workspace()?.claim_preview().await?.into())
    }

    /// Claims what is claimable, and waits until a block holds it. One that was confirmed before and did not
    /// come to its end is brought there first.
    ///
    /// # Errors
    /// When another claim is on its way, the fee cannot be paid, or the chain refuses.
    pub async fn claim(&self, access: Option<&str>) -> Result<ClaimReceipt, ApiError> {
        self.authorize(access)?;
        let workspace = self.workspace()?;
        self.under_way(|earnings| earnings.claim_in_flight = true);
        let claimed = async {
            if let Some(receipt) = workspace.resume_claim().await? {
                return Ok(receipt);
            }
            workspace.claim(&workspace.claim_preview().await?).await
        };
        let claimed = claimed.await;
        self.under_way(|earnings| earnings.claim_in_flight = false);
        self.look_again();
        Ok(claimed?.into())
    }

    /// Shows that something is under way, or has ended.
    pub(crate) fn under_way(&self, change: impl FnOnce(&mut EarningsView)) {
        let mut view = self.inner.board.read(|snapshot| snapshot.earnings.clone());
        change(&mut view);
        self.inner.board.put(Change::Earnings(Box::new(view)));
    }

    /// Reads the four figures anew: from the books, which are brought up to date, and from the chain.
    pub(crate) async fn refresh_earnings(&self) {
        if self.journal().is_none() {
            return self.inner.board.put(Change::Earnings(Box::default()));
        }
        let Ok(workspace) = self.workspace() else { return };
        match tokio::time::timeout(PATIENCE, workspace.earnings_report()).await {
            Ok(Ok(report)) => {
                let (reward, fee) = self.denoms();
                let mut view = view(&report, &reward, &fee);
                let before = self.inner.board.read(|snapshot| snapshot.earnings.clone());
                view.claim_in_flight = before.claim_in_flight;
                view.payout_in_flight = before.payout_in_flight;
                self.inner.board.put(Change::Earnings(Box::new(view)));
            }
            Ok(Err(error)) => tracing::debug!("failed to {error}"),
            Err(_) => tracing::debug!("the figures were not read in time"),
        }
    }
}

/// How long reading the figures may take.
const PATIENCE: Duration = Duration::from_secs(8);

fn view(report: &EarningsReport, reward: &str, fee: &str) -> EarningsView {
    let one = |from: &crate::Figure, source: FigureSource, denom: &str| {
        let amount = from.amounts.iter().find(|amount| amount.denom == denom);
        Figure {
            amount: from.unavailable.is_none().then(|| amount.map_or("0".to_owned(), |a| a.amount.clone())),
            denom: denom.to_owned(),
            source,
            at: Some(rfc3339(from.at)),
            error: from.unavailable.clone(),
        }
    };
    let claimable = &report.claimable;
    let held = match claimable.amounts.is_empty() {
        // That nothing is held, or not known, is said of the denom that fees are paid in.
        true => vec![one(claimable, FigureSource::Chain, fee)],
        false => claimable.amounts.iter().map(|a| one(claimable, FigureSource::Chain, &a.denom)).collect(),
    };
    EarningsView {
        estimated: one(&report.estimated, FigureSource::Formula, reward),
        pending: one(&report.pending, FigureSource::Journal, reward),
        paid: one(&report.paid, FigureSource::Journal, reward),
        claimable: held,
        fees: Figure {
            amount: Some(report.totals.fees.clone()),
            denom: report.totals.fee_denom.clone(),
            source: FigureSource::Journal,
            at: Some(rfc3339(report.paid.at)),
            error: None,
        },
        formula: report.formula.clone(),
        not_paid: report.not_paid.clone(),
        books_agree: report.books.agrees,
        claim_in_flight: false,
        payout_in_flight: false,
    }
}

pub(crate) fn coins(amounts: Vec<Amount>) -> Vec<CoinView> {
    amounts.into_iter().map(CoinView::from).collect()
}

impl From<Amount> for CoinView {
    fn from(amount: Amount) -> CoinView {
        CoinView { amount: amount.amount, denom: amount.denom }
    }
}

impl From<&LedgerLine> for LedgerRow {
    fn from(line: &LedgerLine) -> LedgerRow {
        LedgerRow {
            kind: line.kind.to_string(),
            income: line.income,
            amount: line.amount.clone(),
            denom: line.denom.clone(),
            training_round: line.training_round_id.clone(),
            height: line.height.clone(),
            tx_hash: line.tx_hash.clone(),
            at: rfc3339(line.at),
        }
    }
}

impl From<crate::ClaimPreview> for ClaimPreview {
    fn from(preview: crate::ClaimPreview) -> ClaimPreview {
        ClaimPreview {
            address: preview.address,
            rewards: coins(preview.total),
            validators: preview.validators.into_iter().map(|reward| reward.validator).collect(),
            gas: preview.gas,
            fee: coins(preview.fee),
            net: coins(preview.net),
            refused: preview.refusal,
        }
    }
}

impl From<crate::ClaimReceipt> for ClaimReceipt {
    fn from(claimed: crate::ClaimReceipt) -> ClaimReceipt {
        let receipt = claimed.receipt;
        ClaimReceipt {
            tx_hash: receipt.tx_hash,
            height: receipt.height,
            received: coins(receipt.received),
            fee: coins(receipt.fee),
            at: rfc3339(receipt.placed_at),
        }
    }
}
