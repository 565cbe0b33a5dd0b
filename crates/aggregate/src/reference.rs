//! The definitions of SPEC.md written down as plainly as they go, and every fast path held to them bit for bit.

use proptest::prelude::*;

use crate::lanes::Isa;
use crate::round::aggregate_on;
use crate::{DType, Method, Options, Tolerance, Update};

/// One participant's values, with its weight.
type Row = (Vec<f32>, f64);

fn column_rule(method: &Method, column: &[f32], weights: &[f64]) -> f32 {
    let n = column.len();
    let mut sorted = column.to_vec();
    sorted.sort_by(f32::total_cmp);
    let mean = |values: &[f32]| {
        let mut sum = 0.0;
        for x in values {
            sum += f64::from(*x);
        }
        sum / values.len() as f64
    };
    let result = match method {
        Method::Average => mean(column),
        Method::WeightedAverage => {
            let (mut sum, mut total) = (0.0, 0.0);
            for (x, w) in column.iter().zip(weights) {
                sum += w * f64::from(*x);
                total += w;
            }
            sum / total
        }
        Method::Median => (f64::from(sorted[(n - 1) / 2]) + f64::from(sorted[n / 2])) / 2.0,
        Method::TrimmedMean { trim } => mean(&sorted[trim.count(n)..n - trim.count(n)]),
        Method::MeanAroundMedian { f } => {
            let kept = n - f.count(n);
            let middle = (f64::from(sorted[(n - 1) / 2]) + f64::from(sorted[n / 2])) / 2.0;
            let middle = middle as f32;
            // Leave out the further end, of two equally far ones the upper, until `kept` are left.
            let mut first = 0;
            while first + kept < n && middle - sorted[first] > sorted[first + kept] - middle {
                first += 1;
            }
            mean(&sorted[first..first + kept])
        }
        Method::WeightedMedian | Method::WeightedTrimmedMean { .. } => {
            let total: f64 = weights.iter().sum();
            let mut order: Vec<usize> = (0..n).collect();
            // Stable; adding 0 makes -0.0 to +0.0.
            order.sort_by(|i, j| (column[*i] + 0.0).total_cmp(&(column[*j] + 0.0)));
            let ratio = match method {
                Method::WeightedTrimmedMean { trim: Tolerance::Ratio(ratio) } => Some(*ratio),
                _ => None,
            };
            let (mut below, mut sum, mut kept, mut median) = (0.0, 0.0, 0.0, None);
            for i in order {
                let (above, x) = (below + weights[i], f64::from(column[i]));
                if above >= total / 2.0 && median.is_none() {
                    median = Some(x);
                }
                if let Some(ratio) = ratio {
                    let (low, high) = (ratio * total, total - ratio * total);
                    let part = f64::max(0.0, f64::min(above, high) - f64::max(below, low));
                    sum += part * x;
                    kept += part;
                }
                below = above;
            }
            if ratio.is_some() { sum / kept } else { median.unwrap() }
        }
        Method::SignMajority => {
            let sum: i32 = column.iter().map(|x| i32::from(*x > 0.0) - i32::from(*x < 0.0)).sum();
            f64::from(sum.signum())
        }
        other => unreachable!("{other}"),
    };
    result as f32 + 0.0
}

/// Values of the kinds that make floating point hard.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -2.0f32..2.0,
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, 0.5]),
        1 => prop::num::f32::SUBNORMAL,
        1 => prop::num::f32::NORMAL,
        1 => prop::sample::select(vec![f32::MAX, f32::MIN, 1e30, -1e30, f32::MIN_POSITIVE]),
    ]
}

fn rows(n: std::ops::Range<usize>, d: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    (n, d).prop_flat_map(|(n, d)| {
        prop::collection::vec((prop::collection::vec(value(), d), 0.0f64..5.0), n).prop_map(|mut rows| {
            rows[0].1 = 1.0;
            rows
        })
    })
}

