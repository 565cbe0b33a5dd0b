// What was measured: `measure`, `value` with its `unit`, what is wished for, and how it was measured.

import { cpus, release, totalmem } from "node:os";

/** The middle of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The number below which a share of some numbers lies. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

export function asJson(rows) {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

export function asTable(rows) {
  const lines = rows.map(({ measure, value, unit, wish, how }) => {
    return `| ${measure} | ${shown(value)} ${unit} | ${wish ?? ""} | ${how} |`;
  });
  return [machine(), "", "| what | measured | wish | how |", "|---|---|---|---|", ...lines, ""].join("\n");
}

function shown(value) {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3);
}

function machine() {
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} x ${cpus()[0].model.trim()}, ${memory} GiB, Linux ${release()}; drawn without a graphics card, on Xvfb.`;
}
