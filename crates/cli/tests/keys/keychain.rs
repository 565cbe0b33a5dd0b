//! A real gnome-keyring on a private D-Bus, brought into each of the four states.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::proposer::Proposer;

const PROGRAMS: [&str; 4] = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"];
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";

/// A bus with a keychain on it, and the program in its session.
struct Session {
    proposer: Proposer,
    bus: Child,
    daemon: Child,
}

impl Session {
    /// `None` where the programs are missing, which is said; in CI they must be there.
    fn start() -> Option<Session> {
        let starts = |program: &str| {
            let mut command = Command::new(program);
            command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        let missing = PROGRAMS.into_iter().find(|program| !starts(program));
        if let Some(missing) = missing {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "{missing} is missing: `cargo xtask setup`"
            );
            eprintln!(
                "skipped: the keychain's states ({missing} is missing; `cargo xtask setup` installs it)"
            );
            return None;
        }
        let proposer = Proposer::new();
        // A bus of its own, on which nothing is started by being asked for: no other keychain, no prompt.
        let configuration = proposer.path("bus.conf");
        let rules = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"#;
        fs::write(&configuration, rules).unwrap();
        let mut bus = proposer
            .command("dbus-daemon")
            .args(["--nofork", "--print-address", "--config-file", &configuration])
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let run = proposer.path("run");
        fs::create_dir(&run).unwrap();
        fs::create_dir_all(proposer.path("home")).unwrap();
        let proposer =
            proposer.with("DBUS_SESSION_BUS_ADDRESS", address.trim()).with("XDG_RUNTIME_DIR", &run);
        let mut daemon = proposer
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        daemon.stdin.take().unwrap().write_all(b"the keychain's own").unwrap();
        let session = Session { proposer, bus, daemon };
        session.wait_for_service();
        Some(session)
    }

    fn wait_for_service(&self) {
        let start = Instant::now();
        loop {
            let asked = self.send(
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                &["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"],
            );
            if asked.contains("boolean true") {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "the keychain does not start: {asked}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn send(&self, to: &str, object: &str, call: &[&str]) -> String {
        let mut command = self.proposer.command("dbus-send");
        command.args(["--session", "--print-reply", &format!("--dest={to}"), object]).args(call);
        let ended = command.output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
    }

    fn secret_tool(&self, arguments: &[&str], entry: &str, input: &str) {
        let mut command = self.proposer.command("secret-tool");
        command.args(arguments).args(["service", "r3mes-proposer", "username", entry]).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn each_state_of_the_keychain_has_its_answer_and_none_is_a_new_key() {
    let Some(session) = Session::start() else { return };
    let proposer = &session.proposer;
    let made = proposer.json(&["keys", "add", "main"]);
    let entry = made["key"]["entry"].as_str().unwrap();
    let words = made["mnemonic"].as_str().unwrap();
    proposer.json(&["keys", "backup", &proposer.path("good.backup")]);
    let before = proposer.json_lines(&["keys", "list"]);
    let use_it = |proposer: &Proposer| {
        let text = proposer.fails(&["keys", "backup", &proposer.path("none")]);
        assert_eq!(proposer.json_lines(&["keys", "list"]), before, "nothing was made or changed");
        let (error, remedy) = text.split_once('\n').unwrap();
        assert!(remedy.contains("what to do: "), "{text}");
        (error.to_owned(), remedy.to_owned())
    };

    // No service: nothing listens where the session's bus should be.
    let alone = proposer.with("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", proposer.path("nothing")));
    let (error, remedy) = use_it(&alone);
    assert!(error.contains("there is no keychain service here"), "{error}");
    assert!(remedy.contains("start the desktop's keychain"), "{remedy}");

    // No entry: the collection is open, the entry is gone.
    session.secret_tool(&["clear"], entry, "");
    let (error, remedy) = use_it(proposer);
    assert!(error.contains(&format!("the keychain has no entry {entry:?}")), "{error}");
    assert!(remedy.contains("do not make a new key"), "{remedy}");

    // Another key in its place.
    session.secret_tool(
        &["store", "--label=other"],
        entry,
        &format!("r3mes-secp256k1-1:{}", "07".repeat(32)),
    );
    let (error, remedy) = use_it(proposer);
    let enrolled = format!("and {} was enrolled", made["key"]["address"].as_str().unwrap());
    assert!(error.contains("the keychain holds a key of remes1") && error.contains(&enrolled), "{error}");
    assert!(remedy.contains("find out who changed the entry"), "{remedy}");

    // The words bring the very key back.
    session.secret_tool(&["clear"], entry, "");
    proposer.with_secret(words).json(&["keys", "import", "main"]);
    proposer.json(&["keys", "backup", &proposer.path("mended.backup")]);

    // Locked.
    let before = proposer.json_lines(&["keys", "list"]);
    let lock = ["org.freedesktop.Secret.Service.Lock", &format!("array:objpath:{COLLECTION}")];
    let answer = session.send("org.freedesktop.secrets", "/org/freedesktop/secrets", &lock);
    assert!(answer.contains(COLLECTION), "{answer}");
    let text = proposer.fails(&["keys", "backup", &proposer.path("none")]);
    assert!(text.contains("the keychain is locked") && text.contains("unlock the keychain"), "{text}");
    let text = proposer.fails(&["keys", "add", "second"]);
    assert!(text.contains("the keychain is locked"), "{text}");
    assert_eq!(proposer.json_lines(&["keys", "list"]), before, "nothing was made or changed");
}
