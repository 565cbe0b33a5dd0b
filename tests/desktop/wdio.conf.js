// Runs the launcher under WebKit's own driver. `cargo xtask test --suite desktop` sets the paths, the screen and
// the session bus up.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startDriver, stopDriver } from "./driver.js";
import { tellWhatIsShown } from "./page.js";

// A first start: nothing that another start, of a test or of a person, left behind.
const folder = (process.env.R3MES_TEST_FOLDER ??= mkdtempSync(join(tmpdir(), "r3mes-launcher-")));
process.env.R3MES_HOME = join(folder, "home");
for (const kind of ["CONFIG", "DATA", "STATE", "CACHE"]) {
  process.env[`XDG_${kind}_HOME`] = join(folder, kind.toLowerCase());
}

export const config = {
  runner: "local",
  specs: ["./*.spec.js"],
  maxInstances: 1,
  hostname: "127.0.0.1",
  port: 4444,
  logLevel: "error",
  framework: "mocha",
  mochaOpts: { timeout: 240_000 },
  reporters: ["spec"],
  connectionRetryTimeout: 60_000,
  connectionRetryCount: 1,
  waitforTimeout: 60_000,
  capabilities: [
    {
      "wdio:enforceWebDriverClassic": true,
      "tauri:options": { application: process.env.R3MES_LAUNCHER },
    },
  ],
  afterTest: (_test, _context, { passed }) => (passed ? undefined : tellWhatIsShown()),
  onPrepare: startDriver,
  onComplete: stopDriver,
};
