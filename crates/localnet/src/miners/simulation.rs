//! Federated training without a network: the miners' rounds, and an aggregation rule given as a function.
//!
//! It trains exactly what the localnet's miners train (the same shares, order of rows, Byzantine miners and
//! forged values), so that settings and rules can be compared in seconds.

use rayon::prelude::*;

use super::attacks::{Delivery, Forgery, RoundView};
use super::data::{DataError, Digits, Split};
use super::model::{Adapters, Base, Trained, TrainingSettings};
use super::random::{shuffle, stream};

/// The miners' common ground: data, shares, the frozen base, and who is Byzantine.
#[derive(Debug, Clone)]
pub struct Federation {
    seed: u64,
    settings: TrainingSettings,
    digits: Digits,
    split: Split,
    base: Base,
    /// Ascending.
    byzantine: Vec<usize>,
}

/// What one miner sends in a round.
#[derive(Debug, Clone, PartialEq)]
pub struct MinerUpdate {
    /// Index of the miner, from 0.
    pub miner: usize,
    /// Rows it trained on.
    pub samples: usize,
    /// Its mean loss in the last epoch.
    pub loss: f32,
    /// The values that it sends (forged when it is Byzantine), flattened in tensor name order.
    pub values: Vec<f32>,
}

impl Federation {
    /// Shares the data out to `miners` miners, of whom `byzantine` (chosen by the seed) will attack.
    ///
    /// # Errors
    /// When the data cannot be shared out in that way.
    pub fn new(
        seed: u64,
        miners: usize,
        byzantine: usize,
        settings: TrainingSettings,
    ) -> Result<Self, DataError> {
        let digits = Digits::embedded()?;
        let split = digits.split(seed, miners, settings.label_skew)?;
        Ok(Self {
            seed,
            digits,
            split,
            base: Base::from_seed(seed),
            byzantine: choose_byzantine(seed, miners, byzantine),
            settings,
        })
    }

    /// Number of miners.
    #[must_use]
    pub fn miners(&self) -> usize {
        self.split.shares.len()
    }

    /// The miners that attack, ascending.
    #[must_use]
    pub fn byzantine(&self) -> &[usize] {
        &self.byzantine
    }

    /// The settings of the training.
    #[must_use]
    pub fn settings(&self) -> &TrainingSettings {
        &self.settings
    }

    /// The global adapters before the first round.
    #[must_use]
    pub fn initial_adapters(&self) -> Adapters {
        Adapters::from_seed(self.seed)
    }

    /// Share of the held-back rows that the network with `adapters` names rightly, 0..=1.
    #[must_use]
    pub fn accuracy(&self, adapters: &Adapters) -> f64 {
        self.base.accuracy(adapters, &self.settings, &self.digits, &self.split.held_back)
    }

    /// All miners' local training from `shared`, and what each then sends, in order of their index.
    ///
    /// Each miner trains on one thread; the result does not depend on how many there are.
    #[must_use]
    pub fn updates(
        &self,
        shared: &Adapters,
        training_round_id: u64,
        forgery: Option<&dyn Forgery>,
    ) -> Vec<MinerUpdate> {
        let flipped =
            forgery.filter(|forgery| forgery.flips_labels()).map(|_| self.digits.with_flipped_labels());
        let mut updates: Vec<MinerUpdate> = (0..self.miners())
            .into_par_iter()
            .map(|miner| {
                let rows = &self.split.shares[miner];
                let mut rng = stream(self.seed, "row-order", &[training_round_id, miner as u64]);
                let digits = match &flipped {
                    Some(flipped) if self.byzantine.contains(&miner) => flipped,
                    _ => &self.digits,
                };
                let Trained { delta, loss } = self.base.train(shared, &self.settings, digits, rows, &mut rng);
                MinerUpdate { miner, samples: rows.len(), loss, values: delta }
            })
            .collect();
        if let Some(forgery) = forgery {
            let forged = self.forge(&updates, training_round_id, forgery);
            for (miner, values) in forged {
                updates[miner].values = values;
            }
        }
        updates
    }

    fn forge(
        &self,
        trained: &[MinerUpdate],
        training_round_id: u64,
        forgery: &dyn Forgery,
    ) -> Vec<(usize, Vec<f32>)> {
        let honest: Vec<&[f32]> = trained
            .iter()
            .filter(|update| !self.byzantine.contains(&update.miner))
            .map(|update| update.values.as_slice())
            .collect();
        let forge = |&miner: &usize| {
            let view = RoundView {
                training_round_id,
                own: &trained[miner].values,
                honest: &honest,
                byzantine: self.byzantine.len(),
            };
            let mut rng = stream(self.seed, "forgery", &[training_round_id, miner as u64]);
            (miner, forgery.forge(&view, &mut rng))
        };
        self.byzantine.iter().map(forge).collect()
    }
}

