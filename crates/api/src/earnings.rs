//! What was earned: four figures, the books behind them, and whether the books agree with the bank.

use std::collections::BTreeMap;
use std::sync::Arc;

use r3mes_chain::{Chain, Coin};
use r3mes_engine::journal::{EntryKind, JournalError, LedgerEntry};
use r3mes_engine::round::{Round, RoundState};
use r3mes_engine::{Clock, EngineError, Environment, Journal, Ledger, Reconciliation};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::amount::{Amount, Sums};
use crate::claims::Claimable;
use crate::overview::unreadable;
use crate::{ApiError, Workspace};

/// One movement in the books.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerLine {
    /// Why it moved.
    pub kind: EntryKind,
    /// Whether it came in; otherwise it went out.
    pub income: bool,
    /// Whole units, decimal.
    pub amount: String,
    /// Of what.
    pub denom: String,
    /// Its block, decimal.
    pub height: String,
    /// The transaction that moved it, or `block-HEIGHT` where the block itself did.
    pub tx_hash: String,
    /// The training round that it belongs to, decimal.
    pub training_round_id: Option<String>,
    /// When it was booked, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl LedgerLine {
    /// When it was booked, in UTC, to the second: `2026-11-23 14:42:32`.
    pub fn time(&self) -> String {
        let (date, time) = (self.at.date(), self.at.time());
        format!("{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    }
}

/// Rewards and fees in short.
#[derive(Clone, Debug, Serialize)]
pub struct Earnings {
    /// Rewards in whole units, decimal.
    pub earned: String,
    /// Their denom.
    pub denom: String,
    /// Fees in whole units, decimal.
    pub fees: String,
    /// Their denom.
    pub fee_denom: String,
}

/// A figure with where it comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// By denom; nothing where it is 0.
    pub amounts: Vec<Amount>,
    /// What it rests on.
    pub source: &'static str,
    /// When it was read.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The block up to which it holds, decimal.
    pub height: Option<String>,
    /// Why there is no figure, where there is none.
    pub unavailable: Option<String>,
}

/// All about earnings. The four figures are four things: what may come, what came and may still be
/// challenged, what came, and what waits to be claimed.
#[derive(Clone, Debug, Serialize)]
pub struct EarningsReport {
    /// Rewards and fees in short.
    #[serde(flatten)]
    pub totals: Earnings,
    /// What the open rounds would earn by the chain's formula.
    pub estimated: Figure,
    /// Rewards of rounds whose challenge period runs, or that are challenged.
    pub pending: Figure,
    /// All other rewards.
    pub paid: Figure,
    /// What the distribution module holds for the account.
    pub claimable: Figure,
    /// The sums of every kind of movement, by denom.
    pub by_kind: Vec<KindSum>,
    /// The chain's reward formula as it states it.
    pub formula: Option<String>,
    /// What that formula does not pay, in plain words.
    pub not_paid: Vec<String>,
    /// The books against the bank.
    pub books: Books,
}

/// All movements of a kind in one denom.
#[derive(Clone, Debug, Serialize)]
pub struct KindSum {
    /// The kind.
    pub kind: EntryKind,
    /// Whether it came in.
    pub income: bool,
    /// The sum.
    #[serde(flatten)]
    pub amount: Amount,
}

/// The books against the bank, at one height.
#[derive(Clone, Debug, Serialize)]
pub struct Books {
    /// Whether they agree to the unit; absent where they could not be compared.
    pub agrees: Option<bool>,
    /// Why they could not be compared.
    pub unavailable: Option<String>,
    /// The block at which they were compared, or up to which the books go, decimal.
    pub height: String,
    /// The block after which the books begin, decimal.
    pub opening_height: Option<String>,
    /// Each denom.
    pub denoms: Vec<BooksDenom>,
    /// Blocks that could not be seen.
    pub gaps: Vec<BlockRange>,
}

/// One denom in the books. All whole units, decimal.
#[derive(Clone, Debug, Serialize)]
pub struct BooksDenom {
    /// Which.
    pub denom: String,
    /// The balance with which the books began.
    pub opening: String,
    /// All that came in since.
    pub income: String,
    /// All that went out since.
    pub expense: String,
    /// What the bank says.
    pub bank: String,
    /// What the bank has beyond the books; negative where the books have more.
    pub difference: String,
}

