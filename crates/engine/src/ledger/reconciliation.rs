//! The books against the bank.

use std::collections::BTreeMap;
use std::time::Duration;

use r3mes_chain::Coins;

use super::Ledger;
use crate::EngineError;
use crate::journal::{Gap, LedgerEntry, Opening};

/// How often the bank and the blocks are asked until both answer for one height.
const TRIES: u32 = 40;

/// The time between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// The books and the bank at one height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The height of the state in which the bank was asked; the books hold every block up to it.
    pub height: i64,
    /// Where the books begin.
    pub opening: Opening,
    /// Each denom that the account owned or moved, in the order of their names.
    pub denoms: Vec<DenomBalance>,
    /// Blocks that the books could not see; a difference may lie in them.
    pub gaps: Vec<Gap>,
}

/// One denom in the books and in the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenomBalance {
    /// Which.
    pub denom: String,
    /// The balance with which the books began.
    pub opening: u128,
    /// All that came in since.
    pub income: u128,
    /// All that went out since.
    pub expense: u128,
    /// What the bank says.
    pub bank: u128,
}

impl DenomBalance {
    /// What the bank has beyond the books (negative: the books beyond the bank); 0 where they agree.
    pub fn difference(&self) -> i128 {
        let signed = |amount: u128| i128::try_from(amount).unwrap_or(i128::MAX);
        signed(self.bank) + signed(self.expense) - signed(self.opening) - signed(self.income)
    }
}

impl Reconciliation {
    /// Whether every denom agrees to the unit.
    pub fn agrees(&self) -> bool {
        self.denoms.iter().all(|denom| denom.difference() == 0)
    }
}

impl Ledger<'_> {
    /// Brings the books up to date and compares them with the bank, at one height.
    ///
    /// # Errors
    /// When the node does not answer, or the journal fails.
    pub async fn reconcile(&self) -> Result<Reconciliation, EngineError> {
        let opening = self.open().await?;
        let mut height = 0;
        for _ in 0..TRIES {
            self.follow().await?;
            let (balances, at) = self.chain.balances_at(self.address).await?;
            height = at;
            self.follow_to(height).await?;
            if self.journal.booked_height()? < height {
                // The node that answered has not carried the block out yet.
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let entries = self.journal.ledger()?;
            return Ok(Reconciliation {
                height,
                denoms: compare(&opening, &entries, &balances, height),
                gaps: self.journal.gaps()?,
                opening,
            });
        }
        Err(EngineError::Task(format!("read what block {height} did: the node does not tell")))
    }
}

fn compare(opening: &Opening, entries: &[LedgerEntry], bank: &Coins, height: i64) -> Vec<DenomBalance> {
    let mut denoms: BTreeMap<&str, DenomBalance> = BTreeMap::new();
    let names = opening.balances.0.iter().chain(&bank.0).map(|coin| coin.denom.as_str());
    for denom in names.chain(entries.iter().map(|entry| entry.denom.as_str())) {
        denoms.entry(denom).or_insert_with(|| DenomBalance {
            denom: denom.to_owned(),
            opening: opening.balances.amount_of(denom),
            income: 0,
            expense: 0,
            bank: bank.amount_of(denom),
        });
    }
    for entry in entries.iter().filter(|entry| entry.height > opening.height && entry.height <= height) {
        let Some(denom) = denoms.get_mut(entry.denom.as_str()) else { continue };
        let side = if entry.kind.is_income() { &mut denom.income } else { &mut denom.expense };
        *side = side.saturating_add(entry.amount);
    }
    denoms.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EntryKind;
    use time::OffsetDateTime;

    #[test]
    fn only_what_moved_between_the_opening_and_the_reading_counts() {
        let entry = |kind, amount, height| LedgerEntry {
            kind,
            amount,
            denom: "remes".into(),
            tx_hash: format!("{height}"),
            height,
            round_id: None,
            at: OffsetDateTime::UNIX_EPOCH,
        };
        let opening = Opening {
            height: 10,
            balances: "100remes,3stake".parse().unwrap(),
            at: OffsetDateTime::UNIX_EPOCH,
        };
        let entries = [
            entry(EntryKind::Reward, 999, 10),
            entry(EntryKind::Reward, 50, 11),
            entry(EntryKind::Slash, 20, 12),
            entry(EntryKind::Reward, 999, 13),
        ];
        let bank = "130remes,3stake".parse().unwrap();
        let found = compare(&opening, &entries, &bank, 12);
        let differences: Vec<_> = found.iter().map(|d| (d.denom.as_str(), d.difference())).collect();
        assert_eq!(differences, [("remes", 0), ("stake", 0)]);
        let robbed = compare(&opening, &entries, &"129remes,3stake".parse().unwrap(), 12);
        assert_eq!(robbed[0].difference(), -1);
    }
}
