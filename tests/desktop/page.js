// What every test of the window needs.

export const byId = (id) => browser.$(`[data-testid="${id}"]`);

export async function click(id) {
  const element = await byId(id);
  await element.waitForDisplayed({ timeoutMsg: `there is no ${id} to click` });
  await browser.waitUntil(async () => (await element.getAttribute("aria-disabled")) !== "true", {
    timeoutMsg: `${id} stays disabled`,
  });
  await element.click();
}

export async function engineIs(state) {
  await browser.waitUntil(async () => (await byId("engine-state").getAttribute("data-state")) === state, {
    timeout: 90_000,
    timeoutMsg: `the engine did not become ${state}`,
  });
}

export function snapshot() {
  return browser.executeAsync((done) => window.__TAURI_INTERNALS__.invoke("snapshot").then(done));
}

export async function until(what, holds, timeout = 120_000) {
  await browser.waitUntil(async () => holds(await snapshot()), { timeout, interval: 500, timeoutMsg: what });
}

/** Errors that nobody caught, rejections, and what the content security policy refused. */
export async function faults() {
  return browser.execute(() => window.r3mesFaults ?? []);
}
