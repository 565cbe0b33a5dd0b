//! What goes wrong with a node, provoked, and what the operator is told.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use r3mes_ipfs::{DaemonError, DaemonSettings, KuboDaemon};

use crate::node::{http, is_alive, program, settings, start};

/// A folder with a repository in it that has been in use.
async fn used(program: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    start(program, folder.path(), Vec::new()).await.daemon.stop().await;
    folder
}

async fn failure(settings: DaemonSettings) -> DaemonError {
    KuboDaemon::start(settings, http()).await.expect_err("it does not start")
}

#[tokio::test]
async fn a_port_that_is_taken() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let fixed = DaemonSettings { swarm_port: Some(port), ..settings(&program, folder.path(), Vec::new()) };
    let error = failure(fixed.clone()).await;
    assert_eq!(
        error.to_string(),
        format!(
            "start Kubo: another program listens on 127.0.0.1:{port}; stop it, or set ipfs.swarm_port to a free port"
        )
    );
    drop(taken);
    KuboDaemon::start(fixed, http()).await.unwrap().stop().await;
    // A port that was ours to choose is given up for another.
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    KuboDaemon::start(settings(&program, folder.path(), Vec::new()), http()).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_repository_in_use_by_another_node() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let first = start(&program, folder.path(), Vec::new()).await;
    let pid = first.running().pid;
    let error = failure(settings(&program, folder.path(), Vec::new())).await;
    assert_eq!(error, DaemonError::RepositoryLocked { repository: folder.path().join("repo") });
    assert!(is_alive(pid), "the first is left alone");
    first.daemon.stop().await;
}

#[tokio::test]
async fn a_repository_of_a_newer_kubo() {
    let Some(program) = program() else { return };
    let folder = used(&program).await;
    let version = folder.path().join("repo/version");
    let known = fs::read_to_string(&version).unwrap().trim().to_owned();
    fs::write(&version, "99\n").unwrap();
    let error = failure(settings(&program, folder.path(), Vec::new())).await;
    let repository = folder.path().join("repo");
    assert_eq!(error, DaemonError::RepositoryNewer { repository, found: "99".into(), known });
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_is_left_as_it_is() {
    let Some(program) = program() else { return };
    let folder = used(&program).await;
    let config = folder.path().join("repo/config");
    fs::write(&config, "{ cut").unwrap();
    let error = failure(settings(&program, folder.path(), Vec::new())).await;
    assert!(matches!(error, DaemonError::Configuration { .. }), "{error}");
    assert_eq!(fs::read_to_string(&config).unwrap(), "{ cut");
}

#[tokio::test]
async fn a_damaged_repository() {
    let Some(program) = program() else { return };
    let folder = used(&program).await;
    fs::remove_file(folder.path().join("repo/datastore_spec")).unwrap();
    let error = failure(settings(&program, folder.path(), Vec::new())).await;
    assert!(matches!(error, DaemonError::RepositoryDamaged { .. }), "{error}");
    assert!(error.to_string().contains("datastore_spec"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_missing_old_or_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ipfs");
    let error = failure(settings(&path, folder.path(), Vec::new())).await;
    assert!(matches!(error, DaemonError::BinaryMissing { .. }), "{error}");
    assert!(error.to_string().contains("ipfs.kubo_binary"), "{error}");

    let write = |script: &str| {
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write("echo 0.20.0");
    let error = failure(settings(&path, folder.path(), Vec::new())).await;
    assert_eq!(
        error.to_string(),
        format!("start Kubo: {} is version 0.20.0, needed is 0.35 or newer; update it", path.display())
    );
    write("echo 'unknown option --number' >&2; exit 2");
    let error = failure(settings(&path, folder.path(), Vec::new())).await;
    assert!(matches!(error, DaemonError::NotKubo { .. }), "{error}");
    fs::write(&path, "no program").unwrap();
    let error = failure(settings(&path, folder.path(), Vec::new())).await;
    assert!(matches!(error, DaemonError::NotKubo { .. }), "{error}");
}