/// The rows' bytes, behind so many bytes that some of them are not aligned.
fn bytes(rows: &[Row]) -> Vec<Vec<u8>> {
    rows.iter()
        .enumerate()
        .map(|(i, (row, _))| {
            let mut bytes = vec![0; i % 3];
            bytes.extend(row.iter().flat_map(|x| x.to_le_bytes()));
            bytes
        })
        .collect()
}

/// The updates, cut into two tensors at `cut`.
fn updates<'a>(rows: &[Row], bytes: &'a [Vec<u8>], cut: usize) -> Vec<Update<'a>> {
    let cut = 4 * cut.min(rows[0].0.len());
    rows.iter()
        .zip(bytes)
        .enumerate()
        .map(|(i, ((_, weight), bytes))| {
            let (a, b) = bytes[i % 3..].split_at(cut);
            let mut update = Update::new(i as u64, *weight);
            update.push(DType::F32, a);
            update.push(DType::F32, b);
            update
        })
        .collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn methods(f: usize) -> Vec<Method> {
    let f = Tolerance::Count(f);
    vec![
        Method::Average,
        Method::WeightedAverage,
        Method::Median,
        Method::TrimmedMean { trim: f },
        Method::MeanAroundMedian { f },
        Method::SignMajority,
        Method::WeightedMedian,
        Method::WeightedTrimmedMean { trim: Tolerance::Ratio(0.15) },
    ]
}