/// Blocks from one to another.
#[derive(Clone, Debug, Serialize)]
pub struct BlockRange {
    /// The first, decimal.
    pub from: String,
    /// The last, decimal.
    pub to: String,
    /// Why they could not be seen.
    pub reason: String,
}

/// What sums are made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodKind {
    /// Days in UTC.
    Day,
    /// Training rounds; movements outside of any come last.
    Round,
}

/// The sums of one day or round.
#[derive(Clone, Debug, Serialize)]
pub struct Period {
    /// `2026-11-24`, or the training round; `none` for movements outside of any.
    pub period: String,
    /// What came in.
    pub income: Vec<Amount>,
    /// What went out.
    pub expense: Vec<Amount>,
    /// The difference, by denom.
    pub net: Vec<Amount>,
}

impl Workspace {
    /// Every movement in the books, oldest first.
    ///
    /// # Errors
    /// When there is no journal yet, or it cannot be read.
    pub fn ledger_lines(&self) -> Result<Vec<LedgerLine>, ApiError> {
        let (_, journal) = self.journal()?;
        let rounds = journal.training_rounds().map_err(unreadable)?;
        let line = |entry: LedgerEntry| LedgerLine {
            kind: entry.kind,
            income: entry.kind.is_income(),
            amount: entry.amount.to_string(),
            denom: entry.denom,
            height: entry.height.to_string(),
            tx_hash: entry.tx_hash,
            training_round_id: entry.round_id.and_then(|id| rounds.get(&id)).map(u64::to_string),
            at: entry.at,
        };
        Ok(journal.ledger().map_err(unreadable)?.into_iter().map(line).collect())
    }

    /// The four figures, the chain's formula, and the books against the bank, which are brought up to
    /// date on the way. Where the network does not answer, the report says so and tells what it knows.
    ///
    /// # Errors
    /// When there is no journal yet, or it cannot be used.
    pub async fn earnings_report(&self) -> Result<EarningsReport, ApiError> {
        let (home, _) = self.journal()?;
        let journal = Journal::open(&home.journal()).map_err(unreadable)?;
        let address = self.address()?;
        let chain = self.connect()?.chain;
        let clock = Environment::system().clock;
        let books = self.books(&journal, &chain, &address, clock.clone()).await?;
        let now = clock.now();
        let formula = chain.reward_formula().await;
        let claimable = Claimable::read(&chain, &address).await;
        let network = &self.settings().network;
        let rounds = journal.unsettled_rounds().map_err(unreadable)?;
        let entries = journal.ledger().map_err(unreadable)?;
        let figure = |amounts: Vec<Amount>, source| Figure {
            amounts,
            source,
            at: now,
            height: Some(books.height.clone()),
            unavailable: None,
        };
        let mut pending = Sums::default();
        for round in rounds.iter().filter(|round| is_challengeable(round.state)) {
            let reward = round.aggregation.as_ref().map_or(0, |aggregation| aggregation.reward);
            pending.add(&network.reward_denom, reward);
        }
        let mut paid = Sums::default();
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Reward) {
            paid.add(&entry.denom, entry.amount);
        }
        let waiting = pending.of(&network.reward_denom);
        paid.subtract(&network.reward_denom, u128::try_from(waiting).unwrap_or(0));
        let formula = match formula {
            Ok(formula) => Ok(formula),
            Err(error) => Err(error.to_string()),
        };
        Ok(EarningsReport {
            totals: sums(&journal, &network.reward_denom, &network.fee_denom).map_err(unreadable)?,
            estimated: estimated(&formula, &rounds, now),
            pending: figure(pending.amounts(), "the journal: revealed, and not final yet"),
            paid: figure(paid.amounts(), "the books: minted by reveals that are final"),
            claimable: match claimable {
                Ok(claimable) => figure(claimable.total().amounts(), "the chain's distribution module"),
                Err(error) => Figure {
                    unavailable: Some(error.to_string()),
                    ..figure(Vec::new(), "the chain's distribution module")
                },
            },
            by_kind: by_kind(&entries),
            not_paid: match &formula {
                Ok(Some(text)) => not_paid(text),
                Ok(None) | Err(_) => Vec::new(),
            },
            formula: formula.ok().flatten(),
            books,
        })
    }

    async fn books(
        &self,
        journal: &Journal,
        chain: &Chain,
        address: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Books, ApiError> {
        match (Ledger { journal, chain, address, clock }).reconcile().await {
            Ok(found) => Ok(compared(&found)),
            Err(error @ EngineError::Journal(_)) => Err(error.into()),
            Err(error) => {
                let opening = journal.opening().map_err(unreadable)?;
                Ok(Books {
                    agrees: None,
                    unavailable: Some(error.to_string()),
                    height: journal.booked_height().map_err(unreadable)?.to_string(),
                    opening_height: opening.map(|opening| opening.height.to_string()),
                    denoms: Vec::new(),
                    gaps: ranges(&journal.gaps().map_err(unreadable)?),
                })
            }
        }
    }
}

