// A long history in the real window: how evenly it is drawn while it is scrolled through and filtered, and how long
// its pages take.

import { remote } from "webdriverio";

import { freePorts, startWebKitDriver, stopDriver } from "../driver.js";
import { byId, click } from "../page.js";
import { median, quantile } from "./rows.js";

const TABLES = [
  {
    name: "100,000 gradients",
    screen: "gradients",
    filters: [
      ["gradient-verdict", "unusable"],
      ["gradient-verdict", "passed"],
      ["gradient-verdict", "all"],
      ["gradient-search", "77777"],
      ["gradient-search", "remes1"],
      ["gradient-search", "nobody"],
      ["gradient-search", ""],
    ],
  },
  {
    name: "10,000 submissions",
    screen: "submissions",
    filters: [
      ["submission-stage", "expired"],
      ["submission-stage", "finalized"],
      ["submission-stage", "all"],
      ["submission-search", "7777"],
      ["submission-search", "baf"],
      ["submission-search", "nothing"],
      ["submission-search", ""],
    ],
  },
];

export async function measureHistory({ used }) {
  const rows = [];
  Object.assign(process.env, used.folders);
  const [port] = await freePorts();
  await startWebKitDriver(port);
  // The helpers of the tests take the window to be there for all.
  globalThis.browser = await remote({
    hostname: "127.0.0.1",
    port,
    logLevel: "error",
    capabilities: {
      "wdio:enforceWebDriverClassic": true,
      "webkitgtk:browserOptions": { binary: process.env.R3MES_LAUNCHER, args: ["--home", used.home] },
    },
  });
  try {
    await browser.setTimeout({ script: 120_000 });
    await byId("engine-state").waitForDisplayed();
    for (const table of TABLES) rows.push(...(await measureTable(table)));
    rows.push(...(await measurePages()));
  } finally {
    await browser.deleteSession();
    stopDriver();
  }
  return rows;
}

async function measureTable({ name, screen, filters }) {
  await click(`nav-${screen}`);
  const table = `${screen}-table`;
  await browser.waitUntil(async () => Number(await byId(table).getAttribute("data-total")) >= 1000);
  const scrolled = await browser.executeAsync(scroll, table);
  const jumped = await browser.executeAsync(jump, table);
  const filtered = await browser.executeAsync(filter, table, filters);
  return [
    ...frames(`${name}, scrolled`, scrolled, "turned through at 15 rows a frame for 8 s"),
    ...frames(`${name}, jumped`, jumped, "40 times to another place of the whole, with all pages fetched anew"),
    ...frames(`${name}, filtered`, filtered.frames, "a verdict or state, then a search, and back"),
    {
      measure: `${name}, until a filter's rows are drawn`,
      value: Math.max(...filtered.answers),
      unit: "ms",
      how: `the longest of ${filters.length}, median ${median(filtered.answers).toFixed(0)} ms; a search first waits 200 ms for the typing to rest`,
    },
  ];
}

function frames(measure, deltas, how) {
  const late = deltas.filter((delta) => delta > 50).length;
  const seen = `${how}; ${deltas.length} frames, ${late} over 50 ms`;
  return [
    { measure: `${measure}: longest frame`, value: Math.max(...deltas), unit: "ms", wish: "<= 50 ms", how: seen },
    { measure: `${measure}: 99 of 100 frames within`, value: quantile(deltas, 0.99), unit: "ms", how: "from one animation frame to the next" },
  ];
}

/** Scrolls evenly. Runs in the page, like all below that is handed a `done`. */
function scroll(table, done) {
  const view = document.querySelector(`[data-testid="${table}"] [role="group"]`);
  const step = 15 * view.querySelector('[role="row"][aria-rowindex="2"]').getBoundingClientRect().height;
  const deltas = [];
  let before;
  const begun = performance.now();
  const frame = () => {
    const now = performance.now();
    if (before !== undefined) deltas.push(now - before);
    before = now;
    view.scrollTop += step;
    if (now - begun < 8000) requestAnimationFrame(frame);
    else done(deltas);
  };
  requestAnimationFrame(frame);
}