/// Every method that there is, and compositions.
fn all_methods(f: usize) -> Vec<Method> {
    let mut texts: Vec<String> = Method::NAMES.iter().map(|m| (*m).to_owned()).collect();
    texts.extend(
        [
            "nnm+median",
            "arc+nnm+trimmed-mean",
            "norm-clipping+trimmed-mean",
            "bucketing(size=3,seed=5)+geometric-median",
            "nnm+nnm+krum",
            "arc+bulyan",
            "bucketing+nnm+meamed",
            "nnm+sign-majority",
            "nnm+weighted-average",
            "nnm+weighted-median",
            "norm-filter+median",
            "norm-filter+weighted-average",
            "sign-filter+trimmed-mean",
            "sign-filter+geometric-median",
            "norm-filter(low=0.9,high=2)+sign-filter+norm-clipping+average",
            "arc+sign-filter+weighted-median",
            "sign-filter+norm-filter+nnm+caf",
            "nnm+norm-filter+krum",
            "fltrust(reference=0)",
            "sign-filter+fltrust",
            "norm-filter+bulyan",
        ]
        .map(str::to_owned),
    );
    texts.iter().map(|t| t.parse::<Method>().unwrap().with_tolerance(Tolerance::Count(f))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_method_is_the_same_on_every_instruction_set_in_any_order(
        rows in rows(1..41, 1..100),
        share in 0.0f64..0.3,
        cut in 0usize..100,
        order in any::<u64>(),
    ) {
        let f = (share * rows.len() as f64) as usize;
        let bytes = bytes(&rows);
        let sorted = updates(&rows, &bytes, 0);
        let mut permuted = updates(&rows, &bytes, cut);
        permuted.sort_by_key(|u| (u.id + 1).wrapping_mul(order | 1));
        let options = Options { tile: 64, ..Options::default() };
        let d = rows[0].0.len();
        for method in all_methods(f) {
            let mut expected = vec![f32::NAN; d];
            let result = aggregate_on(Isa::PORTABLE, &method, &sorted, &Options::default(), &mut expected);
            if result.is_ok() {
                prop_assert!(expected.iter().all(|x| x.is_finite()), "{}: {:?}", method, expected);
            }
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; d];
                prop_assert_eq!(&aggregate_on(isa, &method, &permuted, &options, &mut out), &result, "{}", method);
                if result.is_ok() {
                    prop_assert_eq!(bits(&out), bits(&expected), "{} on {:?}", method, isa);
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_and_tile_equals_the_definition(
        rows in rows(1..131, 1..150),
        share in 0.0f64..0.5,
        tile in prop::sample::select(vec![64usize, 128, 16384]),
        cut in 0usize..150,
        order in any::<u64>(),
    ) {
        let f = ((rows.len() - 1) / 2).min((share * rows.len() as f64) as usize);
        let bytes = bytes(&rows);
        let mut updates = updates(&rows, &bytes, cut);
        updates.sort_by_key(|u| (u.id + 1).wrapping_mul(order | 1));
        let options = Options { tile, ..Options::default() };
        let d = rows[0].0.len();
        for method in methods(f) {
            let weights: Vec<f64> = rows.iter().map(|r| r.1).collect();
            let expected: Vec<f32> = (0..d)
                .map(|c| {
                    let column: Vec<f32> = rows.iter().map(|r| r.0[c]).collect();
                    column_rule(&method, &column, &weights)
                })
                .collect();
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; d];
                aggregate_on(isa, &method, &updates, &options, &mut out).unwrap();
                prop_assert_eq!(bits(&out), bits(&expected), "{} on {:?}", method, isa);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_round_that_arrives_in_any_order_closes_to_the_same_bits(
        rows in rows(1..14, 1..60),
        share in 0.0f64..0.3,
        arrivals in prop::collection::vec(any::<prop::sample::Index>(), 0..14),
        steps in 1usize..4,
        left_out in any::<prop::sample::Index>(),
    ) {
        let bytes = bytes(&rows);
        let updates = updates(&rows, &bytes, 7);
        let f = (share * (rows.len() - 1) as f64) as usize;
        // Some arrive, in several steps and any order, the others only when the round closes; one may be left out then.
        let mut arrived: Vec<Update<'_>> = Vec::new();
        let mut seen: Vec<Vec<Update<'_>>> = Vec::new();
        for (i, arrival) in arrivals.iter().enumerate() {
            let update = arrival.get(&updates);
            if arrived.iter().all(|other| other.id != update.id) {
                arrived.push(update.clone());
            }
            if i % steps == 0 {
                seen.push(arrived.clone());
            }
        }
        let options = Options { tile: 64, ..Options::default() };
        let mut closing = updates.clone();
        if closing.len() > 1 {
            closing.remove(left_out.index(closing.len()));
        }
        let d = rows[0].0.len();
        for method in all_methods(f) {
            for closing in [&updates, &closing] {
                let mut round = crate::Preparation::new(&method);
                for present in &seen {
                    round.arrived(present, &options).unwrap();
                }
                let (mut expected, mut out) = (vec![0.0; d], vec![0.0; d]);
                let batch = crate::aggregate_into(&method, closing, &options, &mut expected);
                prop_assert_eq!(&round.close(closing, &options, &mut out), &batch, "{}", method);
                if batch.is_ok() {
                    prop_assert_eq!(bits(&out), bits(&expected), "{}", method);
                }
            }
        }
    }
}

#[test]
fn a_bad_arrival_is_refused_and_harms_nothing() {
    let mut rows: Vec<Row> = (0..7).map(|i| (vec![i as f32 * 0.37; 40], 1.0)).collect();
    rows[6].0[17] = f32::NAN;
    let bytes = bytes(&rows);
    let updates = updates(&rows, &bytes, 5);
    let options = Options::default();
    for method in all_methods(1) {
        let mut round = crate::Preparation::new(&method);
        round.arrived(&updates[..4], &options).unwrap();
        let refused = round.arrived(&updates[3..], &options);
        // What no distance, norm or sum is made of is looked at when the round closes.
        if let Err(error) = refused {
            assert_eq!(error, crate::AggregateError::NonFinite { id: 6, coordinate: 17 }, "{method}");
        }
        let mut out = vec![0.0; 40];
        let error = round.clone().close(&updates, &options, &mut out).unwrap_err();
        assert_eq!(error, crate::AggregateError::NonFinite { id: 6, coordinate: 17 }, "{method}");
        let batch = crate::aggregate(&method, &updates[..6], &options);
        let closed = round.close(&updates[..6], &options, &mut out).map(|()| out);
        assert_eq!(closed.map(|out| bits(&out)), batch.map(|out| bits(&out)), "{method}");
    }
}

#[test]
fn every_number_of_participants_equals_the_definition() {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 40) as f32 / 4096.0).round() - 2048.0
    };
    for n in 1..=130 {
        let rows: Vec<Row> = (0..n).map(|_| ((0..37).map(|_| next()).collect(), 1.0)).collect();
        let bytes = bytes(&rows);
        let updates = updates(&rows, &bytes, 9);
        for method in methods((n - 1) / 3) {
            for isa in Isa::available() {
                let mut out = vec![0.0; 37];
                aggregate_on(isa, &method, &updates, &Options::default(), &mut out).unwrap();
                for (c, out) in out.iter().enumerate() {
                    let column: Vec<f32> = rows.iter().map(|r| r.0[c]).collect();
                    assert_eq!(*out, column_rule(&method, &column, &vec![1.0; n]), "{method}, {n}, {isa:?}");
                }
            }
        }
    }
}

#[test]
fn weighted_column_rules_reduce_to_the_plain_ones_and_follow_the_weight() {
    let rows: Vec<Row> = (0..7).map(|i| (vec![((i * 5) % 7) as f32; 3], 1.0)).collect();
    let bytes = bytes(&rows);
    let run = |weights: [f64; 7], text: &str| {
        let mut updates = updates(&rows, &bytes, 1);
        updates.iter_mut().zip(weights).for_each(|(u, w)| u.weight = w);
        crate::aggregate(&text.parse().unwrap(), &updates, &Options::default()).unwrap()[2]
    };
    assert_eq!(run([1.0; 7], "weighted-median"), 3.0);
    assert_eq!(run([1.0; 7], "weighted-trimmed-mean(f=2)"), run([1.0; 7], "trimmed-mean(f=2)"));
    // Row 3 has the value 1 and all but 6 of 16 parts of the weight.
    let heavy = [1.0, 1.0, 1.0, 10.0, 1.0, 1.0, 1.0];
    assert_eq!(run(heavy, "weighted-median"), 1.0);
    // Four from each end go: of row 3 remain 7 of its 10, and 1 of row 6, whose value is 2.
    assert_eq!(run(heavy, "weighted-trimmed-mean(ratio=0.25)"), ((7.0 + 2.0) / 8.0) as f32);
}

#[test]
fn the_mean_around_the_median_keeps_any_number_of_values() {
    for n in 1..40usize {
        let column: Vec<f32> = (0..n).map(|i| ((i * i * 37) % 23) as f32 - 0.125 * i as f32).collect();
        for f in 0..n {
            let bytes: Vec<Vec<u8>> = column.iter().map(|x| x.to_le_bytes().to_vec()).collect();
            for isa in Isa::available() {
                let mut columns =
                    crate::column::Columns::new(isa, crate::column::ColumnRule::MeanAroundMedian { f }, n);
                let mut updates = Vec::new();
                for (i, bytes) in bytes.iter().enumerate() {
                    let mut update = Update::new(i as u64, 1.0);
                    update.push(DType::F32, bytes);
                    updates.push(update);
                }
                let updates: Vec<_> = updates.iter().collect();
                let mut scratch = crate::tiles::Scratch::default();
                let tile = scratch.tile(&updates, 0, 1, crate::tiles::Access::InPlace);
                let mut out = [0.0; crate::tiles::STEP];
                columns.apply(&tile, &mut out);
                let expected =
                    column_rule(&Method::MeanAroundMedian { f: Tolerance::Count(f) }, &column, &[]);
                assert_eq!(out[0].to_bits(), expected.to_bits(), "{f} of {n} left out, {isa:?}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let rows: Vec<Row> = (0..9)
        .map(|i| ((0..5000).map(|c| ((c * 31 + i * 17) % 101) as f32 * 0.37 - 9.0).collect(), f64::from(i)))
        .collect();
    let bytes = bytes(&rows);
    let updates = updates(&rows, &bytes, 1111);
    let options = Options { tile: 64, ..Options::default() };
    for method in all_methods(1) {
        let results: Vec<_> = [1, 2, 5]
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                bits(&pool.install(|| crate::aggregate(&method, &updates, &options)).unwrap())
            })
            .into();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{method}");
    }
}

#[test]
fn half_precision_and_double_inputs_are_converted_exactly() {
    let values: Vec<f32> = (0..999).map(|i| (i as f32 - 500.0) / 64.0).collect();
    let f16: Vec<u8> = values.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
    let bf16: Vec<u8> = values.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
    let f64: Vec<u8> = values.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
    let expected = |i: usize| {
        let bf16 = half::bf16::from_f32(values[i]).to_f32();
        let mut column = [half::f16::from_f32(values[i]).to_f32(), bf16, values[i]];
        column.sort_by(f32::total_cmp);
        column[1]
    };
    let mut updates = Vec::new();
    for (id, (dtype, bytes)) in
        [(DType::F16, &f16), (DType::BF16, &bf16), (DType::F64, &f64)].into_iter().enumerate()
    {
        let mut update = Update::new(id as u64, 1.0);
        update.push(dtype, bytes);
        updates.push(update);
    }
    for tile in [64, 16384] {
        let out =
            crate::aggregate(&Method::Median, &updates, &Options { tile, ..Options::default() }).unwrap();
        for (i, x) in out.iter().enumerate() {
            assert_eq!(*x, expected(i));
        }
    }
}

#[test]
fn non_finite_values_are_found_wherever_they_are() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (p, c) in [(0, 0), (3, 36), (4, 17)] {
            let mut rows: Vec<Row> = (0..5).map(|i| (vec![i as f32; 37], 1.0)).collect();
            rows[3].1 = 0.0;
            rows[p].0[c] = bad;
            rows[4].0[20] = f32::NAN;
            let bytes = bytes(&rows);
            let updates = updates(&rows, &bytes, 5);
            for method in all_methods(0) {
                for isa in Isa::available() {
                    let error = aggregate_on(isa, &method, &updates, &Options::default(), &mut [0.0; 37])
                        .unwrap_err();
                    let expected = crate::AggregateError::NonFinite { id: p as u64, coordinate: c };
                    assert_eq!(error, expected, "{method}, {isa:?}");
                }
            }
        }
    }
}

#[test]
fn a_filter_leaves_what_the_rule_would_see_without_the_rows_that_go() {
    let mut rows: Vec<Row> = (0..9)
        .map(|i| ((0..500).map(|c| ((c * 31 + i * 17) % 101) as f32 - 40.0).collect(), 1.0 + f64::from(i)))
        .collect();
    rows[2].0.iter_mut().for_each(|x| *x *= 40.0);
    rows[5].0.iter_mut().for_each(|x| *x *= 0.01);
    rows[7].0.iter_mut().for_each(|x| *x = -*x);
    let bytes = bytes(&rows);
    let updates = updates(&rows, &bytes, 77);
    let without = |gone: &[u64]| -> Vec<Update<'_>> {
        updates.iter().filter(|update| !gone.contains(&update.id)).cloned().collect()
    };
    for rule in Method::NAMES {
        for (filter, gone) in [
            ("norm-filter", vec![2, 5]),
            ("sign-filter(f=1)", vec![7]),
            ("norm-filter+sign-filter(f=1)", vec![2, 5, 7]),
        ] {
            // f is a count, since there are fewer rows after the filter.
            let rule: Method = rule.parse().unwrap();
            let rule = rule.with_tolerance(Tolerance::Count(1));
            let filtered: Method = format!("{filter}+{rule}").parse().unwrap();
            let found = crate::aggregate(&filtered, &updates, &Options::default()).map(|out| bits(&out));
            let expected = crate::aggregate(&rule, &without(&gone), &Options::default());
            match expected {
                Ok(expected) => assert_eq!(found, Ok(bits(&expected)), "{filtered}"),
                Err(expected) => assert_eq!(found, Err(expected), "{filtered}"),
            }
        }
    }
}

