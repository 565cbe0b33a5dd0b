// Writes every screen in both themes, both languages and two sizes to `screenshots/`.

import { test } from "@playwright/test";
import { open, PLACES } from "./places";

const SIZES = [
  { width: 900, height: 640 },
  { width: 1440, height: 900 },
];

for (const place of PLACES) {
  for (const [theme, language] of [
    ["light", "en"],
    ["dark", "tr"],
    ["dark", "en"],
    ["light", "tr"],
  ] as const) {
    for (const size of SIZES) {
      const name = `${place.name}-${theme}-${language}-${size.width}`;
      test(name, async ({ page }) => {
        await page.setViewportSize(size);
        await open(page, place, theme, language);
        await page.screenshot({ path: `screenshots/${name}.png` });
      });
    }
  }
}
