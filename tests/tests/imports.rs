//! Imports run one way: faces -> api -> engine -> {chain, ipfs, gradient, keys, hardware, config} -> aggregate.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};

/// A room and the rooms that it may import (normal and build dependencies).
struct Room {
    name: &'static str,
    may_import: &'static [&'static str],
    /// Rooms that only its tests may import as well.
    tests_may_import: &'static [&'static str],
}

const fn room(name: &'static str, may_import: &'static [&'static str]) -> Room {
    Room { name, may_import, tests_may_import: &[] }
}

const PARTS: [&str; 7] = [
    "r3mes-chain",
    "r3mes-ipfs",
    "r3mes-gradient",
    "r3mes-keys",
    "r3mes-hardware",
    "r3mes-config",
    "r3mes-aggregate",
];

/// Every room there is or will be, from the ground up. What is not allowed here is forbidden.
const ROOMS: &[Room] = &[
    room("r3mes-aggregate", &[]),
    room("r3mes-gradient", &["r3mes-aggregate"]),
    room("r3mes-keys", &[]),
    room("r3mes-chain", &["r3mes-keys"]),
    room("r3mes-ipfs", &[]),
    room("r3mes-hardware", &[]),
    room("r3mes-config", &["r3mes-aggregate"]),
    Room { name: "r3mes-engine", may_import: &PARTS, tests_may_import: &["r3mes-localnet"] },
    room("r3mes-localnet", &["r3mes-chain", "r3mes-ipfs", "r3mes-gradient", "r3mes-keys", "r3mes-aggregate"]),
    room("r3mes-api", FACELESS),
    room("r3mes-proposer", FACE),
    Room { name: "r3mes-launcher", may_import: &["r3mes-api"], tests_may_import: &["r3mes-localnet"] },
    room("xtask", &[]),
    room("r3mes-tests", EVERYTHING),
];

/// What api may know: the engine and all below it, and localnet.
const FACELESS: &[&str] = &[
    "r3mes-engine",
    "r3mes-localnet",
    "r3mes-chain",
    "r3mes-ipfs",
    "r3mes-gradient",
    "r3mes-keys",
    "r3mes-hardware",
    "r3mes-config",
    "r3mes-aggregate",
];

/// What the command line may know: api, and localnet, which it starts.
const FACE: &[&str] = &["r3mes-api", "r3mes-localnet"];

const EVERYTHING: &[&str] = &[
    "r3mes-api",
    "r3mes-engine",
    "r3mes-localnet",
    "r3mes-chain",
    "r3mes-ipfs",
    "r3mes-gradient",
    "r3mes-keys",
    "r3mes-hardware",
    "r3mes-config",
    "r3mes-aggregate",
    "r3mes-proposer",
];

/// A crate from outside that only some rooms may import, in their tests too: what it is, and for whom.
struct Reserved {
    /// A crate's name, or with `*` at its end the beginning of one.
    name: &'static str,
    rooms: &'static [&'static str],
    why: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        name: "tauri*",
        rooms: &["r3mes-launcher"],
        why: "no crate below the desktop shell knows Tauri",
    },
    Reserved {
        name: "clap*",
        rooms: &["r3mes-proposer", "xtask"],
        why: "only what has a command line reads one",
    },
    Reserved { name: "indicatif", rooms: &["r3mes-proposer"], why: "the engine knows no screen" },
    Reserved {
        name: "rusqlite",
        rooms: &["r3mes-engine", "r3mes-tests"],
        why: "the journal is the engine's; others ask it",
    },
    Reserved {
        name: "keyring",
        rooms: &["r3mes-keys"],
        why: "secrets pass through one room, whose states and remedies all others use",
    },
    Reserved {
        name: "sysinfo",
        rooms: &["r3mes-hardware"],
        why: "the machine is read in one place, where every reading may fail by itself",
    },
];

/// What the mathematics must do without: I/O, async and the network.
const FORBIDDEN_IN_AGGREGATE: &[&str] =
    &["tokio", "futures", "reqwest", "axum", "url", "tempfile", "memmap2", "tracing", "async-trait"];

/// One import.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Import {
    from: String,
    to: String,
    in_tests: bool,
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .exec()
        .unwrap()
}