/// Trains `rounds` rounds and returns the accuracy after each.
///
/// `aggregate` gets the updates of a round in order of the miners' index and answers with the aggregate.
/// Updates whose delivery is refused on any network (a wrong CID, a malformed file) do not arrive. An
/// aggregate of another length or with a non-finite value is not applied.
pub fn run(
    federation: &Federation,
    forgery: Option<&dyn Forgery>,
    rounds: u64,
    mut aggregate: impl FnMut(&[MinerUpdate]) -> Vec<f32>,
) -> Vec<f64> {
    let delivery = forgery.map_or(Delivery::Proper, Forgery::delivery);
    let arrives = matches!(delivery, Delivery::Proper | Delivery::Unregistered);
    let mut adapters = federation.initial_adapters();
    let mut accuracies = Vec::new();
    for round in 1..=rounds {
        let mut updates = federation.updates(&adapters, round, forgery);
        updates.retain(|update| arrives || !federation.byzantine.contains(&update.miner));
        let aggregate = aggregate(&updates);
        if let Some(applied) = adapters.apply(&aggregate, federation.settings.server_learning_rate) {
            adapters = applied;
        }
        accuracies.push(federation.accuracy(&adapters));
    }
    accuracies
}

fn choose_byzantine(seed: u64, miners: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..miners).collect();
    shuffle(&mut stream(seed, "byzantine", &[miners as u64]), &mut order);
    order.truncate(count);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::super::attacks::Attack;
    use super::*;

    const ROUNDS: u64 = 10;

    fn mean(updates: &[MinerUpdate]) -> Vec<f32> {
        by_coordinate(updates, |column| column.iter().sum::<f64>() / column.len() as f64)
    }

    fn median(updates: &[MinerUpdate]) -> Vec<f32> {
        by_coordinate(updates, |column| {
            column.sort_by(f64::total_cmp);
            let (low, high) = (column[(column.len() - 1) / 2], column[column.len() / 2]);
            (low + high) / 2.0
        })
    }

    fn by_coordinate(updates: &[MinerUpdate], rule: impl Fn(&mut [f64]) -> f64) -> Vec<f32> {
        let column = |index| updates.iter().map(|update| f64::from(update.values[index])).collect::<Vec<_>>();
        (0..updates[0].values.len()).map(|index| rule(&mut column(index)) as f32).collect()
    }

    fn federation(seed: u64, byzantine: usize) -> Federation {
        Federation::new(seed, 12, byzantine, TrainingSettings::default()).unwrap()
    }

    #[test]
    fn the_median_withstands_sign_flips_and_the_average_does_not() {
        for seed in [7, 11] {
            let (good, attacked) = (federation(seed, 0), federation(seed, 3));
            let average = run(&good, None, ROUNDS, mean);
            let honest = run(&good, None, ROUNDS, median);
            let robust = run(&attacked, Some(&Attack::SignFlip), ROUNDS, median);
            let naive = run(&attacked, Some(&Attack::SignFlip), ROUNDS, mean);
            for accuracies in [&average, &honest] {
                assert!(accuracies[9] >= 0.88, "seed {seed}: {accuracies:?}");
                assert!(accuracies[9] >= accuracies[0] + 0.05, "seed {seed}: {accuracies:?}");
            }
            assert!((robust[9] - honest[9]).abs() <= 0.03, "seed {seed}: {robust:?} and {honest:?}");
            assert!(naive[9] <= average[9] - 0.10, "seed {seed}: {naive:?} and {average:?}");
        }
    }

    #[test]
    fn updates_do_not_depend_on_the_number_of_threads() {
        let federation = federation(3, 2);
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| federation.updates(&federation.initial_adapters(), 1, Some(&Attack::ScaledNoise)))
        };
        assert_eq!(with_threads(1), with_threads(4));
    }

    #[test]
    fn byzantine_miners_follow_from_the_seed() {
        assert_eq!(federation(7, 3).byzantine(), federation(7, 3).byzantine());
        let chosen: Vec<Vec<usize>> = (0..20).map(|seed| federation(seed, 3).byzantine).collect();
        assert!(
            chosen.iter().all(|chosen| chosen.len() == 3 && chosen.windows(2).all(|pair| pair[0] < pair[1]))
        );
        assert!(chosen.iter().any(|other| *other != chosen[0]));
    }

    #[test]
    fn what_cannot_arrive_does_not_arrive() {
        let federation = federation(2, 3);
        let mut counts = Vec::new();
        for attack in &Attack::ALL {
            run(&federation, Some(attack), 1, |updates| {
                counts.push(updates.len());
                Vec::new()
            });
        }
        assert_eq!(counts, [12, 12, 12, 9, 12, 9]);
    }
}
