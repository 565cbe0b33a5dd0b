//! The list that one walks when something is wrong: each line is looked at, and says what mends it.

use serde::Serialize;
use specta::Type;

use r3mes_engine::journal::{RecentFailures, RoundGradients};

use super::Session;
use super::engine::{EngineState, Health};
use super::machine::VerdictLevel;
use super::network::EndpointState;
use super::snapshot::Snapshot;
use super::standing::StandingState;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DoctorCheck {
    /// What is looked at.
    pub kind: DoctorCheckKind,
    /// How it stands.
    pub level: VerdictLevel,
    /// What was found.
    pub reason: String,
    /// What mends it.
    pub remedy: Option<String>,
    /// When it was looked at.
    pub at: String,
}

/// The lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum DoctorCheckKind {
    /// Gradients arrive and can be fetched.
    MinerConnectivity,
    /// The account is registered and active.
    Registration,
    /// The chain's and the IPFS node's ports are reached.
    Firewall,
    /// Gradients come in a form that is read.
    Format,
    /// The thresholds let enough gradients pass.
    Thresholds,
    /// The machine is enough.
    Resources,
    /// The chain answers, with new blocks, and is the right one.
    Chain,
    /// The account can pay its fees.
    Fees,
    /// The IPFS node answers.
    Ipfs,
    /// The engine works, and has done so for a while.
    Uptime,
    /// The clock agrees with the chain's.
    Clock,
    /// The key can be used, and was backed up.
    Keys,
}

impl Session {
    /// Walks the list. Nothing is changed by it, but for a file that is written to the data folder and
    /// removed again.
    pub async fn doctor(&self) -> Vec<DoctorCheck> {
        self.read_machine(true).await;
        tokio::join!(self.reach_network(), self.reach_ipfs(), self.reach_standing());
        let snapshot = self.snapshot();
        let counts = self.journal().and_then(|journal| journal.gradients_by_round(RECENT_ROUNDS).ok());
        let failed = self.journal().and_then(|journal| journal.recent_failures(RECENT_GRADIENTS).ok());
        let gas = self.settings_now().ok().and_then(|settings| settings.network.fee(TYPICAL_GAS));
        examine(&snapshot, &counts.unwrap_or_default(), &failed.unwrap_or_default(), gas)
    }
}

/// Training rounds that count as recent.
const RECENT_ROUNDS: u32 = 10;

/// Gradients that count as recent.
const RECENT_GRADIENTS: u32 = 500;

/// Gas of a commitment and a reveal together, generously.
const TYPICAL_GAS: u64 = 1_000_000;

/// The list, by what is known. `fee` is what a round costs, in the fee's denom.
fn examine(
    snapshot: &Snapshot,
    rounds: &[RoundGradients],
    failed: &RecentFailures,
    fee: Option<u128>,
) -> Vec<DoctorCheck> {
    let at = &snapshot.at;
    let line = |kind, (level, reason, remedy): Found| DoctorCheck {
        kind,
        level,
        reason,
        remedy: remedy.map(str::to_owned),
        at: at.clone(),
    };
    vec![
        line(DoctorCheckKind::MinerConnectivity, connectivity(snapshot, rounds, failed)),
        line(DoctorCheckKind::Registration, registration(snapshot)),
        line(DoctorCheckKind::Firewall, firewall(snapshot)),
        line(DoctorCheckKind::Format, format(failed)),
        line(DoctorCheckKind::Thresholds, thresholds(failed)),
        line(DoctorCheckKind::Resources, machine(snapshot, |subject| subject != "clock")),
        line(DoctorCheckKind::Chain, chain(snapshot)),
        line(DoctorCheckKind::Fees, fees(snapshot, fee)),
        line(DoctorCheckKind::Ipfs, ipfs(snapshot)),
        line(DoctorCheckKind::Uptime, uptime(snapshot)),
        line(DoctorCheckKind::Clock, machine(snapshot, |subject| subject == "clock")),
        line(DoctorCheckKind::Keys, keys(snapshot)),
    ]
}

