use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use cid::Cid;
use futures::StreamExt;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use url::Url;

use crate::kubo_error::KuboError;
use crate::source::{BlockSource, SourceError};

/// A client of a Kubo node's RPC API, or of anything that speaks it.
///
/// What the node says is not trusted here: blocks are to be checked ([`crate::fetch`] does), and a CID
/// that it computed is to be compared with our own.
#[derive(Clone, Debug)]
pub struct Kubo {
    http: reqwest::Client,
    base: Base,
    timeouts: KuboTimeouts,
}

/// Where a node's RPC is.
#[derive(Clone, Debug)]
enum Base {
    At(Url),
    /// Wherever the node that we run listens now; nowhere while it is down.
    Followed(watch::Receiver<Option<Url>>),
}

/// How long calls may take; the HTTP client beneath them gives up sooner on a node that sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KuboTimeouts {
    /// Calls that the node answers from its own books.
    pub call: Duration,
    /// A block, which the node may have to find in the network first.
    pub block: Duration,
    /// The whole of an upload.
    pub add: Duration,
    /// Pinning, for which the node fetches the whole DAG; collecting garbage; `cat`.
    pub long: Duration,
}

impl Default for KuboTimeouts {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(15),
            block: Duration::from_secs(60),
            add: Duration::from_secs(600),
            long: Duration::from_secs(600),
        }
    }
}

/// `id`: who the node is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NodeId {
    /// Its peer id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Where it can be reached, as multiaddresses.
    #[serde(rename = "Addresses", default, deserialize_with = "null_as_empty")]
    pub addresses: Vec<String>,
    /// Its software.
    #[serde(rename = "AgentVersion", default)]
    pub agent_version: String,
}

/// `version`: what the node runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NodeVersion {
    /// Such as `0.40.1`.
    #[serde(rename = "Version")]
    pub version: String,
    /// The version of its repository's format.
    #[serde(rename = "Repo", default)]
    pub repo: String,
    /// Architecture and operating system.
    #[serde(rename = "System", default)]
    pub system: String,
}

/// `repo/stat`: how full the node's repository is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RepoStat {
    /// Bytes in use.
    #[serde(rename = "RepoSize")]
    pub size: u64,
    /// Bytes above which the node collects garbage, if it was told to.
    #[serde(rename = "StorageMax", default)]
    pub storage_max: u64,
    /// Blocks held.
    #[serde(rename = "NumObjects", default)]
    pub objects: u64,
    /// The repository's folder, on the node's machine.
    #[serde(rename = "RepoPath", default)]
    pub path: String,
}

/// `repo/gc`: what was collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blocks removed.
    pub removed: Vec<Cid>,
    /// What could not be removed, in the node's words.
    pub errors: Vec<String>,
}

/// `block/stat`: a block that the node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockStat {
    /// Its CID.
    pub cid: Cid,
    /// Its bytes.
    pub size: u64,
}

/// A pinned root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The root.
    pub cid: Cid,
    /// `recursive`, `direct` or `indirect`.
    pub mode: String,
}

/// `swarm/peers`: a connected peer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Peer {
    /// Its multiaddress.
    #[serde(rename = "Addr")]
    pub address: String,
    /// Its peer id.
    #[serde(rename = "Peer")]
    pub id: String,
}

const MAX_ANSWER: u64 = 64 << 20;

