//! Typed reads of the chain's state, and the preparation of transactions.

use cosmrs::crypto::PublicKey;
use cosmrs::proto::cosmos::auth::v1beta1::{
    BaseAccount, ModuleAccount, QueryAccountRequest, QueryAccountResponse,
};
use cosmrs::proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceRequest, QueryBalanceResponse,
};
use cosmrs::proto::cosmos::base::node::v1beta1::{ConfigRequest, ConfigResponse};
use cosmrs::proto::cosmos::base::query::v1beta1::PageRequest;
use cosmrs::proto::cosmos::distribution::v1beta1::{
    QueryDelegationTotalRewardsRequest, QueryDelegationTotalRewardsResponse, QueryValidatorCommissionRequest,
    QueryValidatorCommissionResponse,
};
use cosmrs::proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use cosmrs::proto::cosmos::vesting::v1beta1::{
    ContinuousVestingAccount, DelayedVestingAccount, PeriodicVestingAccount, PermanentLockedAccount,
};
use cosmrs::{AccountId, Any};
use prost::Message;
use r3mes_keys::AccountKey;
use tokio::sync::broadcast;

use crate::proto::{
    AggregationCommitment, AggregationRecord, ChallengeRecord, GlobalModelState, NodeRegistration,
    ProposerCensorshipRecord, QueryGetAggregationRequest, QueryGetAggregationResponse,
    QueryGetGlobalModelStateRequest, QueryGetGlobalModelStateResponse, QueryGetMinerScoreRequest,
    QueryGetMinerScoreResponse, QueryGetModelParamsRequest, QueryGetModelParamsResponse,
    QueryGetNodeRegistrationRequest, QueryGetNodeRegistrationResponse, QueryGetRewardFormulaRequest,
    QueryGetRewardFormulaResponse, QueryGetStoredGradientRequest, QueryGetStoredGradientResponse,
    QueryListStoredGradientRequest, QueryListStoredGradientResponse, StoredGradient,
};
use crate::refusal::{Refusal, RefusalReason};
use crate::rpc::{AbciQuery, EndpointStatus, Rpc, Status};
use crate::tx::{SignedTx, Terms, TxBody, sign_tx, unsigned_tx};
use crate::{ChainError, ChainSpec, Coin, Coins, DecCoin, Decimal};

const STORE: &str = "/store/remes/key";

/// The largest page that is asked for.
const PAGE: u64 = 100;

/// A chain, through one node. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Chain {
    rpc: Rpc,
    spec: ChainSpec,
}

/// What a signature needs of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The account's number, for ever.
    pub number: u64,
    /// The number of transactions that it has signed.
    pub sequence: u64,
}

/// What a transaction would cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The account, at the sequence that the transaction would take.
    pub account: Account,
    /// The gas it may use.
    pub gas_limit: u64,
    /// What it pays.
    pub fee: Coins,
}

/// What a delegation has earned and not withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DelegationReward {
    /// The validator's operator address.
    pub validator: String,
    /// The reward; fractions below one unit stay where they are.
    pub reward: Vec<DecCoin>,
}

/// What a node says of itself through the SDK.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeConfig {
    /// The least gas prices that its mempool takes; any one of them will do.
    pub minimum_gas_prices: Vec<DecCoin>,
}

impl Chain {
    /// The chain that `spec` describes, through `rpc`.
    pub fn new(rpc: Rpc, spec: ChainSpec) -> Self {
        Chain { rpc, spec }
    }

    /// The node's client.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The network.
    pub fn spec(&self) -> &ChainSpec {
        &self.spec
    }

    /// How each endpoint stands, as far as calls have shown, in the order of preference.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        self.rpc.endpoints()
    }

    /// Asks each endpoint how it stands. See [`Rpc::check_endpoints`].
    pub async fn check_endpoints(&self) -> Vec<EndpointStatus> {
        self.rpc.check_endpoints().await
    }

    /// Tells of each endpoint whose standing changes, or that takes another one's place.
    pub fn endpoint_changes(&self) -> broadcast::Receiver<EndpointStatus> {
        self.rpc.endpoint_changes()
    }

    /// The node and its latest block.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn status(&self) -> Result<Status, ChainError> {
        self.rpc.status().await
    }
}