type Found = (VerdictLevel, String, Option<&'static str>);

fn connectivity(snapshot: &Snapshot, rounds: &[RoundGradients], failed: &RecentFailures) -> Found {
    let received: u64 = rounds.iter().map(|round| round.received).sum();
    if received == 0 {
        let level = match snapshot.engine.state {
            EngineState::Running => VerdictLevel::Warn,
            _ => VerdictLevel::Unknown,
        };
        let remedy =
            "start the proposer; if it runs, see on the dashboard whether the network's miners are at work";
        return (level, "no gradient has been seen yet".into(), Some(remedy));
    }
    match failed.availability {
        0 => (
            VerdictLevel::Pass,
            format!("{received} gradients of the last rounds, all of them could be fetched"),
            None,
        ),
        lost => {
            let level = if lost * 5 > failed.looked_at { VerdictLevel::Fail } else { VerdictLevel::Warn };
            let reason = format!("{lost} of the last {} gradients could not be fetched", failed.looked_at);
            let remedy = "see that the IPFS node has peers, and that its swarm port is reached from outside";
            (level, reason, Some(remedy))
        }
    }
}

fn registration(snapshot: &Snapshot) -> Found {
    use StandingState::*;
    let standing = &snapshot.standing;
    match standing.state {
        Registered => {
            let stake = standing.stake.clone().unwrap_or_default();
            (VerdictLevel::Pass, format!("registered with {stake}"), None)
        }
        Authorized => {
            (VerdictLevel::Fail, "authorized and not registered".into(), Some("register the account"))
        }
        Requested => (
            VerdictLevel::Fail,
            "authorization was requested and is not granted".into(),
            Some("ask the network's administrators about the request"),
        ),
        NotRequested => {
            (VerdictLevel::Fail, "not authorized as a proposer".into(), Some("request authorization"))
        }
        Suspended => (
            VerdictLevel::Fail,
            "suspended".into(),
            Some("ask the network's administrators why, and appeal if it is wrong"),
        ),
        Slashed => (
            VerdictLevel::Warn,
            "registered, and punished before".into(),
            Some("see in Earnings what was taken, and appeal if it is wrong"),
        ),
        Revoked => (
            VerdictLevel::Fail,
            "registered, and the authorization was taken away".into(),
            Some("ask the network's administrators why"),
        ),
        Inactive => (VerdictLevel::Fail, "registered and inactive".into(), Some("update the registration")),
        Unknown => {
            let reason = standing.error.clone().unwrap_or_else(|| "the chain has not been asked".into());
            (VerdictLevel::Unknown, reason, None)
        }
    }
}

fn firewall(snapshot: &Snapshot) -> Found {
    let away: Vec<&str> = snapshot
        .network
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.state == EndpointState::Unreachable)
        .map(|endpoint| endpoint.url.as_str())
        .chain((!snapshot.ipfs.reachable && snapshot.ipfs.at.is_some()).then_some(snapshot.ipfs.url.as_str()))
        .collect();
    match (away.is_empty(), snapshot.network.endpoints.is_empty()) {
        (true, true) => (VerdictLevel::Unknown, "no endpoint has been asked".into(), None),
        (true, false) => (VerdictLevel::Pass, "every endpoint's port is reached".into(), None),
        (false, _) => (
            VerdictLevel::Fail,
            format!("not reached: {}", away.join(", ")),
            Some("let this machine connect to these ports, or name other endpoints"),
        ),
    }
}

fn format(failed: &RecentFailures) -> Found {
    match (failed.looked_at, failed.format) {
        (0, _) => (VerdictLevel::Unknown, "no gradient has been judged yet".into(), None),
        (all, 0) => (VerdictLevel::Pass, format!("the last {all} gradients could all be read"), None),
        (all, bad) => {
            let level = if bad * 5 > all { VerdictLevel::Fail } else { VerdictLevel::Warn };
            let remedy = "open one of them in Gradients: its findings say what its miner should change";
            (
                level,
                format!("{bad} of the last {all} gradients were malformed or of another layout"),
                Some(remedy),
            )
        }
    }
}

