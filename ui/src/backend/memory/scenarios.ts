// Beginnings for tests and pictures: a snapshot, and how much history stands behind it.

import type { ApiError, Snapshot, SetupStepKind, SetupView, VerdictLevel } from "../types";
import { ago, OURS, PER_ROUND, roundView, trouble } from "./data";

export type Scenario =
  | "fresh"
  | "running"
  | "local"
  | "stopped"
  | "empty"
  | "starting"
  | "trouble"
  | "troubled"
  | "failed"
  | "idle"
  | "failing"
  | "silent"
  | "large";

export interface World {
  snapshot: Snapshot;
  gradients: number;
  rounds: number;
  /** What every query fails with. */
  failing: ApiError | null;
  /** Whether the snapshot cannot be had. */
  silent: boolean;
  /** Whether to answer only when told to. */
  keychain: "available" | "locked" | "absent";
  accessPassphrase: string | null;
}

const KINDS: SetupStepKind[] = [
  "role",
  "system",
  "network",
  "keys",
  "authorization",
  "parameters",
  "register",
  "ready",
];

/** The setup read off the snapshot, as the engine reads it off what is there. */
export function setupOf(snapshot: Snapshot): SetupView {
  const standing = snapshot.standing.state;
  const done: Record<SetupStepKind, boolean> = {
    role: snapshot.preferences.role === "proposer",
    system: snapshot.machine.at !== null,
    network: snapshot.network.chainId !== "",
    keys: snapshot.keys.some((key) => key.inUse),
    authorization: ["authorized", "registered"].includes(standing),
    parameters: snapshot.preferences.parametersSeen,
    register: standing === "registered",
    ready: snapshot.preferences.setupFinished,
  };
  const blocked: Partial<Record<SetupStepKind, boolean>> = {
    authorization: !done.keys || !done.network,
    register: !done.authorization,
  };
  const steps = KINDS.map((kind) => ({
    kind,
    state: done[kind] ? ("done" as const) : blocked[kind] ? ("blocked" as const) : ("todo" as const),
    reason: null,
  }));
  return { steps, next: steps.find((step) => step.state !== "done")?.kind ?? null };
}

const figure = (
  amount: string | null,
  denom: string,
  source: "journal" | "chain" | "formula",
  seconds: number,
) => ({
  amount,
  denom,
  source,
  at: ago(seconds),
  error: null,
});

export function verdict(subject: string, level: VerdictLevel, reason: string, remedy: string | null = null) {
  return { subject, level, reason, remedy, since: ago(86_000), at: ago(3) };
}

