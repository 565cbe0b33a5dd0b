import { defineConfig } from "@playwright/test";

/** Debian's Chromium; another by the variable, or Playwright's own where there is neither. */
const CHROMIUM = process.env.R3MES_CHROMIUM ?? "/usr/bin/chromium";

/** Another one where two checkouts are tested at once: a server that is there already is taken for ours. */
const PORT = process.env.R3MES_UI_PORT ?? "4317";

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.spec.ts",
  fullyParallel: true,
  workers: 2,
  forbidOnly: Boolean(process.env.CI),
  // A browser on a busy machine of two cores may be slow once; a fault is a fault twice.
  timeout: 60_000,
  retries: process.env.CI ? 1 : 0,
  reporter: process.env.CI ? "line" : "list",
  outputDir: "test-results",
  use: {
    baseURL: `http://127.0.0.1:${PORT}`,
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    launchOptions: { executablePath: CHROMIUM, args: ["--no-sandbox"] },
    trace: "retain-on-failure",
  },
  webServer: {
    command: "npx vite build -c vite.harness.config.ts && npx vite preview -c vite.harness.config.ts",
    url: `http://127.0.0.1:${PORT}`,
    timeout: 120_000,
    reuseExistingServer: !process.env.CI,
  },
});