/// The R3MES module.
///
/// A record that does not exist is `None`. All other trouble is a [`ChainError`]: no answer, an answer
/// that does not read, or the chain's refusal.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Chain {
    /// Up to `limit` gradients in id order, from the `offset`-th on, of every status and round. A page
    /// shorter than `limit` is the last one.
    pub async fn gradients(&self, offset: u64, limit: u64) -> Result<Vec<StoredGradient>, ChainError> {
        let pagination = PageRequest { offset, limit, ..PageRequest::default() };
        let request = QueryListStoredGradientRequest { pagination: Some(pagination) };
        let answer: Option<QueryListStoredGradientResponse> =
            self.module_query("ListStoredGradient", &request).await?;
        Ok(answer.unwrap_or_default().stored_gradients)
    }

    /// All gradients from the `offset`-th on, page by page. The response's `next_key` is of no use on
    /// this chain.
    pub async fn gradients_from(&self, offset: u64) -> Result<Vec<StoredGradient>, ChainError> {
        let mut all = Vec::new();
        loop {
            let page = self.gradients(offset + all.len() as u64, PAGE).await?;
            let is_last = (page.len() as u64) < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// One gradient.
    pub async fn gradient(&self, id: u64) -> Result<Option<StoredGradient>, ChainError> {
        let request = QueryGetStoredGradientRequest { id };
        let answer: Option<QueryGetStoredGradientResponse> =
            self.module_query("GetStoredGradient", &request).await?;
        Ok(answer.and_then(|answer| answer.stored_gradient))
    }

    /// What the module knows of a miner's past.
    pub async fn miner_score(&self, miner: &str) -> Result<Option<QueryGetMinerScoreResponse>, ChainError> {
        self.module_query("GetMinerScore", &QueryGetMinerScoreRequest { miner: miner.to_owned() }).await
    }

    /// A node's registration.
    pub async fn registration(&self, address: &str) -> Result<Option<NodeRegistration>, ChainError> {
        let request = QueryGetNodeRegistrationRequest { node_address: address.to_owned() };
        let answer: Option<QueryGetNodeRegistrationResponse> =
            self.module_query("GetNodeRegistration", &request).await?;
        Ok(answer.and_then(|answer| answer.registration))
    }

    /// The global model; `None` where the chain holds none.
    pub async fn model_state(&self) -> Result<Option<GlobalModelState>, ChainError> {
        let answer: Option<QueryGetGlobalModelStateResponse> =
            self.module_query("GetGlobalModelState", &QueryGetGlobalModelStateRequest {}).await?;
        Ok(answer.and_then(|answer| answer.state))
    }

    /// The model's CID and version as parameters.
    pub async fn model_params(&self) -> Result<Option<QueryGetModelParamsResponse>, ChainError> {
        self.module_query("GetModelParams", &QueryGetModelParamsRequest {}).await
    }

    /// How rewards are computed, as JSON text.
    pub async fn reward_formula(&self) -> Result<Option<String>, ChainError> {
        let answer: Option<QueryGetRewardFormulaResponse> =
            self.module_query("GetRewardFormula", &QueryGetRewardFormulaRequest {}).await?;
        Ok(answer.map(|answer| answer.formulas))
    }

    /// An aggregation as the query method tells it: without status and deadline. See
    /// [`Chain::aggregation`].
    pub async fn aggregation_summary(
        &self,
        id: u64,
    ) -> Result<Option<QueryGetAggregationResponse>, ChainError> {
        self.module_query("GetAggregation", &QueryGetAggregationRequest { id }).await
    }

    /// An aggregation's whole record, from the raw store.
    pub async fn aggregation(&self, id: u64) -> Result<Option<AggregationRecord>, ChainError> {
        self.record("ar_", &id.to_be_bytes()).await
    }

    /// A commitment, from the raw store.
    pub async fn commitment(&self, id: u64) -> Result<Option<AggregationCommitment>, ChainError> {
        self.record("ac_", &id.to_be_bytes()).await
    }

    /// A challenge, from the raw store.
    pub async fn challenge(&self, id: u64) -> Result<Option<ChallengeRecord>, ChainError> {
        self.record("cr_", &id.to_be_bytes()).await
    }

    /// A node's registration, from the raw store.
    pub async fn stored_registration(&self, address: &str) -> Result<Option<NodeRegistration>, ChainError> {
        self.record("nr_", address.as_bytes()).await
    }

    /// What a proposer is known to have left out, from the raw store.
    pub async fn censorship(&self, proposer: &str) -> Result<Option<ProposerCensorshipRecord>, ChainError> {
        self.record("pcr_", proposer.as_bytes()).await
    }

    /// Whether an address may propose.
    pub async fn is_authorized(&self, address: &str) -> Result<bool, ChainError> {
        Ok(self.store("apa_", address.as_bytes()).await?.first() == Some(&1))
    }

    /// Whether an address may validate.
    pub async fn is_authorized_validator(&self, address: &str) -> Result<bool, ChainError> {
        Ok(self.store("ava_", address.as_bytes()).await?.first() == Some(&1))
    }

    async fn module_query<M: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<Option<M>, ChainError> {
        self.query(&format!("/remes.remes.v1.Query/{method}"), request).await
    }

    /// A raw store value decoded; an absent key is an empty value. No record that the module stores is
    /// empty: each names an address.
    async fn record<M: Message + Default>(&self, prefix: &str, key: &[u8]) -> Result<Option<M>, ChainError> {
        let value = self.store(prefix, key).await?;
        if value.is_empty() {
            return Ok(None);
        }
        M::decode(value.as_slice())
            .map(Some)
            .map_err(|error| ChainError::malformed(format!("{STORE} {prefix}"), error))
    }

    async fn store(&self, prefix: &str, key: &[u8]) -> Result<Vec<u8>, ChainError> {
        let key = [prefix.as_bytes(), key].concat();
        let answer = self.rpc.abci_query(STORE, &key, None).await?;
        if answer.code != 0 {
            return Err(refused(answer).into());
        }
        Ok(answer.value)
    }
}

/// The Cosmos SDK's own modules.
#[allow(clippy::missing_errors_doc, reason = "as above")]
impl Chain {
    /// An account; `None` before it has received its first coins.
    pub async fn account(&self, address: &str) -> Result<Option<Account>, ChainError> {
        const PATH: &str = "/cosmos.auth.v1beta1.Query/Account";
        let request = QueryAccountRequest { address: address.to_owned() };
        let answer: Option<QueryAccountResponse> = self.query(PATH, &request).await?;
        let Some(any) = answer.and_then(|answer| answer.account) else { return Ok(None) };
        let base = base_account(&any).map_err(|error| ChainError::malformed(PATH, error))?;
        let Some(base) = base else {
            return Err(ChainError::malformed(
                PATH,
                format!("an account of the unknown type {}", any.type_url),
            ));
        };
        Ok(Some(Account { number: base.account_number, sequence: base.sequence }))
    }

    /// The balance of one denom, in units.
    pub async fn balance(&self, address: &str, denom: &str) -> Result<u128, ChainError> {
        const PATH: &str = "/cosmos.bank.v1beta1.Query/Balance";
        let request = QueryBalanceRequest { address: address.to_owned(), denom: denom.to_owned() };
        let answer: Option<QueryBalanceResponse> = self.query(PATH, &request).await?;
        let Some(coin) = answer.and_then(|answer| answer.balance) else { return Ok(0) };
        let coin = Coin::from_proto(&coin).map_err(|error| ChainError::malformed(PATH, error))?;
        Ok(coin.amount)
    }

    /// All balances.
    pub async fn balances(&self, address: &str) -> Result<Coins, ChainError> {
        const PATH: &str = "/cosmos.bank.v1beta1.Query/AllBalances";
        let mut coins = Vec::new();
        let mut key = Vec::new();
        loop {
            let pagination = PageRequest { key, limit: PAGE, ..PageRequest::default() };
            let request = QueryAllBalancesRequest {
                address: address.to_owned(),
                pagination: Some(pagination),
                ..QueryAllBalancesRequest::default()
            };
            let answer: QueryAllBalancesResponse = self.query(PATH, &request).await?.unwrap_or_default();
            let page =
                Coins::from_proto(&answer.balances).map_err(|error| ChainError::malformed(PATH, error))?;
            let is_empty = page.0.is_empty();
            coins.extend(page.0);
            key = answer.pagination.unwrap_or_default().next_key;
            if key.is_empty() || is_empty {
                return Ok(Coins(coins));
            }
        }
    }

    /// All balances and the height of the state in which they were read, for books that must agree with
    /// the bank to the unit.
    pub async fn balances_at(&self, address: &str) -> Result<(Coins, i64), ChainError> {
        const PATH: &str = "/cosmos.bank.v1beta1.Query/AllBalances";
        // One page, so that all of it is of one height.
        let pagination = PageRequest { limit: 10_000, ..PageRequest::default() };
        let request = QueryAllBalancesRequest {
            address: address.to_owned(),
            pagination: Some(pagination),
            ..QueryAllBalancesRequest::default()
        };
        let answer = self.rpc.abci_query(PATH, &request.encode_to_vec(), None).await?;
        if answer.code != 0 {
            return Err(refused(answer).into());
        }
        if answer.height <= 0 {
            return Err(ChainError::malformed(PATH, "the answer does not say of which height it is"));
        }
        let malformed = |error: &dyn std::fmt::Display| ChainError::malformed(PATH, error);
        let page = QueryAllBalancesResponse::decode(answer.value.as_slice()).map_err(|e| malformed(&e))?;
        Ok((Coins::from_proto(&page.balances).map_err(|e| malformed(&e))?, answer.height))
    }

    /// The address of the validator that `address` would operate: the same bytes under `...valoper`.
    pub fn operator_address(&self, address: &str) -> Result<String, ChainError> {
        let failed = |reason: String| ChainError::Address { reason };
        let account: AccountId = address.parse().map_err(|error| failed(format!("{address}: {error}")))?;
        AccountId::new(&format!("{}valoper", self.spec.prefix), &account.to_bytes())
            .map(|operator| operator.to_string())
            .map_err(|error| failed(error.to_string()))
    }

    /// What an account's delegations have earned, one entry a validator.
    pub async fn delegation_rewards(&self, delegator: &str) -> Result<Vec<DelegationReward>, ChainError> {
        const PATH: &str = "/cosmos.distribution.v1beta1.Query/DelegationTotalRewards";
        let request = QueryDelegationTotalRewardsRequest { delegator_address: delegator.to_owned() };
        let answer: Option<QueryDelegationTotalRewardsResponse> = self.query(PATH, &request).await?;
        let rewards = answer.unwrap_or_default().rewards.into_iter().map(|entry| {
            let reward = entry.reward.iter().map(DecCoin::from_proto).collect::<Result<_, _>>()?;
            Ok(DelegationReward { validator: entry.validator_address, reward })
        });
        rewards.collect::<Result<_, crate::AmountError>>().map_err(|error| ChainError::malformed(PATH, error))
    }

    /// What a validator's operator has earned and not withdrawn.
    pub async fn validator_commission(&self, validator: &str) -> Result<Vec<DecCoin>, ChainError> {
        const PATH: &str = "/cosmos.distribution.v1beta1.Query/ValidatorCommission";
        let request = QueryValidatorCommissionRequest { validator_address: validator.to_owned() };
        let answer: Option<QueryValidatorCommissionResponse> = self.query(PATH, &request).await?;
        let commission = answer.and_then(|answer| answer.commission).unwrap_or_default().commission;
        let coins = commission.iter().map(DecCoin::from_proto).collect::<Result<_, _>>();
        coins.map_err(|error| ChainError::malformed(PATH, error))
    }

    /// The node's gas prices; `None` where the node does not answer this question.
    pub async fn node_config(&self) -> Result<Option<NodeConfig>, ChainError> {
        const PATH: &str = "/cosmos.base.node.v1beta1.Service/Config";
        let answer: ConfigResponse = match self.query(PATH, &ConfigRequest {}).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            Err(ChainError::Refused(refusal)) if refusal.reason == RefusalReason::UnknownRequest => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let prices = answer.minimum_gas_price.split(',').map(str::trim).filter(|price| !price.is_empty());
        let minimum_gas_prices = prices
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|error| ChainError::malformed(PATH, error))?;
        Ok(Some(NodeConfig { minimum_gas_prices }))
    }

    /// A gRPC query through `abci_query`; `None` where the chain answers "not found".
    pub async fn query<M: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<Option<M>, ChainError> {
        let answer = self.rpc.abci_query(path, &request.encode_to_vec(), None).await?;
        if answer.code != 0 {
            let refusal = refused(answer);
            return if is_not_found(&refusal) { Ok(None) } else { Err(refusal.into()) };
        }
        M::decode(answer.value.as_slice()).map(Some).map_err(|error| ChainError::malformed(path, error))
    }
}