function base(): Snapshot {
  return {
    seq: 100,
    at: ago(0),
    application: {
      version: "0.1.0",
      dataFolder: "~/.local/share/r3mes-proposer",
      startedAt: ago(93_000),
      localNetwork: false,
      accessProtected: false,
      locale: "en-GB",
      tray: true,
      lastCrash: null,
      preferencesError: null,
    },
    setup: { steps: [], next: null },
    engine: {
      state: "running",
      desired: "running",
      since: ago(86_000),
      step: null,
      error: null,
      retryAt: null,
      startBlocked: null,
      canStop: true,
      health: "good",
      troubles: [],
      lastWork: { kind: "judged", at: ago(4) },
    },
    network: {
      name: "remes-1",
      chainId: "remes-1",
      local: false,
      height: "21844",
      blockTime: ago(3),
      blockSeconds: 5,
      endpoints: [
        {
          url: "https://rpc-1.remes.example",
          state: "good",
          inUse: true,
          chainId: "remes-1",
          height: "21844",
          lag: 0,
          latencyMs: 41.2,
          error: null,
          since: ago(86_000),
        },
        {
          url: "https://rpc-2.remes.example",
          state: "lagging",
          inUse: false,
          chainId: "remes-1",
          height: "21831",
          lag: 13,
          latencyMs: 187.5,
          error: null,
          since: ago(900),
        },
        {
          url: "http://127.0.0.1:26657",
          state: "unreachable",
          inUse: false,
          chainId: null,
          height: null,
          lag: null,
          latencyMs: null,
          error: "127.0.0.1:26657 refused the connection",
          since: ago(4000),
        },
      ],
      rewardDenom: "remes",
      rewardExponent: 0,
      stakeDenom: "remes",
      feeDenom: "stake",
      minimumStake: "50000",
      dashboardUrl: "https://dashboard.remes.example",
      explorerUrl: "https://explorer.remes.example",
      adminUrl: "https://admin.remes.example/authorization",
      at: ago(3),
    },
    standing: {
      address: OURS,
      state: "registered",
      stake: "50000remes",
      registeredHeight: "11020",
      slashingEvents: "0",
      rewardBalance: "184210",
      stakeBalance: "184210",
      feeBalance: "9120400",
      requestedAt: ago(900_000),
      error: null,
      at: ago(8),
    },
    keys: [
      {
        name: "main",
        address: OURS,
        store: "keychain",
        inUse: true,
        createdAt: ago(1_000_000),
        lastBackup: ago(600_000),
      },
    ],
    round: null,
    rounds: [],
    metrics: {
      gradients: { value: "2892", unit: null, trend: [], at: ago(4) },
      aggregations: { value: "226", unit: null, trend: [], at: ago(140) },
      successRate: { value: "0.9417", unit: null, trend: [], at: ago(140) },
      quality: { value: "0.8654", unit: null, trend: [], at: ago(4) },
      earnings: { value: "137860", unit: "remes", trend: [], at: ago(140) },
    },
    earnings: {
      estimated: figure("610", "remes", "formula", 3),
      pending: figure("2440", "remes", "journal", 140),
      claimable: [figure("1834", "remes", "chain", 20), figure("12", "stake", "chain", 20)],
      paid: figure("135420", "remes", "journal", 700),
      fees: figure("1916000", "stake", "journal", 140),
      formula: '{"base_reward":"500","per_participant":"10"}',
      notPaid: ["the formula pays nothing for the size of the stake"],
      booksAgree: true,
      claimInFlight: false,
      payoutInFlight: false,
    },
    machine: {
      processor: "AMD Ryzen 7 5800X",
      cores: 16,
      memoryBytes: "33500000000",
      memoryAvailable: "21300000000",
      diskBytes: "983000000000",
      diskFree: "412000000000",
      clockSkewSeconds: -0.2,
      verdicts: [
        verdict("cores", "pass", "16 cores"),
        verdict(
          "memory",
          "warn",
          "31.2 GB, 32 GB are recommended",
          "add memory, or lower `limits.max_gradient` and `limits.parallel_fetches`",
        ),
        verdict("free disk", "pass", "412 GB of 983 GB free"),
        verdict("data folder", "pass", "written at 412 MB/s"),
        verdict("chain RPC", "pass", "198.51.100.7:26657 reached in 41.2 ms"),
        verdict("IPFS", "pass", "127.0.0.1:5001 reached in 1.2 ms"),
        verdict("clock", "pass", "agrees with the newest block, 3.1 s old"),
      ],
      at: ago(60),
    },
    ipfs: {
      url: "http://127.0.0.1:5001",
      managed: true,
      reachable: true,
      version: "kubo 0.40.1",
      peers: 184,
      repoBytes: "8432000000",
      repoLimit: "20000000000",
      fetchBytesPerSecond: 11_400_000,
      uploadBytesPerSecond: 7_200_000,
      error: null,
      since: ago(86_000),
      at: ago(6),
    },
    troubles: [],
    preferences: {
      role: "proposer",
      notifications: [
        "roundRevealed",
        "reward",
        "challenge",
        "slash",
        "revealAtRisk",
        "diskLow",
        "engineStopped",
      ],
      autostart: false,
      closeToTray: true,
      theme: "system",
      language: null,
      parametersSeen: true,
      setupFinished: true,
    },
  };
}

/** Fills a snapshot with a history of so many rounds. */
function withHistory(snapshot: Snapshot, rounds: number): void {
  snapshot.round = roundView(rounds, rounds, "collecting");
  snapshot.rounds = Array.from({ length: Math.min(20, rounds) }, (_, i) =>
    i === 0 ? snapshot.round! : roundView(rounds - i, rounds),
  );
  const wave = (of: (i: number) => number) => Array.from({ length: 24 }, (_, i) => of(i));
  snapshot.metrics.gradients.trend = wave((i) => 11 + Math.round(Math.sin(i / 2) * 1.6));
  snapshot.metrics.aggregations.trend = wave((i) => 24 + Math.round(Math.cos(i / 3) * 3));
  snapshot.metrics.successRate.trend = wave((i) => (i === 9 ? 0 : 1));
  snapshot.metrics.quality.trend = wave((i) => 0.86 + Math.sin(i / 2.4) * 0.06);
  snapshot.metrics.earnings.trend = wave((i) => 600 + (i % 4) * 10);
}

/** What an error says, as a trouble says it. */
const said = ({ message, remedy }: ApiError) => ({ message, remedy });

