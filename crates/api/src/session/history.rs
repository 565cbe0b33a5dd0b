//! Rounds, gradients, miners and submissions, as the journal knows them.

use serde::{Deserialize, Serialize};
use specta::Type;

use r3mes_engine::round::RoundState;

/// Where a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the engine's RoundState says what each means")]
pub enum RoundStage {
    Collecting,
    Aggregating,
    Publishing,
    Committed,
    Revealed,
    Finalized,
    Challenged,
    Reverted,
    Expired,
    Superseded,
    Abandoned,
}

impl From<RoundState> for RoundStage {
    fn from(state: RoundState) -> RoundStage {
        match state {
            RoundState::Collecting => RoundStage::Collecting,
            RoundState::Aggregating => RoundStage::Aggregating,
            RoundState::Publishing => RoundStage::Publishing,
            RoundState::Committed => RoundStage::Committed,
            RoundState::Revealed => RoundStage::Revealed,
            RoundState::Finalized => RoundStage::Finalized,
            RoundState::Challenged => RoundStage::Challenged,
            RoundState::Reverted => RoundStage::Reverted,
            RoundState::Expired => RoundStage::Expired,
            RoundState::Superseded => RoundStage::Superseded,
            RoundState::Abandoned => RoundStage::Abandoned,
        }
    }
}

/// A round with its way.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RoundView {
    /// The journal's number of it.
    pub id: String,
    /// The training round that the miners wrote.
    pub training_round: String,
    /// The model version that it improves.
    pub model_version: String,
    /// Where it stands.
    pub stage: RoundStage,
    /// Its way so far, oldest first.
    pub way: Vec<RoundStep>,
    /// Gradients announced for it that are pending; once it is closed, those that were judged for it.
    pub received: u32,
    /// Gradients of these that were judged.
    pub judged: u32,
    /// Gradients that close it at once.
    pub quorum: u32,
    /// Gradients without which it is not submitted.
    pub minimum: u32,
    /// Gradients that take part, once that is fixed.
    pub participants: Option<u32>,
    /// Gradients left out, once that is fixed.
    pub excluded: Option<u32>,
    /// What it waits for now.
    pub deadline: Option<Deadline>,
    /// The aggregation method, once the participants are fixed.
    pub method: Option<String>,
    /// The aggregate's CID.
    pub cid: Option<String>,
    /// The Merkle root over the participants' gradient hashes.
    pub merkle_root: Option<String>,
    /// The aggregate's bytes.
    pub bytes: Option<String>,
    /// The block of the commitment.
    pub commit_height: Option<String>,
    /// The last block in which it may be revealed.
    pub reveal_deadline: Option<String>,
    /// The block of the reveal.
    pub reveal_height: Option<String>,
    /// The last block in which it may be challenged.
    pub challenge_deadline: Option<String>,
    /// The reveal's transaction.
    pub reveal_tx: Option<String>,
    /// The chain's id of the aggregation.
    pub aggregation_id: Option<String>,
    /// The reward in whole units of the reward denom.
    pub reward: Option<String>,
    /// Why it left its good way.
    pub reason: Option<String>,
    /// When it was opened.
    pub opened_at: String,
}

/// One step of a round's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RoundStep {
    /// What it came to.
    pub stage: RoundStage,
    /// When.
    pub at: String,
    /// The chain's height at that moment.
    pub height: String,
    /// Why, where it is not the good way.
    pub reason: Option<String>,
}

/// What a round waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Deadline {
    /// For what.
    pub kind: DeadlineKind,
    /// The block, where it is counted in blocks.
    pub height: Option<String>,
    /// Blocks until then, where it is counted in blocks and the height is known.
    pub blocks_left: Option<i32>,
    /// When that is, as far as it can be told.
    pub at: Option<String>,
}

/// Kinds of deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum DeadlineKind {
    /// It closes then without its quorum.
    Close,
    /// It must be revealed by then.
    Reveal,
    /// It can be challenged until then.
    Challenge,
}

