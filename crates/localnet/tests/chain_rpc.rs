//! CometBFT's RPC as its clients meet it: shapes, searches, subscriptions, and the proposer's own client.

mod common;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::*;
use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use cosmrs::proto::cosmos::base::v1beta1::Coin;
use futures::{SinkExt, StreamExt};
use r3mes_chain::proto::*;
use r3mes_chain::{Chain, ChainError, ChainSpec, Notice, RefusalReason, Rpc};
use r3mes_localnet::chain::{BlockTime, Operation};
use r3mes_localnet::{Localnet, LocalnetConfig, MinersConfig, Role};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

fn gift(net: &Net, from: usize, to: usize) -> MsgSend {
    MsgSend {
        from_address: net.miners[from].address.clone(),
        to_address: net.miners[to].address.clone(),
        amount: vec![Coin { denom: "remes".into(), amount: "1".into() }],
    }
}

fn is_hash(value: &Value) -> bool {
    value.as_str().is_some_and(|t| t.len() == 64 && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')))
}

#[tokio::test]
async fn status_and_health() {
    let net = Net::start().await;
    assert_eq!(net.rpc("health", json!({})).await, json!({}));
    let status = net.rpc("status", json!([])).await;
    assert_eq!(status["node_info"]["network"], "remes-local-1");
    assert_eq!(status["sync_info"]["latest_block_height"], "1");
    assert_eq!(status["sync_info"]["catching_up"], false);
    assert_eq!(status["sync_info"]["latest_block_time"], "2023-11-14T22:13:25Z");
    assert!(is_hash(&status["sync_info"]["latest_block_hash"]));
    assert_eq!(status["validator_info"]["pub_key"]["type"], "tendermint/PubKeyEd25519");
    let info = net.rpc("abci_info", json!({})).await;
    assert_eq!(info["response"]["last_block_height"], "1");
    // The types of the Rust client for CometBFT read it too.
    let info: cosmrs::tendermint::Hash =
        status["sync_info"]["latest_block_hash"].as_str().unwrap().parse().unwrap();
    assert_eq!(info.as_bytes(), net.chain().block(1).unwrap().hash);
}

#[tokio::test]
async fn calls_that_are_wrong() {
    let net = Net::start().await;
    let unknown = net.call("mine", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601);
    assert_eq!(unknown["error"]["message"], "Method not found");
    let cases = [
        (
            "block",
            json!({ "height": "99" }),
            -32603,
            "height 99 must be less than or equal to the current blockchain height 1",
        ),
        ("block", json!({ "height": "0" }), -32603, "height must be greater than 0, but got 0"),
        ("block", json!({ "height": "x" }), -32602, "height: expected an integer"),
        ("block", json!([1, 2]), -32602, "expected 1 parameters"),
        (
            "tx",
            json!({ "hash": STANDARD.encode([7; 32]) }),
            -32603,
            "tx (0707070707070707070707070707070707070707070707070707070707070707) not found",
        ),
        ("tx", json!({}), -32602, "hash: missing"),
        ("broadcast_tx_sync", json!({ "tx": "%" }), -32602, "tx: expected base64"),
        ("tx_search", json!({ "query": "nonsense" }), -32603, "failed to parse query"),
        (
            "tx_search",
            json!({ "query": "tx.height=1", "page": "2" }),
            -32603,
            "page should be within [1, 1] range, given 2",
        ),
        ("tx_search", json!({ "query": "tx.height=1", "order_by": "up" }), -32603, "expected order_by"),
        ("abci_query", json!({ "data": "zz" }), -32602, "data: expected hex"),
    ];
    for (method, params, code, data) in cases {
        let answer = net.call(method, params.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{method} {params}: {answer}");
        assert!(answer["error"]["data"].as_str().unwrap().contains(data), "{method} {params}: {answer}");
    }
    let url = net.localnet.rpc_url();
    let answer: Value = net.http.post(url).body("{").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"]["code"], -32700);
    net.abci("/remes.remes.v1.Query/Mine", &[]).await.unwrap_err().is("sdk", 6, "unknown query path");
    let old = net.rpc("abci_query", json!({ "path": "/store/remes/key", "data": "00", "height": "9" })).await;
    assert_eq!(old["response"]["code"], 26);
}

#[tokio::test]
async fn calls_by_uri() {
    let net = Net::start().await;
    let get = async |path: &str| -> Value {
        let url = net.localnet.rpc_url().join(path).unwrap();
        net.http.get(url).send().await.unwrap().json().await.unwrap()
    };
    let status = get("status").await;
    assert_eq!(status["id"], -1);
    assert_eq!(status["result"]["sync_info"]["latest_block_height"], "1");
    let key = hex::encode(format!("apa_{}", net.proposer.address));
    let answer = get(&format!("abci_query?path=%22/store/remes/key%22&data=0x{key}")).await;
    assert_eq!(answer["result"]["response"]["value"], STANDARD.encode([1]));
    assert_eq!(get("block?height=1").await["result"]["block"]["header"]["height"], "1");
    let tx = net.sign(&net.miners[0], &[any(&gift(&net, 0, 1))], &Options::default()).await;
    let sent = get(&format!("broadcast_tx_sync?tx=0x{}", hex::encode(&tx))).await;
    let hash = sent["result"]["hash"].as_str().unwrap().to_owned();
    net.chain().produce_block();
    assert_eq!(get(&format!("tx?hash=0x{hash}")).await["result"]["height"], "2");
    let found = get("tx_search?query=%22tx.height=2%22&order_by=%22desc%22").await;
    assert_eq!(found["result"]["total_count"], "1");
}

#[tokio::test]
async fn blocks_and_their_results() {
    let net = Net::start().await;
    let tx = net.sign(&net.miners[0], &[any(&gift(&net, 0, 1))], &Options::default()).await;
    let done = net.deliver(&tx).await.unwrap();
    let answer = net.rpc("block", json!({ "height": "2" })).await;
    let header = &answer["block"]["header"];
    assert_eq!((&header["chain_id"], &header["height"]), (&json!("remes-local-1"), &json!("2")));
    assert_eq!(answer["block"]["data"]["txs"], json!([STANDARD.encode(&tx)]));
    assert_eq!(header["time"], "2023-11-14T22:13:30Z");
    assert!(is_hash(&answer["block_id"]["hash"]));
    let first = net.rpc("block", json!({ "height": 1 })).await;
    assert_eq!(header["last_block_id"]["hash"], first["block_id"]["hash"]);
    assert_eq!(first["block"]["header"]["last_block_id"]["hash"], "");
    // tendermint's own types take block and header, and compute the same hash over the header.
    let parsed: cosmrs::tendermint::block::Header = serde_json::from_value(header.clone()).unwrap();
    let block: cosmrs::tendermint::Block = serde_json::from_value(answer["block"].clone()).unwrap();
    assert_eq!(block.header, parsed);
    assert_eq!(parsed.hash().to_string(), answer["block_id"]["hash"].as_str().unwrap());
    assert_eq!(block.data, std::slice::from_ref(&tx));

    let results = net.rpc("block_results", json!({ "height": "2" })).await;
    assert_eq!(results["txs_results"][0], done.result);
    assert_eq!(results["txs_results"][0]["code"], 0);
    assert_eq!(results["validator_updates"], Value::Null);
    let minted = attribute(&results["finalize_block_events"], "coinbase", "amount");
    assert_eq!(minted.as_deref(), Some("1000stake"));
    assert_eq!(
        attribute(&results["finalize_block_events"], "coinbase", "mode").as_deref(),
        Some("BeginBlock")
    );
    assert_eq!(net.rpc("block_results", json!({ "height": "1" })).await["txs_results"], Value::Null);
    let by_hash = json!({ "hash": STANDARD.encode(hex::decode(answer["block_id"]["hash"].as_str().unwrap()).unwrap()) });
    assert_eq!(net.rpc("block_by_hash", by_hash).await["block"]["header"]["height"], "2");
}

#[tokio::test]
async fn transactions_are_searched_as_comet_searches() {
    let net = Net::start().await;
    for (from, to) in [(0, 1), (1, 2), (0, 2), (2, 0), (0, 1)] {
        net.send(&net.miners[from], &gift(&net, from, to)).await.unwrap();
    }
    let search = async |query: &str, more: Value| -> (Vec<i64>, String) {
        let mut params = json!({ "query": query, "prove": false });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = net.rpc("tx_search", params).await;
        let heights = found["txs"].as_array().unwrap().iter();
        let heights = heights.map(|tx| tx["height"].as_str().unwrap().parse().unwrap()).collect();
        (heights, found["total_count"].as_str().unwrap().to_owned())
    };
    let sender = format!("message.sender='{}'", net.miners[0].address);
    assert_eq!(search(&sender, json!({})).await, (vec![2, 4, 6], "3".into()));
    assert_eq!(search(&sender, json!({ "order_by": "desc" })).await.0, [6, 4, 2]);
    assert_eq!(search(&format!("{sender} AND tx.height>2"), json!({})).await.0, [4, 6]);
    assert_eq!(search("tx.height=5", json!({})).await.0, [5]);
    assert_eq!(search("tx.height>=3 AND tx.height<5", json!({})).await.0, [3, 4]);
    let page = search("tx.height>0", json!({ "page": "2", "per_page": "2" })).await;
    assert_eq!(page, (vec![4, 5], "5".into()));
    let hash = net.chain().block(3).unwrap().txs[0].hash.clone();
    assert_eq!(search(&format!("tx.hash='{hash}'"), json!({})).await.0, [3]);
    assert_eq!(search("transfer.sender='nobody'", json!({})).await, (vec![], "0".into()));
}

#[tokio::test]
async fn subscriptions_hear_of_blocks_and_transactions() {
    let net = Net::start().await;
    let mut url = net.localnet.rpc_url().join("websocket").unwrap();
    url.set_scheme("ws").unwrap();
    let (mut socket, _) = tokio_tungstenite::connect_async(url.as_str()).await.unwrap();
    let mut call = async |id: u64, method: &str, params: Value| -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        socket.send(Message::text(request.to_string())).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        serde_json::from_str(answer.to_text().unwrap()).unwrap()
    };
    let mine = format!("tm.event='Tx' AND transfer.sender='{}'", net.miners[1].address);
    for (id, query) in [(1, "tm.event='NewBlock'"), (2, mine.as_str())] {
        let answer = call(id, "subscribe", json!({ "query": query })).await;
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": id, "result": {} }));
    }
    let again = call(3, "subscribe", json!({ "query": mine })).await;
    assert_eq!(again["error"]["data"], "already subscribed");
    assert_eq!(call(4, "status", json!({})).await["result"]["node_info"]["network"], "remes-local-1");
    let no_query = call(5, "subscribe", json!({ "query": "tm.event=" })).await;
    assert_eq!(no_query["error"]["code"], -32603);

    for from in [0, 1] {
        let tx = net.sign(&net.miners[from], &[any(&gift(&net, from, 2))], &Options::default()).await;
        net.broadcast(&tx).await.unwrap();
    }
    net.chain().produce_block();
    let mut next = async || -> Value {
        let message = socket.next().await.unwrap().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    };
    let block = next().await;
    assert_eq!(block["id"], 1);
    assert_eq!(block["result"]["query"], "tm.event='NewBlock'");
    assert_eq!(block["result"]["data"]["type"], "tendermint/event/NewBlock");
    let value = &block["result"]["data"]["value"];
    assert_eq!(value["block"]["header"]["height"], "2");
    assert_eq!(value["result_finalize_block"]["tx_results"].as_array().unwrap().len(), 2);
    assert!(attribute(&value["result_finalize_block"]["events"], "coinbase", "amount").is_some());
    let tx = next().await;
    assert_eq!(tx["id"], 2);
    let result = &tx["result"]["data"]["value"]["TxResult"];
    assert_eq!((&result["height"], &result["index"]), (&json!("2"), &json!(1)), "the other is not ours");
    assert_eq!(tx["result"]["events"]["tm.event"], json!(["Tx"]));
    assert_eq!(tx["result"]["events"]["tx.height"], json!(["2"]));
    assert!(
        tx["result"]["events"]["transfer.sender"].as_array().unwrap().contains(&json!(net.miners[1].address))
    );

    let request = json!({ "jsonrpc": "2.0", "id": 6, "method": "unsubscribe", "params": { "query": mine } });
    socket.send(Message::text(request.to_string())).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(message.to_text().unwrap()).unwrap()["result"], json!({}));
}

