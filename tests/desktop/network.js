// A local network in a process of its own, which outlives a launcher, and the data folder that is set up for it.

import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.R3MES_PROPOSER;
let network;

const folder = process.env.R3MES_TEST_FOLDER;

/** Where the spec that kills the launcher leaves the number of the round that was open. */
export const OPEN_ROUND = join(folder, "open-round");

/** The data folder of the launcher under a spec. */
export const home = (spec) => join(folder, `home-${spec}`);

/** Where the network says how it is reached. */
export const profile = join(folder, "localnet.toml");

export async function startNetwork() {
  const options = ["--miners", "3", "--byzantine", "0", "--seed", "5", "--block-ms", "500"];
  network = spawn(PROGRAM, ["localnet", ...options, "--profile", profile, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: network.stdout })) {
    if (JSON.parse(line).event === "ready") break;
  }
  network.stdout.resume();
  const place = ["--network", profile, "--home", home("killed")];
  execFileSync(PROGRAM, ["configure", "--set", "round.quorum=3", ...place], { stdio: "inherit" });
}

export function endNetwork() {
  network?.kill();
}
