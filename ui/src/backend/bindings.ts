// Provisional: replaced by the generated bindings.
export type DoctorCheck = {
  /** What is looked at. */
  kind: DoctorCheckKind;
  /** How it stands. */
  level: VerdictLevel;
  /** What was found. */
  reason: string;
  /** What mends it. */
  remedy: string | null;
  /** When it was looked at. */
  at: string;
};
export type DoctorCheckKind = "minerConnectivity" | "registration" | "firewall" | "format" | "thresholds" | "resources" | "chain" | "fees" | "ipfs" | "uptime" | "clock" | "keys";
export type EarningsView = {
  /** What the rounds in progress would bring by the chain's formula. */
  estimated: Figure;
  /** What reveals minted that can still be challenged. */
  pending: Figure;
  /** What the distribution module holds for the account, one entry a denom. */
  claimable: Figure[];
  /** What was minted and can no longer be challenged. */
  paid: Figure;
  /** Fees of all transactions. */
  fees: Figure;
  /** The chain's own reward formula, as it states it. */
  formula: string | null;
  /** Whether a claim or payout is on its way. */
  claimInFlight: boolean;
};
export type Figure = {
  /** Whole units; absent where it is not known. */
  amount: string | null;
  /** Of what. */
  denom: string;
  /** Where it comes from. */
  source: FigureSource;
  /** How old it is. */
  at: string | null;
  /** Why it is not known. */
  error: string | null;
};
export type FigureSource = "journal" | "chain" | "formula";
export type DayEarnings = {
  /** The day, `2026-11-24`. */
  day: string;
  /** Rewards in whole units of the reward denom. */
  rewards: string;
  /** Fees in whole units of the fee denom. */
  fees: string;
};
export type LedgerRow = {
  /** `reward`, `fee`, and what else the books know. */
  kind: string;
  /** Whole units. */
  amount: string;
  /** Of what. */
  denom: string;
  /** The block. */
  height: string;
  /** The transaction. */
  txHash: string;
  /** When it was booked. */
  at: string;
};
export type LedgerPage = {
  /** How many movements there are. */
  total: number;
  /** Those asked for. */
  rows: LedgerRow[];
};
export type ClaimPreview = {
  /** The account. */
  address: string;
  /** What would come in, one entry a denom, in whole units. */
  rewards: CoinView[];
  /** The validators that hold it. */
  validators: string[];
  /** Gas by a simulation. */
  gas: string | null;
  /** The fee by that simulation. */
  fee: CoinView | null;
  /** What is left after the fee, one entry a denom; negative where only the fee is paid in it. */
  net: CoinView[];
  /** Why it cannot be signed now. */
  refused: ApiError | null;
};
export type CoinView = {
  /** Whole units, decimal. */
  amount: string;
  /** Of what. */
  denom: string;
};
export type ClaimReceipt = {
  /** The transaction. */
  txHash: string;
  /** Its block. */
  height: string;
  /** What came in, one entry a denom. */
  received: CoinView[];
  /** What it cost. */
  fee: CoinView[];
  /** When. */
  at: string;
};
export type EngineState = "stopped" | "starting" | "running" | "stopping" | "stoppedWithError" | "cannotRecover";
export type Desired = "running" | "stopped";
export type StartStep = "localNetwork" | "key" | "chain";
export type Health = "off" | "unproven" | "good" | "idle" | "troubled";
export type EngineView = {
  /** What it does. */
  state: EngineState;
  /** What the operator wants. */
  desired: Desired;
  /** Since when it is in its state. */
  since: string;
  /** What is being done, while it starts. */
  step: StartStep | null;
  /** Why it stopped, or what it waits for. */
  error: ApiError | null;
  /** When it is tried again, where that is. */
  retryAt: string | null;
  /** Why it cannot be started; absent where it can. */
  startBlocked: ApiError | null;
  /** Whether stopping would do something. */
  canStop: boolean;
  /** How the work goes. */
  health: Health;
  /** What failed last and is tried again. */
  trouble: Trouble | null;
  /** What it did last. */
  lastWork: Work | null;
};
export type Trouble = {
  /** What failed, as a fragment that fits after "failed to". */
  message: string;
  /** What to do about it, where that is known. */
  remedy: string | null;
  /** Since when it has failed. */
  since: string;
  /** When it failed last. */
  at: string;
};
export type Work = {
  /** What. */
  kind: WorkKind;
  /** When. */
  at: string;
};
export type WorkKind = "started" | "judged" | "advanced";
export type RoundStage = "collecting" | "aggregating" | "publishing" | "committed" | "revealed" | "finalized" | "challenged" | "reverted" | "expired" | "superseded" | "abandoned";
export type RoundView = {
  /** The journal's number of it. */
  id: string;
  /** The training round that the miners wrote. */
  trainingRound: string;
  /** The model version that it improves. */
  modelVersion: string;
  /** Where it stands. */
  stage: RoundStage;
  /** Its way so far, oldest first. */
  way: RoundStep[];
  /** Gradients announced for it that are pending; once it is closed, those that were judged for it. */
  received: number;
  /** Gradients of these that were judged. */
  judged: number;
  /** Gradients that close it at once. */
  quorum: number;
  /** Gradients without which it is not submitted. */
  minimum: number;
  /** Gradients that take part, once that is fixed. */
  participants: number | null;
  /** Gradients left out, once that is fixed. */
  excluded: number | null;
  /** What it waits for now. */
  deadline: Deadline | null;
  /** The aggregation method, once the participants are fixed. */
  method: string | null;
  /** The aggregate's CID. */
  cid: string | null;
  /** The Merkle root over the participants' gradient hashes. */
  merkleRoot: string | null;
  /** The aggregate's bytes. */
  bytes: string | null;
  /** The block of the commitment. */
  commitHeight: string | null;
  /** The last block in which it may be revealed. */
  revealDeadline: string | null;
  /** The block of the reveal. */
  revealHeight: string | null;
  /** The last block in which it may be challenged. */
  challengeDeadline: string | null;
  /** The reveal's transaction. */
  revealTx: string | null;
  /** The chain's id of the aggregation. */
  aggregationId: string | null;
  /** The reward in whole units of the reward denom. */
  reward: string | null;
  /** Why it left its good way. */
  reason: string | null;
  /** When it was opened. */
  openedAt: string;
};
export type RoundStep = {
  /** What it came to. */
  stage: RoundStage;
  /** When. */
  at: string;
  /** The chain's height at that moment. */
  height: string;
  /** Why, where it is not the good way. */
  reason: string | null;
};
export type Deadline = {
  /** For what. */
  kind: DeadlineKind;
  /** The block, where it is counted in blocks. */
  height: string | null;
  /** Blocks until then, where it is counted in blocks and the height is known. */
  blocksLeft: number | null;
  /** When that is, as far as it can be told. */
  at: string | null;
};
export type DeadlineKind = "close" | "reveal" | "challenge";
export type RoundPage = {
  /** How many there are. */
  total: number;
  /** Those asked for. */
  rows: RoundView[];
};
export type GradientQuery = {
  /** A gradient's id, or the beginning of a miner's address or of a CID; all where empty. */
  search: string;
  /** Only those with this verdict. */
  verdict: VerdictKind | null;
  /** Only those of this training round. */
  trainingRound: string | null;
  /** How many to leave out from the newest on. */
  offset: number;
  /** How many to give; 500 at most. */
  limit: number;
};
export type VerdictKind = "waiting" | "passed" | "reported" | "unusable";
export type GradientRow = {
  /** The chain's id. */
  id: string;
  /** Who sent it. */
  miner: string;
  /** Its CID. */
  cid: string;
  /** The training round written in it. */
  trainingRound: string;
  /** The model version that it improves. */
  modelVersion: string;
  /** The chain's word on it: `pending`, `aggregated`, `challenged`. */
  status: string;
  /** The verdict. */
  verdict: VerdictKind;
  /** The checks that failed. */
  failed: string[];
  /** Whether a revealed round of ours left it out. */
  excluded: boolean;
  /** L2 norm. */
  norm: number | null;
  /** Bytes of its file. */
  bytes: string | null;
  /** When it was first seen. */
  seenAt: string;
};
export type GradientPage = {
  /** How many fit the query. */
  total: number;
  /** Those asked for. */
  rows: GradientRow[];
};
export type GradientDetail = {
  /** As in the list. */
  row: GradientRow;
  /** The checks with their values. */
  findings: FindingView[];
  /** The container, `safetensors` and so on. */
  container: string | null;
  /** Names, shapes and dtypes, in short. */
  layout: string | null;
  /** Samples that the miner says it trained on. */
  samples: string | null;
  /** Largest magnitude. */
  maxAbs: number | null;
  /** Share of zeros, 0 to 1. */
  zeroShare: number | null;
  /** Values that are not finite. */
  nonFinite: string | null;
  /** The hash announced on the chain. */
  announcedHash: string;
  /** The hash of the file's values. */
  measuredHash: string | null;
  /** The loss that the miner claims. */
  claimedLoss: string;
  /** The block of its announcement. */
  submittedHeight: string;
  /** How often its bytes could not be had. */
  attempts: number;
  /** Why they could not be had the last time. */
  lastFailure: string | null;
  /** The file with the evidence of its exclusion, in the data folder. */
  evidence: string | null;
};
export type FindingView = {
  /** The check's name, as the settings spell it. */
  check: string;
  /** How it ended. */
  outcome: FindingOutcome;
  /** What was found. */
  measured: string;
  /** What it was held against. */
  expected: string;
  /** Whether a failure leaves the gradient out, by the settings as they are. */
  excludes: boolean;
};
export type FindingOutcome = "passed" | "failed" | "unknown";
export type GradientPoint = {
  /** The chain's id. */
  id: string;
  /** Who sent it. */
  miner: string;
  /** The training round. */
  trainingRound: string;
  /** L2 norm. */
  norm: number;
  /** Cosine of its angle to the round's aggregate, -1 to 1; absent before that was computed. */
  similarity: number | null;
  /** The verdict. */
  verdict: VerdictKind;
};
export type MinerQuery = {
  /** The beginning of an address; all where empty. */
  search: string;
  /** How many to leave out. */
  offset: number;
  /** How many to give; 500 at most. */
  limit: number;
};
export type MinerRow = {
  /** Its address. */
  address: string;
  /** Gradients of its that we saw. */
  gradients: number;
  /** Of these, judged without a failed check. */
  passed: number;
  /** Of these, with a failed check and yet usable. */
  reported: number;
  /** Of these, unusable. */
  unusable: number;
  /** Of these, left out of a revealed round. */
  excluded: number;
  /** When its last gradient was seen. */
  lastSeen: string;
};
export type MinerPage = {
  /** How many fit the query. */
  total: number;
  /** Those asked for. */
  rows: MinerRow[];
};
export type MinerDetail = {
  /** As in the list. */
  row: MinerRow;
  /** The chain's trust score, 0 to 1, as it says it now. */
  trustScore: number | null;
  /** The chain's tier for it, as it says it now. */
  tier: string | null;
  /** Submissions by the chain's count. */
  submissions: string | null;
  /** Successful ones by the chain's count. */
  successful: string | null;
  /** Slashings by the chain's count. */
  slashingEvents: string | null;
  /** By training round, oldest first; 200 at most. */
  history: ReputationPoint[];
  /** Why the chain's figures are not there. */
  error: string | null;
};
export type ReputationPoint = {
  /** The training round. */
  trainingRound: string;
  /** When its first gradient of that round was seen. */
  at: string;
  /** Gradients. */
  gradients: number;
  /** Of these, without a failed check. */
  passed: number;
  /** The largest norm. */
  norm: number | null;
};
export type SubmissionQuery = {
  /** The beginning of a CID, a root or a transaction's hash, or a training round; all where empty. */
  search: string;
  /** Only those that stand there. */
  stage: RoundStage | null;
  /** How many to leave out from the newest on. */
  offset: number;
  /** How many to give; 500 at most. */
  limit: number;
};
export type SubmissionRow = {
  /** The journal's number of the round. */
  id: string;
  /** The training round. */
  trainingRound: string;
  /** Where it stands. */
  stage: RoundStage;
  /** The aggregate's CID. */
  cid: string | null;
  /** The Merkle root. */
  merkleRoot: string | null;
  /** Gradients that take part. */
  participants: number;
  /** The commitment's transaction. */
  commitTx: string | null;
  /** Its block. */
  commitHeight: string | null;
  /** The reveal's transaction. */
  revealTx: string | null;
  /** Its block. */
  revealHeight: string | null;
  /** Gas that the round's transactions used. */
  gasUsed: string | null;
  /** Their fees in whole units of the fee denom. */
  fee: string | null;
  /** The reward in whole units of the reward denom. */
  reward: string | null;
  /** When the round was opened. */
  at: string;
  /** Why it left its good way. */
  reason: string | null;
};
export type SubmissionPage = {
  /** How many fit the query. */
  total: number;
  /** Those asked for. */
  rows: SubmissionRow[];
};
export type ExportFormat = "csv" | "json";
export type Exported = {
  /** The file. */
  path: string;
  /** Records in it. */
  records: number;
};
export type KeyRow = {
  /** Its name. */
  name: string;
  /** Its account. */
  address: string;
  /** Where its secret lies. */
  store: KeyStore;
  /** Whether the engine signs with it. */
  inUse: boolean;
  /** When it was enrolled. */
  createdAt: string;
  /** When it was last part of a backup. */
  lastBackup: string | null;
};
export type KeyStore = "keychain" | "file";
export type KeychainState = "available" | "locked" | "absent";
export type WordCount = "twelve" | "twentyFour";
export type KeyDraft = {
  /** Its name. */
  name: string;
  /** Its account. */
  address: string;
  /** How many words it has. */
  words: number;
  /** The places of the words that are asked for before it is kept, from 1. */
  asked: number[];
};
export type WordAnswer = {
  /** The place, from 1. */
  place: number;
  /** The word. */
  word: string;
};
export type ImportSource = { kind: "words"; text: string } | { kind: "hex"; text: string } | { kind: "armor"; text: string };
export type BackupView = {
  /** The file. */
  path: string;
  /** Names of the keys. */
  keys: string[];
  /** Settings and network profiles; after a restore, those that were written. */
  files: string[];
  /** When it was made. */
  at: string;
};
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";
export type LogLine = {
  /** Counts up by one. */
  seq: number;
  /** When it was written. */
  at: string;
  /** How grave it is. */
  level: LogLevel;
  /** The part of the program that wrote it. */
  target: string;
  /** What it says, with its fields behind it. */
  message: string;
};
export type LogQuery = {
  /** Only lines that are at least so grave. */
  level: LogLevel;
  /** Only lines that hold this text, in any case. */
  search: string;
  /** Only lines after this number; all where absent. */
  after: number | null;
  /** The newest of these, so many at most. */
  limit: number;
};
export type LogPage = {
  /** The lines. */
  lines: LogLine[];
  /** How many fit the query; the newest of them are here. */
  total: number;
  /** The number of the newest line there is. */
  newest: number;
};
export type MachineView = {
  /** The processor's name. */
  processor: string | null;
  /** Cores that this process may use. */
  cores: number | null;
  /** Bytes of memory that this process may use. */
  memoryBytes: string | null;
  /** Bytes of that which are free. */
  memoryAvailable: string | null;
  /** Bytes on the data folder's file system. */
  diskBytes: string | null;
  /** Bytes of that which are free. */
  diskFree: string | null;
  /** Seconds by which the clock is ahead of the chain's; negative where it is behind. */
  clockSkewSeconds: number | null;
  /** What is to be said of it. */
  verdicts: VerdictView[];
  /** When it was read. */
  at: string | null;
};
export type VerdictView = {
  /** What was judged, such as `memory`. */
  subject: string;
  /** How it stands. */
  level: VerdictLevel;
  /** What was found, and what it was held against. */
  reason: string;
  /** What mends it. */
  remedy: string | null;
  /** When it was read. */
  at: string;
};
export type VerdictLevel = "pass" | "warn" | "fail" | "unknown";
export type LoadView = {
  /** Share of all cores in use, 0 to 1. */
  cpu: number;
  /** Share of one core that this process uses; above 1 for several. */
  processCpu: number;
  /** Bytes of memory in use. */
  memoryUsed: string;
  /** Bytes of memory there are. */
  memoryTotal: string;
  /** Bytes that this process holds. */
  processMemory: string;
  /** Bytes free on the data folder's file system. */
  diskFree: string | null;
  /** Bytes a second that came in over all interfaces. */
  receivedPerSecond: number;
  /** Bytes a second that went out. */
  sentPerSecond: number;
  /** When it was read. */
  at: string;
};
export type NetworkView = {
  /** What the operator calls it. */
  name: string;
  /** The chain's id by the profile. */
  chainId: string;
  /** Whether all of it is local and worth nothing. */
  local: boolean;
  /** The chain's height, as the best endpoint says. */
  height: string | null;
  /** When that block was made. */
  blockTime: string | null;
  /** The usual seconds from block to block. */
  blockSeconds: number;
  /** In order of preference. */
  endpoints: EndpointView[];
  /** Denom of rewards. */
  rewardDenom: string;
  /** Digits after the point when an amount in the reward denom is shown. */
  rewardExponent: number;
  /** Denom of stakes. */
  stakeDenom: string;
  /** Denom of fees. */
  feeDenom: string;
  /** The least stake of a proposer, in whole units. */
  minimumStake: string;
  /** Where the network's dashboard is. */
  dashboardUrl: string | null;
  /** Where the network's explorer is. */
  explorerUrl: string | null;
  /** Where requests for authorization can be sent. */
  adminUrl: string | null;
  /** When the endpoints were asked last. */
  at: string | null;
};
export type EndpointView = {
  /** Its URL, without credentials. */
  url: string;
  /** How it is. */
  state: EndpointState;
  /** Whether the engine, or a look from outside, would use it now. */
  inUse: boolean;
  /** The chain that it serves. */
  chainId: string | null;
  /** Its newest block. */
  height: string | null;
  /** Blocks behind the best known height. */
  lag: number | null;
  /** How long an answer took. */
  latencyMs: number | null;
  /** What is wrong. */
  error: string | null;
  /** Since when it is in its state. */
  since: string;
};
export type EndpointState = "unknown" | "good" | "lagging" | "catchingUp" | "wrongChain" | "unreachable";
export type EndpointProbe = {
  /** As it was asked for. */
  url: string;
  /** The chain. */
  chainId: string;
  /** Its newest block. */
  height: string;
  /** When that block was made. */
  blockTime: string;
  /** Seconds since then. */
  lagSeconds: number;
  /** How long the answer took. */
  latencyMs: number;
  /** Whether it says that it is catching up. */
  catchingUp: boolean;
  /** Whether it keeps an index of transactions. */
  indexesTransactions: boolean;
  /** The node's name for itself. */
  moniker: string;
};
export type IpfsProbe = {
  /** As it was asked for. */
  url: string;
  /** What it calls itself. */
  version: string;
  /** Nodes that it is connected to; absent where it does not say. */
  peers: number | null;
  /** How long the answer took. */
  latencyMs: number;
};
export type NetworkChoice = { kind: "local" } | { kind: "profile"; name: string } | { kind: "endpoints"; rpc: string[]; ipfs: string | null };
export type ProfileView = {
  /** Its name. */
  name: string;
  /** Its chain. */
  chainId: string;
  /** Its RPC endpoints. */
  rpc: string[];
  /** Whether it comes with the program, and not from a file. */
  builtIn: boolean;
  /** Whether the settings name it. */
  chosen: boolean;
};
export type IpfsView = {
  /** Its RPC's URL, without credentials. */
  url: string;
  /** Whether the engine starts and stops the node itself. */
  managed: boolean;
  /** Whether it answers. */
  reachable: boolean;
  /** What it calls itself. */
  version: string | null;
  /** Nodes that it is connected to. */
  peers: number | null;
  /** Bytes that its repository holds. */
  repoBytes: string | null;
  /** Bytes that its repository may hold. */
  repoLimit: string | null;
  /** Bytes a second of the latest fetches. */
  fetchBytesPerSecond: number | null;
  /** Bytes a second of the latest uploads. */
  uploadBytesPerSecond: number | null;
  /** What is wrong. */
  error: string | null;
  /** Since when it is as it is. */
  since: string | null;
  /** When it was asked last. */
  at: string | null;
};
export type Preferences = {
  /** The role that was chosen; absent before it was. */
  role: NodeRole | null;
  /** What the operator is told of while the window is hidden. */
  notifications: NoticeKind[];
  /** Whether the launcher starts with the desktop, minimised. */
  autostart: boolean;
  /** Whether closing the window leaves the launcher in the tray, where there is one. */
  closeToTray: boolean;
  /** Light or dark. */
  theme: Theme;
  /** `en` or `tr`; that of the system where absent. */
  language: string | null;
  /** Whether the parameters of the set-up were looked through. */
  parametersSeen: boolean;
  /** Whether the operator was told of the words of the key, and confirmed them. */
  setupFinished: boolean;
};
export type NodeRole = "miner" | "serving" | "validator" | "proposer";
export type Theme = "system" | "light" | "dark";
export type NoticeKind = "roundRevealed" | "reward" | "challenge" | "slash" | "revealAtRisk" | "diskLow" | "engineStopped";
export type SettingView = {
  /** The dotted name, such as `round.quorum`. */
  key: string;
  /** One sentence on what it means. */
  about: string;
  /** Its value as text; absent where it is left out. */
  value: string | null;
  /** The value that a new data folder has. */
  standard: string | null;
  /** Whether it can be left out for good. */
  optional: boolean;
};
export type SettingsView = {
  /** The file. */
  path: string;
  /** Whether the file is there; the standard values hold where it is not. */
  saved: boolean;
  /** Every key, in the order of the file. */
  keys: SettingView[];
  /** Whether a running engine still works by older ones, and takes these up when it is started again. */
  needsRestart: boolean;
};
export type SettingChange = {
  /** Which. */
  key: string;
  /** What the operator typed; an empty text takes an optional key out. */
  value: string;
};
export type SettingProblem = {
  /** Which. */
  key: string;
  /** What was expected and found, such as `must be at least 1, is 0`. */
  text: string;
};
export type SaveOutcome = { kind: "saved"; value: SettingsView } | { kind: "problems"; value: SettingProblem[] };
export type FolderProbe = {
  /** The folder, whole. */
  path: string;
  /** Whether a file was written there, synchronised, read back and removed. */
  writable: boolean;
  /** Whether a proposer has its data there already. */
  inUse: boolean;
  /** Bytes free on its file system. */
  freeBytes: string | null;
  /** How fast it was written to. */
  bytesPerSecond: number | null;
  /** What is wrong with it. */
  error: string | null;
};
export type SetupView = {
  /** In order. */
  steps: SetupStep[];
  /** The first step that is not done; absent where all are. */
  next: SetupStepKind | null;
};
export type SetupStep = {
  /** Which. */
  kind: SetupStepKind;
  /** Whether it is done. */
  state: SetupState;
  /** What is missing, or what cannot be known now. */
  reason: string | null;
};
export type SetupStepKind = "role" | "system" | "network" | "keys" | "authorization" | "parameters" | "register" | "ready";
export type SetupState = "done" | "todo" | "blocked" | "unknown";
export type Snapshot = {
  /** The number of the last delta that is in it. */
  seq: number;
  /** When it was taken. */
  at: string;
  /** The program and its data folder. */
  application: ApplicationView;
  /** How far the set-up is, computed from what is there. */
  setup: SetupView;
  /** The engine. */
  engine: EngineView;
  /** The chain and the endpoints that lead to it. */
  network: NetworkView;
  /** What the account is on the chain. */
  standing: StandingView;
  /** The account's keys. */
  keys: KeyRow[];
  /** The round in progress. */
  round: RoundView | null;
  /** The newest rounds first, at most [`Snapshot::ROUNDS`]. */
  rounds: RoundView[];
  /** The five key figures. */
  metrics: Metrics;
  /** What is earned. */
  earnings: EarningsView;
  /** This machine. */
  machine: MachineView;
  /** The IPFS node. */
  ipfs: IpfsView;
  /** What the operator prefers of the desktop. */
  preferences: Preferences;
};
export type Delta = {
  /** Counts up by one. */
  seq: number;
  /** When it happened. */
  at: string;
  /** The change. */
  change: Change;
};
export type Change = { part: "application"; value: ApplicationView } | { part: "setup"; value: SetupView } | { part: "engine"; value: EngineView } | { part: "network"; value: NetworkView } | { part: "standing"; value: StandingView } | { part: "keys"; value: KeyRow[] } | { part: "round"; value: RoundView | null } | { part: "rounds"; value: RoundView[] } | { part: "metrics"; value: Metrics } | { part: "earnings"; value: EarningsView } | { part: "machine"; value: MachineView } | { part: "ipfs"; value: IpfsView } | { part: "preferences"; value: Preferences } | { part: "judged"; value: GradientRow } | { part: "notice"; value: Notice };
export type Deltas = { kind: "next"; value: Delta[] } | { kind: "gap" };
export type ApplicationView = {
  /** Its version. */
  version: string;
  /** The data folder that it works on. */
  dataFolder: string;
  /** When this run of the program began. */
  startedAt: string;
  /** Whether it works on the local network that runs inside it, rather than on a real one. */
  localNetwork: boolean;
  /** Whether actions that sign or change keys ask for the access passphrase. */
  accessProtected: boolean;
  /** What the system says of the operator's language, such as `tr-TR`. */
  locale: string | null;
  /** Whether there is a tray to hide in. */
  tray: boolean;
  /** What went wrong at the end of the last run, if it did not end as it should. */
  lastCrash: CrashView | null;
  /** Why the preferences could not be read. They are left alone, and the standard ones hold. */
  preferencesError: ApiError | null;
};
export type CrashView = {
  /** What the program was doing. */
  phase: string;
  /** When it began to. */
  at: string;
  /** The report's file name in the data folder, where there is one. */
  report: string | null;
};
export type Notice = {
  /** Which of the kinds that can be chosen. */
  kind: NoticeKind;
  /** The training round concerned. */
  trainingRound: string | null;
  /** An amount, in whole units. */
  amount: string | null;
  /** Its denom. */
  denom: string | null;
  /** One line for people, in English. */
  detail: string;
};
export type Metrics = {
  /** Gradients that the chain announced; the trend counts them by round. */
  gradients: Metric;
  /** Aggregations revealed and not reverted; the trend counts them by hour. */
  aggregations: Metric;
  /** Share of the rounds with a commitment that ended in a reveal which stands, 0 to 1; the trend by round. */
  successRate: Metric;
  /** Share of the judged gradients without a failed check, 0 to 1; the trend by round. */
  quality: Metric;
  /** Rewards in whole units of the reward denom; the trend by round. */
  earnings: Metric;
};
export type Metric = {
  /** The figure as decimal text; absent where nothing was measured yet. */
  value: string | null;
  /** Its unit: a denom, or nothing. */
  unit: string | null;
  /** The past, oldest first. */
  trend: number[];
  /** When the newest thing happened that the figure counts. */
  at: string | null;
};
export type StandingView = {
  /** The account; absent before there is a key. */
  address: string | null;
  /** How it stands. */
  state: StandingState;
  /** The stake that it registered with, as coins. */
  stake: string | null;
  /** The block of its registration. */
  registeredHeight: string | null;
  /** How often it was slashed. */
  slashingEvents: string | null;
  /** Its balance in the reward denom, in whole units. */
  rewardBalance: string | null;
  /** Its balance in the stake denom, in whole units. */
  stakeBalance: string | null;
  /** Its balance in the fee denom, in whole units. */
  feeBalance: string | null;
  /** When a request for authorization was signed last. */
  requestedAt: string | null;
  /** Why the standing is not known. */
  error: string | null;
  /** When the chain was asked last. */
  at: string | null;
};
export type StandingState = "unknown" | "notRequested" | "requested" | "authorized" | "registered" | "inactive" | "suspended";
export type AuthorizationRequest = {
  /** The document, to be saved, copied or sent as it is. */
  text: string;
  /** The account that asks. */
  address: string;
  /** A name for its file. */
  fileName: string;
  /** When it was signed. */
  at: string;
};
export type RegistrationPreview = {
  /** The account. */
  address: string;
  /** The stake in whole units. */
  stake: string;
  /** Its denom. */
  stakeDenom: string;
  /** The least that the network takes. */
  minimumStake: string;
  /** What the account has of the stake's denom. */
  stakeBalance: string;
  /** What the account has of the fee's denom. */
  feeBalance: string;
  /** The fee's denom. */
  feeDenom: string;
  /** The fee by a simulation; absent where the chain refused to simulate. */
  fee: string | null;
  /** Gas by a simulation. */
  gas: string | null;
  /** The resources that it states, as this machine was read. */
  resources: ResourcesView;
  /** Why it cannot be signed now. */
  refused: ApiError | null;
};
export type ResourcesView = {
  /** Cores. */
  cpuCores: number;
  /** Gigabytes of memory. */
  memoryGb: number;
  /** Gigabytes of free disk space. */
  storageGb: number;
  /** Graphics cards. */
  gpuCount: number;
};
export type RegistrationReceipt = {
  /** The stake, as coins. */
  stake: string;
  /** The transaction; absent when the account was registered before. */
  txHash: string | null;
  /** Its block. */
  height: string | null;
};
export type ErrorCode = "file" | "settings" | "request" | "in-use" | "key" | "no-keychain" | "keychain-locked" | "no-key-entry" | "key-differs" | "passphrase" | "access" | "standing" | "foreign-commitment" | "network" | "engine";
export type ApiError = {
  /** The kind. */
  code: ErrorCode;
  /** One line for people. */
  message: string;
  /** What to do about it, where that is known. */
  remedy: string | null;
};

