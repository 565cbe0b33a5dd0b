// A launcher at work on a network that goes on without it. How it ends, and what the next one finds, is
// relaunched.spec.js.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

import { home, OPEN_ROUND } from "./network.js";
import { click, engineIs, faults, snapshot, until } from "./page.js";

describe("a launcher that will be killed", () => {
  it("works on a network of another process", async () => {
    await click("setup-leave");
    await click("engine-start");
    await engineIs("running");
    await until("no round is at work", (now) => now.round !== null);
    assert.deepEqual(await faults(), []);
  });

  it("is killed in the middle of a round", async () => {
    writeFileSync(OPEN_ROUND, (await snapshot()).round.id);
    execFileSync("pkill", ["-KILL", "-f", `r3mes-launcher --home ${home("killed")}`]);
  });
});