#[tokio::test]
async fn finalizations_reach_subscribers_of_blocks_by_condition() {
    let net = Net::with(LocalnetConfig { challenge_period_blocks: 2, ..LocalnetConfig::default() }).await;
    net.register(&net.proposer).await;
    let ids = net.announce(1, 1).await;
    let mut url = net.localnet.rpc_url().join("websocket").unwrap();
    url.set_scheme("ws").unwrap();
    let (mut socket, _) = tokio_tungstenite::connect_async(url.as_str()).await.unwrap();
    let query = format!("tm.event='NewBlock' AND aggregation_finalized.proposer='{}'", net.proposer.address);
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": { "query": query } });
    socket.send(Message::text(request.to_string())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    net.aggregate(&net.proposer, &ids, 1).await;
    let revealed = net.chain().height();
    net.chain().produce_blocks(5);
    let message = socket.next().await.unwrap().unwrap();
    let notice: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
    let height = &notice["result"]["data"]["value"]["block"]["header"]["height"];
    assert_eq!(*height, (revealed + 2).to_string());
}

#[tokio::test]
async fn the_mempool_holds_so_many_and_no_more() {
    let net = Net::with(LocalnetConfig { mempool_size: 1, ..LocalnetConfig::default() }).await;
    let sequence = net.base_account(&net.miners[0].address).await.unwrap().sequence;
    let tx = net.sign(&net.miners[0], &[any(&gift(&net, 0, 1))], &Options::default()).await;
    net.broadcast(&tx).await.unwrap();
    let status = net.rpc("num_unconfirmed_txs", json!({})).await;
    assert_eq!((&status["n_txs"], &status["total_bytes"]), (&json!("1"), &json!(tx.len().to_string())));
    let other = net.sign(&net.miners[1], &[any(&gift(&net, 1, 2))], &Options::default()).await;
    let full = net.call("broadcast_tx_sync", json!({ "tx": STANDARD.encode(&other) })).await;
    let said =
        format!("mempool is full: number of txs 1 (max: 1), total txs bytes {} (max: 67108864)", tx.len());
    assert_eq!((&full["error"]["code"], &full["error"]["data"]), (&json!(-32603), &json!(said)));
    // What a node forgets may be sent again.
    net.admin("flush-mempool", json!({})).await.unwrap();
    net.chain().produce_block();
    assert_eq!(net.base_account(&net.miners[0].address).await.unwrap().sequence, sequence);
    net.broadcast(&tx).await.unwrap();
    // A balance that vanishes under a waiting transaction takes it out.
    net.administer(Operation::Slash {
        address: net.miners[0].address.clone(),
        amount: 1,
        reason: "x".into(),
    });
    assert_eq!(net.chain().mempool_len(), 1);
    assert_eq!(net.admin("produce-blocks", json!({ "count": 2 })).await.unwrap()["height"], "4");
    assert_eq!(net.chain().mempool_len(), 0);
}

#[tokio::test]
async fn blocks_come_by_the_clock_unless_paused() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = LocalnetConfig {
        miners: 1,
        block_interval: Some(Duration::from_millis(5)),
        block_time: BlockTime::Wall,
        retain_blocks: 4,
        ..LocalnetConfig::default()
    };
    let net = Localnet::start(config).await.unwrap();
    let chain = net.chain();
    chain.wait_for_height(9).await;
    let paused = chain.pause();
    let mut blocks = chain.blocks();
    // A block that was being made when the pause began may still come; none follows the one made by hand.
    let own = chain.produce_block().height;
    tokio::task::yield_now().await;
    let seen = blocks.recv().await.unwrap().height;
    assert!(seen <= own);
    let earlier = chain.block(own - 1).unwrap();
    assert!(earlier.time < chain.block(own).unwrap().time, "the clock never stands still");
    assert!(chain.block(own - 4).is_none(), "older blocks are pruned");
    drop(paused);
    chain.wait_for_height(own + 2).await;
    let info = net.info();
    assert_eq!((info.block_ms, info.min_gas_price.as_str()), (Some(5), "0.025000000000000000stake"));
    let text = serde_json::to_string(&info).unwrap();
    assert_eq!(serde_json::from_str::<r3mes_localnet::NetworkInfo>(&text).unwrap(), info);
    net.shutdown().await;
}

