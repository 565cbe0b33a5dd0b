// Measures the launcher on this machine: `cargo xtask bench desktop` sets the paths, the screen and the session bus
// up. Prints a Markdown table, or with `--json` one object a row. Nothing here is an assertion.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { measureBundle } from "./bundle.js";
import { measureHistory } from "./history.js";
import { measureIdle } from "./idle.js";
import { asJson, asTable } from "./rows.js";
import { measureStarts } from "./starts.js";
import { endWorld, makeWorld } from "./world.js";

const PARTS = { starts: measureStarts, idle: measureIdle, history: measureHistory, bundle: measureBundle };

const folder = mkdtempSync(join(tmpdir(), "r3mes-bench-"));
const asked = process.argv.slice(2).filter((word) => word !== "--json");
const rows = [];
try {
  const world = await makeWorld(folder);
  for (const [name, measure] of Object.entries(PARTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    console.error(`measuring: ${name}`);
    rows.push(...(await measure(world)));
  }
} finally {
  await endWorld();
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(process.argv.includes("--json") ? asJson(rows) : asTable(rows));
