//! The versions of stored documents.

use crate::document::Leaf;
use crate::error::Problems;
use crate::value::Value;

/// A kind of stored document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Settings,
    Network,
}

impl Format {
    /// The version that this program writes. It reads all from 1 to this one.
    pub(crate) const fn version(self) -> i64 {
        match self {
            Format::Settings => 1,
            Format::Network => 1,
        }
    }
}

/// Takes the version out of a document's leaves; without one that we know, nothing else in it can be judged.
pub(crate) fn check_version(format: Format, mut leaves: Vec<Leaf>) -> Result<Vec<Leaf>, Problems> {
    let current = format.version();
    let mut problems = Problems::default();
    let Some(at) = leaves.iter().position(|leaf| leaf.key == "version") else {
        problems.push("version", None, format!("is missing, must be {current}"));
        return problems.or(leaves);
    };
    let Leaf { line, value, .. } = leaves.remove(at);
    match value {
        Ok(Value::Integer(version)) if (1..=current).contains(&version) => {}
        Ok(Value::Integer(version)) if version > current => {
            let text = format!("must be at most {current}, is {version}: written by a newer release");
            problems.push("version", Some(line), text);
        }
        Ok(Value::Integer(version)) => {
            problems.push("version", Some(line), format!("must be at least 1, is {version}"))
        }
        Ok(_) | Err(_) => problems.push("version", Some(line), "must be a whole number"),
    }
    problems.or(leaves)
}
