//! Measured tables within documents that people write.

use std::fs;

use anyhow::{Context, Result};

use crate::step::root;

/// What stands between these lines is measured; the rest of the document is not touched.
const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->\n";

/// Replaces the measured part of a document, and shows it.
pub(crate) fn write(document: &str, measured: &str) -> Result<()> {
    let path = root().join(document);
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {document}"))?;
    let replaced = replace(&text, measured)
        .with_context(|| format!("{document} has no lines `{}` and `{}`", BEGIN.trim(), END.trim()))?;
    fs::write(&path, replaced).with_context(|| format!("failed to write {document}"))?;
    println!("{measured}\nwritten to {document}");
    Ok(())
}

fn replace(text: &str, measured: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}\n{END}{after}", measured.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_measured_part_is_replaced_and_twice_is_as_once() {
        let text = format!("# Title\n{BEGIN}old\n{END}Reading.\n");
        let once = replace(&text, "new\n\n").unwrap();
        assert_eq!(once, format!("# Title\n{BEGIN}new\n{END}Reading.\n"));
        assert_eq!(replace(&once, "new").unwrap(), once);
        assert_eq!(replace("no such lines", "new"), None);
    }

    #[test]
    fn the_documents_have_their_places() {
        for document in ["crates/aggregate/BENCH.md", "crates/aggregate/ATTACKS.md"] {
            let text = fs::read_to_string(root().join(document)).unwrap();
            assert!(replace(&text, "").is_some(), "{document} has no place for its tables");
        }
    }
}
