use std::path::{Path, PathBuf};

use bytes::Bytes;
use cid::Cid;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::kubo::{Kubo, json_lines, parse_cid};
use crate::kubo_error::KuboError;
use crate::settings::CidSettings;

/// What to add: bytes, or a file that is streamed.
#[derive(Clone, Debug)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file, read while it is sent.
    Path(PathBuf),
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<PathBuf> for Content {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Content {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

/// What the node made of an added file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The root's CID, as the node computed it.
    pub cid: Cid,
    /// Bytes of all blocks of the DAG.
    pub total_size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    hash: Option<String>,
    size: Option<String>,
}

impl Kubo {
    /// Adds and pins a file. Every parameter that the CID depends on is stated, so that the node's own
    /// profile has no say. The caller compares the CID with its own.
    ///
    /// # Errors
    /// When the file cannot be read, the node cannot be reached, refuses, or answers with no CID.
    pub async fn add(
        &self,
        content: impl Into<Content> + Send,
        settings: &CidSettings,
    ) -> Result<Added, KuboError> {
        const CALL: &str = "add";
        let part = part(content.into()).await?;
        let version = match settings.version() {
            cid::Version::V0 => "0",
            cid::Version::V1 => "1",
        };
        let query = [
            ("cid-version", version.to_owned()),
            ("raw-leaves", settings.raw_leaves().to_string()),
            ("chunker", format!("size-{}", settings.chunk_size())),
            // Known to Kubo since 0.35; older nodes ignore it and always use 174.
            ("max-file-links", settings.max_links().to_string()),
            ("hash", "sha2-256".to_owned()),
            ("trickle", "false".to_owned()),
            ("inline", "false".to_owned()),
            ("pin", "true".to_owned()),
            ("progress", "false".to_owned()),
            ("wrap-with-directory", "false".to_owned()),
        ];
        let request = self.request(CALL, &query)?.multipart(Form::new().part("file", part));
        let answer = self.send(CALL, request.timeout(self.timeouts().add), self.timeouts().add).await?;
        let body = self.body(CALL, answer, 1 << 20, self.timeouts().add).await?;
        let expected = "one JSON object with Name, Hash and Size";
        let line = json_lines::<Line>(CALL, &body, expected)?
            .into_iter()
            .rfind(|line| line.hash.is_some())
            .ok_or_else(|| KuboError::Unexpected {
            operation: CALL,
            found: "no hash".into(),
            expected,
        })?;
        Ok(Added {
            cid: parse_cid(CALL, line.hash.as_deref().unwrap_or_default())?,
            total_size: line.size.and_then(|size| size.parse().ok()).unwrap_or_default(),
        })
    }
}

async fn part(content: Content) -> Result<Part, KuboError> {
    Ok(match content {
        Content::Bytes(bytes) => {
            let length = bytes.len() as u64;
            Part::stream_with_length(bytes, length)
        }
        Content::Path(path) => {
            let unreadable = |source| KuboError::Read { path: path.display().to_string(), source };
            let file = tokio::fs::File::open(&path).await.map_err(unreadable)?;
            let metadata = file.metadata().await.map_err(unreadable)?;
            if !metadata.is_file() {
                return Err(unreadable(std::io::Error::other("it is not a regular file")));
            }
            let stream = ReaderStream::with_capacity(file, 256 * 1024);
            Part::stream_with_length(reqwest::Body::wrap_stream(stream), metadata.len())
        }
    }
    .file_name("file"))
}