fn imports(metadata: &Metadata) -> BTreeSet<Import> {
    let mut imports = BTreeSet::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            let in_tests = dependency.kind == DependencyKind::Development;
            imports.insert(Import { from: package.name.to_string(), to: dependency.name.clone(), in_tests });
        }
    }
    imports
}

/// What is wrong with these imports, one sentence each.
fn faults(rooms: &BTreeSet<String>, imports: &BTreeSet<Import>) -> Vec<String> {
    let known: BTreeMap<&str, &Room> = ROOMS.iter().map(|room| (room.name, room)).collect();
    let mut faults = Vec::new();
    for name in rooms {
        if !known.contains_key(name.as_str()) {
            faults.push(format!("{name} is a room without a rule: say in ROOMS what it may import"));
        }
    }
    for Import { from, to, in_tests } in imports {
        let place = if *in_tests { " in its tests" } else { "" };
        if let Some(to_room) = known.get(to.as_str()) {
            let allowed = known.get(from.as_str()).is_none_or(|room| {
                room.may_import.contains(&to_room.name)
                    || *in_tests && room.tests_may_import.contains(&to_room.name)
            });
            if !allowed {
                faults.push(format!("{from} must not import {to}{place}"));
            }
        }
        for reserved in RESERVED {
            let named = match reserved.name.strip_suffix('*') {
                Some(start) => to.starts_with(start),
                None => to == reserved.name,
            };
            if named && !reserved.rooms.contains(&from.as_str()) {
                faults.push(format!("{from} must not import {to}{place}: {}", reserved.why));
            }
        }
        if from == "r3mes-aggregate" && !in_tests && FORBIDDEN_IN_AGGREGATE.contains(&to.as_str()) {
            faults.push(format!("{from} must not import {to}: the mathematics has no I/O and no async"));
        }
    }
    faults
}

#[test]
fn imports_run_one_way() {
    let metadata = metadata();
    let rooms = metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let faults = faults(&rooms, &imports(&metadata));
    assert!(faults.is_empty(), "imports that must not be:\n  {}\n", faults.join("\n  "));
}

/// The rules themselves run one way: following them from any room never leads back to it.
#[test]
fn the_rules_have_no_circle() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().map(|room| (room.name, room.may_import)).collect();
    for room in ROOMS {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = room.may_import.to_vec();
        while let Some(name) = next.pop() {
            assert_ne!(name, room.name, "the rules let {name} import itself");
            if reached.insert(name) {
                next.extend(rooms[name]);
            }
        }
    }
}

/// Plain `cargo build` must need no desktop libraries.
#[test]
fn the_default_members_leave_the_desktop_out() {
    let metadata = metadata();
    for package in metadata.workspace_default_packages() {
        assert_ne!(package.name.to_string(), "r3mes-launcher", "the desktop shell is a default member");
    }
}

#[test]
fn wrong_imports_are_found() {
    let import = |from: &str, to: &str, in_tests| Import { from: from.into(), to: to.into(), in_tests };
    let found = |import: Import| faults(&BTreeSet::new(), &BTreeSet::from([import]));
    assert_eq!(
        found(import("r3mes-aggregate", "r3mes-gradient", false)),
        ["r3mes-aggregate must not import r3mes-gradient"]
    );
    assert_eq!(
        found(import("r3mes-chain", "r3mes-localnet", true)),
        ["r3mes-chain must not import r3mes-localnet in its tests"]
    );
    assert_eq!(
        found(import("r3mes-api", "tauri-plugin-shell", false)),
        ["r3mes-api must not import tauri-plugin-shell: no crate below the desktop shell knows Tauri"]
    );
    assert_eq!(
        found(import("r3mes-aggregate", "tokio", false)),
        ["r3mes-aggregate must not import tokio: the mathematics has no I/O and no async"]
    );
    assert_eq!(found(import("r3mes-engine", "r3mes-localnet", true)), [""; 0]);
    assert_eq!(found(import("r3mes-engine", "r3mes-localnet", false)).len(), 1);
    assert_eq!(found(import("r3mes-launcher", "tauri", false)), [""; 0]);
    assert_eq!(
        faults(&BTreeSet::from(["r3mes-attic".to_owned()]), &BTreeSet::new()),
        ["r3mes-attic is a room without a rule: say in ROOMS what it may import"]
    );
}
