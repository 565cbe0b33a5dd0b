// The WebDriver server in front of WebKit's, for as long as the tests run.

import { spawn } from "node:child_process";
import { connect } from "node:net";

const PORT = 4444;
let driver;

export async function startDriver() {
  driver = spawn(process.env.R3MES_TAURI_DRIVER, ["--port", String(PORT), "--native-port", "4445"], {
    stdio: "inherit",
  });
  driver.on("error", (error) => console.error(`failed to start the driver: ${error.message}`));
  for (;;) {
    if (await answers()) return;
    if (driver.exitCode !== null) throw new Error(`the driver ended with ${driver.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function stopDriver() {
  driver?.kill();
}

function answers() {
  return new Promise((resolve) => {
    const socket = connect(PORT, "127.0.0.1", () => {
      socket.end();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
