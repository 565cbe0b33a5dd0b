// What the model in memory holds: rows made from their number, so that there can be any many of them.

import type {
  Concern,
  GradientDetail,
  GradientRow,
  MinerRow,
  RoundStage,
  RoundStep,
  RoundView,
  SubmissionRow,
  Trouble,
  VerdictKind,
} from "../types";

export const MINERS = 48;
export const PER_ROUND = 12;
/** The moment from which everything counts back. */
export const NOW = Date.now();

export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1000).toISOString();
}

/** A fixed fraction for a number: the same in each run. */
export function fraction(n: number): number {
  const x = Math.sin(n * 12.9898 + 78.233) * 43758.5453;
  return x - Math.floor(x);
}

const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
function letters(seed: number, length: number): string {
  return Array.from({ length }, (_, i) => ALPHABET[Math.floor(fraction(seed * 131 + i) * 32)]).join("");
}

export const hex = (seed: number): string =>
  Array.from({ length: 64 }, (_, i) => Math.floor(fraction(seed * 977 + i) * 16).toString(16)).join("");
export const txHash = (seed: number): string => hex(seed).toUpperCase();
export const cid = (seed: number): string => `bafybei${letters(seed + 7000, 52).replace(/[0189]/g, "k")}`;
export const address = (miner: number): string => `remes1${letters(miner + 1, 38)}`;
export const OURS = address(900);

export function verdictOf(id: number): VerdictKind {
  const f = fraction(id * 3 + 1);
  if (f < 0.03) return "unusable";
  return f < 0.14 ? "reported" : "passed";
}

export function gradientRow(id: number, newest: number): GradientRow {
  const verdict = verdictOf(id);
  const odd = verdict === "reported";
  return {
    id: String(id),
    miner: address(id % MINERS),
    cid: cid(id),
    trainingRound: String(Math.floor(id / PER_ROUND) + 1),
    modelVersion: "v1.4",
    status: newest - id < PER_ROUND ? "pending" : "aggregated",
    verdict,
    failed: verdict === "unusable" ? ["finite"] : odd ? (id % 2 ? ["norm"] : ["gradient-hash"]) : [],
    excluded: verdict === "unusable" && newest - id >= PER_ROUND,
    norm: verdict === "unusable" ? null : (odd ? 21 : 2.1) + fraction(id) * 0.9,
    bytes: String(Math.floor(38_000_000 + fraction(id + 5) * 9_000_000)),
    seenAt: ago((newest - id) * 9 + 4),
  };
}

export function gradientDetail(row: GradientRow): GradientDetail {
  const failed = (check: string) => row.failed.includes(check);
  const finding = (check: string, measured: string, expected: string) => ({
    check,
    outcome: failed(check) ? ("failed" as const) : ("passed" as const),
    measured,
    expected,
    excludes: check === "finite",
  });
  return {
    row,
    findings: [
      finding(
        "source",
        `transaction ${hex(Number(row.id)).slice(0, 12)}`,
        "a transaction signed by the miner that says what the chain's record says",
      ),
      finding("content", row.cid.slice(0, 20), row.cid.slice(0, 20)),
      finding(
        "finite",
        failed("finite") ? "2 of 4810 values are not finite" : "only finite values",
        "only finite values",
      ),
      finding(
        "gradient-hash",
        hex(Number(row.id) + (failed("gradient-hash") ? 1 : 0)).slice(0, 24),
        hex(Number(row.id)).slice(0, 24),
      ),
      finding(
        "norm",
        row.norm === null ? "no values at all" : `an L2 norm of ${row.norm.toFixed(6)}`,
        "at most 20",
      ),
    ],
    container: "safetensors",
    layout: "4 tensors, 4810 values",
    samples: "450",
    maxAbs: 0.31,
    zeroShare: 0.0123,
    nonFinite: failed("finite") ? "2" : "0",
    announcedHash: hex(Number(row.id)),
    measuredHash: hex(Number(row.id) + (failed("gradient-hash") ? 1 : 0)),
    claimedLoss: "0.4127",
    submittedHeight: String(20_000 + Math.floor(Number(row.id) / 2)),
    attempts: 1,
    lastFailure: null,
    evidence: row.excluded ? `evidence/round-${row.trainingRound}-gradient-${row.id}.json` : null,
  };
}

/** What the chain would say of a miner after the so many-th of 30 rounds. */
export function trust(miner: number, round: number): number {
  const slashed = miner % 7 === 3 && round >= 18 ? 0.25 : 0;
  return 0.66 + 0.3 * (1 - Math.exp(-round / 9)) - fraction(miner) * 0.1 - slashed;
}

export function minerRow(miner: number, gradients: number): MinerRow {
  const own = Array.from(
    { length: Math.ceil(Math.max(0, gradients - miner) / MINERS) },
    (_, i) => i * MINERS + miner,
  );
  const counted = own.slice(-200);
  const of = (kind: VerdictKind) => counted.filter((id) => verdictOf(id) === kind).length;
  return {
    address: address(miner),
    gradients: counted.length,
    passed: of("passed"),
    reported: of("reported"),
    unusable: of("unusable"),
    excluded: of("unusable"),
    lastSeen: ago((miner % 7) * 40 + 12),
    trust: trust(miner, 29),
  };
}

