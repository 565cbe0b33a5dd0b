//! The miners and the training loop on a real chain and IPFS, over their sockets, with a proposer that is
//! as short as a test allows.

#![allow(clippy::unwrap_used)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use r3mes_chain::proto::{
    MsgRegisterNode, MsgSubmitAggregation, NodeType, ResourceQuota, ResourceSpec, RoleAllocation,
    StoredGradient,
};
use r3mes_chain::{Any, Broadcast, Chain, ChainSpec, Inclusion, Rpc, any, http, merkle_root};
use r3mes_gradient::{DType, Gradient, Limits, TensorView, write_safetensors};
use r3mes_ipfs::{CidSettings, FetchError, FetchLimits, Kubo, fetch_bytes};
use r3mes_localnet::chain::Operation;
use r3mes_localnet::ipfs::{BlockStore, IpfsServer};
use r3mes_localnet::miners::announce::Endpoints;
use r3mes_localnet::miners::attacks::Attack;
use r3mes_localnet::miners::model::TrainingSettings;
use r3mes_localnet::miners::training::{RoundReport, Training, TrainingConfig, TrainingEvent};
use r3mes_localnet::{Account, Localnet, LocalnetConfig, Role};

const MINERS: usize = 6;
const POLL: Duration = Duration::from_millis(10);

struct Network {
    localnet: Localnet,
    ipfs: IpfsServer,
    chain: Chain,
    kubo: Kubo,
    proposer: Account,
}

impl Network {
    async fn start(seed: u64) -> Self {
        let config = LocalnetConfig {
            seed,
            miners: MINERS as u32,
            block_interval: Some(Duration::from_millis(50)),
            ..LocalnetConfig::default()
        };
        let localnet = Localnet::start(config).await.unwrap();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ipfs = IpfsServer::with_store(listen, BlockStore::in_memory()).await.unwrap();
        let info = localnet.info();
        let spec = ChainSpec {
            chain_id: info.chain_id,
            prefix: info.prefix,
            fee_denom: info.fee_denom,
            gas_price: "0.025".parse().unwrap(),
            gas_adjustment: "1.3".parse().unwrap(),
        };
        let client = http::client(http::Timeouts::default()).unwrap();
        let chain = Chain::new(Rpc::new(client.clone(), info.rpc_url), spec);
        let kubo = Kubo::new(client, ipfs.url().clone());
        let proposer = localnet.account(Role::Proposer).unwrap();
        let network = Self { localnet, ipfs, chain, kubo, proposer };
        let role = NodeType::Proposer.into();
        let allocation = RoleAllocation { role, quota: Some(ResourceQuota { role, ..Default::default() }) };
        let registration = MsgRegisterNode {
            node_address: network.proposer.address.clone(),
            node_type: role,
            resources: Some(ResourceSpec { cpu_cores: 4, memory_gb: 16, ..Default::default() }),
            stake: "50000remes".to_owned(),
            roles: vec![role],
            role_allocations: vec![allocation],
            resource_proof_ipfs_hash: String::new(),
        };
        network.send(any(&registration)).await;
        network
    }

    /// Sends a message of the proposer's and waits until it is carried out.
    async fn send(&self, message: Any) {
        let tx = self.chain.prepare(&self.proposer.key, &[message], 0).await.unwrap();
        assert_eq!(self.chain.broadcast(&tx).await, Broadcast::Accepted);
        let Inclusion::Included(included) = self.chain.wait_for_tx(&tx.hash, 0, POLL).await.unwrap() else {
            panic!("a transaction without a timeout height timed out");
        };
        assert_eq!(included.refusal(), None);
    }

    async fn train(&self, seed: u64, attack: Option<Attack>, byzantine: usize, rounds: u64) -> Training {
        let config = TrainingConfig {
            seed,
            miners: MINERS,
            byzantine,
            attack,
            max_rounds: Some(rounds),
            settings: TrainingSettings::default(),
        };
        let endpoints = Endpoints {
            chain: self.chain.clone(),
            kubo: self.kubo.clone(),
            blocks: self.ipfs.store().clone(),
        };
        Training::start(config, endpoints, self.localnet.chain().clone()).await.unwrap()
    }

