//! Points that are combinations of the updates, and their distances, without touching the data.

use std::collections::HashMap;

use crate::Update;
use crate::distances::{self, Distances};
use crate::selection::medoid;

/// Inner products about one of the points: G_kl = <x_k - r, x_l - r>.
///
/// About a point in the middle of the others little is lost when a distance is derived from them.
pub(crate) struct Gram {
    points: usize,
    products: Vec<f64>,
}

/// Points whose distances from the reference differ by more than this have their product measured, not derived.
const FAR: f64 = 1e3;

/// The pairs k < l of the first `n` points whose squared distances from a reference are too different.
fn far_pairs(n: usize, squared: impl Fn(usize) -> f64) -> Vec<(usize, usize)> {
    let far = |k: usize, l: usize| {
        let (a, b) = (squared(k), squared(l));
        a.min(b) > 0.0 && a.max(b) > FAR * FAR * a.min(b)
    };
    (0..n).flat_map(|l| (0..l).map(move |k| (k, l))).filter(|(k, l)| far(*k, *l)).collect()
}

impl Gram {
    /// About the medoid of the first `n` points. Where these are the updates themselves, their products are measured
    /// if they would not survive being derived.
    pub(crate) fn new(distances: &Distances, n: usize, updates: Option<&[&Update<'_>]>) -> Self {
        let (points, r) = (distances.points(), medoid(distances, n));
        let mut products = vec![0.0; points * points];
        for k in 0..points {
            for l in 0..points {
                let sides = distances.squared(k, r) + distances.squared(l, r);
                products[k * points + l] = (sides - distances.squared(k, l)) / 2.0;
            }
        }
        let pairs = far_pairs(n, |k| distances.squared(k, r));
        if let Some(updates) = updates.filter(|_| !pairs.is_empty()) {
            for ((k, l), product) in pairs.iter().zip(distances::products(updates, Some(r), &pairs)) {
                products[k * points + l] = product;
                products[l * points + k] = product;
            }
        }
        Gram { points, products }
    }

    pub(crate) fn product(&self, k: usize, l: usize) -> f64 {
        self.products[k * self.points + l]
    }

    /// The inner products of every point with the combination z = sum of a_k x_k, where the a_k sum to 1.
    fn with(&self, a: &[f64]) -> Vec<f64> {
        self.products.chunks_exact(self.points).map(|row| dot(row, a)).collect()
    }

    /// The distances of every point from z = sum of a_k x_k, where the a_k sum to 1.
    pub(crate) fn distances_from(&self, a: &[f64]) -> Vec<f64> {
        let with = self.with(a);
        let own = dot(a, &with);
        (0..self.points).map(|k| (own - 2.0 * with[k] + self.product(k, k)).max(0.0).sqrt()).collect()
    }

    /// The distances between the points y_i = sum of b_ik x_k, where the b_ik of each i sum to 1.
    pub(crate) fn mixed(&self, b: &[Vec<f64>]) -> Distances {
        let with: Vec<Vec<f64>> = b.iter().map(|row| self.with(row)).collect();
        let product = |i: usize, j: usize| dot(&b[i], &with[j]);
        let own: Vec<f64> = (0..b.len()).map(|i| product(i, i)).collect();
        Distances::from_fn(b.len(), |i, j| (own[i] + own[j] - 2.0 * product(i, j)).max(0.0))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum += x * y;
    }
    sum
}

/// The distances after each point k has been multiplied by `factors[k]`; the last point is the origin.
pub(crate) fn scaled(distances: &Distances, factors: &[f64], updates: Option<&[&Update<'_>]>) -> Distances {
    let origin = distances.points() - 1;
    let factor = |i: usize| factors.get(i).copied().unwrap_or(1.0);
    let pairs = match updates {
        Some(_) => far_pairs(origin, |k| distances.squared(k, origin)),
        None => Vec::new(),
    };
    let products = match updates {
        Some(updates) if !pairs.is_empty() => distances::products(updates, None, &pairs),
        _ => Vec::new(),
    };
    let measured: HashMap<_, _> = pairs.into_iter().zip(products).collect();
    Distances::from_fn(distances.points(), |i, j| {
        let (a, b) = (factor(i), factor(j));
        if i == origin || j == origin {
            let scale = if i == origin { b } else { a };
            return scale * scale * distances.squared(i, j);
        }
        let (x, y) = (distances.squared(i, origin), distances.squared(j, origin));
        if let Some(product) = measured.get(&(i.min(j), i.max(j))) {
            return (a * a * x + b * b * y - 2.0 * (a * b * product)).max(0.0);
        }
        // norm(a x - b y)^2 = a b norm(x - y)^2 + (a - b) (a norm(x)^2 - b norm(y)^2)
        (a * b * distances.squared(i, j) + (a - b) * (a * x - b * y)).max(0.0)
    })
}

/// The weights of the first `n` points about the trusted point `r`, and what their sum is divided by: each point's cosine
/// to it where that is positive, and the points that are longer than it clipped to its norm. The last point is the origin.
pub(crate) fn fltrust(
    distances: &Distances,
    n: usize,
    r: usize,
    updates: Option<&[&Update<'_>]>,
) -> (Vec<f64>, f64) {
    let origin = distances.points() - 1;
    let squared = |i: usize| distances.squared(i, origin);
    let far = |i: &usize| {
        let (a, b) = (squared(*i).min(squared(r)), squared(*i).max(squared(r)));
        a > 0.0 && b > FAR * FAR * a
    };
    let pairs: Vec<(usize, usize)> = match updates {
        Some(_) => (0..n).filter(far).map(|i| (i, r)).collect(),
        None => Vec::new(),
    };
    let mut products: Vec<f64> =
        (0..n).map(|i| (squared(i) + squared(r) - distances.squared(i, r)) / 2.0).collect();
    if let Some(updates) = updates.filter(|_| !pairs.is_empty()) {
        for ((i, _), product) in pairs.iter().zip(distances::products(updates, None, &pairs)) {
            products[*i] = product;
        }
    }
    let length = squared(r).sqrt();
    let (mut weights, mut total) = (Vec::with_capacity(n), 0.0);
    for (i, product) in products.into_iter().enumerate() {
        let norm = squared(i).sqrt();
        let trust = match i == r {
            true => 1.0,
            false if norm > 0.0 && length > 0.0 => (product / (norm * length)).clamp(0.0, 1.0),
            false => 0.0,
        };
        total += trust;
        weights.push(if norm > length { trust * (length / norm) } else { trust });
    }
    (weights, total)
}

/// Steps after which the Weiszfeld algorithm ends in any case.
const WEISZFELD_STEPS: usize = 1000;

/// The coefficients of the geometric median of the first `n` points, by smoothed Weiszfeld steps from the medoid.
pub(crate) fn geometric_median(distances: &Distances, gram: &Gram, n: usize) -> Vec<f64> {
    let mut a = vec![0.0; gram.points];
    a[medoid(distances, n)] = 1.0;
    // The smoothing is small against what is usual between the points.
    let usual = median(&mut gram.distances_from(&a)[..n]);
    let smoothing = 1e-6 * usual;
    if usual == 0.0 {
        return a;
    }
    for _ in 0..WEISZFELD_STEPS {
        let mut next: Vec<f64> =
            gram.distances_from(&a)[..n].iter().map(|d| 1.0 / d.max(smoothing)).collect();
        let total: f64 = next.iter().sum();
        next.iter_mut().for_each(|b| *b /= total);
        next.resize(gram.points, 0.0);
        let change = a.iter().zip(&next).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        a = next;
        if change <= 1e-10 {
            break;
        }
    }
    a
}

/// The coefficients of the centre after `steps` of centered clipping from `start`, itself given by coefficients.
pub(crate) fn centered_clipping(
    gram: &Gram,
    n: usize,
    tau: Option<f64>,
    steps: usize,
    start: Vec<f64>,
) -> Vec<f64> {
    let mut a = start;
    for _ in 0..steps {
        let from = gram.distances_from(&a);
        let tau = tau.unwrap_or_else(|| median(&mut from[..n].to_vec()));
        // v + sum of (x_i - v) s_i / n
        let shares: Vec<f64> =
            from[..n].iter().map(|d| if *d > tau { tau / d } else { 1.0 } / n as f64).collect();
        let rest = 1.0 - shares.iter().sum::<f64>();
        a.iter_mut().for_each(|x| *x *= rest);
        for (x, share) in a.iter_mut().zip(shares) {
            *x += share;
        }
    }
    a
}

/// The median; of an even number the mean of the two middle values.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// Steps of the power iteration.
const POWER_STEPS: usize = 200;

/// The weights at which the greatest variance was least while those far out along its direction lost theirs.
pub(crate) fn caf(gram: &Gram, n: usize, f: usize) -> Vec<f64> {
    let mut weights = vec![1.0; n];
    let mut best = (f64::INFINITY, weights.clone());
    // Every round takes at least one weight to zero.
    while weights.iter().sum::<f64>() > (n - 2 * f) as f64 {
        let total: f64 = weights.iter().sum();
        let mut a: Vec<f64> = weights.iter().map(|w| w / total).collect();
        a.resize(gram.points, 0.0);
        let with = gram.with(&a);
        let own = dot(&a, &with);
        let centred = |i: usize, j: usize| gram.product(i, j) - with[i] - with[j] + own;
        let (variance, projections) = spread(n, &weights, total, centred);
        if variance < best.0 {
            best = (variance, weights.clone());
        }
        let most = (0..n).filter(|i| weights[*i] > 0.0).map(|i| projections[i]).fold(0.0, f64::max);
        if most.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
            break;
        }
        for (w, p) in weights.iter_mut().zip(&projections) {
            *w = if *p >= most { 0.0 } else { *w * (1.0 - p / most) };
        }
    }
    best.1
}

/// The greatest variance of the weighted points, and each point's squared projection on its direction.
fn spread(n: usize, weights: &[f64], total: f64, centred: impl Fn(usize, usize) -> f64) -> (f64, Vec<f64>) {
    let roots: Vec<f64> = weights.iter().map(|w| (w / total).sqrt()).collect();
    let kernel: Vec<f64> = (0..n * n).map(|k| roots[k / n] * centred(k / n, k % n) * roots[k % n]).collect();
    // The column of the largest diagonal entry is not orthogonal to the direction that is sought.
    let largest =
        (0..n).max_by(|i, j| kernel[i * n + i].total_cmp(&kernel[j * n + j]).then(j.cmp(i))).unwrap_or(0);
    let mut u: Vec<f64> = (0..n).map(|i| kernel[i * n + largest]).collect();
    let mut variance = 0.0;
    for _ in 0..POWER_STEPS {
        let length = dot(&u, &u).sqrt();
        if length.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
            return (0.0, vec![0.0; n]);
        }
        u.iter_mut().for_each(|x| *x /= length);
        let next: Vec<f64> = kernel.chunks_exact(n).map(|row| dot(row, &u)).collect();
        let value = dot(&u, &next);
        u = next;
        if (value - variance).abs() <= 1e-12 * value {
            variance = value;
            break;
        }
        variance = value;
    }
    let length = dot(&u, &u).sqrt();
    // The direction is sum of u_i roots_i (x_i - mean), of squared length `variance` times that of u.
    let projections = (0..n)
        .map(|i| {
            let sum: f64 = (0..n).map(|j| centred(i, j) * roots[j] * u[j] / length).sum();
            sum * sum / variance.max(f64::MIN_POSITIVE)
        })
        .collect();
    (variance, projections)
}