impl Kubo {
    /// A client of the node whose RPC is at `base`, such as `http://127.0.0.1:5001`.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url) -> Self {
        Self { http, base: Base::At(base), timeouts: KuboTimeouts::default() }
    }

    /// A client of a node that may listen elsewhere after a restart.
    pub(crate) fn following(http: reqwest::Client, api: watch::Receiver<Option<Url>>) -> Self {
        Self { http, base: Base::Followed(api), timeouts: KuboTimeouts::default() }
    }

    /// The same with other time-outs.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: KuboTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The node's address; none while a node of ours is down.
    #[must_use]
    pub fn url(&self) -> Option<Url> {
        match &self.base {
            Base::At(url) => Some(url.clone()),
            Base::Followed(api) => api.borrow().clone(),
        }
    }

    /// The HTTP client, for what else is reached beside the node.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn shown(&self) -> String {
        self.url().map_or_else(|| "a node that is down".to_owned(), |url| url.to_string())
    }

    /// How long calls may take.
    #[must_use]
    pub const fn timeouts(&self) -> &KuboTimeouts {
        &self.timeouts
    }

    /// A block's bytes, as the node gives them: unchecked, but never more than `max_bytes`.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn block_get(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, KuboError> {
        const CALL: &str = "block/get";
        let answer = self.call(CALL, &[("arg", cid.to_string())], self.timeouts.block).await?;
        self.body(CALL, answer, max_bytes, self.timeouts.block).await
    }

    /// Size of a block, which the node fetches if it does not hold it.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn block_stat(&self, cid: &Cid) -> Result<BlockStat, KuboError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            key: String,
            size: u64,
        }
        const CALL: &str = "block/stat";
        let answer: Answer = self
            .json(CALL, &[("arg", cid.to_string())], self.timeouts.block, "an object with Key and Size")
            .await?;
        Ok(BlockStat { cid: parse_cid(CALL, &answer.key)?, size: answer.size })
    }

    /// A file's bytes as the node puts them together: nothing proves that they belong to `cid`. For
    /// anything that matters use [`crate::fetch`].
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn cat_unverified(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, KuboError> {
        const CALL: &str = "cat";
        let answer = self.call(CALL, &[("arg", cid.to_string())], self.timeouts.long).await?;
        self.body(CALL, answer, max_bytes, self.timeouts.long).await
    }

    /// Pins a DAG recursively; the node fetches what it lacks.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn pin_add(&self, cid: &Cid) -> Result<(), KuboError> {
        let query = [("arg", cid.to_string()), ("recursive", "true".into()), ("progress", "false".into())];
        self.pinned("pin/add", &query, cid).await
    }

    /// Takes a recursive pin away. Says whether there was one.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn pin_rm(&self, cid: &Cid) -> Result<bool, KuboError> {
        let query = [("arg", cid.to_string()), ("recursive", "true".into())];
        match self.pinned("pin/rm", &query, cid).await {
            Ok(()) => Ok(true),
            Err(KuboError::Refused { message, .. }) if is_not_pinned(&message) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn pinned(&self, call: &'static str, query: &[(&str, String)], cid: &Cid) -> Result<(), KuboError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            pins: Vec<String>,
        }
        let expected = "an object whose Pins hold the CID";
        let answer: Answer = self.json(call, query, self.timeouts.long, expected).await?;
        for pin in &answer.pins {
            if parse_cid(call, pin)?.hash() == cid.hash() {
                return Ok(());
            }
        }
        Err(KuboError::Unexpected { operation: call, found: format!("{:?}", answer.pins), expected })
    }

    /// All recursively pinned roots, in the order of their CIDs' text.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn pins(&self) -> Result<Vec<Pin>, KuboError> {
        self.pin_ls(&[("type", "recursive".into())]).await
    }

    /// The recursive pin of `cid`, if it has one.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn pin(&self, cid: &Cid) -> Result<Option<Pin>, KuboError> {
        // Of all types would also look whether some other pin reaches it, which walks all of them.
        match self.pin_ls(&[("arg", cid.to_string()), ("type", "recursive".into())]).await {
            Ok(pins) => {
                Ok(pins.into_iter().find(|pin| pin.mode == "recursive" && pin.cid.hash() == cid.hash()))
            }
            Err(KuboError::Refused { message, .. }) if is_not_pinned(&message) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn pin_ls(&self, query: &[(&str, String)]) -> Result<Vec<Pin>, KuboError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            #[serde(default)]
            keys: Option<BTreeMap<String, Mode>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Mode {
            r#type: String,
        }
        const CALL: &str = "pin/ls";
        let answer: Answer = self.json(CALL, query, self.timeouts.long, "an object with Keys").await?;
        let pin = |(cid, mode): (String, Mode)| Ok(Pin { cid: parse_cid(CALL, &cid)?, mode: mode.r#type });
        answer.keys.unwrap_or_default().into_iter().map(pin).collect()
    }

    /// Who the node is.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn id(&self) -> Result<NodeId, KuboError> {
        self.json("id", &[], self.timeouts.call, "an object with ID and Addresses").await
    }

    /// What the node runs.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn version(&self) -> Result<NodeVersion, KuboError> {
        self.json("version", &[], self.timeouts.call, "an object with Version").await
    }

    /// How full the node's repository is.
    ///
    /// # Errors
    /// See [`KuboError`].
    pub async fn repo_stat(&self) -> Result<RepoStat, KuboError> {
        self.json("repo/stat", &[], self.timeouts.call, "an object with RepoSize").await
    }

    /// Removes every block that no pin holds.
    ///
    /// # Errors
    /// See [`KuboError`]; blocks that could not be removed are in the result.
    pub async fn repo_gc(&self) -> Result<Collected, KuboError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Line {
            key: Option<BTreeMap<String, String>>,
            error: Option<String>,
        }
        const CALL: &str = "repo/gc";
        let answer = self.call(CALL, &[("stream-errors", "true".into())], self.timeouts.long).await?;
        let body = self.body(CALL, answer, MAX_ANSWER, self.timeouts.long).await?;
        let mut collected = Collected::default();
        for line in json_lines::<Line>(CALL, &body, "objects with Key or Error")? {
            if let Some(cid) = line.key.as_ref().and_then(|key| key.get("/")) {
                collected.removed.push(parse_cid(CALL, cid)?);
            }
            collected.errors.extend(line.error.filter(|error| !error.is_empty()));
        }
        Ok(collected)
    }

    /// The peers that the node is connected to.
    ///
    /// # Errors
    /// See [`KuboError`]; an offline node refuses.
    pub async fn peers(&self) -> Result<Vec<Peer>, KuboError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            #[serde(default)]
            peers: Option<Vec<Peer>>,
        }
        let answer: Answer =
            self.json("swarm/peers", &[], self.timeouts.call, "an object with Peers").await?;
        Ok(answer.peers.unwrap_or_default())
    }

    async fn json<T: DeserializeOwned>(
        &self,
        call: &'static str,
        query: &[(&str, String)],
        timeout: Duration,
        expected: &'static str,
    ) -> Result<T, KuboError> {
        let answer = self.call(call, query, timeout).await?;
        let body = self.body(call, answer, MAX_ANSWER, timeout).await?;
        serde_json::from_slice(&body).map_err(|_| unexpected(call, &body, expected))
    }

    async fn call(
        &self,
        call: &'static str,
        query: &[(&str, String)],
        timeout: Duration,
    ) -> Result<Response, KuboError> {
        self.send(call, self.request(call, query)?.timeout(timeout), timeout).await
    }

    pub(crate) fn request(
        &self,
        call: &'static str,
        query: &[(&str, String)],
    ) -> Result<RequestBuilder, KuboError> {
        let mut url = self.url().ok_or(KuboError::Down)?;
        url.path_segments_mut()
            .map_err(|()| KuboError::BadUrl { url: self.shown() })?
            .pop_if_empty()
            .extend(["api", "v0"])
            .extend(call.split('/'));
        url.query_pairs_mut().extend_pairs(query);
        Ok(self.http.post(url))
    }

    pub(crate) async fn send(
        &self,
        call: &'static str,
        request: RequestBuilder,
        timeout: Duration,
    ) -> Result<Response, KuboError> {
        let asked = Instant::now();
        let answer =
            request.send().await.map_err(|error| self.transport(call, &error, waited(asked, timeout)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refusal(call, answer, timeout).await)
    }

    pub(crate) async fn body(
        &self,
        call: &'static str,
        answer: Response,
        max_bytes: u64,
        timeout: Duration,
    ) -> Result<Bytes, KuboError> {
        let asked = Instant::now();
        match read_body(answer, max_bytes).await {
            Ok(Some(body)) => Ok(body),
            Ok(None) => Err(KuboError::TooLarge { operation: call, max_bytes }),
            Err(error) => Err(self.transport(call, &error, waited(asked, timeout))),
        }
    }

    async fn refusal(&self, call: &'static str, answer: Response, timeout: Duration) -> KuboError {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Refusal {
            message: String,
            #[serde(default)]
            code: i64,
        }
        let status = answer.status();
        let body = self.body(call, answer, 1 << 20, timeout).await.unwrap_or_default();
        let Ok(Refusal { message, code }) = serde_json::from_slice(&body) else {
            let hint = match status {
                StatusCode::FORBIDDEN => ": the node's API.HTTPHeaders or API.Authorizations forbid it",
                StatusCode::UNAUTHORIZED => ": the node wants credentials",
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                    ": this may be a gateway or another program, not a node's RPC"
                }
                _ => "",
            };
            return KuboError::Status { operation: call, url: self.shown(), status: status.as_u16(), hint };
        };
        let lower = message.to_lowercase();
        if lower.contains("not found") || lower.contains("could not find") {
            KuboError::NotFound { operation: call, message }
        } else if lower.contains("deadline exceeded") {
            KuboError::Timeout { operation: call, url: self.shown(), after: timeout }
        } else {
            KuboError::Refused { operation: call, message, code }
        }
    }

    fn transport(&self, call: &'static str, error: &reqwest::Error, after: Duration) -> KuboError {
        let url = self.shown();
        if error.is_connect() {
            KuboError::Unreachable { url, cause: innermost(error) }
        } else if error.is_timeout() {
            KuboError::Timeout { operation: call, url, after }
        } else {
            KuboError::Broken { operation: call, url, cause: innermost(error) }
        }
    }
}

