//! Every command, asked over tauri's mock runtime as the page asks it, of a real session: first on an empty data
//! folder, then on a local network with a proposer at work.

mod desk;
mod scene;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use scene::Scene;
use serde_json::{Value, json};

const PASSPHRASE: &str = "a passphrase for tests";
const WORDS: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// What no wrong question can make fail: it would take a disk or a system that fails.
const CANNOT_BE_REFUSED: [&str; 21] = [
    "snapshot",
    "deltas",
    "stop",
    "look_again",
    "machine_load",
    "check_system",
    "doctor",
    "log_page",
    "record_fault",
    "window_ready",
    "rounds",
    "miners",
    "submissions",
    "ledger",
    "earnings_by_day",
    "profiles",
    "probe_folder",
    "keychain_state",
    "drop_draft",
    "pick_folder",
    "quit",
];

#[test]
fn every_command_answers_and_says_why_it_does_not() {
    let mut scene = Scene::new();
    an_empty_folder(&scene);
    settings_and_preferences(&scene);
    what_only_a_desktop_can(&scene);
    the_network(&scene);
    keys(&scene);
    access(&scene);
    from_an_account_to_a_proposer(&scene);
    a_proposer_at_work(&scene);
    a_claim(&scene);
    a_payout(&scene);
    the_end(&mut scene);
    scene.all_were_asked(&CANNOT_BE_REFUSED);
}

fn an_empty_folder(scene: &Scene) {
    let snapshot = scene.well("snapshot", json!({}));
    assert_eq!(snapshot["application"]["dataFolder"], scene.path("home"));
    assert_eq!(snapshot["engine"]["state"], "stopped");
    scene.well("look_again", json!({}));
    let after = snapshot["seq"].as_u64().unwrap();
    assert_eq!(scene.well("deltas", json!({ "after": after }))["kind"], "next");
    assert_eq!(scene.refused("start", json!({}))["code"], "key");
    scene.well("stop", json!({}));

    for page in ["rounds", "ledger"] {
        assert_eq!(scene.well(page, json!({ "offset": 0, "limit": 9 }))["total"], 0, "{page}");
    }
    assert_eq!(scene.well("earnings_by_day", json!({ "days": 9 })), json!([]));

    scene.well("window_ready", json!({}));
    scene.well("record_fault", json!({ "message": "the page lost a button" }));
    let query = json!({ "level": "error", "search": "lost a button", "after": null, "limit": 9 });
    assert_eq!(scene.well("log_page", json!({ "query": query }))["lines"][0]["target"], "window");
    assert_eq!(scene.well("export_log", json!({})), Value::Null, "nothing was picked");
    scene.pick(Some("nowhere/log.txt"));
    assert_eq!(scene.refused("export_log", json!({}))["code"], "file");
    scene.pick(Some("log.txt"));
    assert_eq!(scene.well("export_log", json!({}))["path"], scene.path("log.txt"));

    assert!(scene.well("machine_load", json!({}))["memoryTotal"].is_string());
    assert!(!scene.well("check_system", json!({}))["verdicts"].as_array().unwrap().is_empty());
    let doctor = scene.well("doctor", json!({}));
    let checks: Vec<&str> = doctor.as_array().unwrap().iter().filter_map(|c| c["kind"].as_str()).collect();
    let expected = [
        "minerConnectivity",
        "registration",
        "firewall",
        "format",
        "thresholds",
        "resources",
        "chain",
        "fees",
        "ipfs",
        "uptime",
    ];
    for check in expected {
        assert!(checks.contains(&check), "{check} is not among {checks:?}");
    }
}

