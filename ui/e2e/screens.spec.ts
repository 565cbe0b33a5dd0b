// Every screen and dialog, in both themes and languages: axe finds nothing, and nothing is wider than the
// window.

import { expect, test, violations } from "./page";
import { open, PLACES } from "./places";

for (const place of PLACES) {
  for (const language of ["en", "tr"]) {
    test(`${place.name} in ${language}, light and dark`, async ({ page }) => {
      await page.setViewportSize({ width: 900, height: 640 });
      await open(page, place, "light", language);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(language);
      for (const theme of ["light", "dark"] as const) {
        await page.evaluate((theme) => {
          const backend = window.r3mesBackend;
          return backend.setPreferences({ ...backend.world.snapshot.preferences, theme });
        }, theme);
        await expect(page.locator("html")).toHaveAttribute("data-theme", theme);
        expect(await violations(page)).toEqual([]);
      }
      const [inner, scroll] = await page.evaluate(() => [
        window.innerWidth,
        document.documentElement.scrollWidth,
      ]);
      expect(scroll).toBeLessThanOrEqual(inner!);
      const main = page.locator("main").first();
      expect(await main.evaluate((node) => node.scrollWidth - node.clientWidth)).toBeLessThanOrEqual(0);
    });
  }
}

test("at 4K the text grows with the screen", async ({ page }) => {
  await page.setViewportSize({ width: 3840, height: 2160 });
  await page.goto("/?scenario=running#/overview");
  await page.getByTestId("engine-panel").waitFor();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe("19.48px");
});

test("light and dark follow the system, also while it changes", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/?scenario=running#/overview");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
});