#[test]
fn the_trusted_update_must_be_there_and_limits_the_others() {
    let rows: Vec<Row> = [[3.0f32, 4.0], [30.0, 40.0], [-3.0, -4.0], [4.0, -3.0], [0.3, 0.4]]
        .into_iter()
        .map(|row| (row.to_vec(), 1.0))
        .collect();
    let bytes = bytes(&rows);
    let updates = updates(&rows, &bytes, 1);
    let run = |text: &str| crate::aggregate(&text.parse().unwrap(), &updates, &Options::default());
    // The second is clipped to the norm of the first, the third and fourth have no positive cosine.
    let out = run("fltrust(reference=0)").unwrap();
    assert!((out[0] - 2.1).abs() < 1e-5 && (out[1] - 2.8).abs() < 1e-5, "{out:?}");
    assert_eq!(run("fltrust(reference=9)"), Err(crate::AggregateError::Reference { id: 9 }));
    assert_eq!(run("norm-filter+fltrust(reference=1)"), Err(crate::AggregateError::Reference { id: 1 }));
    assert_eq!(run("nnm+fltrust(reference=1)"), Err(crate::AggregateError::Reference { id: 1 }));
    assert_eq!(
        run("nnm+sign-filter+median"),
        Err(crate::AggregateError::Misplaced { method: "sign-filter" })
    );
}

