use std::path::{Path, PathBuf};

use bytes::Bytes;
use cid::Cid;
use futures::{Stream, TryStreamExt};
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::fetch::Progress;
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
        self.add_with(content, settings, |_| {}).await
    }

    /// [`add`](Self::add), telling how far it is after each piece that is sent.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub async fn add_with(
        &self,
        content: impl Into<Content> + Send,
        settings: &CidSettings,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Added, KuboError> {
        const CALL: &str = "add";
        let part = part(content.into(), progress).await?;
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

    /// Gives the node blocks that it has not seen, as a CAR file, and pins its root. The node checks each
    /// block against its CID.
    ///
    /// # Errors
    /// When the file cannot be read, or the node refuses it or cannot pin its root.
    pub async fn import(&self, car: &Path) -> Result<(), KuboError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Line {
            root: Option<Root>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Root {
            #[serde(default)]
            pin_error_msg: String,
        }
        const CALL: &str = "dag/import";
        let part = part(Content::Path(car.to_owned()), |_| {}).await?;
        let request =
            self.request(CALL, &[("pin-roots", "true".into())])?.multipart(Form::new().part("file", part));
        let answer = self.send(CALL, request.timeout(self.timeouts().add), self.timeouts().add).await?;
        let body = self.body(CALL, answer, 1 << 20, self.timeouts().add).await?;
        let expected = "a JSON object with Root";
        let root = json_lines::<Line>(CALL, &body, expected)?.into_iter().find_map(|line| line.root);
        match root {
            Some(root) if root.pin_error_msg.is_empty() => Ok(()),
            Some(root) => Err(KuboError::Refused { operation: CALL, message: root.pin_error_msg, code: 0 }),
            None => Err(KuboError::Unexpected { operation: CALL, found: "no root".into(), expected }),
        }
    }
}

/// Bytes that are handed over at once, and that progress is told after.
const PIECE: usize = 256 * 1024;

async fn part(content: Content, progress: impl FnMut(Progress) + Send + 'static) -> Result<Part, KuboError> {
    Ok(match content {
        Content::Bytes(bytes) => {
            let of = bytes.len() as u64;
            let pieces: Vec<Bytes> = (0..bytes.len())
                .step_by(PIECE)
                .map(|at| bytes.slice(at..bytes.len().min(at + PIECE)))
                .collect();
            let pieces = futures::stream::iter(pieces.into_iter().map(std::io::Result::Ok));
            Part::stream_with_length(reqwest::Body::wrap_stream(told(pieces, of, progress)), of)
        }
        Content::Path(path) => {
            let unreadable = |source| KuboError::Read { path: path.display().to_string(), source };
            let file = tokio::fs::File::open(&path).await.map_err(unreadable)?;
            let metadata = file.metadata().await.map_err(unreadable)?;
            if !metadata.is_file() {
                return Err(unreadable(std::io::Error::other("it is not a regular file")));
            }
            let of = metadata.len();
            let stream = told(ReaderStream::with_capacity(file, PIECE), of, progress);
            Part::stream_with_length(reqwest::Body::wrap_stream(stream), of)
        }
    }
    .file_name("file"))
}

/// The same pieces; `progress` hears of each that is taken.
fn told<S: Stream<Item = std::io::Result<Bytes>>>(
    pieces: S,
    of: u64,
    mut progress: impl FnMut(Progress),
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let mut bytes = 0;
    pieces.inspect_ok(move |piece| {
        bytes += piece.len() as u64;
        progress(Progress { bytes, of });
    })
}
