//! The secret is nowhere but in the store.

use std::fs;
use std::path::Path;

use crate::proposer::{PASSPHRASE, Proposer};

/// All files below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_file_no_log_and_no_error_holds_a_secret() {
    let hex = "5ec7e70000000000000000000000000000000000000000000000000000000001";
    let mut raw = [0_u8; 32];
    raw[..3].copy_from_slice(&[0x5e, 0xc7, 0xe7]);
    raw[31] = 1;
    let wrong_words = "legal winner thank year wave sausage worth useful legal winner thank yelow";
    let proposer = Proposer::new().with("RUST_LOG", "trace");
    let mut said = Vec::new();
    let mut say = |proposer: &Proposer, arguments: &[&str]| {
        let ended = proposer.run(arguments);
        said.extend_from_slice(&ended.stdout);
        said.extend_from_slice(&ended.stderr);
        said.push(b'\n');
    };
    let key = proposer.with_secret(hex);
    say(&key, &["keys", "import", "main", "--from", "hex", "--store", "file", "-vv"]);
    say(&proposer.with_secret(&hex[1..]), &["keys", "import", "cut", "--from", "hex", "--store", "file"]);
    say(&proposer.with_secret(wrong_words), &["keys", "import", "words", "--store", "file"]);
    say(&proposer.with_secret(hex), &["keys", "import", "armor", "--from", "armor", "--store", "file"]);
    say(&proposer, &["keys", "list"]);
    say(&proposer, &["keys", "show", "main", "--json"]);
    say(&proposer, &["keys", "backup", &proposer.path("home/a.backup")]);
    say(&proposer.with_passphrase("never this one"), &["keys", "restore", &proposer.path("home/a.backup")]);
    say(&proposer.with_passphrase("never this one"), &["start", "-vv"]);
    // Nothing answers there: the key is opened, and the command ends with an error of the network.
    say(&proposer, &["start", "-vv", "--set", "network.rpc=http://127.0.0.1:9"]);

    let text = String::from_utf8_lossy(&said).into_owned();
    assert!(text.contains("main remes1") && text.contains("Wrote "), "the commands ran: {text}");
    assert!(text.contains("word 12 of the mnemonic"), "the wrong word was told: {text}");
    let secrets: &[&[u8]] =
        &[hex.as_bytes(), &raw, PASSPHRASE.as_bytes(), b"never this one", b"sausage", b"winner", b"yelow"];
    let mut places = vec![("what was said".to_owned(), said)];
    let mut found = Vec::new();
    files(Path::new(&proposer.path("home")), &mut found);
    assert!(found.len() >= 4, "settings, record, key file, backup: {found:?}");
    for path in found {
        places.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    for (place, bytes) in &places {
        for secret in secrets {
            let holds = bytes.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret));
            assert!(!holds, "{place} holds {:?}", String::from_utf8_lossy(secret));
        }
    }
}
