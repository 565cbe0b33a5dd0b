//! Several endpoints of one chain, over sockets: some fail, hang, lag or serve another chain.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use common::Net;
use common::gate::{Gate, Manner};
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use r3mes_chain::{
    Broadcast, Chain, ChainError, ChainSpec, Coin, EndpointStanding, EndpointStatus, Inclusion, Rpc,
    RpcLimits, any, http,
};

const POLL: Duration = Duration::from_millis(5);

/// A network with manual blocks, endpoints in front of it, and a client of all of them.
struct Scene {
    net: Net,
    gates: Vec<Gate>,
    chain: Chain,
}

impl Scene {
    async fn start(manners: &[Manner]) -> Scene {
        let net = Net::start().await;
        let info = net.localnet.info();
        let mut gates = Vec::new();
        for manner in manners {
            gates.push(Gate::start(info.rpc_url.clone(), manner.clone()).await);
        }
        let client = http::client(http::Timeouts::default()).unwrap();
        let urls = gates.iter().map(|gate| gate.url.clone()).collect();
        let rpc = Rpc::pool(&client, urls, &info.chain_id).unwrap();
        let spec = ChainSpec {
            chain_id: info.chain_id,
            prefix: info.prefix,
            fee_denom: "stake".into(),
            gas_price: "0.025".parse().unwrap(),
            gas_adjustment: "1.3".parse().unwrap(),
        };
        Scene { net, gates, chain: Chain::new(rpc, spec) }
    }

    fn endpoint(&self, index: usize) -> EndpointStatus {
        self.chain.endpoints().remove(index)
    }

    fn in_use(&self) -> usize {
        self.chain.endpoints().iter().position(|endpoint| endpoint.in_use).unwrap()
    }

    async fn height(&self) -> i64 {
        self.chain.status().await.unwrap().height
    }

    fn transfer(&self) -> cosmrs::Any {
        any(&MsgSend {
            from_address: self.net.proposer.address.clone(),
            to_address: self.net.second.address.clone(),
            amount: vec![Coin::new(5, "stake").to_proto()],
        })
    }
}

#[tokio::test]
async fn the_preferred_endpoint_answers_and_the_next_one_when_it_does_not() {
    let scene = Scene::start(&[Manner::Honest, Manner::Honest]).await;
    scene.height().await;
    assert_eq!((scene.in_use(), scene.gates[1].calls("status")), (0, 0));
    let mut changes = scene.chain.endpoint_changes();
    scene.gates[0].turn(Manner::Broken);
    assert_eq!(scene.height().await, scene.net.chain().height());
    assert_eq!(scene.in_use(), 1);
    // A second failure in a row, and it is asked no more for a while.
    scene.height().await;
    let failing = scene.endpoint(0);
    assert_eq!(failing.standing, EndpointStanding::Failing);
    let trouble = failing.trouble.unwrap();
    assert!(trouble.message.contains(&scene.gates[0].name()), "{}", trouble.message);
    assert!(trouble.message.contains("HTTP status 502"), "{}", trouble.message);
    let told: Vec<EndpointStatus> = std::iter::from_fn(|| changes.try_recv().ok()).collect();
    assert!(told.iter().any(|told| told.name == scene.gates[1].name() && told.in_use), "{told:?}");
    assert!(told.iter().any(|told| told.standing == EndpointStanding::Failing), "{told:?}");

    // Well again, it gets its place back with the next look at all of them.
    scene.gates[0].turn(Manner::Honest);
    scene.chain.check_endpoints().await;
    scene.height().await;
    assert_eq!((scene.in_use(), scene.endpoint(0).standing), (0, EndpointStanding::Well));
    assert_eq!(scene.endpoint(0).trouble, None);
}

#[tokio::test]
async fn a_silent_endpoint_holds_a_call_up_for_a_moment_only() {
    let scene = Scene::start(&[Manner::Silent, Manner::Honest]).await;
    // Without the second endpoint it would be the limit's whole minute.
    let limits = RpcLimits { timeout: Duration::from_secs(60), ..RpcLimits::default() };
    let chain = scene.chain.clone().with_limits(limits);
    let answered = tokio::time::timeout(Duration::from_secs(30), chain.status()).await;
    assert_eq!(answered.expect("the second endpoint answers").unwrap().height, scene.net.chain().height());
    assert_eq!(scene.endpoint(0).standing, EndpointStanding::Failing);
}

#[tokio::test]
async fn an_endpoint_of_another_chain_is_refused_by_its_name() {
    let scene = Scene::start(&[Manner::Foreign("remes-9"), Manner::Honest]).await;
    scene.height().await;
    let foreign = scene.endpoint(0);
    assert_eq!((foreign.standing, scene.in_use()), (EndpointStanding::WrongChain, 1));
    let expected = format!("it serves the chain `remes-9`, not `{}`", scene.chain.spec().chain_id);
    assert_eq!(foreign.trouble.unwrap().message, expected);
    assert_eq!(scene.gates[0].calls("abci_query"), 0);

    // Alone, or beside others like it, it is an error that names it and both chains.
    scene.gates[1].turn(Manner::Foreign("remes-8"));
    scene.chain.check_endpoints().await;
    let refused = scene.chain.status().await.unwrap_err();
    assert!(!refused.is_transient());
    let expected = format!(
        "use {} as the chain's endpoint: it serves the chain `remes-9`, the network profile says `{}`; correct one of the two",
        scene.gates[0].name(),
        scene.chain.spec().chain_id
    );
    assert_eq!(refused.to_string(), expected);
}

