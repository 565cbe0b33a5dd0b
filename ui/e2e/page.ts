// What every test of the page shares: a page whose own faults fail the test, and axe.

import { createRequire } from "node:module";
import { expect, test as base, type Page } from "@playwright/test";
import type { MemoryBackend } from "../src/backend/memory/backend";
import type { Fault } from "../src/lib/faults";

declare global {
  interface Window {
    r3mesBackend: MemoryBackend;
    r3mesFaults?: Fault[];
  }
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** A test that fails when the page wrote an error to the console, threw, or broke the security policy. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(error.message));
    await use(page);
    expect(await page.evaluate(() => window.r3mesFaults ?? [])).toEqual([]);
    expect(errors).toEqual([]);
  },
});

/** What axe finds wrong on the page, one line each. */
export async function violations(page: Page): Promise<string[]> {
  // The policy lets no inline script in, so it comes through the debugger's door, which it does not guard.
  const { readFile } = await import("node:fs/promises");
  await page.evaluate(await readFile(AXE, "utf8"));
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
    interface AxeViolation {
      id: string;
      nodes: { html: string; failureSummary?: string }[];
    }
    const found = await axe.run();
    return found.violations.flatMap((one) =>
      one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`),
    );
  });
}

/** Goes to an element by Tab alone. Fails where it cannot be reached. */
export async function tabTo(page: Page, testid: string): Promise<void> {
  const reached = () =>
    page.evaluate((id) => document.activeElement?.closest(`[data-testid="${id}"]`) !== null, testid);
  for (let presses = 0; presses < 120; presses += 1) {
    if (await reached()) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${testid} cannot be reached by Tab`);
}

export { expect };
