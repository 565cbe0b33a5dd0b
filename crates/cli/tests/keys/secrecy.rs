//! The secret is nowhere but in the store.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

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
    let raw = hex::raw(hex);
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
    // The error of an import alone names the word that is in no list, and no other place does.
    let refused = proposer.with_secret(wrong_words).run(&["keys", "import", "words", "--store", "file"]);
    let refused = [refused.stdout, refused.stderr].concat();
    let (errors, others): (Vec<&str>, Vec<&str>) =
        std::str::from_utf8(&refused).unwrap().lines().partition(|line| line.starts_with("error: "));
    assert!(matches!(errors.as_slice(), [error] if error.matches("yelow").count() == 1), "{errors:?}");
    let without_it = [&[errors[0].replace("`yelow`", "").as_str()], others.as_slice()].concat().join("\n");
    say(&proposer.with_secret(hex), &["keys", "import", "armor", "--from", "armor", "--store", "file"]);
    say(&proposer, &["keys", "list"]);
    say(&proposer, &["keys", "show", "main", "--json"]);
    say(&proposer, &["keys", "backup", &proposer.path("home/a.backup")]);
    say(&proposer.with_passphrase("never this one"), &["keys", "restore", &proposer.path("home/a.backup")]);
    say(&proposer.with_passphrase("never this one"), &["start", "-vv"]);
    // Nothing answers there: the key is opened, and the command ends with an error of the network.
    say(&proposer, &["start", "-vv", "--set", "network.rpc=http://127.0.0.1:9"]);

    said.extend_from_slice(without_it.as_bytes());
    let text = String::from_utf8_lossy(&said).into_owned();
    assert!(text.contains("main remes1") && text.contains("Wrote "), "the commands ran: {text}");
    assert!(text.contains("word 12 of the mnemonic"), "the wrong word was told: {text}");
    let secrets: &[&[u8]] =
        &[hex.as_bytes(), &raw, PASSPHRASE.as_bytes(), b"never this one", b"sausage", b"winner", b"yelow"];
    assert_silent(&proposer, said, secrets, 4);
}

/// A running local network, ended with the test.
struct Network(Child);

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_named_key_works_where_it_is_asked_for_and_leaves_nothing_in_the_journal() {
    let proposer = Proposer::new();
    let profile = proposer.path("network.toml");
    let mut localnet = proposer.command(env!("CARGO_BIN_EXE_r3mes-proposer"));
    localnet.args(["localnet", "--profile", &profile]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut network = Network(localnet.spawn().unwrap());
    while !Path::new(&profile).exists() {
        assert!(network.0.try_wait().unwrap().is_none(), "the local network has ended");
        thread::sleep(Duration::from_millis(20));
    }
    let hex = "5ec7e70000000000000000000000000000000000000000000000000000000001";
    let arguments = ["keys", "import", "main", "--from", "hex", "--store", "file", "--network", &profile];
    let imported = proposer.with_secret(hex).json(&arguments);
    let address = imported["address"].as_str().unwrap();
    let refused = proposer.with("RUST_LOG", "trace").run(&["start", "--from", "main", "-vv"]);
    let mut said = [refused.stdout, refused.stderr].concat();
    let text = String::from_utf8_lossy(&said).into_owned();
    assert!(text.contains(&format!("{address} is not authorized as a proposer")), "{text}");
    for operation in ["fund", "grant"] {
        proposer.json_lines(&["localnet", operation, address, "--network", &profile]);
    }
    // The whole way of a round with everything logged, and the passphrase by a descriptor.
    let log = proposer.path("log");
    let mut start = proposer.with("RUST_LOG", "trace").command(env!("CARGO_BIN_EXE_r3mes-proposer"));
    start.env_remove("R3MES_PASSPHRASE").env_remove("R3MES_BACKUP_PASSPHRASE");
    start.args(["start", "--from", "main", "-vv", "--rounds", "1", "--passphrase-fd", "0"]);
    let output = fs::File::create(&log).unwrap();
    start.stdin(Stdio::piped()).stdout(output.try_clone().unwrap()).stderr(output);
    let mut started = start.spawn().unwrap();
    started.stdin.take().unwrap().write_all(format!("{PASSPHRASE}\n").as_bytes()).unwrap();
    let mut looks = 0;
    let ended = loop {
        if let Some(ended) = started.try_wait().unwrap() {
            break ended;
        }
        looks += usize::from(look_at_processes(started.id(), &[hex, PASSPHRASE]));
        thread::sleep(Duration::from_millis(20));
    };
    assert!(ended.success() && looks > 0, "{ended}: {}", fs::read_to_string(&log).unwrap());
    said.extend(fs::read(&log).unwrap());

    assert!(Path::new(&proposer.path("home/journal.sqlite")).exists());
    assert_eq!(proposer.json(&["status", "--from", "main"])["address"], address);
    let status = String::from_utf8(proposer.run(&["status", "--from", "main"]).stdout).unwrap();
    assert!(status.contains("key main is in no backup"), "{status}");
    assert_ne!(proposer.json(&["status"])["address"], address, "a local network has a key of its own");
    assert_silent(&proposer, said, &[hex.as_bytes(), PASSPHRASE.as_bytes(), &hex::raw(hex)], 5);
}

/// Looks at the command lines of all processes, and at the environments of the proposer and of what it
/// has started. Whether the proposer was still there to be looked at.
fn look_at_processes(proposer: u32, secrets: &[&str]) -> bool {
    let mut seen = false;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        // A process may end between two looks.
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let parent = String::from_utf8_lossy(&read("stat"))
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        let mut told = read("cmdline");
        if process == proposer || parent == Some(proposer) {
            seen |= process == proposer && !told.is_empty();
            told.extend(read("environ"));
        }
        for secret in secrets {
            let holds = told.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!holds, "process {process} shows {secret}");
        }
    }
    seen
}

mod hex {
    /// The bytes of hexadecimal digits.
    pub(super) fn raw(digits: &str) -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    }
}

/// Looks for secrets in what was said and in each of at least so many files of the data folder.
fn assert_silent(proposer: &Proposer, said: Vec<u8>, secrets: &[&[u8]], at_least: usize) {
    let mut places = vec![("what was said".to_owned(), said)];
    let mut found = Vec::new();
    files(Path::new(&proposer.path("home")), &mut found);
    assert!(found.len() >= at_least, "settings, record, key file and more: {found:?}");
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
