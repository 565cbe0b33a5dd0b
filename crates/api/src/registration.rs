//! Registering the node, and stating its resources anew: seen with its cost first, then signed.

use r3mes_chain::{Any, Coin, Coins, any};
use r3mes_engine::journal::Purpose;
use serde::Serialize;
use serde_json::{Value, json};

use crate::amount::{Amount, amounts};
use crate::hardware::resources;
use crate::orders::Receipt;
use crate::standing::{RegistrationView, Resources};
use crate::{ApiError, ErrorCode, Workspace};

/// What a registration, or its update, would say and cost.
#[derive(Clone, Debug, Serialize)]
pub struct RegistrationPreview {
    /// The account.
    pub address: String,
    /// Whether it changes a registration that is there.
    pub update: bool,
    /// What the machine was found to have, just now.
    pub resources: Resources,
    /// The stake that will be stated; an update changes none.
    pub stake: Amount,
    /// The network's minimum.
    pub minimum_stake: Amount,
    /// What the account owns of the stake's denom.
    pub balance: Amount,
    /// What will be signed: the message's type and its fields.
    pub message: Value,
    /// The gas limit, decimal; absent where the chain would refuse it.
    pub gas: Option<String>,
    /// The fee.
    pub fee: Vec<Amount>,
    /// The registration that is there.
    pub registration: Option<RegistrationView>,
    /// Why it will not be sent.
    pub refusal: Option<ApiError>,
    #[serde(skip)]
    messages: Vec<Any>,
}

/// A registration that a block holds, as the chain stored it.
#[derive(Clone, Debug, Serialize)]
pub struct RegistrationReceipt {
    /// The transaction.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// What the chain holds now.
    pub registration: RegistrationView,
}

impl Workspace {
    /// What a registration would say and cost now, or its `update`. Nothing is signed. Without a `stake`
    /// it is the network's minimum.
    ///
    /// # Errors
    /// When no key is chosen, or the network does not answer. What speaks against it is in the preview.
    pub async fn registration_preview(
        &self,
        stake: Option<u128>,
        update: bool,
    ) -> Result<RegistrationPreview, ApiError> {
        let network = &self.settings().network;
        let address = self.address()?;
        let chain = self.connect()?.chain;
        let found = resources(self.root()).await;
        let there = chain.registration(&address).await?;
        let stated = match (&there, update) {
            (Some(there), true) => there.stake.parse().unwrap_or_default(),
            _ => Coin::new(stake.unwrap_or(network.minimum_stake), &network.stake_denom),
        };
        let message = match update {
            true => any(&r3mes_engine::update_message(&address, found)),
            false => any(&r3mes_engine::registration_message(&address, found, &stated.to_string())),
        };
        let balance = chain.balance(&address, &network.stake_denom).await?;
        let mut preview = RegistrationPreview {
            message: shown(&message.type_url, &address, found, (!update).then_some(&stated)),
            stake: Amount::new(stated.amount, &stated.denom),
            minimum_stake: Amount::new(network.minimum_stake, &network.stake_denom),
            balance: Amount::new(balance, &network.stake_denom),
            resources: found.into(),
            registration: there.as_ref().map(RegistrationView::from),
            gas: None,
            fee: Vec::new(),
            refusal: None,
            messages: vec![message],
            update,
            address,
        };
        preview.refusal = match (&there, update) {
            (None, true) => Some(standing("update the registration: there is none", "register first")),
            (Some(_), false) => {
                Some(standing("register: the node is registered", "use --update to state its resources anew"))
            }
            (Some(_), true) => None,
            (None, false) => self.unregistrable(&chain, &preview.address, &stated, balance).await?,
        };
        if preview.refusal.is_some() {
            return Ok(preview);
        }
        match self.cost(&chain, &preview.messages).await {
            Ok(cost) => {
                preview.gas = Some(cost.gas_limit.to_string());
                preview.fee = amounts(&cost.fee);
                let staked = if update { Coins::default() } else { stated.into() };
                preview.refusal = self.unpayable(&chain, &cost, &staked).await?;
            }
            Err(error)
                if matches!(
                    error.code,
                    ErrorCode::Refused | ErrorCode::InsufficientFunds | ErrorCode::InsufficientStake
                ) =>
            {
                preview.refusal = Some(error);
            }
            Err(error) => return Err(error),
        }
        Ok(preview)
    }

