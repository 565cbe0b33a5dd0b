//! Asking the network's administrators for authorization: a document that the account key signs, and the
//! check of such a document.
//!
//! The document is canonical JSON (keys in order, no blanks), signed by ADR-036. Every byte of the file
//! counts: what is not exactly the canonical form is refused before the signature is looked at.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use r3mes_chain::http::Timeouts;
use r3mes_hardware::{Level, Verdict};
use r3mes_keys::{ArbitrarySignature, sign_arbitrary, verify_arbitrary};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::moment::{moment, read_moment};
use crate::{ApiError, ErrorCode, HardwareOptions, Workspace, hardware};

/// What the document says it is.
const KIND: &str = "r3mes-authorization-request";

/// The form's version.
const VERSION: u32 = 1;

/// A request for authorization, as it is signed. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationRequest {
    /// Always `r3mes-authorization-request`.
    pub kind: String,
    /// The form's version.
    pub version: u32,
    /// The chain on which authorization is asked for.
    pub chain_id: String,
    /// The account.
    pub address: String,
    /// Its compressed secp256k1 public key, base64.
    pub public_key: String,
    /// Always `proposer`.
    pub role: String,
    /// What the machine was found to be.
    pub hardware: HardwareStatement,
    /// How the operator can be reached.
    pub contact: String,
    /// What the operator has to say.
    pub statement: String,
    /// When it was made.
    pub time: String,
}

/// The verdicts on the machine, as the request states them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardwareStatement {
    /// The worst of them: pass, below-recommended or fail.
    pub verdict: String,
    /// Each of them: what was judged, how, and by which figure.
    pub findings: Vec<HardwareFinding>,
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardwareFinding {
    /// What was judged.
    pub subject: String,
    /// How.
    pub level: Level,
    /// By which figure.
    pub reason: String,
}

/// The request with its signature, as it stands in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    request: AuthorizationRequest,
    /// The compact signature by ADR-036, base64.
    signature: String,
}

/// A request that was made just now.
#[derive(Clone, Debug, Serialize)]
pub struct ComposedRequest {
    /// What it says.
    pub request: AuthorizationRequest,
    /// The whole document, one line, for a file, the clipboard or an administrator's URL.
    pub document: String,
    /// Where the data folder keeps it.
    pub kept: PathBuf,
}

/// A document whose every check held.
#[derive(Clone, Debug, Serialize)]
pub struct VerifiedRequest {
    /// What it says.
    pub request: AuthorizationRequest,
    /// What was checked, in order.
    pub checks: Vec<&'static str>,
}

/// What an administrator's URL answered.
#[derive(Clone, Debug, Serialize)]
pub struct SentRequest {
    /// Where it went.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// The first of what it said.
    pub answer: String,
}

impl Workspace {
    /// Makes a signed request for the workspace's account, and keeps it in the data folder.
    ///
    /// # Errors
    /// When the key cannot be opened, or the file not be written.
    pub async fn compose_authorization(
        &self,
        contact: &str,
        statement: &str,
    ) -> Result<ComposedRequest, ApiError> {
        let network = &self.settings().network;
        let key = self.key()?;
        let options = HardwareOptions { home: Some(self.root().to_owned()), ..HardwareOptions::default() };
        let report = hardware(&options).await?;
        let request = AuthorizationRequest {
            kind: KIND.to_owned(),
            version: VERSION,
            chain_id: network.chain_id.clone(),
            address: key.address(&network.bech32_prefix),
            public_key: STANDARD.encode(key.public_key().to_bytes()),
            role: "proposer".to_owned(),
            hardware: stated(&report.verdicts),
            contact: contact.trim().to_owned(),
            statement: statement.trim().to_owned(),
            time: moment(OffsetDateTime::now_utc()),
        };
        let signature = sign_arbitrary(&key, &network.bech32_prefix, canonical(&request)?.as_bytes());
        let signed = Signed { request, signature: STANDARD.encode(&signature.signature) };
        let document = canonical(&signed)?;
        self.home()?;
        let kept = self.request_path();
        crate::disk::replace(&kept, format!("{document}\n").as_bytes())
            .map_err(|error| ApiError::new(ErrorCode::File, format!("write {}: {error}", kept.display())))?;
        Ok(ComposedRequest { request: signed.request, document, kept })
    }

