use axum::extract::{Multipart, Query, State};
use axum::response::Response;
use bytes::Bytes;
use r3mes_ipfs::{Cid, CidSettings, CidVersion, DagBuilder};
use serde_json::json;

use super::rpc::{Failure, Node, Parameters, bad_form, object};

/// `add`: one file, streamed; each block is stored as soon as it is complete.
pub(super) async fn add(
    State(node): State<Node>,
    Query(parameters): Query<Parameters>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let settings = settings(&parameters)?;
    let flag = |name: &str, default| parameters.get(name).map_or(default, |value| value != "false");
    if flag("trickle", false) || flag("wrap-with-directory", false) || flag("inline", false) {
        return Err(Failure::Error("this node adds balanced files only".into()));
    }
    let part = form.next_field().await.map_err(bad_form)?;
    let mut part = part.ok_or_else(|| Failure::Request("file argument 'path' is required".into()))?;
    let name = part.file_name().unwrap_or_default().to_owned();
    let store = &node.store;
    let mut outcome = Ok(());
    let mut builder = DagBuilder::new(settings, |cid: &Cid, block: &[u8]| {
        if outcome.is_ok() {
            outcome = store.put_unchecked(cid, Bytes::copy_from_slice(block));
        }
    });
    while let Some(chunk) = part.chunk().await.map_err(bad_form)? {
        builder.update(&chunk);
    }
    let (cid, total_size) = builder.finish();
    outcome?;
    if flag("pin", true) {
        store.pin(&cid)?;
    }
    let hash = cid.to_string();
    let name = if name.is_empty() { hash.clone() } else { name };
    Ok(object(json!({"Name": name, "Hash": hash, "Size": total_size.to_string()})))
}

/// Kubo's defaults: version 0; raw leaves as soon as the version is 1; 262,144; 174.
fn settings(parameters: &Parameters) -> Result<CidSettings, Failure> {
    let refused = |text: String| Failure::Error(text);
    let version = match parameters.get("cid-version").map_or("0", String::as_str) {
        "0" => CidVersion::V0,
        "1" => CidVersion::V1,
        other => return Err(refused(format!("unknown CID version: {other}"))),
    };
    if let Some(hash) = parameters.get("hash").filter(|hash| *hash != "sha2-256") {
        return Err(refused(format!("unrecognized hash function: {hash:?}")));
    }
    let raw_leaves = parameters.get("raw-leaves").map_or(version == CidVersion::V1, |value| value != "false");
    let chunker = parameters.get("chunker").map_or("size-262144", String::as_str);
    let chunk_size = chunker
        .strip_prefix("size-")
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| refused(format!("unrecognized chunker option: {chunker}")))?;
    let max_links = match parameters.get("max-file-links") {
        None => 174,
        Some(links) => links.parse().map_err(|_| refused(format!("not a number of links: {links:?}")))?,
    };
    CidSettings::new(version, raw_leaves, chunk_size, max_links).map_err(|error| refused(error.to_string()))
}