/// Transactions.
impl Chain {
    /// The gas that `body` uses, signed by the owner of `public_key` at `sequence`. Nothing is sent.
    ///
    /// # Errors
    /// [`ChainError::Refused`] where the chain would refuse the transaction.
    pub async fn simulate(
        &self,
        body: &TxBody,
        public_key: PublicKey,
        sequence: u64,
    ) -> Result<u64, ChainError> {
        const PATH: &str = "/cosmos.tx.v1beta1.Service/Simulate";
        let tx_bytes = unsigned_tx(body, public_key, sequence);
        let request = SimulateRequest { tx_bytes, ..SimulateRequest::default() };
        let answer = self.rpc.abci_query(PATH, &request.encode_to_vec(), None).await?;
        if answer.code != 0 {
            return Err(refused(answer).into());
        }
        let simulated = SimulateResponse::decode(answer.value.as_slice())
            .map_err(|error| ChainError::malformed(PATH, error))?;
        let gas = simulated.gas_info.map(|info| info.gas_used).filter(|gas| *gas > 0);
        gas.ok_or_else(|| ChainError::malformed(PATH, "no gas figure was found"))
    }

    /// Makes a transaction of `messages` ready to be sent: account and sequence from the chain, gas by
    /// simulation, fee by price, signed. Nothing is sent.
    ///
    /// # Errors
    /// [`ChainError::Refused`] where the account does not exist or the chain would refuse the
    /// transaction; other [`ChainError`]s where the node does not answer.
    pub async fn prepare(
        &self,
        key: &AccountKey,
        messages: &[Any],
        timeout_height: u64,
    ) -> Result<SignedTx, ChainError> {
        self.prepare_on(key, messages, &Terms { timeout_height, ..Terms::default() }).await
    }