/** Goes to places all over the table, and stays until the rows there are drawn. */
function jump(table, done) {
  const view = document.querySelector(`[data-testid="${table}"] [role="group"]`);
  const deltas = [];
  let before;
  let jumps = 0;
  const drawn = () => ![...view.querySelectorAll('[role="row"]')].some((row) => row.querySelector("span.bg-sunken.h-3"));
  const frame = () => {
    const now = performance.now();
    if (before !== undefined) deltas.push(now - before);
    before = now;
    if (drawn()) {
      if (jumps === 40) return done(deltas);
      jumps += 1;
      // Multiples of the golden ratio are spread evenly over the whole.
      view.scrollTop = view.scrollHeight * ((jumps * 0.618034) % 1);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** Sets one filter after the other, as input events do, and waits until what it leaves is drawn. */
function filter(table, filters, done) {
  const box = document.querySelector(`[data-testid="${table}"]`);
  const deltas = [];
  const answers = [];
  let before;
  let asked;
  let replaced = false;
  const left = [...filters];
  // A new answer first takes the rows of the old one away.
  new MutationObserver(() => (replaced ||= box.dataset.total === undefined)).observe(box, {
    attributes: true,
    attributeFilter: ["data-total"],
  });
  const set = ([id, value]) => {
    const field = document.querySelector(`[data-testid="${id}"]`);
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
    replaced = false;
    asked = performance.now();
    field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  };
  const frame = () => {
    const now = performance.now();
    if (before !== undefined) deltas.push(now - before);
    before = now;
    const drawn = replaced && box.dataset.total !== undefined;
    if (asked === undefined || drawn) {
      if (drawn) answers.push(now - asked);
      if (left.length === 0) return done({ frames: deltas, answers });
      set(left.shift());
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const PAGES = [
  ["gradients, the newest", "gradients", { query: { search: "", verdict: null, trainingRound: null, offset: 0, limit: 100 } }],
  ["gradients, the middle", "gradients", { query: { search: "", verdict: null, trainingRound: null, offset: 50_000, limit: 100 } }],
  ["gradients, the oldest", "gradients", { query: { search: "", verdict: null, trainingRound: null, offset: 99_900, limit: 100 } }],
  ["gradients, one verdict", "gradients", { query: { search: "", verdict: "unusable", trainingRound: null, offset: 0, limit: 100 } }],
  ["gradients, a search", "gradients", { query: { search: "remes1q", verdict: null, trainingRound: null, offset: 0, limit: 100 } }],
  ["gradients in the plots", "gradient_points", { trainingRound: null, limit: 300 }],
  ["submissions, the newest", "submissions", { query: { search: "", stage: null, offset: 0, limit: 100 } }],
  ["submissions, the oldest", "submissions", { query: { search: "", stage: null, offset: 9900, limit: 100 } }],
  ["submissions, a search", "submissions", { query: { search: "bafy", stage: null, offset: 0, limit: 100 } }],
  ["rounds, the oldest", "rounds", { offset: 9900, limit: 100 }],
  ["miners", "miners", { query: { search: "", offset: 0, limit: 100 } }],
  ["ledger, the oldest", "ledger", { offset: 29_000, limit: 100 }],
  ["earnings by day", "earnings_by_day", { days: 30 }],
];

async function measurePages() {
  const rows = [];
  for (const [name, command, options] of PAGES) {
    const taken = await browser.executeAsync(ask, command, options, 15);
    rows.push({
      measure: `a page of ${name}`,
      value: median(taken),
      unit: "ms",
      how: `from the page's call of \`${command}\` to its answer, median of ${taken.length}, longest ${Math.max(...taken).toFixed(0)} ms`,
    });
  }
  return rows;
}

async function ask(command, options, times, done) {
  const taken = [];
  for (let count = 0; count < times; count += 1) {
    const begun = performance.now();
    await window.__TAURI_INTERNALS__.invoke(command, options);
    taken.push(performance.now() - begun);
  }
  done(taken);
}
