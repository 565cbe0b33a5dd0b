//! From gradient files to one aggregate file: what a round does, and what anybody can do again.
//!
//! The bytes of the result, and so its CID, follow from the inputs, their ids and weights and the
//! method alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use r3mes_aggregate::{AggregateError, Method, Options, Preparation, Update};
use r3mes_gradient::{Container, DType, Gradient, Kind, Layout, Limits, ReadError, TensorView};
use r3mes_ipfs::{Cid, CidHasher, CidSettings};

use crate::home::{temporary_in, write_durably};
use crate::similarity;

/// One gradient file that takes part.
#[derive(Clone, Debug)]
pub struct AggregationInput {
    /// Its place in the order of participants.
    pub id: u64,
    /// Its weight; without effect on methods that have none.
    pub weight: f64,
    /// The file, in any container.
    pub path: PathBuf,
}

/// The aggregate, written.
#[derive(Clone, Debug)]
pub struct AggregateFile {
    /// The CID under which IPFS will know it: version 1, raw leaves, 256 KiB chunks, 174 links.
    pub cid: Cid,
    /// The file's size.
    pub bytes: u64,
    /// Number of values.
    pub elements: u64,
    /// The cosine of the angle between each input and the aggregate, by the input's id; without those that have none.
    pub similarities: Vec<(u64, f64)>,
}

/// Aggregates files into a safetensors file at `output`: tensors in name order, F32, no metadata.
///
/// Inputs are mapped, not loaded. A pickle cannot be mapped, so it is unpacked into a temporary file
/// beside `output` first, one at a time: memory does not grow with the number of inputs.
///
/// # Errors
/// When a file cannot be read or does not fit the others, or the method refuses the inputs.
pub fn aggregate_files(
    method: &Method,
    inputs: &[AggregationInput],
    limits: &Limits,
    output: &Path,
) -> Result<AggregateFile, AggregationError> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Arrivals::new(method, limits, folder).aggregate(inputs, output)
}

/// The gradients of a round as they arrive, mapped, unpacked and prepared for the method, so that closing the
/// round costs only what must wait for it.
#[derive(Debug)]
pub(crate) struct Arrivals {
    preparation: Preparation,
    limits: Limits,
    /// Where pickles are unpacked.
    folder: PathBuf,
    gradients: BTreeMap<u64, Gradient>,
}

impl Arrivals {
    pub(crate) fn new(method: &Method, limits: &Limits, folder: &Path) -> Self {
        let (limits, folder) = (limits.clone(), folder.to_owned());
        Arrivals { preparation: Preparation::new(method), limits, folder, gradients: BTreeMap::new() }
    }

    pub(crate) fn method(&self) -> &Method {
        self.preparation.method()
    }

    /// Takes a gradient in, unless it is there already. One that cannot be prepared is as if it had not come:
    /// whether it takes part, and what is wrong with it then, is for the closing of the round to say.
    pub(crate) fn arrive(&mut self, input: &AggregationInput) -> Result<(), AggregationError> {
        if self.gradients.contains_key(&input.id) {
            return Ok(());
        }
        let gradient = self.map(input)?;
        if gradient.kind() != Kind::Gradient {
            return Err(AggregationError::Weights { path: input.path.clone() });
        }
        let layout = gradient.layout();
        let mut present: Vec<Update<'_>> = self
            .gradients
            .iter()
            .filter(|(_, other)| same_shapes(&other.layout(), &layout))
            .map(|(id, other)| update(*id, 1.0, other))
            .collect();
        present.push(update(input.id, input.weight, &gradient));
        self.preparation.arrived(&present, &Options::default())?;
        drop(present);
        self.gradients.insert(input.id, gradient);
        Ok(())
    }

    /// Closes the round: as [`aggregate_files`], with what has arrived before read no second time where the
    /// method lets it.
    pub(crate) fn aggregate(
        mut self,
        inputs: &[AggregationInput],
        output: &Path,
    ) -> Result<AggregateFile, AggregationError> {
        for input in inputs {
            if !self.gradients.contains_key(&input.id) {
                let gradient = self.map(input)?;
                self.gradients.insert(input.id, gradient);
            }
        }
        let gradients: Vec<(&AggregationInput, &Gradient)> =
            inputs.iter().filter_map(|input| Some((input, self.gradients.get(&input.id)?))).collect();
        let (first_input, first) = *gradients.first().ok_or(AggregationError::NoInputs)?;
        let layout = first.layout();
        for (input, gradient) in &gradients {
            if gradient.kind() != Kind::Gradient {
                return Err(AggregationError::Weights { path: input.path.clone() });
            }
            if !same_shapes(&gradient.layout(), &layout) {
                let difference = gradient.layout().difference(&layout);
                return Err(AggregationError::Layout {
                    path: input.path.clone(),
                    first: first_input.path.clone(),
                    difference: difference.map(|difference| difference.to_string()).unwrap_or_default(),
                });
            }
        }
        let updates: Vec<Update<'_>> =
            gradients.iter().map(|(input, gradient)| update(input.id, input.weight, gradient)).collect();
        let mut values = vec![0.0; updates[0].len()];
        self.preparation.close(&updates, &Options::default(), &mut values)?;
        drop(updates);
        let similarities = gradients
            .iter()
            .filter_map(|(input, gradient)| Some((input.id, similarity::cosine(gradient, &values)?)))
            .collect();
        Ok(AggregateFile { similarities, ..write_aggregate(&mut values, first, output)? })
    }

