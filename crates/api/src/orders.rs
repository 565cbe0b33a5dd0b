//! What the operator orders beside the rounds: seen with its cost first, confirmed, carried out once.

use std::time::Duration;

use r3mes_chain::{Any, Chain, Coins, Estimate, Terms};
use r3mes_config::DataDir;
use r3mes_engine::journal::{Order, OrderOutcome, Placed, Purpose};
use r3mes_engine::{Environment, Journal};
use serde::Serialize;
use time::OffsetDateTime;

use crate::amount::{Amount, amounts_of_text};
use crate::moment::moment;
use crate::overview::unreadable;
use crate::start::open;
use crate::{ApiError, ErrorCode, Workspace};

/// How often the journal is looked at while another process carries an order out.
const LOOK: Duration = Duration::from_millis(100);

/// What became of an order.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// Its transaction.
    pub tx_hash: String,
    /// The block, decimal.
    pub height: String,
    /// Gas used, decimal.
    pub gas_used: String,
    /// What the transaction brought to the account.
    pub received: Vec<Amount>,
    /// What it cost.
    pub fee: Vec<Amount>,
    /// When the order was confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub placed_at: OffsetDateTime,
}

impl Workspace {
    /// What a transaction of these messages would cost. Nothing is signed, and no secret is touched.
    pub(crate) async fn cost(&self, chain: &Chain, messages: &[Any]) -> Result<Estimate, ApiError> {
        // Gas is paid for bytes too: the real one will have a timeout height of this size.
        let timeout_height = chain.status().await?.height.unsigned_abs() + 1000;
        let terms = Terms { timeout_height, ..Terms::default() };
        Ok(chain.estimate(&self.address()?, self.public_key()?, messages, &terms).await?)
    }

    /// Why the fee of a transaction cannot be paid, if it cannot: it is above the operator's limit, or
    /// above the balance after `spent` of the fee's denom.
    pub(crate) async fn unpayable(
        &self,
        chain: &Chain,
        cost: &Estimate,
        spent: &Coins,
    ) -> Result<Option<ApiError>, ApiError> {
        let address = self.address()?;
        for coin in &cost.fee.0 {
            let of_fee_denom = coin.denom == chain.spec().fee_denom;
            let limit =
                self.settings().submission.max_fee.filter(|limit| of_fee_denom && coin.amount > *limit);
            if let Some(limit) = limit {
                let text = format!("pay the fee of {coin}: submission.max_fee is {limit}");
                let remedy = "raise the limit, or wait for cheaper gas";
                return Ok(Some(ApiError::new(ErrorCode::Fee, text).with_remedy(remedy)));
            }
            let balance = chain.balance(&address, &coin.denom).await?;
            let left = balance.saturating_sub(spent.amount_of(&coin.denom));
            if left < coin.amount {
                let text = format!("pay the fee of {coin}: {address} has {left}{} for it", coin.denom);
                let remedy = format!("send {} to the address", coin.denom);
                return Ok(Some(ApiError::new(ErrorCode::InsufficientFunds, text).with_remedy(remedy)));
            }
        }
        Ok(None)
    }

    /// Places an order and sees it to its end: by the engine that works on the folder, or by ourselves.
    pub(crate) async fn order(&self, purpose: Purpose, messages: &[Any]) -> Result<Receipt, ApiError> {
        let home = self.home()?;
        // The key is opened before anything is journaled: without it nobody could carry the order out.
        let proposer = match home.in_use() {
            true => None,
            false => match open(self, Environment::system()) {
                Err(error) if error.code == ErrorCode::InUse => None,
                opened => Some(opened?),
            },
        };
        let chain = self.connect()?.chain;
        let network = &self.settings().network;
        let now = OffsetDateTime::now_utc();
        let placed =
            r3mes_engine::place_order(&home, network, &chain, &self.address()?, purpose, messages, now)
                .await?;
        let order = match placed {
            Placed::New(order) => order,
            Placed::Open(order) => return Err(self.pending(&order)),
        };
        if let Some(proposer) = proposer {
            proposer.carry_out_orders().await.map_err(|error| goes_on(error.into()))?;
        }
        self.outcome_of(order).await
    }

    /// Sees an order to its end that was confirmed before and is still open; `None` where none is.
    pub(crate) async fn resume_order(&self, purpose: Purpose) -> Result<Option<Receipt>, ApiError> {
        let Some(order) = self.open_order(purpose)? else { return Ok(None) };
        if self.home()?.in_use() {
            return Err(self.pending(&order));
        }
        self.outcome_of(order).await.map(Some)
    }

    /// The open order of a kind.
    pub(crate) fn open_order(&self, purpose: Purpose) -> Result<Option<Order>, ApiError> {
        let path = DataDir::new(self.root()).journal();
        if !path.exists() {
            return Ok(None);
        }
        // Opened for writing, so that a journal of an older program is brought to this one's version.
        Journal::open(&path).and_then(|journal| journal.open_order(purpose)).map_err(unreadable)
    }

    /// Waits for an order's end, and carries it out where nobody else does.
    async fn outcome_of(&self, order: Order) -> Result<Receipt, ApiError> {
        let home = self.home()?;
        let journal = Journal::read(&home.journal()).map_err(unreadable)?;
        loop {
            let outcome = journal.order(order.id).map_err(unreadable)?.and_then(|order| order.outcome);
            if let Some(outcome) = outcome {
                return receipt(&order, outcome);
            }
            if home.in_use() {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            match open(self, Environment::system()) {
                Err(error) if error.code == ErrorCode::InUse => {}
                Err(error) => return Err(goes_on(error)),
                Ok(proposer) => proposer.carry_out_orders().await.map_err(|error| goes_on(error.into()))?,
            }
        }
    }

    fn pending(&self, order: &Order) -> ApiError {
        let hash = self
            .home()
            .ok()
            .and_then(|home| Journal::read(&home.journal()).ok()?.order_transaction(order.id).ok()?);
        let transaction = match hash {
            Some(hash) => format!("its transaction is {hash}"),
            None => "its transaction is not signed yet".to_owned(),
        };
        let (purpose, at) = (order.purpose, moment(order.placed_at));
        ApiError::new(
            ErrorCode::Pending,
            format!("begin another {purpose}: one of {at} is under way; {transaction}"),
        )
        .with_remedy("wait until it has ended")
    }
}

/// An order that could not be carried out now stays in the journal.
fn goes_on(error: ApiError) -> ApiError {
    let stays = "what was confirmed stays in the journal: the same command, or `start`, goes on with it";
    let remedy = match &error.remedy {
        Some(remedy) => format!("{remedy}; {stays}"),
        None => stays.to_owned(),
    };
    error.with_remedy(remedy)
}

fn receipt(order: &Order, outcome: OrderOutcome) -> Result<Receipt, ApiError> {
    match outcome {
        OrderOutcome::Done { tx_hash, height, gas_used, fee, received } => Ok(Receipt {
            tx_hash,
            height: height.to_string(),
            gas_used: gas_used.to_string(),
            received: amounts_of_text(&received),
            fee: amounts_of_text(&fee),
            placed_at: order.placed_at,
        }),
        OrderOutcome::Refused { reason, remedy } => {
            let error = ApiError::new(ErrorCode::Refused, reason);
            Err(ApiError { remedy, ..error })
        }
    }
}
