// What the engine's names are called on the screen.

import type {
  Concern,
  DoctorCheckKind,
  EndpointState,
  EngineState,
  FigureSource,
  Health,
  NodeRole,
  NoticeKind,
  RoundStage,
  RunPhase,
  SetupStepKind,
  StandingState,
  StartStep,
  VerdictKind,
  VerdictLevel,
  WorkKind,
} from "../backend/types";
import type { Tone } from "../components/Badge.svelte";
import { m } from "../paraglide/messages.js";

type Words<K extends string> = Record<K, () => string>;

export const stages: Words<RoundStage> = {
  collecting: m.state_collecting,
  aggregating: m.state_aggregating,
  publishing: m.state_publishing,
  committed: m.state_committed,
  revealed: m.state_revealed,
  finalized: m.state_finalized,
  challenged: m.state_challenged,
  reverted: m.state_reverted,
  expired: m.state_expired,
  superseded: m.state_superseded,
  abandoned: m.state_abandoned,
};

export const engineStates: Words<EngineState> = {
  stopped: m.engine_stopped,
  starting: m.engine_starting,
  running: m.engine_running,
  stopping: m.engine_stopping,
  stoppedWithError: m.engine_failed,
  cannotRecover: m.engine_cannot_recover,
};

export const startSteps: Words<StartStep> = {
  localNetwork: m.engine_step_local_network,
  key: m.engine_step_key,
  chain: m.engine_step_chain,
};

export const healths: Words<Health> = {
  off: m.health_off,
  unproven: m.health_unproven,
  good: m.health_good,
  idle: m.health_idle,
  troubled: m.health_troubled,
};

export const healthTones: Record<Health, Tone> = {
  off: "neutral",
  unproven: "accent",
  good: "good",
  idle: "warn",
  troubled: "bad",
};

export const concerns: Words<Concern> = {
  chain: m.trouble_chain,
  ipfs: m.trouble_ipfs,
  disk: m.trouble_disk,
  keychain: m.trouble_keychain,
  clock: m.trouble_clock,
  account: m.trouble_account,
  engine: m.trouble_engine,
};

export const works: Words<WorkKind> = {
  started: m.health_started,
  judged: m.health_judged,
  advanced: m.health_advanced,
};

export const verdicts: Words<VerdictKind> = {
  waiting: m.verdict_waiting,
  passed: m.verdict_passed,
  reported: m.verdict_reported,
  unusable: m.verdict_unusable,
};

export const verdictTones: Record<VerdictKind, Tone> = {
  waiting: "neutral",
  passed: "good",
  reported: "warn",
  unusable: "bad",
};

export const levels: Words<VerdictLevel> = {
  pass: m.level_pass,
  warn: m.level_below,
  fail: m.level_fail,
  unknown: m.level_unknown,
};

/** The same of a line of the diagnostics, which are not about being enough. */
export const doctorLevels: Words<VerdictLevel> = {
  pass: m.doctor_pass,
  warn: m.doctor_warn,
  fail: m.doctor_fail,
  unknown: m.level_unknown,
};

export const levelTones: Record<VerdictLevel, Tone> = {
  pass: "good",
  warn: "warn",
  fail: "bad",
  unknown: "neutral",
};

export const endpointStates: Words<EndpointState> = {
  unknown: m.endpoint_unknown,
  good: m.endpoint_good,
  lagging: m.endpoint_lagging,
  catchingUp: m.endpoint_catching_up,
  wrongChain: m.endpoint_wrong_chain,
  unreachable: m.endpoint_unreachable,
};

export const endpointTones: Record<EndpointState, Tone> = {
  unknown: "neutral",
  good: "good",
  lagging: "warn",
  catchingUp: "warn",
  wrongChain: "bad",
  unreachable: "bad",
};

export const figureSources: Words<FigureSource> = {
  journal: m.source_journal,
  chain: m.source_chain,
  formula: m.source_formula,
};

export const standings: Words<StandingState> = {
  unknown: m.standing_unknown,
  notRequested: m.standing_not_requested,
  requested: m.standing_requested,
  authorized: m.standing_authorized,
  registered: m.standing_registered,
  inactive: m.standing_inactive,
  suspended: m.standing_suspended,
  revoked: m.standing_revoked,
  slashed: m.standing_slashed,
};

