import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import turkish from "../../messages/engine/tr.json";
import { language } from "../state/locale.svelte";
import { failed, loadForms, told } from "./told.svelte";

const CRATES = "../crates";

/** The texts in a Rust source, with `{}` for whatever is filled in; tests and comments left out. */
function texts(source: string): string[] {
  const code = source.split(/\n#\[cfg\(test\)\]\nmod /)[0]!.replace(/^\s*\/\/.*$/gm, "");
  return [...code.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)].map((match) =>
    match[1]!
      .replace(/\\\n\s*/g, "")
      .replaceAll('\\"', '"')
      .replace(/\{[^{}]*\}/g, "{}"),
  );
}
const read = (path: string) => readFileSync(join(CRATES, path), "utf8");
const sources = readdirSync(CRATES, { recursive: true, encoding: "utf8" }).filter((path) =>
  /^[a-z]+\/src\/.*\.rs$/.test(path),
);
const said = sources.flatMap((path) => texts(read(path)));
const whole = said.join("\n");

/** What looks like a sentence and is a name that nobody sees. */
const UNSAID = new Set([
  "an entry that is never written",
  "collected what no pin holds",
  "a SHA2-256 digest fits a multihash, and such a multihash a CIDv0",
  "32 bytes fit into 64",
  "a 32-byte SHA2-256",
  "asking for a block again",
  "only Linux can tell, and only there it is always told",
]);

describe("what the engine says", () => {
  beforeAll(loadForms);
  afterEach(() => language.follow("en", null));

  it("is left in English on an English screen", () => {
    expect(told("must be at least 1, is 0", "en")).toBe("must be at least 1, is 0");
    expect(failed({ message: "read a: b" })).toBe("Failed to read a: b");
  });
  it("is Turkish on a Turkish one, also within another reason", () => {
    expect(told("must be at least 1, is 0", "tr")).toBe("en az 1 olmalı, girilen: 0");
    expect(told("trying again: failed to reach http://a:1: there was no answer within 4 s", "tr")).toBe(
      "yeniden deneniyor: http://a:1 adresine ulaşılamadı: 4 s içinde yanıt gelmedi",
    );
  });
  it("takes the form that says the most", () => {
    expect(told("none of 2 endpoints is of use: it serves a, not b", "tr")).toBe(
      "2 uç noktanın hiçbiri işe yaramıyor: a sunuyor, b değil",
    );
    expect(told("use x: it must be an http or https URL", "tr")).toBe(
      "x kullanılamaz: http ya da https URL olmalı",
    );
  });
  it("is translated part by part where it is a list", () => {
    expect(told("somewhere: the disk is full; the disk is full", "tr")).toBe(
      "somewhere: the disk is full; disk dolu",
    );
  });
  it("is shown as it came where the form is not known", () => {
    expect(told("something new", "tr")).toBe("something new");
    language.follow("tr", null);
    expect(failed({ message: "do something new" })).toBe("Şu yapılamadı: do something new");
    expect(failed({ message: "reach a: b" })).toBe("a adresine ulaşılamadı: b");
  });
  it("is translated with every gap filled once or more", () => {
    for (const [form, translation] of Object.entries(turkish)) {
      const gaps = form.split("{}").length - 1;
      const used = new Set([...translation.matchAll(/\{(\d)\}/g)].map((match) => Number(match[1])));
      expect([form, ...used].sort()).toEqual([form, ...Array.from({ length: gaps }, (_, i) => i + 1)].sort());
    }
  });
  it("is still said so by the engine, word for word", () => {
    // Of the system's own errors, of texts that are put together, the words stand elsewhere.
    const elsewhere =
      /\(os error|^[A-Za-z ]+: \{\}$|; what was confirmed|^must be (above|from)|list, the nearest|^connection refused$/;
    const gone = Object.keys(turkish).filter(
      (form) => !elsewhere.test(form) && !form.split("{}").every((part) => whole.includes(part)),
    );
    expect(gone).toEqual([]);
  });
  it.each([
    "chain/src/refusal.rs",
    "api/src/error.rs",
    "api/src/error_keys.rs",
    "api/src/session/doctor.rs",
    "api/src/session/keys.rs",
    "api/src/session/reach.rs",
    "hardware/src/verdict.rs",
    "api/src/amount.rs",
    "api/src/claims.rs",
    "api/src/orders.rs",
    "api/src/payouts.rs",
    "api/src/registration.rs",
    "api/src/session/access.rs",
    "api/src/session/clock.rs",
    "api/src/session/local.rs",
    "api/src/session/onboarding.rs",
    "api/src/session/payouts.rs",
    "engine/src/error.rs",
    "engine/src/orders.rs",
    "engine/src/retention.rs",
    "engine/src/steps/collect.rs",
    "engine/src/steps/settle.rs",
    "engine/src/spool.rs",
    "engine/src/submission.rs",
    "engine/src/trouble.rs",
    "engine/src/verification/source.rs",
    "chain/src/amount.rs",
    "chain/src/broadcast.rs",
    "chain/src/rpc/client.rs",
    "chain/src/rpc/encoding.rs",
    "chain/src/subscription.rs",
    "config/src/document.rs",
    "config/src/profile.rs",
    "config/src/quantity.rs",
    "config/src/settings.rs",
    "config/src/validity.rs",
    "config/src/value.rs",
    "config/src/verification.rs",
    "ipfs/src/dag_pb.rs",
    "ipfs/src/fetch/error.rs",
    "ipfs/src/fetch/node.rs",
    "ipfs/src/fetch/walk.rs",
    "ipfs/src/kubo_error.rs",
    "ipfs/src/settings.rs",
    "ipfs/src/source.rs",
    "ipfs/src/unixfs.rs",
    "ipfs/src/wire.rs",
    "keys/src/adr036.rs",
    "keys/src/store/keychain.rs",
    "keys/src/store/traits.rs",
    "keys/src/sealed.rs",
    "gradient/src/error.rs",
    "gradient/src/layout.rs",
    "gradient/src/source.rs",
    "aggregate/src/error.rs",
    "aggregate/src/text.rs",
  ])("has a translation for every sentence of %s", (path) => {
    // What begins or ends with a blank is part of a sentence that is whole elsewhere.
    const sentences = sentencesOf(path).filter((text) => text === text.trim() && !UNSAID.has(text));
    expect(
      sentences.filter((text) => told(text.replaceAll("{}", "7"), "tr") === text.replaceAll("{}", "7")),
    ).toEqual([]);
  });
});

/** What a source says to people: sentences, not names and not what it looks for in another's words. */
function sentencesOf(path: string): string[] {
  let source = read(path);
  if (path.endsWith("refusal.rs")) {
    const remedies = /pub fn remedy[\s\S]*?\n {4}\}/.exec(source)![0];
    const reasons = /impl fmt::Display for RefusalReason[\s\S]*?\n\}/.exec(source)![0];
    source = remedies + reasons;
  }
  return texts(source).filter((text) => / /.test(text.replaceAll("{}", "").trim()) && /[a-z]{3}/.test(text));
}