impl BlockSource for Kubo {
    async fn block(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        self.block_get(cid, max_bytes).await.map_err(|error| error.into_source_error(cid, max_bytes))
    }
}

/// How long a call was waited for that ended by one of its time-outs: its own, or the client's for silence.
fn waited(asked: Instant, timeout: Duration) -> Duration {
    let elapsed = asked.elapsed();
    if elapsed < timeout { Duration::from_secs(elapsed.as_secs()) } else { timeout }
}

pub(crate) fn parse_cid(call: &'static str, text: &str) -> Result<Cid, KuboError> {
    Cid::try_from(text).map_err(|_| unexpected(call, text.as_bytes(), "a CID"))
}

/// Kubo streams results as JSON objects one after another.
pub(crate) fn json_lines<T: DeserializeOwned>(
    call: &'static str,
    body: &[u8],
    expected: &'static str,
) -> Result<Vec<T>, KuboError> {
    serde_json::Deserializer::from_slice(body)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|_| unexpected(call, body, expected))
}

fn unexpected(call: &'static str, found: &[u8], expected: &'static str) -> KuboError {
    let text: String = String::from_utf8_lossy(found).chars().take(80).collect();
    let more = if found.len() > text.len() { "..." } else { "" };
    KuboError::Unexpected { operation: call, found: format!("{text:?}{more}"), expected }
}

fn is_not_pinned(message: &str) -> bool {
    message.contains("not pinned")
}

/// The whole of an answer; none where it exceeds `max_bytes`.
pub(crate) async fn read_body(answer: Response, max_bytes: u64) -> reqwest::Result<Option<Bytes>> {
    if answer.content_length().is_some_and(|length| length > max_bytes) {
        return Ok(None);
    }
    let mut body = BytesMut::new();
    let mut stream = answer.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if (body.len() + chunk.len()) as u64 > max_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn null_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default())
}
