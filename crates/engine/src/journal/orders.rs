//! What the operator ordered: transactions beside the rounds, each exactly as it was confirmed.

use cosmrs::proto::cosmos::tx::v1beta1::TxBody;
use prost::Message;
use r3mes_chain::Any;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::transactions::Purpose;
use super::{Journal, JournalError, from_text, to_text};

/// The number of an order in this journal.
pub type OrderId = i64;

/// Messages that the operator confirmed, to be signed as they stand by whoever works on the data folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The journal's number.
    pub id: OrderId,
    /// What it is for. Of each kind one order is open at a time.
    pub purpose: Purpose,
    /// The messages of its one transaction.
    pub messages: Vec<Any>,
    /// When it was placed.
    pub placed_at: OffsetDateTime,
    /// How it ended; absent while it is open.
    pub outcome: Option<OrderOutcome>,
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "kebab-case")]
pub enum OrderOutcome {
    /// A block holds its transaction, and the chain did what it asked.
    Done {
        /// The transaction.
        tx_hash: String,
        /// Its block.
        height: i64,
        /// Gas used.
        gas_used: i64,
        /// The fee paid, as coins.
        fee: String,
        /// What came to the account in the transaction, as coins.
        received: String,
    },
    /// The chain refused it, or the operator's own limits did.
    Refused {
        /// Why: a fragment that fits after "failed to".
        reason: String,
        /// What to do about it.
        remedy: Option<String>,
    },
}

/// What came of placing an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Placed {
    /// It stands in the journal.
    New(Order),
    /// It does not: this one of the same kind is open.
    Open(Order),
}

const COLUMNS: &str = "id, kind, messages, placed_at, outcome";

impl Journal {
    /// Places an order, unless one of its kind is open.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn place_order(
        &self,
        purpose: Purpose,
        messages: &[Any],
        now: OffsetDateTime,
    ) -> Result<Placed, JournalError> {
        let body = TxBody { messages: messages.to_vec(), ..TxBody::default() };
        loop {
            // The index over open orders decides between two who place one at the same moment.
            let id = {
                let connection = self.lock();
                let rows = connection.execute(
                    "INSERT INTO orders (kind, messages, placed_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    params![purpose.to_string(), body.encode_to_vec(), to_text(now)?],
                )?;
                (rows > 0).then(|| connection.last_insert_rowid())
            };
            match id {
                Some(id) => {
                    let missing = || JournalError::Content(format!("order {id} was placed and is not there"));
                    return self.order(id)?.map(Placed::New).ok_or_else(missing);
                }
                None => {
                    if let Some(open) = self.open_order(purpose)? {
                        return Ok(Placed::Open(open));
                    }
                }
            }
        }
    }

    /// The open orders, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_orders(&self) -> Result<Vec<Order>, JournalError> {
        let connection = self.lock();
        let mut query =
            connection.prepare(&format!("SELECT {COLUMNS} FROM orders WHERE outcome IS NULL ORDER BY id"))?;
        let mut rows = query.query([])?;
        let mut orders = Vec::new();
        while let Some(row) = rows.next()? {
            orders.push(read_row(row)?);
        }
        Ok(orders)
    }

    /// The open order of a kind.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open_order(&self, purpose: Purpose) -> Result<Option<Order>, JournalError> {
        Ok(self.open_orders()?.into_iter().find(|order| order.purpose == purpose))
    }

    /// The newest order of a kind, open or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_order(&self, purpose: Purpose) -> Result<Option<Order>, JournalError> {
        self.order_where("kind = ?1 ORDER BY id DESC LIMIT 1", &purpose.to_string())
    }

    /// One order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn order(&self, id: OrderId) -> Result<Option<Order>, JournalError> {
        self.order_where("id = ?1", &id)
    }

    fn order_where(
        &self,
        condition: &str,
        value: &dyn rusqlite::ToSql,
    ) -> Result<Option<Order>, JournalError> {
        let connection = self.lock();
        let mut query = connection.prepare(&format!("SELECT {COLUMNS} FROM orders WHERE {condition}"))?;
        let mut rows = query.query([value])?;
        rows.next()?.map(read_row).transpose()
    }

    /// Writes how an order ended. The first outcome stands.
    pub(crate) fn close_order(&self, id: OrderId, outcome: &OrderOutcome) -> Result<(), JournalError> {
        self.lock().execute(
            "UPDATE orders SET outcome = ?2 WHERE id = ?1 AND outcome IS NULL",
            params![id, serde_json::to_string(outcome)?],
        )?;
        Ok(())
    }

    /// The transaction that was signed last for an order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn order_transaction(&self, id: OrderId) -> Result<Option<String>, JournalError> {
        Ok(self
            .lock()
            .query_row(
                "SELECT hash FROM transactions WHERE order_id = ?1 ORDER BY rowid DESC LIMIT 1",
                [id],
                |row| row.get(0),
            )
            .optional()?)
    }
}

fn read_row(row: &Row<'_>) -> Result<Order, JournalError> {
    let (kind, body, placed_at): (String, Vec<u8>, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let outcome: Option<String> = row.get(4)?;
    let body = TxBody::decode(body.as_slice())
        .map_err(|error| JournalError::Content(format!("an order's messages: {error}")))?;
    Ok(Order {
        id: row.get(0)?,
        purpose: Purpose::from_name(&kind)
            .ok_or_else(|| JournalError::Content(format!("`{kind}` is no kind of order")))?,
        messages: body.messages,
        placed_at: from_text(&placed_at)?,
        outcome: outcome.as_deref().map(serde_json::from_str).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_of_a_kind_is_open_at_a_time_and_reads_back_to_the_byte() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let messages = vec![Any { type_url: "/x.Msg".into(), value: vec![0, 255, 7] }];
        let place = |purpose| journal.place_order(purpose, &messages, OffsetDateTime::UNIX_EPOCH).unwrap();
        let Placed::New(first) = place(Purpose::Claim) else { panic!("nothing was open") };
        assert_eq!(first.messages, messages);
        assert_eq!(place(Purpose::Claim), Placed::Open(first.clone()));
        assert!(matches!(place(Purpose::Payout), Placed::New(_)));
        let refused = OrderOutcome::Refused { reason: "pay".into(), remedy: None };
        journal.close_order(first.id, &refused).unwrap();
        let late = OrderOutcome::Refused { reason: "late".into(), remedy: None };
        journal.close_order(first.id, &late).unwrap();
        assert_eq!(journal.order(first.id).unwrap().unwrap().outcome, Some(refused));
        assert!(matches!(place(Purpose::Claim), Placed::New(second) if second.id != first.id));
        assert_eq!(journal.open_orders().unwrap().len(), 2);
    }
}
