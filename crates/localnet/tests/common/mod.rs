//! A running network with manual blocks, and a client that signs real transactions and speaks CometBFT's
//! RPC over the socket.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

pub mod gate;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cosmrs::Any;
use cosmrs::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmrs::proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use cosmrs::proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use cosmrs::proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmrs::proto::cosmos::tx::v1beta1::{
    AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, SimulateRequest, SimulateResponse, TxBody, TxRaw, mode_info,
};
use prost::{Message, Name};
use r3mes_chain::proto::*;
use r3mes_localnet::chain::{BlockTime, ChainHandle, Operation};
use r3mes_localnet::{Account, Localnet, LocalnetConfig, Role};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CID: &str = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
pub const VERSION: &str = "v1.0";

/// A refusal as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub codespace: String,
    pub code: u64,
    pub log: String,
}

impl Refused {
    #[track_caller]
    pub fn is(&self, codespace: &str, code: u64, log: &str) {
        assert_eq!((self.codespace.as_str(), self.code), (codespace, code), "log: {}", self.log);
        assert!(self.log.contains(log), "expected {log:?} in {:?}", self.log);
    }
}

/// A transaction that succeeded.
#[derive(Debug, Clone)]
pub struct Done {
    pub hash: String,
    pub height: i64,
    pub result: Value,
}

impl Done {
    /// The first response among the transaction's data.
    pub fn response<M: Message + Default>(&self) -> M {
        self.responses::<M>().remove(0)
    }

    pub fn responses<M: Message + Default>(&self) -> Vec<M> {
        let data = STANDARD.decode(self.result["data"].as_str().unwrap()).unwrap();
        let data = TxMsgData::decode(data.as_slice()).unwrap();
        data.msg_responses.iter().map(|any| M::decode(any.value.as_slice()).unwrap()).collect()
    }
}

/// The events of `kind` in a list, each as its attributes.
pub fn events(list: &Value, kind: &str) -> Vec<Vec<(String, String)>> {
    let attribute =
        |a: &Value| (a["key"].as_str().unwrap().to_owned(), a["value"].as_str().unwrap().to_owned());
    list.as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == kind)
        .map(|event| event["attributes"].as_array().unwrap().iter().map(attribute).collect())
        .collect()
}

/// The value of `key` in the first event of `kind` that has it.
pub fn attribute(list: &Value, kind: &str, key: &str) -> Option<String> {
    events(list, kind).into_iter().flatten().find(|(k, _)| k == key).map(|(_, value)| value)
}

pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

pub fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What differs from an ordinary transaction.
#[derive(Debug, Clone)]
pub struct Options {
    pub gas: u64,
    pub fee: Option<u128>,
    pub sequence: Option<u64>,
    pub account_number: Option<u64>,
    pub chain_id: Option<String>,
    pub timeout_height: u64,
    pub memo: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            gas: 1_000_000,
            fee: None,
            sequence: None,
            account_number: None,
            chain_id: None,
            timeout_height: 0,
            memo: String::new(),
        }
    }
}

pub struct Net {
    pub localnet: Localnet,
    pub http: reqwest::Client,
    pub proposer: Account,
    pub second: Account,
    pub admin: Account,
    pub miners: Vec<Account>,
}

impl Net {
    pub async fn start() -> Net {
        Net::with(LocalnetConfig::default()).await
    }

    /// A network with manual blocks and a clock of its own.
    pub async fn with(config: LocalnetConfig) -> Net {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = LocalnetConfig {
            miners: 6,
            block_interval: None,
            block_time: BlockTime::Stepped {
                genesis_unix: 1_700_000_000,
                step: std::time::Duration::from_secs(5),
            },
            ..config
        };
        let localnet = Localnet::start(config).await.unwrap();
        let account = |role| localnet.account(role).unwrap();
        Net {
            proposer: account(Role::Proposer),
            second: account(Role::SecondProposer),
            admin: account(Role::Admin),
            miners: (0..6).map(|index| account(Role::Miner(index))).collect(),
            http: reqwest::Client::new(),
            localnet,
        }
    }

