//! What only the gradients of a round together can show, and the selection that follows.

use std::collections::HashMap;

use r3mes_config::{QualitySettings, VerificationSettings};
use r3mes_gradient::Layout;

use super::{Check, Finding, Judgement, Policy};
use crate::journal::GradientRow;
use crate::round::Exclusion;

/// A gradient that takes part, and the one finding list that belongs to it in this round.
pub(crate) type Judged = (GradientRow, Judgement);

/// Splits the judged gradients of a round into those that take part and those that do not.
///
/// Both lists keep the order of `gradients`, which is the order of ids. The judgements returned hold
/// the findings against peers as well.
pub(crate) fn select(
    mut gradients: Vec<Judged>,
    policy: &VerificationSettings,
    quality: &QualitySettings,
) -> (Vec<Judged>, Vec<(Judged, Exclusion)>) {
    // What was found against the peers of an earlier round says nothing in this one.
    let against_peers = [Check::Layout, Check::Duplicate, Check::Norm];
    for (_, judgement) in &mut gradients {
        judgement.findings.retain(|finding| !against_peers.contains(&finding.check));
    }
    let layout = round_layout(&gradients);
    let median_norm = median(
        gradients
            .iter()
            .filter(|(_, judgement)| judgement.is_usable())
            .filter_map(|(_, judgement)| judgement.facts.as_ref().map(|facts| facts.l2_norm))
            .collect(),
    );
    let mut first_with = HashMap::new();
    let mut included = Vec::new();
    let mut excluded = Vec::new();
    for (gradient, mut judgement) in gradients {
        if let Some(facts) = &judgement.facts {
            if let Some(layout) = &layout {
                let difference = difference(&facts.layout, layout);
                judgement.findings.push(Finding::new(
                    Check::Layout,
                    difference.is_none(),
                    difference.unwrap_or_else(|| facts.layout.to_string()),
                    format!("the layout of most of the round's gradients: {layout}"),
                ));
            }
            let first = *first_with.entry(facts.content_hash.clone()).or_insert(gradient.record.id);
            judgement.findings.push(Finding::new(
                Check::Duplicate,
                first == gradient.record.id,
                if first == gradient.record.id {
                    "values of its own".to_owned()
                } else {
                    format!("the values of gradient {first}")
                },
                "values of its own",
            ));
            judgement.findings.extend(norm_findings(facts.l2_norm, median_norm, quality));
        }
        let checks: Vec<Check> = judgement
            .failures()
            .map(|finding| finding.check)
            .filter(|check| policy.policy(*check) == Policy::Exclude)
            .collect();
        if checks.is_empty() {
            included.push((gradient, judgement));
        } else {
            let reason = judgement
                .failures()
                .filter(|finding| checks.contains(&finding.check))
                .map(Finding::sentence)
                .collect::<Vec<_>>()
                .join("; ");
            let exclusion = Exclusion {
                gradient_id: gradient.record.id,
                miner: gradient.record.miner.clone(),
                checks,
                reason,
            };
            excluded.push(((gradient, judgement), exclusion));
        }
    }
    (included, excluded)
}

