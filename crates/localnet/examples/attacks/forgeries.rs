//! The attacks of the literature, as forgeries of the local network's miners.
//!
//! All Byzantine miners of a round know every honest update and send the same values, unless said otherwise.

use r3mes_aggregate::Method;
use r3mes_localnet::miners::attacks::{Forgery, RoundView};
use rand_chacha::ChaCha8Rng;

use crate::{combine, mean, squared_distance};

/// What Byzantine miners send.
#[derive(Clone, Debug)]
pub(crate) enum Literature {
    /// The honest mean times -4.
    SignFlip,
    /// Inner-product manipulation (Xie et al. 2019): the honest mean times -epsilon. A small one stays near enough to be
    /// taken for honest and turns the mean's direction all the same when many send it.
    InnerProduct(f64),
    /// "A little is enough" (Baruch et al. 2019): the honest mean less z deviations in every coordinate. z as in the
    /// paper: the largest for which a majority with the attackers' supporters is still reached.
    LittleIsEnough,
    /// Mimic (Karimireddy et al. 2022): the update of one honest miner over and over, here the first.
    Mimic,
    /// What training on the digits 9 - y gives.
    LabelFlip,
    /// Independent Gaussian noise of ten times the norm of the own update, each miner its own.
    Gaussian,
    /// Nothing but zeros.
    Zero,
    /// The honest mean times 1e6.
    Scaling,
    /// Knows the rule too: tries ALIE and IPM at many strengths, the own update shifted, the copy of each honest update,
    /// Min-Max and Min-Sum (Shejwalkar and Houmansadr 2021), and the mean shifted along the honest updates' principal
    /// direction, and sends what carries the aggregate furthest from the honest mean.
    Adaptive(Method),
}

impl Literature {
    /// Those that need not know the rule.
    pub(crate) fn fixed() -> Vec<Self> {
        use Literature::*;
        vec![
            SignFlip,
            InnerProduct(0.1),
            InnerProduct(1.0),
            LittleIsEnough,
            Mimic,
            LabelFlip,
            Gaussian,
            Zero,
            Scaling,
        ]
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Literature::SignFlip => "sign flip".to_owned(),
            Literature::InnerProduct(epsilon) => format!("IPM {epsilon}"),
            Literature::LittleIsEnough => "ALIE".to_owned(),
            Literature::Mimic => "mimic".to_owned(),
            Literature::LabelFlip => "label flip".to_owned(),
            Literature::Gaussian => "Gaussian".to_owned(),
            Literature::Zero => "zero".to_owned(),
            Literature::Scaling => "scaling".to_owned(),
            Literature::Adaptive(_) => "adaptive".to_owned(),
        }
    }
}

impl Forgery for Literature {
    fn forge(&self, view: &RoundView<'_>, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let centre = mean(view.honest);
        let times = |factor: f64| centre.iter().map(|x| (x * factor) as f32).collect();
        match self {
            Literature::SignFlip => times(-4.0),
            Literature::InnerProduct(epsilon) => times(-epsilon),
            Literature::LittleIsEnough => little(&centre, &deviations(view.honest, &centre), supported(view)),
            Literature::Mimic => view.honest[0].to_vec(),
            Literature::LabelFlip => view.own.to_vec(),
            Literature::Gaussian => {
                let noise: Vec<f64> =
                    centre.iter().map(|_| r3mes_localnet::miners::random::normal(rng)).collect();
                let norm = |squares: f64| squares.sqrt();
                let own = norm(view.own.iter().map(|x| f64::from(*x).powi(2)).sum());
                let factor = 10.0 * own / norm(noise.iter().map(|x| x * x).sum());
                noise.iter().map(|x| (x * factor) as f32).collect()
            }
            Literature::Zero => vec![0.0; centre.len()],
            Literature::Scaling => times(1e6),
            Literature::Adaptive(method) => adaptive(method, view, &centre),
        }
    }

    fn flips_labels(&self) -> bool {
        matches!(self, Literature::LabelFlip)
    }
}

fn deviations(honest: &[&[f32]], centre: &[f64]) -> Vec<f64> {
    let variance = |c: usize| {
        honest.iter().map(|row| (f64::from(row[c]) - centre[c]).powi(2)).sum::<f64>() / honest.len() as f64
    };
    (0..centre.len()).map(|c| variance(c).sqrt()).collect()
}

fn little(centre: &[f64], deviations: &[f64], z: f64) -> Vec<f32> {
    centre.iter().zip(deviations).map(|(m, s)| (m - z * s) as f32).collect()
}

/// The paper's z: s = floor(N / 2 + 1) - f honest supporters are needed, and z is where the normal distribution reaches
/// (N - f - s) / (N - f).
fn supported(view: &RoundView<'_>) -> f64 {
    let (honest, bad) = (view.honest.len() as f64, view.byzantine as f64);
    let supporters = ((honest + bad) / 2.0 + 1.0).floor() - bad;
    quantile(((honest - supporters) / honest).clamp(0.05, 0.999))
}