    /// Sends a document to the administrator's URL of the network profile.
    ///
    /// # Errors
    /// When the profile has none, or it does not take the document.
    pub async fn send_authorization(&self, document: &str) -> Result<SentRequest, ApiError> {
        let network = &self.settings().network;
        let Some(url) = &network.admin_url else {
            let text = format!("send the request: the profile {} has no admin_url", network.name);
            return Err(ApiError::new(ErrorCode::Settings, text)
                .with_remedy("hand the file to an administrator, or set network.admin_url"));
        };
        let kept = self.request_path();
        let failed = |text: String, first: &str| {
            let remedy = format!("{first}, or hand {} to an administrator", kept.display());
            ApiError::new(ErrorCode::Network, format!("send the request to {url}: {text}"))
                .with_remedy(remedy)
        };
        let http = r3mes_chain::http::client(Timeouts::default())?;
        let request = http.post(url.clone()).header("content-type", "application/json");
        let answer = request.body(document.to_owned()).send().await;
        let answer = answer.map_err(|error| {
            let why = innermost(&error);
            failed(why, "check network.admin_url and that it can be reached from here")
        })?;
        let status = answer.status();
        let said = answer.text().await.unwrap_or_default();
        let said: String = said.chars().take(400).collect();
        if !status.is_success() {
            let first = match status.is_server_error() {
                true => "try again later",
                false => "do what it says, or check network.admin_url",
            };
            return Err(failed(format!("it answered {status}: {said}"), first));
        }
        Ok(SentRequest { url: url.to_string(), status: status.as_u16(), answer: said })
    }

    /// The administrator's check of a document, for the workspace's network.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the first check that fails.
    pub fn verify_authorization(&self, document: &[u8]) -> Result<VerifiedRequest, ApiError> {
        let network = &self.settings().network;
        verify(document, &network.chain_id, &network.bech32_prefix)
    }

    /// When authorization was asked for from this data folder for this account.
    pub(crate) fn requested_at(&self, address: &str) -> Option<OffsetDateTime> {
        let document = std::fs::read(self.request_path()).ok()?;
        let network = &self.settings().network;
        let verified = verify(&document, &network.chain_id, &network.bech32_prefix).ok()?;
        let time = verified.request.time;
        (verified.request.address == address).then(|| read_moment(&time)).flatten()
    }

    fn request_path(&self) -> PathBuf {
        self.root().join("authorization-request.json")
    }
}

/// The cause behind the others, which only say that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn stated(verdicts: &[Verdict]) -> HardwareStatement {
    let worst = verdicts.iter().map(|verdict| verdict.level).max_by_key(|level| match level {
        Level::Pass => 0,
        Level::Unknown => 1,
        Level::BelowRecommended => 2,
        Level::Fail => 3,
    });
    let verdict = match worst {
        Some(Level::Fail) => "fail",
        Some(Level::BelowRecommended) => "below-recommended",
        Some(Level::Pass) | None => "pass",
        Some(Level::Unknown) => "unknown",
    };
    let finding = |verdict: &Verdict| HardwareFinding {
        subject: verdict.subject.clone(),
        level: verdict.level,
        reason: verdict.reason.clone(),
    };
    HardwareStatement { verdict: verdict.to_owned(), findings: verdicts.iter().map(finding).collect() }
}

/// Canonical JSON: keys in order, no blanks.
fn canonical(value: &impl Serialize) -> Result<String, ApiError> {
    // A map of this library keeps its keys sorted.
    let value: Value = serde_json::to_value(value)
        .map_err(|error| ApiError::new(ErrorCode::Engine, format!("write the request: {error}")))?;
    Ok(value.to_string())
}

fn verify(document: &[u8], chain_id: &str, prefix: &str) -> Result<VerifiedRequest, ApiError> {
    let failed = |check: &str, text: &str| {
        ApiError::new(ErrorCode::Invalid, format!("verify the request: {check}: {text}"))
            .with_remedy("do not authorize it; ask the operator for a new document")
    };
    // Editors and terminals end a text with a new line; nothing else may be there.
    let text = document.strip_suffix(b"\n").unwrap_or(document);
    let signed: Signed = serde_json::from_slice(text).map_err(|error| failed("form", &error.to_string()))?;
    if canonical(&signed)?.as_bytes() != text {
        return Err(failed("form", "it is not canonical JSON: keys in order, no blanks"));
    }
    let Signed { request, signature } = signed;
    if request.kind != KIND || request.version != VERSION {
        let text =
            format!("it is {} version {}, not {KIND} version {VERSION}", request.kind, request.version);
        return Err(failed("form", &text));
    }
    if request.role != "proposer" {
        return Err(failed("role", &format!("it asks for {:?}, not for proposer", request.role)));
    }
    if request.chain_id != chain_id {
        let text = format!("it is for {}, and this check is for {chain_id}", request.chain_id);
        return Err(failed("chain", &text));
    }
    if request.address.rsplit_once('1').map(|(prefix, _)| prefix) != Some(prefix) {
        return Err(failed("prefix", &format!("{} is no address of {prefix}1...", request.address)));
    }
    let decode = |check: &str, text: &str| {
        STANDARD.decode(text).map_err(|error| failed(check, &format!("not base64: {error}")))
    };
    let signed_by = ArbitrarySignature {
        public_key: decode("public key", &request.public_key)?,
        signature: decode("signature", &signature)?,
    };
    verify_arbitrary(&request.address, canonical(&request)?.as_bytes(), &signed_by).map_err(|error| {
        let check = match error {
            r3mes_keys::VerifyError::OtherSigner { .. } => "address",
            r3mes_keys::VerifyError::PublicKey => "public key",
            _ => "signature",
        };
        failed(check, &error.to_string())
    })?;
    let checks = vec![
        "canonical form",
        "role",
        "chain id",
        "address prefix",
        "address from the public key",
        "signature by ADR-036",
    ];
    Ok(VerifiedRequest { request, checks })
}