fn settings_and_preferences(scene: &Scene) {
    let change = |key: &str, value: &str| json!({ "changes": [{ "key": key, "value": value }] });
    let problems = scene.well("check_settings", change("round.quorum", "0"));
    assert_eq!(problems[0]["text"], "must be at least 1, is 0");
    assert_eq!(scene.well("save_settings", change("round.quorum", "0"))["kind"], "problems");
    assert_eq!(scene.well("save_settings", change("round.quorum", "7"))["kind"], "saved");
    let settings = scene.well("settings", json!({}));
    assert_eq!(Scene::setting(&settings, "round.quorum"), "7");

    let file = scene.path("home/settings.toml");
    let good = fs::read(&file).unwrap();
    fs::write(&file, "no settings at all").unwrap();
    assert_eq!(scene.refused("settings", json!({}))["code"], "settings");
    assert_eq!(scene.refused("check_settings", change("round.quorum", "7"))["code"], "settings");
    assert_eq!(scene.refused("save_settings", change("round.quorum", "7"))["code"], "settings");
    assert_eq!(scene.refused("check_payout", json!({ "to": "a", "amount": null }))["code"], "settings");
    assert_eq!(fs::read_to_string(&file).unwrap(), "no settings at all", "what does not parse stays");
    fs::write(&file, good).unwrap();

    let mut preferences = scene.well("snapshot", json!({}))["preferences"].clone();
    preferences["autostart"] = json!(true);
    preferences["language"] = json!("tr");
    let kept = scene.well("set_preferences", json!({ "preferences": preferences }));
    assert_eq!((&kept["autostart"], &kept["language"]), (&json!(true), &json!("tr")));
    assert_eq!(scene.desktop.autostart(), Some(true));
    scene.desktop.fail(true);
    preferences["autostart"] = json!(false);
    let refused = scene.refused("set_preferences", json!({ "preferences": preferences }));
    assert_eq!(refused["code"], "file");
    assert_eq!(scene.well("snapshot", json!({}))["preferences"]["autostart"], true, "nothing was kept");
    scene.desktop.fail(false);
}

fn what_only_a_desktop_can(scene: &Scene) {
    scene.pick(None);
    assert_eq!(scene.well("pick_folder", json!({})), Value::Null);
    scene.pick(Some("elsewhere"));
    assert_eq!(scene.well("pick_folder", json!({})), scene.path("elsewhere"));
    fs::create_dir(scene.path("elsewhere")).unwrap();
    let probe = scene.well("probe_folder", json!({ "path": scene.path("elsewhere") }));
    assert_eq!((&probe["writable"], &probe["inUse"]), (&json!(true), &json!(false)));
    scene.well("move_data_folder", json!({ "path": scene.path("elsewhere") }));
    assert_eq!(scene.desktop.remembered(), Some(scene.path("elsewhere")));
    // A folder below a file cannot be.
    let nowhere = scene.path("log.txt/below");
    assert_eq!(scene.well("probe_folder", json!({ "path": nowhere }))["writable"], false);
    assert_eq!(scene.refused("move_data_folder", json!({ "path": nowhere }))["code"], "file");

    scene.well("open_data_folder", json!({}));
    assert_eq!(scene.desktop.shown(), [scene.path("home")]);
    scene.desktop.fail(true);
    assert_eq!(scene.refused("open_data_folder", json!({}))["code"], "request");
    scene.desktop.fail(false);
    let foreign = json!({ "url": "https://elsewhere.example" });
    assert_eq!(scene.refused("open_page", foreign)["code"], "request");
}