/// The inverse of the normal distribution, by bisection of the series of its integral.
fn quantile(p: f64) -> f64 {
    let distribution = |z: f64| {
        // 1/2 + density(z) * (z + z^3 / 3 + z^5 / 15 + ...)
        let (mut term, mut sum) = (z, z);
        for k in 1..200 {
            term *= z * z / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 + sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
    };
    let (mut low, mut high) = (-5.0, 5.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if distribution(middle) < p { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// What of the candidates carries the aggregate furthest.
fn adaptive(method: &Method, view: &RoundView<'_>, centre: &[f64]) -> Vec<f32> {
    let deviations = deviations(view.honest, centre);
    let mut candidates: Vec<Vec<f32>> = Vec::new();
    for z in [-3.0, -1.5, -1.0, -0.5, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0] {
        candidates.push(little(centre, &deviations, z));
    }
    for epsilon in [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0, 10.0] {
        candidates.push(centre.iter().map(|x| (-epsilon * x) as f32).collect());
    }
    // An update as an honest miner's would be, with the same shift in all of them.
    for z in [0.25, 0.5, 1.0, 1.5, 3.0] {
        let shifted = view.own.iter().zip(&deviations).map(|(x, s)| (f64::from(*x) - z * s) as f32);
        candidates.push(shifted.collect());
    }
    candidates.extend(view.honest.iter().map(|row| row.to_vec()));
    candidates.extend(within_reach(view.honest, centre, &deviations));
    candidates.extend(along_the_spread(view.honest, centre));
    let harm = |candidate: &Vec<f32>| {
        let mut rows: Vec<&[f32]> = vec![candidate; view.byzantine];
        rows.extend(view.honest);
        combine(method, &rows).map_or(0.0, |aggregate| squared_distance(&aggregate, centre))
    };
    let measured = candidates.into_iter().map(|candidate| (harm(&candidate), candidate));
    measured.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate).unwrap_or_default()
}

/// The honest mean shifted along the direction in which the honest updates differ most, either way, and against the mean,
/// by shares of the honest deviation: where a spectral filter looks for attackers, and hides them among honest ones.
fn along_the_spread(honest: &[&[f32]], centre: &[f64]) -> Vec<Vec<f32>> {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let centred: Vec<Vec<f64>> =
        honest.iter().map(|row| row.iter().zip(centre).map(|(x, m)| f64::from(*x) - m).collect()).collect();
    let deviation = (centred.iter().map(|row| norm(row).powi(2)).sum::<f64>() / honest.len() as f64).sqrt();
    let mut principal = centred[0].clone();
    for _ in 0..30 {
        let mut next = vec![0.0; centre.len()];
        for row in &centred {
            let along: f64 = row.iter().zip(&principal).map(|(x, p)| x * p).sum();
            next.iter_mut().zip(row).for_each(|(sum, x)| *sum += along * x);
        }
        let length = norm(&next).max(f64::MIN_POSITIVE);
        principal = next.into_iter().map(|x| x / length).collect();
    }
    let back: Vec<f64> = centre.iter().map(|x| -x / norm(centre).max(f64::MIN_POSITIVE)).collect();
    let mut found = Vec::new();
    for (direction, sign) in [(&principal, 1.0), (&principal, -1.0), (&back, 1.0)] {
        for share in (5..=20).map(|k| f64::from(k) / 10.0) {
            let shift = sign * share * deviation;
            found.push(centre.iter().zip(direction).map(|(m, p)| (m + shift * p) as f32).collect());
        }
    }
    found
}

/// Min-Max and Min-Sum: the furthest along -mean / norm(mean) and along -deviation at which no distance to an honest update,
/// or no sum of squared distances, exceeds those among the honest.
fn within_reach(honest: &[&[f32]], centre: &[f64], deviations: &[f64]) -> Vec<Vec<f32>> {
    let between = |row: &&[f32]| {
        let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        honest.iter().map(|other| squared_distance(other, &row)).collect::<Vec<_>>()
    };
    let all: Vec<Vec<f64>> = honest.iter().map(between).collect();
    let greatest = all.iter().flatten().fold(0.0, |m: f64, d| m.max(*d));
    let greatest_sum = all.iter().map(|row| row.iter().sum()).fold(0.0, |m: f64, d: f64| m.max(d));
    let mut found = Vec::new();
    for direction in [centre, deviations] {
        let at = |gamma: f64| -> Vec<f32> {
            centre.iter().zip(direction).map(|(m, p)| (m - gamma * p) as f32).collect()
        };
        for by_sum in [false, true] {
            let fits = |gamma: f64| {
                let row: Vec<f64> = at(gamma).iter().map(|x| f64::from(*x)).collect();
                let distances: Vec<f64> = honest.iter().map(|other| squared_distance(other, &row)).collect();
                if by_sum {
                    distances.iter().sum::<f64>() <= greatest_sum
                } else {
                    distances.iter().all(|d| *d <= greatest)
                }
            };
            let (mut low, mut high) = (0.0, 64.0);
            for _ in 0..24 {
                let middle = (low + high) / 2.0;
                if fits(middle) { low = middle } else { high = middle }
            }
            found.push(at(low));
        }
    }
    found
}