/// The sums of the books by day or by training round, oldest first.
pub fn periods(lines: &[LedgerLine], kind: PeriodKind) -> Vec<Period> {
    // Rounds in the order of their numbers, what belongs to none behind them.
    let mut sums: BTreeMap<(u64, String), [Sums; 2]> = BTreeMap::new();
    for line in lines {
        let key = match (kind, &line.training_round_id) {
            (PeriodKind::Day, _) => (0, line.at.date().to_string()),
            (PeriodKind::Round, Some(round)) => (round.parse().unwrap_or(u64::MAX), round.clone()),
            (PeriodKind::Round, None) => (u64::MAX, "none".to_owned()),
        };
        let amount = line.amount.parse().unwrap_or(0);
        sums.entry(key).or_default()[usize::from(!line.income)].add(&line.denom, amount);
    }
    sums.into_iter()
        .map(|((_, period), [income, expense])| {
            let mut net = income.clone();
            for amount in expense.amounts() {
                net.subtract(&amount.denom, amount.amount.parse().unwrap_or(0));
            }
            Period { period, income: income.amounts(), expense: expense.amounts(), net: net.amounts() }
        })
        .collect()
}

fn is_challengeable(state: RoundState) -> bool {
    matches!(state, RoundState::Revealed | RoundState::Challenged)
}

fn compared(found: &Reconciliation) -> Books {
    let denom = |denom: &r3mes_engine::DenomBalance| BooksDenom {
        denom: denom.denom.clone(),
        opening: denom.opening.to_string(),
        income: denom.income.to_string(),
        expense: denom.expense.to_string(),
        bank: denom.bank.to_string(),
        difference: denom.difference().to_string(),
    };
    Books {
        agrees: Some(found.agrees()),
        unavailable: None,
        height: found.height.to_string(),
        opening_height: Some(found.opening.height.to_string()),
        denoms: found.denoms.iter().map(denom).collect(),
        gaps: ranges(&found.gaps),
    }
}

fn ranges(gaps: &[r3mes_engine::journal::Gap]) -> Vec<BlockRange> {
    let range = |gap: &r3mes_engine::journal::Gap| BlockRange {
        from: gap.from_height.to_string(),
        to: gap.to_height.to_string(),
        reason: gap.reason.clone(),
    };
    gaps.iter().map(range).collect()
}

fn by_kind(entries: &[LedgerEntry]) -> Vec<KindSum> {
    let mut sums: BTreeMap<(EntryKind, &str), u128> = BTreeMap::new();
    for entry in entries {
        *sums.entry((entry.kind, entry.denom.as_str())).or_default() += entry.amount;
    }
    let sum = |((kind, denom), amount): ((EntryKind, &str), u128)| KindSum {
        kind,
        income: kind.is_income(),
        amount: Amount::new(amount, denom),
    };
    sums.into_iter().map(sum).collect()
}

