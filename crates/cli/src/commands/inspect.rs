use r3mes_api::files::{self, Inspection};

use super::{Failure, output};
use crate::arguments::Inspect;
use crate::table;

/// Inspects every file; those that cannot be read are named at the end, with exit code 2.
pub(crate) fn run(command: &Inspect, json: bool) -> Result<(), Failure> {
    let mut refused = Vec::new();
    for path in &command.files {
        match files::inspect(path) {
            Ok(inspection) if json => output::json(&inspection)?,
            Ok(inspection) => output::line(describe(&inspection))?,
            Err(error) => refused.push(error.to_string()),
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::input(refused)) }
}

fn describe(found: &Inspection) -> String {
    let rows: Vec<Vec<String>> = found
        .tensors
        .iter()
        .map(|tensor| {
            vec![
                tensor.name.clone(),
                tensor.dtype.clone(),
                format!("{:?}", tensor.shape),
                format!("{:.6}", tensor.l2_norm),
                tensor.non_finite.to_string(),
            ]
        })
        .collect();
    let samples = found.sample_count.map_or("not stated".to_owned(), |count| count.to_string());
    let metadata: String = found.metadata.iter().map(|(key, value)| format!("\n  {key}: {value}")).collect();
    format!(
        "{}\n  {} of {} values in {} tensors, {} bytes\n\n{}\n\n\
         L2 norm        {:.9}\n\
         range          {} to {}, mean {:.6e}\n\
         zeros          {:.2} %\n\
         not finite     {}\n\
         samples        {samples}\n\
         gradient_hash  {}\n\
         float32 hash   {}\n\
         CID version 1  {}\n\
         CID version 0  {}{}{metadata}\n",
        found.file.display(),
        format_args!("{} ({})", found.kind, found.container),
        found.elements,
        found.tensors.len(),
        found.bytes,
        table::render(&["tensor", "dtype", "shape", "L2 norm", "not finite"], &rows),
        found.l2_norm,
        found.min,
        found.max,
        found.mean,
        found.zero_share * 100.0,
        found.non_finite,
        found.gradient_hash_int8,
        found.gradient_hash_float32,
        found.cid_v1,
        found.cid_v0,
        if metadata.is_empty() { "" } else { "\nmetadata" },
    )
}
