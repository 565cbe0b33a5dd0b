// What is wrong while the proposer runs: on every screen what, since when, what to do, where; and gone by itself.

import type { Page } from "@playwright/test";
import type { Concern } from "../src/backend/types";
import { expect, tabTo, test, violations } from "./page";

const SAID: Record<Concern, { title: string; cause: string; remedy: string | null; leads: string }> = {
  chain: {
    title: "Trouble with the chain",
    cause: "Failed to reach the chain at https://rpc-1.remes.example: there was no answer within 4 s",
    remedy: "check the network connection and the RPC addresses",
    leads: "system",
  },
  ipfs: {
    title: "Trouble with the IPFS node",
    cause: "Failed to reach the IPFS node http://127.0.0.1:5001/: connection refused",
    remedy: "start the IPFS node, or correct its address",
    leads: "system",
  },
  disk: {
    title: "Trouble with the disk",
    cause: "Failed to keep enough room on the disk: 112 MB are free, the next round needs up to 210 MB",
    remedy: "free space on the disk of the data folder",
    leads: "system",
  },
  keychain: {
    title: "Trouble with the keys",
    cause: "Failed to use the keychain: it is locked",
    remedy: "unlock it, for example by logging in to the desktop",
    leads: "settings/keys",
  },
  clock: {
    title: "Trouble with the clock",
    cause: "Failed to rely on the clock: this clock was put back by 3600 s",
    remedy: "have the system set its clock",
    leads: "system",
  },
  account: {
    title: "Trouble with the account",
    cause: "Failed to pay for a transaction",
    remedy: "send coins to the proposer's address",
    leads: "settings/authorization",
  },
  engine: {
    title: "Trouble in the engine",
    cause: "Failed to judge a gradient: no answer in limits.fetch_timeout",
    remedy: null,
    leads: "logs",
  },
};
const CONCERNS = Object.keys(SAID) as Concern[];

const goWrong = (page: Page, concern: Concern, secondsAgo = 0) =>
  page.evaluate(
    ([which, ago]) =>
      window.r3mesBackend.trouble(which, { since: new Date(Date.now() - ago * 1000).toISOString() }),
    [concern, secondsAgo] as const,
  );
const well = (page: Page, concern: Concern) =>
  page.evaluate((which) => window.r3mesBackend.well(which), concern);

for (const concern of CONCERNS) {
  test(`${concern}: what, why, since when, what to do and where, on two screens, and gone`, async ({
    page,
  }) => {
    const said = SAID[concern];
    await page.goto("/?scenario=running&language=en#/overview");
    await page.getByTestId("engine-panel").waitFor();
    await goWrong(page, concern, 25);
    const entry = page.getByTestId(`trouble-${concern}`);
    for (const screen of ["overview", "miners"]) {
      await page.getByTestId(`nav-${screen}`).click();
      await page.getByTestId(`screen-${screen}`).waitFor();
      await expect(entry).toContainText(said.title);
      await expect(entry).toContainText(said.cause);
      await expect(page.getByTestId(`trouble-${concern}-since`)).toHaveText(
        /^since (.+, )?\d+:\d\d:\d\d\s[AP]M\s· (2[5-9]|[345]\d) s$/,
      );
      const remedy = page.getByTestId(`trouble-${concern}-remedy`);
      if (said.remedy) await expect(remedy).toContainText(`What to do: ${said.remedy}`);
      else await expect(remedy).toHaveCount(0);
    }
    await entry.getByRole("link").click();
    expect(new URL(page.url()).hash).toBe(`#/${said.leads}`);
    await expect(entry).toBeVisible();
    await well(page, concern);
    await expect(entry).toHaveCount(0);
  });
}

test("it is on every screen, and in the setup while a proposer is at work", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/overview");
  await page.getByTestId("engine-panel").waitFor();
  await goWrong(page, "disk");
  const ways = await page.locator('nav [data-testid^="nav-"]').all();
  expect(ways).toHaveLength(9);
  for (const way of ways) {
    await way.click();
    const screen = (await way.getAttribute("data-testid"))!.replace("nav-", "screen-");
    await page.getByTestId(screen).waitFor();
    await expect(page.getByTestId("trouble-disk")).toBeInViewport({ ratio: 1 });
  }
  await page.goto("/?scenario=troubled&language=en#/setup/network");
  await expect(page.getByTestId("trouble-chain")).toBeInViewport({ ratio: 1 });
  await page.evaluate(() => window.r3mesBackend.engine({ state: "stopped", desired: "stopped" }));
  await expect(page.getByTestId("trouble-chain")).toHaveCount(0);
});

test("its age counts on, also where the engine stands", async ({ page }) => {
  await page.goto("/?scenario=stopped&language=en#/overview");
  await page.getByTestId("engine-panel").waitFor();
  await goWrong(page, "keychain");
  await expect(page.getByTestId("trouble-keychain-since")).toHaveText(/ [34] s$/, { timeout: 6000 });
});

