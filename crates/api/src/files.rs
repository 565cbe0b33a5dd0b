//! Work on gradient files without any network.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use r3mes_aggregate::{Method, ParseMethodError, Standing, Tolerance, combined_weights};
use r3mes_engine::{AggregationError, AggregationInput};
use r3mes_gradient::{Container, Gradient, Kind, Layout, Limits, ReadError, TensorStatistics};
use r3mes_ipfs::CidSettings;
use serde::Serialize;

/// The names of all aggregation methods.
pub const METHODS: &[&str] = Method::NAMES;

/// Everything that can be said of one gradient file.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Which of the three containers.
    pub container: Container,
    /// Gradients, or weights, which are never aggregated with gradients.
    pub kind: Kind,
    /// The tensors, in name order.
    pub tensors: Vec<InspectedTensor>,
    /// Number of values of all tensors.
    pub elements: u64,
    /// The chain's `gradient_hash`.
    pub gradient_hash_int8: String,
    /// The hash over the values themselves.
    pub gradient_hash_float32: String,
    /// The CID of the file as `add` with version 0 gives it.
    pub cid_v0: String,
    /// The CID of the file as `add` with version 1 and raw leaves gives it.
    pub cid_v1: String,
    /// L2 norm over the finite values.
    pub l2_norm: f64,
    /// Largest magnitude.
    pub max_abs: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean value.
    pub mean: f64,
    /// Share of values that are zero, 0 to 1.
    pub zero_share: f64,
    /// Values that are NaN, infinite, or too large for a binary32.
    pub non_finite: u64,
    /// The training samples that the miner reports.
    pub sample_count: Option<u64>,
    /// What else the container carries.
    pub metadata: BTreeMap<String, String>,
}

/// One tensor of an [`Inspection`].
#[derive(Clone, Debug, Serialize)]
pub struct InspectedTensor {
    /// The parameter's name.
    pub name: String,
    /// The length of each dimension.
    pub shape: Vec<u64>,
    /// The format of the values: `F64`, `F32`, `F16` or `BF16`.
    pub dtype: String,
    /// L2 norm over the finite values.
    pub l2_norm: f64,
    /// Values that are not finite.
    pub non_finite: u64,
}

/// Reads one gradient file, without trusting a byte of it.
///
/// # Errors
/// When it is no regular file, or no gradient container within the limits.
pub fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let gradient = Gradient::open(path, &Limits::default()).map_err(failed)?;
    let summary = gradient.summary();
    let statistics = &summary.statistics;
    let cid = |settings| -> Result<String, FileError> {
        let file = fs::File::open(path).map_err(|error| failed(error.into()))?;
        let cid = r3mes_ipfs::cid_of_reader(file, &settings).map_err(|error| failed(error.into()))?;
        Ok(cid.0.to_string())
    };
    Ok(Inspection {
        file: path.to_owned(),
        bytes: fs::metadata(path).map_err(|error| failed(error.into()))?.len(),
        container: gradient.container(),
        kind: gradient.kind(),
        tensors: inspected(&gradient.layout(), &summary.tensors),
        elements: statistics.elements,
        gradient_hash_int8: summary.hash_int8.clone(),
        gradient_hash_float32: summary.hash_float32.clone(),
        cid_v0: cid(CidSettings::v0())?,
        cid_v1: cid(CidSettings::default())?,
        l2_norm: statistics.l2_norm,
        max_abs: statistics.max_abs,
        min: statistics.min,
        max: statistics.max,
        mean: statistics.mean,
        zero_share: statistics.zero_share,
        non_finite: statistics.non_finite,
        sample_count: gradient.sample_count(),
        metadata: gradient.metadata().clone(),
    })
}

fn inspected(layout: &Layout, statistics: &[TensorStatistics]) -> Vec<InspectedTensor> {
    layout
        .tensors()
        .iter()
        .zip(statistics)
        .map(|(tensor, found)| InspectedTensor {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
            dtype: tensor.dtype.to_string(),
            l2_norm: found.statistics.l2_norm,
            non_finite: found.statistics.non_finite,
        })
        .collect()
}

/// Samples, reputation and quality of each file.
#[derive(Clone, Debug, Default)]
pub struct StandingRequest {
    /// Training samples.
    pub samples: Option<Vec<f64>>,
    /// Reputation, 0 to 1.
    pub reputation: Option<Vec<f64>>,
    /// Quality, 0 to 1.
    pub quality: Option<Vec<f64>>,
}

impl StandingRequest {
    /// The combined weights of `files` files; none if nothing was given.
    fn weights(&self, files: usize) -> Result<Option<Vec<f64>>, FileError> {
        let lists =
            [("--samples", &self.samples), ("--reputation", &self.reputation), ("--quality", &self.quality)];
        for (option, list) in lists {
            if let Some(list) = list.as_ref().filter(|list| list.len() != files) {
                let found = list.len();
                return Err(FileError::Request(format!(
                    "{option} has {found} values for {files} files; give one a file"
                )));
            }
        }
        if lists.iter().all(|(_, list)| list.is_none()) {
            return Ok(None);
        }
        let at = |list: &Option<Vec<f64>>, file: usize| list.as_ref().map_or(1.0, |list| list[file]);
        let standings: Vec<Standing> = (0..files)
            .map(|file| Standing {
                samples: at(&self.samples, file),
                reputation: at(&self.reputation, file),
                quality: at(&self.quality, file),
            })
            .collect();
        combined_weights(&standings).map(Some).map_err(|error| FileError::Request(error.to_string()))
    }
}

