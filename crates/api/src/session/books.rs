//! The four figures, and what they are made of.

use std::collections::BTreeMap;
use std::time::Duration;

use r3mes_engine::Journal;
use r3mes_engine::journal::{EntryKind, LedgerEntry};
use r3mes_engine::round::{Round, RoundState};

use super::earnings::{
    ClaimPreview, ClaimReceipt, DayEarnings, EarningsView, Figure, FigureSource, LedgerPage, LedgerRow,
};
use super::snapshot::Change;
use super::{Session, now, rfc3339};
use crate::overview::unreadable;
use crate::{ApiError, ErrorCode};

impl Session {
    /// The books, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn ledger(&self, offset: u32, limit: u32) -> Result<LedgerPage, ApiError> {
        let Some(journal) = self.journal() else { return Ok(LedgerPage { total: 0, rows: Vec::new() }) };
        let entries = journal.ledger().map_err(unreadable)?;
        let rows = entries.iter().rev().skip(offset as usize).take(limit.min(500) as usize).map(row);
        Ok(LedgerPage { total: entries.len() as u32, rows: rows.collect() })
    }

    /// Rewards and fees by day in UTC, oldest first; the newest `days` that have any.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn earnings_by_day(&self, days: u32) -> Result<Vec<DayEarnings>, ApiError> {
        let Some(journal) = self.journal() else { return Ok(Vec::new()) };
        let (reward_denom, fee_denom) = self.denoms();
        let entries = journal.ledger().map_err(unreadable)?;
        Ok(by_day(&entries, &reward_denom, &fee_denom, days))
    }

    /// What a claim would be now, by a simulation; nothing is signed that is sent.
    ///
    /// # Errors
    /// When the key cannot be used, or the chain does not answer.
    pub async fn claim_preview(&self) -> Result<ClaimPreview, ApiError> {
        Err(not_yet("claim rewards"))
    }

    /// Claims what is claimable, and waits until a block holds it.
    ///
    /// # Errors
    /// When another claim is on its way, the fee cannot be paid, or the chain refuses.
    pub async fn claim(&self, access: Option<&str>) -> Result<ClaimReceipt, ApiError> {
        self.authorize(access)?;
        Err(not_yet("claim rewards"))
    }

    /// Reads the journal's figures into the snapshot; the chain's stay as they are.
    pub(crate) fn refresh_books(&self) {
        let before = self.inner.board.read(|snapshot| snapshot.earnings.clone());
        let view = match self.journal() {
            Some(journal) => self.journal_figures(&journal, before),
            None => Ok(EarningsView::default()),
        };
        match view {
            Ok(view) => self.inner.board.put(Change::Earnings(Box::new(view))),
            Err(error) => tracing::warn!("failed to {error}"),
        }
    }

    /// Asks the chain for what the distribution module holds, and for its formula.
    pub(crate) async fn refresh_claimable(&self) {
        let Ok((address, chain)) = self.workspace().and_then(|w| Ok((w.address()?, w.connect()?.chain))) else {
            return;
        };
        let asked = async {
            let rewards = chain.delegation_rewards(&address).await?;
            let formula = chain.reward_formula().await?;
            Ok::<_, r3mes_chain::ChainError>((rewards, formula))
        };
        let answer = tokio::time::timeout(Duration::from_secs(4), asked).await;
        let mut view = self.inner.board.read(|snapshot| snapshot.earnings.clone());
        match answer {
            Ok(Ok((rewards, formula))) => {
                let mut sums: BTreeMap<String, u128> = BTreeMap::new();
                for coin in rewards.iter().flat_map(|reward| &reward.reward) {
                    *sums.entry(coin.denom.clone()).or_default() += coin.amount.floor();
                }
                view.claimable = sums
                    .into_iter()
                    .map(|(denom, amount)| Figure {
                        amount: Some(amount.to_string()),
                        denom,
                        source: FigureSource::Chain,
                        at: Some(now()),
                        error: None,
                    })
                    .collect();
                view.formula = formula;
            }
            Ok(Err(error)) => fail(&mut view, &error.to_string()),
            Err(_) => fail(&mut view, "the chain did not answer in time"),
        }
        self.inner.board.put(Change::Earnings(Box::new(view)));
    }

    fn journal_figures(&self, journal: &Journal, before: EarningsView) -> Result<EarningsView, ApiError> {
        let (reward_denom, fee_denom) = self.denoms();
        let entries = journal.ledger().map_err(unreadable)?;
        let newest = entries.last().map(|entry| rfc3339(entry.at));
        let sum = |kind: EntryKind, denom: &str| -> u128 {
            entries.iter().filter(|e| e.kind == kind && e.denom == denom).map(|e| e.amount).sum()
        };
        let open = journal.open_rounds().map_err(unreadable)?;
        let watched = journal.watched_rounds().map_err(unreadable)?;
        let pending: u128 = minted(&watched, |state| state != RoundState::Finalized);
        let paid: u128 = minted(&watched, |state| state == RoundState::Finalized);
        let journaled = |amount: u128, denom: &str| Figure {
            amount: Some(amount.to_string()),
            denom: denom.to_owned(),
            source: FigureSource::Journal,
            at: newest.clone(),
            error: None,
        };
        Ok(EarningsView {
            estimated: estimate(&open, before.formula.as_deref(), &reward_denom),
            pending: journaled(pending, &reward_denom),
            paid: journaled(paid, &reward_denom),
            fees: journaled(sum(EntryKind::Fee, &fee_denom), &fee_denom),
            ..before
        })
    }
}