test("of another day it has the date, and of the future no age below nothing", async ({ page }) => {
  await page.goto("/?scenario=running&language=en#/overview");
  await page.getByTestId("engine-panel").waitFor();
  await page.evaluate(() => window.r3mesBackend.trouble("chain", { since: "2025-03-04T14:03:12Z" }));
  await expect(page.getByTestId("trouble-chain-since")).toHaveText(/^since Mar 4, 2025, 2:03:12\sPM · \d+ d/);
  await goWrong(page, "clock", -3600);
  await expect(page.getByTestId("trouble-clock-since")).toHaveText(/ 0 s$/);
});

test("a screen reader's region is there from the start, takes no room, and is told no seconds", async ({
  page,
}) => {
  await page.goto("/?scenario=running&language=en#/overview");
  const region = page.getByRole("region", { name: "What is wrong now" });
  const told = page.getByTestId("troubles-told");
  await expect(told).toHaveAttribute("aria-live", "polite");
  await expect(told).toHaveText("");
  const panel = page.getByTestId("engine-panel");
  const top = async () => (await panel.boundingBox())!.y;
  const before = await top();
  expect(await region.boundingBox().then((box) => box?.height ?? 0)).toBe(0);
  await region.evaluate((node) => node.setAttribute("data-first", ""));
  await goWrong(page, "ipfs");
  await expect(page.getByTestId("trouble-ipfs-since")).toContainText(" s");
  await expect(told).toHaveText(/^Trouble with the IPFS node$/);
  const height = (await region.boundingBox())!.height;
  expect(await top()).toBeGreaterThanOrEqual(before + height);
  await page.getByTestId("nav-logs").click();
  await page.getByTestId("screen-logs").waitFor();
  // The same node, so that going to another screen reads nothing out again.
  await expect(region).toHaveAttribute("data-first", "");
  await page.getByTestId("nav-overview").click();
  await well(page, "ipfs");
  await expect(page.getByTestId("trouble-ipfs")).toHaveCount(0);
  expect(await top()).toBe(before);
});

test("the way to where it is dealt with is walked by keyboard", async ({ page }) => {
  await page.goto("/?scenario=troubled&language=en#/overview");
  await page.getByTestId("trouble-keychain").waitFor();
  await tabTo(page, "trouble-keychain");
  await page.keyboard.press("Enter");
  await page.getByTestId("settings-section-keys").waitFor();
});

test("in Turkish all of it is Turkish", async ({ page }) => {
  await page.goto("/?scenario=running&language=tr#/overview");
  await page.getByTestId("engine-panel").waitFor();
  for (const concern of CONCERNS) await goWrong(page, concern);
  const told = (concern: Concern) => page.getByTestId(`trouble-${concern}`);
  await expect(told("chain")).toContainText("Zincirde sorun var");
  await expect(told("chain")).toContainText(
    "https://rpc-1.remes.example adresindeki zincire ulaşılamadı: 4 s içinde yanıt gelmedi",
  );
  await expect(told("chain")).toContainText("Ne yapmalı: ağ bağlantısını ve RPC adreslerini denetleyin");
  await expect(told("chain").getByRole("link")).toHaveText("Sistem ekranını aç");
  await expect(page.getByTestId("trouble-chain-since")).toHaveText(/anından beri · \d+ sn$/);
  await expect(told("ipfs")).toContainText("http://127.0.0.1:5001/ IPFS düğümüne ulaşılamadı");
  await expect(told("disk")).toContainText("Diskte yeterli yer yok: 112 MB boş, sonraki tura 210 MB'a kadar");
  await expect(told("keychain")).toContainText("Anahtarlık kullanılamadı: kilitli");
  await expect(told("clock")).toContainText("Saate güvenilemiyor: bu saat 3600 s geri alındı");
  await expect(told("account")).toContainText("Hesapta sorun var");
  await expect(told("engine")).toContainText("Bir gradyan değerlendirilemedi");
  await expect(page.getByTestId("troubles")).not.toContainText(/Failed|What to do|Şu yapılamadı/);
});

for (const theme of ["light", "dark"]) {
  test(`three at once in the smallest window leave the screen its room, ${theme}`, async ({ page }) => {
    await page.setViewportSize({ width: 900, height: 640 });
    await page.goto(`/?scenario=troubled&language=en&theme=${theme}#/overview`);
    await page.getByTestId("trouble-keychain").waitFor();
    const order = await page
      .getByTestId("troubles")
      .getByRole("listitem")
      .evaluateAll((items) => items.map((item) => item.getAttribute("data-testid")));
    expect(order).toEqual(["trouble-chain", "trouble-disk", "trouble-keychain"]);
    const banner = (await page.getByTestId("troubles").boundingBox())!;
    const panel = page.getByTestId("engine-panel");
    expect((await panel.boundingBox())!.y).toBeGreaterThanOrEqual(banner.y + banner.height);
    expect(banner.height).toBeLessThan(300);
    await expect(panel).toBeInViewport({ ratio: 1 });
    expect(await violations(page)).toEqual([]);
  });
}
