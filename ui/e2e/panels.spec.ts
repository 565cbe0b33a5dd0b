// What the panels do beyond showing: filter, search, export, follow, settings.

import { expect, test } from "./page";

test("100,000 gradients: only the rows in view exist, and the last one is reached", async ({ page }) => {
  await page.goto("/?scenario=large&language=en#/gradients");
  const table = page.getByTestId("gradients-table");
  await expect(table).toHaveAttribute("data-total", "100000");
  await table.getByRole("button", { name: "99,999" }).waitFor();
  expect(await table.getByRole("row").count()).toBeLessThan(60);
  await table.locator("[role=group]").evaluate((node) => (node.scrollTop = node.scrollHeight));
  await table.getByRole("button", { name: "0", exact: true }).waitFor();
  expect(await table.getByRole("row").count()).toBeLessThan(60);
});

test("gradients are filtered by verdict and found by id", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/gradients");
  const table = page.getByTestId("gradients-table");
  await expect(table).toHaveAttribute("data-total", "2892");
  await page.getByTestId("gradient-verdict").selectOption("unusable");
  await expect(table).not.toHaveAttribute("data-total", "2892");
  await expect(table.locator("[aria-rowindex='2'] [data-tone]").first()).toHaveAttribute("data-tone", "bad");
  await page.getByTestId("gradient-verdict").selectOption("all");
  await page.getByTestId("gradient-search").fill("1234");
  await expect(table).toHaveAttribute("data-total", "1");
  await table.getByRole("button", { name: "1,234" }).click();
  await expect(page.getByTestId("gradient-detail")).toContainText("Held against");
  await page.keyboard.press("Escape");
  await page.getByTestId("gradient-search").fill("nothing like it");
  await expect(page.getByTestId("empty")).toContainText("Nothing matches");
});

test("a judged gradient appears at the top by itself", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/gradients");
  const table = page.getByTestId("gradients-table");
  await table.getByRole("button", { name: "2,891" }).waitFor();
  await page.evaluate(() => void window.r3mesBackend.judge());
  await table.getByRole("button", { name: "2,892" }).waitFor();
});

test("plots have their figures as a table", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/gradients");
  const plot = page.getByTestId("plot-norm");
  await plot.locator("canvas").waitFor();
  await plot.getByRole("button", { name: "Show as a table" }).click();
  expect(await plot.getByRole("row").count()).toBeGreaterThan(100);
});

test("a miner's trust on the chain is drawn round by round, with a table of the same", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/miners");
  const row = page.getByTestId("miners-table").locator("[aria-rowindex='2']");
  await expect(row.getByRole("cell").nth(1)).toHaveText(/^\d+(\.\d+)?%$/);
  await row.getByRole("button").first().click();
  const chart = page.getByTestId("miner-trust");
  await expect(chart).toHaveAttribute("data-drawn", "true");
  await chart.getByRole("button", { name: "Show as a table" }).click();
  await expect(chart.getByRole("columnheader").nth(1)).toHaveText("Trust score");
  const cells = chart.getByRole("row").nth(1).getByRole("cell");
  await expect(cells.nth(1)).toHaveText("");
  await expect(chart.getByRole("row").last().getByRole("cell").nth(1)).toHaveText(/^\d+%$/);
});

test("submissions are exported", async ({ page }) => {
  await page.goto("/?scenario=running#/submissions");
  await page.getByTestId("export-csv").click();
  await page.getByTestId("export-json").click();
  await expect
    .poll(() => page.evaluate(() => window.r3mesBackend.written))
    .toEqual(["submissions.csv", "submissions.json"]);
});

test("ids are copied whole, and open in the explorer of the profile", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/submissions");
  const row = page.getByTestId("submissions-table").locator("[aria-rowindex='2']");
  await row.getByRole("button", { name: "Copy CID" }).click();
  expect(await page.evaluate(() => window.r3mesBackend.copied)).toMatch(/^bafybei.{52}$/);
  await row.getByRole("button", { name: "Open in the explorer" }).click();
  expect(await page.evaluate(() => window.r3mesBackend.opened)).toMatch(
    /^https:\/\/explorer\.remes\.example\/tx\/[0-9A-F]{64}$/,
  );
});

