// The engine's switch as a state machine, and what the screen says when something is wrong.

import { expect, test } from "./page";

test("Stop is there while it starts, and Start says why it cannot be pressed", async ({ page }) => {
  await page.goto("/?scenario=stopped&language=en#/overview");
  await page.evaluate(() => window.r3mesBackend.hold());
  const panel = page.getByTestId("engine-panel");
  await panel.getByTestId("engine-start").click();
  await expect(page.getByTestId("engine-state")).toHaveAttribute("data-state", "starting");
  await expect(page.getByTestId("engine-words")).toContainText("The chain is asked");
  await panel.getByTestId("engine-stop").click();
  await expect(page.getByTestId("engine-state")).toHaveAttribute("data-state", "stopping");

  await page.goto("/?scenario=fresh&language=en#/overview");
  const start = page.getByTestId("engine-panel").getByTestId("engine-start");
  await expect(start).toHaveAttribute("aria-disabled", "true");
  await expect(start).toHaveAccessibleDescription(
    "Not possible now: start the proposer: there is no key yet",
  );
});

test("what waits for something that is missing says that it tries again by itself", async ({ page }) => {
  await page.goto("/?scenario=starting&language=en#/overview");
  const words = page.getByTestId("engine-words");
  await expect(words).toContainText("The chain is asked");
  const retryAt = new Date(Date.now() + 6000).toISOString();
  await page.evaluate((at) => window.r3mesBackend.engine({ retryAt: at }), retryAt);
  await expect(words).toHaveText("It waits for what is missing and tries again by itself");
  await page.evaluate(() => window.r3mesBackend.engine({ state: "stoppedWithError" }));
  await expect(words).toHaveText("It waits for what is missing and tries again by itself");
});

test("running without recent work is not green", async ({ page }) => {
  const tone = () => page.getByTestId("health").getAttribute("data-tone");
  await page.goto("/?scenario=running#/overview");
  expect(await tone()).toBe("good");
  await page.evaluate(() => window.r3mesBackend.engine({ health: "idle" }));
  await expect(page.getByTestId("health")).toHaveAttribute("data-tone", "warn");
  await page.evaluate(() => window.r3mesBackend.engine({ health: "unproven" }));
  await expect(page.getByTestId("health")).toHaveAttribute("data-tone", "accent");
});

test("an engine that does not answer is said so, figures are greyed, and it comes back by itself", async ({
  page,
}) => {
  await page.goto("/?scenario=running#/overview");
  await page.getByTestId("engine-panel").waitFor();
  await page.evaluate(() => {
    window.r3mesBackend.world.silent = true;
    window.r3mesBackend.loseDelta();
    window.r3mesBackend.judge();
  });
  await page.getByTestId("link-lost").waitFor();
  await expect(page.getByTestId("metric-gradients")).toHaveAttribute("data-stale", "true");
  await expect(page.getByTestId("engine-state").locator("[data-tone]")).toHaveAttribute(
    "data-tone",
    "neutral",
  );
  await page.evaluate(() => void (window.r3mesBackend.world.silent = false));
  await expect(page.getByTestId("link-lost")).toHaveCount(0);
});

test("a lost delta is made good by a new snapshot", async ({ page }) => {
  await page.goto("/?scenario=running#/overview");
  await page.getByTestId("engine-panel").waitFor();
  await page.evaluate(() => {
    window.r3mesBackend.world.snapshot.metrics.gradients.value = "4242";
    window.r3mesBackend.loseDelta();
    window.r3mesBackend.judge();
  });
  await expect(page.getByTestId("metric-gradients-value")).toHaveText("4,242");
});

test("a start that cannot be had at all says so and tries again", async ({ page }) => {
  await page.goto("/?scenario=silent");
  await expect(page.getByRole("alert")).toContainText("it does not answer");
  await page.evaluate(() => void (window.r3mesBackend.world.silent = false));
  await page.getByTestId("engine-panel").waitFor();
});

test("the passphrase of a key file is asked for at the start", async ({ page }) => {
  await page.goto("/?scenario=stopped#/overview");
  await page.evaluate(() => void (window.r3mesBackend.keysLocked = "sesame"));
  await page.getByTestId("engine-panel").getByTestId("engine-start").click();
  await page.getByTestId("access-passphrase").fill("no");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("access-dialog")).toContainText("the passphrase does not open it");
  await page.getByTestId("access-passphrase").fill("sesame");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("engine-state")).toHaveAttribute("data-state", "running");
});

for (const screen of [
  "rounds",
  "gradients",
  "miners",
  "submissions",
  "earnings",
  "system",
  "logs",
  "settings/doctor",
  "settings/parameters",
]) {
  test(`${screen}: a query that fails is shown with its remedy`, async ({ page }) => {
    await page.goto(`/?scenario=failing#/${screen}`);
    await expect(page.getByRole("alert").first()).toContainText("input/output error");
    await expect(page.getByRole("alert").first()).toContainText("check the disk");
  });
}