fn the_network(scene: &Scene) {
    assert_eq!(scene.refused("grant_on_local_network", json!({}))["code"], "request");
    let names = scene.well("profiles", json!({}));
    let name = names[0]["name"].clone();
    let unknown = json!({ "choice": { "kind": "profile", "name": "no-such-network" } });
    assert_eq!(scene.refused("choose_network", unknown)["code"], "settings");
    scene.well("choose_network", json!({ "choice": { "kind": "profile", "name": name } }));
    assert_eq!(scene.refused("probe_endpoint", json!({ "url": "gopher://a" }))["code"], "request");
    assert_eq!(scene.refused("probe_ipfs", json!({ "url": "http://127.0.0.1:1" }))["code"], "network");
    scene.pick(None);
    assert_eq!(scene.well("add_profile", json!({})), false);
    scene.pick(Some("log.txt"));
    assert_eq!(scene.refused("add_profile", json!({}))["code"], "settings");

    assert_eq!(scene.refused("claim_preview", json!({}))["code"], "key");
    let to = json!({ "to": "remes1cold", "amount": null });
    assert_eq!(scene.refused("payout_preview", to)["code"], "key");
    scene.well("choose_network", json!({ "choice": { "kind": "local" } }));
    let settings = scene.well("settings", json!({}));
    let url = Scene::setting(&settings, "network.rpc");
    let probe = scene.well("probe_endpoint", json!({ "url": url }));
    assert_eq!(probe["chainId"], Scene::setting(&settings, "network.chain_id"));
    let url = Scene::setting(&settings, "network.ipfs_api");
    assert!(scene.well("probe_ipfs", json!({ "url": url }))["version"].is_string());

    let page = "http://127.0.0.1:1/explorer";
    let changes = json!([{ "key": "network.explorer_url", "value": page }]);
    assert_eq!(scene.well("save_settings", json!({ "changes": changes }))["kind"], "saved");
    scene.wait_for("the explorer's address", |snapshot| snapshot["network"]["explorerUrl"] == page);
    scene.well("open_page", json!({ "url": format!("{page}/tx/AB") }));
    assert_eq!(scene.desktop.shown().last(), Some(&format!("{page}/tx/AB")));
}

