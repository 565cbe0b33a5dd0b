// The WebDriver server in front of WebKit's, for as long as the tests run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";

let driver;

/** Two ports that nobody has: of the driver, and of WebKit's own behind it. */
export async function freePorts() {
  const servers = [createServer(), createServer()];
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) server.close();
  return ports;
}

export function startDriver([port, behind]) {
  const options = ["--port", String(port), "--native-port", String(behind)];
  return start(spawn(process.env.R3MES_TAURI_DRIVER, options, { stdio: "inherit" }), port);
}

/** WebKit's driver alone. Who starts the launcher through it tells it the program as WebKit has it. */
export function startWebKitDriver(port) {
  const env = { ...process.env, TAURI_WEBVIEW_AUTOMATION: "true" };
  return start(spawn("WebKitWebDriver", [`--port=${port}`], { env, stdio: ["ignore", 2, 2] }), port);
}

async function start(started, port) {
  driver = started;
  driver.on("error", (error) => console.error(`failed to start the driver: ${error.message}`));
  for (;;) {
    if (await answers(port)) return;
    if (driver.exitCode !== null) throw new Error(`the driver ended with ${driver.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function stopDriver() {
  driver?.kill();
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.end();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
