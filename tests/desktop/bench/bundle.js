// What the web UI weighs.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const dist = new URL("../../../ui/dist/", import.meta.url).pathname;

export function measureBundle() {
  const assets = readdirSync(join(dist, "assets")).filter((name) => name.endsWith(".js"));
  const text = (name) => readFileSync(join(dist, "assets", name), "utf8");
  const zipped = (name) => gzipSync(text(name)).length;
  const loaded = [...new Set(readFileSync(join(dist, "index.html"), "utf8").match(/[\w.-]+\.js(?=")/g))];
  // What a module imports by name comes with it; what it imports by a call waits for that.
  for (const name of loaded) {
    for (const [, other] of text(name).matchAll(/(?:\bfrom|\bimport)\s*"\.\/([\w.-]+\.js)"/g)) {
      if (!loaded.includes(other)) loaded.push(other);
    }
  }
  const sum = (names) => names.reduce((total, name) => total + zipped(name), 0) / 1000;
  const named = (names) => names.map((name) => `${name} ${(zipped(name) / 1000).toFixed(1)} kB`).join(", ");
  const later = assets.filter((name) => !loaded.includes(name));
  return [
    { measure: "scripts of a first start, gzipped", value: sum(loaded), unit: "kB", wish: "< 150 kB", how: named(loaded) },
    { measure: "scripts that are loaded when they are needed, gzipped", value: sum(later), unit: "kB", how: named(later) },
  ];
}