    /// The values of a gradient in name order, or why there are none.
    async fn values(&self, cid: &str) -> Result<Vec<f32>, String> {
        let cid = cid.parse().unwrap();
        let bytes = match fetch_bytes(&self.kubo, &cid, &FetchLimits::default()).await {
            Ok(bytes) => bytes,
            Err(FetchError::Source { error, .. }) => panic!("{error}"),
            Err(error) => return Err(error.to_string()),
        };
        let gradient = Gradient::from_vec(bytes, &Limits::default()).map_err(|error| error.to_string())?;
        let bytes: Vec<u8> = gradient.tensors().flat_map(|tensor| tensor.bytes.to_vec()).collect();
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// Publishes `values` in the layout of `like` and submits them as the aggregate of `gradients`.
    async fn submit(&self, like: &str, values: &[f32], gradients: &[StoredGradient]) {
        let cid = like.parse().unwrap();
        let bytes = fetch_bytes(&self.kubo, &cid, &FetchLimits::default()).await.unwrap();
        let layout = Gradient::from_vec(bytes, &Limits::default()).unwrap();
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut rest = raw.as_slice();
        let tensors: Vec<TensorView<'_>> = layout
            .tensors()
            .filter_map(|tensor| {
                let (bytes, after) = rest.split_at_checked(tensor.bytes.len())?;
                rest = after;
                Some(TensorView { dtype: DType::F32, bytes, ..tensor })
            })
            .collect();
        let mut file = Vec::new();
        write_safetensors(&mut file, &tensors, &Default::default()).unwrap();
        let added = self.kubo.add(file, &CidSettings::v1()).await.unwrap();
        let hashes: Vec<&str> = gradients.iter().map(|gradient| gradient.gradient_hash.as_str()).collect();
        let message = MsgSubmitAggregation {
            proposer: self.proposer.address.clone(),
            aggregated_gradient_ipfs_hash: added.cid.to_string(),
            merkle_root: merkle_root(&hashes).unwrap(),
            participant_gradient_ids: gradients.iter().map(|gradient| gradient.id).collect(),
            training_round_id: gradients[0].training_round_id,
            model_version: gradients[0].model_version.clone(),
        };
        self.send(any(&message)).await;
    }

    /// The gradients of a round, in id order.
    async fn gradients(&self, round: u64) -> Vec<StoredGradient> {
        let all = self.chain.gradients_from(0).await.unwrap();
        all.into_iter().filter(|gradient| gradient.training_round_id == round).collect()
    }

    /// Averages what can be read, and submits it.
    async fn aggregate_round(&self, round: u64) {
        let mut used = Vec::new();
        let mut sums: Vec<f64> = Vec::new();
        for gradient in self.gradients(round).await {
            let Ok(values) = self.values(&gradient.ipfs_hash).await else { continue };
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(&values).for_each(|(sum, value)| *sum += f64::from(*value));
            used.push(gradient);
        }
        let mean: Vec<f32> = sums.iter().map(|sum| (sum / used.len() as f64) as f32).collect();
        self.submit(&used[0].ipfs_hash.clone(), &mean, &used).await;
    }

    async fn shutdown(self) {
        self.localnet.shutdown().await;
        self.ipfs.shutdown().await;
    }
}

/// Waits for the round's gradients and answers its id.
async fn announced(events: &mut tokio::sync::broadcast::Receiver<TrainingEvent>) -> u64 {
    loop {
        match events.recv().await.unwrap() {
            TrainingEvent::Announced { training_round_id, .. } => return training_round_id,
            TrainingEvent::Failed { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

async fn train_honestly(seed: u64, rounds: u64) -> (Vec<RoundReport>, f64) {
    let network = Network::start(seed).await;
    let mut training = network.train(seed, None, 0, rounds).await;
    let mut events = training.events();
    for round in 1..=rounds {
        assert_eq!(announced(&mut events).await, round);
        network.aggregate_round(round).await;
    }
    training.ended().await;
    let state = network.chain.model_state().await.unwrap().unwrap();
    let history = training.history();
    assert_eq!(state.model_version, format!("v{}", rounds + 1));
    assert_eq!(state.training_round_id, rounds + 1);
    assert_eq!(state.model_ipfs_hash, history.last().unwrap().model_ipfs_hash);
    network.values(&state.model_ipfs_hash).await.unwrap();
    let initial = training.initial_accuracy();
    network.shutdown().await;
    (history, initial)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_learns_and_two_runs_are_the_same() {
    let (history, initial) = train_honestly(7, 3).await;
    assert_eq!(history.len(), 3);
    assert!(history[2].accuracy > initial + 0.3, "{initial}, then {}", history[2].accuracy);
    for report in &history {
        assert_eq!(report.not_applied, None);
        assert_eq!(report.announcements.len(), MINERS);
        assert_eq!(report.participants.len(), MINERS);
    }
    let versions: Vec<&str> = history.iter().map(|report| report.model_version.as_str()).collect();
    assert_eq!(versions, ["v1", "v2", "v3"]);
    let v0 = history[0].announcements.iter().filter(|sent| sent.ipfs_hash.starts_with("Qm")).count();
    assert_eq!(v0, 1, "one of six miners uploads with version 0");
    let (again, _) = train_honestly(7, 3).await;
    assert_eq!(history, again);
}

/// What a round of attackers looks like from outside: for each gradient, who sent it and what it holds.
async fn attacked_round(attack: Attack) -> (Vec<Result<Vec<f32>, String>>, Vec<Result<Vec<f32>, String>>) {
    let network = Network::start(3).await;
    let training = network.train(3, Some(attack), 2, 1).await;
    let mut events = training.events();
    let announcements = loop {
        if let TrainingEvent::Announced { announcements, .. } = events.recv().await.unwrap() {
            break announcements;
        }
    };
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for sent in &announcements {
        let gradient = network.chain.gradient(sent.gradient_id).await.unwrap().unwrap();
        assert_eq!(gradient.status, "pending");
        assert_eq!((&gradient.miner, &gradient.ipfs_hash), (&sent.address, &sent.ipfs_hash));
        let registered = network.chain.registration(&sent.address).await.unwrap().is_some();
        assert_eq!(registered, !(sent.byzantine && attack == Attack::Unregistered));
        let values = network.values(&sent.ipfs_hash).await;
        if sent.byzantine { bad.push(values) } else { good.push(values) }
    }
    assert_eq!((bad.len(), good.len()), (2, 4));
    assert!(good.iter().all(|values| values.as_ref().unwrap().iter().all(|value| value.is_finite())));
    training.shutdown().await;
    network.shutdown().await;
    (bad, good)
}

#[tokio::test(flavor = "multi_thread")]
async fn attackers_send_what_their_attack_says() {
    let norm = |values: &Result<Vec<f32>, String>| {
        values.as_ref().unwrap().iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
    };
    let (flipped, good) = attacked_round(Attack::SignFlip).await;
    let largest = good.iter().map(norm).fold(0.0, f64::max);
    assert!(flipped.iter().all(|values| norm(values) > 2.0 * largest));
    let (nan, _) = attacked_round(Attack::Nan).await;
    assert!(nan.iter().all(|values| values.as_ref().unwrap().iter().any(|value| value.is_nan())));
    let (lies, _) = attacked_round(Attack::WrongCid).await;
    assert!(lies.iter().all(|values| values.as_ref().unwrap_err().contains("CID")), "{lies:?}");
    let (broken, _) = attacked_round(Attack::Malformed).await;
    assert!(broken.iter().all(Result::is_err));
    let (unregistered, _) = attacked_round(Attack::Unregistered).await;
    assert!(unregistered.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfit_aggregate_is_reported_and_not_applied() {
    let network = Network::start(5).await;
    let mut training = network.train(5, None, 0, 3).await;
    let mut events = training.events();

    assert_eq!(announced(&mut events).await, 1);
    let gradients = network.gradients(1).await;
    let like = gradients[0].ipfs_hash.clone();
    let mut values = network.values(&like).await.unwrap();
    values[0] = f32::NAN;
    network.submit(&like, &values, &gradients).await;
    let report = training.report(0).await.unwrap();
    assert_eq!(report.not_applied.as_deref(), Some("the model's values would not be finite"));
    assert_eq!(report.accuracy, training.initial_accuracy());

    assert_eq!(announced(&mut events).await, 2);
    let gradients = network.gradients(2).await;
    assert_eq!(gradients[0].model_version, "v1", "the model stays as it was");
    network.submit(&like, &values[..256], &gradients).await;
    let report = training.report(1).await.unwrap();
    let reason = report.not_applied.unwrap();
    assert!(reason.starts_with("it does not have the model's layout: "), "{reason}");

    assert_eq!(announced(&mut events).await, 3);
    network.aggregate_round(3).await;
    training.ended().await;
    let history = training.history();
    assert_eq!(history[2].not_applied, None);
    assert!(history[2].accuracy > training.initial_accuracy());
    network.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reverted_aggregation_is_reported() {
    let network = Network::start(6).await;
    let training = network.train(6, None, 0, 2).await;
    let mut events = training.events();
    assert_eq!(announced(&mut events).await, 1);
    network.aggregate_round(1).await;
    assert!(!training.report(0).await.unwrap().reverted);

    let admin = network.localnet.account(Role::Admin).unwrap();
    let chain = network.localnet.chain();
    let challenge =
        Operation::Challenge { aggregation_id: 0, challenger: admin.address, reason: String::new() };
    chain.administer(challenge).unwrap();
    chain.administer(Operation::ResolveChallenge { challenge_id: 0, guilty: true }).unwrap();
    loop {
        match events.recv().await.unwrap() {
            TrainingEvent::Reverted { training_round_id, aggregation_id } => {
                assert_eq!((training_round_id, aggregation_id), (1, 0));
                break;
            }
            TrainingEvent::Failed { reason } => panic!("{reason}"),
            _ => {}
        }
    }
    assert!(training.history()[0].reverted);
    training.shutdown().await;
    network.shutdown().await;
}
