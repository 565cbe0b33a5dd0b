// What a proposer stands on, made so that a test can take it away and give it back: the way to the chain and to the
// IPFS node, room on the disk, the keychain, the clock.

import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const PROGRAM = process.env.R3MES_PROPOSER;
const folder = process.env.R3MES_TEST_FOLDER;
const ground = join(folder, "faults");

/** A disk of its own, where this user may mount one: its data folder lies on it. */
const DISK = join(ground, "disk");
const BALLAST = join(DISK, "ballast");
/** What is left when the disk is full: less than a round may need. */
const LEFT = 16 << 20;
const CLOCK = join(ground, "clock");
const BUS = join(ground, "bus");
const COLLECTION = "/org/freedesktop/secrets/collection/login";

/** Where the launcher of this spec works. */
export const home = join(DISK, "home");

/** Whether each kind of fault can be made here. */
export const canFillDisk = () => existsSync(join(DISK, "mounted"));
export const canSetClock = () => LIBFAKETIME !== undefined;

const LIBFAKETIME = ["x86_64", "aarch64"]
  .map((architecture) => `/usr/lib/${architecture}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/** What the launcher's process is told of its surroundings: the bus with the keychain, and the clock that a file sets. */
function surroundings() {
  const clock = LIBFAKETIME && {
    LD_PRELOAD: LIBFAKETIME,
    FAKETIME_TIMESTAMP_FILE: CLOCK,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  return { ...onTheBus(), ...clock };
}

const onTheBus = () => ({
  DBUS_SESSION_BUS_ADDRESS: readFileSync(BUS, "utf8").trim(),
  XDG_RUNTIME_DIR: join(ground, "run"),
});

let bus;
const servers = [];

/** Prepares the ground on a network that runs, whose profile is at `profile`. */
export async function prepareGround(profile) {
  mkdirSync(DISK, { recursive: true });
  mkdirSync(join(ground, "run"), { mode: 0o700 });
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=400m", "tmpfs", DISK]);
  if (mount.status === 0) writeFileSync(join(DISK, "mounted"), "");
  else console.error("skipped: a small disk can be mounted by root alone");
  setClock(0);
  await startBus();
  await startKeychain();
  const told = Object.entries(surroundings()).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(ground, "surroundings"), told.join(""));
  const own = join(ground, "network.toml");
  writeFileSync(own, await throughProxies(readFileSync(profile, "utf8")));
  await propose("configure", "--network", own, "--set", "round.quorum=3");
  const made = JSON.parse(await propose("keys", "add", "mine", "--json"));
  await propose("configure", "--set", "account.key=mine");
  for (const order of ["grant", "fund"]) {
    await run(PROGRAM, ["localnet", order, made.key.address, "--network", own]);
  }
  await propose("register", "--from", "mine", "--yes");
}

export function clearGround() {
  for (const server of servers) server.close();
  bus?.kill();
  spawnSync("pkill", ["-f", `gnome-keyring-daemon --foreground --control-directory ${join(ground, "run")}`]);
  spawnSync("umount", ["--lazy", DISK]);
}

const run = promisify(execFile);

/** What the command line answers. This process must not stand still for it: the proxies are in it. */
async function propose(...command) {
  const env = { ...process.env, ...onTheBus() };
  return (await run(PROGRAM, [...command, "--home", home], { env })).stdout;
}

/** The profile with a proxy before the chain and one before the IPFS node. */
async function throughProxies(profile) {
  const ways = { chain: /^(rpc = \[")([^"]+)/m, ipfs: /^(ipfs_api = ")([^"]+)/m };
  for (const [way, pattern] of Object.entries(ways)) {
    const [, , address] = pattern.exec(profile);
    const port = await proxy(way, new URL(address));
    profile = profile.replace(pattern, (_, before) => `${before}http://127.0.0.1:${port}`);
  }
  return profile;
}

/** Leads to an address until the way is taken away: then it closes every connection, old and new. */
async function proxy(way, { hostname, port }) {
  const open = new Set();
  const server = createServer((from) => {
    if (existsSync(taken(way))) return from.destroy();
    const to = connect(Number(port), hostname);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ]) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy()).on("close", () => (open.delete(one), other.destroy()));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const watch = setInterval(() => existsSync(taken(way)) && open.forEach((one) => one.destroy()), 100);
  server.on("close", () => clearInterval(watch));
  servers.push(server);
  return server.address().port;
}

const taken = (way) => join(ground, `${way}-is-away`);

/** Takes the way to the chain or to the IPFS node away. */
export const takeAway = (way) => writeFileSync(taken(way), "");
export const giveBack = (way) => rmSync(taken(way));

/** Fills the disk up to less than a round may need. */
export function fillDisk() {
  const { bavail, bsize } = statfsSync(DISK);
  execFileSync("fallocate", ["-l", String(bavail * bsize - LEFT), BALLAST]);
}
export const emptyDisk = () => rmSync(BALLAST);

/** Puts the launcher's clock off by so many seconds. */
export const setClock = (seconds) => writeFileSync(CLOCK, `${seconds < 0 ? "" : "+"}${seconds}s\n`);

async function startBus() {
  const configuration = join(ground, "bus.conf");
  // Nothing is started by being asked for: no other keychain, and nobody who asks for its passphrase.
  writeFileSync(
    configuration,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>`,
  );
  const options = ["--nofork", "--print-address", "--config-file", configuration];
  bus = spawn("dbus-daemon", options, { stdio: ["ignore", "pipe", "inherit"] });
  const [address] = await once(createInterface({ input: bus.stdout }), "line");
  writeFileSync(BUS, address);
}

/** Starts the keychain, open: it is made when it starts for the first time. */
async function startKeychain() {
  const run = join(ground, "run");
  const options = ["--foreground", "--control-directory", run, "--unlock", "--components=secrets"];
  const env = { ...process.env, ...onTheBus() };
  // Detached, since the test that opens the keychain again ends before it.
  const keychain = spawn("gnome-keyring-daemon", options, { env, stdio: ["pipe", "ignore", "ignore"], detached: true });
  keychain.stdin.end("the keychain's own");
  keychain.unref();
  const owned = ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"];
  for (;;) {
    if (send("org.freedesktop.DBus", "/org/freedesktop/DBus", owned).includes("boolean true")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function send(to, object, call) {
  const env = { ...process.env, ...onTheBus() };
  const options = ["--session", "--print-reply", `--dest=${to}`, object, ...call];
  const { stdout, stderr } = spawnSync("dbus-send", options, { env, encoding: "utf8" });
  return stdout + stderr;
}

export function lockKeychain() {
  const lock = ["org.freedesktop.Secret.Service.Lock", `array:objpath:${COLLECTION}`];
  send("org.freedesktop.secrets", "/org/freedesktop/secrets", lock);
}

/** Opens it as a login does: the service comes up with the passphrase. */
export async function openKeychain() {
  spawnSync("pkill", ["-f", `gnome-keyring-daemon --foreground --control-directory ${join(ground, "run")}`]);
  await startKeychain();
}
