//! Keys by the command line, as a server without a terminal uses them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod keychain;
mod proposer;
mod secrecy;

use proposer::Proposer;

const ABANDON: &str =
    "abandon, ABANDON abandon abandon\nabandon abandon abandon abandon abandon abandon abandon about";

#[test]
fn a_key_is_made_shown_backed_up_deleted_and_restored() {
    let proposer = Proposer::new();
    let made = proposer.json(&["keys", "add", "main", "--words", "12", "--store", "file"]);
    assert_eq!(made["mnemonic"].as_str().unwrap().split(' ').count(), 12);
    let address = made["key"]["address"].as_str().unwrap().to_owned();
    assert!(address.starts_with("remes1"));
    assert_eq!(made["key"]["in_use"], true);
    let shown = proposer.json(&["keys", "show", "main"]);
    assert_eq!(shown["address"], address.as_str());
    assert_eq!(shown["path"], "m/44'/9999'/0'/0/0");
    assert_eq!(
        proposer.json_lines(&["keys", "list"]),
        std::slice::from_ref(&shown),
        "one key, one object, one line"
    );
    assert!(shown.get("last_backup").is_none());

    let taken = proposer.fails(&["keys", "add", "main", "--store", "file"]);
    assert!(taken.contains("the name \"main\" is that of the key of"), "{taken}");

    let file = proposer.path("a.backup");
    proposer.json(&["keys", "backup", &file]);
    assert!(proposer.json(&["keys", "show", "main"])["last_backup"].is_string());
    let again = proposer.fails(&["keys", "backup", &file]);
    assert!(again.contains("a file of this name is there already"), "{again}");

    let unsure = proposer.fails(&["keys", "delete", "main"]);
    assert!(unsure.contains(&format!("--confirm {address}")), "{unsure}");
    let wrong = proposer.fails(&["keys", "delete", "main", "--confirm", "remes1x"]);
    assert!(wrong.contains("the confirmation must be its address"), "{wrong}");
    proposer.json(&["keys", "delete", "main", "--confirm", &address]);
    assert_eq!(proposer.json_lines(&["keys", "list"]).len(), 0);

    let elsewhere = Proposer::new();
    let restored = elsewhere.json(&["keys", "restore", &file]);
    assert_eq!(restored["keys"][0]["address"], address.as_str());
    assert_eq!(restored["files"][0], "settings.toml");
    let second = elsewhere.path("b.backup");
    elsewhere.json(&["keys", "backup", &second]);
}

#[test]
fn words_and_hex_are_imported_without_standing_on_the_command_line() {
    let proposer = Proposer::new();
    let words = proposer.with_secret(ABANDON);
    let imported = words.json(&["keys", "import", "words", "--store", "file"]);
    // Published for these words at Cosmos' own path: cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4.
    let set = ["--set", "network.coin_type=118", "--set", "network.bech32_prefix=cosmos"];
    let cosmos = words.json(&[&["keys", "import", "cosmos", "--store", "file"], &set[..]].concat());
    assert_eq!(cosmos["address"], "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    assert_ne!(imported["public_key"], cosmos["public_key"]);
    let hex = proposer.with_secret(&"07".repeat(32));
    assert!(hex.json(&["keys", "import", "hex", "--from", "hex", "--store", "file"]).get("path").is_none());
    let wrong = proposer.with_secret(&ABANDON.replace("about", "abuot"));
    let reason = "read the key: word 12 of the mnemonic, `abuot`, is not in the English BIP-39 list, \
                  the nearest that is: about";
    let told = wrong.fails(&["keys", "import", "wrong", "--store", "file"]);
    assert_eq!(told.lines().next().unwrap(), format!("error: {reason}"));
    let told = wrong.run(&["keys", "import", "wrong", "--store", "file", "--json"]);
    let said = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    assert!(said.contains(reason) && !said.contains("abandon"), "{said}");
}

#[test]
fn passphrases_come_from_a_descriptor_line_by_line() {
    let proposer = Proposer::new();
    let file = proposer.path("fd.backup");
    let key = proposer.run_with_input("the key's own\n", &["keys", "add", "main", "--store", "file"]);
    assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
    let backup = proposer.run_with_input("the key's own\nthe backup's own\n", &["keys", "backup", &file]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    let short = proposer.run_with_input("the key's own\n", &["keys", "backup", &proposer.path("no.backup")]);
    let text = String::from_utf8(short.stderr).unwrap();
    assert!(text.contains("read a passphrase from descriptor 0: it has no further line"), "{text}");
    let weak = proposer.run_with_input("short\n", &["keys", "add", "weak", "--store", "file"]);
    let text = String::from_utf8(weak.stderr).unwrap();
    assert!(text.contains("it has fewer than 8 characters"), "{text}");
}

#[test]
fn broken_files_and_wrong_passphrases_are_one_line_each() {
    let proposer = Proposer::new();
    let entry = proposer.json(&["keys", "add", "main", "--store", "file"])["key"]["entry"].clone();
    let file = proposer.path("whole.backup");
    proposer.json(&["keys", "backup", &file]);
    let whole = std::fs::read(&file).unwrap();
    let broken = |name: &str, bytes: &[u8]| {
        let path = proposer.path(name);
        std::fs::write(&path, bytes).unwrap();
        proposer.fails(&["keys", "restore", &path]).lines().next().unwrap().replace(&path, "FILE")
    };
    assert!(broken("cut", &whole[..whole.len() / 2]).starts_with("error: open the backup FILE: it is cut: "));
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let damaged = "error: open the backup FILE: it is damaged: its checksum does not fit";
    assert_eq!(broken("changed", &changed), damaged);
    let other = proposer.with_passphrase("another passphrase");
    let wrong = other.fails(&["keys", "restore", &file]);
    assert!(wrong.contains("the passphrase does not open it"), "{wrong}");
    let wrong = other.fails(&["keys", "backup", &proposer.path("none")]);
    assert!(wrong.contains("what to do: try again with the passphrase"), "{wrong}");

    let key = proposer.path(&format!("home/keys/{}.key", entry.as_str().unwrap()));
    let bytes = std::fs::read(&key).unwrap();
    std::fs::write(&key, &bytes[..60]).unwrap();
    let cut = proposer.fails(&["keys", "backup", &proposer.path("none")]);
    assert!(cut.lines().next().unwrap().contains("it is cut: 60 bytes of"), "{cut}");
    std::fs::remove_file(&key).unwrap();
    let lost = proposer.fails(&["keys", "backup", &proposer.path("none")]);
    assert!(lost.contains("bring the same key back") && lost.contains("do not make a new key"), "{lost}");
    proposer.json(&["keys", "restore", &file]);
    proposer.json(&["keys", "backup", &proposer.path("mended")]);
}

#[test]
fn without_a_key_the_remedy_is_named() {
    let proposer = Proposer::new();
    let none = proposer.fails(&["start"]);
    assert!(none.contains("none is chosen") && none.contains("keys add NAME"), "{none}");
    let unknown = proposer.fails(&["start", "--from", "nobody"]);
    assert!(unknown.contains("there is no key \"nobody\""), "{unknown}");
}