    /// As [`Chain::prepare`], on other terms. Where a transaction of the account waits in the mempool, the
    /// simulation tells its sequence, and the new one stands behind it.
    ///
    /// # Errors
    /// As [`Chain::prepare`].
    pub async fn prepare_on(
        &self,
        key: &AccountKey,
        messages: &[Any],
        terms: &Terms,
    ) -> Result<SignedTx, ChainError> {
        let address = key.address(&self.spec.prefix);
        let estimate = self.estimate(&address, key.public_key(), messages, terms).await?;
        let body = TxBody::new(messages.iter().cloned(), terms.timeout_height);
        Ok(self.sign(key, estimate.account, &body, estimate.gas_limit, estimate.fee))
    }

    /// What a transaction of `messages` would cost now, and the sequence that it would take. No secret is
    /// needed, and nothing is sent.
    ///
    /// # Errors
    /// As [`Chain::prepare`].
    pub async fn estimate(
        &self,
        address: &str,
        public_key: PublicKey,
        messages: &[Any],
        terms: &Terms,
    ) -> Result<Estimate, ChainError> {
        let mut account = self.account(address).await?.ok_or_else(|| {
            Refusal::new("sdk", 9, format!("account {address} does not exist on {}", self.spec.chain_id))
        })?;
        let body = TxBody::new(messages.iter().cloned(), terms.timeout_height);
        let mut simulated = self.simulate(&body, public_key, account.sequence).await;
        if let Err(ChainError::Refused(Refusal {
            reason: RefusalReason::WrongSequence { expected: Some(expected), .. },
            ..
        })) = &simulated
            && *expected > account.sequence
        {
            account.sequence = *expected;
            simulated = self.simulate(&body, public_key, account.sequence).await;
        }
        let gas_limit = terms.gas(self.spec.gas_limit(simulated?));
        let fee = self.spec.fee_at(self.gas_price().await, gas_limit)?;
        let amount = terms.fee(fee.amount_of(&self.spec.fee_denom));
        Ok(Estimate { account, gas_limit, fee: self.spec.coins(amount) })
    }