function newcomer(snapshot: Snapshot): void {
  snapshot.engine = {
    ...snapshot.engine,
    state: "stopped",
    desired: "stopped",
    canStop: false,
    health: "off",
    lastWork: null,
    since: ago(5),
    startBlocked: {
      code: "key",
      message: "start the proposer: there is no key yet",
      remedy: "make, import or restore one",
    },
  };
  snapshot.network = {
    ...snapshot.network,
    name: "",
    chainId: "",
    height: null,
    blockTime: null,
    endpoints: [],
    at: null,
    dashboardUrl: null,
    explorerUrl: null,
    adminUrl: null,
  };
  snapshot.standing = {
    ...snapshot.standing,
    address: null,
    state: "unknown",
    stake: null,
    registeredHeight: null,
    slashingEvents: null,
    rewardBalance: null,
    stakeBalance: null,
    feeBalance: null,
    requestedAt: null,
    at: null,
  };
  snapshot.keys = [];
  snapshot.machine = { ...snapshot.machine, at: null, verdicts: [] };
  snapshot.preferences = { ...snapshot.preferences, role: null, parametersSeen: false, setupFinished: false };
  nothingYet(snapshot);
}

function nothingYet(snapshot: Snapshot): void {
  const none = { value: null, unit: null, trend: [], at: null };
  snapshot.metrics = {
    gradients: { ...none, value: "0" },
    aggregations: { ...none, value: "0" },
    successRate: none,
    quality: none,
    earnings: { ...none, value: "0", unit: "remes" },
  };
  snapshot.earnings = {
    ...snapshot.earnings,
    estimated: figure("0", "remes", "formula", 3),
    pending: figure("0", "remes", "journal", 3),
    claimable: [],
    paid: figure("0", "remes", "journal", 3),
    fees: figure("0", "stake", "journal", 3),
    formula: null,
    notPaid: [],
    booksAgree: null,
  };
}

export function world(scenario: Scenario): World {
  const snapshot = base();
  let rounds = 241;
  const made: Partial<World> = {};
  switch (scenario) {
    case "fresh":
      newcomer(snapshot);
      rounds = 0;
      break;
    case "empty":
      nothingYet(snapshot);
      snapshot.engine.health = "unproven";
      snapshot.engine.lastWork = null;
      rounds = 0;
      break;
    case "local":
      snapshot.application.localNetwork = true;
      snapshot.network = {
        ...snapshot.network,
        name: "localnet",
        chainId: "remes-local",
        local: true,
        dashboardUrl: null,
        explorerUrl: null,
        adminUrl: null,
      };
      snapshot.keys = [];
      snapshot.preferences.setupFinished = false;
      break;
    case "stopped":
      snapshot.engine = {
        ...snapshot.engine,
        state: "stopped",
        desired: "stopped",
        canStop: false,
        health: "off",
      };
      break;
    case "starting":
      snapshot.engine = {
        ...snapshot.engine,
        state: "starting",
        step: "chain",
        health: "off",
        since: ago(4),
      };
      break;
    case "trouble":
      snapshot.engine.health = "troubled";
      snapshot.engine.troubles = [trouble("engine", 340)];
      snapshot.troubles = [trouble("engine", 340), trouble("ipfs", 345)];
      snapshot.ipfs = {
        ...snapshot.ipfs,
        reachable: false,
        error:
          "no IPFS node answers at http://127.0.0.1:5001/ (connection refused): start it (`ipfs daemon`) or set its RPC address",
        since: ago(340),
      };
      break;
    case "troubled":
      snapshot.engine.health = "troubled";
      snapshot.troubles = [trouble("chain", 25), trouble("disk", 340), trouble("keychain", 90_000)];
      break;
    case "failed":
      snapshot.engine = {
        ...snapshot.engine,
        state: "stoppedWithError",
        health: "off",
        since: ago(30),
        error: {
          code: "network",
          message:
            "get an answer to `status` from any of the chain's endpoints: http://127.0.0.1:26657: connection refused",
          remedy: "check the RPC address in the network profile, and that the node runs",
        },
        retryAt: new Date(Date.now() + 6000).toISOString(),
      };
      snapshot.troubles = [{ ...trouble("chain", 30), ...said(snapshot.engine.error!) }];
      snapshot.application.lastCrash = {
        phase: "running",
        at: ago(4000),
        report: "crash-2026-11-24.txt",
      };
      snapshot.keys[0]!.lastBackup = null;
      break;
    case "idle":
      snapshot.engine.health = "idle";
      snapshot.engine.lastWork = { kind: "judged", at: ago(2600) };
      break;
    case "failing":
      made.failing = {
        code: "engine",
        message: "read journal.sqlite: input/output error",
        remedy: "check the disk",
      };
      break;
    case "silent":
      made.silent = true;
      break;
    case "large":
      rounds = 10_000;
      break;
    case "running":
      break;
  }
  if (rounds > 0) withHistory(snapshot, rounds);
  snapshot.setup = setupOf(snapshot);
  return {
    snapshot,
    rounds,
    gradients: scenario === "large" ? 100_000 : rounds * PER_ROUND,
    failing: null,
    silent: false,
    keychain: "available",
    accessPassphrase: null,
    ...made,
  };
}