/// Reads a document from a file, or `-` for standard input.
///
/// # Errors
/// When it cannot be read, or is larger than any request.
pub fn read_document(path: &Path) -> Result<Vec<u8>, ApiError> {
    use std::io::Read;
    const LARGEST: u64 = 1 << 20;
    let failed = |error: std::io::Error| {
        ApiError::new(ErrorCode::File, format!("read the request {}: {error}", path.display()))
    };
    let mut bytes = Vec::new();
    let mut source: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin().lock()),
        _ => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    source.by_ref().take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(std::io::Error::other("it is larger than any request")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use r3mes_keys::AccountKey;

    fn document() -> String {
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        let request = AuthorizationRequest {
            kind: KIND.into(),
            version: VERSION,
            chain_id: "remes-1".into(),
            address: key.address("remes"),
            public_key: STANDARD.encode(key.public_key().to_bytes()),
            role: "proposer".into(),
            hardware: HardwareStatement {
                verdict: "pass".into(),
                findings: vec![HardwareFinding {
                    subject: "memory".into(),
                    level: Level::Pass,
                    reason: "32 GB".into(),
                }],
            },
            contact: "ops@example.org".into(),
            statement: "Ünïcode, \"quotes\" and\na new line".into(),
            time: "2026-11-24T17:00:00Z".into(),
        };
        let signature = sign_arbitrary(&key, "remes", canonical(&request).unwrap().as_bytes());
        canonical(&Signed { request, signature: STANDARD.encode(signature.signature) }).unwrap()
    }

    #[test]
    fn a_document_verifies_as_it_was_written_and_with_the_line_ended() {
        let document = document();
        for text in [document.clone(), format!("{document}\n")] {
            let verified = verify(text.as_bytes(), "remes-1", "remes").unwrap();
            assert_eq!(verified.request.contact, "ops@example.org");
        }
    }

    #[test]
    fn every_changed_byte_fails() {
        let document = format!("{}\n", document()).into_bytes();
        for at in 0..document.len() {
            for change in [1, 0x20, 0x80] {
                let mut changed = document.clone();
                changed[at] ^= change;
                let error = verify(&changed, "remes-1", "remes").unwrap_err();
                assert_eq!(error.code, ErrorCode::Invalid, "byte {at} ^ {change}");
            }
        }
        for cut in 0..document.len() - 1 {
            assert!(verify(&document[..cut], "remes-1", "remes").is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_failed_is_named() {
        let document = document();
        let error = |text: &str, chain: &str, prefix: &str| {
            verify(text.as_bytes(), chain, prefix).unwrap_err().to_string()
        };
        assert!(error(&document, "remes-2", "remes").contains(": chain: it is for remes-1"));
        assert!(error(&document, "remes-1", "cosmos").contains(": prefix: "));
        let blank = document.replacen(',', ", ", 1);
        assert!(error(&blank, "remes-1", "remes").contains(": form: it is not canonical JSON"));
        let other = document.replace("ops@example.org", "ops@example.com");
        assert!(error(&other, "remes-1", "remes").contains(": signature: "), "{other}");
        let stranger = AccountKey::from_bytes(&[8; 32]).unwrap();
        let ours = AccountKey::from_bytes(&[7; 32]).unwrap();
        let key = |key: &AccountKey| STANDARD.encode(key.public_key().to_bytes());
        let stolen = document.replace(&key(&ours), &key(&stranger));
        assert!(error(&stolen, "remes-1", "remes").contains(": address: "), "{stolen}");
    }
}