    /// The price of a unit of gas: the network's, or the node's own where it asks for more in the same denom.
    /// A node that does not tell leaves it at the network's.
    pub async fn gas_price(&self) -> Decimal {
        let asked = match self.node_config().await {
            Ok(config) => config.unwrap_or_default().minimum_gas_prices,
            Err(error) => {
                tracing::debug!(%error, "the node does not tell its gas prices");
                Vec::new()
            }
        };
        let own = asked.into_iter().find(|price| price.denom == self.spec.fee_denom);
        own.map_or(self.spec.gas_price, |price| price.amount.max(self.spec.gas_price))
    }

    /// Bytes that a transaction of these messages takes, signature included.
    pub fn tx_bytes(&self, key: &AccountKey, messages: &[Any]) -> usize {
        unsigned_tx(&TxBody::new(messages.iter().cloned(), u64::MAX), key.public_key(), u64::MAX).len()
    }

    /// Signs without asking the chain anything.
    pub fn sign(
        &self,
        key: &AccountKey,
        account: Account,
        body: &TxBody,
        gas_limit: u64,
        fee: Coins,
    ) -> SignedTx {
        sign_tx(body, key, &self.spec.chain_id, account, gas_limit, fee)
    }
}

fn refused(answer: AbciQuery) -> Refusal {
    Refusal::new(answer.codespace, answer.code, answer.log)
}

