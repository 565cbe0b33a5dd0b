//! What the account earned, claimed, lost and paid out, by the real program on a local network: the books
//! equal to the bank's balance to the unit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use r3mes_tests::{Running, run, run_json};
use serde_json::Value;

/// A local network in a process of its own, and the data folder of a proposer.
struct Scene {
    folder: tempfile::TempDir,
    _network: Running,
}

impl Scene {
    fn new(seed: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("localnet.toml");
        let arguments =
            ["localnet", "--miners", "3", "--byzantine", "0", "--seed", seed, "--block-ms", "100"];
        let profile = ["--profile", profile.to_str().unwrap()];
        let mut network = Running::start(&[&arguments[..], &profile[..]].concat(), &[]);
        network.wait_for("the network is ready", |line| line["event"] == "ready");
        Scene { folder, _network: network }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn places(&self) -> [String; 4] {
        ["--network".into(), self.path("localnet.toml"), "--home".into(), self.path("home")]
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let places = self.places();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        run_json(&[arguments, &places].concat(), &[])
    }

    /// Runs a command that must fail, and reads the JSON object of its error.
    fn fails(&self, arguments: &[&str]) -> Value {
        let places = self.places();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        let ended = run(&[arguments, &places, &["--json"]].concat());
        assert!(!ended.status.success(), "{arguments:?} went well");
        serde_json::from_slice(&ended.stderr).expect("an error is one JSON object")
    }

    fn administer(&self, arguments: &[&str]) {
        let network = self.path("localnet.toml");
        run_json(&[&["localnet"], arguments, &["--network", &network]].concat(), &[]);
    }

    /// The address of another key, in a folder of its own.
    fn cold_address(&self) -> String {
        let (profile, home) = (self.path("localnet.toml"), self.path("cold"));
        let add = ["keys", "add", "cold", "--store", "file", "--network", &profile, "--home", &home];
        let added = run_json(&add, &[("R3MES_PASSPHRASE", "a passphrase for tests")]).remove(0);
        added["key"]["address"].as_str().unwrap().to_owned()
    }

    fn report(&self) -> Value {
        self.json(&["earnings"]).pop().unwrap()
    }

    /// The sum of one kind of movement in one denom.
    fn sum(report: &Value, kind: &str, denom: &str) -> u128 {
        let sums = report["by_kind"].as_array().unwrap();
        let found = sums.iter().find(|sum| sum["kind"] == kind && sum["denom"] == denom);
        found.map_or(0, |sum| sum["amount"].as_str().unwrap().parse().unwrap())
    }

    /// Waits until a claim is worth its fee, as the preview says.
    fn wait_for_rewards(&self) -> Value {
        loop {
            let preview = self.json(&["claim-rewards", "--dry-run"]).remove(0);
            if preview["refusal"].is_null() {
                return preview;
            }
            let code = preview["refusal"]["code"].as_str().unwrap();
            assert!(["fee", "nothing-to-claim"].contains(&code), "{preview}");
        }
    }
}

fn amount(amounts: &Value, denom: &str) -> u128 {
    let found = amounts.as_array().unwrap().iter().find(|amount| amount["denom"] == denom);
    found.map_or(0, |amount| amount["amount"].as_str().unwrap().parse().unwrap())
}

#[test]
fn a_claim_and_a_slash_stand_in_books_that_agree_with_the_bank() {
    let scene = Scene::new("11");
    let preview = scene.wait_for_rewards();
    assert!(preview["validators"].as_array().unwrap().len() == 2, "{preview}");
    let refused = scene.fails(&["claim-rewards"]);
    assert_eq!(refused["code"], "unconfirmed", "without a terminal and --yes nothing is signed: {refused}");

    let claimed = scene.json(&["claim-rewards", "--yes"]).remove(0);
    let claim = &claimed["claim"];
    let received = amount(&claim["received"], "stake");
    assert!(received >= amount(&preview["total"], "stake"), "{claimed}");
    let address = preview["address"].as_str().unwrap();
    scene.administer(&["slash", address, "--amount", "777"]);

    let report = scene.report();
    assert_eq!(report["books"]["agrees"], true, "{report}");
    assert_eq!(Scene::sum(&report, "claim", "stake"), received, "{report}");
    assert_eq!(Scene::sum(&report, "fee", "stake"), amount(&claim["fee"], "stake"), "{report}");
    assert_eq!(Scene::sum(&report, "slash", "remes"), 777, "{report}");
    let remes = report["books"]["denoms"].as_array().unwrap().iter().find(|d| d["denom"] == "remes").unwrap();
    let figure = |name: &str| remes[name].as_str().unwrap().parse::<i128>().unwrap();
    assert_eq!(figure("opening") + figure("income") - figure("expense"), figure("bank"), "{report}");
    // The fee is more than one block brings: at once again it is not worth it.
    assert!(!scene.json(&["claim-rewards", "--dry-run"]).remove(0)["refusal"].is_null());
}

#[test]
fn a_running_engine_carries_the_claim_out_and_all_it_earns_agrees_too() {
    let scene = Scene::new("12");
    let places = scene.places();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let start = [&["start", "--set", "round.quorum=3"][..], &places].concat();
    let mut engine = Running::start(&start, &[]);
    engine.wait_for("a reward", |line| line["event"] == "reward-booked");
    scene.wait_for_rewards();
    let claimed = scene.json(&["claim-rewards", "--yes"]).remove(0);
    let hash = claimed["claim"]["tx_hash"].as_str().unwrap();
    engine.wait_for("the claim in the engine's own books", |line| {
        line["event"] == "booked" && line["kind"] == "claim" && line["tx_hash"] == hash
    });
    let lines = scene.json(&["earnings"]);
    let (report, lines) = lines.split_last().unwrap();
    assert_eq!(report["books"]["agrees"], true, "{report}");
    assert!(Scene::sum(report, "reward", "remes") > 0, "{report}");
    let claims: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "claim").collect();
    assert_eq!(claims.len(), 1, "one claim is booked once: {claims:?}");
    assert_eq!(claims[0]["tx_hash"], hash);
    let days = scene.json(&["earnings", "--by", "round"]);
    assert!(days.iter().any(|period| period["period"] == "none"), "{days:?}");
}

