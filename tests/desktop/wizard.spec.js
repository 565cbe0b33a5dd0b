// The whole setup by clicks: a key of one's own, its words confirmed, authorized, registered, started.

import assert from "node:assert/strict";

import { byId, click, engineIs, faults, snapshot, until } from "./page.js";

const PASSPHRASE = "a passphrase for tests";

async function next(place) {
  await click("setup-next");
  await byId(`setup-${place}`).waitForDisplayed({ timeoutMsg: `the setup does not come to ${place}` });
}

async function stepIsDone(kind) {
  await until(`the step ${kind} does not get done`, ({ setup }) =>
    setup.steps.some((step) => step.kind === kind && step.state === "done"),
  );
}

async function fill(id, text) {
  const field = byId(id);
  await field.waitForDisplayed({ timeoutMsg: `there is no ${id} to fill` });
  await field.setValue(text);
}

describe("the whole setup", () => {
  afterEach(async () => assert.deepEqual(await faults(), []));

  it("begins with the role and the machine", async () => {
    await byId("setup-welcome").waitForDisplayed();
    await click("welcome-begin");
    await click("role-proposer");
    await stepIsDone("role");
    await next("system");
    await until("the machine was not looked at", ({ machine }) => machine.at !== null);
    await next("network");
  });

  it("chooses a network", async () => {
    await click("network-local");
    await click("network-use");
    await stepIsDone("network");
    await next("keys");
  });

  it("makes a key, and has its words confirmed", async () => {
    await click("keys-create");
    await fill("key-name", "mine");
    await click("store-file");
    await fill("key-passphrase", PASSPHRASE);
    await fill("key-passphrase-repeat", PASSPHRASE);
    await click("key-make");
    await byId("key-words").waitForDisplayed();
    const words = await browser.execute(() =>
      [...document.querySelectorAll('[data-testid="key-words"] li')].map((line) => line.innerText.trim().split(/\s+/).at(-1)),
    );
    assert.equal(words.length, 24);
    await click("key-written");
    const fields = await browser.$$('input[data-testid^="word-"]').map((one) => one.getAttribute("data-testid"));
    assert.ok(fields.length > 0, "no word is asked for");
    for (const field of fields) await fill(field, words[Number(field.slice("word-".length)) - 1]);
    await click("key-confirm");
    await until("the key is not kept", ({ keys }) => keys.some((key) => key.name === "mine"));
    await next("authorization");
  });

  it("is authorized by the network's administrator", async () => {
    await fill("authorization-contact", "ada@example.org");
    await click("authorization-sign");
    await byId("authorization-text").waitForDisplayed();
    const signed = JSON.parse(await byId("authorization-text").getText());
    assert.equal(JSON.stringify(signed).includes((await snapshot()).keys[0].address), true);
    await click("authorization-grant");
    await stepIsDone("authorization");
    await next("parameters");
  });

  it("looks through the parameters, stakes and registers", async () => {
    await click("parameters-seen");
    await stepIsDone("parameters");
    await next("register");
    await click("register-preview");
    await byId("register-previewed").waitForDisplayed();
    await click("register-confirm");
    await stepIsDone("register");
    await next("ready");
  });

  it("starts, and a round is revealed by the new key", async () => {
    await click("ready-start");
    await engineIs("running");
    await until("no round was revealed", (now) => now.rounds.some((round) => round.reward !== null));
    const now = await snapshot();
    assert.equal(now.standing.address, now.keys[0].address);
  });
});
