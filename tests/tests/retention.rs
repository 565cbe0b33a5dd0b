//! What is pinned goes by its age, and never while its challenge period or a dispute is open.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::time::Duration;

use r3mes_chain::http::{Timeouts, client};
use r3mes_ipfs::{Cid, Kubo};
use r3mes_localnet::{Account, Role};
use r3mes_tests::{Network, NetworkOptions, Running};
use serde_json::{Value, json};

const SEED: u64 = 63;

#[test]
fn an_aggregate_goes_when_it_is_old_but_not_while_it_is_disputed() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(folder.path());
    let home = folder.path().join("home");
    let mut proposer = Running::start(
        &[
            &["start", "--network", scene.network.profile().to_str().unwrap()][..],
            &["--home", home.to_str().unwrap(), "--set", "round.quorum=3"],
            &["--set", "round.minimum_interval=0s", "--set", "limits.keep_gradients=0s"],
            &["--set", "limits.keep_aggregates=0s", "--set", "network.challenge_period_blocks=1"],
        ]
        .concat(),
        &[],
    );
    let next = |proposer: &mut Running| {
        Revealed::of(&proposer.wait_for("a reveal", |line| line["round"]["state"] == "revealed"))
    };
    let (first, disputed) = (next(&mut proposer), next(&mut proposer));
    let challenger = Account::derive(SEED, Role::Admin, "remes").unwrap().address;
    let challenge =
        json!({ "aggregation_id": disputed.aggregation_id, "challenger": challenger, "reason": "differs" });
    let opened = scene.administer("challenge", &challenge);
    let third = next(&mut proposer);
    let spooled = |of: &Revealed| {
        of.gradients.iter().filter(|id| home.join(format!("spool/gradient-{id}")).exists()).count()
    };

    // Both neighbours of the disputed one go, each when nobody can dispute it any more.
    for neighbour in [&first, &third] {
        scene.until_unpinned(neighbour, &mut proposer);
        assert!(scene.height() > neighbour.deadline, "unpinned in its challenge period");
    }
    let gone = |of: &Revealed, proposer: &mut Running| {
        while spooled(of) > 0 {
            proposer.next_line().expect("the proposer goes on");
        }
    };
    gone(&third, &mut proposer);
    assert!(scene.is_pinned(&disputed), "a disputed aggregate is let go");
    assert_eq!(spooled(&disputed), disputed.gradients.len(), "the disputed inputs are let go");

    let challenge_id: u64 = opened["challenge_id"].as_str().unwrap().parse().unwrap();
    scene.administer("resolve-challenge", &json!({ "challenge_id": challenge_id, "guilty": false }));
    scene.until_unpinned(&disputed, &mut proposer);
    gone(&disputed, &mut proposer);

    // What the network trains on stays, however old it is.
    let newest = next(&mut proposer);
    assert!(scene.is_pinned(&newest), "{}", newest.cid);
}

/// A round of which the chain holds the aggregation.
struct Revealed {
    aggregation_id: u64,
    cid: Cid,
    gradients: Vec<u64>,
    deadline: i64,
}

impl Revealed {
    fn of(line: &Value) -> Revealed {
        let round = &line["round"];
        let participants = round["selection"]["participants"].as_array().unwrap();
        Revealed {
            aggregation_id: round["aggregation"]["id"].as_u64().unwrap(),
            cid: round["aggregate"]["cid"].as_str().unwrap().parse().unwrap(),
            gradients: participants.iter().map(|of| of["gradient_id"].as_u64().unwrap()).collect(),
            deadline: round["aggregation"]["challenge_deadline_height"].as_i64().unwrap(),
        }
    }
}

struct Scene {
    network: Network,
    node: Kubo,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(folder: &std::path::Path) -> Scene {
        let block = Duration::from_millis(80);
        let options = NetworkOptions { seed: SEED, miners: 3, block, rounds: None };
        let network = Network::start(folder, options);
        let profile = r3mes_config::NetworkProfile::load(network.profile()).unwrap();
        let node = Kubo::new(client(Timeouts::default()).unwrap(), profile.ipfs_api);
        Scene { network, node, runtime: tokio::runtime::Runtime::new().unwrap() }
    }

    fn is_pinned(&self, of: &Revealed) -> bool {
        self.runtime.block_on(self.node.pin(&of.cid)).unwrap().is_some()
    }

    /// The rounds go on meanwhile, and what they tell is read.
    fn until_unpinned(&self, of: &Revealed, proposer: &mut Running) {
        while self.is_pinned(of) {
            proposer.next_line().expect("the proposer goes on");
        }
    }

    fn height(&self) -> i64 {
        self.runtime.block_on(self.network.chain().status()).unwrap().height
    }

    fn administer(&self, operation: &str, fields: &Value) -> Value {
        self.runtime.block_on(async {
            let url = self.network.chain().rpc().url().join(&format!("localnet/{operation}")).unwrap();
            let sent = client(Timeouts::default()).unwrap().post(url).body(fields.to_string()).send().await;
            serde_json::from_str(&sent.unwrap().text().await.unwrap()).unwrap()
        })
    }
}
