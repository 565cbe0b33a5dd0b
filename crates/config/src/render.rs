//! Documents with a comment on each key.

use std::fmt::Write;

use crate::format::Format;
use crate::key::Key;
use crate::network::NetworkProfile;
use crate::network_keys::NETWORK_KEYS;
use crate::settings::Settings;
use crate::settings_keys::SETTINGS_KEYS;
use crate::value::{Kind, Value};

pub(crate) const PROFILE_ABOUT: &str =
    "A profile's name, or the path of its file inside the data folder. Other keys of the network change it.";

pub(crate) fn render_profile(profile: &NetworkProfile) -> String {
    let mut out = format!(
        "# A network profile: what differs from one R3MES network to another.\n\nversion = {}\n",
        Format::Network.version()
    );
    let (below, top): (Vec<_>, Vec<_>) = NETWORK_KEYS.iter().partition(|key| key.name.contains('.'));
    for key in top {
        line(&mut out, key, key.name, (key.read)(profile).map(Written::Set));
    }
    for key in below {
        section(&mut out, "", key.name, (key.read)(profile).is_some());
        line(&mut out, key, last(key.name), (key.read)(profile).map(Written::Set));
    }
    out
}

pub(crate) fn render_settings(settings: &Settings) -> String {
    let mut out = format!(
        "# Settings of the R3MES proposer. A key that is left out, or behind a #, has its default.\n\
         # Lengths of time are written \"30s\", \"5m\" or \"1h 30m\", sizes \"100 MiB\".\n\n\
         version = {}\n",
        Format::Settings.version()
    );
    render_network(&mut out, settings);
    let mut current = "network";
    for key in SETTINGS_KEYS {
        let (section, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if section != current {
            let _ = write!(out, "\n{}[{section}]\n", section_comment(section));
            current = section;
        }
        line(&mut out, key, name, (key.read)(settings).map(Written::Set));
    }
    out
}

/// The profile's name and what the settings change of it; all of the network where there is no profile.
fn render_network(out: &mut String, settings: &Settings) {
    let _ = write!(out, "\n{}[network]\n", section_comment("network"));
    if let Some(profile) = &settings.profile {
        let _ = write!(out, "# {PROFILE_ABOUT}\nprofile = {}\n", toml_edit::Value::from(profile.name()));
    }
    let network = &settings.network;
    let written = |key: &Key<NetworkProfile>| {
        let value = (key.read)(network);
        let base = settings.profile.as_ref().map(|profile| (key.read)(profile.values()));
        match (value, base) {
            (Some(value), Some(Some(base))) if value == base => Some(Written::Default(value)),
            (Some(value), _) => Some(Written::Set(value)),
            (None, _) => None,
        }
    };
    let (below, top): (Vec<_>, Vec<_>) = NETWORK_KEYS.iter().partition(|key| key.name.contains('.'));
    for key in top {
        line(out, key, key.name, written(key));
    }
    for key in below {
        section(out, "network.", key.name, matches!(written(key), Some(Written::Set(_))));
        line(out, key, last(key.name), written(key));
    }
}

/// How a key appears.
enum Written {
    /// With its value.
    Set(Value),
    /// Behind a `#`, with the value that it has anyway.
    Default(Value),
}

fn line<T>(out: &mut String, key: &Key<T>, name: &str, written: Option<Written>) {
    let _ = writeln!(out, "# {}", key.about);
    let _ = match written {
        Some(Written::Set(value)) => writeln!(out, "{name} = {}", value.to_toml()),
        Some(Written::Default(value)) => writeln!(out, "# {name} = {}", value.to_toml()),
        None => {
            let example = Value::from_text(key.kind, key.example.unwrap_or_default());
            let example = example.unwrap_or(Value::Text(String::new()));
            let example = match (key.kind, &example) {
                (Kind::Number, Value::Number(number)) => format!("{number:?}"),
                _ => example.to_toml().to_string(),
            };
            writeln!(out, "# {name} = {example}")
        }
    };
}

fn section(out: &mut String, prefix: &str, key: &str, is_set: bool) {
    let name = key.rsplit_once('.').map_or("", |(section, _)| section);
    let _ = writeln!(out, "\n{}[{prefix}{name}]", if is_set { "" } else { "# " });
}

fn section_comment(section: &str) -> &'static str {
    match section {
        "network" => "# The network to work on.\n",
        "account" => "# Who proposes.\n",
        "aggregation" => "# How the gradients of a round become one.\n",
        "round" => "# When a round closes.\n",
        "verification" => {
            "# What a finding does: \"exclude\" leaves the gradient out, \"report\" keeps it and says so.\n\
             # The chain punishes whoever leaves out gradients that are pending, five of them with a tenth\n\
             # of the stake. What cannot be aggregated (content that does not match its CID, a malformed\n\
             # file, values that are not finite, another layout) is always left out, with its evidence.\n"
        }
        "quality" => "# Where findings of quality begin. A limit that is left out makes none.\n",
        "ipfs" => "# The IPFS node, and what stands behind it.\n",
        "limits" => "# What the engine may use.\n",
        "submission" => "# How an aggregate reaches the chain.\n",
        "payout" => "# What of the rewards is moved to a cold address.\n",
        _ => "",
    }
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
