// From the first start to a claimed reward, by clicks alone; then stop, start, and a second life of the program.

import assert from "node:assert/strict";

import { byId, click, engineIs, faults, snapshot, until } from "./page.js";

describe("a newcomer", () => {
  afterEach(async () => assert.deepEqual(await faults(), []));

  it("comes from the first screen to a running proposer", async () => {
    await byId("setup-welcome").waitForDisplayed();
    await click("welcome-local");
    await engineIs("running");
  });

  it("sees a round revealed and what it earned", async () => {
    await until("no round was revealed", (now) => now.rounds.some((round) => round.reward !== null));
    await until("no reward stands in the earnings", (now) => now.metrics.earnings.value > 0);
    await click("nav-rounds");
    await byId("rounds-table").waitForDisplayed();
    const round = (await snapshot()).rounds.find((one) => one.reward !== null);
    assert.ok(round.cid.startsWith("baf"), round.cid);
  });

  it("claims what is claimable", async () => {
    await click("nav-earnings");
    await until("nothing is claimable", (now) => now.earnings.claimable.some((held) => Number(held.amount) > 0));
    await click("claim-open");
    await byId("claim-net").waitForDisplayed();
    await click("claim-confirm");
    await byId("claim-receipt").waitForDisplayed();
    assert.notEqual(await byId("claim-received").getText(), "");
    await click("claim-done");
  });

  it("stops the proposer and starts it again", async () => {
    await click("nav-overview");
    await click("engine-stop");
    await engineIs("stopped");
    assert.equal((await snapshot()).engine.desired, "stopped");
    await click("engine-start");
    await engineIs("running");
  });

  it("finds everything as it was when the window is made anew", async () => {
    const before = await snapshot();
    await browser.refresh();
    await engineIs("running");
    const after = await snapshot();
    assert.equal(after.application.startedAt, before.application.startedAt);
    assert.ok(after.rounds.length >= before.rounds.length);
  });
});