    fn map(&self, input: &AggregationInput) -> Result<Gradient, AggregationError> {
        map(&input.path, &self.limits, &self.folder)
            .map_err(|source| AggregationError::Read { path: input.path.clone(), source })
    }
}

fn update(id: u64, weight: f64, gradient: &Gradient) -> Update<'_> {
    let mut update = Update::new(id, weight);
    for tensor in gradient.tensors() {
        update.push(tensor.dtype, tensor.bytes);
    }
    update
}

/// Names and shapes equal; the dtype is converted while it is read.
fn same_shapes(a: &Layout, b: &Layout) -> bool {
    let (a, b) = (a.tensors(), b.tensors());
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && a.shape == b.shape)
}

fn map(path: &Path, limits: &Limits, folder: &Path) -> Result<Gradient, ReadError> {
    let gradient = Gradient::open(path, limits)?;
    if gradient.container() != Container::Pickle {
        return Ok(gradient);
    }
    let mut unpacked = temporary_in(folder)?;
    let tensors: Vec<TensorView<'_>> = gradient.tensors().collect();
    let mut writer = BufWriter::new(unpacked.as_file_mut());
    r3mes_gradient::write_safetensors(&mut writer, &tensors, &BTreeMap::new()).map_err(io::Error::other)?;
    writer.flush()?;
    drop(writer);
    let mut decoded = limits.clone();
    decoded.file_bytes = u64::MAX;
    // The map keeps the content alive after the name is gone.
    let mapped = Gradient::open(unpacked.path(), &decoded)?;
    if mapped.kind() == gradient.kind() { Ok(mapped) } else { Ok(gradient) }
}

fn write_aggregate(
    values: &mut [f32],
    like: &Gradient,
    output: &Path,
) -> Result<AggregateFile, AggregationError> {
    for value in values.iter_mut() {
        *value = f32::from_bits(value.to_bits().to_le());
    }
    let values_len = values.len() as u64;
    let bytes: &[u8] = bytemuck::cast_slice(values);
    let mut start = 0;
    let tensors: Vec<TensorView<'_>> = like
        .tensors()
        .map(|tensor| {
            let end = start + tensor.elements() as usize * DType::F32.size();
            let view = TensorView {
                name: tensor.name,
                shape: tensor.shape,
                dtype: DType::F32,
                bytes: &bytes[start..end],
            };
            start = end;
            view
        })
        .collect();
    let mut written = None;
    write_durably(output, |file| {
        let mut writer = Hashing::new(BufWriter::new(&mut *file));
        r3mes_gradient::write_safetensors(&mut writer, &tensors, &BTreeMap::new())
            .map_err(io::Error::other)?;
        written = Some(writer.finish()?);
        Ok(())
    })
    .map_err(|source| AggregationError::Write { path: output.to_owned(), source })?;
    let (cid, bytes) = written.ok_or(AggregationError::NoInputs)?;
    Ok(AggregateFile { cid, bytes, elements: values_len, similarities: Vec::new() })
}

/// Computes the CID of what passes through.
struct Hashing<W> {
    inner: W,
    hasher: CidHasher,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    fn new(inner: W) -> Hashing<W> {
        Hashing { inner, hasher: CidHasher::new(CidSettings::default()), bytes: 0 }
    }

    fn finish(mut self) -> io::Result<(Cid, u64)> {
        self.inner.flush()?;
        Ok((self.hasher.finish(), self.bytes))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether the file at `path` is the one of that CID.
pub(crate) fn file_has_cid(path: &Path, cid: &str) -> bool {
    File::open(path)
        .and_then(|file| r3mes_ipfs::cid_of_reader(file, &CidSettings::default()))
        .is_ok_and(|(found, _)| found.to_string() == cid)
}

/// Why files could not be aggregated.
#[derive(Debug, thiserror::Error)]
pub enum AggregationError {
    /// There is nothing to aggregate.
    #[error("aggregate: no files were given")]
    NoInputs,
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// A file holds weights.
    #[error("{}: holds weights (root `lora_params`), not gradients; they are never aggregated together", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
    },
    /// Two files have different tensors.
    #[error("{}: {difference}, as in {}", path.display(), first.display())]
    Layout {
        /// The file that differs.
        path: PathBuf,
        /// The file that it differs from.
        first: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// The method refuses the inputs.
    #[error(transparent)]
    Method(#[from] AggregateError),
    /// The result cannot be written.
    #[error("write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