/// "Not found" is code 22 of the SDK; some queries of some builds say it in words only.
fn is_not_found(refusal: &Refusal) -> bool {
    let log = refusal.log.to_ascii_lowercase();
    refusal.reason == RefusalReason::NotFound || log.contains("code = notfound") || log.contains("not found")
}

/// The base account in any account type of the SDK; `None` for a type that is not known.
fn base_account(any: &Any) -> Result<Option<BaseAccount>, prost::DecodeError> {
    let bytes = any.value.as_slice();
    Ok(match any.type_url.as_str() {
        "/cosmos.auth.v1beta1.BaseAccount" => Some(BaseAccount::decode(bytes)?),
        "/cosmos.auth.v1beta1.ModuleAccount" => ModuleAccount::decode(bytes)?.base_account,
        "/cosmos.vesting.v1beta1.ContinuousVestingAccount" => ContinuousVestingAccount::decode(bytes)?
            .base_vesting_account
            .and_then(|vesting| vesting.base_account),
        "/cosmos.vesting.v1beta1.DelayedVestingAccount" => DelayedVestingAccount::decode(bytes)?
            .base_vesting_account
            .and_then(|vesting| vesting.base_account),
        "/cosmos.vesting.v1beta1.PeriodicVestingAccount" => PeriodicVestingAccount::decode(bytes)?
            .base_vesting_account
            .and_then(|vesting| vesting.base_account),
        "/cosmos.vesting.v1beta1.PermanentLockedAccount" => PermanentLockedAccount::decode(bytes)?
            .base_vesting_account
            .and_then(|vesting| vesting.base_account),
        _ => None,
    })
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
