use r3mes_api::ApiError;
use r3mes_api::files::{self, AggregateRequest, StandingRequest};

use super::{Failure, output};
use crate::arguments::Aggregate;

/// Aggregates the files and says what was written.
pub(crate) fn run(command: &Aggregate, json: bool) -> Result<(), Failure> {
    let request = AggregateRequest {
        method: command.method.clone(),
        weights: command.weights.clone(),
        standing: StandingRequest {
            samples: command.samples.clone(),
            reputation: command.reputation.clone(),
            quality: command.quality.clone(),
        },
        trim: command.trim,
        files: command.files.clone(),
        output: command.output.clone(),
    };
    let written = files::aggregate(&request).map_err(ApiError::from)?;
    if json {
        return output::json(&written);
    }
    output::line(format!(
        "{} of {} gradients, {} values\n  {} ({} bytes)\n  CID {}",
        written.method,
        written.participants,
        written.elements,
        written.output.display(),
        written.bytes,
        written.cid
    ))
}