    /// Why the chain would not take a first registration with this stake.
    async fn unregistrable(
        &self,
        chain: &r3mes_chain::Chain,
        address: &str,
        stake: &Coin,
        balance: u128,
    ) -> Result<Option<ApiError>, ApiError> {
        let network = &self.settings().network;
        if !chain.is_authorized(address).await? {
            return Ok(Some(r3mes_engine::not_authorized(address).into()));
        }
        if stake.amount < network.minimum_stake {
            let text = format!(
                "register with {stake}: the network's minimum is {}{}",
                network.minimum_stake, network.stake_denom
            );
            return Ok(Some(ApiError::new(ErrorCode::InsufficientStake, text).with_remedy("raise --stake")));
        }
        if balance < stake.amount {
            let (denom, missing) = (&network.stake_denom, stake.amount - balance);
            let text = format!("register with {stake}: {address} owns {balance}{denom}");
            let remedy = format!("send {missing}{denom} to the address; the stake stays in its balance");
            return Ok(Some(ApiError::new(ErrorCode::InsufficientFunds, text).with_remedy(remedy)));
        }
        Ok(None)
    }

    /// Sends the registration that was previewed, waits until a block holds it, and reads it back.
    ///
    /// # Errors
    /// The preview's refusal, what the chain refuses, or a network that does not answer.
    pub async fn register(&self, preview: &RegistrationPreview) -> Result<RegistrationReceipt, ApiError> {
        if let Some(refusal) = &preview.refusal {
            return Err(refusal.clone());
        }
        let purpose = if preview.update { Purpose::Update } else { Purpose::Register };
        let receipt = self.order(purpose, &preview.messages).await?;
        self.registered(receipt).await
    }

    /// Goes on with a registration, or update, that was confirmed before and did not come to its end.
    ///
    /// # Errors
    /// As [`Workspace::register`].
    pub async fn resume_registration(&self, update: bool) -> Result<Option<RegistrationReceipt>, ApiError> {
        let purpose = if update { Purpose::Update } else { Purpose::Register };
        match self.resume_order(purpose).await? {
            Some(receipt) => self.registered(receipt).await.map(Some),
            None => Ok(None),
        }
    }

    /// Some builds answer success and store nothing: the chain's record is read back before it is believed.
    async fn registered(&self, receipt: Receipt) -> Result<RegistrationReceipt, ApiError> {
        match self.connect()?.chain.registration(&self.address()?).await? {
            Some(node) => Ok(RegistrationReceipt { receipt, registration: RegistrationView::from(&node) }),
            None => {
                let (hash, height) = (&receipt.tx_hash, &receipt.height);
                let text =
                    format!("trust the chain: registration {hash} is in block {height} and is not stored");
                Err(ApiError::new(ErrorCode::Network, text))
            }
        }
    }
}

fn standing(text: &str, remedy: &str) -> ApiError {
    ApiError::new(ErrorCode::Standing, text).with_remedy(remedy)
}

/// The message as it will be signed, for people.
fn shown(
    type_url: &str,
    address: &str,
    resources: r3mes_chain::proto::ResourceSpec,
    stake: Option<&Coin>,
) -> Value {
    let mut message = json!({
        "type": type_url,
        "node_address": address,
        "roles": ["proposer"],
        "resources": Resources::from(resources),
    });
    if let Some(stake) = stake {
        message["stake"] = json!(stake.to_string());
        message["node_type"] = json!("proposer");
    }
    message
}
