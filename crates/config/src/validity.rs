//! What must hold between keys.

use r3mes_aggregate::{Method, Tolerance};

use crate::document::Leaf;
use crate::error::Problems;
use crate::settings::{PayoutRule, Settings};

/// Completes the aggregation method from its parameters and checks every rule that spans several keys.
///
/// A rule whose keys have problems of their own is left out: it would judge values that nobody wrote.
pub(crate) fn check(settings: &mut Settings, leaves: &[Leaf], problems: &mut Problems) {
    complete_method(settings, leaves, problems);
    let mut rule = |keys: &[&str], holds: bool, text: String| {
        if !holds && !keys.iter().any(|key| problems.has(key)) {
            let line = leaves.iter().find(|leaf| leaf.key == keys[0]).map(|leaf| leaf.line);
            problems.push(keys[0], line, text);
        }
    };
    let Settings { round, limits, aggregation, payout, network, .. } = settings;
    let minimum = round.minimum_participants;
    rule(
        &["round.quorum", "round.minimum_participants"],
        round.quorum >= minimum,
        format!("must be at least round.minimum_participants, {minimum}, is {}", round.quorum),
    );
    if let Method::TrimmedMean { trim: Tolerance::Count(f) } = aggregation.method {
        rule(
            &["round.minimum_participants", "aggregation.f", "aggregation.method"],
            minimum as usize > f.saturating_mul(2),
            format!("must be more than {}, twice aggregation.f, is {minimum}", f.saturating_mul(2)),
        );
    }
    rule(
        &["limits.spool_quota", "limits.max_gradient"],
        limits.spool_quota >= limits.max_gradient,
        format!("must be at least limits.max_gradient, {}, is {}", limits.max_gradient, limits.spool_quota),
    );
    rule(
        &["payout.rule", "payout.address"],
        payout.rule == PayoutRule::Off || payout.address.is_some(),
        format!("must be off while there is no payout.address, is {}", payout.rule),
    );
    let prefix = format!("{}1", network.bech32_prefix);
    let address = payout.address.as_deref().unwrap_or(&prefix);
    rule(
        &["payout.address", "network.bech32_prefix"],
        address.starts_with(&prefix),
        format!("must be an address of this network, {prefix}..., is {address:?}"),
    );
}

/// Puts `trim`, `f` and `fedavg_cap` into the method.
fn complete_method(settings: &mut Settings, leaves: &[Leaf], problems: &mut Problems) {
    let aggregation = &mut settings.aggregation;
    let line = |key: &str| leaves.iter().find(|leaf| leaf.key == key).map(|leaf| leaf.line);
    if aggregation.trim.is_some() && aggregation.f.is_some() {
        problems.push("aggregation.f", line("aggregation.f"), "must not stand beside aggregation.trim");
        return;
    }
    let written = aggregation.method.clone();
    let refined = aggregation.refined(written.clone());
    // A parameter in parentheses and another one in its own key would contradict each other.
    let text = written.to_string();
    if refined != written && text.contains('(') {
        let name = text.split('(').next().unwrap_or(&text);
        let text = format!("must be {name} alone beside aggregation.trim, f or fedavg_cap, is {text}");
        problems.push("aggregation.method", line("aggregation.method"), text);
        return;
    }
    aggregation.method = refined;
}