import { invoke } from "@tauri-apps/api/core";
export type Result<T, E> = { status: "ok"; data: T } | { status: "error"; error: E };
async function typed<T, E>(answer: Promise<T>): Promise<Result<T, E>> {
  try {
    return { status: "ok", data: await answer };
  } catch (error) {
    if (error instanceof Error) throw error;
    return { status: "error", error: error as E };
  }
}
export const commands = {
  keychainState: (): Promise<Result<KeychainState, ApiError>> => typed(invoke("keychain_state", {})),
  draftKey: (name: string, words: WordCount, store: KeyStore, passphrase: string | null, access: string | null): Promise<Result<KeyDraft, ApiError>> => typed(invoke("draft_key", { name, words, store, passphrase, access })),
  revealWords: (passphrase: string | null): Promise<Result<string[], ApiError>> => typed(invoke("reveal_words", { passphrase })),
  keepKey: (answers: WordAnswer[]): Promise<Result<KeyRow, ApiError>> => typed(invoke("keep_key", { answers })),
  dropDraft: (): Promise<Result<null, ApiError>> => typed(invoke("drop_draft", {})),
  importKey: (name: string, source: ImportSource, store: KeyStore, passphrase: string | null, sourcePassphrase: string | null, access: string | null): Promise<Result<KeyRow, ApiError>> => typed(invoke("import_key", { name, source, store, passphrase, sourcePassphrase, access })),
  useKey: (name: string, access: string | null): Promise<Result<null, ApiError>> => typed(invoke("use_key", { name, access })),
  deleteKey: (name: string, address: string, access: string | null): Promise<Result<null, ApiError>> => typed(invoke("delete_key", { name, address, access })),
  unlockKeys: (passphrase: string): Promise<Result<null, ApiError>> => typed(invoke("unlock_keys", { passphrase })),
  backUp: (passphrase: string, keys: string | null, access: string | null): Promise<Result<BackupView | null, ApiError>> => typed(invoke("back_up", { passphrase, keys, access })),
  restore: (passphrase: string, store: KeyStore | null, keys: string | null, access: string | null): Promise<Result<BackupView | null, ApiError>> => typed(invoke("restore", { passphrase, store, keys, access })),
  requestAuthorization: (contact: string, statement: string, access: string | null): Promise<Result<AuthorizationRequest, ApiError>> => typed(invoke("request_authorization", { contact, statement, access })),
  saveAuthorization: (text: string, fileName: string): Promise<Result<string | null, ApiError>> => typed(invoke("save_authorization", { text, fileName })),
  sendAuthorization: (text: string): Promise<Result<null, ApiError>> => typed(invoke("send_authorization", { text })),
  grantOnLocalNetwork: (): Promise<Result<null, ApiError>> => typed(invoke("grant_on_local_network", {})),
  registrationPreview: (stake: string | null): Promise<Result<RegistrationPreview, ApiError>> => typed(invoke("registration_preview", { stake })),
  register: (stake: string | null, access: string | null): Promise<Result<RegistrationReceipt, ApiError>> => typed(invoke("register", { stake, access })),
  claimPreview: (): Promise<Result<ClaimPreview, ApiError>> => typed(invoke("claim_preview", {})),
  claim: (access: string | null): Promise<Result<ClaimReceipt, ApiError>> => typed(invoke("claim", { access })),
  pickFolder: (): Promise<Result<string | null, ApiError>> => typed(invoke("pick_folder", {})),
  moveDataFolder: (path: string): Promise<Result<null, ApiError>> => typed(invoke("move_data_folder", { path })),
  openDataFolder: (): Promise<Result<null, ApiError>> => typed(invoke("open_data_folder", {})),
  openPage: (url: string): Promise<Result<null, ApiError>> => typed(invoke("open_page", { url })),
  quit: (): Promise<Result<null, ApiError>> => typed(invoke("quit", {})),
  rounds: (offset: number, limit: number): Promise<Result<RoundPage, ApiError>> => typed(invoke("rounds", { offset, limit })),
  gradients: (query: GradientQuery): Promise<Result<GradientPage, ApiError>> => typed(invoke("gradients", { query })),
  gradient: (id: string): Promise<Result<GradientDetail, ApiError>> => typed(invoke("gradient", { id })),
  gradientPoints: (trainingRound: string | null, limit: number): Promise<Result<GradientPoint[], ApiError>> => typed(invoke("gradient_points", { trainingRound, limit })),
  miners: (query: MinerQuery): Promise<Result<MinerPage, ApiError>> => typed(invoke("miners", { query })),
  miner: (address: string): Promise<Result<MinerDetail, ApiError>> => typed(invoke("miner", { address })),
  submissions: (query: SubmissionQuery): Promise<Result<SubmissionPage, ApiError>> => typed(invoke("submissions", { query })),
  exportSubmissions: (format: ExportFormat): Promise<Result<Exported | null, ApiError>> => typed(invoke("export_submissions", { format })),
  ledger: (offset: number, limit: number): Promise<Result<LedgerPage, ApiError>> => typed(invoke("ledger", { offset, limit })),
  earningsByDay: (days: number): Promise<Result<DayEarnings[], ApiError>> => typed(invoke("earnings_by_day", { days })),
  snapshot: (): Promise<Snapshot> => invoke("snapshot", {}),
  deltas: (after: number): Promise<Deltas> => invoke("deltas", { after }),
  start: (): Promise<Result<null, ApiError>> => typed(invoke("start", {})),
  stop: (): Promise<Result<null, ApiError>> => typed(invoke("stop", {})),
  lookAgain: (): Promise<null> => invoke("look_again", {}),
  machineLoad: (): Promise<Result<LoadView, ApiError>> => typed(invoke("machine_load", {})),
  checkSystem: (): Promise<Result<MachineView, ApiError>> => typed(invoke("check_system", {})),
  doctor: (): Promise<Result<DoctorCheck[], ApiError>> => typed(invoke("doctor", {})),
  logPage: (query: LogQuery): Promise<LogPage> => invoke("log_page", { query }),
  exportLog: (): Promise<Result<Exported | null, ApiError>> => typed(invoke("export_log", {})),
  recordFault: (message: string): Promise<null> => invoke("record_fault", { message }),
  settings: (): Promise<Result<SettingsView, ApiError>> => typed(invoke("settings", {})),
  checkSettings: (changes: SettingChange[]): Promise<Result<SettingProblem[], ApiError>> => typed(invoke("check_settings", { changes })),
  saveSettings: (changes: SettingChange[]): Promise<Result<SaveOutcome, ApiError>> => typed(invoke("save_settings", { changes })),
  setPreferences: (preferences: Preferences): Promise<Result<Preferences, ApiError>> => typed(invoke("set_preferences", { preferences })),
  profiles: (): Promise<Result<ProfileView[], ApiError>> => typed(invoke("profiles", {})),
  chooseNetwork: (choice: NetworkChoice): Promise<Result<null, ApiError>> => typed(invoke("choose_network", { choice })),
  addProfile: (): Promise<Result<boolean, ApiError>> => typed(invoke("add_profile", {})),
  probeEndpoint: (url: string): Promise<Result<EndpointProbe, ApiError>> => typed(invoke("probe_endpoint", { url })),
  probeIpfs: (url: string): Promise<Result<IpfsProbe, ApiError>> => typed(invoke("probe_ipfs", { url })),
  probeFolder: (path: string): Promise<Result<FolderProbe, ApiError>> => typed(invoke("probe_folder", { path })),
  setAccessPassphrase: (present: string | null, next: string | null): Promise<Result<null, ApiError>> => typed(invoke("set_access_passphrase", { present, next })),
};
