// The whole setup by keyboard alone, as a newcomer on a network with an administrator goes through it.

import { expect, tabTo, test } from "./page";

test("the whole setup is done by keyboard alone", async ({ page }) => {
  const press = (key: string) => page.keyboard.press(key);
  const type = (text: string) => page.keyboard.type(text);
  await page.goto("/?scenario=fresh&language=en");
  await page.getByTestId("setup-welcome").waitFor();
  await tabTo(page, "welcome-begin");
  await press("Enter");

  await tabTo(page, "role-proposer");
  await press("Space");
  await expect(page.getByTestId("step-role")).toHaveAttribute("data-state", "done");
  await tabTo(page, "setup-next");
  await press("Enter");

  await page.getByTestId("system-passes").waitFor();
  await tabTo(page, "setup-next");
  await press("Enter");

  // Arrow keys move in a group of radio buttons.
  await tabTo(page, "network-profile");
  await press("ArrowRight");
  await expect(page.getByTestId("network-endpoints")).toBeChecked();
  await tabTo(page, "rpc-0");
  await type("https://rpc-1.remes.example");
  await expect(page.getByTestId("probe-0")).toContainText("remes-1");
  await tabTo(page, "network-use");
  await press("Enter");
  await expect(page.getByTestId("step-network")).toHaveAttribute("data-state", "done");
  await tabTo(page, "setup-next");
  await press("Enter");

  await tabTo(page, "keys-create");
  await press("Space");
  await tabTo(page, "key-make");
  await press("Enter");
  const words = (await page.getByTestId("key-words").getByRole("listitem").allInnerTexts()).map((line) =>
    line.split(/\s+/).at(-1)!,
  );
  expect(words).toHaveLength(24);
  await tabTo(page, "key-written");
  await press("Enter");
  await expect(page.getByText(words[20]!, { exact: true })).toHaveCount(0);
  for (const place of [3, 7, 11]) {
    await tabTo(page, `word-${place}`);
    await type(place === 7 ? "wrong" : words[place - 1]!);
  }
  await press("Enter");
  await expect(page.getByTestId("key-error")).toContainText("word 7");
  await page.getByTestId("word-7").focus();
  await press("Control+A");
  await type(words[6]!);
  await press("Enter");
  await expect(page.getByTestId("step-keys")).toHaveAttribute("data-state", "done");
  await tabTo(page, "setup-next");
  await press("Enter");

  await tabTo(page, "authorization-contact");
  await type("ada@example.org");
  await press("Enter");
  await expect(page.getByTestId("authorization-text")).toContainText("ada@example.org");
  await tabTo(page, "authorization-send");
  await press("Enter");
  await expect(page.getByTestId("standing-state")).toContainText("Requested");
  await page.evaluate(() => window.r3mesBackend.grant());
  await expect(page.getByTestId("standing-state")).toContainText("Authorized");
  await tabTo(page, "setup-next");
  await press("Enter");

  await page.getByTestId("settings-form").waitFor();
  await tabTo(page, "setting-round.quorum");
  await press("Control+A");
  await type("0");
  await expect(page.getByTestId("field-error")).toHaveText("must be at least 1, is 0");
  await press("Control+A");
  await type("12");
  await expect(page.getByTestId("field-error")).toHaveCount(0);
  await tabTo(page, "settings-save");
  await press("Enter");
  await expect(page.getByTestId("step-parameters")).toHaveAttribute("data-state", "done");
  await tabTo(page, "setup-next");
  await press("Enter");

  await tabTo(page, "register-preview");
  await press("Enter");
  await tabTo(page, "register-confirm");
  await press("Enter");
  await page.getByTestId("register-receipt").waitFor();
  await tabTo(page, "setup-next");
  await press("Enter");

  await tabTo(page, "ready-start");
  await press("Enter");
  await expect(page.getByTestId("screen-overview")).toBeVisible();
  await expect(page.getByTestId("engine-state")).toHaveAttribute("data-state", "running");
  expect(
    await page.evaluate(() => window.r3mesBackend.calls.filter((call) => !call.startsWith("draft"))),
  ).toEqual([
    'network {"kind":"endpoints","rpc":["https://rpc-1.remes.example"],"ipfs":null}',
    "confirm",
    "compose",
    "send",
    "settings round.quorum=12",
    "register 50000",
    "start",
  ]);
});

