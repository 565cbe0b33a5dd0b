use std::fmt;

use serde::{Deserialize, Serialize};

/// The format of a gradient file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// A JSON header followed by raw tensors.
    Safetensors,
    /// The network's protobuf message `GradientPackage`.
    GradientPackage,
    /// A Python pickle, usually gzipped.
    Pickle,
}

impl Container {
    /// The container whose opening bytes these are. Files that lie about their lengths still count as
    /// what they set out to be, so that the reader of that format can say what is wrong with them.
    pub(crate) fn detect(file: &[u8]) -> Option<Container> {
        const GZIP: [u8; 2] = [0x1f, 0x8b];
        // Tags of GradientPackage's six fields: a message begins with one of them.
        const PACKAGE_TAGS: [u8; 6] = [0x0a, 0x12, 0x18, 0x22, 0x2a, 0x30];

        let first = *file.first()?;
        if file.starts_with(&GZIP) {
            return Some(Container::Pickle);
        }
        // A GradientPackage can have `{` at offset 8 too, where its floats begin; but then the eight
        // bytes before hold tags and lengths, and read as a number far greater than the file.
        let header_len = file.first_chunk::<8>().map(|len| u64::from_le_bytes(*len));
        if let Some(header_len) = header_len
            && file.get(8) == Some(&b'{')
            && (header_len <= file.len() as u64 - 8 || !PACKAGE_TAGS.contains(&first))
        {
            return Some(Container::Safetensors);
        }
        if first == 0x80 && matches!(file.get(1), Some(2..=5)) {
            return Some(Container::Pickle);
        }
        PACKAGE_TAGS.contains(&first).then_some(Container::GradientPackage)
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::Safetensors => "safetensors",
            Container::GradientPackage => "GradientPackage",
            Container::Pickle => "pickle",
        })
    }
}

/// What a file's tensors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An update of a model: what is aggregated.
    Gradient,
    /// The weights themselves (a pickle with root `lora_params`): never aggregated with gradients.
    Weights,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Gradient => "gradient",
            Kind::Weights => "weights",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(Container::detect(b"\x1f\x8b\x08"), Some(Container::Pickle));
        assert_eq!(Container::detect(b"\x80\x05}."), Some(Container::Pickle));
        assert_eq!(Container::detect(b"\x02\0\0\0\0\0\0\0{}"), Some(Container::Safetensors));
        assert_eq!(Container::detect(b"\x0a\x00"), Some(Container::GradientPackage));
        assert_eq!(Container::detect(b"<html>"), None);
        assert_eq!(Container::detect(b""), None);
    }

    #[test]
    fn a_safetensors_header_that_lies_is_still_safetensors() {
        assert_eq!(Container::detect(b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"), Some(Container::Safetensors));
        // 640 = 0x0280, the opening of a protocol 2 pickle.
        assert_eq!(Container::detect(b"\x80\x02\0\0\0\0\0\0{}"), Some(Container::Safetensors));
    }

    #[test]
    fn a_package_whose_first_float_begins_with_a_brace_is_a_package() {
        let file = b"\x0a\x90\x80\x01\x0a\x84\x80\x01{\x00\x00\x00";
        assert_eq!(Container::detect(file), Some(Container::GradientPackage));
    }
}
