//! Batcher's odd-even merge sorting networks, pruned to the outputs that are wanted.
//!
//! The build script includes this file too and writes the small networks out as straight-line code.

/// A comparator: puts the smaller of two wires on the first and the larger on the second.
pub(crate) type Comparator = (u16, u16);

/// The network that sorts `n` wires in ascending order.
///
/// It is Batcher's for the next power of two without the comparators that touch a wire from `n` on: think of those
/// wires as +inf, which every comparator leaves where they are.
pub(crate) fn sort(n: usize) -> Vec<Comparator> {
    merge(n, 1)
}

/// What of [`sort`] remains once every block of `sorted` wires, a power of two, is in order.
pub(crate) fn merge(n: usize, sorted: usize) -> Vec<Comparator> {
    let size = n.next_power_of_two();
    let mut network = Vec::new();
    let mut p = sorted;
    while p < size {
        let mut k = p;
        while k >= 1 {
            for j in (k % p..size - k).step_by(2 * k) {
                for i in j..(j + k).min(size - k) {
                    if i / (2 * p) == (i + k) / (2 * p) && i + k < n {
                        network.push((i as u16, (i + k) as u16));
                    }
                }
            }
            k /= 2;
        }
        p *= 2;
    }
    network
}

/// The comparators of [`sort`] on which the middle one or two of `n` sorted wires depend.
pub(crate) fn median(n: usize) -> Vec<Comparator> {
    prune(&sort(n), n, (n - 1) / 2..n / 2 + 1)
}

/// Drops the comparators on which no wire of `wanted` depends.
pub(crate) fn prune(network: &[Comparator], n: usize, wanted: std::ops::Range<usize>) -> Vec<Comparator> {
    let mut needed: Vec<bool> = (0..n).map(|wire| wanted.contains(&wire)).collect();
    let mut kept = Vec::new();
    for &(i, j) in network.iter().rev() {
        if needed[i as usize] || needed[j as usize] {
            needed[i as usize] = true;
            needed[j as usize] = true;
            kept.push((i, j));
        }
    }
    kept.reverse();
    kept
}