fn keys(scene: &Scene) {
    scene.is_secret(PASSPHRASE);
    scene.is_secret(WORDS);
    assert!(scene.well("keychain_state", json!({})).is_string());
    let draft = |passphrase: Option<&str>| {
        let rest = json!({ "store": "file", "passphrase": passphrase, "access": null });
        Scene::merged(json!({ "name": "main", "words": "twelve" }), rest)
    };
    assert_eq!(scene.refused("draft_key", draft(None))["code"], "passphrase");
    let made = scene.well("draft_key", draft(Some(PASSPHRASE)));
    assert_eq!(scene.refused("reveal_words", json!({ "passphrase": "wrong" }))["code"], "passphrase");
    let words = scene.well("reveal_words", json!({ "passphrase": PASSPHRASE }));
    let list: Vec<&str> = words.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(list.len(), 12);
    scene.is_secret(&list.join(" "));
    let answers = |wrong: bool| -> Value {
        let asked = made["asked"].as_array().unwrap().iter().map(|place| {
            let at = place.as_u64().unwrap() as usize;
            json!({ "place": at, "word": if wrong { json!("zoo") } else { words[at - 1].clone() } })
        });
        json!({ "answers": asked.collect::<Vec<_>>() })
    };
    let refused = scene.refused("keep_key", answers(true));
    assert!(refused["message"].as_str().unwrap().contains("not right"), "{refused}");
    let kept = scene.well("keep_key", answers(false));
    assert_eq!((&kept["address"], &kept["inUse"]), (&made["address"], &json!(true)));
    scene.well("draft_key", Scene::merged(draft(Some(PASSPHRASE)), json!({ "name": "given-up" })));
    scene.well("drop_draft", json!({}));
    assert_eq!(scene.refused("reveal_words", json!({ "passphrase": PASSPHRASE }))["code"], "request");

    let import = |kind: &str, text: &str| {
        json!({
            "name": "spare", "source": { "kind": kind, "text": text }, "store": "file",
            "passphrase": PASSPHRASE, "sourcePassphrase": null, "access": null,
        })
    };
    let refused = scene.refused("import_key", import("words", &WORDS.replace("about", "abouts")));
    assert!(refused["message"].as_str().unwrap().contains("word 12"), "{refused}");
    let spare = scene.well("import_key", import("words", WORDS));
    let named = |name: &str| json!({ "name": name, "access": null });
    assert_eq!(scene.refused("use_key", named("nobody"))["code"], "key");
    scene.well("use_key", named("spare"));
    scene.well("use_key", named("main"));

    scene.pick(None);
    let closed = |passphrase: &str| json!({ "passphrase": passphrase, "keys": PASSPHRASE, "access": null });
    assert_eq!(scene.well("back_up", closed("of the backup")), Value::Null);
    scene.pick(Some("nowhere/backup"));
    assert_eq!(scene.refused("back_up", closed("of the backup"))["code"], "file");
    scene.pick(Some("backup"));
    assert_eq!(scene.well("back_up", closed("of the backup"))["keys"], json!(["main", "spare"]));
    let delete = |address: &Value| json!({ "name": "spare", "address": address, "access": null });
    assert_eq!(scene.refused("delete_key", delete(&json!("remes1other")))["code"], "request");
    scene.well("delete_key", delete(&spare["address"]));
    let keys = scene.well("snapshot", json!({}))["keys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 1, "{keys}");
    let restore =
        |passphrase: &str| Scene::merged(closed(passphrase), json!({ "store": "file", "keys": PASSPHRASE }));
    assert_eq!(scene.refused("restore", restore("wrong"))["code"], "passphrase");
    assert_eq!(scene.well("restore", restore("of the backup"))["keys"], json!(["main", "spare"]));
    scene.pick(None);
    assert_eq!(scene.well("restore", restore("of the backup")), Value::Null);

    assert_eq!(scene.refused("unlock_keys", json!({ "passphrase": "wrong" }))["code"], "passphrase");
    scene.well("unlock_keys", json!({ "passphrase": PASSPHRASE }));
}

fn access(scene: &Scene) {
    scene.well("set_access_passphrase", json!({ "present": null, "next": "open sesame" }));
    assert_eq!(scene.well("snapshot", json!({}))["application"]["accessProtected"], true);
    for (command, arguments) in [
        ("set_access_passphrase", json!({ "present": "wrong", "next": null })),
        ("use_key", json!({ "name": "main", "access": null })),
        ("register", json!({ "stake": null, "access": "wrong" })),
        ("claim", json!({ "access": null })),
        ("payout", json!({ "to": "remes1cold", "amount": "1", "access": null })),
        ("request_authorization", json!({ "contact": "a", "statement": "", "access": null })),
    ] {
        assert_eq!(scene.refused(command, arguments)["code"], "access", "{command}");
    }
    scene.well("use_key", json!({ "name": "main", "access": "open sesame" }));
    scene.well("set_access_passphrase", json!({ "present": "open sesame", "next": null }));
}

fn from_an_account_to_a_proposer(scene: &Scene) {
    let request = |contact: &str| json!({ "contact": contact, "statement": "mine", "access": null });
    let composed = scene.well("request_authorization", request("you@example.org"));
    let text = composed["text"].clone();
    let save = json!({ "text": text, "fileName": "request.json" });
    scene.pick(None);
    assert_eq!(scene.well("save_authorization", save.clone()), Value::Null);
    scene.pick(Some("nowhere/request.json"));
    assert_eq!(scene.refused("save_authorization", save.clone())["code"], "file");
    scene.pick(Some("request.json"));
    scene.well("save_authorization", save);
    assert_eq!(fs::read_to_string(scene.path("request.json")).unwrap(), text.as_str().unwrap());

    let send = json!({ "text": text });
    assert_eq!(scene.refused("send_authorization", send.clone())["code"], "settings");
    let changes = json!([{ "key": "network.admin_url", "value": administrator() }]);
    assert_eq!(scene.well("save_settings", json!({ "changes": changes }))["kind"], "saved");
    assert_eq!(scene.well("send_authorization", send), "noted");

    let unauthorized = scene.well("registration_preview", json!({ "stake": null }));
    assert!(unauthorized["refused"].is_object(), "{unauthorized}");
    let stake = |stake: &str| json!({ "stake": stake, "access": null });
    assert_eq!(scene.refused("register", stake("50000"))["code"], unauthorized["refused"]["code"]);
    scene.well("grant_on_local_network", json!({}));
    assert_eq!(scene.refused("registration_preview", json!({ "stake": "a lot" }))["code"], "request");
    scene.wait_until("the account is authorized", || {
        scene.well("registration_preview", json!({ "stake": "50000" }))["refused"].is_null()
    });
    let registered = scene.well("register", stake("50000"));
    assert!(registered["stake"].as_str().unwrap().starts_with("50000"), "{registered}");
    scene.wait_for("the registration", |snapshot| snapshot["standing"]["state"] == "registered");
}

fn a_proposer_at_work(scene: &Scene) {
    scene.well("start", json!({}));
    scene.wait_for("a revealed round", |snapshot| {
        let rounds = snapshot["rounds"].as_array().unwrap();
        rounds.iter().any(|round| round["revealTx"].is_string())
    });
    assert_eq!(scene.well("snapshot", json!({}))["engine"]["state"], "running");
    let local = json!({ "choice": { "kind": "local" } });
    assert_eq!(scene.refused("choose_network", local)["code"], "request", "it runs");

    assert!(scene.well("rounds", json!({ "offset": 0, "limit": 9 }))["total"].as_u64() >= Some(1));
    let query = json!({ "search": "", "verdict": null, "trainingRound": null, "offset": 0, "limit": 9 });
    let gradients = scene.well("gradients", json!({ "query": query }));
    let first = &gradients["rows"][0];
    let detail = scene.well("gradient", json!({ "id": first["id"] }));
    assert_eq!(detail["row"]["miner"], first["miner"]);
    let points = scene.well("gradient_points", json!({ "trainingRound": null, "limit": 99 }));
    assert!(points[0]["norm"].as_f64() > Some(0.0), "{points}");

    let query = json!({ "search": "", "verdict": null, "trainingRound": "one", "offset": 0, "limit": 9 });
    assert_eq!(scene.refused("gradients", json!({ "query": query }))["code"], "request");
    assert_eq!(scene.refused("gradient", json!({ "id": "999999" }))["code"], "request");
    let points = json!({ "trainingRound": "one", "limit": 9 });
    assert_eq!(scene.refused("gradient_points", points)["code"], "request");
    assert_eq!(scene.refused("miner", json!({ "address": "remes1nobody" }))["code"], "request");

    let query = json!({ "search": "", "offset": 0, "limit": 9 });
    let address = scene.well("miners", json!({ "query": query }))["rows"][0]["address"].clone();
    scene.wait_until("a miner's score after a round", || {
        let miner = scene.well("miner", json!({ "address": address }));
        assert!(miner["trustScore"].as_f64().is_some(), "{miner}");
        miner["history"].as_array().unwrap().iter().any(|point| point["trust"].as_f64() > Some(0.0))
    });
    let listed = scene.well("miners", json!({ "query": query }))["rows"][0]["trust"].clone();
    assert!(listed.as_f64() > Some(0.0), "{listed}");

    let query = json!({ "search": "", "stage": null, "offset": 0, "limit": 9 });
    let submissions = scene.well("submissions", json!({ "query": query }));
    assert!(submissions["rows"][0]["cid"].is_string(), "{submissions}");
    for (format, name) in [("csv", "submissions.csv"), ("json", "submissions.json")] {
        scene.pick(None);
        assert_eq!(scene.well("export_submissions", json!({ "format": format })), Value::Null);
        scene.pick(Some("nowhere/submissions"));
        assert_eq!(scene.refused("export_submissions", json!({ "format": format }))["code"], "file");
        scene.pick(Some(name));
        let exported = scene.well("export_submissions", json!({ "format": format }));
        assert!(exported["records"].as_u64() >= Some(1), "{exported}");
    }
    let rows: Value = serde_json::from_slice(&fs::read(scene.path("submissions.json")).unwrap()).unwrap();
    let csv = fs::read_to_string(scene.path("submissions.csv")).unwrap();
    assert!(csv.contains(rows.as_array().unwrap().last().unwrap()["cid"].as_str().unwrap()), "{csv}");

    scene.wait_until("the reward in the books", || {
        let ledger = scene.well("ledger", json!({ "offset": 0, "limit": 99 }));
        ledger["rows"].as_array().unwrap().iter().any(|row| row["kind"] == "reward")
    });
    let days = scene.well("earnings_by_day", json!({ "days": 9 }));
    assert!(days[0]["income"][0]["amount"].is_string(), "{days}");
}

fn a_claim(scene: &Scene) {
    scene.wait_until("a claim worth its fee", || scene.well("claim_preview", json!({}))["refused"].is_null());
    let claimed = scene.well("claim", json!({ "access": null }));
    assert!(claimed["txHash"].is_string() && !claimed["received"].as_array().unwrap().is_empty());
    let snapshot = scene.well("snapshot", json!({}));
    assert_eq!(snapshot["earnings"]["claimInFlight"], false);
}

fn a_payout(scene: &Scene) {
    let keys = scene.well("snapshot", json!({}))["keys"].clone();
    let address = |name: &str| {
        let key = keys.as_array().unwrap().iter().find(|key| key["name"] == name);
        key.unwrap()["address"].clone()
    };
    let (own, cold) = (address("main"), address("spare"));
    let problems = scene.well("check_payout", json!({ "to": own, "amount": "1,5" }));
    assert_eq!(problems["to"], "it is the account's own address");
    assert_eq!(problems["amount"], "must be digits, with at most one decimal mark");
    let refused = scene.refused("payout_preview", json!({ "to": cold, "amount": "1e3" }));
    assert_eq!(refused["code"], "request");
    let sends = |to: &Value, amount: &Value| json!({ "to": to, "amount": amount, "access": null });
    assert_eq!(scene.refused("payout", sends(&cold, &json!("1000")))["code"], "request", "not shown yet");

    let all = scene.well("payout_preview", json!({ "to": cold, "amount": null }));
    assert_eq!(all["left"], all["reserve"], "all above the reserve, the fee being of another denom");
    let some = scene.well("payout_preview", json!({ "to": cold, "amount": "1000" }));
    assert_eq!((&some["amount"]["amount"], &some["refused"]), (&json!("1000"), &Value::Null), "{some}");
    assert_eq!(scene.refused("payout", sends(&cold, &all["amount"]["amount"]))["code"], "request");
    scene.well("payout_preview", json!({ "to": cold, "amount": "1000" }));
    let paid = scene.well("payout", sends(&cold, &some["amount"]["amount"]));
    assert_eq!((&paid["to"], &paid["earlier"]), (&cold, &json!(false)));
    assert_eq!(paid["amount"][0]["amount"], "1000");
    assert_eq!(scene.refused("payout", sends(&cold, &json!("1000")))["code"], "request", "sent once");
    scene.wait_until("the payout in the books", || {
        let ledger = scene.well("ledger", json!({ "offset": 0, "limit": 99 }));
        let rows = ledger["rows"].as_array().unwrap();
        rows.iter().any(|row| row["kind"] == "payout" && row["txHash"] == paid["txHash"])
    });
}

fn the_end(scene: &mut Scene) {
    for state in ["stopped", "running"] {
        scene.toggle_from_the_tray();
        scene.wait_for(state, |snapshot| snapshot["engine"]["state"] == state);
    }
    scene.well("stop", json!({}));
    scene.wait_for("the engine's end", |snapshot| snapshot["engine"]["state"] == "stopped");
    scene.pick(Some("home/local-network/networks/localnet.toml"));
    assert_eq!(scene.well("add_profile", json!({})), true);
    assert_eq!(scene.well("snapshot", json!({}))["application"]["localNetwork"], false);
    scene.well("quit", json!({}));
    assert!(scene.desktop.has_quit());
    scene.close();
}

/// An administrator who notes one request.
fn administrator() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut some = [0; 4096];
        // The document ends with its last brace; the answer may come before that.
        while !request.ends_with(b"}") && !request.ends_with(b"}\n") {
            let read = stream.read(&mut some).unwrap();
            request.extend_from_slice(&some[..read]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nnoted").unwrap();
    });
    format!("http://{address}/requests")
}