/// What the open rounds would earn, where the chain states its formula in figures: a base and so much
/// for each participant.
fn estimated(formula: &Result<Option<String>, String>, rounds: &[Round], now: OffsetDateTime) -> Figure {
    let figure = |amounts, unavailable| Figure {
        amounts,
        source: "the chain's reward formula, applied to the participants of the open rounds",
        at: now,
        height: None,
        unavailable,
    };
    let stated = match formula {
        Ok(Some(text)) => stated_figures(text),
        Ok(None) => return figure(Vec::new(), Some("the chain states no reward formula".into())),
        Err(error) => return figure(Vec::new(), Some(error.clone())),
    };
    let Some((base, each)) = stated else {
        return figure(
            Vec::new(),
            Some("the chain's formula states no base and no sum a participant".into()),
        );
    };
    let mut sums = Sums::default();
    for round in rounds.iter().filter(|round| round.state.is_open()) {
        let participants = round.participant_ids().len() as u128;
        if participants > 0 {
            sums.add(&base.denom, base.amount);
            sums.add(&each.denom, each.amount * participants);
        }
    }
    figure(sums.amounts(), None)
}

/// Base and sum a participant, where the formula's JSON names them for proposers.
fn stated_figures(text: &str) -> Option<(Coin, Coin)> {
    let formula: Value = serde_json::from_str(text).ok()?;
    let proposer = formula.get("proposer")?;
    let coin = |name: &str| proposer.get(name)?.as_str()?.parse::<Coin>().ok();
    Some((coin("base")?, coin("per_participant")?))
}

/// What proposers are told of elsewhere and the formula has no word for.
fn not_paid(formula: &str) -> Vec<String> {
    let formula = formula.to_ascii_lowercase();
    [
        ("quality", "the quality of the aggregate"),
        ("consistency", "proposing without a pause (consistency)"),
        ("stake", "the size of the stake"),
    ]
    .into_iter()
    .filter(|(word, _)| !formula.contains(word))
    .map(|(_, what)| format!("the formula pays nothing for {what}"))
    .collect()
}

pub(crate) fn sums(journal: &Journal, denom: &str, fee_denom: &str) -> Result<Earnings, JournalError> {
    Ok(Earnings {
        earned: journal.totals(denom)?.earned.to_string(),
        denom: denom.to_owned(),
        fees: journal.totals(fee_denom)?.fees.to_string(),
        fee_denom: fee_denom.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: EntryKind, amount: &str, round: Option<&str>, day: i64) -> LedgerLine {
        LedgerLine {
            kind,
            income: kind.is_income(),
            amount: amount.into(),
            denom: "remes".into(),
            height: "1".into(),
            tx_hash: String::new(),
            training_round_id: round.map(str::to_owned),
            at: OffsetDateTime::from_unix_timestamp(day * 86_400).unwrap(),
        }
    }

    #[test]
    fn sums_by_round_are_in_the_order_of_numbers() {
        let lines = [
            line(EntryKind::Reward, "540", Some("10"), 0),
            line(EntryKind::Reward, "520", Some("9"), 0),
            line(EntryKind::Fee, "20", Some("9"), 1),
            line(EntryKind::Fee, "7", None, 1),
        ];
        let told = |kind| -> Vec<String> {
            let net = |period: &Period| {
                let net: Vec<String> = period.net.iter().map(ToString::to_string).collect();
                format!("{}: {}", period.period, net.join(", "))
            };
            periods(&lines, kind).iter().map(net).collect()
        };
        assert_eq!(told(PeriodKind::Round), ["9: 500 remes", "10: 540 remes", "none: -7 remes"]);
        assert_eq!(told(PeriodKind::Day), ["1970-01-01: 1060 remes", "1970-01-02: -27 remes"]);
    }

    #[test]
    fn a_formula_is_applied_only_where_it_states_figures() {
        let stated = r#"{"proposer":{"base":"500remes","per_participant":"10remes"}}"#;
        let (base, each) = stated_figures(stated).unwrap();
        assert_eq!((base.to_string(), each.to_string()), ("500remes".into(), "10remes".into()));
        for other in ["", "{}", r#"{"proposer":{"base":500}}"#, r#"{"proposer":{"base":"500remes"}}"#] {
            assert_eq!(stated_figures(other), None, "{other}");
        }
        assert_eq!(not_paid(stated).len(), 3);
        assert_eq!(not_paid("quality and consistency and stake").len(), 0);
    }
}