/// A page of rounds, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RoundPage {
    /// How many there are.
    pub total: u32,
    /// Those asked for.
    pub rows: Vec<RoundView>,
}

/// Which gradients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GradientQuery {
    /// A gradient's id, or the beginning of a miner's address or of a CID; all where empty.
    pub search: String,
    /// Only those with this verdict.
    pub verdict: Option<VerdictKind>,
    /// Only those of this training round.
    pub training_round: Option<String>,
    /// How many to leave out from the newest on.
    pub offset: u32,
    /// How many to give; 500 at most.
    pub limit: u32,
}

/// What was found on a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum VerdictKind {
    /// It was not judged yet.
    Waiting,
    /// No check failed.
    Passed,
    /// A check failed that does not keep it from being aggregated.
    Reported,
    /// It cannot be aggregated.
    Unusable,
}

/// A gradient for a list.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GradientRow {
    /// The chain's id.
    pub id: String,
    /// Who sent it.
    pub miner: String,
    /// Its CID.
    pub cid: String,
    /// The training round written in it.
    pub training_round: String,
    /// The model version that it improves.
    pub model_version: String,
    /// The chain's word on it: `pending`, `aggregated`, `challenged`.
    pub status: String,
    /// The verdict.
    pub verdict: VerdictKind,
    /// The checks that failed.
    pub failed: Vec<String>,
    /// Whether a revealed round of ours left it out.
    pub excluded: bool,
    /// L2 norm.
    pub norm: Option<f64>,
    /// Bytes of its file.
    pub bytes: Option<String>,
    /// When it was first seen.
    pub seen_at: String,
}

/// A page of gradients, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GradientPage {
    /// How many fit the query.
    pub total: u32,
    /// Those asked for.
    pub rows: Vec<GradientRow>,
}

/// Everything that is known of a gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GradientDetail {
    /// As in the list.
    pub row: GradientRow,
    /// The checks with their values.
    pub findings: Vec<FindingView>,
    /// The container, `safetensors` and so on.
    pub container: Option<String>,
    /// Names, shapes and dtypes, in short.
    pub layout: Option<String>,
    /// Samples that the miner says it trained on.
    pub samples: Option<String>,
    /// Largest magnitude.
    pub max_abs: Option<f64>,
    /// Share of zeros, 0 to 1.
    pub zero_share: Option<f64>,
    /// Values that are not finite.
    pub non_finite: Option<String>,
    /// The hash announced on the chain.
    pub announced_hash: String,
    /// The hash of the file's values.
    pub measured_hash: Option<String>,
    /// The loss that the miner claims.
    pub claimed_loss: String,
    /// The block of its announcement.
    pub submitted_height: String,
    /// How often its bytes could not be had.
    pub attempts: u32,
    /// Why they could not be had the last time.
    pub last_failure: Option<String>,
    /// The file with the evidence of its exclusion, in the data folder.
    pub evidence: Option<String>,
}

/// One check on a gradient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FindingView {
    /// The check's name, as the settings spell it.
    pub check: String,
    /// How it ended.
    pub outcome: FindingOutcome,
    /// What was found.
    pub measured: String,
    /// What it was held against.
    pub expected: String,
    /// Whether a failure leaves the gradient out, by the settings as they are.
    pub excludes: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum FindingOutcome {
    /// As it should be.
    Passed,
    /// Not so.
    Failed,
    /// It could not be checked.
    Unknown,
}

/// A gradient in a plot.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GradientPoint {
    /// The chain's id.
    pub id: String,
    /// Who sent it.
    pub miner: String,
    /// The training round.
    pub training_round: String,
    /// L2 norm.
    pub norm: f64,
    /// Cosine of its angle to the round's aggregate, -1 to 1; absent before that was computed.
    pub similarity: Option<f64>,
    /// The verdict.
    pub verdict: VerdictKind,
}

