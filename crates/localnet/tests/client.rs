//! The proposer's own chain client against the network: what it asks, signs, sends and hears.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use common::{CID, Net, VERSION};
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::distribution::v1beta1::MsgWithdrawDelegatorReward;
use futures::StreamExt;
use r3mes_chain::proto::{
    GlobalModelState, MsgCommitAggregation, MsgRegisterNode, MsgRevealAggregation, MsgSubmitGradient,
    NodeStatus, NodeType, ResourceQuota, ResourceSpec, RoleAllocation,
};
use r3mes_chain::rpc::TxOrder;
use r3mes_chain::{
    Any, Backoff, Broadcast, Chain, ChainError, ChainSpec, Coin, Coins, Connection, Included, Inclusion,
    ModuleEvent, Notice, RefusalReason, Rpc, SignedTx, TxBody, any, commitment_hash, http, merkle_root,
    miner_signature_digest, subscribe, subscribe_again,
};
use r3mes_localnet::Account;

const POLL: Duration = Duration::from_millis(5);
const SILENCE: Duration = Duration::from_secs(60);

/// A network with manual blocks, and the client on its socket.
struct Client {
    net: Net,
    chain: Chain,
}

impl Client {
    async fn start() -> Client {
        let net = Net::start().await;
        let info = net.localnet.info();
        let spec = ChainSpec {
            chain_id: info.chain_id,
            prefix: info.prefix,
            fee_denom: "stake".into(),
            gas_price: "0.025".parse().unwrap(),
            gas_adjustment: "1.3".parse().unwrap(),
        };
        let http = http::client(http::Timeouts::default()).unwrap();
        Client { chain: Chain::new(Rpc::new(http, info.rpc_url), spec), net }
    }

    /// Prepares, sends, makes a block, and waits for the transaction in it.
    async fn carry_out(&self, signer: &Account, message: Any) -> Result<Included, ChainError> {
        let signed = self.chain.prepare(&signer.key, &[message], 0).await?;
        assert_eq!(self.chain.broadcast(&signed).await, Broadcast::Accepted);
        self.net.chain().produce_block();
        match self.chain.wait_for_tx(&signed.hash, 0, POLL).await? {
            Inclusion::Included(included) => Ok(included),
            Inclusion::TimedOut => panic!("without a timeout height"),
        }
    }

    async fn succeed(&self, signer: &Account, message: Any) -> Included {
        let included = self.carry_out(signer, message).await.unwrap();
        assert_eq!(included.refusal(), None);
        included
    }

    /// A transfer signed at a sequence of the test's choice.
    async fn transfer_at(&self, sequence: u64, body: TxBody, gas_limit: u64, fee: Coins) -> SignedTx {
        let account = self.account(&self.net.proposer).await;
        self.chain.sign(
            &self.net.proposer.key,
            r3mes_chain::Account { sequence, ..account },
            &body,
            gas_limit,
            fee,
        )
    }

    async fn account(&self, account: &Account) -> r3mes_chain::Account {
        self.chain.account(&account.address).await.unwrap().unwrap()
    }

    fn transfer(&self, amount: u128) -> Any {
        any(&MsgSend {
            from_address: self.net.proposer.address.clone(),
            to_address: self.net.second.address.clone(),
            amount: vec![Coin::new(amount, "stake").to_proto()],
        })
    }

    async fn register_proposer(&self) -> Included {
        let proposer = NodeType::Proposer.into();
        let quota = ResourceQuota { role: proposer, cpu_cores: 1, ..ResourceQuota::default() };
        let register = MsgRegisterNode {
            node_address: self.net.proposer.address.clone(),
            node_type: proposer,
            resources: Some(ResourceSpec { cpu_cores: 4, memory_gb: 8, ..ResourceSpec::default() }),
            stake: "50000remes".into(),
            roles: vec![proposer],
            role_allocations: vec![RoleAllocation { role: proposer, quota: Some(quota) }],
            resource_proof_ipfs_hash: String::new(),
        };
        self.succeed(&self.net.proposer, any(&register)).await
    }

