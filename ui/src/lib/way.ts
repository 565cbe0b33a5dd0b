// A round's way as it is drawn: seven stations, of which some are behind, one or two are under way, and on
// a bad end one is where it broke off.

import type { RoundStage, RoundView } from "../backend/types";

export const STATIONS = [
  "collect",
  "verify",
  "aggregate",
  "publish",
  "commit",
  "reveal",
  "challenge",
] as const;
export type Station = (typeof STATIONS)[number];
export type Progress = "done" | "active" | "ahead" | "broken";

/** The station that a stage works at; those before it are behind. */
const AT: Record<
  Exclude<RoundStage, "challenged" | "reverted" | "expired" | "superseded" | "abandoned">,
  number
> = {
  collecting: 0,
  aggregating: 2,
  publishing: 3,
  committed: 5,
  revealed: 6,
  finalized: 7,
};

/** Where a round that left its good way broke off, read off the last good stage of its way. */
function brokenAt(round: RoundView): number {
  if (round.stage === "challenged" || round.stage === "reverted") return 6;
  if (round.stage === "expired") return 5;
  const good = round.way.map((step) => AT[step.stage as keyof typeof AT]).filter((at) => at !== undefined);
  return Math.min(good.at(-1) ?? 0, 6);
}

/** How far a round is at each station. */
export function wayOf(round: RoundView): Record<Station, Progress> {
  const at = AT[round.stage as keyof typeof AT];
  const broken = at === undefined ? brokenAt(round) : null;
  const progress = (index: number): Progress => {
    if (broken !== null) return index < broken ? "done" : index === broken ? "broken" : "ahead";
    if (index < at!) return "done";
    // Gradients are verified while others still come in.
    if (index === at || (at === 0 && index === 1 && round.received > 0)) return "active";
    return "ahead";
  };
  return Object.fromEntries(STATIONS.map((station, index) => [station, progress(index)])) as Record<
    Station,
    Progress
  >;
}

const BAD: RoundStage[] = ["challenged", "reverted", "expired", "superseded", "abandoned"];

/** How a stage is to be seen. */
export function stageTone(stage: RoundStage): "good" | "bad" | "warn" | "accent" {
  if (stage === "finalized" || stage === "revealed") return "good";
  if (stage === "superseded" || stage === "abandoned") return "warn";
  return BAD.includes(stage) ? "bad" : "accent";
}