fn fail(view: &mut EarningsView, error: &str) {
    for figure in &mut view.claimable {
        figure.error = Some(error.to_owned());
    }
}

fn minted(rounds: &[Round], counts: fn(RoundState) -> bool) -> u128 {
    rounds
        .iter()
        .filter(|round| counts(round.state))
        .filter_map(|round| round.aggregation.as_ref())
        .map(|aggregation| aggregation.reward)
        .sum()
}

/// What the rounds in progress would bring: a base for each, and something for each participant. A round that
/// has none yet is not counted.
fn estimate(open: &[Round], formula: Option<&str>, denom: &str) -> Figure {
    let unknown = |error: &str| Figure {
        amount: None,
        denom: denom.to_owned(),
        source: FigureSource::Formula,
        at: None,
        error: Some(error.to_owned()),
    };
    let Some((base, each)) = formula.and_then(|formula| reward_terms(formula, denom)) else {
        return unknown("the chain has not told its reward formula");
    };
    let amount: u128 = open
        .iter()
        .filter_map(|round| round.selection.as_ref())
        .map(|selection| base + each * selection.participants.len() as u128)
        .sum();
    Figure {
        amount: Some(amount.to_string()),
        denom: denom.to_owned(),
        source: FigureSource::Formula,
        at: Some(now()),
        error: None,
    }
}

/// The base and the amount for each participant, out of the JSON text that the chain states.
fn reward_terms(formula: &str, denom: &str) -> Option<(u128, u128)> {
    fn find<'a>(value: &'a serde_json::Value, key: &str) -> Option<&'a serde_json::Value> {
        match value {
            serde_json::Value::Object(map) => map.get(key).or_else(|| map.values().find_map(|v| find(v, key))),
            _ => None,
        }
    }
    let amount = |value: &serde_json::Value| -> Option<u128> {
        match value {
            serde_json::Value::String(text) => text.strip_suffix(denom).unwrap_or(text).trim().parse().ok(),
            serde_json::Value::Number(number) => number.as_u64().map(u128::from),
            _ => None,
        }
    };
    let formula: serde_json::Value = serde_json::from_str(formula).ok()?;
    Some((amount(find(&formula, "base")?)?, amount(find(&formula, "per_participant")?)?))
}

fn row(entry: &LedgerEntry) -> LedgerRow {
    LedgerRow {
        kind: entry.kind.to_string(),
        amount: entry.amount.to_string(),
        denom: entry.denom.clone(),
        height: entry.height.to_string(),
        tx_hash: entry.tx_hash.clone(),
        at: rfc3339(entry.at),
    }
}

fn by_day(entries: &[LedgerEntry], reward_denom: &str, fee_denom: &str, days: u32) -> Vec<DayEarnings> {
    let mut sums: BTreeMap<String, (u128, u128)> = BTreeMap::new();
    for entry in entries {
        let day = entry.at.to_offset(time::UtcOffset::UTC).date().to_string();
        let (rewards, fees) = sums.entry(day).or_default();
        match entry.kind {
            EntryKind::Reward if entry.denom == reward_denom => *rewards += entry.amount,
            EntryKind::Fee if entry.denom == fee_denom => *fees += entry.amount,
            _ => {}
        }
    }
    let skip = sums.len().saturating_sub(days as usize);
    sums.into_iter()
        .skip(skip)
        .map(|(day, (rewards, fees))| DayEarnings { day, rewards: rewards.to_string(), fees: fees.to_string() })
        .collect()
}

pub(crate) fn not_yet(what: &str) -> ApiError {
    ApiError::new(ErrorCode::Request, format!("{what}: this build of the launcher cannot"))
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn the_formulas_terms_are_found_wherever_they_stand() {
        let formula = r#"{"aggregation": {"base": "500remes", "per_participant": "10remes"}}"#;
        assert_eq!(reward_terms(formula, "remes"), Some((500, 10)));
        assert_eq!(reward_terms(r#"{"base": 500, "per_participant": 10}"#, "remes"), Some((500, 10)));
        assert_eq!(reward_terms("{}", "remes"), None);
        assert_eq!(reward_terms("500 + 10 n", "remes"), None);
    }

    #[test]
    fn days_hold_what_was_booked_in_them() {
        let entry = |kind, amount, denom: &str, day| LedgerEntry {
            kind,
            amount,
            denom: denom.into(),
            tx_hash: String::new(),
            height: 1,
            round_id: None,
            at: OffsetDateTime::UNIX_EPOCH + time::Duration::days(day),
        };
        let entries = [
            entry(EntryKind::Reward, 500, "remes", 0),
            entry(EntryKind::Reward, 510, "remes", 1),
            entry(EntryKind::Fee, 7, "stake", 1),
            entry(EntryKind::Fee, 8, "other", 1),
        ];
        let days = by_day(&entries, "remes", "stake", 1);
        assert_eq!(days, [DayEarnings { day: "1970-01-02".into(), rewards: "510".into(), fees: "7".into() }]);
    }
}