#[test]
fn memory_is_bounded_and_too_little_is_said_before_the_work() {
    let rows: Vec<Row> = (0..40).map(|i| (vec![i as f32 * 0.37; 20_000], 1.0)).collect();
    let bytes = bytes(&rows);
    let updates = updates(&rows, &bytes, 5);
    // 8 (N + 1)^2 (14 + ceil(log2(3)))
    let needed = 8 * 41 * 41 * 16;
    for method in all_methods(1) {
        let generous = crate::aggregate(&method, &updates, &Options::default()).map(|out| bits(&out));
        let narrow = Options { memory: needed, ..Options::default() };
        assert_eq!(crate::aggregate(&method, &updates, &narrow).map(|out| bits(&out)), generous, "{method}");
        let narrower = Options { memory: needed - 1, ..Options::default() };
        let refused = crate::aggregate(&method, &updates, &narrower);
        let has_matrices = crate::plan::scope(&method).is_some() || matches!(method, Method::After { .. });
        if has_matrices {
            let expected = crate::AggregateError::Memory {
                method: method.to_string(),
                n: 40,
                needed,
                allowed: needed - 1,
            };
            assert_eq!(refused, Err(expected.clone()));
            let mut round = crate::Preparation::new(&method);
            assert_eq!(round.arrived(&updates, &narrower), Err(expected));
        } else {
            assert_eq!(refused.map(|out| bits(&out)), generous, "{method}");
        }
    }
    let tiny = Options { memory: 1000, ..Options::default() };
    let refused = crate::aggregate(&Method::Median, &updates, &tiny);
    assert!(matches!(refused, Err(crate::AggregateError::Memory { needed: 109_056, .. })), "{refused:?}");
}

#[test]
fn rows_clipped_to_less_than_f64_holds_are_rows_of_zeros() {
    let rows: Vec<Row> = (0..6).map(|i| ((0..40).map(|c| 1e3 + (i * c) as f32).collect(), 1.0)).collect();
    let bytes = bytes(&rows);
    let updates = updates(&rows, &bytes, 5);
    for rule in
        ["average", "median", "krum", "multi-krum", "nnm+average", "fltrust", "caf(f=1)", "geometric-median"]
    {
        let method = format!("norm-clipping(norm=1e-323)+{rule}").parse().unwrap();
        let out = crate::aggregate(&method, &updates, &Options::default()).unwrap();
        assert!(out.iter().all(|x| x.to_bits() == 0), "{method}: {:?}", &out[..3]);
    }
    let weighted = "norm-clipping(norm=1e-323)+weighted-average".parse().unwrap();
    let refused = crate::aggregate(&weighted, &updates, &Options::default());
    assert_eq!(refused, Err(crate::AggregateError::ZeroWeight));
}
