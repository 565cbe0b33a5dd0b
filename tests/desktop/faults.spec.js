// What a proposer stands on goes away while it runs, one thing after the other: each time the window says within ten
// seconds what is wrong, since when, and what to do, and all is well by itself when the cause is gone.

import assert from "node:assert/strict";

import * as ground from "./faults.js";
import { byId, click, engineIs, faults, snapshot, until } from "./page.js";

const SOON = 10_000;

/** What the window says of a concern, once it does. */
async function isTold(concern) {
  const begun = Date.now();
  await byId(`trouble-${concern}`).waitForDisplayed({
    timeout: SOON,
    interval: 100,
    timeoutMsg: `the window does not say within ten seconds that something is wrong with ${concern}`,
  });
  console.log(`      ${concern}: told after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  const text = await byId(`trouble-${concern}`).getText();
  const trouble = (await snapshot()).troubles.find((one) => one.concern === concern);
  assert.ok(text.includes(trouble.message), `${text} does not say ${trouble.message}`);
  assert.ok((await byId(`trouble-${concern}-remedy`).getText()).includes(trouble.remedy), text);
  assert.match(await byId(`trouble-${concern}-since`).getText(), /\d/);
  console.log(`      ${trouble.message}; ${trouble.remedy}`);
}

async function isOver(concern, timeout = 30_000) {
  const begun = Date.now();
  await byId(`trouble-${concern}`).waitForDisplayed({
    reverse: true,
    timeout,
    interval: 100,
    timeoutMsg: `the window still says that something is wrong with ${concern}`,
  });
  console.log(`      ${concern}: over after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

/** Waits until a round that was not there before has its reward. */
async function worksOn() {
  const paid = (now) => now.rounds.filter((round) => round.reward !== null).map((round) => round.id);
  const before = new Set(paid(await snapshot()));
  await until("no round is paid any more", (now) => paid(now).some((id) => !before.has(id)));
}

describe("a launcher whose ground is taken away", () => {
  afterEach(async () => assert.deepEqual(await faults(), []));

  it("works with a key of the keychain", async () => {
    await click("setup-leave");
    await click("engine-start");
    await engineIs("running");
    await worksOn();
    assert.deepEqual((await snapshot()).troubles, []);
    // Trouble shows wherever the operator is.
    await click("nav-rounds");
  });

  it("says that the chain is gone, and goes on when it is back", async () => {
    ground.takeAway("chain");
    await isTold("chain");
    ground.giveBack("chain");
    await isOver("chain");
    await worksOn();
  });

  it("says that the IPFS node is gone, and blames no gradient for it", async () => {
    ground.takeAway("ipfs");
    await isTold("ipfs");
    await browser.pause(5000);
    ground.giveBack("ipfs");
    await isOver("ipfs");
    await worksOn();
    const { rounds } = await snapshot();
    assert.deepEqual(rounds.map((round) => round.excluded).filter((excluded) => excluded !== 0), []);
  });

  it("says that the disk is full, and goes on when there is room", async function () {
    if (!ground.canFillDisk()) this.skip();
    ground.fillDisk();
    await isTold("disk");
    ground.emptyDisk();
    await isOver("disk");
    await worksOn();
  });

  it("says that the clock was put forward or back, and holds no round up for it", async function () {
    if (!ground.canSetClock()) this.skip();
    for (const seconds of [3600, -3600]) {
      ground.setClock(seconds);
      await isTold("clock");
      await worksOn();
      ground.setClock(0);
      await isOver("clock");
      await worksOn();
    }
  });

  it("says that the keychain is locked, while it works on", async () => {
    ground.lockKeychain();
    await isTold("keychain");
    await worksOn();
    await ground.openKeychain();
    await isOver("keychain");
  });

  it("waits for a locked keychain at its start, and starts by itself when that is open", async () => {
    await click("engine-stop");
    await engineIs("stopped");
    ground.lockKeychain();
    await click("engine-start");
    await isTold("keychain");
    assert.equal((await snapshot()).engine.state, "starting");
    await ground.openKeychain();
    await isOver("keychain");
    await engineIs("running");
    await worksOn();
  });
});
