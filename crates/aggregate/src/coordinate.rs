/// The median of a column; of an even number the mean of the two middle values, rounded once.
pub(crate) fn median(column: &mut [f32]) -> f32 {
    column.sort_unstable_by(f32::total_cmp);
    let n = column.len();
    ((f64::from(column[(n - 1) / 2]) + f64::from(column[n / 2])) / 2.0) as f32
}

/// The mean of a column without its `f` smallest and `f` largest values, summed in ascending order.
pub(crate) fn trimmed_mean(column: &mut [f32], f: usize) -> f32 {
    column.sort_unstable_by(f32::total_cmp);
    let kept = &column[f..column.len() - f];
    let mut sum = 0.0;
    for x in kept {
        sum += f64::from(*x);
    }
    (sum / kept.len() as f64) as f32
}
