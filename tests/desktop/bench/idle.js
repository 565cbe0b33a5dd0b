// What the launcher costs while nobody asks anything of it: the processor's time of its whole tree of processes.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

import { closeWindow, launch, quit, withTray } from "./world.js";

const SETTLE_SECONDS = 15;
const SECONDS = 60;
const HOW = `of one core, all processes of the launcher together, over ${SECONDS} s, with a network that makes blocks`;

export async function measureIdle({ used }) {
  const takeAway = await withTray();
  const started = await launch(used);
  await seconds(SETTLE_SECONDS);
  const shown = await share(started.launcher.pid);
  closeWindow();
  await seconds(SETTLE_SECONDS);
  const hidden = await share(started.launcher.pid);
  await quit(started, used);
  await takeAway();
  return [
    row("idle, window shown, engine stopped", shown, "< 1 %"),
    row("idle, window closed to the tray, engine stopped", hidden, "< 0.5 %"),
  ];
}

function row(measure, { total, parts }, wish) {
  return { measure, value: total, unit: "%", wish, how: `${HOW}: ${parts}` };
}

async function share(root) {
  const [before, begun] = [tree(root), performance.now()];
  await seconds(SECONDS);
  const [after, taken] = [tree(root), (performance.now() - begun) / 1000];
  const percent = (ticks) => (ticks / ticksOfASecond / taken) * 100;
  const spent = (processes) => processes.reduce((sum, one) => sum + one.own + one.ofEnded, 0);
  const parts = after.map((one) => {
    const earlier = before.find((other) => other.pid === one.pid)?.own ?? 0;
    return `${one.name} ${percent(one.own - earlier).toFixed(2)} %`;
  });
  return { total: percent(spent(after) - spent(before)), parts: parts.join(", ") };
}

const ticksOfASecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** A process and all below it, with the ticks that each has spent, and those of its ended children. */
function tree(root) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(read).filter(Boolean);
  const found = all.filter((one) => one.pid === root);
  for (const one of found) found.push(...all.filter((child) => child.parent === one.pid));
  return found;
}

function read(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
    // From the third field on, which is the state: see proc_pid_stat(5).
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((at) => fields[at]);
    return { pid: Number(pid), name, parent, own: user + system, ofEnded: endedUser + endedSystem };
  } catch {
    return undefined;
  }
}

function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
