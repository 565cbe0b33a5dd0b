// What ships: within its size, and without the model in memory.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "@playwright/test";

const LIMIT = 150_000;

/** The translations of what the engine says, which are no scripts but data and are loaded on a Turkish screen alone. */
const TRANSLATIONS = /^tr-[\w-]+\.js$/;
const TRANSLATIONS_LIMIT = 25_000;

test("the product's scripts are under 150 kB, and hold no model of the engine", () => {
  test.setTimeout(120_000);
  const dist = mkdtempSync(join(tmpdir(), "r3mes-ui-"));
  execFileSync("npx", ["vite", "build", "--outDir", dist], { stdio: "pipe" });
  const assets = join(dist, "assets");
  const files = readdirSync(assets).filter((name) => name.endsWith(".js"));
  const read = (names: string[]) => names.map((name) => readFileSync(join(assets, name)));
  const zipped = (texts: Buffer[]) => texts.reduce((sum, text) => sum + gzipSync(text).length, 0);
  const texts = read(files.filter((name) => !TRANSLATIONS.test(name)));
  const size = zipped(texts);
  const translations = read(files.filter((name) => TRANSLATIONS.test(name)));
  expect(translations).toHaveLength(1);
  expect(zipped(translations)).toBeLessThan(TRANSLATIONS_LIMIT);
  expect(size).toBeLessThan(LIMIT);
  expect(size).toBeGreaterThan(20_000);
  for (const text of texts) expect(text.includes("remes.example")).toBe(false);
  expect(texts.some((text) => text.includes("claim_preview"))).toBe(true);
});