fn thresholds(failed: &RecentFailures) -> Found {
    match (failed.looked_at, failed.thresholds) {
        (0, _) => (VerdictLevel::Unknown, "no gradient has been judged yet".into(), None),
        (all, some) if some * 2 > all => (
            VerdictLevel::Warn,
            format!("{some} of the last {all} gradients are beyond a threshold of yours"),
            Some("loosen the thresholds of quality: most gradients should be within them"),
        ),
        (all, some) => (
            VerdictLevel::Pass,
            format!("{some} of the last {all} gradients are beyond a threshold of yours"),
            None,
        ),
    }
}

/// The worst verdict on the machine among those that belong here.
fn machine(snapshot: &Snapshot, belongs: fn(&str) -> bool) -> Found {
    let rank = |level: VerdictLevel| match level {
        VerdictLevel::Fail => 3,
        VerdictLevel::Warn => 2,
        VerdictLevel::Unknown => 1,
        VerdictLevel::Pass => 0,
    };
    let verdicts = snapshot.machine.verdicts.iter().filter(|verdict| belongs(&verdict.subject));
    match verdicts.max_by_key(|verdict| rank(verdict.level)) {
        None => (VerdictLevel::Unknown, "the machine has not been read".into(), None),
        Some(worst) => {
            let remedy = match worst.level {
                VerdictLevel::Pass | VerdictLevel::Unknown => None,
                _ if worst.subject == "clock" => Some("let the system set its clock by NTP"),
                _ => Some("see the system check for what is recommended"),
            };
            (worst.level, format!("{}: {}", worst.subject, worst.reason), remedy)
        }
    }
}

fn chain(snapshot: &Snapshot) -> Found {
    let endpoints = &snapshot.network.endpoints;
    let good = endpoints.iter().filter(|endpoint| endpoint.state == EndpointState::Good).count();
    let height = snapshot.network.height.clone().unwrap_or_default();
    match (good, endpoints.len()) {
        (_, 0) => (VerdictLevel::Unknown, "no endpoint has been asked".into(), None),
        (0, all) => {
            let errors: Vec<&str> =
                endpoints.iter().filter_map(|endpoint| endpoint.error.as_deref()).collect();
            let reason = format!("none of {all} endpoints is of use: {}", errors.join("; "));
            (VerdictLevel::Fail, reason, Some("check the addresses, or name an endpoint that is well"))
        }
        (good, all) if good < all => (
            VerdictLevel::Warn,
            format!("{good} of {all} endpoints are well, at block {height}"),
            Some("see the table of endpoints for what is wrong with the others"),
        ),
        (_, all) => {
            (VerdictLevel::Pass, format!("{all} of {all} endpoints are well, at block {height}"), None)
        }
    }
}

fn fees(snapshot: &Snapshot, fee: Option<u128>) -> Found {
    let denom = &snapshot.network.fee_denom;
    let balance = snapshot.standing.fee_balance.as_ref().and_then(|balance| balance.parse::<u128>().ok());
    match (balance, fee.filter(|fee| *fee > 0)) {
        (None, _) => (VerdictLevel::Unknown, "the balance is not known".into(), None),
        (Some(balance), None) => (VerdictLevel::Pass, format!("{balance} {denom}"), None),
        (Some(balance), Some(fee)) => {
            let rounds = balance / fee;
            let reason = format!("{balance} {denom}, enough for about {rounds} rounds");
            match rounds {
                0 => (VerdictLevel::Fail, reason, Some("send the account coins for its fees")),
                1..50 => (VerdictLevel::Warn, reason, Some("send the account coins for its fees soon")),
                _ => (VerdictLevel::Pass, reason, None),
            }
        }
    }
}