test("the log is filtered by level and text, and exported", async ({ page }) => {
  await page.goto("/?scenario=running#/logs");
  const lines = page.getByTestId("log-lines").locator("p");
  await lines.first().waitFor();
  const all = await lines.count();
  await page.getByTestId("log-level").selectOption("error");
  await expect.poll(() => lines.count()).toBeLessThan(all);
  await page.getByTestId("log-search").fill("no such line");
  await page.getByTestId("empty").waitFor();
  await page.getByTestId("log-export").click();
  await expect.poll(() => page.evaluate(() => window.r3mesBackend.written)).toEqual(["proposer.log"]);
});

test("a language chosen in the settings is there at once, everywhere", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/settings/general");
  await page.getByTestId("language-tr").check();
  await expect(page.getByTestId("nav-earnings")).toHaveText("Kazançlar");
  await page.getByTestId("theme-dark").check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("a notification is switched off and stays off", async ({ page }) => {
  await page.goto("/?scenario=running#/settings/general");
  await page.getByTestId("notify-diskLow").click();
  await expect(page.getByTestId("notify-diskLow")).toHaveAttribute("aria-checked", "false");
  expect(
    await page.evaluate(() => window.r3mesBackend.world.snapshot.preferences.notifications),
  ).not.toContain("diskLow");
});

test("settings that the engine will take up later say so", async ({ page }) => {
  await page.goto("/?scenario=running#/settings/parameters");
  await page.getByTestId("setting-aggregation.method").selectOption("multi-krum");
  await page.getByTestId("settings-save").click();
  await page.getByTestId("needs-restart").waitFor();
  expect(await page.evaluate(() => window.r3mesBackend.calls)).toContain(
    "settings aggregation.method=multi-krum",
  );
});

test("a key is backed up, and deleted only with its address", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/settings/keys");
  await page.getByTestId("backup-open").click();
  await page.getByTestId("backup-passphrase").fill("long enough");
  await page.getByTestId("backup-repeat").fill("long enough");
  await page.getByTestId("backup-submit").click();
  await expect.poll(() => page.evaluate(() => window.r3mesBackend.written)).toEqual(["r3mes-backup.bin"]);
  await page.getByTestId("key-list").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByTestId("delete-submit")).toHaveAttribute("aria-disabled", "true");
  const address = await page.evaluate(() => window.r3mesBackend.world.snapshot.keys[0]!.address);
  await page.getByTestId("delete-address").fill(address);
  await page.getByTestId("delete-submit").click();
  await expect(page.getByTestId("key-list")).toHaveCount(0);
});

test("an access passphrase is set and taken away", async ({ page }) => {
  await page.goto("/?scenario=running#/settings/general");
  await page.getByTestId("access-set").click();
  await page.getByTestId("access-new").fill("open sesame");
  await page.getByTestId("access-repeat").fill("open sesame");
  await page.getByTestId("access-apply").click();
  await page.getByTestId("access-remove").click();
  await page.getByTestId("access-present").fill("open sesame");
  await page.getByTestId("access-apply").click();
  await expect(page.getByTestId("access-remove")).toHaveCount(0);
});

test("another data folder is written to before it is taken", async ({ page }) => {
  await page.goto("/?scenario=stopped#/settings/general");
  await page.getByTestId("folder-pick").click();
  await page.getByTestId("folder-probe").waitFor();
  await page.getByTestId("folder-use").click();
  await expect.poll(() => page.evaluate(() => window.r3mesBackend.calls)).toEqual(["folder /mnt/proposer"]);
});

test("under LANG=C, where the browser's language is none, everything draws", async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "language", { configurable: true, get: () => "C" });
    Object.defineProperty(navigator, "languages", { configurable: true, get: () => ["C"] });
  });
  await page.goto("/?scenario=running#/gradients");
  await page.getByTestId("plot-norm").locator("canvas").waitFor();
});

test("a hidden window asks for nothing", async ({ page }) => {
  await page.goto("/?scenario=running#/system");
  await page.getByTestId("load-cpu-value").waitFor();
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
    const counted = window as unknown as { asked: number };
    counted.asked = 0;
    const load = window.r3mesBackend.load.bind(window.r3mesBackend);
    window.r3mesBackend.load = () => {
      counted.asked += 1;
      return load();
    };
    // Half a minute of timers at once.
    const later = window.setTimeout;
    return new Promise((resolve) => later(resolve, 2500));
  });
  expect(await page.evaluate(() => (window as unknown as { asked: number }).asked)).toBe(0);
});