test("the local network is one press away from the first screen", async ({ page }) => {
  await page.goto("/?scenario=fresh");
  await page.getByTestId("welcome-local").click();
  await expect(page.getByTestId("engine-state")).toHaveAttribute("data-state", "running");
  expect(await page.evaluate(() => window.r3mesBackend.calls)).toEqual(['network {"kind":"local"}', "start"]);
});

test("a reload in the middle of the setup comes back to the first step that is not done", async ({
  page,
}) => {
  await page.goto("/?scenario=fresh");
  await page.getByTestId("welcome-begin").click();
  await page.getByTestId("role-proposer").check();
  await page.evaluate(() => (location.hash = "#/setup"));
  await expect(page.getByTestId("setup-system")).toBeVisible();
});

test("another role is explained and does not lead on", async ({ page }) => {
  await page.goto("/?scenario=fresh#/setup/role");
  await page.getByTestId("role-miner").check();
  await expect(page.getByTestId("role-other")).toBeVisible();
  await expect(page.getByTestId("setup-next")).toHaveAttribute("aria-disabled", "true");
});

test("an imported word that is wrong is named at the field", async ({ page }) => {
  await page.goto("/?scenario=fresh&language=en#/setup/keys");
  await page.getByTestId("keys-import").check();
  await page.getByTestId("import-text").fill("abandon, abilty\nable");
  await page.getByTestId("import-submit").click();
  await expect(page.getByTestId("field-error")).toContainText("word 2 of the mnemonic");
  await expect(page.getByTestId("import-text")).toHaveAttribute("aria-invalid", "true");
});

test("addresses of different chains cannot be used together", async ({ page }) => {
  await page.goto("/?scenario=fresh&language=en#/setup/network");
  await page.getByTestId("network-endpoints").check();
  await page.getByTestId("rpc-0").fill("https://rpc-1.remes.example");
  await page.getByRole("button", { name: "Another address" }).click();
  await page.getByTestId("rpc-1").fill("https://rpc.test.example");
  await expect(page.getByTestId("probe-1")).toContainText("remes-test");
  await expect(page.getByTestId("network-use")).toHaveAttribute("aria-disabled", "true");
  await page.getByTestId("rpc-1").fill("https://dead.example");
  await expect(page.getByTestId("field-error")).toContainText("connection refused");
});

test("a backup is restored", async ({ page }) => {
  await page.goto("/?scenario=fresh#/setup/keys");
  await page.getByTestId("keys-restore").check();
  await page.getByTestId("restore-passphrase").fill("wrong");
  await page.getByTestId("restore-submit").click();
  await expect(page.getByTestId("restore-error")).toContainText("the passphrase does not open it");
  await page.getByTestId("restore-passphrase").fill("the right one");
  await page.getByTestId("restore-submit").click();
  await page.getByTestId("restore-done").waitFor();
  await expect(page.getByTestId("step-keys")).toHaveAttribute("data-state", "done");
});

test("a stake below the minimum cannot be signed", async ({ page }) => {
  await page.goto("/?scenario=fresh&language=en#/setup/keys");
  await page.getByTestId("setup-keys").waitFor();
  await page.evaluate(() => window.r3mesBackend.chooseNetwork({ kind: "profile", name: "remes-1" }));
  await page.getByTestId("keys-import").check();
  await page.getByTestId("import-text").fill("abandon ability");
  await page.getByTestId("import-submit").click();
  await page.getByTestId("key-list").waitFor();
  await page.evaluate(() => (location.hash = "#/setup/register"));
  await page.getByTestId("register-stake").fill("10");
  await page.getByTestId("register-preview").click();
  await expect(page.getByTestId("register-refused")).toContainText("the network's minimum is 50000remes");
  await expect(page.getByTestId("register-confirm")).toHaveAttribute("aria-disabled", "true");
});