fn ipfs(snapshot: &Snapshot) -> Found {
    let ipfs = &snapshot.ipfs;
    match (&ipfs.at, &ipfs.error) {
        (None, _) => (VerdictLevel::Unknown, "the node has not been asked".into(), None),
        (_, Some(error)) => {
            (VerdictLevel::Fail, error.clone(), Some("check the address, and that the IPFS node runs"))
        }
        (_, None) => {
            let version = ipfs.version.clone().unwrap_or_default();
            match ipfs.peers {
                Some(0) if !snapshot.network.local => (
                    VerdictLevel::Warn,
                    format!("version {version}, connected to nobody"),
                    Some("see that the node's swarm port is reached, and that it has bootstrap peers"),
                ),
                Some(peers) => (VerdictLevel::Pass, format!("version {version}, {peers} peers"), None),
                None => (VerdictLevel::Pass, format!("version {version}"), None),
            }
        }
    }
}

fn uptime(snapshot: &Snapshot) -> Found {
    let engine = &snapshot.engine;
    let since = &engine.since;
    match (engine.state, engine.health) {
        (EngineState::Running, Health::Good) => (VerdictLevel::Pass, format!("at work since {since}"), None),
        (EngineState::Running, Health::Troubled) => {
            let trouble =
                snapshot.troubles.first().map(|trouble| trouble.message.clone()).unwrap_or_default();
            (VerdictLevel::Warn, format!("trying again: failed to {trouble}"), None)
        }
        (EngineState::Running, _) => {
            (VerdictLevel::Warn, format!("running since {since}, and nothing has come in for a while"), None)
        }
        (EngineState::StoppedWithError | EngineState::CannotRecover, _) => {
            let error = engine.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
            (
                VerdictLevel::Fail,
                format!("stopped: failed to {error}"),
                Some("see to the cause, then start it again"),
            )
        }
        _ => (VerdictLevel::Warn, "it is not running".into(), Some("start the proposer")),
    }
}

fn keys(snapshot: &Snapshot) -> Found {
    match snapshot.keys.iter().find(|key| key.in_use) {
        None if snapshot.network.local => {
            (VerdictLevel::Pass, "the local network's own key, which is worth nothing".into(), None)
        }
        None => (VerdictLevel::Fail, "no key is chosen".into(), Some("make, import or restore one")),
        Some(key) => match &key.last_backup {
            Some(at) => (VerdictLevel::Pass, format!("{}, in a backup of {at}", key.name), None),
            None => (
                VerdictLevel::Warn,
                format!("{} is in no backup", key.name),
                Some("make a backup: without its key an account is lost with all it holds"),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionOptions;

    fn snapshot() -> Snapshot {
        let folder = tempfile::tempdir().unwrap();
        let options = SessionOptions { root: Some(folder.path().to_owned()), ..SessionOptions::default() };
        Session::open(options).unwrap().snapshot()
    }

    #[test]
    fn what_was_not_looked_at_is_unknown_and_never_good() {
        let checks = examine(&snapshot(), &[], &RecentFailures::default(), None);
        assert_eq!(checks.len(), 12);
        assert!(checks.iter().all(|check| check.level != VerdictLevel::Pass), "{checks:#?}");
    }

    #[test]
    fn an_account_that_cannot_pay_is_told_for_how_long_it_can() {
        let mut snapshot = snapshot();
        let found = |snapshot: &Snapshot| fees(snapshot, Some(10));
        for (balance, level) in
            [("9", VerdictLevel::Fail), ("499", VerdictLevel::Warn), ("500", VerdictLevel::Pass)]
        {
            snapshot.standing.fee_balance = Some(balance.into());
            assert_eq!(found(&snapshot).0, level, "{balance}");
        }
    }

    #[test]
    fn every_line_that_is_bad_says_what_to_do() {
        let mut snapshot = snapshot();
        snapshot.ipfs.at = Some("now".into());
        snapshot.ipfs.error = Some("refused".into());
        let failed = RecentFailures { looked_at: 10, availability: 9, format: 9, thresholds: 9 };
        let rounds = [RoundGradients { received: 10, ..RoundGradients::default() }];
        for check in examine(&snapshot, &rounds, &failed, None) {
            if check.level == VerdictLevel::Fail {
                assert!(check.remedy.is_some(), "{check:?}");
            }
        }
    }
}
