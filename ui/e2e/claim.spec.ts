// The claim: by keyboard, one at a time, refused where it cannot be paid.

import { expect, tabTo, test } from "./page";

test("rewards are claimed by keyboard alone, and the button is dead afterwards", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/earnings");
  await page.evaluate(() => window.r3mesBackend.hold());
  await tabTo(page, "claim-open");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("claim-confirm")).toHaveAttribute("aria-disabled", "true");
  await page.evaluate(() => window.r3mesBackend.release());
  await expect(page.getByTestId("claim-net")).toHaveText("1,834 remes, -4,588 stake");
  await page.evaluate(() => window.r3mesBackend.hold());
  await tabTo(page, "claim-confirm");
  await page.keyboard.press("Enter");
  await page.getByTestId("claim-waiting").waitFor();
  await expect(page.getByTestId("claim-confirm")).toHaveAttribute("aria-busy", "true");
  await page.keyboard.press("Enter");
  await page.evaluate(() => window.r3mesBackend.release());
  await expect(page.getByTestId("claim-received")).toHaveText("1,834 remes, 12 stake");
  await tabTo(page, "claim-done");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("claim-dialog")).toHaveCount(0);
  await expect(page.getByTestId("claim-open")).toHaveAttribute("aria-disabled", "true");
  expect(await page.evaluate(() => window.r3mesBackend.calls)).toEqual(["claim"]);
});

test("a refused claim says why and cannot be signed", async ({ page }) => {
  await page.goto("/?scenario=running#/earnings");
  await page.evaluate(() => {
    window.r3mesBackend.claimRefused = {
      code: "request",
      message: "claim: the fee is more than the balance",
      remedy: "send stake to the account",
    };
  });
  await page.getByTestId("claim-open").click();
  await expect(page.getByTestId("claim-refused")).toContainText("the fee is more than the balance");
  await expect(page.getByTestId("claim-confirm")).toHaveAttribute("aria-disabled", "true");
});

test("the access passphrase is asked for, and a wrong one again", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/earnings");
  await page.evaluate(() => void (window.r3mesBackend.world.accessPassphrase = "open sesame"));
  await page.getByTestId("claim-open").click();
  await page.getByTestId("claim-confirm").click();
  await page.getByTestId("access-passphrase").fill("wrong");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("access-dialog")).toContainText("the access passphrase is wrong");
  await page.getByTestId("access-passphrase").fill("open sesame");
  await page.keyboard.press("Enter");
  await page.getByTestId("claim-receipt").waitFor();
});

test("Escape closes the dialog and the focus returns", async ({ page }) => {
  await page.goto("/?scenario=running#/earnings");
  await page.getByTestId("claim-open").focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("claim-preview").waitFor();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("claim-dialog")).toHaveCount(0);
  await expect(page.getByTestId("claim-open")).toBeFocused();
});
