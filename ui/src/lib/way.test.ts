import { describe, expect, it } from "vitest";
import type { RoundStage } from "../backend/types";
import { roundView } from "../backend/memory/data";
import { STATIONS, stageTone, wayOf } from "./way";

const drawn = (stage: RoundStage) => {
  const way = wayOf(roundView(100, 101, stage));
  return STATIONS.map((station) => way[station]).join(" ");
};

describe("a round's way", () => {
  it.each<[RoundStage, string]>([
    ["collecting", "active active ahead ahead ahead ahead ahead"],
    ["aggregating", "done done active ahead ahead ahead ahead"],
    ["publishing", "done done done active ahead ahead ahead"],
    ["committed", "done done done done done active ahead"],
    ["revealed", "done done done done done done active"],
    ["finalized", "done done done done done done done"],
    ["expired", "done done done done done broken ahead"],
    ["challenged", "done done done done done done broken"],
    ["reverted", "done done done done done done broken"],
  ])("%s", (stage, expected) => {
    expect(drawn(stage)).toBe(expected);
  });
  it("breaks off where an abandoned round was", () => {
    const round = { ...roundView(100, 101, "publishing"), stage: "abandoned" as const };
    expect(wayOf(round).publish).toBe("broken");
    expect(wayOf(round).aggregate).toBe("done");
  });
  it("verifies nothing before anything came", () => {
    expect(wayOf({ ...roundView(100, 101, "collecting"), received: 0 }).verify).toBe("ahead");
  });
  it("is green only where the chain holds the result", () => {
    const green = (
      ["collecting", "committed", "revealed", "finalized", "expired", "superseded"] as const
    ).filter((stage) => stageTone(stage) === "good");
    expect(green).toEqual(["revealed", "finalized"]);
  });
});