    /// One gradient of each of the first miners; their ids.
    async fn announce(&self, miners: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        for (nonce, miner) in self.net.miners[..miners].iter().enumerate() {
            let mut message = MsgSubmitGradient {
                miner: miner.address.clone(),
                ipfs_hash: CID.into(),
                model_version: VERSION.into(),
                training_round_id: 1,
                gradient_hash: common::sha256_hex(&miner.address),
                gpu_architecture: "sm_90".into(),
                nonce: nonce as u64 + 1,
                ..MsgSubmitGradient::default()
            };
            let digest = miner_signature_digest(&self.chain.spec().chain_id, &message);
            message.signature = miner.key.sign(&digest).to_vec();
            ids.extend(self.succeed(miner, any(&message)).await.gradient_ids());
        }
        ids
    }

    fn commit(&self, root: &str, ids: &[u64]) -> MsgCommitAggregation {
        let proposer = self.net.proposer.address.clone();
        MsgCommitAggregation {
            commitment_hash: commitment_hash(&proposer, CID, root, ids, "salt"),
            proposer,
            training_round_id: 1,
            participant_gradient_ids: ids.to_vec(),
        }
    }

    fn reveal(&self, commitment_id: u64, root: &str, ids: &[u64]) -> MsgRevealAggregation {
        MsgRevealAggregation {
            proposer: self.net.proposer.address.clone(),
            commitment_id,
            aggregated_gradient_ipfs_hash: CID.into(),
            merkle_root: root.into(),
            participant_gradient_ids: ids.to_vec(),
            training_round_id: 1,
            model_version: VERSION.into(),
            salt: "salt".into(),
        }
    }
}

#[tokio::test]
async fn a_transfer_moves_coins_and_pays_its_fee() {
    let client = Client::start().await;
    let (proposer, second) = (&client.net.proposer, &client.net.second);
    let before = client.chain.balance(&proposer.address, "stake").await.unwrap();
    let theirs = client.chain.balance(&second.address, "stake").await.unwrap();
    let sequence = client.account(proposer).await.sequence;

    let signed = client.chain.prepare(&proposer.key, &[client.transfer(7)], 0).await.unwrap();
    assert_eq!(client.chain.find_tx(&signed.hash).await.unwrap(), None);
    assert_eq!(client.chain.broadcast(&signed).await, Broadcast::Accepted);
    assert_eq!(client.chain.broadcast(&signed).await, Broadcast::AlreadyInMempool);
    assert_eq!(client.chain.rpc().num_unconfirmed_txs().await.unwrap().total, 1);
    client.net.chain().produce_block();
    let included = client.chain.find_tx(&signed.hash).await.unwrap().unwrap();

    assert_eq!(included.refusal(), None);
    assert_eq!((&included.hash, &included.tx), (&signed.hash, &signed.bytes));
    assert_eq!(included.height, client.chain.status().await.unwrap().height);
    assert!(included.gas_used > 0 && included.gas_used <= included.gas_wanted);
    assert_eq!(included.received(&second.address).to_string(), "7stake");
    let after = client.chain.balance(&proposer.address, "stake").await.unwrap();
    assert_eq!(before - after, 7 + signed.fee.amount_of("stake"));
    assert_eq!(client.chain.balance(&second.address, "stake").await.unwrap(), theirs + 7);
    assert_eq!(client.chain.balances(&second.address).await.unwrap().amount_of("stake"), theirs + 7);
    assert_eq!(client.account(proposer).await.sequence, sequence + 1);
    // Found in the block itself too, without the index.
    let height = included.height.unsigned_abs();
    let in_block = client.chain.find_in_blocks(&signed.hash, 1, height).await.unwrap().unwrap();
    assert_eq!(in_block, included);
}

