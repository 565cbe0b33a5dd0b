// Runs the launcher under WebKit's own driver. `cargo xtask test --suite desktop` sets the paths, the screen and
// the session bus up.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { freePorts, startDriver, stopDriver } from "./driver.js";
import { tellWhatIsShown } from "./page.js";

// First starts: nothing that another start, of a test or of a person, left behind.
const folder = (process.env.R3MES_TEST_FOLDER ??= mkdtempSync(join(tmpdir(), "r3mes-launcher-")));
for (const kind of ["CONFIG", "DATA", "STATE", "CACHE"]) {
  process.env[`XDG_${kind}_HOME`] = join(folder, kind.toLowerCase());
}
// Where the entry that starts the launcher with the desktop is written.
process.env.HOME = folder;

const { endNetwork, home, profile, startNetwork } = await import("./network.js");
const faults = await import("./faults.js");

// Read by the workers too, which do not choose anew.
const ports = (process.env.R3MES_DRIVER_PORTS ??= (await freePorts()).join(" ")).split(" ").map(Number);

/** One spec, with a launcher of its own, and a data folder of its own where no other is named. */
const launcher = (spec, application = process.env.R3MES_LAUNCHER, folder = home(spec)) => ({
  "wdio:enforceWebDriverClassic": true,
  "wdio:specs": [`./${spec}.spec.js`],
  "tauri:options": { application, args: ["--home", folder] },
});

const only = process.env.R3MES_SPEC && `./${process.env.R3MES_SPEC}.spec.js`;

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

export const config = {
  runner: "local",
  specs: ["./*.spec.js"],
  maxInstances: 1,
  hostname: "127.0.0.1",
  port: ports[0],
  logLevel: "error",
  framework: "mocha",
  // Each test of a spec goes on where the one before it ended.
  mochaOpts: { timeout: 240_000, bail: true },
  reporters: ["spec"],
  connectionRetryTimeout: 60_000,
  connectionRetryCount: 1,
  waitforTimeout: 60_000,
  // R3MES_SPEC names one of them to run alone.
  capabilities: [
    launcher("first-start"),
    launcher("wizard", script("in-c-locale.sh")),
    launcher("killed"),
    launcher("relaunched", undefined, home("killed")),
    launcher("shell"),
    launcher("faults", script("on-taken-ground.sh"), faults.home),
  ].filter((one) => [undefined, ...one["wdio:specs"]].includes(only)),
  afterTest: (_test, _context, { passed }) => (passed ? undefined : tellWhatIsShown()),
  onPrepare: async () => {
    await Promise.all([startDriver(ports), startNetwork()]);
    await faults.prepareGround(profile);
  },
  onComplete: () => {
    faults.clearGround();
    stopDriver();
    endNetwork();
  },
};