#[tokio::test]
async fn what_was_seen_once_is_never_read_older() {
    let scene = Scene::start(&[Manner::Honest, Manner::Behind(3)]).await;
    scene.net.chain().produce_blocks(9);
    let seen = scene.height().await;
    scene.gates[0].turn(Manner::Broken);
    // The second endpoint is three blocks behind: a read waits until it has come as far.
    let limits = RpcLimits { timeout: Duration::from_millis(300), ..RpcLimits::default() };
    let hurried = scene.chain.clone().with_limits(limits);
    let behind = hurried.balance(&scene.net.proposer.address, "stake").await.unwrap_err();
    let expected = ChainError::Behind { node: scene.gates[1].name(), height: seen - 3, seen };
    assert_eq!(behind, expected);
    assert!(behind.is_transient());
    assert_eq!(scene.gates[1].calls("abci_query"), 0, "nothing is read from a node that is behind");
    let read = tokio::spawn({
        let (chain, address) = (scene.chain.clone(), scene.net.proposer.address.clone());
        async move { chain.balance(&address, "stake").await }
    });
    while scene.gates[1].calls("status") < 3 {
        tokio::time::sleep(POLL).await;
    }
    assert!(!read.is_finished());
    scene.net.chain().produce_blocks(3);
    assert!(read.await.unwrap().is_ok());
    assert_eq!(scene.in_use(), 1);
}

#[tokio::test]
async fn one_that_lags_or_syncs_gives_way_to_one_that_does_not() {
    let scene = Scene::start(&[Manner::Behind(5), Manner::CatchingUp, Manner::Honest]).await;
    scene.net.chain().produce_blocks(9);
    let found = scene.chain.check_endpoints().await;
    let standings: Vec<_> = found.iter().map(|endpoint| endpoint.standing).collect();
    // The first was heard before the best was known; a second look sees it.
    assert_eq!(standings[1..], [EndpointStanding::CatchingUp, EndpointStanding::Well]);
    let found = scene.chain.check_endpoints().await;
    assert_eq!((found[0].standing, found[0].lag), (EndpointStanding::Lagging, Some(5)));
    assert_eq!(scene.height().await, scene.net.chain().height());
    assert_eq!(scene.in_use(), 2);
}

#[tokio::test]
async fn a_transaction_whose_answer_was_lost_is_sent_elsewhere_and_included_once() {
    let scene = Scene::start(&[Manner::Deaf, Manner::Honest]).await;
    let before = scene.chain.balance(&scene.net.second.address, "stake").await.unwrap();
    let signed = scene.chain.prepare(&scene.net.proposer.key, &[scene.transfer()], 0).await.unwrap();
    // The first endpoint had passed it on before it broke off, which the second one knows.
    assert_eq!(scene.chain.broadcast(&signed).await, Broadcast::AlreadyInMempool);
    assert_eq!(scene.chain.broadcast_everywhere(&signed).await, Broadcast::AlreadyInMempool);
    scene.net.chain().produce_blocks(2);
    let ended = scene.chain.wait_for_tx(&signed.hash, 0, POLL).await.unwrap();
    assert!(matches!(ended, Inclusion::Included(included) if included.refusal().is_none()));
    let after = scene.chain.balance(&scene.net.second.address, "stake").await.unwrap();
    assert_eq!(after - before, 5);
}

/// The refusal may be of the effect that the lost attempt had.
#[tokio::test]
async fn a_refusal_after_a_lost_attempt_decides_nothing() {
    let scene = Scene::start(&[Manner::Deaf, Manner::Honest]).await;
    let signed = scene.chain.prepare(&scene.net.proposer.key, &[scene.transfer()], 0).await.unwrap();
    // Sent once and included; the same bytes again are refused for their sequence once they left the cache.
    scene.net.chain().administer(r3mes_localnet::chain::Operation::FlushMempool).unwrap();
    let other =
        scene.chain.prepare(&scene.net.proposer.key, &[scene.transfer(), scene.transfer()], 0).await.unwrap();
    scene.gates[0].turn(Manner::Honest);
    assert_eq!(scene.chain.broadcast(&other).await, Broadcast::Accepted);
    scene.net.chain().produce_block();
    assert!(matches!(scene.chain.broadcast(&signed).await, Broadcast::Refused(_)));
    scene.gates[0].turn(Manner::Broken);
    assert!(matches!(scene.chain.broadcast(&signed).await, Broadcast::Unknown(ChainError::Transport { .. })));
}
