//! A miner's update as the file that it uploads.

use std::collections::BTreeMap;

use r3mes_gradient::{
    Container, DType, Kind, PackageFields, Summary, TensorView, WriteError, write_package, write_pickle,
    write_safetensors,
};

use super::model::TENSORS;
use super::simulation::MinerUpdate;

/// Unix seconds at which the miners' clocks stand before the first round: their packages carry a time, and
/// all that the miners write follows from the seed.
const GENESIS_TIME: i64 = 1_767_225_600;
/// Seconds of the miners' clocks between two rounds.
const ROUND_SECONDS: i64 = 60;

/// A serialised update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The container that `bytes` are in.
    pub container: Container,
    /// The file.
    pub bytes: Vec<u8>,
    /// `gradient_hash` of its tensors, int8 form, lower-case hex.
    pub gradient_hash: String,
}

impl Upload {
    /// Serialises `update`, in the container that is the miner's turn: safetensors, GradientPackage,
    /// pickle, and again by its index.
    ///
    /// The metadata is what R3MES miners write: they put their sample count under `training_step`.
    ///
    /// # Errors
    /// Those of the writers; the digits model's tensors give none.
    pub fn of(
        update: &MinerUpdate,
        address: &str,
        training_round_id: u64,
        learning_rate: f32,
    ) -> Result<Self, WriteError> {
        let bytes = little_endian(&update.values);
        let views = views(&bytes);
        let metadata = BTreeMap::from(
            [
                ("learning_rate", learning_rate.to_string()),
                ("loss", update.loss.to_string()),
                ("num_samples", update.samples.to_string()),
                ("training_step", update.samples.to_string()),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        );
        let gradient_hash = Summary::of(views.iter().copied()).hash_int8;

        let mut file = Vec::new();
        let container = match update.miner % 3 {
            0 => Container::Safetensors,
            1 => Container::GradientPackage,
            _ => Container::Pickle,
        };
        match container {
            Container::Safetensors => write_safetensors(&mut file, &views, &metadata)?,
            Container::GradientPackage => {
                let rounds = i64::try_from(training_round_id).unwrap_or(i64::MAX);
                let fields = PackageFields {
                    training_round_id,
                    miner_address: address.to_owned(),
                    gradient_hash: gradient_hash.clone(),
                    timestamp: GENESIS_TIME.saturating_add(ROUND_SECONDS.saturating_mul(rounds)),
                };
                write_package(&mut file, &views, &metadata, &fields)?;
            }
            Container::Pickle => write_pickle(&mut file, Kind::Gradient, &views, &metadata)?,
        }
        Ok(Self { container, bytes: file, gradient_hash })
    }

    /// Breaks the file as a full disk does: its end is missing.
    #[must_use]
    pub fn cut_short(mut self) -> Self {
        self.bytes.truncate(self.bytes.len() * 2 / 3);
        self
    }
}

/// The global adapters as a safetensors file.
///
/// # Errors
/// Those of the writer; the digits model's tensors give none.
pub(crate) fn model_file(values: &[f32], model_version: &str) -> Result<Vec<u8>, WriteError> {
    let metadata = BTreeMap::from([("model_version".to_owned(), model_version.to_owned())]);
    let mut file = Vec::new();
    write_safetensors(&mut file, &views(&little_endian(values)), &metadata)?;
    Ok(file)
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Cuts flattened values into the model's tensors.
fn views(values: &[u8]) -> Vec<TensorView<'_>> {
    let mut rest = values;
    let view = |(name, shape): &'static (&'static str, [u64; 2])| {
        let (bytes, after) = rest.split_at(4 * (shape[0] * shape[1]) as usize);
        rest = after;
        TensorView { name, shape, dtype: DType::F32, bytes }
    };
    TENSORS.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::super::model::PARAMETERS;
    use super::*;
    use r3mes_gradient::{Gradient, Limits};

    fn update(miner: usize) -> MinerUpdate {
        let values = (0..PARAMETERS).map(|index| (index as f32 - 600.0) / 700.0).collect();
        MinerUpdate { miner, samples: 119, loss: 0.417_617_77, values }
    }

    #[test]
    fn all_containers_hold_the_same_tensors_and_metadata() {
        let read = |miner| {
            let upload = Upload::of(&update(miner), "remes1miner", 3, 0.05).unwrap();
            let gradient = Gradient::from_vec(upload.bytes.clone(), &Limits::default()).unwrap();
            assert_eq!(gradient.container(), upload.container);
            assert_eq!(gradient.kind(), Kind::Gradient);
            assert_eq!(gradient.hash_int8(), upload.gradient_hash);
            assert_eq!(gradient.sample_count(), Some(119));
            assert_eq!(gradient.metadata()["training_step"], "119");
            gradient
        };
        let gradients = [read(0), read(1), read(2)];
        let containers = [Container::Safetensors, Container::GradientPackage, Container::Pickle];
        assert_eq!(gradients.each_ref().map(Gradient::container), containers);
        for gradient in &gradients[1..] {
            assert_eq!(gradient.layout(), gradients[0].layout());
            assert_eq!(gradient.hash_float32(), gradients[0].hash_float32());
            assert_eq!(gradient.metadata(), gradients[0].metadata());
        }
    }

    #[test]
    fn a_file_cut_short_is_malformed_in_every_container() {
        for miner in 0..3 {
            let upload = Upload::of(&update(miner), "remes1miner", 3, 0.05).unwrap().cut_short();
            let error = Gradient::from_vec(upload.bytes, &Limits::default()).unwrap_err();
            assert!(error.is_malformed(), "{error}");
        }
    }

    #[test]
    fn the_model_file_holds_the_adapters() {
        let values = update(0).values;
        let gradient = Gradient::from_vec(model_file(&values, "v4").unwrap(), &Limits::default()).unwrap();
        let read: Vec<u8> = gradient.tensors().flat_map(|tensor| tensor.bytes.to_vec()).collect();
        assert_eq!(read, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
        assert_eq!(gradient.metadata()["model_version"], "v4");
    }
}