#[tokio::test]
async fn a_wrong_sequence_and_a_low_fee_are_refused_with_their_figures() {
    let client = Client::start().await;
    let body = || TxBody::new([client.transfer(1)], 0);
    let sequence = client.account(&client.net.proposer).await.sequence;
    let fee = || Coins::from(Coin::new(5000, "stake"));

    let early = client.transfer_at(sequence + 3, body(), 200_000, fee()).await;
    let Broadcast::Refused(refusal) = client.chain.broadcast(&early).await else { panic!() };
    assert_eq!(
        refusal.reason,
        RefusalReason::WrongSequence { expected: Some(sequence), found: Some(sequence + 3) }
    );
    let cheap = client.transfer_at(sequence, body(), 200_000, Coin::new(4999, "stake").into()).await;
    let Broadcast::Refused(refusal) = client.chain.broadcast(&cheap).await else { panic!() };
    let RefusalReason::InsufficientFee { required: Some(required) } = refusal.reason else {
        panic!("{refusal:?}")
    };
    assert_eq!(required.amount_of("stake"), 5000);
    let foreign = ChainSpec { chain_id: "remes-other".into(), ..client.chain.spec().clone() };
    let foreign = Chain::new(client.chain.rpc().clone(), foreign);
    // Not by the first account of all: a refusal that names account number 0 may be a restarted node's.
    let second = &client.net.second;
    let sent = any(&MsgSend {
        from_address: second.address.clone(),
        to_address: client.net.proposer.address.clone(),
        amount: vec![Coin::new(5, "stake").to_proto()],
    });
    let account = client.account(second).await;
    let signed = foreign.sign(&second.key, account, &TxBody::new([sent], 0), 200_000, fee());
    let Broadcast::Refused(refusal) = client.chain.broadcast(&signed).await else { panic!() };
    assert_eq!(refusal.reason, RefusalReason::SignatureRejected);

    let starved = client.transfer_at(sequence, body(), 100, fee()).await;
    let reason = match client.chain.broadcast(&starved).await {
        Broadcast::Refused(refusal) => refusal.reason,
        Broadcast::Accepted => {
            client.net.chain().produce_block();
            client.chain.find_tx(&starved.hash).await.unwrap().unwrap().refusal().unwrap().reason
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(reason, RefusalReason::OutOfGas);
}

#[tokio::test]
async fn what_is_refused_in_simulation_is_typed_too() {
    let client = Client::start().await;
    let refusal = |error: ChainError| error.into_refusal().unwrap().reason;
    let key = &client.net.proposer.key;
    let rich = client.chain.prepare(key, &[client.transfer(u128::from(u64::MAX))], 0).await.unwrap_err();
    assert_eq!(refusal(rich), RefusalReason::InsufficientFunds);
    let unregistered = any(&client.commit("", &[0]));
    let unregistered = client.chain.prepare(key, &[unregistered], 0).await.unwrap_err();
    assert_eq!(refusal(unregistered), RefusalReason::NotAuthorized);
    let stranger = r3mes_keys::AccountKey::from_bytes(&[9; 32]).unwrap();
    let stranger = client.chain.prepare(&stranger, &[client.transfer(1)], 0).await.unwrap_err();
    assert_eq!(refusal(stranger), RefusalReason::UnknownAccount);
}

#[tokio::test]
async fn a_transaction_times_out_once_blocks_past_its_height_stand() {
    let client = Client::start().await;
    let height = client.chain.status().await.unwrap().height.unsigned_abs();
    let key = &client.net.proposer.key;
    // Signed and never sent: the node's blocks prove that it cannot be included any more.
    let signed = client.chain.prepare(key, &[client.transfer(1)], height + 2).await.unwrap();
    client.net.chain().produce_blocks(4);
    let inclusion = client.chain.wait_for_tx(&signed.hash, signed.timeout_height, POLL).await.unwrap();
    assert_eq!(inclusion, Inclusion::TimedOut);
    let Broadcast::Refused(refusal) = client.chain.broadcast(&signed).await else { panic!() };
    assert!(refusal.is_about_timeout_height(), "{refusal:?}");
    // One that was sent in time is found long after.
    let timeout_height = client.chain.status().await.unwrap().height.unsigned_abs() + 2;
    let signed = client.chain.prepare(key, &[client.transfer(1)], timeout_height).await.unwrap();
    assert_eq!(client.chain.broadcast(&signed).await, Broadcast::Accepted);
    client.net.chain().produce_blocks(9);
    let inclusion = client.chain.wait_for_tx(&signed.hash, timeout_height, POLL).await.unwrap();
    assert!(matches!(inclusion, Inclusion::Included(included) if included.code == 0));
}

#[tokio::test]
async fn commit_and_reveal_pay_the_proposer_and_read_back() {
    let client = Client::start().await;
    let proposer = &client.net.proposer;
    assert!(client.chain.is_authorized(&proposer.address).await.unwrap());
    assert!(!client.chain.is_authorized(&client.net.miners[0].address).await.unwrap());
    assert_eq!(client.chain.registration(&proposer.address).await.unwrap(), None);
    client.register_proposer().await;
    let registration = client.chain.registration(&proposer.address).await.unwrap().unwrap();
    assert_eq!((registration.stake.as_str(), registration.status()), ("50000remes", NodeStatus::Active));
    let stored = client.chain.stored_registration(&proposer.address).await.unwrap();
    assert_eq!(stored, Some(registration));

    let ids = client.announce(3).await;
    assert_eq!(ids, [0, 1, 2], "ids start at 0");
    assert_eq!(client.chain.gradients(0, 2).await.unwrap().len(), 2);
    assert_eq!(client.chain.gradients(2, 2).await.unwrap().len(), 1);
    assert_eq!(client.chain.gradients(3, 2).await.unwrap(), []);
    let gradients = client.chain.gradients_from(0).await.unwrap();
    assert!(gradients.iter().all(|gradient| gradient.status == "pending"));
    assert_eq!(client.chain.gradient(0).await.unwrap().as_ref(), Some(&gradients[0]));
    assert_eq!(client.chain.gradient(99).await.unwrap(), None);

    let hashes: Vec<&str> = gradients.iter().map(|gradient| gradient.gradient_hash.as_str()).collect();
    let root = merkle_root(&hashes).unwrap();
    assert_eq!(client.chain.commitment(0).await.unwrap(), None);
    let included = client.succeed(proposer, any(&client.commit(&root, &ids))).await;
    let committed = included.committed().unwrap();
    assert_eq!(committed.commitment_id, 0);
    assert_eq!(committed.reveal_deadline_height, Some(included.height + 10));
    let record = client.chain.commitment(0).await.unwrap().unwrap();
    assert_eq!((record.status.as_str(), &record.participant_gradient_ids), ("committed", &ids));

    // What was not committed is refused: each mismatch by its own reason.
    let refused = async |message: MsgRevealAggregation| {
        let error = client.chain.prepare(&proposer.key, &[any(&message)], 0).await.unwrap_err();
        error.into_refusal().unwrap().reason
    };
    let right = client.reveal(0, &root, &ids);
    let other_salt = MsgRevealAggregation { salt: "other".into(), ..right.clone() };
    assert_eq!(refused(other_salt).await, RefusalReason::CommitmentHashMismatch);
    let no_salt = MsgRevealAggregation { salt: " ".into(), ..right.clone() };
    assert_eq!(refused(no_salt).await, RefusalReason::EmptySalt);
    let other_root = MsgRevealAggregation { merkle_root: common::sha256_hex("x"), ..right.clone() };
    assert_eq!(refused(other_root).await, RefusalReason::MerkleRootMismatch);
    let other_order = MsgRevealAggregation { participant_gradient_ids: vec![1, 0, 2], ..right.clone() };
    assert_eq!(refused(other_order).await, RefusalReason::ParticipantsDiffer);
    let other_round = MsgRevealAggregation { training_round_id: 2, ..right.clone() };
    assert_eq!(refused(other_round).await, RefusalReason::RoundDiffers);
    let no_version = MsgRevealAggregation { model_version: String::new(), ..right.clone() };
    assert_eq!(refused(no_version).await, RefusalReason::InvalidModelVersion);

    let included = client.succeed(proposer, any(&right)).await;
    assert_eq!(included.aggregation_id(), Some(0));
    assert_eq!(included.received(&proposer.address).amount_of("remes"), 530);
    let record = client.chain.aggregation(0).await.unwrap().unwrap();
    assert_eq!((record.status.as_str(), record.merkle_root.as_str()), ("pending", root.as_str()));
    assert!(record.challenge_deadline_height > included.height);
    assert_eq!(client.chain.aggregation_summary(0).await.unwrap().unwrap().participant_count, 3);
    assert_eq!(client.chain.gradient(1).await.unwrap().unwrap().status, "aggregated");
    let score = client.chain.miner_score(&client.net.miners[0].address).await.unwrap().unwrap();
    assert_eq!((score.total_submissions, score.successful_submissions), (1, 1));
    assert_eq!(refused(right).await, RefusalReason::AlreadyRevealed);
    let again =
        client.chain.prepare(&proposer.key, &[any(&client.commit(&root, &ids))], 0).await.unwrap_err();
    assert_eq!(again.into_refusal().unwrap().reason, RefusalReason::ParticipantNotPending);

    let query = format!("reveal_aggregation.proposer='{}'", proposer.address);
    let found = client.chain.rpc().tx_search(&query, 1, 10, TxOrder::Descending).await.unwrap();
    assert_eq!((found.total_count, &found.txs[0].hash), (1, &included.hash));
}

/// A mempool takes what is in time for the block that stands, and the next block holds it too late.
#[tokio::test]
async fn a_transaction_past_its_timeout_height_stands_in_its_block_and_pays_nothing() {
    let client = Client::start().await;
    let address = client.net.proposer.address.clone();
    let before = client.chain.balance(&address, "stake").await.unwrap();
    let account = client.account(&client.net.proposer).await;
    let height = client.chain.status().await.unwrap().height.unsigned_abs();
    let body = TxBody::new([client.transfer(5)], height);
    let fee = Coin::new(5_000, "stake").into();
    let signed = client.transfer_at(account.sequence, body, 200_000, fee).await;
    assert_eq!(client.chain.broadcast(&signed).await, Broadcast::Accepted);
    client.net.chain().produce_block();
    let included = client.chain.find_tx(&signed.hash).await.unwrap().unwrap();
    assert_eq!(included.refusal().unwrap().reason, RefusalReason::TimeoutHeight);
    assert!(!included.paid_fee());
    assert_eq!(client.chain.balance(&address, "stake").await.unwrap(), before);
    assert_eq!(client.account(&client.net.proposer).await, account, "its sequence is still to be used");
}

#[tokio::test]
async fn a_reveal_after_the_deadline_is_refused() {
    let client = Client::start().await;
    client.register_proposer().await;
    let ids = client.announce(1).await;
    let root = client.chain.gradient(ids[0]).await.unwrap().unwrap().gradient_hash;
    client.succeed(&client.net.proposer, any(&client.commit(&root, &ids))).await;
    client.net.chain().produce_blocks(11);
    let late = client.carry_out(&client.net.proposer, any(&client.reveal(0, &root, &ids))).await;
    let reason = late.unwrap_err().into_refusal().unwrap().reason;
    assert_eq!(reason, RefusalReason::RevealDeadlinePassed);
}

#[tokio::test]
async fn what_the_node_says_of_itself_and_of_the_network_is_read() {
    let client = Client::start().await;
    let chain = &client.chain;
    chain.rpc().health().await.unwrap();
    let status = chain.status().await.unwrap();
    assert_eq!(status.chain_id, chain.spec().chain_id);
    let prices = chain.node_config().await.unwrap().unwrap().minimum_gas_prices;
    assert!(prices.iter().any(|price| price.denom == "stake"), "{prices:?}");
    assert!(chain.reward_formula().await.unwrap().unwrap().starts_with('{'));
    let model = GlobalModelState {
        model_ipfs_hash: CID.into(),
        model_version: VERSION.into(),
        training_round_id: 4,
        ..GlobalModelState::default()
    };
    client.net.chain().set_global_model(model).unwrap();
    client.net.chain().produce_block();
    assert_eq!(chain.model_params().await.unwrap().unwrap().model_version, VERSION);
    assert_eq!(chain.model_state().await.unwrap().unwrap().training_round_id, 4);
    assert_eq!(chain.aggregation(0).await.unwrap(), None);
    assert_eq!(chain.challenge(0).await.unwrap(), None);
    let ahead = chain.rpc().block(Some(status.height + 100)).await.unwrap_err();
    let ChainError::Node(ahead) = ahead else { panic!("{ahead:?}") };
    assert_eq!(ahead.kind, r3mes_chain::NodeErrorKind::HeightNotReached);

    // The proposer has delegated; its rewards grow with the blocks and can be withdrawn.
    client.net.chain().produce_blocks(5);
    let proposer = &client.net.proposer;
    let rewards = chain.delegation_rewards(&proposer.address).await.unwrap();
    let withdraw = rewards.iter().map(|reward| {
        any(&MsgWithdrawDelegatorReward {
            delegator_address: proposer.address.clone(),
            validator_address: reward.validator.clone(),
        })
    });
    let withdraw: Vec<Any> = withdraw.collect();
    assert!(!withdraw.is_empty());
    let signed = chain.prepare(&proposer.key, &withdraw, 0).await.unwrap();
    assert_eq!(chain.broadcast(&signed).await, Broadcast::Accepted);
    client.net.chain().produce_block();
    let included = chain.find_tx(&signed.hash).await.unwrap().unwrap();
    let whole: u128 = rewards.iter().flat_map(|r| &r.reward).map(|coin| coin.amount.floor()).sum();
    let received: u128 = included.received(&proposer.address).0.iter().map(|coin| coin.amount).sum();
    assert!(whole > 0 && received >= whole, "{received} of {whole}");
}

#[tokio::test]
async fn blocks_and_transactions_are_heard_as_they_come() {
    let client = Client::start().await;
    let mut notices = subscribe(client.chain.rpc().url(), SILENCE).await.unwrap();
    let signed = client.chain.prepare(&client.net.proposer.key, &[client.transfer(3)], 0).await.unwrap();
    client.chain.broadcast(&signed).await;
    let produced = client.net.chain().produce_block().height;
    let (mut block, mut transaction) = (None, None);
    while block.is_none() || transaction.is_none() {
        match notices.next().await.unwrap().unwrap() {
            Notice::Block { height, .. } => block = Some(height),
            Notice::Tx(included) => transaction = Some(included),
        }
    }
    assert_eq!(block, Some(produced));
    let transaction = transaction.unwrap();
    assert_eq!(Some(&transaction), client.chain.find_tx(&signed.hash).await.unwrap().as_ref());
    let received = transaction.events.iter().filter_map(|event| event.decode()).any(|event| {
        matches!(event, ModuleEvent::CoinReceived { receiver, .. } if receiver == client.net.second.address)
    });
    assert!(received);
}

#[tokio::test]
async fn a_lost_connection_ends_one_subscription_and_the_other_tries_again() {
    let client = Client::start().await;
    let url = client.chain.rpc().url().clone();
    let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(2) };
    let mut once = subscribe(&url, SILENCE).await.unwrap();
    let mut again = Box::pin(subscribe_again(move || url.clone(), SILENCE, backoff));
    assert_eq!(again.next().await, Some(Connection::Up));
    client.net.localnet.shutdown().await;
    assert!(matches!(once.next().await, Some(Err(ChainError::Transport { .. }))));
    assert!(once.next().await.is_none());
    for attempt in 0..3 {
        let down = again.next().await;
        assert!(matches!(down, Some(Connection::Down(ChainError::Transport { .. }))), "{attempt}: {down:?}");
    }
    let gone = client.chain.status().await.unwrap_err();
    assert!(gone.is_transient(), "{gone}");
}