    pub fn chain(&self) -> &ChainHandle {
        self.localnet.chain()
    }

    /// The whole answer to a call.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let answer = self.http.post(self.localnet.rpc_url()).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["jsonrpc"], "2.0");
        answer
    }

    /// The result of a call that succeeds.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        let mut answer = self.call(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    pub async fn abci(&self, path: &str, data: &[u8]) -> Result<Vec<u8>, Refused> {
        let params = json!({ "path": path, "data": hex::encode(data), "height": "0", "prove": false });
        let answer = self.rpc("abci_query", params).await;
        let response = &answer["response"];
        if response["code"] != 0 {
            return Err(refused(response));
        }
        Ok(response["value"].as_str().map(|text| STANDARD.decode(text).unwrap()).unwrap_or_default())
    }

    pub async fn query<M: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<M, Refused> {
        let value = self.abci(path, &request.encode_to_vec()).await?;
        Ok(M::decode(value.as_slice()).unwrap())
    }

    /// A raw value of the module's store.
    pub async fn raw(&self, prefix: &str, key: &[u8]) -> Option<Vec<u8>> {
        let value = self.abci("/store/remes/key", &[prefix.as_bytes(), key].concat()).await.unwrap();
        (!value.is_empty()).then_some(value)
    }

    pub async fn record<M: Message + Default>(&self, prefix: &str, id: u64) -> Option<M> {
        let value = self.raw(prefix, &id.to_be_bytes()).await?;
        Some(M::decode(value.as_slice()).unwrap())
    }

    pub async fn aggregation(&self, id: u64) -> AggregationRecord {
        self.record("ar_", id).await.unwrap()
    }

    pub async fn gradient(&self, id: u64) -> StoredGradient {
        let request = QueryGetStoredGradientRequest { id };
        let response: QueryGetStoredGradientResponse =
            self.query("/remes.remes.v1.Query/GetStoredGradient", &request).await.unwrap();
        response.stored_gradient.unwrap()
    }

    pub async fn registration(&self, address: &str) -> NodeRegistration {
        let value = self.raw("nr_", address.as_bytes()).await.unwrap();
        NodeRegistration::decode(value.as_slice()).unwrap()
    }

    pub async fn balance(&self, address: &str, denom: &str) -> u128 {
        let request = QueryBalanceRequest { address: address.to_owned(), denom: denom.to_owned() };
        let response: QueryBalanceResponse =
            self.query("/cosmos.bank.v1beta1.Query/Balance", &request).await.unwrap();
        response.balance.unwrap().amount.parse().unwrap()
    }

    pub async fn base_account(&self, address: &str) -> Result<BaseAccount, Refused> {
        let request = QueryAccountRequest { address: address.to_owned() };
        let response: QueryAccountResponse =
            self.query("/cosmos.auth.v1beta1.Query/Account", &request).await?;
        let any = response.account.unwrap();
        assert_eq!(any.type_url, "/cosmos.auth.v1beta1.BaseAccount");
        Ok(BaseAccount::decode(any.value.as_slice()).unwrap())
    }

    /// A signed transaction.
    pub async fn sign(&self, signer: &Account, messages: &[Any], options: &Options) -> Vec<u8> {
        let account = self.base_account(&signer.address).await.unwrap_or_default();
        let fee = options.fee.unwrap_or(u128::from(options.gas) / 40);
        let body = TxBody {
            messages: messages.to_vec(),
            memo: options.memo.clone(),
            timeout_height: options.timeout_height,
            ..TxBody::default()
        };
        let single = mode_info::Single { mode: SignMode::Direct.into() };
        let auth = AuthInfo {
            signer_infos: vec![SignerInfo {
                public_key: Some(signer.key.public_key().into()),
                mode_info: Some(ModeInfo { sum: Some(mode_info::Sum::Single(single)) }),
                sequence: options.sequence.unwrap_or(account.sequence),
            }],
            fee: Some(Fee {
                amount: vec![Coin { denom: "stake".into(), amount: fee.to_string() }],
                gas_limit: options.gas,
                ..Fee::default()
            }),
            ..AuthInfo::default()
        };
        let document = SignDoc {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            chain_id: options.chain_id.clone().unwrap_or(self.localnet.chain_id().to_owned()),
            account_number: options.account_number.unwrap_or(account.account_number),
        };
        let signature = signer.key.sign(&document.encode_to_vec()).to_vec();
        TxRaw {
            body_bytes: document.body_bytes,
            auth_info_bytes: document.auth_info_bytes,
            signatures: vec![signature],
        }
        .encode_to_vec()
    }

    /// What the mempool's check answers.
    pub async fn broadcast(&self, tx: &[u8]) -> Result<String, Refused> {
        let answer = self.rpc("broadcast_tx_sync", json!({ "tx": STANDARD.encode(tx) })).await;
        if answer["code"] != 0 {
            return Err(refused(&answer));
        }
        Ok(answer["hash"].as_str().unwrap().to_owned())
    }

    pub async fn tx(&self, hash: &str) -> Value {
        let bytes = hex::decode(hash).unwrap();
        self.rpc("tx", json!({ "hash": STANDARD.encode(bytes), "prove": false })).await
    }

    /// Broadcasts, makes a block, and answers what became of the transaction in it.
    pub async fn deliver(&self, tx: &[u8]) -> Result<Done, Refused> {
        let hash = self.broadcast(tx).await?;
        self.chain().produce_block();
        let answer = self.tx(&hash).await;
        assert_eq!(answer["hash"], hash.as_str());
        if answer["tx_result"]["code"] != 0 {
            return Err(refused(&answer["tx_result"]));
        }
        let height = answer["height"].as_str().unwrap().parse().unwrap();
        Ok(Done { hash, height, result: answer["tx_result"].clone() })
    }

    pub async fn send<M: Message + Name>(&self, signer: &Account, message: &M) -> Result<Done, Refused> {
        self.deliver(&self.sign(signer, &[any(message)], &Options::default()).await).await
    }

    pub async fn simulate(&self, tx: &[u8]) -> Result<SimulateResponse, Refused> {
        let request = SimulateRequest { tx_bytes: tx.to_vec(), ..SimulateRequest::default() };
        self.query("/cosmos.tx.v1beta1.Service/Simulate", &request).await
    }

    /// `POST /localnet/<operation>`.
    pub async fn admin(&self, operation: &str, fields: Value) -> Result<Value, Refused> {
        let url = self.localnet.rpc_url().join(&format!("localnet/{operation}")).unwrap();
        let answer = self.http.post(url).json(&fields).send().await.unwrap();
        let ok = answer.status().is_success();
        let body: Value = answer.json().await.unwrap();
        if ok { Ok(body) } else { Err(refused(&body)) }
    }

    pub fn administer(&self, operation: Operation) -> Value {
        self.chain().administer(operation).unwrap()
    }

    // ---- ordinary steps ----

    pub async fn register(&self, account: &Account) -> Done {
        self.send(account, &registration(&account.address)).await.unwrap()
    }

    /// A gradient of a miner as it would announce it, signed, with a nonce that no other had.
    pub fn announcement(&self, miner: &Account, round: u64) -> MsgSubmitGradient {
        let nonce = self.chain().height() as u64;
        let message = MsgSubmitGradient {
            miner: miner.address.clone(),
            ipfs_hash: CID.to_owned(),
            model_version: VERSION.to_owned(),
            training_round_id: round,
            shard_id: 2,
            gradient_hash: sha256_hex(&format!("{}/{round}", miner.address)),
            gpu_architecture: "sm_90".to_owned(),
            nonce,
            ..MsgSubmitGradient::default()
        };
        self.sign_announcement(miner, message)
    }

    pub fn sign_announcement(&self, miner: &Account, mut m: MsgSubmitGradient) -> MsgSubmitGradient {
        let text = format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.localnet.chain_id(),
            m.miner,
            m.ipfs_hash,
            m.model_version,
            m.training_round_id,
            m.shard_id,
            m.gradient_hash,
            m.gpu_architecture,
            m.nonce
        );
        m.signature = miner.key.sign(&Sha256::digest(text.as_bytes())).to_vec();
        m
    }

    /// One gradient of each of the first `count` miners; answers their ids.
    pub async fn announce(&self, count: usize, round: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        for miner in &self.miners[..count] {
            let done = self.send(miner, &self.announcement(miner, round)).await.unwrap();
            ids.push(done.response::<MsgSubmitGradientResponse>().stored_gradient_id);
        }
        ids
    }

    pub async fn merkle_root(&self, ids: &[u64]) -> String {
        let mut level = Vec::new();
        for id in ids {
            level.push(self.gradient(*id).await.gradient_hash);
        }
        while level.len() > 1 {
            if level.len() % 2 == 1 {
                level.push(level[level.len() - 1].clone());
            }
            level = level.chunks(2).map(|p| sha256_hex(&format!("{}:{}", p[0], p[1]))).collect();
        }
        level.remove(0)
    }

    /// The messages of a right commit and reveal, the commitment's id left at 0.
    pub async fn commit_and_reveal(
        &self,
        proposer: &Account,
        ids: &[u64],
        round: u64,
    ) -> (MsgCommitAggregation, MsgRevealAggregation) {
        let merkle_root = self.merkle_root(ids).await;
        let salt = "f00d".to_owned();
        let list: Vec<String> = ids.iter().map(u64::to_string).collect();
        let text = format!("{}:{CID}:{merkle_root}:[{}]:{salt}", proposer.address, list.join(" "));
        let commit = MsgCommitAggregation {
            proposer: proposer.address.clone(),
            commitment_hash: sha256_hex(&text),
            training_round_id: round,
            participant_gradient_ids: ids.to_vec(),
        };
        let reveal = MsgRevealAggregation {
            proposer: proposer.address.clone(),
            commitment_id: 0,
            aggregated_gradient_ipfs_hash: CID.to_owned(),
            merkle_root,
            participant_gradient_ids: ids.to_vec(),
            training_round_id: round,
            model_version: VERSION.to_owned(),
            salt,
        };
        (commit, reveal)
    }

    /// Commits and reveals; answers the aggregation's id.
    pub async fn aggregate(&self, proposer: &Account, ids: &[u64], round: u64) -> u64 {
        let (commit, mut reveal) = self.commit_and_reveal(proposer, ids, round).await;
        let done = self.send(proposer, &commit).await.unwrap();
        reveal.commitment_id = done.response::<MsgCommitAggregationResponse>().commitment_id;
        let done = self.send(proposer, &reveal).await.unwrap();
        done.response::<MsgRevealAggregationResponse>().aggregation_id
    }
}

fn refused(value: &Value) -> Refused {
    Refused {
        codespace: value["codespace"].as_str().unwrap().to_owned(),
        code: value["code"].as_u64().unwrap(),
        log: value["log"].as_str().unwrap().to_owned(),
    }
}

/// The registration of a proposer with the least stake.
pub fn registration(address: &str) -> MsgRegisterNode {
    let resources = ResourceSpec { cpu_cores: 8, memory_gb: 32, ..ResourceSpec::default() };
    MsgRegisterNode {
        node_address: address.to_owned(),
        node_type: NodeType::Proposer.into(),
        resources: Some(resources),
        stake: "50000remes".to_owned(),
        roles: vec![NodeType::Proposer.into()],
        role_allocations: vec![allocation(NodeType::Proposer)],
        resource_proof_ipfs_hash: String::new(),
    }
}

pub fn allocation(role: NodeType) -> RoleAllocation {
    let quota = ResourceQuota { role: role.into(), cpu_cores: 8, memory_gb: 32, ..ResourceQuota::default() };
    RoleAllocation { role: role.into(), quota: Some(quota) }
}