const WAY: RoundStage[] = ["collecting", "aggregating", "publishing", "committed", "revealed", "finalized"];

export function roundView(number: number, newest: number, stage?: RoundStage): RoundView {
  const back = newest - number;
  const stands: RoundStage = stage ?? (number % 17 === 9 ? "expired" : back < 4 ? "revealed" : "finalized");
  const good = WAY.indexOf(stands);
  const reached = good >= 0 ? good : 3;
  const opened = back * 140 + 60;
  const way: RoundStep[] = WAY.slice(0, reached + 1).map((one, index) => ({
    stage: one,
    at: ago(opened - index * 20),
    height: String(20_000 + number * 30 + index * 3),
    reason: null,
  }));
  if (good < 0) {
    way.push({
      stage: stands,
      at: ago(opened - 100),
      height: String(20_000 + number * 30 + 20),
      reason: "the deadline, block 26918, passed without our reveal",
    });
  }
  const past = (one: RoundStage) => reached >= WAY.indexOf(one);
  const height = (index: number) => String(20_000 + number * 30 + index * 3);
  return {
    id: String(number),
    trainingRound: String(number),
    modelVersion: "v1.4",
    stage: stands,
    way,
    received: past("aggregating") ? PER_ROUND : 7,
    judged: past("aggregating") ? PER_ROUND : 6,
    quorum: 10,
    minimum: 3,
    participants: past("aggregating") ? 11 : null,
    excluded: past("aggregating") ? 1 : null,
    deadline:
      stands === "collecting"
        ? { kind: "close", height: null, blocksLeft: null, at: new Date(NOW + 260_000).toISOString() }
        : stands === "committed"
          ? { kind: "reveal", height: height(6), blocksLeft: 7, at: new Date(NOW + 35_000).toISOString() }
          : stands === "revealed"
            ? {
                kind: "challenge",
                height: height(40),
                blocksLeft: 81,
                at: new Date(NOW + 405_000).toISOString(),
              }
            : null,
    method: past("aggregating") ? "arc+caf" : null,
    cid: past("publishing") ? cid(50_000 + number) : null,
    merkleRoot: past("publishing") ? hex(number) : null,
    bytes: past("publishing") ? "40123456" : null,
    commitHeight: past("committed") ? height(3) : null,
    revealDeadline: past("committed") ? height(6) : null,
    revealHeight: past("revealed") ? height(4) : null,
    challengeDeadline: past("revealed") ? height(40) : null,
    revealTx: past("revealed") ? txHash(number) : null,
    aggregationId: past("revealed") ? String(number - 1) : null,
    reward: past("revealed") ? "610" : null,
    reason: good < 0 ? way.at(-1)!.reason : null,
    openedAt: ago(opened),
  };
}

export function submissionRow(number: number, newest: number): SubmissionRow {
  const round = roundView(number, newest);
  return {
    id: round.id,
    trainingRound: round.trainingRound,
    stage: round.stage,
    cid: round.cid,
    merkleRoot: round.merkleRoot,
    participants: round.participants ?? 0,
    commitTx: txHash(number + 40_000),
    commitHeight: round.commitHeight,
    revealTx: round.revealTx,
    revealHeight: round.revealHeight,
    gasUsed: String(212_000 + (number % 9) * 800),
    fee: "7950",
    reward: round.reward,
    at: round.openedAt,
    reason: round.reason,
  };
}

/** What is said of each concern, the most urgent first. */
const TROUBLES: Record<Concern, { message: string; remedy: string | null }> = {
  engine: {
    message: "judge a gradient: no answer in limits.fetch_timeout",
    remedy: null,
  },
  chain: {
    message: "reach the chain at https://rpc-1.remes.example: there was no answer within 4 s",
    remedy:
      "check the network connection and the RPC addresses; work goes on by itself when an endpoint answers",
  },
  disk: {
    message: "keep enough room on the disk: 112 MB are free, the next round needs up to 210 MB",
    remedy: "free space on the disk of the data folder, or move the data folder; work goes on by itself",
  },
  ipfs: {
    message: "reach the IPFS node http://127.0.0.1:5001/: connection refused",
    remedy: "start the IPFS node, or correct its address; fetching goes on by itself when it answers",
  },
  account: {
    message: `pay for a transaction: ${OURS} holds 0stake; send stake to it, and work goes on by itself (insufficient funds)`,
    remedy: "send coins to the proposer's address; work goes on by itself when they have arrived",
  },
  clock: {
    message: "rely on the clock: this clock was put back by 3600 s",
    remedy:
      "have the system set its clock (for example `timedatectl set-ntp true`); what waits for a time goes on by itself",
  },
  keychain: {
    message: "use the keychain: it is locked",
    remedy:
      "unlock it, for example by logging in to the desktop or in its password manager; a running proposer goes on, the next start needs it",
  },
};
const CONCERNS = Object.keys(TROUBLES) as Concern[];

export function trouble(concern: Concern, seconds: number): Trouble {
  return { concern, ...TROUBLES[concern], since: ago(seconds) };
}

export function mostUrgentFirst(troubles: Trouble[]): Trouble[] {
  return CONCERNS.flatMap((concern) => troubles.filter((one) => one.concern === concern));
}