/// What to aggregate, and how.
#[derive(Clone, Debug)]
pub struct AggregateRequest {
    /// The method, in kebab case, parameters in parentheses.
    pub method: String,
    /// One weight a file, for the weighted methods.
    pub weights: Option<Vec<f64>>,
    /// What weights are combined of instead, one value a file each; what is left out counts as 1 throughout.
    pub standing: StandingRequest,
    /// The share to trim from each end, or to tolerate.
    pub trim: Option<f64>,
    /// The files, in the order of participants.
    pub files: Vec<PathBuf>,
    /// Where the aggregate goes.
    pub output: PathBuf,
}

/// The aggregate that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Aggregated {
    /// The method with its parameters.
    pub method: String,
    /// How many files took part.
    pub participants: usize,
    /// The weights, where the method has any.
    pub weights: Option<Vec<f64>>,
    /// The file written.
    pub output: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its CID, version 1.
    pub cid: String,
    /// Number of values.
    pub elements: u64,
}

/// Aggregates gradient files into a safetensors file, by the same code as a round.
///
/// # Errors
/// When the request does not fit together, a file cannot be read, or the output cannot be written.
pub fn aggregate(request: &AggregateRequest) -> Result<Aggregated, FileError> {
    let mut method: Method = request.method.parse()?;
    if let Some(ratio) = request.trim {
        if !(0.0..0.5).contains(&ratio) {
            return Err(FileError::Request(format!(
                "--trim is a share from each end: at least 0 and below 0.5, not {ratio}"
            )));
        }
        let trimmed = method.clone().with_tolerance(Tolerance::Ratio(ratio));
        // Two different shares change every method that has one.
        if trimmed == method.clone().with_tolerance(Tolerance::Ratio(if ratio == 0.25 { 0.2 } else { 0.25 }))
        {
            return Err(FileError::Request(format!("{method} trims nothing; leave --trim out")));
        }
        method = trimmed;
    }
    let weights = weights(&method, request)?;
    let inputs: Vec<AggregationInput> = request
        .files
        .iter()
        .enumerate()
        .map(|(index, path)| AggregationInput {
            id: index as u64,
            weight: weights.as_ref().map_or(1.0, |weights| weights[index]),
            path: path.clone(),
        })
        .collect();
    let written = r3mes_engine::aggregate_files(&method, &inputs, &Limits::default(), &request.output)?;
    Ok(Aggregated {
        method: method.to_string(),
        participants: inputs.len(),
        weights,
        output: request.output.clone(),
        bytes: written.bytes,
        cid: written.cid.to_string(),
        elements: written.elements,
    })
}

/// The weights of the files: as given, or the sample counts that federated averaging weighs by.
fn weights(method: &Method, request: &AggregateRequest) -> Result<Option<Vec<f64>>, FileError> {
    let combined = request.standing.weights(request.files.len())?;
    if combined.is_some() && request.weights.is_some() {
        return Err(FileError::Request(
            "--weights are the weights themselves; leave out --samples, --reputation and --quality"
                .to_owned(),
        ));
    }
    if let Some(weights) = combined.as_ref().or(request.weights.as_ref()) {
        if !method.is_weighted() {
            return Err(FileError::Request(format!(
                "{method} has no weights; leave --weights out, or use weighted-average"
            )));
        }
        if weights.len() != request.files.len() {
            return Err(FileError::Request(format!(
                "--weights has {} values for {} files; give one a file",
                weights.len(),
                request.files.len()
            )));
        }
        return Ok(Some(weights.clone()));
    }
    match method {
        Method::FedAvg { .. } => {
            request.files.iter().map(|path| sample_count(path)).collect::<Result<_, _>>().map(Some)
        }
        method if method.is_weighted() => {
            Err(FileError::Request(format!("{method} wants weights; give --weights with one value a file")))
        }
        _ => Ok(None),
    }
}

fn sample_count(path: &Path) -> Result<f64, FileError> {
    let gradient = Gradient::open(path, &Limits::default())
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let count = gradient.sample_count().ok_or_else(|| {
        FileError::Request(format!(
            "{} carries no sample count in its metadata; give the counts with --weights",
            path.display()
        ))
    })?;
    Ok(count as f64)
}

/// Why files could not be worked on. One line each.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file cannot be read as a gradient.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// No method has that name.
    #[error(transparent)]
    Method(#[from] ParseMethodError),
    /// The request does not fit together.
    #[error("{0}")]
    Request(String),
    /// The files could not be aggregated.
    #[error(transparent)]
    Aggregation(#[from] AggregationError),
}