/// The proposer's own client against this chain: reads, a registration, a refusal, notices.
#[tokio::test]
async fn the_proposers_client_talks_to_it() {
    let net = Net::start().await;
    let http = r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap();
    let spec = ChainSpec {
        chain_id: net.localnet.chain_id().to_owned(),
        prefix: "remes".into(),
        fee_denom: "stake".into(),
        gas_price: "0.025".parse().unwrap(),
        gas_adjustment: "1.5".parse().unwrap(),
    };
    let chain = Chain::new(Rpc::new(http, net.localnet.rpc_url()), spec);
    assert_eq!(chain.status().await.unwrap().chain_id, "remes-local-1");
    assert!(chain.is_authorized(&net.proposer.address).await.unwrap());
    assert!(!chain.is_authorized(&net.miners[0].address).await.unwrap());
    assert_eq!(chain.balance(&net.proposer.address, "remes").await.unwrap(), 200_000);
    assert_eq!(chain.registration(&net.proposer.address).await.unwrap(), None);
    assert_eq!(chain.delegation_rewards(&net.proposer.address).await.unwrap().len(), 2);
    assert!(chain.node_config().await.unwrap().is_some());

    let mut notices = r3mes_chain::subscribe(&net.localnet.rpc_url(), Duration::from_secs(60)).await.unwrap();
    let message = any(&registration(&net.proposer.address));
    let tx = chain.prepare(&net.proposer.key, &[message], 0).await.unwrap();
    assert!(matches!(chain.broadcast(&tx).await, r3mes_chain::Broadcast::Accepted));
    net.chain().produce_block();
    let included = chain.find_tx(&tx.hash).await.unwrap().unwrap();
    assert_eq!(included.registration_id(), Some(0));
    assert_eq!(included.refusal(), None);
    let registered = chain.registration(&net.proposer.address).await.unwrap().unwrap();
    assert_eq!(registered.node_type(), NodeType::Proposer);
    let mut heard = Vec::new();
    for _ in 0..2 {
        heard.push(notices.next().await.unwrap().unwrap());
    }
    assert!(heard.iter().any(|n| matches!(n, Notice::Block { height: 2, .. })), "{heard:?}");
    assert!(
        heard.iter().any(|n| matches!(n, Notice::Tx(tx) if tx.registration_id() == Some(0))),
        "{heard:?}"
    );

    let again = any(&registration(&net.proposer.address));
    match chain.prepare(&net.proposer.key, &[again], 0).await {
        Err(ChainError::Refused(refusal)) => println!("{refusal:?}"),
        other => panic!("{other:?}"),
    }
    let wrong = any(&registration(&net.miners[0].address));
    match chain.prepare(&net.miners[0].key, &[wrong], 0).await {
        Err(ChainError::Refused(refusal)) => {
            assert_eq!(refusal.reason, RefusalReason::NotAuthorized, "{refusal}")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_whole_network_starts_with_its_miners_registered() {
    let config = LocalnetConfig {
        seed: 3,
        miners: 2,
        block_interval: Some(Duration::from_millis(10)),
        training: Some(MinersConfig::default()),
        ..LocalnetConfig::default()
    };
    let net = Localnet::start(config.clone()).await.unwrap();
    let http = r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap();
    let rpc = Rpc::new(http.clone(), net.rpc_url());
    for index in 0..2 {
        let miner = net.account(Role::Miner(index)).unwrap();
        let key = [b"nr_", miner.address.as_bytes()].concat();
        let stored = rpc.abci_query("/store/remes/key", &key, None).await.unwrap();
        let node = <NodeRegistration as prost::Message>::decode(stored.value.as_slice()).unwrap();
        assert_eq!((node.node_type(), node.stake.as_str()), (NodeType::Mining, "1000remes"));
    }
    let kubo = r3mes_ipfs::Kubo::new(http, net.info().ipfs_url);
    assert!(!kubo.pins().await.unwrap().is_empty(), "the first model is on IPFS");
    net.shutdown().await;
    // Without blocks the miners could never register.
    let stuck = LocalnetConfig { block_interval: None, ..config };
    let error = Localnet::start(stuck).await.unwrap_err().to_string();
    assert_eq!(error, "failed to start the miners: they need a chain with a block interval");
}
