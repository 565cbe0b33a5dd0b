import { describe, expect, it } from "vitest";
import en from "../messages/en.json";
import tr from "../messages/tr.json";

const english = en as Record<string, string>;
const turkish = tr as Record<string, string>;
const sources = import.meta.glob<string>("./**/*.{svelte,ts}", {
  eager: true,
  query: "?raw",
  import: "default",
});
const used = new Set(
  Object.entries(sources)
    .filter(([path]) => !path.startsWith("./paraglide/"))
    .flatMap(([, text]) => [...text.matchAll(/\bm\.([a-z0-9_]+)/g)].map((match) => match[1]!)),
);
const keys = Object.keys(english).filter((key) => key !== "$schema");
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe("messages", () => {
  it("have every key in both languages", () => {
    expect(Object.keys(turkish).sort()).toEqual(Object.keys(english).sort());
  });
  it("say something in both", () => {
    for (const key of keys) expect([key, english[key]?.trim(), turkish[key]?.trim()]).not.toContain("");
  });
  it("take the same placeholders in both", () => {
    for (const key of keys)
      expect([key, ...placeholders(turkish[key]!)]).toEqual([key, ...placeholders(english[key]!)]);
  });
  it("are all used, and all that are used exist", () => {
    expect(keys.filter((key) => !used.has(key))).toEqual([]);
    expect([...used].filter((key) => !keys.includes(key))).toEqual([]);
  });
  it("are written in no component beside them", () => {
    // A word between tags, other than names that are the same in every language.
    const names = /R3MES|Proposer|English|Türkçe|CSV|JSON/;
    for (const [path, text] of Object.entries(sources)) {
      if (!path.endsWith(".svelte")) continue;
      const markup = text.replace(/<script[\s\S]*?<\/script>/g, "").replace(/<!--[\s\S]*?-->/g, "");
      const words = [...markup.matchAll(/>\s*([A-Z][a-z]{2,}[^<>{}]*)</g)].map((match) => match[1]!.trim());
      expect([path, ...words.filter((word) => !names.test(word))]).toEqual([path]);
    }
  });
});
