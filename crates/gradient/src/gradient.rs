use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use crate::container::{Container, Kind};
use crate::error::ReadError;
use crate::layout::{Layout, TensorLayout};
use crate::limits::Limits;
use crate::package::{self, PackageFields};
use crate::pickle;
use crate::safetensors;
use crate::source;
use crate::summary::{Statistics, Summary};
use crate::tensor::{Tensor, TensorView};

/// A gradient file: its tensors and metadata, whatever container they came in.
///
/// The tensors of a safetensors file, and of a GradientPackage whose floats are contiguous, are views of
/// the mapped file. Cloning is cheap for them: the backing is shared.
#[derive(Clone, Debug)]
pub struct Gradient {
    container: Container,
    content: Content,
}

/// What every reader gives.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) kind: Kind,
    /// In name order, each name once.
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) package: Option<PackageFields>,
}

impl Gradient {
    /// Maps and reads a file.
    ///
    /// The file stays mapped while the gradient lives: nobody may truncate or rewrite it meanwhile.
    ///
    /// # Errors
    /// [`ReadError`]; its [`is_malformed`](ReadError::is_malformed) tells a fault of the bytes from
    /// trouble with the file system.
    pub fn open(path: &Path, limits: &Limits) -> Result<Gradient, ReadError> {
        Gradient::read(source::map(path, limits)?, limits)
    }

    /// Reads a file that is in memory already.
    ///
    /// # Errors
    /// [`ReadError`], always malformed.
    pub fn from_vec(bytes: Vec<u8>, limits: &Limits) -> Result<Gradient, ReadError> {
        Gradient::read(source::take(bytes, limits)?, limits)
    }

    fn read(file: Bytes, limits: &Limits) -> Result<Gradient, ReadError> {
        let Some(container) = Container::detect(&file) else {
            let opening = &file[..file.len().min(8)];
            return Err(ReadError::UnknownContainer(hex::encode(opening)));
        };
        let content = match container {
            Container::Safetensors => safetensors::read(&file, limits),
            Container::GradientPackage => package::read(&file, limits),
            Container::Pickle => pickle::read(&file, limits),
        };
        let content = content.map_err(|fault| fault.in_container(container))?;
        Ok(Gradient { container, content })
    }

    /// The format that the file has.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Whether the file holds an update or weights.
    pub fn kind(&self) -> Kind {
        self.content.kind
    }

    /// The tensors, in name order (the byte order of the UTF-8 names).
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = TensorView<'_>> + Clone {
        self.content.tensors.iter().map(Tensor::view)
    }

    /// The metadata. Numbers are written as Python writes them.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.content.metadata
    }

    /// What a GradientPackage states beside tensors and metadata; `None` for the other containers.
    pub fn package_fields(&self) -> Option<&PackageFields> {
        self.content.package.as_ref()
    }

    /// Names, shapes and dtypes.
    pub fn layout(&self) -> Layout {
        let tensors = self
            .tensors()
            .map(|tensor| TensorLayout {
                name: tensor.name.to_owned(),
                shape: tensor.shape.to_vec(),
                dtype: tensor.dtype,
            })
            .collect();
        Layout { tensors }
    }

    /// The number of samples that the miner says it trained on, from the first of these metadata keys
    /// that holds a whole number: `num_samples`, `num_examples`, `sample_count`, `samples`.
    ///
    /// The number is the miner's own word: cap it before it becomes a weight. `training_step`, which
    /// R3MES miners send, is not among the keys: it counts optimizer steps.
    pub fn sample_count(&self) -> Option<u64> {
        const KEYS: [&str; 4] = ["num_samples", "num_examples", "sample_count", "samples"];
        KEYS.iter().find_map(|key| self.content.metadata.get(*key)?.trim().parse().ok())
    }

    /// Hashes and statistics, in one pass over the values.
    pub fn summary(&self) -> Summary {
        Summary::of(self.tensors())
    }

    /// `gradient_hash` as the network defines it, lower-case hex: see [`Summary::hash_int8`].
    pub fn hash_int8(&self) -> String {
        self.summary().hash_int8
    }

    /// The float32 form of `gradient_hash`, lower-case hex: see [`Summary::hash_float32`].
    pub fn hash_float32(&self) -> String {
        self.summary().hash_float32
    }

    /// Statistics over all tensors. [`Gradient::summary`] has them for each tensor too.
    pub fn statistics(&self) -> Statistics {
        self.summary().statistics
    }
}
