import { describe, expect, it } from "vitest";
import type { Delta } from "../backend/types";
import { trouble } from "../backend/memory/data";
import { world } from "../backend/memory/scenarios";
import { followed } from "./follow";

const { snapshot } = world("running");
const delta = (seq: number, change: Delta["change"]): Delta => ({ seq, at: "2026-11-24T12:00:00Z", change });
const round = (seq: number) => delta(seq, { part: "round", value: null });

describe("a snapshot", () => {
  it("takes the next delta over, and leaves the other parts alone", () => {
    const next = followed(snapshot, round(snapshot.seq + 1))!;
    expect(next.round).toBeNull();
    expect(next.seq).toBe(snapshot.seq + 1);
    expect(next.engine).toBe(snapshot.engine);
  });
  it("takes new troubles over, and that there are none", () => {
    const troubles = [trouble("disk", 20)];
    const next = followed(snapshot, delta(snapshot.seq + 1, { part: "troubles", value: troubles }))!;
    expect(next.troubles).toBe(troubles);
    const well = followed(next, delta(next.seq + 1, { part: "troubles", value: [] }))!;
    expect(well.troubles).toEqual([]);
  });
  it("ignores what is already in it", () => {
    expect(followed(snapshot, round(snapshot.seq))).toBe(snapshot);
  });
  it("notices a gap", () => {
    expect(followed(snapshot, round(snapshot.seq + 2))).toBeNull();
  });
  it("is not changed by what only happened", () => {
    const notice = {
      kind: "reward" as const,
      trainingRound: "1",
      amount: "610",
      denom: "remes",
      detail: "x",
    };
    const next = followed(snapshot, delta(snapshot.seq + 1, { part: "notice", value: notice }))!;
    expect({ ...next, seq: snapshot.seq, at: snapshot.at }).toEqual(snapshot);
  });
});