export const standingTones: Record<StandingState, Tone> = {
  unknown: "neutral",
  notRequested: "neutral",
  requested: "accent",
  authorized: "good",
  registered: "good",
  inactive: "warn",
  suspended: "bad",
  revoked: "bad",
  slashed: "bad",
};

export const notices: Words<NoticeKind> = {
  roundRevealed: m.notice_round_revealed,
  reward: m.notice_reward,
  challenge: m.notice_challenge,
  slash: m.notice_slash,
  revealAtRisk: m.notice_reveal_at_risk,
  diskLow: m.notice_disk_low,
  engineStopped: m.notice_engine_stopped,
};

export const runPhases: Words<RunPhase> = {
  starting: m.run_starting,
  running: m.run_running,
  quitting: m.run_quitting,
};

export const roles: Words<NodeRole> = {
  miner: m.role_miner,
  serving: m.role_serving,
  validator: m.role_validator,
  proposer: m.role_proposer,
};

export const setupSteps: Words<SetupStepKind> = {
  role: m.step_role,
  system: m.step_system,
  network: m.step_network,
  keys: m.step_keys,
  authorization: m.step_authorization,
  parameters: m.step_parameters,
  register: m.step_register,
  ready: m.step_ready,
};

export const doctorChecks: Words<DoctorCheckKind> = {
  minerConnectivity: m.doctor_miner_connectivity,
  registration: m.doctor_registration,
  firewall: m.doctor_firewall,
  format: m.doctor_format,
  thresholds: m.doctor_thresholds,
  resources: m.doctor_resources,
  chain: m.doctor_chain,
  fees: m.doctor_fees,
  ipfs: m.doctor_ipfs,
  uptime: m.doctor_uptime,
  clock: m.doctor_clock,
  keys: m.doctor_keys,
};

const CHECKS: Record<string, () => string> = {
  availability: m.check_availability,
  size: m.check_size,
  content: m.check_content,
  format: m.check_format,
  kind: m.check_kind,
  finite: m.check_finite,
  layout: m.check_layout,
  source: m.check_source,
  "gradient-hash": m.check_gradient_hash,
  registration: m.check_registration,
  "claimed-loss": m.check_claimed_loss,
  duplicate: m.check_duplicate,
  norm: m.check_norm,
  zeros: m.check_zeros,
  "trust-score": m.check_trust_score,
};

/** A check's name; one that this version does not know keeps its own. */
export function check(name: string): string {
  return CHECKS[name]?.() ?? name;
}

const SUBJECTS: Record<string, () => string> = {
  cores: m.subject_cores,
  memory: m.subject_memory,
  "free disk": m.subject_free_disk,
  "data folder": m.subject_data_folder,
  "chain RPC": m.subject_chain_rpc,
  IPFS: m.subject_ipfs,
  clock: m.subject_clock,
  settings: m.subject_settings,
  dashboard: m.subject_dashboard,
  explorer: m.subject_explorer,
  administrator: m.subject_administrator,
};

/** What a verdict on the machine is about. */
export function subject(name: string): string {
  return SUBJECTS[name]?.() ?? name;
}

const LEDGER: Record<string, () => string> = {
  reward: m.ledger_reward,
  fee: m.ledger_fee,
  claim: m.ledger_claim,
  commission: m.ledger_commission,
  slash: m.ledger_slash,
  bond: m.ledger_bond,
  payout: m.ledger_payout,
  gap: m.ledger_gap,
  other: m.ledger_other,
};

/** A kind of movement in the books. */
export function ledgerKind(kind: string): string {
  return LEDGER[kind]?.() ?? kind;
}

const CHAIN_STATUS: Record<string, () => string> = {
  pending: m.status_pending,
  aggregated: m.status_aggregated,
  challenged: m.status_challenged,
};

/** The chain's word on a gradient. */
export function gradientStatus(status: string): string {
  return CHAIN_STATUS[status]?.() ?? status;
}
