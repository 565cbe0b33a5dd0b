// What every test of the window needs.

export const byId = (id) => browser.$(`[data-testid="${id}"]`);

export async function click(id) {
  const element = await byId(id);
  await element.waitForDisplayed({ timeoutMsg: `there is no ${id} to click` });
  await browser.waitUntil(async () => (await element.getAttribute("aria-disabled")) !== "true", {
    timeoutMsg: `${id} stays disabled`,
  });
  await atRest(element);
  await element.click();
}

/** A window that still finds its size moves what is in it away from under the pointer. */
async function atRest(element) {
  const place = async () => JSON.stringify(await browser.execute((e) => e.getBoundingClientRect().toJSON(), element));
  let before;
  await browser.waitUntil(
    async () => {
      const now = await place();
      const rests = now === before;
      before = now;
      return rests;
    },
    { interval: 200, timeoutMsg: "the page does not come to rest" },
  );
}

export async function engineIs(state) {
  await until(`the engine did not become ${state}`, (now) => now.engine.state === state);
  await browser.waitUntil(async () => (await byId("engine-state").getAttribute("data-state")) === state, {
    timeoutMsg: `the window does not show that the engine is ${state}`,
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

/** After a failure: all that an operator would see, and what the program knows of itself. */
export async function tellWhatIsShown() {
  const parts = {
    address: () => browser.getUrl(),
    text: () => browser.execute(() => document.body.innerText),
    faults,
    engine: async () => (await snapshot()).engine,
    log: async () => {
      const query = { level: "info", search: "", after: null, limit: 60 };
      return browser.executeAsync((q, done) => window.__TAURI_INTERNALS__.invoke("log_page", { query: q }).then(done, done), query);
    },
  };
  for (const [name, read] of Object.entries(parts)) {
    const found = await read().catch((error) => error.message);
    console.error(`${name}: ${typeof found === "string" ? found : JSON.stringify(found, null, 1)}`);
  }
}
