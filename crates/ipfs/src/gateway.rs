use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cid::Cid;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::kubo::{innermost, read_body};
use crate::source::{BlockSource, SourceError, verified};

/// What a trustless gateway is asked for: the block's bytes and nothing around them.
const RAW_BLOCK: &str = "application/vnd.ipld.raw";

/// Blocks asked of one gateway at the same time; public ones cut off who asks for more.
const PLACES: usize = 4;

/// How long one block may take.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a gateway that has given wrong bytes is passed over, doubled each time up to the second.
const AFTER_CORRUPT: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(86_400));

/// How long one is passed over that is too busy, or has failed several times in a row.
const AFTER_FAILURES: Duration = Duration::from_secs(30);

/// Failures in a row after which that is so.
const FAILURES: u32 = 3;

/// A trustless HTTP gateway: asked for single blocks, each of which is checked against its CID.
#[derive(Clone, Debug)]
pub struct Gateway {
    http: reqwest::Client,
    base: Url,
    places: Arc<Semaphore>,
    standing: Arc<Mutex<Standing>>,
}

/// How a gateway has done so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayHealth {
    /// Its address.
    pub url: Url,
    /// Blocks that it gave.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Answers whose bytes did not match the CID.
    pub corrupt: u64,
    /// Calls that failed otherwise.
    pub failures: u64,
    /// What it failed with the last time.
    pub last_error: Option<String>,
    /// Seconds for which it is not asked.
    pub paused_s: Option<u64>,
}

#[derive(Debug, Default)]
struct Standing {
    blocks: u64,
    bytes: u64,
    corrupt: u64,
    failures: u64,
    in_a_row: u32,
    last_error: Option<String>,
    paused_until: Option<Instant>,
}

impl Gateway {
    /// A gateway at `base`, below which `/ipfs/CID` is.
    #[must_use]
    pub fn new(http: reqwest::Client, base: Url) -> Self {
        let places = Arc::new(Semaphore::new(PLACES));
        Self { http, base, places, standing: Arc::default() }
    }

    /// Its address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.base
    }

    /// How it has done so far.
    #[must_use]
    pub fn health(&self) -> GatewayHealth {
        let paused = self.paused_for();
        let standing = self.standing();
        GatewayHealth {
            url: self.base.clone(),
            blocks: standing.blocks,
            bytes: standing.bytes,
            corrupt: standing.corrupt,
            failures: standing.failures,
            last_error: standing.last_error.clone(),
            paused_s: paused.map(|pause| pause.as_secs().max(1)),
        }
    }

    /// Whether it is asked at all now.
    pub(crate) fn is_open(&self) -> bool {
        self.paused_for().is_none()
    }

    fn paused_for(&self) -> Option<Duration> {
        let until = self.standing().paused_until?;
        Some(until.saturating_duration_since(Instant::now())).filter(|pause| !pause.is_zero())
    }

    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| SourceError::Failed(format!("{} cannot be a gateway's address", self.base)))?
            .pop_if_empty()
            .extend(["ipfs", &cid.to_string()]);
        url.query_pairs_mut().append_pair("format", "raw");
        let request = self.http.get(url).header(ACCEPT, RAW_BLOCK).timeout(BLOCK_TIMEOUT);
        let answer = request.send().await.map_err(|error| self.transport(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if busy {
                let pause = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
                self.pause(pause.unwrap_or(AFTER_FAILURES).min(AFTER_CORRUPT.1));
            }
            let detail = format!("gateway {} answers {status}", self.base);
            return Err(match status {
                StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::GATEWAY_TIMEOUT => {
                    SourceError::NotFound { cid: cid.to_string(), detail }
                }
                _ => SourceError::Failed(detail),
            });
        }
        match read_body(answer, max_bytes).await {
            Ok(Some(block)) => verified(cid, block, self.base.as_str()),
            Ok(None) => Err(SourceError::TooLarge { cid: cid.to_string(), max_bytes }),
            Err(error) => Err(self.transport(&error)),
        }
    }

    fn transport(&self, error: &reqwest::Error) -> SourceError {
        let text = format!("gateway {}: {}", self.base, innermost(error));
        if error.is_timeout() {
            return SourceError::Timeout(text);
        }
        match error.is_connect() {
            true => SourceError::Unreachable(text),
            false => SourceError::Failed(text),
        }
    }

    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut standing = self.standing();
        standing.paused_until = standing.paused_until.max(Some(until));
    }

    /// Remembers how a call ended.
    fn note(&self, outcome: &Result<Bytes, SourceError>) {
        let error = match outcome {
            Ok(block) => {
                let mut standing = self.standing();
                standing.blocks += 1;
                standing.bytes += block.len() as u64;
                standing.in_a_row = 0;
                return;
            }
            // It said so in order, and may have the next one.
            Err(SourceError::NotFound { .. }) => return,
            Err(error) => error,
        };
        let pause = {
            let mut standing = self.standing();
            standing.last_error = Some(error.to_string());
            if matches!(error, SourceError::Corrupt { .. }) {
                standing.corrupt += 1;
                let doublings = u32::try_from(standing.corrupt - 1).unwrap_or(u32::MAX).min(16);
                Some(AFTER_CORRUPT.0.saturating_mul(1 << doublings).min(AFTER_CORRUPT.1))
            } else {
                standing.failures += 1;
                standing.in_a_row += 1;
                (standing.in_a_row >= FAILURES).then_some(AFTER_FAILURES)
            }
        };
        if let Some(pause) = pause {
            tracing::warn!(gateway = %self.base, %error, pause_s = pause.as_secs(), "passing the gateway over");
            self.pause(pause);
        }
    }
}

impl BlockSource for Gateway {
    async fn block(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, SourceError> {
        let _place = self.places.acquire().await;
        if let Some(pause) = self.paused_for() {
            let text = format!("gateway {} is passed over for another {} s", self.base, pause.as_secs());
            return Err(SourceError::Unreachable(text));
        }
        let outcome = self.ask(cid, max_bytes).await;
        self.note(&outcome);
        outcome
    }
}
