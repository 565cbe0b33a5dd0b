// What the shell does around the window: one launcher at a time, a start with the desktop, an end in order.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { byId, click, snapshot, until } from "./page.js";
import { home } from "./network.js";

const folder = home("shell");
const mark = () => JSON.parse(readFileSync(join(folder, "running.json"), "utf8"));
// The plugin looks in the home folder alone, whatever XDG_CONFIG_HOME says.
const entries = join(process.env.HOME, ".config", "autostart");
const started = () => (existsSync(entries) ? readdirSync(entries).filter((name) => name.endsWith(".desktop")) : []);

describe("the shell", () => {
  it("is the only one: a second launch ends, and the first goes on", async () => {
    await byId("setup-welcome").waitForDisplayed();
    const first = mark().process;
    const second = spawn(process.env.R3MES_LAUNCHER, ["--home", folder], { stdio: "ignore" });
    const code = await new Promise((resolve) => second.once("exit", resolve));
    assert.equal(code, 0);
    assert.equal(mark().process, first);
    assert.equal((await snapshot()).application.dataFolder, folder);
  });

  it("starts with the desktop, minimised, where that is wanted", async () => {
    await browser.execute(() => (location.hash = "#/settings/general"));
    await click("autostart");
    await until("the preference is not kept", ({ preferences }) => preferences.autostart);
    const [entry] = started();
    assert.match(readFileSync(join(entries, entry), "utf8"), /^Exec=.*r3mes-launcher.* --startup/m);
    await click("autostart");
    await until("the preference is not kept", ({ preferences }) => !preferences.autostart);
    assert.deepEqual(started(), []);
  });

  it("ends in order, and keeps where its window was", async () => {
    assert.equal(mark().phase, "running");
    await browser.execute(() => void window.__TAURI_INTERNALS__.invoke("quit"));
    const gone = async () => !existsSync(join(folder, "running.json"));
    await browser.waitUntil(gone, { timeout: 60_000, timeoutMsg: "the mark of a run that did not end stays" });
    const kept = join(process.env.XDG_CONFIG_HOME, "network.r3mes.launcher", ".window-state.json");
    assert.ok(JSON.parse(readFileSync(kept, "utf8")).main.width >= 900);
  });
});