#[test]
fn a_payout_by_hand_and_one_by_rule_leave_the_reserve() {
    let scene = Scene::new("13");
    let own = scene.json(&["claim-rewards", "--dry-run"]).remove(0)["address"].as_str().unwrap().to_owned();
    let cold = scene.cold_address();
    let refused = scene.fails(&["payout", "--amount", "150001", "--to", &cold, "--yes"]);
    assert_eq!(refused["code"], "insufficient-funds", "the reserve is 50000 of 200000: {refused}");
    let refused = scene.fails(&["payout", "--amount", "1", "--to", &own, "--yes"]);
    assert_eq!(refused["code"], "request", "{refused}");
    let paid = scene.json(&["payout", "--amount", "1000", "--to", &cold, "--yes"]).remove(0);
    let by_hand = paid["payout"]["tx_hash"].as_str().unwrap().to_owned();

    let places = scene.places();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let to = format!("payout.address={cold}");
    let rule = ["--set", &to, "--set", "payout.rule=above-reserve", "--set", "payout.reserve=60000"];
    let interval = ["--set", "payout.interval=1s", "--set", "round.quorum=3"];
    let mut engine = Running::start(&[&["start"], &rule[..], &interval[..], &places].concat(), &[]);
    let booked = engine.wait_for("the rule's payout", |line| {
        line["event"] == "booked" && line["kind"] == "payout" && line["tx_hash"] != by_hand.as_str()
    });
    assert_eq!(booked["denom"], "remes", "{booked}");
    engine.kill();
    let lines = scene.json(&["earnings"]);
    let (report, lines) = lines.split_last().unwrap();
    assert_eq!(report["books"]["agrees"], true, "{report}");
    let payouts: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "payout").collect();
    assert_eq!(
        (payouts[0]["amount"].as_str(), payouts[0]["tx_hash"].as_str()),
        (Some("1000"), Some(&*by_hand))
    );
    let remes = report["books"]["denoms"].as_array().unwrap().iter().find(|d| d["denom"] == "remes").unwrap();
    let bank: u128 = remes["bank"].as_str().unwrap().parse().unwrap();
    assert!(bank >= 60_000, "the reserve is left: {report}");
}

/// A chain whose blocks are made on demand, in this process, and the books of its proposer.
mod on_demand {
    use std::sync::Arc;
    use std::time::Duration;

