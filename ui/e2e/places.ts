// Every screen and dialog, and how to come to it.

import type { Page } from "@playwright/test";

export interface Place {
  name: string;
  scenario: string;
  hash: string;
  /** What is there when it is drawn. */
  ready: string;
  /** What to do after it is drawn. */
  then?: (page: Page) => Promise<void>;
}

const cell = (id: string) => `[data-testid="${id}"]`;

export const PLACES: Place[] = [
  { name: "welcome", scenario: "fresh", hash: "", ready: cell("setup-welcome") },
  ...["role", "system", "network", "keys", "authorization", "parameters", "register", "ready"].map(
    (step) => ({
      name: `setup-${step}`,
      scenario: "fresh",
      hash: `#/setup/${step}`,
      ready: cell(`setup-${step}`),
      then:
        step === "role"
          ? async (page: Page) => page.getByTestId("role-proposer").check()
          : step === "parameters"
            ? async (page: Page) => page.getByTestId("settings-form").waitFor()
            : step === "system"
              ? async (page: Page) => page.getByTestId("system-passes").waitFor()
              : undefined,
    }),
  ),
  {
    name: "setup-keys-create",
    scenario: "fresh",
    hash: "#/setup/keys",
    ready: cell("setup-keys"),
    then: async (page) => {
      await page.getByTestId("keys-create").check();
      await page.getByTestId("key-make").click();
      await page.getByTestId("key-words").waitFor();
    },
  },
  {
    name: "setup-network-own",
    scenario: "fresh",
    hash: "#/setup/network",
    ready: cell("setup-network"),
    then: async (page) => {
      await page.getByTestId("network-endpoints").check();
      await page.getByTestId("rpc-0").fill("https://rpc-1.remes.example");
      await page.getByTestId("probe-0").getByText("remes-1").waitFor();
    },
  },
  { name: "setup-troubled", scenario: "troubled", hash: "#/setup/keys", ready: cell("trouble-keychain") },
  { name: "overview", scenario: "running", hash: "#/overview", ready: cell("engine-panel") },
  { name: "overview-empty", scenario: "empty", hash: "#/overview", ready: cell("engine-panel") },
  { name: "overview-stopped", scenario: "stopped", hash: "#/overview", ready: cell("engine-panel") },
  { name: "overview-trouble", scenario: "trouble", hash: "#/overview", ready: cell("trouble-engine") },
  { name: "overview-troubled", scenario: "troubled", hash: "#/overview", ready: cell("trouble-keychain") },
  { name: "overview-failed", scenario: "failed", hash: "#/overview", ready: cell("trouble-chain") },
  { name: "rounds", scenario: "running", hash: "#/rounds", ready: `${cell("rounds-table")} [role=row]` },
  { name: "rounds-troubled", scenario: "troubled", hash: "#/rounds", ready: cell("trouble-keychain") },
  {
    name: "round-detail",
    scenario: "running",
    hash: "#/rounds",
    ready: `${cell("rounds-table")} [role=row]`,
    then: async (page) => {
      await page.getByTestId("rounds-table").getByRole("button", { name: "230" }).click();
      await page.getByTestId("round-detail").getByRole("listitem").first().waitFor();
    },
  },
  {
    name: "gradients",
    scenario: "running",
    hash: "#/gradients",
    ready: `${cell("gradients-table")} [role=cell] button`,
    then: async (page) => {
      await page.locator('[data-testid="plot-norm"][data-drawn] canvas').waitFor();
      await page.locator('[data-testid="plot-similarity"][data-drawn] canvas').waitFor();
    },
  },
  { name: "gradients-empty", scenario: "empty", hash: "#/gradients", ready: cell("empty") },
  { name: "gradients-error", scenario: "failing", hash: "#/gradients", ready: "[role=alert]" },
  {
    name: "gradient-detail",
    scenario: "running",
    hash: "#/gradients",
    ready: `${cell("gradients-table")} [role=cell] button`,
    then: async (page) => {
      await page.getByTestId("gradient-verdict").selectOption("unusable");
      await page.getByTestId("gradients-table").locator("[aria-rowindex='2'] button").first().click();
      await page.getByTestId("gradient-detail").getByRole("table").waitFor();
    },
  },
  {
    name: "miners",
    scenario: "running",
    hash: "#/miners",
    ready: `${cell("miners-table")} [role=cell] button`,
  },
  { name: "miners-empty", scenario: "empty", hash: "#/miners", ready: cell("empty") },
  {
    name: "miner-detail",
    scenario: "running",
    hash: "#/miners",
    ready: `${cell("miners-table")} [role=cell] button`,
    then: async (page) => {
      await page.getByTestId("miners-table").locator("[aria-rowindex='2'] button").first().click();
      await page.getByTestId("miner-detail").locator("canvas").first().waitFor();
    },
  },
  {
    name: "submissions",
    scenario: "running",
    hash: "#/submissions",
    ready: `${cell("submissions-table")} [role=cell] button`,
  },
  { name: "submissions-empty", scenario: "empty", hash: "#/submissions", ready: cell("empty") },
  {
    name: "earnings",
    scenario: "running",
    hash: "#/earnings",
    ready: `${cell("ledger-table")} [role=cell] button`,
    then: async (page) => page.locator('[data-testid="earnings-chart"][data-drawn] canvas').waitFor(),
  },
  { name: "earnings-empty", scenario: "empty", hash: "#/earnings", ready: cell("empty") },
  {
    name: "claim",
    scenario: "running",
    hash: "#/earnings",
    ready: cell("claim-open"),
    then: async (page) => {
      await page.getByTestId("claim-open").click();
      await page.getByTestId("claim-preview").waitFor();
    },
  },
  {
    name: "payout",
    scenario: "running",
    hash: "#/earnings",
    ready: cell("payout-open"),
    then: async (page) => {
      await page.getByTestId("payout-open").click();
      await page.getByTestId("payout-to").fill(`remes1${"q".repeat(38)}`);
      await page.locator('[data-testid="payout-look"]:not([aria-disabled])').waitFor();
    },
  },
  {
    name: "payout-preview",
    scenario: "running",
    hash: "#/earnings",
    ready: cell("payout-open"),
    then: async (page) => {
      await page.getByTestId("payout-open").click();
      await page.getByTestId("payout-to").fill(`remes1${"q".repeat(38)}`);
      await page.getByTestId("payout-look").click();
      await page.getByTestId("payout-preview").waitFor();
    },
  },
  { name: "system", scenario: "running", hash: "#/system", ready: cell("verdicts") },
  { name: "system-trouble", scenario: "trouble", hash: "#/system", ready: cell("verdicts") },
  { name: "logs", scenario: "running", hash: "#/logs", ready: cell("log-lines") },
  { name: "logs-empty", scenario: "empty", hash: "#/logs", ready: cell("empty") },
  ...["general", "parameters", "network", "keys", "authorization", "registration", "role", "doctor"].map(
    (section) => ({
      name: `settings-${section}`,
      scenario: "running",
      hash: `#/settings/${section}`,
      ready: cell(`settings-section-${section}`),
      then:
        section === "parameters"
          ? async (page: Page) => {
              await page.getByTestId("settings-form").waitFor();
              await page.getByTestId("parameters-advanced").click();
            }
          : section === "doctor"
            ? async (page: Page) => page.getByTestId("doctor").locator("li").first().waitFor()
            : undefined,
    }),
  ),
  {
    name: "backup",
    scenario: "running",
    hash: "#/settings/keys",
    ready: cell("backup-open"),
    then: async (page) => {
      await page.getByTestId("backup-open").click();
      await page.getByTestId("backup-passphrase").waitFor();
    },
  },
];

export async function open(page: Page, place: Place, theme = "light", language = "en"): Promise<void> {
  await page.goto(`/?scenario=${place.scenario}&theme=${theme}&language=${language}${place.hash}`);
  await page.locator(place.ready).first().waitFor();
  await place.then?.(page);
}
