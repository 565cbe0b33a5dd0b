// What surrounds the launcher while it is measured: a quiet local network in a process of its own, a data folder that
// has been in use for long, and a tray.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const ROUNDS = 10_000;
export const GRADIENTS = 10;

const { R3MES_LAUNCHER, R3MES_PROPOSER, R3MES_HISTORY, R3MES_DESK } = process.env;
const READY = "the window is ready";
const TITLE = "R3MES Launcher";

const children = [];

export async function makeWorld(folder) {
  const profile = join(folder, "localnet.toml");
  const options = ["--miners", "3", "--byzantine", "0", "--seed", "5", "--block-ms", "5000"];
  const network = ["localnet", ...options, "--profile", profile, "--json"];
  await started(R3MES_PROPOSER, network, (line) => JSON.parse(line).event === "ready");
  const used = makePlace(folder, "used");
  const place = ["--network", profile, "--home", used.home];
  run(R3MES_PROPOSER, ["configure", "--set", "round.quorum=3", ...place]);
  const begun = performance.now();
  run(R3MES_HISTORY, [used.home, profile, String(ROUNDS), String(GRADIENTS)]);
  console.error(`wrote the history in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  // As whoever has gone through the setup leaves it.
  const kept = { version: 1, preferences: { role: "proposer", parametersSeen: true, setupFinished: true } };
  writeFileSync(join(used.home, "preferences.json"), JSON.stringify(kept));
  return { folder, used, fresh: () => makePlace(mkdtempSync(join(folder, "fresh-")), "") };
}

/** A data folder, and the folders of the user's that the desktop keeps for its programs. */
function makePlace(folder, name) {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  const kinds = ["CONFIG", "DATA", "STATE", "CACHE"];
  const folders = Object.fromEntries(kinds.map((kind) => [`XDG_${kind}_HOME`, join(place, kind.toLowerCase())]));
  return { home: join(place, "home"), folders };
}

/** The tray, for as long as what is measured needs it. Returns what takes it away. */
export async function withTray() {
  const tray = await started(R3MES_DESK, ["tray"], () => true);
  return () => ended(tray, "SIGKILL");
}

export function closeWindow() {
  run(R3MES_DESK, ["close", TITLE]);
}

/** Starts the launcher. Returns it, with the milliseconds until its window was ready. */
export async function launch(place) {
  const begun = performance.now();
  const launcher = spawn(R3MES_LAUNCHER, ["--home", place.home], {
    env: { ...process.env, ...place.folders, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(launcher);
  await said(launcher, launcher.stderr, (line) => line.includes(READY));
  return { launcher, ready: performance.now() - begun };
}

/** Ends a launcher in order. */
export async function quit({ launcher }, place) {
  await ended(launcher, "SIGTERM");
  if (existsSync(join(place.home, "running.json"))) throw new Error("the launcher did not end in order");
}

export async function endWorld() {
  for (const child of children) await ended(child, "SIGKILL");
}

export function forget(place) {
  rmSync(join(place.home, ".."), { recursive: true, force: true });
}

/** Runs a program to its end. */
function run(program, options) {
  execFileSync(program, options, { stdio: ["ignore", 2, 2] });
}

/** Starts a program that says when it is there. */
async function started(program, options, isThere) {
  const child = spawn(program, options, { stdio: ["ignore", "pipe", 2] });
  children.push(child);
  await said(child, child.stdout, isThere);
  return child;
}

/** Waits for a line, and has the rest read and dropped. */
function said(child, stream, isIt) {
  return new Promise((resolve, reject) => {
    const lines = [];
    createInterface({ input: stream }).on("line", (line) => {
      if (lines.length < 100) lines.push(line);
      if (isIt(line)) resolve();
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${child.spawnfile} ended with ${code}:\n${lines.join("\n")}`)));
  });
}

function ended(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => {
    child.on("exit", resolve);
    child.kill(signal);
  });
}
