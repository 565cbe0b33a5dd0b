//! What the window may load and do: what is shipped says so, and nothing more.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

fn configuration() -> Value {
    serde_json::from_str(include_str!("../tauri.conf.json")).unwrap()
}

#[test]
fn the_policy_lets_nothing_in_that_did_not_come_with_the_program() {
    let configuration = configuration();
    let policy = configuration["app"]["security"]["csp"].as_str().unwrap();
    let sources = |directive: &str| -> Vec<&str> {
        let found = policy.split("; ").find_map(|part| part.strip_prefix(directive)?.strip_prefix(' '));
        found.unwrap_or_default().split(' ').collect()
    };
    assert!(!policy.contains("unsafe-") && !policy.contains('*') && !policy.contains("https:"), "{policy}");
    for directive in ["default-src", "script-src", "style-src", "font-src"] {
        assert_eq!(sources(directive), ["'self'"], "{directive}");
    }
    for directive in ["object-src", "base-uri", "form-action", "frame-ancestors"] {
        assert_eq!(sources(directive), ["'none'"], "{directive}");
    }
    assert_eq!(sources("connect-src"), ["ipc:", "http://ipc.localhost"], "nothing but our own commands");
    assert_eq!(sources("img-src"), ["'self'", "data:"]);
    assert_eq!(configuration["app"]["withGlobalTauri"], Value::Null);
    assert_eq!(configuration["app"]["security"]["dangerousDisableAssetCspModification"], Value::Null);
}

#[test]
fn the_window_may_listen_and_do_nothing_else_beyond_our_commands() {
    assert_eq!(configuration()["app"]["security"]["capabilities"], json!(["main"]));
    let capability: Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(capability["remote"], Value::Null);
    let allowed = json!([
        "core:event:allow-listen",
        "core:event:allow-unlisten",
        "notification:allow-is-permission-granted"
    ]);
    assert_eq!(capability["permissions"], allowed);
}