/// Which miners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MinerQuery {
    /// The beginning of an address; all where empty.
    pub search: String,
    /// How many to leave out.
    pub offset: u32,
    /// How many to give; 500 at most.
    pub limit: u32,
}

/// A miner as the journal knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MinerRow {
    /// Its address.
    pub address: String,
    /// Gradients of its that we saw.
    pub gradients: u32,
    /// Of these, judged without a failed check.
    pub passed: u32,
    /// Of these, with a failed check and yet usable.
    pub reported: u32,
    /// Of these, unusable.
    pub unusable: u32,
    /// Of these, left out of a revealed round.
    pub excluded: u32,
    /// When its last gradient was seen.
    pub last_seen: String,
    /// The chain's trust score after the newest round for which it was noted, 0 to 1.
    pub trust: Option<f64>,
}

/// A page of miners, those with most gradients first.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MinerPage {
    /// How many fit the query.
    pub total: u32,
    /// Those asked for.
    pub rows: Vec<MinerRow>,
}

/// A miner with its past.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MinerDetail {
    /// As in the list.
    pub row: MinerRow,
    /// The chain's trust score, 0 to 1, as it says it now.
    pub trust_score: Option<f64>,
    /// The chain's tier for it, as it says it now.
    pub tier: Option<String>,
    /// Submissions by the chain's count.
    pub submissions: Option<String>,
    /// Successful ones by the chain's count.
    pub successful: Option<String>,
    /// Slashings by the chain's count.
    pub slashing_events: Option<String>,
    /// By training round, oldest first; 200 at most.
    pub history: Vec<ReputationPoint>,
    /// Why the chain's figures are not there.
    pub error: Option<String>,
}

/// What a miner sent in one training round.
#[derive(Clone, Debug, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReputationPoint {
    /// The training round.
    pub training_round: String,
    /// When its first gradient of that round was seen.
    pub at: String,
    /// Gradients.
    pub gradients: u32,
    /// Of these, without a failed check.
    pub passed: u32,
    /// The largest norm.
    pub norm: Option<f64>,
    /// The chain's trust score after that round, 0 to 1; absent where it was not asked for then.
    pub trust: Option<f64>,
}

/// Which submissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionQuery {
    /// The beginning of a CID, a root or a transaction's hash, or a training round; all where empty.
    pub search: String,
    /// Only those that stand there.
    pub stage: Option<RoundStage>,
    /// How many to leave out from the newest on.
    pub offset: u32,
    /// How many to give; 500 at most.
    pub limit: u32,
}

/// A round that was committed, or submitted directly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionRow {
    /// The journal's number of the round.
    pub id: String,
    /// The training round.
    pub training_round: String,
    /// Where it stands.
    pub stage: RoundStage,
    /// The aggregate's CID.
    pub cid: Option<String>,
    /// The Merkle root.
    pub merkle_root: Option<String>,
    /// Gradients that take part.
    pub participants: u32,
    /// The commitment's transaction.
    pub commit_tx: Option<String>,
    /// Its block.
    pub commit_height: Option<String>,
    /// The reveal's transaction.
    pub reveal_tx: Option<String>,
    /// Its block.
    pub reveal_height: Option<String>,
    /// Gas that the round's transactions used.
    pub gas_used: Option<String>,
    /// Their fees in whole units of the fee denom.
    pub fee: Option<String>,
    /// The reward in whole units of the reward denom.
    pub reward: Option<String>,
    /// When the round was opened.
    pub at: String,
    /// Why it left its good way.
    pub reason: Option<String>,
}

/// A page of submissions, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionPage {
    /// How many fit the query.
    pub total: u32,
    /// Those asked for.
    pub rows: Vec<SubmissionRow>,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ExportFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON array.
    Json,
}

/// What was written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// The file.
    pub path: String,
    /// Records in it.
    pub records: u32,
}