    use r3mes_chain::http::Timeouts;
    use r3mes_chain::{Chain, ChainSpec, Coin, Rpc};
    use r3mes_engine::journal::EntryKind;
    use r3mes_engine::{Clock, Environment, Journal, Ledger};
    use r3mes_localnet::chain::Operation;
    use r3mes_localnet::{Account, Localnet, LocalnetConfig, Role};

    struct Bank {
        localnet: Localnet,
        chain: Chain,
        proposer: Account,
        journal: Journal,
        clock: Arc<dyn Clock>,
        _folder: tempfile::TempDir,
    }

    impl Bank {
        async fn new(retain_blocks: u64) -> Bank {
            let config = LocalnetConfig {
                block_interval: None,
                miners: 1,
                retain_blocks,
                ..LocalnetConfig::default()
            };
            let localnet = Localnet::start(config).await.unwrap();
            let spec = ChainSpec {
                chain_id: localnet.chain_id().to_owned(),
                prefix: "remes".into(),
                fee_denom: "stake".into(),
                gas_price: "0.025".parse().unwrap(),
                gas_adjustment: "1.5".parse().unwrap(),
            };
            let timeouts = Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(30) };
            let http = r3mes_chain::http::client(timeouts).unwrap();
            let chain = Chain::new(Rpc::new(http, localnet.rpc_url()), spec);
            let folder = tempfile::tempdir().unwrap();
            let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
            let proposer = localnet.account(Role::Proposer).unwrap();
            let clock = Environment::system().clock;
            Bank { localnet, chain, proposer, journal, clock, _folder: folder }
        }

        fn books(&self) -> Ledger<'_> {
            Ledger {
                journal: &self.journal,
                chain: &self.chain,
                address: &self.proposer.address,
                clock: self.clock.clone(),
            }
        }

        /// Sends coins to the second proposer, in a block of its own.
        async fn send(&self, amount: u128) {
            let to = self.localnet.account(Role::SecondProposer).unwrap().address;
            let coin = Coin::new(amount, "remes");
            let message = r3mes_engine::payout_message(&self.proposer.address, &to, &coin);
            let signed = self.chain.prepare(&self.proposer.key, &[message], 0).await.unwrap();
            self.chain.broadcast(&signed).await;
            self.localnet.chain().produce_block();
        }

        /// The administrator's coins, in a block's own events.
        fn fund(&self, amount: u128) {
            let address = self.proposer.address.clone();
            let fund = Operation::Fund { address, amount, denom: "remes".into() };
            self.localnet.chain().administer(fund).unwrap();
            self.localnet.chain().produce_block();
        }
    }

    #[tokio::test]
    async fn what_a_transaction_and_what_a_block_moved_agrees_with_the_bank() {
        let bank = Bank::new(0).await;
        bank.books().open().await.unwrap();
        bank.send(70).await;
        bank.fund(500);
        bank.localnet.chain().produce_blocks(150);
        bank.send(7).await;
        let found = bank.books().reconcile().await.unwrap();
        assert!(found.agrees() && found.gaps.is_empty(), "{found:?}");
        let sum = |kind| -> u128 {
            let entries = bank.journal.ledger().unwrap();
            entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.amount).sum()
        };
        assert_eq!((sum(EntryKind::Sent), sum(EntryKind::OtherIncome)), (77, 500));
        assert!(sum(EntryKind::Fee) > 0);
        let entries = bank.journal.ledger().unwrap().len();
        bank.books().reconcile().await.unwrap();
        assert_eq!(bank.journal.ledger().unwrap().len(), entries, "nothing is booked twice");
    }

    #[tokio::test]
    async fn what_a_pruned_node_cannot_tell_is_a_gap_and_no_guess() {
        let bank = Bank::new(5).await;
        let opening = bank.books().open().await.unwrap();
        bank.fund(500);
        bank.localnet.chain().produce_blocks(20);
        bank.send(7).await;
        let found = bank.books().reconcile().await.unwrap();
        let gap = &found.gaps[0];
        assert_eq!((found.gaps.len(), gap.from_height), (1, opening.height + 1), "{found:?}");
        assert!(gap.to_height < found.height, "what the node keeps was read: {found:?}");
        let remes = found.denoms.iter().find(|denom| denom.denom == "remes").unwrap();
        assert_eq!(remes.difference(), 500, "the bank's 500 are not explained away: {found:?}");
        assert!(!found.agrees());
    }
}
