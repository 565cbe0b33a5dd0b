// The launcher after the one that killed.spec.js killed, on the same data folder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { OPEN_ROUND } from "./network.js";
import { byId, engineIs, faults, snapshot, until } from "./page.js";

describe("a launcher after one that was killed", () => {
  afterEach(async () => assert.deepEqual(await faults(), []));

  it("goes on by itself with the round that was open", async () => {
    const open = readFileSync(OPEN_ROUND, "utf8");
    await byId("engine-state").waitForDisplayed();
    await engineIs("running");
    const ended = (round) => round.id === open && round.reward !== null;
    await until("the round that was open does not end", (now) => now.rounds.some(ended));
    const { rounds } = await snapshot();
    assert.equal(rounds.filter((round) => round.id === open).length, 1, "one round, one reveal");
  });

  it("tells that the one before it did not end in order", async () => {
    assert.notEqual((await snapshot()).application.lastCrash, null);
  });
});