/// The layout that most usable gradients share; among equals, the one of the lowest id.
fn round_layout(gradients: &[Judged]) -> Option<Layout> {
    let mut counts: Vec<(Layout, usize)> = Vec::new();
    for facts in gradients
        .iter()
        .filter(|(_, judgement)| judgement.is_usable())
        .filter_map(|(_, judgement)| judgement.facts.as_ref())
    {
        match counts.iter_mut().find(|(layout, _)| difference(&facts.layout, layout).is_none()) {
            Some((_, count)) => *count += 1,
            None => counts.push((facts.layout.clone(), 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(layout, _)| layout)
}

/// How a layout differs in names or shapes. The dtype may differ: values are converted as they are read,
/// so a gradient in another float format is no worse than its peers.
fn difference(found: &Layout, expected: &Layout) -> Option<String> {
    let (found_tensors, expected_tensors) = (found.tensors(), expected.tensors());
    let same = found_tensors.len() == expected_tensors.len()
        && found_tensors
            .iter()
            .zip(expected_tensors)
            .all(|(found, expected)| found.name == expected.name && found.shape == expected.shape);
    if same { None } else { found.difference(expected).map(|difference| difference.to_string()) }
}

fn norm_findings(norm: f64, median: Option<f64>, quality: &QualitySettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(limit) = quality.max_norm {
        findings.push(Finding::new(
            Check::Norm,
            norm <= limit,
            format!("an L2 norm of {norm:.6}"),
            format!("at most {limit}"),
        ));
    }
    if let (Some(limit), Some(median)) = (quality.max_norm_ratio, median)
        && median > 0.0
    {
        let ratio = norm / median;
        findings.push(Finding::new(
            Check::Norm,
            ratio <= limit,
            format!("{ratio:.3} times the round's median L2 norm"),
            format!("at most {limit} times {median:.6}"),
        ));
    }
    findings
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use r3mes_chain::proto::StoredGradient;
    use r3mes_gradient::{Gradient, Limits};
    use time::OffsetDateTime;

    use super::super::{Announced, examine};
    use super::*;

    fn vector(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    fn judged(id: u64, name: &str) -> Judged {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, vector(name)).unwrap();
        let limits = Limits::default();
        let hash = Gradient::open(&path, &limits).map(|gradient| gradient.hash_int8()).unwrap_or_default();
        let announced = Announced { gradient_hash: hash, claimed_loss: "0.5".into() };
        let judgement = examine(&path, &announced, &limits, &QualitySettings::default()).unwrap();
        let record = StoredGradient {
            id,
            miner: format!("miner-{id}"),
            status: "pending".into(),
            ..Default::default()
        };
        let row = GradientRow {
            record,
            seen_at: OffsetDateTime::UNIX_EPOCH,
            attempts: 0,
            last_failure: None,
            judgement: None,
        };
        (row, judgement)
    }

    fn choose(gradients: Vec<Judged>, quality: &QualitySettings) -> (Vec<u64>, Vec<(u64, Vec<Check>)>) {
        let (included, excluded) = select(gradients, &VerificationSettings::default(), quality);
        (
            included.iter().map(|(gradient, _)| gradient.record.id).collect(),
            excluded.into_iter().map(|(_, exclusion)| (exclusion.gradient_id, exclusion.checks)).collect(),
        )
    }

    #[test]
    fn only_the_provably_bad_is_left_out_by_default() {
        // Miner 6 flips its sign (odd, included), miner 7 sends a NaN (excluded); containers may mix.
        let names = ["miner-0.safetensors", "miner-1.pb", "miner-2.pkl.gz", "miner-6.pb", "miner-7.pkl.gz"];
        let gradients = names.iter().enumerate().map(|(id, name)| judged(id as u64, name)).collect();
        let (included, excluded) = choose(gradients, &QualitySettings::default());
        assert_eq!(included, [0, 1, 2, 3]);
        assert_eq!(excluded, [(4, vec![Check::Finite])]);
    }

    #[test]
    fn weights_are_never_aggregated_with_gradients() {
        let gradients =
            vec![judged(0, "miner-0.pb"), judged(1, "miner-1.pb"), judged(2, "lora-state.pkl.gz")];
        let (included, excluded) = choose(gradients, &QualitySettings::default());
        assert_eq!(included, [0, 1]);
        assert!(excluded[0].1.contains(&Check::Kind), "{excluded:?}");
    }

    #[test]
    fn the_later_of_two_copies_is_found_out() {
        let gradients =
            vec![judged(4, "miner-0.pb"), judged(9, "miner-0.safetensors"), judged(11, "miner-1.pb")];
        let (included, excluded) =
            select(gradients, &VerificationSettings::default(), &QualitySettings::default());
        assert!(excluded.is_empty(), "a copy is reported, not excluded");
        let copies: Vec<u64> = included
            .iter()
            .filter(|(_, judgement)| judgement.failures().any(|finding| finding.check == Check::Duplicate))
            .map(|(gradient, _)| gradient.record.id)
            .collect();
        assert_eq!(copies, [9]);
    }

    #[test]
    fn a_norm_limit_is_reported_with_its_figures() {
        let quality = QualitySettings { max_norm_ratio: Some(2.0), ..Default::default() };
        let gradients =
            (0..3).map(|id| judged(id, &format!("miner-{id}.pb"))).chain([judged(3, "miner-6.pb")]).collect();
        let (included, excluded) = select(gradients, &VerificationSettings::default(), &quality);
        assert!(excluded.is_empty());
        let finding = included[3].1.failures().next().unwrap();
        assert_eq!(finding.check, Check::Norm);
        assert!(finding.measured.contains("times the round's median"), "{}", finding.measured);
    }

    #[test]
    fn one_stranger_does_not_change_the_layout_of_the_round() {
        let mut stranger = judged(0, "miner-0.pb");
        let names = ["a"];
        let values = [0u8; 8];
        let mut file = Vec::new();
        r3mes_gradient::write_safetensors(
            &mut file,
            &names
                .iter()
                .map(|name| r3mes_gradient::TensorView {
                    name,
                    shape: &[2],
                    dtype: r3mes_gradient::DType::F32,
                    bytes: &values,
                })
                .collect::<Vec<_>>(),
            &Default::default(),
        )
        .unwrap();
        let gradient = Gradient::from_vec(file, &Limits::default()).unwrap();
        if let Some(facts) = &mut stranger.1.facts {
            facts.layout = gradient.layout();
            facts.content_hash = gradient.hash_float32();
        }
        let gradients = vec![stranger, judged(1, "miner-1.pb"), judged(2, "miner-2.pb")];
        let (included, excluded) = choose(gradients, &QualitySettings::default());
        assert_eq!(included, [1, 2]);
        assert_eq!(excluded, [(0, vec![Check::Layout])]);
    }
}
