//! The chain's client against a Cosmos SDK node that nobody of us wrote: what is sent arrives exactly once,
//! whatever happens to node, connection or account in between.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::time::Duration;

use cosmrs::proto::cosmos::bank::v1beta1::MsgSend;
use futures::StreamExt;
use r3mes_chain::{
    Account, Any, Backoff, Broadcast, Chain, ChainError, Coin, Coins, Connection, Included, Inclusion,
    Notice, RefusalReason, SignedTx, TxBody, any, subscribe_again,
};
use r3mes_config::NetworkProfile;
use r3mes_keys::AccountKey;
use r3mes_tests::cosmos::{CHAIN_ID, Cosmos, DENOM};
use r3mes_tests::proxy::{Faults, Proxy};
use r3mes_tests::run_json;
use serde_json::Value;

/// How often the node is asked again.
const POLL: Duration = Duration::from_millis(100);

/// Blocks that a transaction may wait.
const PATIENCE: u64 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_moves_its_amount_and_costs_its_fee() {
    let Some(network) = Cosmos::start().await else { return };
    let (chain, from, to) = (network.node.chain(), &network.other, network.address(&network.operator));
    let before = state(&chain, from).await;
    let received = chain.balance(&to, DENOM).await.unwrap();
    let signed = prepare(&chain, from, &[send(from, &to, 12_345)]).await;
    let included = deliver(&chain, &signed).await;
    assert_eq!(included.refusal(), None);
    assert_eq!(included.received(&to).to_string(), format!("12345{DENOM}"));
    let fee = signed.fee.amount_of(DENOM);
    assert!(fee > 0);
    let after = state(&chain, from).await;
    assert_eq!(before.balance - after.balance, 12_345 + fee);
    assert_eq!(after.account.sequence, before.account.sequence + 1);
    assert_eq!(chain.balance(&to, DENOM).await.unwrap(), received + 12_345);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_low_a_fee_and_too_little_gas_are_told_apart_and_leave_what_they_must() {
    let Some(network) = Cosmos::start().await else { return };
    let (chain, from, to) = (network.node.chain(), &network.other, network.address(&network.operator));
    let start = state(&chain, from).await;
    let right = prepare(&chain, from, &[send(from, &to, 7)]).await;
    let body = body(&chain, &[send(from, &to, 7)]).await;
    let fee = |amount| Coins(vec![Coin::new(amount, DENOM)]);

    // Below the node's price: refused before any block, and nothing is used up.
    let cheap = chain.sign(from, start.account, &body, right.gas_limit, fee(1));
    let Broadcast::Refused(refusal) = chain.broadcast(&cheap).await else { panic!("a fee of 1 was taken") };
    let RefusalReason::InsufficientFee { required: Some(required) } = &refusal.reason else {
        panic!("{refusal:?}")
    };
    assert!(required.amount_of(DENOM) > 1, "{required}");
    assert!(refusal.reason.remedy().contains("raise the gas price"), "{}", refusal.reason.remedy());
    assert_eq!(state(&chain, from).await, start);

    // Gas that does not even check the signature: likewise.
    let starved = chain.sign(from, start.account, &body, 1_000, right.fee.clone());
    let Broadcast::Refused(refusal) = chain.broadcast(&starved).await else { panic!("1000 gas were taken") };
    assert_eq!(refusal.reason, RefusalReason::OutOfGas);
    assert!(refusal.reason.remedy().contains("gas adjustment"), "{}", refusal.reason.remedy());
    assert_eq!(state(&chain, from).await, start);

    // Gas that ends while the transfer is carried out: in a block, paid for, and without effect.
    let most = right.gas_limit * 7 / 10;
    let mut ended = None;
    for less in 0..most / 1_000 {
        let gas = most - less * 500;
        let now = state(&chain, from).await;
        let signed = chain.sign(from, now.account, &body, gas, right.fee.clone());
        match chain.broadcast(&signed).await {
            Broadcast::Accepted => {}
            // So little that the mempool sees it: there is nothing in between on this chain.
            Broadcast::Refused(refusal) if refusal.reason == RefusalReason::OutOfGas => break,
            other => panic!("{other:?}"),
        }
        let included = wait(&chain, &signed).await;
        let after = state(&chain, from).await;
        assert_eq!(after.account.sequence, now.account.sequence + 1);
        let moved = if included.code == 0 { 7 } else { 0 };
        assert_eq!(now.balance - after.balance, right.fee.amount_of(DENOM) + moved);
        if included.code != 0 {
            assert_eq!(included.refusal().unwrap().reason, RefusalReason::OutOfGas);
            assert!(included.paid_fee());
            ended = Some(included);
            break;
        }
    }
    assert!(ended.is_some(), "no gas limit was enough for the mempool and too little for the transfer");

    // And the right one, with the account as it is now, passes.
    let again = prepare(&chain, from, &[send(from, &to, 7)]).await;
    assert_eq!(deliver(&chain, &again).await.refusal(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_misses_its_last_block_by_one_costs_nothing() {
    let Some(network) = Cosmos::start().await else { return };
    let (chain, from, to) = (network.node.chain(), &network.other, network.address(&network.operator));
    let start = state(&chain, from).await;
    let (signed, included) = loop {
        // The mempool compares with the last block, the next block with itself.
        let last = chain.status().await.unwrap().height as u64;
        let signed = chain.prepare(from, &[send(from, &to, 9)], last).await;
        let signed = match signed {
            Ok(signed) => signed,
            Err(error) if error.is_transient() => continue,
            Err(error) => panic!("{error}"),
        };
        match chain.broadcast(&signed).await {
            Broadcast::Accepted => {}
            Broadcast::Refused(refusal) if refusal.is_about_timeout_height() => continue,
            other => panic!("{other:?}"),
        }
        // Nothing but blocks can tell, and it may have been dropped from the mempool instead.
        while chain.status().await.unwrap().height < last as i64 + 3 {
            tokio::time::sleep(POLL).await;
        }
        match chain.find_in_blocks(&signed.hash, last, last + 2).await.unwrap() {
            Some(included) => break (signed, included),
            None => assert_eq!(state(&chain, from).await, start),
        }
    };
    assert_eq!(included.height as u64, signed.timeout_height + 1);
    assert!(included.refusal().unwrap().is_about_timeout_height(), "{included:?}");
    assert!(!included.paid_fee());
    assert_eq!(state(&chain, from).await, start);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_race_for_one_sequence_and_every_transfer_happens_once() {
    let Some(network) = Cosmos::start().await else { return };
    let (chain, to) = (network.node.chain(), network.address(&network.operator));
    let before = state(&chain, &network.other).await;
    let received = chain.balance(&to, DENOM).await.unwrap();
    const EACH: u128 = 5;
    let race = |unit: u128| {
        // Nothing is shared but the account: as with one key on two machines.
        let chain = network.node.chain();
        let (from, to) = (&network.other, &to);
        async move {
            let (mut fees, mut lost) = (0, 0);
            for _ in 0..EACH {
                loop {
                    let timeout_height = chain.status().await.unwrap().height as u64 + PATIENCE;
                    let signed = match chain.prepare(from, &[send(from, to, unit)], timeout_height).await {
                        Ok(signed) => signed,
                        Err(ChainError::Refused(refusal)) if refusal.is_about_sequence() => {
                            lost += 1;
                            continue;
                        }
                        Err(error) => panic!("{error}"),
                    };
                    match chain.broadcast(&signed).await {
                        Broadcast::Accepted => {}
                        Broadcast::Refused(refusal) if refusal.is_about_sequence() => {
                            lost += 1;
                            continue;
                        }
                        other => panic!("{other:?}"),
                    }
                    let included = wait(&chain, &signed).await;
                    assert_eq!(included.refusal(), None);
                    fees += signed.fee.amount_of(DENOM);
                    break;
                }
            }
            (fees, lost)
        }
    };
    let ((fees_a, lost_a), (fees_b, lost_b)) = tokio::join!(race(1), race(1_000));
    assert!(lost_a + lost_b > 0, "the two never met at one sequence");
    let after = state(&chain, &network.other).await;
    assert_eq!(chain.balance(&to, DENOM).await.unwrap() - received, EACH * 1_001);
    assert_eq!(before.balance - after.balance, EACH * 1_001 + fees_a + fees_b);
    assert_eq!(u128::from(after.account.sequence - before.account.sequence), 2 * EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_during_a_broadcast_carries_it_out_once() {
    let Some(mut network) = Cosmos::start().await else { return };
    let to = network.address(&network.operator);
    for round in 0..3 {
        let chain = network.node.chain();
        let before = state(&chain, &network.other).await;
        let received = chain.balance(&to, DENOM).await.unwrap();
        let signed = prepare(&chain, &network.other, &[send(&network.other, &to, 99)]).await;
        // Killed before, while and after the node has the transaction.
        let broadcast = tokio::spawn({
            let (chain, signed) = (chain.clone(), signed.clone());
            async move { chain.broadcast(&signed).await }
        });
        tokio::time::sleep(Duration::from_millis(3 * round)).await;
        network.node.kill();
        let outcome = broadcast.await.unwrap();
        assert!(matches!(outcome, Broadcast::Accepted | Broadcast::Unknown(_)), "{outcome:?}");
        assert!(chain.find_tx(&signed.hash).await.unwrap_err().is_transient());
        network.node.start().await;
        // The same bytes, until a block holds them: what the node knew before it died does not matter.
        let included = deliver(&chain, &signed).await;
        assert_eq!(included.refusal(), None);
        let after = state(&chain, &network.other).await;
        assert_eq!(after.account.sequence, before.account.sequence + 1);
        assert_eq!(before.balance - after.balance, 99 + signed.fee.amount_of(DENOM));
        assert_eq!(chain.balance(&to, DENOM).await.unwrap(), received + 99);
        // Once more is once too often, and the node says so without doing it again.
        match chain.broadcast(&signed).await {
            Broadcast::AlreadyInMempool => {}
            Broadcast::Refused(refusal) => assert!(refusal.is_about_sequence(), "{refusal}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(state(&chain, &network.other).await, after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_drops_is_opened_again_and_what_it_missed_can_be_asked_for() {
    let Some(network) = Cosmos::start().await else { return };
    let (chain, from, to) = (network.node.chain(), &network.other, network.address(&network.operator));
    let proxy = Proxy::start(network.node.url(), Faults::NONE).await.unwrap();
    let backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(500) };
    let url = proxy.url();
    let mut events = Box::pin(subscribe_again(move || url.clone(), Duration::from_secs(60), backoff));
    assert_eq!(events.next().await, Some(Connection::Up));
    let first = deliver(&chain, &prepare(&chain, from, &[send(from, &to, 1)]).await).await;
    let mut cursor = heard(&mut events, &first.hash).await;

    // Cut; while it is down, something happens.
    proxy.cut_connections();
    while !matches!(events.next().await, Some(Connection::Down(_))) {}
    let missed = deliver(&chain, &prepare(&chain, from, &[send(from, &to, 2)]).await).await;
    while !matches!(events.next().await, Some(Connection::Up)) {}
    let query = format!("message.sender='{}' AND tx.height>{cursor}", network.address(from));
    let order = r3mes_chain::rpc::TxOrder::Ascending;
    let found = chain.rpc().tx_search(&query, 1, 100, order).await.unwrap();
    let hashes: Vec<String> = found.txs.into_iter().map(|tx| Included::from(tx).hash).collect();
    assert_eq!(hashes, std::slice::from_ref(&missed.hash));
    cursor = missed.height;

    // And events go on.
    let last = deliver(&chain, &prepare(&chain, from, &[send(from, &to, 3)]).await).await;
    assert!(heard(&mut events, &last.hash).await > cursor);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_is_refused_by_its_name() {
    let Some(network) = Cosmos::start().await else { return };
    let (chain, from, to) = (network.node.chain(), &network.other, network.address(&network.operator));
    let start = state(&chain, from).await;

    // A client that was told another id asks nothing else of the node.
    let http = r3mes_chain::http::client(r3mes_chain::http::Timeouts::default()).unwrap();
    let rpc = r3mes_chain::Rpc::pool(&http, vec![network.node.url()], "remes-1").unwrap();
    let spec = r3mes_chain::ChainSpec { chain_id: "remes-1".into(), ..chain.spec().clone() };
    let mistaken = Chain::new(rpc, spec.clone());
    let Err(ChainError::WrongChain { found, expected, .. }) = mistaken.balance(&to, DENOM).await else {
        panic!("a node of another chain was asked for a balance")
    };
    assert_eq!((found.as_str(), expected.as_str()), (CHAIN_ID, "remes-1"));

    // One that does not compare signs for the other chain, and the node refuses the signature.
    let careless = Chain::new(r3mes_chain::Rpc::new(http, network.node.url()), spec);
    let signed = prepare(&careless, from, &[send(from, &to, 5)]).await;
    let Broadcast::Refused(refusal) = careless.broadcast(&signed).await else {
        panic!("a signature for another chain was taken")
    };
    assert_eq!(refusal.reason, RefusalReason::SignatureRejected);
    assert!(refusal.reason.remedy().starts_with("check the chain id"));
    assert_eq!(state(&chain, from).await, start);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_lags_takes_nobody_back_in_time() {
    let Some(network) = Cosmos::start().await else { return };
    let (follower, line) = network.follow().await;
    let (from, to) = (&network.other, network.address(&network.operator));
    let start = state(&network.node.chain(), from).await;
    // The follower comes first, and is well.
    let chain = network.through(vec![follower.url(), network.node.url()]);
    let through_follower = follower.chain();
    caught_up(&through_follower, &network.node.chain()).await;
    let first = deliver(&chain, &prepare(&chain, from, &[send(from, &to, 1)]).await).await;
    assert_eq!(first.refusal(), None);

    // Cut off from its peer it goes on answering, from the past.
    line.cut();
    let behind = network.node.chain();
    let second = deliver(&behind, &prepare(&behind, from, &[send(from, &to, 2)]).await).await;
    let stuck = through_follower.status().await.unwrap().height;
    while behind.status().await.unwrap().height < second.height + 6 {
        tokio::time::sleep(POLL).await;
    }
    assert_eq!(through_follower.find_tx(&second.hash).await.unwrap(), None);
    assert!(through_follower.status().await.unwrap().height <= stuck + 1);
    // Who has seen the second transfer's block does not sign for a sequence of before.
    let truth = state(&behind, from).await;
    chain.rpc().check_endpoints().await;
    assert_eq!(state(&chain, from).await, truth);
    let third = prepare(&chain, from, &[send(from, &to, 3)]).await;
    assert_eq!(third.sequence, truth.account.sequence);
    assert_eq!(deliver(&chain, &third).await.refusal(), None);

    // Mended, it catches up and is asked again.
    line.mend();
    caught_up(&through_follower, &behind).await;
    let after = loop {
        chain.rpc().check_endpoints().await;
        let state = state(&chain, from).await;
        // While a block is on its way to the follower, the other one answers.
        if chain.rpc().url() == &follower.url() {
            break state;
        }
    };
    assert_eq!(after, state(&behind, from).await);
    assert_eq!(after.account.sequence - start.account.sequence, 3, "three transfers, three sequences");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_claims_a_validators_rewards_and_pays_out_with_books_that_agree_with_the_bank() {
    let Some(network) = Cosmos::start().await else { return };
    let operator = Operator::new(&network);
    let chain = network.node.chain();
    let (address, cold) = (network.address(&network.operator), network.address(&network.other));
    let preview = loop {
        let preview = operator.ask(&["claim-rewards", "--dry-run"]);
        if let Some(code) = preview["refusal"]["code"].as_str() {
            assert!(["fee", "nothing-to-claim"].contains(&code), "{preview}");
        // The commission alone may pay the fee before the delegation has earned a whole coin.
        } else if !preview["validators"].as_array().unwrap().is_empty() && amount(&preview["commission"]) > 0
        {
            break preview;
        }
    };
    assert_eq!(preview["address"], address, "{preview}");
    assert_eq!(preview["validators"].as_array().unwrap().len(), 1, "{preview}");

    let before = state(&chain, &network.operator).await;
    let claimed = operator.ask(&["claim-rewards", "--yes"]);
    let (received, fee) = (amount(&claimed["claim"]["received"]), amount(&claimed["claim"]["fee"]));
    let after = state(&chain, &network.operator).await;
    assert!(received >= amount(&preview["total"]), "{claimed}");
    assert_eq!(before.balance + received - fee, after.balance, "{claimed}");
    assert_eq!(after.account.sequence, before.account.sequence + 1, "one transaction");
    // The distribution module's own record of what is left: less than before by what was paid.
    let left = chain.delegation_rewards(&address).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(operator.books(), after.balance);

    let paid_before = chain.balance(&cold, DENOM).await.unwrap();
    let paid = operator.ask(&["payout", "--amount", "4321", "--to", &cold, "--yes"]);
    let end = state(&chain, &network.operator).await;
    assert_eq!(chain.balance(&cold, DENOM).await.unwrap(), paid_before + 4_321, "{paid}");
    assert_eq!(end.account.sequence, after.account.sequence + 1);
    assert!(after.balance - end.balance > 4_321, "a payout costs a fee");
    assert_eq!(operator.books(), end.balance);
}

/// The program with the key of the validator's operator in its data folder.
struct Operator {
    profile: String,
    home: String,
}

impl Operator {
    /// Writes the network's profile and imports the key.
    fn new(network: &Cosmos) -> Operator {
        let path = |name: &str| network.folder().join(name).to_str().unwrap().to_owned();
        let operator = Operator { profile: path("cosmos.toml"), home: path("home") };
        let profile = NetworkProfile {
            name: "cosmos".into(),
            chain_id: CHAIN_ID.into(),
            rpc: vec![network.node.url()],
            bech32_prefix: "cosmos".into(),
            coin_type: 118,
            reward_denom: DENOM.into(),
            stake_denom: DENOM.into(),
            fee_denom: DENOM.into(),
            block_time: Duration::from_millis(500),
            ..NetworkProfile::default()
        };
        profile.save(operator.profile.as_ref()).unwrap();
        let secrets = [("R3MES_KEY_SECRET", network.operator_words()), PASSPHRASE];
        let import = ["keys", "import", "operator", "--from", "words", "--store", "file"];
        run_json(&[&import[..], &operator.places()].concat(), &secrets);
        operator
    }

    fn places(&self) -> [&str; 4] {
        ["--network", &self.profile, "--home", &self.home]
    }

    /// Runs a command with the key; the last thing that it says.
    fn ask(&self, arguments: &[&str]) -> Value {
        let from = ["--from", "operator"];
        run_json(&[arguments, &self.places(), &from].concat(), &[PASSPHRASE]).pop().unwrap()
    }

    /// The balance by the program's books, which must agree with the bank.
    fn books(&self) -> u128 {
        let report = run_json(&[&["earnings"][..], &self.places()].concat(), &[]).pop().unwrap();
        let books = &report["books"];
        assert_eq!(books["agrees"], true, "{report}");
        let denoms = books["denoms"].as_array().unwrap();
        let own = denoms.iter().find(|denom| denom["denom"] == DENOM).unwrap();
        let figure = |name: &str| own[name].as_str().unwrap().parse::<u128>().unwrap();
        assert_eq!(figure("opening") + figure("income") - figure("expense"), figure("bank"), "{report}");
        figure("bank")
    }
}

/// Closes the key's file.
const PASSPHRASE: (&str, &str) = ("R3MES_PASSPHRASE", "a passphrase for tests");

/// The amount in a list of amounts, of the one denom that there is.
fn amount(amounts: &Value) -> u128 {
    let amounts = amounts.as_array().unwrap();
    amounts.iter().map(|amount| amount["amount"].as_str().unwrap().parse::<u128>().unwrap()).sum()
}

/// What an account holds and has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    balance: u128,
    account: Account,
}

async fn state(chain: &Chain, key: &AccountKey) -> State {
    let address = key.address("cosmos");
    let account = chain.account(&address).await.unwrap().unwrap();
    State { balance: chain.balance(&address, DENOM).await.unwrap(), account }
}

fn send(from: &AccountKey, to: &str, amount: u128) -> Any {
    let amount = vec![Coin::new(amount, DENOM).to_proto()];
    any(&MsgSend { from_address: from.address("cosmos"), to_address: to.to_owned(), amount })
}

async fn body(chain: &Chain, messages: &[Any]) -> TxBody {
    let timeout_height = chain.status().await.unwrap().height as u64 + PATIENCE;
    TxBody::new(messages.iter().cloned(), timeout_height)
}

async fn prepare(chain: &Chain, key: &AccountKey, messages: &[Any]) -> SignedTx {
    let timeout_height = chain.status().await.unwrap().height as u64 + PATIENCE;
    chain.prepare(key, messages, timeout_height).await.unwrap()
}

/// Sends the same bytes until a block holds them.
async fn deliver(chain: &Chain, signed: &SignedTx) -> Included {
    loop {
        match chain.broadcast(signed).await {
            Broadcast::Accepted | Broadcast::AlreadyInMempool | Broadcast::Unknown(_) => {}
            // Included already, where the node does not remember the bytes.
            Broadcast::Refused(refusal) => assert!(refusal.is_about_sequence(), "{refusal}"),
        }
        let wait = chain.wait_for_tx(&signed.hash, signed.timeout_height, POLL);
        // A node that died with the transaction in its mempool needs it again.
        match tokio::time::timeout(Duration::from_secs(3), wait).await {
            Ok(Ok(Inclusion::Included(included))) => return included,
            Ok(Ok(Inclusion::TimedOut)) => panic!("no block holds the transaction"),
            Ok(Err(error)) => assert!(error.is_transient(), "{error}"),
            Err(_) => {}
        }
    }
}

async fn wait(chain: &Chain, signed: &SignedTx) -> Included {
    match chain.wait_for_tx(&signed.hash, signed.timeout_height, POLL).await.unwrap() {
        Inclusion::Included(included) => included,
        Inclusion::TimedOut => panic!("no block holds the transaction"),
    }
}

/// Reads events until they tell of the transaction; its height.
async fn heard(events: &mut (impl StreamExt<Item = Connection> + Unpin), hash: &str) -> i64 {
    loop {
        match events.next().await.unwrap() {
            Connection::Notice(Notice::Tx(included)) if included.hash == hash => return included.height,
            Connection::Down(error) => panic!("{error}"),
            _ => {}
        }
    }
}

async fn caught_up(follower: &Chain, leader: &Chain) {
    let height = leader.status().await.unwrap().height;
    while follower.status().await.unwrap().height < height {
        tokio::time::sleep(POLL).await;
    }
}
